//! `invoke`: send one request to the deployed stack.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use aws_sdk_lambda::primitives::Blob;
use provision_aws::Calls;
use provision_aws::apigateway::key_value;
use provision_aws::arn::KeyId;
use provision_aws::lambda::INVOKE;
use provision_engine::aws::Aws;
use provision_engine::fault::Code;
use provision_engine::input::Outputs;
use provision_engine::secret::Secret;
use serde_json::{Value, json};

use super::Session;
use super::context::Context;
use super::endpoints::{Endpoint, endpoints, functions, keys};
use super::names::{Candidate, choose};
use crate::args;
use crate::exit::Exit;
use crate::ui::console::Console;
use crate::ui::{render, stdin};

struct Answer {
    is_success: bool,
    /// "200", "function error (Unhandled)".
    status: String,
    body: String,
    took: Duration,
}

/// Runs the command.
pub(crate) async fn run(session: &Session<'_>, arguments: &args::Invoke) -> Result<Exit> {
    let (target, request) = match &arguments.words[..] {
        [] => (None, None),
        [only] if is_request(only) => (None, Some(only)),
        [target] => (Some(target.as_str()), None),
        [target, request, ..] => (Some(target.as_str()), Some(request)),
    };
    let request = match request {
        Some(text) => {
            let reading = request_of(&session.console, text);
            Some(session.interrupt.or(reading).await?)
        }
        None => None,
    };
    let (context, known) = Context::deployed(session).await?;
    let asked = async {
        if arguments.direct {
            let functions = functions(&context.declaration);
            let function = choose(functions, target, "function")?;
            let request = request.unwrap_or_else(|| default_body(&context));
            direct(&context.aws, &function.name, request).await
        } else {
            let key = arguments.key.as_deref();
            through_endpoint(
                &context,
                &known,
                Wanted {
                    target,
                    key,
                    request,
                },
            )
            .await
        }
    };
    let answer = session.interrupt.or(asked).await?;
    drop(context.aws);
    context.listener.finish().await;
    session.console.say(&format!(
        "{} in {} ms, {} bytes",
        answer.status,
        render::milliseconds(answer.took),
        answer.body.len()
    ));
    session.console.result(&if session.config.json {
        document(&context.declaration.name, &answer)
    } else {
        shown(&answer.body)
    });
    Ok(if answer.is_success {
        Exit::Done
    } else {
        Exit::Failed
    })
}

/// Returns true if a word is a request and no target: JSON, `@FILE`, `-`, or a text that begins like JSON.
fn is_request(word: &str) -> bool {
    word == "-"
        || word.starts_with(['@', '{', '[', '"'])
        || serde_json::from_str::<serde::de::IgnoredAny>(word).is_ok()
}

/// The body of the stack's check, which every endpoint of the stack is likely to understand.
fn default_body(context: &Context) -> String {
    let check = context.declaration.checks.first();
    let body = check.map(|check| check.body.clone());
    body.filter(|body| !body.is_empty())
        .unwrap_or_else(|| "{}".to_owned())
}

/// The target and the request, as the command line names them.
struct Wanted<'a> {
    target: Option<&'a str>,
    key: Option<&'a str>,
    request: Option<String>,
}

