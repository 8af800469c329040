//! A request that may pass, carried out by its method's integration.

use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Method};
use serde_json::Value;
use tokio::time::{Instant, timeout};

use super::auth::Granted;
use super::compiled::{Compiled, Function, Target};
use super::event;
use super::exchange::{self, Endpoint, Exchange, Mapped};
use super::execution_log::{Log, java_map};
use super::http_backend::{self, Outgoing};
use super::integration::Integration;
use super::reply::{Denied, Ids, Reply};
use super::request_check::Request;
use super::serving::{Parameters, Route};
use super::stage::Variables;
use super::{aws_backend, proxy};
use crate::answer::Refusal;
use crate::call::form;
use crate::cloud::Cloud;
use crate::heads::HeaderNames;
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
    /// The headers' names as the client wrote them.
    pub(super) names: Option<&'a HeaderNames>,
    pub(super) log: Option<&'a Log<'a>>,
    pub(super) measured: &'a Measured,
}

/// What access logs say of the integration; 0 before it answered.
#[derive(Debug, Default)]
pub(super) struct Measured {
    pub(super) status: AtomicU16,
    pub(super) latency_ms: AtomicU64,
    /// The function's trace header.
    trace: OnceLock<String>,
}

/// In the place of Lambda, in unit tests.
#[cfg(test)]
pub(super) type TestFunction = Box<dyn Fn(Bytes) -> Result<Invoked, Refusal> + Send + Sync>;

impl Incoming<'_> {
    /// A line of the execution log.
    pub(super) fn tell(&self, line: impl Into<String>) {
        if let Some(log) = self.log {
            log.tell(line);
        }
    }

    pub(super) fn tell_data(&self, name: &str, data: &str) {
        if let Some(log) = self.log {
            log.tell_data(name, data);
        }
    }

    fn integration(&self) -> Result<(&Integration, &Compiled), Denied> {
        let integration = self.route.method.integration.as_ref();
        integration
            .zip(self.route.compiled.as_ref())
            .ok_or_else(Denied::configuration)
    }
}

pub(super) async fn run(incoming: &Incoming<'_>) -> Result<Reply, Denied> {
    begin(incoming);
    let outcome = match check(incoming) {
        Ok(()) => carried_out(incoming).await,
        Err(denied) => Err(denied),
    };
    if incoming.log.is_some() {
        end(incoming, &outcome);
    }
    outcome
}

/// Refuses what the method's request validator does.
fn check(incoming: &Incoming) -> Result<(), Denied> {
    let Some(check) = &incoming.route.check else {
        return Ok(());
    };
    let outcome = check.check(&Request {
        headers: incoming.headers,
        parameters: &incoming.parameters,
        query: incoming.query,
        content_type: &exchange::content_type(incoming),
        body: &incoming.body,
    });
    outcome.inspect_err(|denied| {
        let why = denied.why.as_deref().unwrap_or(&denied.message);
        incoming.tell(format!("Request failed validation: {why}"));
    })
}

fn begin(incoming: &Incoming) {
    if incoming.log.is_none() {
        return;
    }
    incoming.tell(format!(
        "Starting execution for request: {}",
        incoming.ids.request
    ));
    incoming.tell(format!(
        "HTTP Method: {}, Resource Path: {}",
        incoming.method, incoming.path
    ));
    let path = incoming.parameters.iter();
    let path = java_map(path.map(|(name, value)| (name.as_str(), value.clone())));
    incoming.tell_data("Method request path", &path);
    let query = form(incoming.query);
    let query = java_map(
        query
            .iter()
            .map(|(name, value)| (name.as_str(), value.clone())),
    );
    incoming.tell_data("Method request query string", &query);
    let headers = event::sent_headers(incoming);
    let headers = java_map(
        headers
            .iter()
            .map(|(name, values)| (name.as_str(), values.join(","))),
    );
    incoming.tell_data("Method request headers", &headers);
    incoming.tell_data(
        "Method request body before transformations",
        &String::from_utf8_lossy(&incoming.body),
    );
}

