//! `Invoke`: by a call, by an API, and in the background.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::de::IgnoredAny;

use super::background;
use super::checks::Checks;
use super::known::Target;
use super::name::{LATEST, Named, arn};
use super::refusals::no_function;
use super::run::{self, Event};
use super::{Invoked, client_context};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::cloud::Cloud;
use crate::place::Place;
use crate::trace;

/// AWS: 6 MB and a hundred bytes, each way.
pub(super) const LARGEST_PAYLOAD: usize = 6_291_556;
/// Of an invocation in the background.
const LARGEST_EVENT: usize = 1_048_576;

/// Runs the function `name` once, in the trace of the caller's header if there is one; with the function's trace header.
pub(crate) async fn invoke(
    cloud: &Arc<Cloud>,
    place: &Place,
    name: &str,
    payload: Bytes,
    request_id: &str,
    trace: &str,
) -> Result<(Invoked, String), Refusal> {
    let target = target(cloud, place, Named::at(place, name)?)?;
    check_size(&payload, LARGEST_PAYLOAD)?;
    let payload = event(payload)?;
    let event = Event::new(cloud, &target, payload, request_id, trace);
    let trace = event.trace.clone();
    Ok((run_apart(cloud, target, event).await?, trace))
}

/// Takes an event for the function `name`, which runs in the background.
pub(crate) fn invoke_later(
    cloud: &Arc<Cloud>,
    place: &Place,
    name: &str,
    payload: Bytes,
    request_id: &str,
    trace: &str,
) -> Result<(), Refusal> {
    check_size(&payload, LARGEST_EVENT)?;
    let target = target(cloud, place, Named::at(place, name)?)?;
    let payload = event(payload)?;
    let event = Event::new(cloud, &target, payload, request_id, trace);
    background::Event::new(cloud, target, event).start(cloud)
}

/// Returns true if the function's policy lets `principal` (a service) invoke it from `source_arn`.
pub(crate) fn may_invoke(
    cloud: &Cloud,
    place: &Place,
    name: &str,
    principal: &str,
    source_arn: &str,
) -> Result<bool, Refusal> {
    let named = Named::at(place, name)?;
    let target = cloud.environments.known.target(cloud, place, named)?;
    Ok(target
        .statements
        .iter()
        .any(|statement| statement.allows(principal, source_arn) && statement.is_effective(cloud)))
}

pub(super) async fn perform(cloud: &Arc<Cloud>, call: &Call) -> Result<Answer, Refusal> {
    let named = Named::of(call)?;
    let header = |name: &str| call.headers.get(name).and_then(|value| value.to_str().ok());
    let kind = header("x-amz-invocation-type").unwrap_or("RequestResponse");
    let log = header("x-amz-log-type").unwrap_or("None");
    let mut checks = Checks::default();
    let kinds = ["Event", "RequestResponse", "DryRun"];
    checks.one_of(kind, "invocationType", &kinds);
    checks.one_of(log, "logType", &["None", "Tail"]);
    checks.finish()?;
    let most = match kind {
        "Event" => LARGEST_EVENT,
        _ => LARGEST_PAYLOAD,
    };
    let client_context = client_context::of(&call.headers)?;
    check_size(&call.body, most)?;
    let target = target(cloud, &call.place, named)?;
    let payload = event(call.body.clone())?;
    let version = target.function.version.clone();
    if kind == "DryRun" {
        return Ok(Answer::empty(204));
    }
    let caller = trace::of(&call.headers, cloud.now());
    let mut event = Event::new(cloud, &target, payload, &call.request_id, &caller);
    let trace = event.trace.clone();
    if kind == "Event" {
        background::Event::new(cloud, target, event).start(cloud)?;
        return Ok(Answer::empty(202).with_header(trace::HEADER, trace));
    }
    // AWS: "Lambda passes the ClientContext object to your function for synchronous invocations only."
    event.client_context = client_context;
    let invoked = run_apart(cloud, target, event).await?;
    let mut answer = Answer::bytes(200, invoked.payload)
        .with_header("x-amz-executed-version", version)
        .with_header(trace::HEADER, trace);
    if let Some(error) = invoked.error {
        answer = answer.with_header("x-amz-function-error", error);
    }
    if log == "Tail" {
        answer = answer.with_header("x-amz-log-result", STANDARD.encode(invoked.log_tail));
    }
    Ok(answer)
}

/// What is named, if it can be invoked now.
pub(super) fn target(cloud: &Cloud, place: &Place, named: Named) -> Result<Arc<Target>, Refusal> {
    // AWS names the version that was meant, since 2025.
    let meant = named.qualifier.as_deref().unwrap_or(LATEST);
    let arn = format!("{}:{meant}", arn(place, &named.name));
    let target = match cloud.environments.known.target(cloud, place, named) {
        Err(refusal) if refusal.status == 404 => return Err(no_function(&arn)),
        outcome => outcome?.chosen(),
    };
    if target.function.is_gone(cloud.now()) {
        return Err(no_function(&arn));
    }
    target.function.check_active(cloud.now())?;
    Ok(target)
}

/// As JSON; no payload is an empty event.
pub(super) fn event(payload: Bytes) -> Result<Bytes, Refusal> {
    if payload.is_empty() {
        return Ok(Bytes::from_static(b"{}"));
    }
    let why = match std::str::from_utf8(&payload) {
        Ok(text) => serde_json::from_str::<IgnoredAny>(text)
            .err()
            .map(|error| error.to_string()),
        Err(error) => Some(error.to_string()),
    };
    match why {
        None => Ok(payload),
        Some(why) => Err(Refusal::new(
            400,
            "InvalidRequestContentException",
            format!(
                "Could not parse request body into json: Could not parse payload into json: {why}"
            ),
        )),
    }
}

pub(super) fn check_size(payload: &Bytes, most: usize) -> Result<(), Refusal> {
    if payload.len() <= most {
        return Ok(());
    }
    Err(Refusal::new(
        413,
        "RequestTooLargeException",
        format!("Request must be smaller than {most} bytes for the InvokeFunction operation"),
    ))
}

/// In a task of its own: on AWS too, a function goes on when whoever invoked it has left.
async fn run_apart(
    cloud: &Arc<Cloud>,
    target: Arc<Target>,
    event: Event,
) -> Result<Invoked, Refusal> {
    let work = run::run(Arc::clone(cloud), target, event, None);
    tokio::spawn(work)
        .await
        .map_err(|error| Refusal::internal(error.to_string()))?
}
