//! The Runtime API of one environment: how its process gets invocations and answers them
//! (AWS: "Using the Lambda runtime API for custom runtimes").

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinSet;

use super::invoke::LARGEST_PAYLOAD;
use crate::clock::Moment;
use crate::ids;

const PREFIX: &str = "/2018-06-01/runtime/";

/// What passes between an environment's process and those who invoke it.
#[derive(Debug)]
pub(super) struct Exchange {
    state: Mutex<State>,
    work: Notify,
}

#[derive(Debug)]
struct State {
    /// Told how it starts; gone once it is told.
    init: Option<oneshot::Sender<Init>>,
    /// Not yet fetched.
    queued: Option<Job>,
    /// Fetched, and not yet answered.
    running: Option<(String, oneshot::Sender<Reply>)>,
    is_over: bool,
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
}

/// One invocation.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) id: String,
    pub(super) payload: Bytes,
    pub(super) deadline: Moment,
    pub(super) arn: String,
    pub(super) reply: oneshot::Sender<Reply>,
}

/// What became of one.
#[derive(Debug)]
pub(super) enum Reply {
    Response(Bytes),
    Error {
        body: Bytes,
        kind: String,
    },
    TooLarge,
    /// The process ended, as the text says, before or after it had fetched the invocation.
    Ended {
        why: String,
        was_fetched: bool,
    },
}

impl Exchange {
    pub(super) fn new() -> (Arc<Self>, oneshot::Receiver<Init>) {
        let (init, started) = oneshot::channel();
        let exchange = Self {
            state: Mutex::new(State {
                init: Some(init),
                queued: None,
                running: None,
                is_over: false,
            }),
            work: Notify::new(),
        };
        (Arc::new(exchange), started)
    }

    /// Lets the process have an invocation: at once if it waits for one.
    pub(super) fn offer(&self, job: Job) {
        let mut state = self.lock();
        if state.is_over {
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
        state.is_over = true;
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

    pub(super) fn is_over(&self) -> bool {
        self.lock().is_over
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
            "response" => Ok(match read(body).await? {
                Some(body) => self.reply(id, Reply::Response(body), accepted),
                None => self.reply(id, Reply::TooLarge, too_large),
            }),
            "error" => {
                let body = read(body).await?.unwrap_or_default();
                let kind = kind().unwrap_or_else(|| error_type(&body));
                Ok(self.reply(id, Reply::Error { body, kind }, accepted))
            }
            _ => Ok(unknown()),
        }
    }

    async fn next(&self) -> Response<Full<Bytes>> {
        loop {
            {
                let mut state = self.lock();
                if state.running.is_some() {
                    return transition("RuntimeRunning", "RuntimeReady");
                }
                if let Some(init) = state.init.take() {
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
    let trace = format!(
        "Root=1-{:08x}-{};Parent={};Sampled=0",
        job.deadline / 1000,
        ids::hex(24),
        ids::hex(16)
    );
    let own = [
        ("lambda-runtime-aws-request-id", job.id.clone()),
        ("lambda-runtime-deadline-ms", job.deadline.to_string()),
        ("lambda-runtime-invoked-function-arn", job.arn.clone()),
        ("lambda-runtime-trace-id", trace),
    ];
    for (name, value) in own {
        if let Ok(value) = HeaderValue::from_str(&value) {
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

fn accepted() -> Response<Full<Bytes>> {
    answer(StatusCode::ACCEPTED, "{\"status\":\"OK\"}\n".to_owned())
}

fn too_large() -> Response<Full<Bytes>> {
    refused(
        StatusCode::PAYLOAD_TOO_LARGE,
        "RequestEntityTooLarge",
        &format!("Exceeded maximum allowed payload size ({LARGEST_PAYLOAD} bytes)."),
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

fn refused(status: StatusCode, kind: &str, message: &str) -> Response<Full<Bytes>> {
    let body = json!({ "errorMessage": message, "errorType": kind });
    answer(status, body.to_string())
}

fn unknown() -> Response<Full<Bytes>> {
    answer(StatusCode::NOT_FOUND, "404 page not found\n".to_owned())
}

fn answer(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
