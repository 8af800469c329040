//! Lambda's Runtime API, with one event at a time.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::Result;

pub(crate) struct RuntimeApi {
    pub(crate) address: String,
    events: UnboundedSender<(Instant, String)>,
    outcomes: Mutex<UnboundedReceiver<Outcome>>,
}

struct Outcome {
    time: Duration,
    is_error: bool,
    body: Bytes,
}

struct Exchange {
    events: Mutex<UnboundedReceiver<(Instant, String)>>,
    asked: std::sync::Mutex<Instant>,
    outcomes: UnboundedSender<Outcome>,
}

impl RuntimeApi {
    pub(crate) async fn start() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?.to_string();
        let (events, waiting) = unbounded_channel();
        let (answered, outcomes) = unbounded_channel();
        let exchange = Arc::new(Exchange {
            events: Mutex::new(waiting),
            asked: std::sync::Mutex::new(Instant::now()),
            outcomes: answered,
        });
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let exchange = Arc::clone(&exchange);
                let _ = stream.set_nodelay(true);
                tokio::spawn(async move {
                    let service = service_fn(|request| answer(Arc::clone(&exchange), request));
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Ok(Self {
            address,
            events,
            outcomes: Mutex::new(outcomes),
        })
    }

    /// Sends an event and returns the time until its answer, from its delivery or, if the program is not waiting yet, from
    /// now.
    pub(crate) async fn ask(&self, event: &str) -> Result<Duration> {
        self.events.send((Instant::now(), event.to_owned()))?;
        let outcome = self
            .outcomes
            .lock()
            .await
            .recv()
            .await
            .ok_or("the Runtime API ended")?;
        if outcome.is_error {
            return Err(format!("{event}: {}", String::from_utf8_lossy(&outcome.body)).into());
        }
        Ok(outcome.time)
    }
}

async fn answer(
    exchange: Arc<Exchange>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>> {
    if request.method() == Method::GET {
        let (asked, event) = exchange
            .events
            .lock()
            .await
            .recv()
            .await
            .ok_or("no more events")?;
        *exchange.asked.lock().map_err(|_| "poisoned")? = asked;
        let deadline = SystemTime::now().duration_since(UNIX_EPOCH)? + Duration::from_secs(30);
        return Ok(Response::builder()
            .header("Lambda-Runtime-Aws-Request-Id", "request-1")
            .header(
                "Lambda-Runtime-Deadline-Ms",
                deadline.as_millis().to_string(),
            )
            .header(
                "Lambda-Runtime-Invoked-Function-Arn",
                "arn:aws:lambda:us-east-1:123456789012:function:f",
            )
            .header("Content-Type", "application/json")
            .body(Full::new(Bytes::from(event)))?);
    }
    let is_error = request.uri().path().ends_with("/error");
    let body = request.into_body().collect().await?.to_bytes();
    let time = exchange.asked.lock().map_err(|_| "poisoned")?.elapsed();
    exchange.outcomes.send(Outcome {
        time,
        is_error,
        body,
    })?;
    Ok(Response::builder()
        .status(StatusCode::ACCEPTED)
        .body(Full::default())?)
}
