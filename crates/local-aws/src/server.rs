//! The listener: HTTP/1.1 on loopback.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::heads::{HeaderNames, Tap};
use crate::response_body::Body;
use crate::{LocalAws, Outcome};

/// Lambda takes 70,167,211 bytes; nothing takes more.
pub(crate) const LARGEST_BODY: usize = 72_000_000;
/// The longest that an orderly end waits.
const LAST_ANSWERS: Duration = Duration::from_secs(3);
/// A client that does not finish its headers is let go.
const HEADERS_WITHIN: Duration = Duration::from_secs(30);

impl LocalAws {
    /// Serves until `shutdown` ends; then ends the functions' processes too.
    pub async fn serve(
        &self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()>,
    ) -> io::Result<()> {
        let address = listener.local_addr()?;
        self.set_endpoint(&format!("http://{address}"));
        self.0.resumed.call_once(|| crate::lambda::resume(&self.0));
        let (stopping, _) = watch::channel(());
        let mut connections = JoinSet::new();
        let housekeeping = tokio::spawn(crate::admin::housekeeping(self.0.clone()));
        tokio::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                () = self.0.stop.notified() => break,
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(connection(self.clone(), stream, stopping.subscribe()));
                    }
                    // Out of file descriptors, most likely; what is open goes on and gives some back.
                    Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                },
                Some(_) = connections.join_next(), if !connections.is_empty() => {}
            }
        }
        drop(listener);
        drop(stopping);
        housekeeping.abort();
        // What has been asked is answered, unless it takes too long.
        let answered = async { while connections.join_next().await.is_some() {} };
        let _ = timeout(LAST_ANSWERS, answered).await;
        self.0.environments.end_all().await;
        Ok(())
    }

    /// Listens on `port` of 127.0.0.1, or on a free one for 0.
    pub async fn bind(port: u16) -> io::Result<TcpListener> {
        TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], port))).await
    }
}

async fn connection(aws: LocalAws, stream: TcpStream, mut stopping: watch::Receiver<()>) {
    let _ = stream.set_nodelay(true);
    let (stream, heads) = Tap::new(stream);
    let service = service_fn(move |mut request| {
        if let Some(names) = heads.next() {
            request.extensions_mut().insert(names);
        }
        let heads = heads.clone();
        let answering = answer(aws.clone(), request);
        async move {
            let outcome = answering.await;
            let names = outcome
                .as_ref()
                .ok()
                .and_then(|response| response.extensions().get::<HeaderNames>());
            if let Some(names) = names {
                heads.spell(names.clone());
            }
            outcome
        }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_WITHIN)
        .serve_connection(TokioIo::new(stream), service);
    let mut serving = std::pin::pin!(serving);
    // An error here is the client's leaving, or a lost answer made on purpose.
    tokio::select! {
        _ = serving.as_mut() => return,
        _ = stopping.changed() => serving.as_mut().graceful_shutdown(),
    }
    let _ = serving.await;
}

/// The connection is closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("dropped on purpose")]
struct Dropped;

async fn answer(aws: LocalAws, request: Request<Incoming>) -> Result<Response<Body>, Dropped> {
    let started = Instant::now();
    let line = format!("{} {}", request.method(), request.uri().path());
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, LARGEST_BODY).collect().await else {
        let text = Bytes::from_static(b"{\"message\":\"Request Too Long\"}");
        let mut response = Response::new(Body::Whole(text));
        *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
        return Ok(response);
    };
    let body = body.to_bytes();
    // In a task of its own: where panics unwind, one ends that request and not the server.
    let cloud = aws.0.clone();
    let work = tokio::spawn(async move { aws.respond(Request::from_parts(parts, body)).await });
    let outcome = match work.await {
        Ok(Outcome::Answered(response)) => Ok(response),
        Ok(Outcome::Dropped) | Err(_) => Err(Dropped),
    };
    if let Some(log) = &cloud.request_log {
        log(&told(&line, outcome.as_ref().ok(), started.elapsed()));
    }
    outcome
}

/// `200  dynamodb PutItem  1.2 ms`; requests that are no call of a service by method and path.
fn told(line: &str, response: Option<&Response<Body>>, took: Duration) -> String {
    let status = response.map_or_else(
        || "no answer".to_owned(),
        |response| response.status().as_u16().to_string(),
    );
    let what = response.and_then(|response| response.extensions().get::<Told>());
    let what = what.map_or_else(
        || line.to_owned(),
        |Told(service, operation)| format!("{service} {operation}"),
    );
    format!("{status}  {what}  {:.1} ms", took.as_secs_f64() * 1000.0)
}

/// Service and operation that a response is to, for the log of requests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told(pub(crate) &'static str, pub(crate) &'static str);
