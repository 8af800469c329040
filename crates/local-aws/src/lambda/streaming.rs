//! `InvokeWithResponseStream`, and invocations whose response is passed on while it comes.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderValue;
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::checks::Checks;
use super::invoke::{self, LARGEST_PAYLOAD};
use super::known::Target;
use super::name::Named;
use super::outlet::{self, Out};
use super::run::{self, Event};
use super::{Invoked, client_context, eventstream};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::cloud::Cloud;
use crate::response_body::Broken;
use crate::trace;

/// An invocation, as soon as it is known how the function answers.
pub(super) enum Begun {
    /// With a whole response or an error.
    Whole(Invoked),
    /// Piece by piece.
    Streamed(Stream),
}

/// The rest of a streamed response.
pub(super) struct Stream {
    pub(super) content_type: Option<HeaderValue>,
    pieces: mpsc::Receiver<Out>,
    /// The type of the error that the function reported in the middle.
    failed: Option<String>,
    end: JoinHandle<Result<Invoked, Refusal>>,
}

impl Stream {
    pub(super) async fn next(&mut self) -> Option<Bytes> {
        loop {
            match self.pieces.recv().await? {
                Out::Data(data) => return Some(data),
                Out::Failed(kind) => self.failed = Some(kind),
                Out::Head(_) => {}
            }
        }
    }

    /// What the invocation came to, after its last piece; the payload is an error's, if it failed.
    pub(super) async fn end(self) -> Result<Invoked, Refusal> {
        // The function is not held back by pieces that nobody takes.
        drop(self.pieces);
        ended(self.end).await
    }
}

async fn ended(task: JoinHandle<Result<Invoked, Refusal>>) -> Result<Invoked, Refusal> {
    task.await
        .map_err(|error| Refusal::internal(error.to_string()))?
}

/// Invokes in a task of its own: a function goes on when whoever invoked it has left.
pub(super) async fn begin(
    cloud: &Arc<Cloud>,
    target: Arc<Target>,
    event: Event,
) -> Result<Begun, Refusal> {
    let (outlet, mut pieces) = outlet::outlet();
    let work = run::run(Arc::clone(cloud), target, event, Some(outlet));
    let end = tokio::spawn(work);
    match pieces.recv().await {
        Some(Out::Head(content_type)) => Ok(Begun::Streamed(Stream {
            content_type,
            pieces,
            failed: None,
            end,
        })),
        _ => ended(end).await.map(Begun::Whole),
    }
}

pub(super) async fn perform(cloud: &Arc<Cloud>, call: &Call) -> Result<Answer, Refusal> {
    let named = Named::of(call)?;
    let header = |name: &str| call.headers.get(name).and_then(|value| value.to_str().ok());
    let kind = header("x-amz-invocation-type").unwrap_or("RequestResponse");
    let log = header("x-amz-log-type").unwrap_or("None");
    let mut checks = Checks::default();
    checks.one_of(kind, "invocationType", &["RequestResponse", "DryRun"]);
    checks.one_of(log, "logType", &["None", "Tail"]);
    checks.finish()?;
    let client_context = client_context::of(&call.headers)?;
    invoke::check_size(&call.body, LARGEST_PAYLOAD)?;
    let target = invoke::target(cloud, &call.place, named)?;
    let payload = invoke::event(call.body.clone())?;
    if kind == "DryRun" {
        return Ok(Answer::empty(204));
    }
    let version = target.function.version.clone();
    let caller = trace::of(&call.headers, cloud.now());
    let event = Event {
        client_context,
        ..Event::new(cloud, &target, payload, &call.request_id, &caller)
    };
    let trace = event.trace.clone();
    let begun = begin(cloud, target, event).await?;
    let (sender, pieces) = outlet::body();
    tokio::spawn(write(begun, log == "Tail", sender));
    Ok(Answer::pieces(pieces)
        .with_header("content-type", "application/vnd.amazon.eventstream")
        .with_header("x-amz-executed-version", version)
        .with_header(trace::HEADER, trace))
}

/// The events of an answer, until it ends or nobody listens any more.
async fn write(begun: Begun, with_log: bool, to: mpsc::Sender<Result<Bytes, Broken>>) {
    let (invoked, kind) = match begun {
        Begun::Whole(invoked) => {
            if invoked.error.is_none() && !invoked.payload.is_empty() {
                let _ = to.send(Ok(chunk(&invoked.payload))).await;
            }
            (Ok(invoked), None)
        }
        Begun::Streamed(mut stream) => {
            while let Some(data) = stream.next().await {
                if !data.is_empty() && to.send(Ok(chunk(&data))).await.is_err() {
                    break;
                }
            }
            let reported = stream.failed.take();
            let invoked = stream.end().await;
            let kind = reported.or_else(|| error_type(invoked.as_ref().ok()?));
            (invoked, kind)
        }
    };
    let last = invoked.map_or(Err(Broken), |invoked| {
        Ok(complete(&invoked, kind.as_deref(), with_log))
    });
    let _ = to.send(last).await;
}

fn chunk(data: &[u8]) -> Bytes {
    eventstream::event("PayloadChunk", "application/octet-stream", data)
}

/// The type of an error in the form of the runtimes.
fn error_type(invoked: &Invoked) -> Option<String> {
    invoked.error?;
    let error: Value = serde_json::from_slice(&invoked.payload).ok()?;
    Some(error.get("errorType")?.as_str()?.to_owned())
}

/// The last event. An error after the response had begun has a type of its own, as in
/// `Runtime.TruncatedResponse`.
fn complete(invoked: &Invoked, kind: Option<&str>, with_log: bool) -> Bytes {
    let mut members = Map::new();
    if let Some(error) = invoked.error {
        members.insert("ErrorCode".to_owned(), kind.unwrap_or(error).into());
        if !invoked.payload.is_empty() {
            let details = String::from_utf8_lossy(&invoked.payload).into_owned();
            members.insert("ErrorDetails".to_owned(), details.into());
        }
    }
    if with_log {
        let log = STANDARD.encode(&invoked.log_tail);
        members.insert("LogResult".to_owned(), log.into());
    }
    let payload = Value::Object(members).to_string();
    eventstream::event("InvokeComplete", "application/json", payload.as_bytes())
}
