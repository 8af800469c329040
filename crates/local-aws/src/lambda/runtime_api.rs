//! The Runtime API of one environment: how its process gets invocations and answers them
//! (AWS: "Using the Lambda runtime API for custom runtimes").

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinSet;

use super::extensions::{Extensions, Failure};
use super::invoke::LARGEST_PAYLOAD;
use super::outlet::{LARGEST_STREAM, Piece, Streamed};
use super::telemetry::Api;
use crate::clock::Moment;

const PREFIX: &str = "/2018-06-01/runtime/";
const EXTENSION: &str = "/2020-01-01/extension/";

/// What passes between an environment's process and those who invoke it.
#[derive(Debug)]
pub(super) struct Exchange {
    state: Mutex<State>,
    work: Notify,
    pub(super) extensions: Extensions,
}

#[derive(Debug)]
struct State {
    /// Told how it starts; gone once it is told.
    init: Option<oneshot::Sender<Init>>,
    /// Not yet fetched.
    queued: Option<Job>,
    /// Fetched, and not yet answered.
    running: Option<(String, oneshot::Sender<Reply>)>,
    /// Why the process has ended, once it has.
    ending: Option<String>,
}

/// How an environment started.
#[derive(Debug)]
pub(super) enum Init {
    Ready,
    /// By the process's own report.
    Failed {
        body: Bytes,
        kind: String,
    },
    /// Its process ended, as the text says.
    Ended(String),
    /// An extension did not let it.
    Stopped(Failure),
}

/// One invocation.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) id: String,
    pub(super) payload: Bytes,
    pub(super) deadline: Moment,
    pub(super) arn: String,
    /// Its trace header.
    pub(super) trace: String,
    /// JSON, if the caller sent any.
    pub(super) client_context: Option<String>,
    pub(super) reply: oneshot::Sender<Reply>,
}

/// What became of one.
#[derive(Debug)]
pub(super) enum Reply {
    Response(Bytes),
    /// A response that comes in pieces.
    Streamed(Streamed),
    Error {
        body: Bytes,
        kind: String,
    },
    TooLarge,
    /// An extension ended it.
    Stopped(Failure),
    /// The process ended, as the text says, before or after it had fetched the invocation.
    Ended {
        why: String,
        was_fetched: bool,
    },
}

impl Exchange {
    pub(super) fn new(extensions: Extensions) -> (Arc<Self>, oneshot::Receiver<Init>) {
        let (init, started) = oneshot::channel();
        let exchange = Self {
            state: Mutex::new(State {
                init: Some(init),
                queued: None,
                running: None,
                ending: None,
            }),
            work: Notify::new(),
            extensions,
        };
        (Arc::new(exchange), started)
    }

    /// Lets the process have an invocation: at once if it waits for one.
    pub(super) fn offer(&self, job: Job) {
        let mut state = self.lock();
        if state.ending.is_some() {
            let _ = job.reply.send(Reply::Ended {
                why: String::new(),
                was_fetched: false,
            });
            return;
        }
        state.queued = Some(job);
        drop(state);
        self.work.notify_one();
    }

    /// The process has ended.
    pub(super) fn end(&self, why: &str) {
        let mut state = self.lock();
        state.ending = Some(why.to_owned());
        if let Some(init) = state.init.take() {
            let _ = init.send(Init::Ended(why.to_owned()));
        }
        let ended = |was_fetched| Reply::Ended {
            why: why.to_owned(),
            was_fetched,
        };
        if let Some((_, reply)) = state.running.take() {
            let _ = reply.send(ended(true));
        }
        if let Some(job) = state.queued.take() {
            let _ = job.reply.send(ended(false));
        }
    }

