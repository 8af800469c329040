//! A request that may pass, carried out by its method's integration.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Method, StatusCode};
use regex_lite::Regex;
use serde_json::Value;
use tokio::time::timeout;

use super::auth::Granted;
use super::integration::{Integration, IntegrationResponse, Templates};
use super::reply::{Denied, Ids, Reply};
use super::request_check::Request;
use super::serving::{Function, Parameters, Route};
use super::stage::Variables;
use super::{event, mapping, proxy};
use crate::answer::Refusal;
use crate::cloud::Cloud;
use crate::lambda::{self, Invoked};
use crate::place::Place;
use crate::{ids, trace};

/// A request at its method.
pub(super) struct Incoming<'a> {
    pub(super) cloud: &'a Arc<Cloud>,
    pub(super) place: &'a Place,
    pub(super) api: &'a str,
    pub(super) stage: &'a str,
    pub(super) deployment: &'a str,
    pub(super) variables: Option<&'a Variables>,
    pub(super) binary_media_types: &'a [String],
    pub(super) route: &'a Route,
    pub(super) method: &'a Method,
    pub(super) headers: &'a HeaderMap,
    /// As it was sent, without the stage.
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) parameters: Parameters,
    pub(super) body: Bytes,
    pub(super) ids: &'a Ids,
    /// Id and value of the key that opened the method.
    pub(super) key: Option<(&'a str, &'a str)>,
    /// Who calls, as far as the method asks.
    pub(super) granted: Granted,
}

/// In the place of Lambda, in unit tests.
#[cfg(test)]
pub(super) type TestFunction = Box<dyn Fn(Bytes) -> Result<Invoked, Refusal> + Send + Sync>;

pub(super) async fn run(incoming: Incoming<'_>) -> Result<Reply, Denied> {
    check(&incoming)?;
    let integration = incoming
        .route
        .method
        .integration
        .as_ref()
        .ok_or_else(Denied::configuration)?;
    let mut trace = trace::of(incoming.headers, incoming.cloud.now());
    let mut reply = match integration.kind.as_str() {
        "MOCK" => return mock(&incoming, integration),
        "AWS_PROXY" => {
            let payload = event::of(&incoming, &trace).map_err(|_| Denied::configuration())?;
            let (invoked, passed) = invoke(&incoming, integration, payload.into(), &trace).await?;
            trace = passed;
            if invoked.error.is_some() {
                return Err(Denied::bad_function());
            }
            proxy::reply(&invoked.payload, event::accepts_binary(&incoming))?
        }
        _ => {
            let payload = mapped(&incoming, integration)?;
            let (invoked, passed) = invoke(&incoming, integration, payload, &trace).await?;
            trace = passed;
            plain(integration, &invoked)?
        }
    };
    if let Ok(trace) = HeaderValue::from_str(&trace) {
        reply
            .headers
            .insert(HeaderName::from_static("x-amzn-trace-id"), trace);
    }
    Ok(reply)
}

/// Refuses what the method's request validator does.
fn check(incoming: &Incoming) -> Result<(), Denied> {
    let Some(check) = &incoming.route.check else {
        return Ok(());
    };
    check.check(&Request {
        headers: incoming.headers,
        parameters: &incoming.parameters,
        query: incoming.query,
        content_type: &content_type(incoming),
        body: &incoming.body,
    })
}