fn end(incoming: &Incoming, outcome: &Result<Reply, Denied>) {
    let status = match outcome {
        Ok(reply) => {
            incoming.tell_data(
                "Method response body after transformations",
                &String::from_utf8_lossy(&reply.body),
            );
            incoming.tell_data("Method response headers", &exchange::shown(&reply.headers));
            incoming.tell("Successfully completed execution");
            reply.status.as_u16()
        }
        Err(denied) => denied.status,
    };
    incoming.tell(format!("Method completed with status: {status}"));
}

async fn carried_out(incoming: &Incoming<'_>) -> Result<Reply, Denied> {
    let (integration, compiled) = incoming.integration()?;
    let trace = trace::of(incoming.headers, incoming.cloud.now());
    let mut reply = match integration.kind.as_str() {
        "MOCK" => return mock(incoming, integration, compiled),
        "AWS_PROXY" => proxied(incoming, integration, compiled, &trace).await?,
        "HTTP_PROXY" => http_proxied(incoming, integration, compiled, &trace).await?,
        "HTTP" => {
            let mut exchange = Exchange::new(incoming);
            let body = exchange.request_body(integration, compiled)?;
            let mapped = exchange.mapped(integration, compiled)?;
            let endpoint = http(incoming, integration, compiled, mapped, &[], &trace, body).await?;
            exchange.respond(integration, compiled, &endpoint)?
        }
        _ => {
            let mut exchange = Exchange::new(incoming);
            let body = exchange.request_body(integration, compiled)?;
            let mapped = exchange.mapped(integration, compiled)?;
            let endpoint = aws(incoming, integration, compiled, &mapped, &trace, body).await?;
            exchange.respond(integration, compiled, &endpoint)?
        }
    };
    let trace = incoming.measured.trace.get().unwrap_or(&trace);
    if let Ok(trace) = HeaderValue::from_str(&reply_trace(trace)) {
        reply
            .headers
            .insert(HeaderName::from_static("x-amzn-trace-id"), trace);
    }
    Ok(reply)
}

/// A trace that has no parent gets one (recorded by localstack, `test_invocation_trace_id`).
fn reply_trace(trace: &str) -> String {
    if trace.contains("Parent=") {
        return trace.to_owned();
    }
    let root = trace.split(';').next().unwrap_or(trace);
    format!("{root};Parent={};Sampled=0", ids::hex(16))
}

async fn proxied(
    incoming: &Incoming<'_>,
    integration: &Integration,
    compiled: &Compiled,
    trace: &str,
) -> Result<Reply, Denied> {
    // Mappings change nothing here, but they can be wrong (recorded by localstack,
    // `test_apigateway_header_remapping_aws` and `test_lambda_aws_proxy_integration_request_data_mapping`).
    if !compiled.parameters.is_empty() {
        Exchange::new(incoming).mapped(integration, compiled)?;
    }
    let payload = event::of(incoming, trace).map_err(|_| Denied::configuration())?;
    let invoked = invoke(incoming, integration, compiled, payload.into(), trace).await?;
    if invoked.error.is_some() {
        let message = error_message(&invoked).unwrap_or_default();
        incoming.tell(format!(
            "Lambda execution failed with status 200 due to customer function error: {message}. Lambda request id: {}",
            incoming.ids.request
        ));
        return Err(Denied::bad_function());
    }
    let decodes = event::accepts_binary(incoming);
    let spell = |name| incoming.ids.spell(name);
    proxy::reply(&invoked.payload, decodes, spell).inspect_err(|_| {
        incoming
            .tell("Execution failed due to configuration error: Malformed Lambda proxy response");
    })
}

async fn http_proxied(
    incoming: &Incoming<'_>,
    integration: &Integration,
    compiled: &Compiled,
    trace: &str,
) -> Result<Reply, Denied> {
    let exchange = Exchange::new(incoming);
    let mapped = exchange.mapped(integration, compiled)?;
    let body = incoming.body.clone();
    let query = &exchange.query;
    let endpoint = http(incoming, integration, compiled, mapped, query, trace, body).await?;
    proxy::passed_on(endpoint).ok_or_else(Denied::no_endpoint)
}

