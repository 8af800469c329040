//! A forwarding HTTP/1.1 proxy that delays and records calls, and can answer, drop or hang them.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{HeaderMap, Method, Response, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::{Instant as TokioInstant, sleep, sleep_until};

use crate::call::{Call, Request};
use crate::corrections;
use crate::decision::{Answer, Decide, Decision};

/// Number of retries of a request that the emulator answers with 502.
const BAD_GATEWAYS: usize = 5;

/// Settings of a proxy.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Delay before each request is forwarded.
    pub delay: Duration,
    /// Account of unsigned requests, which AWS derives from the host name and the emulator cannot.
    pub account: Option<String>,
    /// Refuses requests that AWS refuses and the emulator accepts; some writes cost one or two additional reads.
    pub strict: bool,
    /// Forwards requests without correcting differences between the emulator and AWS.
    pub exact: bool,
}

/// A running proxy, which ends when this is dropped.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    upstream: Upstream,
    options: Options,
    epoch: Instant,
    calls: Mutex<Vec<Call>>,
    decide: Mutex<Option<Decide>>,
}

/// The endpoint behind the proxy.
pub(crate) struct Upstream {
    base: String,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// Error that makes the server close the client's connection without an answer.
#[derive(Debug)]
struct Closed;

impl std::fmt::Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the connection is closed on purpose")
    }
}

impl std::error::Error for Closed {}

