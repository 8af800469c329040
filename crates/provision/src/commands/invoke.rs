//! `invoke`: one request to the deployed stack.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use aws_sdk_lambda::primitives::Blob;
use serde_json::{Value, json};

use super::deployed::deployed;
use super::{Session, connect, outputs};
use crate::aws::Aws;
use crate::aws::call::Operation;
use crate::cli;
use crate::console::Console;
use crate::declaration::Stack;
use crate::exit::Exit;
use crate::fault::Code;
use crate::input::Outputs;
use crate::render;
use crate::stdin;

const INVOKE: Operation = Operation::look_first("Invoke");

struct Answer {
    is_success: bool,
    /// "200 OK", "error".
    status: String,
    body: String,
    took: Duration,
}

pub async fn run(session: &Session, arguments: &cli::Invoke) -> Result<Exit> {
    let request = session
        .interrupt
        .or(request(&session.console, &arguments.request))
        .await?;
    let (aws, listener) = connect(session).await?;
    let (stack, known) = deployed(session, &aws).await?;
    let output = |name: &str| output(session, &stack, &known, name);
    let asked = async {
        if arguments.direct {
            direct(&aws, &output("function_name")?, request).await
        } else {
            let url = output("invoke_url")?;
            let key = outputs::key(session, &aws, &known).await?;
            let started = Instant::now();
            let answer = aws
                .http(&url)
                .send("POST", &url, Some(&key), request)
                .await?;
            Ok(Answer {
                is_success: (200..300).contains(&answer.status),
                status: answer.status.to_string(),
                body: answer.body,
                took: started.elapsed(),
            })
        }
    };
    let answer = session.interrupt.or(asked).await?;
    drop(aws);
    listener.finish().await;
    session.console.say(&format!(
        "{} in {} ms, {} bytes",
        answer.status,
        render::milliseconds(answer.took),
        answer.body.len()
    ));
    session.console.result(&if session.config.json {
        document(&stack.name, &answer)
    } else {
        shown(&answer.body)
    });
    Ok(if answer.is_success {
        Exit::Done
    } else {
        Exit::Failed
    })
}

/// The text of an argument, a file or standard input; it has to be JSON.
async fn request(console: &Console, argument: &str) -> Result<String> {
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
                .fault(format!("the request is no JSON: {error}"))
                .remedy(
                    "`provision invoke '{\"operation\":\"ping\"}'`, `@FILE`, or `-` for standard input"
                )
        );
    }
    Ok(text)
}

fn output(session: &Session, stack: &Stack, known: &Outputs, name: &str) -> Result<String> {
    outputs::values(stack, known)
        .get(name)
        .and_then(Value::as_str)
        .map(str::to_owned)
        .with_context(|| outputs::absent(session, name))
}

async fn direct(aws: &Aws, function: &str, request: String) -> Result<Answer> {
    let started = Instant::now();
    let invoked = aws
        .call(INVOKE, || {
            aws.lambda()
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

/// The body as JSON if it is that, else as text.
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

/// As it came where a program reads it, indented for people.
fn shown(body: &str) -> String {
    if !std::io::stdout().is_terminal() {
        return body.to_owned();
    }
    serde_json::from_str::<Value>(body)
        .and_then(|value| serde_json::to_string_pretty(&value))
        .unwrap_or_else(|_| body.to_owned())
}