async fn http(
    incoming: &Incoming<'_>,
    integration: &Integration,
    compiled: &Compiled,
    mapped: Mapped,
    query: &[(String, String)],
    trace: &str,
    body: Bytes,
) -> Result<Endpoint, Denied> {
    let Target::Url(url) = &compiled.target else {
        return Err(Denied::configuration());
    };
    let outgoing = Outgoing {
        method: integration.http_method.as_deref().unwrap_or("ANY"),
        url,
        is_proxy: integration.kind == "HTTP_PROXY",
        query,
        mapped,
        trace,
        body,
    };
    let sending = http_backend::send(incoming, outgoing);
    let started = Instant::now();
    let endpoint = timeout(wait(integration), sending)
        .await
        .unwrap_or_else(|_| Err(timed_out(incoming)))?;
    received(incoming, started, endpoint.status);
    incoming.tell_data(
        "Endpoint response headers",
        &exchange::shown(&endpoint.headers),
    );
    incoming.tell_data(
        "Endpoint response body before transformations",
        &String::from_utf8_lossy(&endpoint.body),
    );
    Ok(endpoint)
}

fn wait(integration: &Integration) -> Duration {
    Duration::from_millis(u64::try_from(integration.timeout_in_millis).unwrap_or(0))
}

fn timed_out(incoming: &Incoming) -> Denied {
    incoming.tell("Execution failed due to a timeout error");
    Denied::timed_out()
}

fn received(incoming: &Incoming, started: Instant, status: u16) {
    let latency = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    incoming.measured.status.store(status, Ordering::Relaxed);
    incoming
        .measured
        .latency_ms
        .store(latency, Ordering::Relaxed);
    incoming.tell(format!(
        "Received response. Status: {status}, Integration latency: {latency} ms"
    ));
}

async fn aws(
    incoming: &Incoming<'_>,
    integration: &Integration,
    compiled: &Compiled,
    mapped: &Mapped,
    trace: &str,
    body: Bytes,
) -> Result<Endpoint, Denied> {
    if let Target::Action {
        region,
        service,
        action,
    } = &compiled.target
    {
        let credentials = integration.credentials.as_deref();
        let action = (region.as_str(), service.as_str(), action.as_str());
        let calling = aws_backend::call(incoming, action, credentials, mapped, body);
        let started = Instant::now();
        let endpoint = timeout(wait(integration), calling)
            .await
            .unwrap_or_else(|_| Err(timed_out(incoming)))?;
        received(incoming, started, endpoint.status);
        return Ok(endpoint);
    }
    let payload = function_event(body)?;
    let kind = mapped
        .headers
        .iter()
        .rev()
        .find(|(name, _)| name.eq_ignore_ascii_case("x-amz-invocation-type"))
        .map(|(_, kind)| kind.as_str());
    if kind == Some("Event") {
        return in_background(incoming, integration, compiled, payload, trace);
    }
    let invoked = invoke(incoming, integration, compiled, payload, trace).await?;
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let outcome = invoked
        .error
        .map(|_| error_message(&invoked).unwrap_or_default());
    if let Some(message) = &outcome {
        incoming.tell(format!(
            "Lambda execution failed with status 200 due to customer function error: {message}. Lambda request id: {}",
            incoming.ids.request
        ));
    }
    Ok(Endpoint {
        status: 200,
        headers,
        body: invoked.payload,
        outcome,
    })
}

/// JSON, or the function is not called. No body is `{}`.
fn function_event(body: Bytes) -> Result<Bytes, Denied> {
    if body.trim_ascii().is_empty() {
        return Ok(Bytes::from_static(b"{}"));
    }
    serde_json::from_slice::<&serde_json::value::RawValue>(&body)
        .map_err(|error| Denied::bad_body(&error.to_string()))?;
    Ok(body)
}

fn error_message(invoked: &Invoked) -> Option<String> {
    let error: Value = serde_json::from_slice(&invoked.payload).ok()?;
    Some(error.get("errorMessage")?.as_str()?.to_owned())
}