    /// An extension has failed, and the environment with it.
    pub(super) fn stop(&self, failure: &Failure) {
        let mut state = self.lock();
        state.ending = Some(failure.why.clone());
        if let Some(init) = state.init.take() {
            let _ = init.send(Init::Stopped(failure.clone()));
        }
        if let Some((_, reply)) = state.running.take() {
            let _ = reply.send(Reply::Stopped(failure.clone()));
        }
        if let Some(job) = state.queued.take() {
            let _ = job.reply.send(Reply::Stopped(failure.clone()));
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.lock().ending.is_some()
    }

    /// Why the process has ended, if it has.
    pub(super) fn ending(&self) -> Option<String> {
        self.lock().ending.clone()
    }

    /// Serves the process until this is dropped.
    pub(super) async fn serve(self: Arc<Self>, listener: TcpListener) {
        let mut connections = JoinSet::new();
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
                continue;
            };
            while connections.try_join_next().is_some() {}
            let _ = stream.set_nodelay(true);
            let exchange = Arc::clone(&self);
            connections.spawn(async move {
                let service = service_fn(|request| exchange.answer(request));
                // An error here is the end of the process.
                let _ = http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, hyper::Error> {
        let (parts, body) = request.into_parts();
        if let Some(path) = parts.uri.path().strip_prefix(EXTENSION) {
            let body = read(body).await?.unwrap_or_default();
            let answer = self.extensions.answer(&parts, path, &body).await;
            if let Some(failure) = self.extensions.failure() {
                self.stop(&failure);
            }
            return Ok(answer);
        }
        let api = match parts.uri.path().trim_end_matches('/') {
            "/2022-07-01/telemetry" => Some(Api::Telemetry),
            "/2020-08-15/logs" => Some(Api::Logs),
            _ => None,
        };
        if let Some(api) = api {
            let body = read(body).await?.unwrap_or_default();
            return Ok(self.extensions.subscribe(api, &parts, &body));
        }
        let Some(path) = parts.uri.path().strip_prefix(PREFIX) else {
            return Ok(unknown());
        };
        let kind = || {
            parts
                .headers
                .get("lambda-runtime-function-error-type")
                .and_then(|kind| kind.to_str().ok())
                .map(ToOwned::to_owned)
        };
        if parts.method == Method::GET && path == "invocation/next" {
            return Ok(self.next().await);
        }
        if parts.method != Method::POST {
            return Ok(unknown());
        }
        if path == "init/error" {
            let body = read(body).await?.unwrap_or_default();
            return Ok(self.init_error(body, kind()));
        }
        let Some((id, what)) = path
            .strip_prefix("invocation/")
            .and_then(|rest| rest.split_once('/'))
        else {
            return Ok(unknown());
        };
        match what {
            "response" if is_streaming(&parts.headers) => {
                self.stream(id, &parts.headers, body).await
            }
            "response" => Ok(match read(body).await? {
                Some(body) => self.reply(id, Reply::Response(body), accepted),
                None => self.reply(id, Reply::TooLarge, || too_large(LARGEST_PAYLOAD)),
            }),
            "error" => {
                let body = read(body).await?.unwrap_or_default();
                let kind = kind().unwrap_or_else(|| error_type(&body));
                Ok(self.reply(id, Reply::Error { body, kind }, accepted))
            }
            _ => Ok(unknown()),
        }
    }

    /// Passes a response on while it comes. Data that nobody waits for any more is read nevertheless.
    async fn stream(
        &self,
        id: &str,
        headers: &HeaderMap,
        mut body: Incoming,
    ) -> Result<Response<Full<Bytes>>, hyper::Error> {
        let (pieces, streamed) = Streamed::new(headers.get(CONTENT_TYPE).cloned());
        let answer = self.reply(id, Reply::Streamed(streamed), accepted);
        let mut total = 0;
        let mut end = Piece::End;
        while let Some(frame) = body.frame().await {
            match frame?.into_data() {
                Ok(data) if data.is_empty() || total > LARGEST_STREAM => {}
                Ok(data) => {
                    total += data.len();
                    if total > LARGEST_STREAM {
                        end = Piece::TooLarge;
                    } else {
                        let _ = pieces.send(Piece::Data(data)).await;
                    }
                }
                Err(frame) => {
                    if let Some(failed) = frame.into_trailers().ok().and_then(|it| failed(&it)) {
                        end = failed;
                    }
                }
            }
        }
        let is_too_large = matches!(end, Piece::TooLarge);
        let _ = pieces.send(end).await;
        Ok(if is_too_large {
            too_large(LARGEST_STREAM)
        } else {
            answer
        })
    }

    async fn next(&self) -> Response<Full<Bytes>> {
        loop {
            {
                let mut state = self.lock();
                if state.running.is_some() {
                    return transition("RuntimeRunning", "RuntimeReady");
                }
                if let Some(init) = state.init.take() {
                    self.extensions.close();
                    let _ = init.send(Init::Ready);
                }
                if let Some(job) = state.queued.take() {
                    let response = handed(&job);
                    state.running = Some((job.id, job.reply));
                    return response;
                }
            }
            self.work.notified().await;
        }
    }

    fn reply(
        &self,
        id: &str,
        reply: Reply,
        answer: fn() -> Response<Full<Bytes>>,
    ) -> Response<Full<Bytes>> {
        let mut state = self.lock();
        match state.running.take() {
            Some((running, to)) if running == id => {
                // Whoever invoked it may have stopped waiting.
                let _ = to.send(reply);
                answer()
            }
            other => {
                state.running = other;
                refused(
                    StatusCode::BAD_REQUEST,
                    "InvalidRequestID",
                    "Invalid request ID",
                )
            }
        }
    }

    fn init_error(&self, body: Bytes, kind: Option<String>) -> Response<Full<Bytes>> {
        match self.lock().init.take() {
            Some(init) => {
                let kind = kind.unwrap_or_else(|| error_type(&body));
                let _ = init.send(Init::Failed { body, kind });
                accepted()
            }
            None => transition("RuntimeReady", "RuntimeInitError"),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_streaming(headers: &HeaderMap) -> bool {
    headers
        .get("lambda-runtime-function-response-mode")
        .is_some_and(|mode| mode.as_bytes().eq_ignore_ascii_case(b"streaming"))
}

/// What the trailers say of a function that failed after its response had begun. The error is in base64.
fn failed(trailers: &HeaderMap) -> Option<Piece> {
    let kind = trailers.get("lambda-runtime-function-error-type")?;
    let body = trailers
        .get("lambda-runtime-function-error-body")
        .map(HeaderValue::as_bytes)
        .unwrap_or_default();
    Some(Piece::Failed {
        kind: String::from_utf8_lossy(kind.as_bytes()).into_owned(),
        body: STANDARD
            .decode(body)
            .map_or_else(|_| Bytes::copy_from_slice(body), Bytes::from),
    })
}

/// All of it, or nothing of what is too large; that is read nevertheless, so that the process sees the answer.
async fn read(mut body: Incoming) -> Result<Option<Bytes>, hyper::Error> {
    let mut whole: Option<Bytes> = None;
    let mut more = BytesMut::new();
    let mut is_too_large = false;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        let length = whole.as_ref().map_or(0, Bytes::len) + more.len() + data.len();
        if is_too_large || length > LARGEST_PAYLOAD {
            is_too_large = true;
            continue;
        }
        match &whole {
            None if more.is_empty() => whole = Some(data),
            _ => {
                if let Some(first) = whole.take() {
                    more.extend_from_slice(&first);
                }
                more.extend_from_slice(&data);
            }
        }
    }
    Ok((!is_too_large).then(|| whole.unwrap_or_else(|| more.freeze())))
}

fn handed(job: &Job) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(job.payload.clone()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let own = [
        ("lambda-runtime-aws-request-id", job.id.clone()),
        ("lambda-runtime-deadline-ms", job.deadline.to_string()),
        ("lambda-runtime-invoked-function-arn", job.arn.clone()),
        ("lambda-runtime-trace-id", job.trace.clone()),
    ];
    let context = job.client_context.clone();
    let context = context.map(|context| ("lambda-runtime-client-context", context));
    for (name, value) in own.into_iter().chain(context) {
        if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
            headers.insert(name, value);
        }
    }
    response
}

fn error_type(body: &[u8]) -> String {
    serde_json::from_slice::<serde_json::Value>(body)
        .ok()
        .and_then(|error| Some(error.get("errorType")?.as_str()?.to_owned()))
        .unwrap_or_else(|| "Runtime.Unknown".to_owned())
}

pub(super) fn accepted() -> Response<Full<Bytes>> {
    answer(StatusCode::ACCEPTED, "{\"status\":\"OK\"}\n".to_owned())
}

fn too_large(most: usize) -> Response<Full<Bytes>> {
    refused(
        StatusCode::PAYLOAD_TOO_LARGE,
        "RequestEntityTooLarge",
        &format!("Exceeded maximum allowed payload size ({most} bytes)."),
    )
}

fn transition(from: &str, to: &str) -> Response<Full<Bytes>> {
    refused(
        StatusCode::FORBIDDEN,
        "InvalidStateTransition",
        &format!(
            "State transition from {from} to {to} failed for runtime. Error: State transition is not allowed"
        ),
    )
}

pub(super) fn refused(status: StatusCode, kind: &str, message: &str) -> Response<Full<Bytes>> {
    let body = json!({ "errorMessage": message, "errorType": kind });
    answer(status, body.to_string())
}

pub(super) fn unknown() -> Response<Full<Bytes>> {
    answer(StatusCode::NOT_FOUND, "404 page not found\n".to_owned())
}

pub(super) fn answer(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
