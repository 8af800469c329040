//! HTTP client for the SDK that calls a local AWS in the same process, without a socket, and can lose, delay and refuse
//! requests.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use http_body_util::Full;
use hyper::Response;
use hyper::body::{Body, Bytes, Frame};
use hyper::header::{HOST, HeaderValue};
use local_aws::{LocalAws, Outcome};
use tokio::time::{Instant, sleep};

use crate::call::{Call, Request};
use crate::decision::{Answer, Decision};

/// Callback that decides on each request.
type Decide = Arc<dyn Fn(&Request) -> Decision + Send + Sync>;

/// An SDK's transport to a [`LocalAws`]. Clones share the recorded calls and the decisions.
#[derive(Clone)]
pub struct InProcess {
    aws: LocalAws,
    shared: Arc<Shared>,
}

struct Shared {
    epoch: Instant,
    calls: Mutex<Vec<Call>>,
    decide: Mutex<Option<Decide>>,
}

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InProcess")
    }
}

impl InProcess {
    /// Endpoint URL for configurations; requests to it never leave the process.
    pub const URL: &str = "http://local-aws.test";

    /// Creates a transport to `aws` that forwards every request.
    pub fn new(aws: LocalAws) -> Self {
        Self {
            aws,
            shared: Arc::new(Shared {
                epoch: Instant::now(),
                calls: Mutex::default(),
                decide: Mutex::default(),
            }),
        }
    }

    /// Returns the HTTP client for an SDK's configuration.
    pub fn client(&self) -> SharedHttpClient {
        SharedHttpClient::new(self.clone())
    }

    /// Returns the HTTP connector for requests without an SDK.
    pub fn connector(&self) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }

    /// Calls `decide` for every request from now on.
    pub fn decide(&self, decide: impl Fn(&Request) -> Decision + Send + Sync + 'static) {
        *lock(&self.shared.decide) = Some(Arc::new(decide));
    }

    /// Forwards every request again.
    pub fn forward_all(&self) {
        *lock(&self.shared.decide) = None;
    }

    /// Returns the calls answered since the last time, in the order of their start.
    pub fn take_calls(&self) -> Vec<Call> {
        let mut calls = std::mem::take(&mut *lock(&self.shared.calls));
        calls.sort_by_key(|call| call.started);
        calls
    }

    async fn carry_out(self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let started = self.shared.epoch.elapsed();
        let request = read(request).await?;
        let mut record = Call {
            started,
            ended: Duration::ZERO,
            service: request.service.clone(),
            operation: request.operation.clone(),
            line: format!("{} {}", request.method, request.path),
            write: request.is_write(),
            status: None,
        };
        let decide = lock(&self.shared.decide).clone();
        let decision = decide.map_or(Decision::Forward, |decide| decide(&request));
        let is_cut = matches!(decision, Decision::CutAfter);
        let answer = match decision {
            Decision::Forward | Decision::CutAfter => self.forward(request).await,
            Decision::Delay(time) => {
                sleep(time).await;
                self.forward(request).await
            }
            Decision::Await(gate) => {
                let _ = gate.acquire().await;
                self.forward(request).await
            }
            Decision::Answer(answer) => Ok(to_response(answer)),
            Decision::Refuse => Err(ConnectorError::io(
                io::Error::from(io::ErrorKind::ConnectionRefused).into(),
            )),
            Decision::DropBefore => Err(connection_reset()),
            Decision::DropAfter => {
                let _ = self.forward(request).await;
                Err(connection_reset())
            }
            Decision::Hang => std::future::pending().await,
            Decision::HangAfter => {
                let _ = self.forward(request).await;
                std::future::pending().await
            }
        };
        record.ended = self.shared.epoch.elapsed();
        record.status = answer.as_ref().ok().map(|answer| answer.status().as_u16());
        lock(&self.shared.calls).push(record);
        let (head, body) = answer?.into_parts();
        let body = if is_cut {
            SdkBody::from_body_1_x(Cut(Some(body)))
        } else {
            SdkBody::from(body)
        };
        HttpResponse::try_from(Response::from_parts(head, body))
            .map_err(|error| ConnectorError::other(error.into(), None))
    }

    async fn forward(&self, request: Request) -> Result<Response<Bytes>, ConnectorError> {
        let query = if request.query.is_empty() {
            String::new()
        } else {
            format!("?{}", request.query)
        };
        let mut outgoing = hyper::Request::new(request.body);
        *outgoing.method_mut() = request.method;
        *outgoing.uri_mut() = format!("{}{query}", request.path)
            .parse()
            .expect("a path that was parsed once parses again");
        *outgoing.headers_mut() = request.headers;
        match self.aws.handle(outgoing).await {
            Outcome::Answered(response) => Ok(response),
            Outcome::Dropped => Err(connection_reset()),
        }
    }
}

/// The first half of a body, followed by the end of the connection.
struct Cut(Option<Bytes>);

impl Body for Cut {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Poll::Ready(Some(match self.0.take() {
            Some(whole) => Ok(Frame::data(whole.slice(..whole.len() / 2))),
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        }))
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.clone().carry_out(request))
    }
}

impl HttpClient for InProcess {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        self.connector()
    }
}

/// The error of a connection that was closed after the request had been sent.
fn connection_reset() -> ConnectorError {
    ConnectorError::io(io::Error::from(io::ErrorKind::ConnectionReset).into())
}

async fn read(mut request: HttpRequest) -> Result<Request, ConnectorError> {
    let body = std::mem::replace(request.body_mut(), SdkBody::taken());
    let body = ByteStream::new(body)
        .collect()
        .await
        .map_err(|error| ConnectorError::user(error.into()))?
        .into_bytes();
    let request = request
        .try_into_http1x()
        .map_err(|error| ConnectorError::user(error.into()))?;
    let (mut head, _) = request.into_parts();
    // An HTTP connector adds this header from the URL; the signature covers it.
    if let Some(host) = head.uri.authority()
        && let Ok(host) = HeaderValue::from_str(host.as_str())
    {
        head.headers.entry(HOST).or_insert(host);
    }
    Ok(Request::new(
        head.method,
        head.uri.path().to_owned(),
        head.uri.query().unwrap_or_default().to_owned(),
        head.headers,
        body,
    ))
}

fn to_response(answer: Answer) -> Response<Bytes> {
    let response: Response<Full<Bytes>> = Answer {
        body: Bytes::new(),
        ..answer.clone()
    }
    .into();
    response.map(|_| answer.body)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