/// The function that the integration names, if it may be called.
fn callable<'a>(
    incoming: &Incoming,
    integration: &Integration,
    compiled: &'a Compiled,
) -> Result<&'a Function, Denied> {
    let Target::Function(function) = &compiled.target else {
        incoming.tell(
            "Execution failed due to configuration error: The local AWS integrates with functions and with actions of \
             dynamodb, logs and ssm",
        );
        return Err(Denied::configuration());
    };
    let uri = format!(
        "https://lambda.{}.amazonaws.com/2015-03-31/functions/{}/invocations",
        function.place.region, function.arn
    );
    incoming.tell(format!("Endpoint request URI: {uri}"));
    if integration.http_method.as_deref() != Some("POST") {
        incoming.tell(
            "Execution failed due to configuration error: Unable to determine service/operation name to be authorized",
        );
        return Err(Denied::configuration());
    }
    // With a role of its own, the integration does not go by the function's policy.
    let may = match integration.credentials.as_deref() {
        Some(arn) => {
            let role = aws_backend::role(incoming, arn)?;
            let action = "lambda:InvokeFunction";
            aws_backend::may(incoming.cloud, incoming.place, role, action, &function.arn)
        }
        None => may_invoke(incoming, function),
    };
    if !may {
        incoming.tell(
            "Execution failed due to configuration error: Invalid permissions on Lambda function",
        );
        return Err(Denied::configuration());
    }
    incoming.tell(format!("Sending request to {uri}"));
    Ok(function)
}

/// Lambda takes the event and says no more.
fn in_background(
    incoming: &Incoming,
    integration: &Integration,
    compiled: &Compiled,
    payload: Bytes,
    trace: &str,
) -> Result<Endpoint, Denied> {
    let function = callable(incoming, integration, compiled)?;
    let (place, name) = (&function.place, function.name.as_str());
    let started = Instant::now();
    lambda::invoke_later(incoming.cloud, place, name, payload, &ids::uuid(), trace)
        .map_err(|refusal| refused(incoming, &refusal))?;
    received(incoming, started, 202);
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(Endpoint {
        status: 202,
        headers,
        body: Bytes::new(),
        outcome: None,
    })
}

/// Lambda's own limit of 6 MB is told as such; its throttling is an internal error.
fn refused(incoming: &Incoming, refusal: &Refusal) -> Denied {
    incoming.tell(format!(
        "Lambda invocation failed with status: {}. Lambda request id: {}",
        refusal.status, incoming.ids.request
    ));
    incoming.tell(format!(
        "Execution failed due to configuration error: {}",
        refusal.message
    ));
    match refusal.status {
        413 => Denied::too_long(),
        _ => Denied::configuration(),
    }
}

/// Calls the function, by its policy's leave, for as long as the integration waits.
async fn invoke(
    incoming: &Incoming<'_>,
    integration: &Integration,
    compiled: &Compiled,
    payload: Bytes,
    trace: &str,
) -> Result<Invoked, Denied> {
    let function = callable(incoming, integration, compiled)?;
    incoming.tell_data(
        "Endpoint request body after transformations",
        &String::from_utf8_lossy(&payload),
    );
    let cloud = incoming.cloud.clone();
    let function = function.clone();
    let trace = trace.to_owned();
    let started = Instant::now();
    // In a task of its own: a function goes on when the gateway has stopped waiting.
    let running = tokio::spawn(async move { call(&cloud, &function, payload, &trace).await });
    let (invoked, trace) = match timeout(wait(integration), running).await {
        Err(_) => return Err(timed_out(incoming)),
        Ok(Ok(Ok(invoked))) => invoked,
        Ok(Ok(Err(refusal))) => return Err(refused(incoming, &refusal)),
        Ok(Err(_)) => return Err(Denied::configuration()),
    };
    let _ = incoming.measured.trace.set(trace);
    received(incoming, started, 200);
    incoming.tell_data(
        "Endpoint response body before transformations",
        &String::from_utf8_lossy(&invoked.payload),
    );
    Ok(invoked)
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

fn mock(
    incoming: &Incoming,
    integration: &Integration,
    compiled: &Compiled,
) -> Result<Reply, Denied> {
    let mut exchange = Exchange::new(incoming);
    let body = exchange.request_body(integration, compiled)?;
    exchange.mapped(integration, compiled)?;
    let status = mock_status(&String::from_utf8_lossy(&body)).ok_or_else(|| {
        incoming.tell(
            "Execution failed due to configuration error: Unable to parse statusCode. It should be an integer that is \
             defined in the integration response",
        );
        Denied::configuration()
    })?;
    let endpoint = Endpoint {
        status: status.parse().unwrap_or(200),
        headers: HeaderMap::new(),
        body: Bytes::new(),
        outcome: Some(status),
    };
    exchange.respond(integration, compiled, &endpoint)
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
