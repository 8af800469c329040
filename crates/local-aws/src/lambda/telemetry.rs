//! What happens in one environment, as events for the extensions that have subscribed to them (AWS: "Lambda Telemetry API",
//! and its predecessor, the Logs API).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout, timeout_at};

/// Events of the time before anybody could subscribe, at most.
const MOST_EARLY: usize = 1000;
/// An extension that does not take its events in so many attempts loses them.
const ATTEMPTS: u32 = 5;
const ATTEMPT_WITHIN: Duration = Duration::from_secs(2);

/// Who says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Source {
    Platform,
    Function,
    Extension,
}

#[derive(Debug, Default)]
pub(super) struct Telemetry {
    /// Nobody needs events any more if false.
    is_wanted: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The events so far, until the phase for subscriptions is over.
    early: Vec<(Source, Value)>,
    is_closed: bool,
    subscribers: Vec<Subscriber>,
}

#[derive(Debug)]
struct Subscriber {
    types: Vec<Source>,
    events: mpsc::UnboundedSender<Message>,
}

#[derive(Debug)]
enum Message {
    Event(Value),
    /// Sends what there is.
    Flush,
}

/// The body of a subscription.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    schema_version: String,
    types: Vec<Source>,
    destination: Destination,
    #[serde(default)]
    buffering: Buffering,
}

#[derive(Debug, Deserialize)]
struct Destination {
    protocol: String,
    #[serde(rename = "URI")]
    uri: Option<String>,
    port: Option<u16>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Buffering {
    max_items: usize,
    max_bytes: usize,
    timeout_ms: u64,
}

impl Default for Buffering {
    /// AWS's.
    fn default() -> Self {
        Self {
            max_items: 1000,
            max_bytes: 262_144,
            timeout_ms: 1000,
        }
    }
}

/// The API, of the two, that a subscription is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Api {
    Telemetry,
    Logs,
}

/// The events that were subscribed to.
#[derive(Debug)]
pub(super) struct Subscribed {
    pub(super) types: Vec<Source>,
}

/// Where events go, and how.
#[derive(Debug, PartialEq, Eq)]
enum Address {
    Http { port: u16, path: String },
    Tcp { port: u16 },
}

impl Source {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Platform => "Platform",
            Self::Function => "Function",
            Self::Extension => "Extension",
        }
    }
}

impl Telemetry {
    pub(super) fn new() -> Self {
        let telemetry = Self::default();
        telemetry.is_wanted.store(true, Ordering::Relaxed);
        telemetry
    }

    /// Lets subscribers have an event, which is made only if there may be one.
    pub(super) fn put(&self, source: Source, event: impl FnOnce() -> Value) {
        if !self.is_wanted.load(Ordering::Relaxed) {
            return;
        }
        let event = event();
        let mut state = self.lock();
        for subscriber in &state.subscribers {
            subscriber.put(source, &event);
        }
        if !state.is_closed && state.early.len() < MOST_EARLY {
            state.early.push((source, event));
        }
    }