/// Calls the function, by its policy's leave, for as long as the integration waits.
async fn invoke(
    incoming: &Incoming<'_>,
    integration: &Integration,
    payload: Bytes,
    trace: &str,
) -> Result<(Invoked, String), Denied> {
    let function = incoming
        .route
        .function
        .as_ref()
        .filter(|_| integration.http_method.as_deref() == Some("POST"))
        .ok_or_else(Denied::configuration)?;
    // With a role of its own, the integration does not go by the function's policy.
    if integration.credentials.is_none() && !may_invoke(incoming, function) {
        return Err(Denied::configuration());
    }
    let wait = Duration::from_millis(u64::try_from(integration.timeout_in_millis).unwrap_or(0));
    let cloud = incoming.cloud.clone();
    let function = function.clone();
    let trace = trace.to_owned();
    // In a task of its own: a function goes on when the gateway has stopped waiting.
    let running = tokio::spawn(async move { call(&cloud, &function, payload, &trace).await });
    match timeout(wait, running).await {
        Err(_) => Err(Denied::timed_out()),
        Ok(Ok(Ok(invoked))) => Ok(invoked),
        // Lambda's own limit of 6 MB.
        Ok(Ok(Err(refusal))) if refusal.status == 413 => Err(Denied::too_long()),
        // Lambda's throttling is an internal error too ("execution failed with status 429", in the execution log).
        Ok(Ok(Err(_)) | Err(_)) => Err(Denied::configuration()),
    }
}

/// The function's answer, with its trace header.
async fn call(
    cloud: &Arc<Cloud>,
    function: &Function,
    payload: Bytes,
    trace: &str,
) -> Result<(Invoked, String), Refusal> {
    #[cfg(test)]
    if let Some(test) = cloud.gateway.function.get() {
        return test(payload).map(|invoked| (invoked, trace.to_owned()));
    }
    lambda::invoke(
        cloud,
        &function.place,
        &function.name,
        payload,
        &ids::uuid(),
        trace,
    )
    .await
}

fn may_invoke(incoming: &Incoming, function: &Function) -> bool {
    #[cfg(test)]
    if incoming.cloud.gateway.function.get().is_some() {
        return true;
    }
    let source = incoming.place.arn(
        "execute-api",
        &format!(
            "{}/{}/{}{}",
            incoming.api, incoming.stage, incoming.method, incoming.route.path
        ),
    );
    lambda::may_invoke(
        incoming.cloud,
        &function.place,
        &function.name,
        "apigateway.amazonaws.com",
        &source,
    )
    .unwrap_or(false)
}

/// The template for the request's content type; JSON is what is assumed.
fn template<'a>(templates: Option<&'a Templates>, content_type: &str) -> Option<&'a str> {
    templates?.get(content_type)?.as_deref()
}

fn content_type(incoming: &Incoming) -> String {
    incoming
        .headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .map(|value| value.trim().to_ascii_lowercase())
        .filter(|value| !value.is_empty())
        .unwrap_or_else(|| "application/json".to_owned())
}

/// The body after the request's template, or as it is if the integration lets it through ("Integration passthrough
/// behaviors").
fn request_text(incoming: &Incoming, integration: &Integration) -> Result<String, Denied> {
    let body = String::from_utf8_lossy(&incoming.body);
    let templates = integration.request_templates.as_ref();
    if let Some(template) = template(templates, &content_type(incoming)) {
        let body = if body.is_empty() { "{}" } else { &body };
        return Ok(mapping::rendered(template, body));
    }
    let has_none = templates.is_none_or(BTreeMap::is_empty);
    match integration.passthrough_behavior.as_str() {
        "WHEN_NO_MATCH" => Ok(body.into_owned()),
        "WHEN_NO_TEMPLATES" if has_none => Ok(body.into_owned()),
        _ => Err(Denied::unsupported_media_type()),
    }
}

/// The function's event: JSON, or the function is not called. No body is `{}`.
fn mapped(incoming: &Incoming, integration: &Integration) -> Result<Bytes, Denied> {
    let text = request_text(incoming, integration)?;
    if text.trim().is_empty() {
        return Ok(Bytes::from_static(b"{}"));
    }
    serde_json::from_str::<&serde_json::value::RawValue>(&text)
        .map_err(|error| Denied::bad_body(&error.to_string()))?;
    Ok(text.into())
}