impl Proxy {
    /// Starts a proxy for `endpoint` (`http://host:port`) on a free loopback port.
    pub fn start(endpoint: &str, options: Options) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(20))
            .build(connector);
        let shared = Arc::new(Shared {
            upstream: Upstream {
                base: endpoint.trim_end_matches('/').to_owned(),
                client,
            },
            options,
            epoch: Instant::now(),
            calls: Mutex::default(),
            decide: Mutex::default(),
        });
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
        listener
            .set_nonblocking(true)
            .expect("a listener can be made non-blocking");
        let address = listener
            .local_addr()
            .expect("a bound listener has an address");
        let (stop, stopped) = oneshot::channel();
        let serving = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime can be built");
            runtime.block_on(async move {
                let listener =
                    TcpListener::from_std(listener).expect("a listener can be registered");
                tokio::select! {
                    () = accept(listener, serving) => {}
                    _ = stopped => {}
                }
            });
        });
        Self {
            address,
            shared,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Returns the URL for clients.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Calls `decide` for every request from now on.
    pub fn decide(&self, decide: impl Fn(&Request) -> Decision + Send + Sync + 'static) {
        *lock(&self.shared.decide) = Some(Arc::new(decide));
    }

    /// Forwards every request again.
    pub fn forward_all(&self) {
        *lock(&self.shared.decide) = None;
    }

    /// Returns the number of writes among the calls not yet taken.
    pub fn writes_so_far(&self) -> usize {
        lock(&self.shared.calls)
            .iter()
            .filter(|call| call.write)
            .count()
    }

    /// Returns the calls answered since the last time, in the order of their start.
    pub fn take_calls(&self) -> Vec<Call> {
        let mut calls = std::mem::take(&mut *lock(&self.shared.calls));
        calls.sort_by_key(|call| call.started);
        calls
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been printed already; another one would hide the test's own.
            let _ = thread.join();
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        // The client may have closed the connection already.
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        tokio::spawn(connection(stream, Arc::clone(&shared)));
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| handle(Arc::clone(&shared), request));
    // The error is the client's, or `Closed`; the client sees both.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn handle(
    shared: Arc<Shared>,
    incoming: hyper::Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Closed> {
    let started = Instant::now();
    let (head, body) = incoming.into_parts();
    let body = body.collect().await.map_err(|_| Closed)?.to_bytes();
    let mut request = Request::new(
        head.method,
        head.uri.path().to_owned(),
        head.uri.query().unwrap_or_default().to_owned(),
        head.headers,
        body,
    );
    let mut record = Call {
        started: started - shared.epoch,
        ended: Duration::ZERO,
        service: request.service.clone(),
        operation: request.operation.clone(),
        line: format!("{} {}", request.method, request.path),
        write: request.is_write(),
        status: None,
    };
    let outcome = shared.carry_out(started, &mut request).await;
    record.status = outcome
        .as_ref()
        .ok()
        .map(|response| response.status().as_u16());
    record.ended = shared.epoch.elapsed();
    lock(&shared.calls).push(record);
    outcome
}

impl Shared {
    async fn carry_out(
        &self,
        started: Instant,
        request: &mut Request,
    ) -> Result<Response<Full<Bytes>>, Closed> {
        let decide = lock(&self.decide).clone();
        let decision = decide.map_or(Decision::Forward, |decide| decide(request));
        let extra = match &decision {
            Decision::Delay(extra) => *extra,
            _ => Duration::ZERO,
        };
        let due = started + self.options.delay + extra;
        if due > Instant::now() {
            sleep_until(TokioInstant::from_std(due)).await;
        }
        match decision {
            Decision::Forward | Decision::Delay(_) => self.forward(request).await,
            Decision::Await(gate) => {
                let _ = gate.acquire().await;
                self.forward(request).await
            }
            Decision::Answer(answer) => Ok(answer.into()),
            Decision::DropBefore | Decision::Refuse => Err(Closed),
            Decision::Hang => std::future::pending().await,
            Decision::HangAfter => {
                self.forward(request).await?;
                std::future::pending().await
            }
            Decision::DropAfter | Decision::CutAfter => {
                self.forward(request).await?;
                Err(Closed)
            }
        }
    }

    async fn forward(&self, request: &mut Request) -> Result<Response<Full<Bytes>>, Closed> {
        if self.options.exact {
            return Ok(self
                .upstream
                .send(request)
                .await
                .ok_or(Closed)?
                .map(Full::new));
        }
        if let Some(refusal) = corrections::before(request, &self.options, &self.upstream).await {
            return Ok(refusal.into());
        }
        let mut response = self.upstream.send(request).await.ok_or(Closed)?;
        // The emulator sometimes answers 502 while it starts a function; AWS does not.
        for _ in 0..BAD_GATEWAYS {
            if request.service != "execute-api" || response.status() != StatusCode::BAD_GATEWAY {
                break;
            }
            sleep(Duration::from_millis(100)).await;
            response = self.upstream.send(request).await.ok_or(Closed)?;
        }
        if response.status().is_success() {
            corrections::after(request, &self.upstream).await;
        }
        Ok(response.map(Full::new))
    }
}

impl Upstream {
    pub(crate) async fn send(&self, request: &Request) -> Option<Response<Bytes>> {
        let query = if request.query.is_empty() {
            String::new()
        } else {
            format!("?{}", request.query)
        };
        self.request(
            request.method.clone(),
            &format!("{}{query}", request.path),
            &request.headers,
            request.body.clone(),
        )
        .await
    }

    /// Sends a request; returns `None` without a complete answer.
    pub(crate) async fn request(
        &self,
        method: Method,
        path_and_query: &str,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Option<Response<Bytes>> {
        let mut outgoing = hyper::Request::new(Full::new(body));
        *outgoing.method_mut() = method;
        *outgoing.uri_mut() = format!("{}{path_and_query}", self.base)
            .parse()
            .expect("a path that was parsed once parses again");
        *outgoing.headers_mut() = headers.clone();
        for hop in [
            "host",
            "connection",
            "content-length",
            "transfer-encoding",
            "expect",
        ] {
            outgoing.headers_mut().remove(hop);
        }
        let response = self.client.request(outgoing).await.ok()?;
        let (mut head, body) = response.into_parts();
        for hop in ["connection", "content-length", "transfer-encoding"] {
            head.headers.remove(hop);
        }
        let body = body.collect().await.ok()?.to_bytes();
        Some(Response::from_parts(head, body))
    }
}

impl From<Answer> for Response<Full<Bytes>> {
    fn from(answer: Answer) -> Self {
        let mut builder = Response::builder()
            .status(answer.status)
            .header("content-type", "application/json");
        for (name, value) in answer.headers {
            builder = builder.header(name, value);
        }
        builder
            .body(Full::new(answer.body))
            .expect("an answer's status and headers are valid")
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