async fn through_endpoint(
    context: &Context,
    known: &Outputs,
    wanted: Wanted<'_>,
) -> Result<Answer> {
    let all = endpoints(&context.declaration, known);
    if all.is_empty() && !context.declaration.checks.is_empty() {
        bail!(Code::NotDeployed.fault("no endpoint of the stack is deployed yet"));
    }
    let (endpoint, path) = chosen(all, wanted.target)?;
    let url = format!("{}{path}", endpoint.url);
    let key = match &endpoint.keys {
        Some(ids) => Some(key_for(context, known, &endpoint, ids, wanted.key).await?),
        None => None,
    };
    let has_body = !["GET", "HEAD", "DELETE", "OPTIONS"].contains(&endpoint.verb.as_str());
    let body = wanted.request.unwrap_or_else(|| match &endpoint.check {
        Some(check) => check.body.clone(),
        None if has_body => "{}".to_owned(),
        None => String::new(),
    });
    let verb = match endpoint.verb.as_str() {
        "ANY" if body.is_empty() => "GET",
        "ANY" => "POST",
        verb => verb,
    };
    let started = Instant::now();
    let http = context.aws.http(&url);
    let answer = http.send(verb, &url, key.as_ref(), body).await?;
    Ok(Answer {
        is_success: (200..300).contains(&answer.status),
        status: answer.status.to_string(),
        body: answer.body,
        took: started.elapsed(),
    })
}

/// Returns the endpoint called `wanted`, and the path to send the request to: `POST /orders`, `/orders/42` for
/// `/orders/{id}`, or the function behind it.
fn chosen(all: Vec<Candidate<Endpoint>>, wanted: Option<&str>) -> Result<(Endpoint, String)> {
    let Some(wanted) = wanted else {
        let checked = all.iter().find(|candidate| candidate.value.check.is_some());
        if let (Some(checked), true) = (checked, all.len() > 1) {
            let path = checked.value.path.clone();
            return Ok((checked.value.clone(), path));
        }
        let only = choose(named(all), None, "endpoint")?.value;
        let path = only.path.clone();
        return Ok((only, path));
    };
    let (verb, path) = match wanted.split_once(' ') {
        Some((verb, path)) => (Some(verb), path),
        None => (None, wanted),
    };
    let fits = |candidate: &&Candidate<Endpoint>| {
        let Endpoint {
            verb: own,
            path: template,
            ..
        } = &candidate.value;
        verb.is_none_or(|verb| verb.eq_ignore_ascii_case(own)) && is_path_of(path, template)
    };
    let by_path: Vec<_> = all.iter().filter(fits).cloned().collect();
    if path.starts_with('/') && !by_path.is_empty() {
        let endpoint = choose(named(by_path), None, "endpoint")?.value;
        return Ok((endpoint, path.to_owned()));
    }
    let by_function: Vec<_> = all
        .iter()
        .filter(|candidate| candidate.value.function.as_deref() == Some(wanted))
        .cloned()
        .collect();
    let endpoint = if by_function.is_empty() {
        choose(named(all), Some(wanted), "endpoint")?.value
    } else {
        choose(named(by_function), None, "endpoint")?.value
    };
    let path = endpoint.path.clone();
    Ok((endpoint, path))
}

/// The endpoints under the names that people call them by.
fn named(all: Vec<Candidate<Endpoint>>) -> Vec<Candidate<Endpoint>> {
    all.into_iter()
        .map(|candidate| Candidate {
            id: candidate.name,
            name: candidate.id,
            value: candidate.value,
        })
        .collect()
}

/// Returns true if `path` is one of those that `template` stands for.
fn is_path_of(path: &str, template: &str) -> bool {
    let (mut parts, mut wanted) = (path.split('/'), template.split('/'));
    loop {
        match (parts.next(), wanted.next()) {
            (None, None) => return true,
            (Some(_), Some(part)) if part.starts_with('{') && part.ends_with("+}") => return true,
            (Some(own), Some(part)) if part.starts_with('{') && !own.is_empty() => {}
            (Some(own), Some(part)) if own == part => {}
            _ => return false,
        }
    }
}