/// What the function returned, or its error: the response whose pattern is the error's whole message, or the one without.
fn plain(integration: &Integration, invoked: &Invoked) -> Result<Reply, Denied> {
    let message = invoked.error.map(|_| {
        serde_json::from_slice::<Value>(&invoked.payload)
            .ok()
            .and_then(|error| Some(error.get("errorMessage")?.as_str()?.to_owned()))
            .unwrap_or_default()
    });
    let (status, response) = selected(integration, message.as_deref())?;
    let body = String::from_utf8_lossy(&invoked.payload);
    responded(status, response, &body, Some(&body))
}

fn mock(incoming: &Incoming, integration: &Integration) -> Result<Reply, Denied> {
    let text = request_text(incoming, integration)?;
    let status = mock_status(&text).ok_or_else(Denied::configuration)?;
    let (status, response) = selected(integration, Some(&status))?;
    responded(status, response, &text, None)
}

/// AWS reads the template's JSON leniently: the CDK writes `{ statusCode: 204 }`.
fn mock_status(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("statusCode")?;
    let digits: String = rest
        .trim_start_matches(['"', '\'', ' ', ':', '\n', '\r', '\t'])
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    (digits.len() == 3).then_some(digits)
}

fn selected<'a>(
    integration: &'a Integration,
    outcome: Option<&str>,
) -> Result<(&'a str, &'a IntegrationResponse), Denied> {
    let responses = &integration.responses;
    let pattern_of = |response: &'a IntegrationResponse| {
        response
            .selection_pattern
            .as_deref()
            .filter(|pattern| !pattern.is_empty())
    };
    let matching = outcome.and_then(|outcome| {
        responses.iter().find(|(_, response)| {
            pattern_of(response).is_some_and(|pattern| {
                Regex::new(&format!("^(?:{pattern})$"))
                    .is_ok_and(|pattern| pattern.is_match(outcome))
            })
        })
    });
    matching
        .or_else(|| {
            responses
                .iter()
                .find(|(_, response)| pattern_of(response).is_none())
        })
        .map(|(status, response)| (status.as_str(), response))
        .ok_or_else(Denied::configuration)
}

/// The response's template over `input`, or `body` without one.
fn responded(
    status: &str,
    response: &IntegrationResponse,
    input: &str,
    body: Option<&str>,
) -> Result<Reply, Denied> {
    let status = status
        .parse()
        .ok()
        .and_then(|status| StatusCode::from_u16(status).ok())
        .ok_or_else(Denied::configuration)?;
    let templates = response.response_templates.as_ref();
    let chosen = template(templates, "application/json")
        .map(|template| ("application/json", template))
        .or_else(|| {
            templates?
                .iter()
                .find_map(|(kind, template)| Some((kind.as_str(), template.as_deref()?)))
        });
    let (kind, body) = match chosen {
        Some((kind, template)) => (kind, mapping::rendered(template, input)),
        None => ("application/json", body.unwrap_or_default().to_owned()),
    };
    let mut headers = HeaderMap::new();
    if let Ok(kind) = HeaderValue::from_str(kind) {
        headers.insert(CONTENT_TYPE, kind);
    }
    for (parameter, value) in response.response_parameters.iter().flatten() {
        let name = mapping::header(parameter)
            .and_then(|name| HeaderName::from_bytes(name.as_bytes()).ok());
        let value = mapping::fixed(value).and_then(|value| HeaderValue::from_str(value).ok());
        if let (Some(name), Some(value)) = (name, value) {
            headers.insert(name, value);
        }
    }
    Ok(Reply {
        status,
        headers,
        body: body.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mocks_status_is_read_leniently() {
        for text in [
            "{\"statusCode\": 204}",
            "{ statusCode: 204 }",
            "{'statusCode':'204'}",
        ] {
            assert_eq!(mock_status(text).as_deref(), Some("204"), "{text}");
        }
        assert_eq!(mock_status("{}"), None);
        assert_eq!(mock_status("{\"statusCode\": 2040}"), None);
    }
}