    /// Nobody subscribes from now on.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        state.early.clear();
        let is_wanted = !state.subscribers.is_empty();
        self.is_wanted.store(is_wanted, Ordering::Relaxed);
    }

    /// Sends what waits for more.
    pub(super) fn flush(&self) {
        for subscriber in &self.lock().subscribers {
            let _ = subscriber.events.send(Message::Flush);
        }
    }

    /// Subscribes, or says what is wrong with the request.
    pub(super) fn subscribe(&self, api: Api, body: &[u8]) -> Result<Subscribed, String> {
        let request: Request = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        let address = request.check(api)?;
        let (events, receiver) = mpsc::unbounded_channel();
        let subscriber = Subscriber {
            types: request.types.clone(),
            events,
        };
        let mut state = self.lock();
        for (source, event) in &state.early {
            subscriber.put(*source, event);
        }
        state.subscribers.push(subscriber);
        drop(state);
        tokio::spawn(deliver(receiver, address, request.buffering));
        Ok(Subscribed {
            types: request.types,
        })
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subscriber {
    fn put(&self, source: Source, event: &Value) {
        if self.types.contains(&source) {
            let _ = self.events.send(Message::Event(event.clone()));
        }
    }
}

impl Request {
    fn check(&self, api: Api) -> Result<Address, String> {
        let versions: &[&str] = match api {
            Api::Telemetry => &["2022-07-01", "2022-12-13", "2025-01-29"],
            Api::Logs => &["2020-08-15", "2021-03-18"],
        };
        if !versions.contains(&self.schema_version.as_str()) {
            return Err(format!("schemaVersion: one of {}", versions.join(", ")));
        }
        if self.types.is_empty() {
            return Err("types: at least one".to_owned());
        }
        let Buffering {
            max_items,
            max_bytes,
            timeout_ms,
        } = self.buffering;
        if !(1000..=10_000).contains(&max_items) {
            return Err("buffering.maxItems: from 1000 to 10000".to_owned());
        }
        if !(262_144..=1_048_576).contains(&max_bytes) {
            return Err("buffering.maxBytes: from 262144 to 1048576".to_owned());
        }
        if !(25..=30_000).contains(&timeout_ms) {
            return Err("buffering.timeoutMs: from 25 to 30000".to_owned());
        }
        self.destination.address()
    }
}

impl Destination {
    /// On AWS both names are the environment's own; here everything is on this machine.
    fn address(&self) -> Result<Address, String> {
        match self.protocol.as_str() {
            "HTTP" => {
                let uri = self.uri.as_deref().unwrap_or_default();
                let uri: http::Uri = uri
                    .parse()
                    .map_err(|error| format!("destination.URI: {error}"))?;
                let host = uri.host().unwrap_or_default();
                let is_own = [
                    "sandbox.localdomain",
                    "sandbox",
                    "localhost",
                    "127.0.0.1",
                    "0.0.0.0",
                ]
                .contains(&host);
                if uri.scheme_str() != Some("http") || !is_own {
                    return Err("destination.URI: http://sandbox.localdomain:PORT/PATH".to_owned());
                }
                Ok(Address::Http {
                    port: uri.port_u16().unwrap_or(80),
                    path: uri
                        .path_and_query()
                        .map_or_else(|| "/".to_owned(), ToString::to_string),
                })
            }
            "TCP" => match self.port {
                Some(port) => Ok(Address::Tcp { port }),
                None => Err("destination.port: is needed".to_owned()),
            },
            other => Err(format!("destination.protocol: HTTP or TCP, not {other}")),
        }
    }
}

/// Sends events in batches until nobody can put one any more.
async fn deliver(
    mut events: mpsc::UnboundedReceiver<Message>,
    address: Address,
    buffering: Buffering,
) {
    let mut tcp = None;
    while let Some(first) = events.recv().await {
        let mut batch = Vec::new();
        let mut bytes = 0;
        let mut next = Some(first);
        let until = Instant::now() + Duration::from_millis(buffering.timeout_ms);
        while let Some(Message::Event(event)) = next {
            let event = event.to_string();
            bytes += event.len();
            batch.push(event);
            if batch.len() >= buffering.max_items || bytes >= buffering.max_bytes {
                break;
            }
            next = timeout_at(until, events.recv()).await.ok().flatten();
        }
        if batch.is_empty() {
            continue;
        }
        let mut pause = Duration::from_millis(50);
        for _ in 0..ATTEMPTS {
            let sent = timeout(ATTEMPT_WITHIN, send(&address, &mut tcp, &batch)).await;
            if matches!(sent, Ok(Ok(()))) {
                break;
            }
            tcp = None;
            sleep(pause).await;
            pause *= 2;
        }
    }
}

async fn send(
    address: &Address,
    tcp: &mut Option<TcpStream>,
    batch: &[String],
) -> std::io::Result<()> {
    match address {
        Address::Http { port, path } => {
            let body = format!("[{}]", batch.join(","));
            let request = format!(
                "POST {path} HTTP/1.1\r\nhost: sandbox.localdomain:{port}\r\ncontent-type: application/json\r\n\
                 content-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            let mut stream = TcpStream::connect(("127.0.0.1", *port)).await?;
            stream.write_all(request.as_bytes()).await?;
            let mut status = [0; 12];
            stream.read_exact(&mut status).await?;
            let _ = timeout(
                Duration::from_millis(200),
                stream.read_to_end(&mut Vec::new()),
            )
            .await;
            if status[9] == b'2' {
                Ok(())
            } else {
                Err(std::io::Error::other("refused"))
            }
        }
        Address::Tcp { port } => {
            let mut lines = batch.join("\n");
            lines.push('\n');
            let stream = match tcp {
                Some(stream) => stream,
                None => tcp.insert(TcpStream::connect(("127.0.0.1", *port)).await?),
            };
            stream.write_all(lines.as_bytes()).await
        }
    }
}

/// An event as subscribers get it.
pub(super) fn event(time: &str, kind: &str, record: &Value) -> Value {
    json!({ "time": time, "type": kind, "record": record })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(api: Api, body: Value) -> Result<Address, String> {
        serde_json::from_value::<Request>(body)
            .map_err(|error| error.to_string())?
            .check(api)
    }

    fn body(destination: &Value) -> Value {
        json!({ "schemaVersion": "2022-12-13", "types": ["platform", "function"], "destination": destination })
    }

    #[test]
    fn destinations_are_of_this_machine() {
        let uri = |uri: &str| {
            check(
                Api::Telemetry,
                body(&json!({ "protocol": "HTTP", "URI": uri })),
            )
        };
        assert_eq!(
            uri("http://sandbox.localdomain:8080/events?x=1"),
            Ok(Address::Http {
                port: 8080,
                path: "/events?x=1".to_owned()
            })
        );
        assert!(uri("http://example.com:8080").is_err());
        assert!(uri("https://sandbox:8080").is_err());
        assert!(uri("").is_err());
        let tcp = |destination| check(Api::Telemetry, body(&destination));
        assert_eq!(
            tcp(json!({ "protocol": "TCP", "port": 9000 })),
            Ok(Address::Tcp { port: 9000 })
        );
        assert!(tcp(json!({ "protocol": "TCP" })).is_err());
        assert!(tcp(json!({ "protocol": "UDP", "port": 9000 })).is_err());
    }

    #[test]
    fn what_is_out_of_bounds_is_refused() {
        let mut request = body(&json!({ "protocol": "TCP", "port": 9000 }));
        assert!(check(Api::Logs, request.clone()).is_err());
        for (name, value) in [("maxItems", 10), ("maxBytes", 10), ("timeoutMs", 1)] {
            request["buffering"] = json!({ name: value });
            assert!(check(Api::Telemetry, request.clone()).is_err(), "{name}");
        }
        request["buffering"] = json!({ "timeoutMs": 25 });
        assert!(check(Api::Telemetry, request.clone()).is_ok());
        request["types"] = json!(["other"]);
        assert!(check(Api::Telemetry, request.clone()).is_err());
        request["types"] = json!([]);
        assert!(check(Api::Telemetry, request).is_err());
    }
}