/// Reads the value of the key to send: the one that was named, the one of the check, or the only one.
async fn key_for(
    context: &Context,
    known: &Outputs,
    endpoint: &Endpoint,
    ids: &[String],
    wanted: Option<&str>,
) -> Result<Secret> {
    let candidates = keys(&context.declaration);
    let fitting = candidates
        .into_iter()
        .filter(|key| ids.contains(&key.id))
        .collect::<Vec<_>>();
    let of_check = endpoint.check.as_ref().and_then(|check| check.key.as_ref());
    let of_check = of_check.and_then(|key| key.source());
    let first = fitting.first().map(|key| key.id.clone());
    let wanted = wanted.or(of_check).or(first.as_deref());
    let key = choose(fitting, wanted, "API key")?;
    let id = known.lookup(&format!("{}.id", key.id));
    let id = id.and_then(Value::as_str).with_context(|| {
        Code::NotDeployed.fault(format!("API key `{}` is not deployed yet", key.id))
    })?;
    key_value(&context.aws, &KeyId(id.to_owned())).await
}

/// Reads the request from an argument, a file or standard input; it has to be JSON.
async fn request_of(console: &Console, argument: &str) -> Result<String> {
    let text = if argument == "-" {
        if console.is_interactive() {
            console.say("The request, ended by Ctrl-D:");
        }
        stdin::all()
            .await
            .context("reading the request from standard input")?
    } else if let Some(path) = argument.strip_prefix('@') {
        std::fs::read_to_string(path)
            .with_context(|| format!("reading the request from `{path}`"))?
    } else {
        argument.to_owned()
    };
    if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(&text) {
        bail!(
            Code::RequestNotJson
                .fault(format!("the request is not JSON: {error}"))
                .remedy(
                    "`provision invoke '{\"operation\":\"ping\"}'`, `@FILE`, or `-` for standard input"
                )
        );
    }
    Ok(text)
}

async fn direct(aws: &Aws, function: &str, request: String) -> Result<Answer> {
    let (started, lambda) = (Instant::now(), aws.lambda());
    let invoked = aws
        .call(&INVOKE, || {
            lambda
                .invoke()
                .function_name(function)
                .payload(Blob::new(request.clone()))
                .send()
        })
        .await
        .with_context(|| format!("invoking function `{function}`"))?;
    let body = invoked.payload.map(Blob::into_inner).unwrap_or_default();
    Ok(Answer {
        is_success: invoked.function_error.is_none(),
        status: match invoked.function_error {
            Some(error) => format!("function error ({error})"),
            None => invoked.status_code.to_string(),
        },
        body: String::from_utf8_lossy(&body).into_owned(),
        took: started.elapsed(),
    })
}

/// The answer as a document: its body as JSON if it is that, else as text.
fn document(stack: &str, answer: &Answer) -> String {
    let body = serde_json::from_str(&answer.body).unwrap_or_else(|_| json!(answer.body));
    json!({
        "schema": 1,
        "stack": stack,
        "status": answer.status,
        "ms": render::milliseconds(answer.took),
        "bytes": answer.body.len(),
        "body": body,
    })
    .to_string()
}

/// The body as it came for programs, indented for people.
fn shown(body: &str) -> String {
    if !std::io::stdout().is_terminal() {
        return body.to_owned();
    }
    serde_json::from_str::<Value>(body)
        .and_then(|value| serde_json::to_string_pretty(&value))
        .unwrap_or_else(|_| body.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_fits_its_template() {
        assert!(is_path_of("/orders/42", "/orders/{id}"));
        assert!(is_path_of("/files/a/b", "/files/{path+}"));
        assert!(is_path_of("/", "/"));
        assert!(!is_path_of("/orders", "/orders/{id}"));
        assert!(!is_path_of("/orders/", "/orders/{id}"));
        assert!(!is_path_of("/orders/42/x", "/orders/{id}"));
        assert!(!is_path_of("/stock/42", "/orders/{id}"));
    }

    #[test]
    fn a_request_is_told_from_a_target() {
        for request in ["{}", "{\"broken\"", "[1]", "@file", "-", "\"x\"", "12"] {
            assert!(is_request(request), "{request}");
        }
        for target in ["orders", "POST /orders", "/orders/42"] {
            assert!(!is_request(target), "{target}");
        }
    }
}
