//! What a stage writes of its requests to CloudWatch Logs: a line a request after its access log format, and the
//! execution log.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value};

use super::event;
use super::invocation::Incoming;
use super::mapping::{at, written};
use super::reply::{Denied, Reply};
use super::stage::AccessLogSettings;
use crate::clock::Moment;
use crate::cloud::Cloud;
use crate::place::Place;
use crate::{ids, logs};

/// What was written is in its group so long after it at the latest.
const WRITTEN_WITHIN: Duration = Duration::from_millis(50);
/// Lines that wait; of more, the later ones are lost.
const MOST_LINES: usize = 100_000;

/// A stage's access log.
pub(super) struct AccessLog {
    place: Place,
    group: String,
    format: Vec<Piece>,
    stream: String,
}

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    /// `$context.a.b`.
    Variable(Vec<String>),
}

/// The part of its requests that a method writes to the execution log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Logging {
    pub(super) level: Level,
    /// True if bodies and headers are written.
    pub(super) data: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Level {
    #[default]
    Off,
    Error,
    Info,
}

impl Level {
    pub(super) fn named(name: Option<&str>) -> Self {
        match name {
            Some("INFO") => Self::Info,
            Some("ERROR") => Self::Error,
            _ => Self::Off,
        }
    }
}

impl AccessLog {
    /// `None` without a format, or with another destination than a log group.
    pub(super) fn of(settings: &AccessLogSettings) -> Option<Self> {
        let format = settings.format.as_deref()?;
        let parts: Vec<&str> = settings
            .destination_arn
            .as_deref()?
            .splitn(7, ':')
            .collect();
        let ["arn", _, "logs", region, account, "log-group", group] = parts.as_slice() else {
            return None;
        };
        Some(Self {
            place: Place {
                account: (*account).to_owned(),
                region: (*region).to_owned(),
            },
            group: group.trim_end_matches(":*").to_owned(),
            format: pieces(format),
            stream: ids::hex(32),
        })
    }
}

fn pieces(format: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = format;
    while let Some((before, after)) = rest.split_once("$context.") {
        if !before.is_empty() {
            pieces.push(Piece::Text(before.to_owned()));
        }
        let end = after
            .find(|c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c)))
            .unwrap_or(after.len());
        let name = after[..end].trim_end_matches(['.', '-']);
        pieces.push(Piece::Variable(
            name.split('.').map(str::to_owned).collect(),
        ));
        rest = &after[name.len()..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.to_owned()));
    }
    pieces
}

/// What is not there is a hyphen, as AWS writes it.
fn line(format: &[Piece], context: &Map<String, Value>) -> String {
    format
        .iter()
        .map(|piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Variable(path) => at(context, path)
                .and_then(written)
                .unwrap_or_else(|| "-".to_owned()),
        })
        .collect()
}

/// A request's end, for its line.
pub(super) fn tell(
    log: &AccessLog,
    role: Option<&str>,
    incoming: &Incoming,
    outcome: &Result<Reply, Denied>,
    latency_ms: u64,
) {
    let mut context = event::context_object(incoming);
    let mut set = |name: &str, value: Value| {
        context.insert(name.to_owned(), value);
    };
    let (status, length) = match outcome {
        Ok(reply) => (reply.status.as_u16(), reply.body.len()),
        Err(denied) => (denied.status, 14 + denied.message.len()),
    };
    set("status", status.into());
    set("responseLength", length.into());
    set("responseLatency", latency_ms.into());
    let integration = incoming.measured.status.load(Ordering::Relaxed);
    if integration != 0 {
        let latency = incoming.measured.latency_ms.load(Ordering::Relaxed);
        set("integrationStatus", integration.into());
        set("integrationLatency", latency.into());
        let members = [
            ("status", Value::from(integration)),
            ("integrationStatus", Value::from(integration)),
            ("latency", Value::from(latency)),
            ("requestId", Value::from(incoming.ids.request.as_str())),
        ];
        let members = members.map(|(name, value)| (name.to_owned(), value));
        set("integration", Value::Object(members.into_iter().collect()));
    }
    if let Err(denied) = outcome {
        let members = [
            ("message", denied.message.clone()),
            ("messageString", format!("\"{}\"", denied.message)),
            ("responseType", denied.response.to_owned()),
            (
                "validationErrorString",
                denied.why.clone().unwrap_or_default(),
            ),
        ];
        let members = members.map(|(name, value)| (name.to_owned(), Value::from(value)));
        set("error", Value::Object(members.into_iter().collect()));
    }
    let lines = vec![(incoming.cloud.now(), line(&log.format, &context))];
    let delivery = Delivery {
        place: log.place.clone(),
        role: role.map(str::to_owned),
        group: log.group.clone(),
        stream: log.stream.clone(),
        lines,
    };
    deliver(incoming.cloud, delivery);
}

/// The execution log's lines, if the outcome is one to be told.
pub(super) fn tell_execution(
    incoming: &Incoming,
    role: Option<&str>,
    logging: Logging,
    is_error: bool,
    lines: Vec<(Moment, String)>,
) {
    if logging.level == Level::Off || logging.level == Level::Error && !is_error {
        return;
    }
    let id = &incoming.ids.request;
    let lines = lines
        .into_iter()
        .map(|(moment, line)| (moment, format!("({id}) {line}")))
        .collect();
    let delivery = Delivery {
        place: incoming.place.clone(),
        role: role.map(str::to_owned),
        group: format!(
            "API-Gateway-Execution-Logs_{}/{}",
            incoming.api, incoming.stage
        ),
        stream: STREAM.to_owned(),
        lines,
    };
    deliver(incoming.cloud, delivery);
}

/// AWS spreads its lines over streams with names of this form.
const STREAM: &str = "0a87da4c94ae0a8a20c5ac6e9f0c4a5e";

/// Lines on their way to a log group.
struct Delivery {
    place: Place,
    /// The account's role for logs, if it has one.
    role: Option<String>,
    group: String,
    stream: String,
    lines: Vec<(Moment, String)>,
}

/// The lines that wait to be written.
#[derive(Default)]
pub(super) struct Deliveries {
    waiting: Mutex<Vec<Delivery>>,
    is_write_due: AtomicBool,
}

fn deliver(cloud: &Arc<Cloud>, delivery: Delivery) {
    let deliveries = &cloud.gateway.deliveries;
    {
        let mut waiting = lock(&deliveries.waiting);
        if waiting.len() < MOST_LINES {
            waiting.push(delivery);
        }
    }
    if deliveries.is_write_due.swap(true, Ordering::AcqRel) {
        return;
    }
    let cloud = Arc::downgrade(cloud);
    tokio::spawn(async move {
        tokio::time::sleep(WRITTEN_WITHIN).await;
        if let Some(cloud) = cloud.upgrade() {
            write(&cloud);
        }
    });
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn write(cloud: &Arc<Cloud>) {
    let deliveries = &cloud.gateway.deliveries;
    deliveries.is_write_due.store(false, Ordering::Release);
    let waiting = std::mem::take(&mut *lock(&deliveries.waiting));
    let mut streams = HashMap::<_, Vec<(Moment, String)>>::new();
    for delivery in waiting {
        let key = (
            delivery.place,
            delivery.role,
            delivery.group,
            delivery.stream,
        );
        streams.entry(key).or_default().extend(delivery.lines);
    }
    for ((place, role, group, stream), lines) in streams {
        // A group that cannot be written to loses the lines, as on AWS.
        let _ = logs::write(cloud, &place, role.as_deref(), &group, &stream, &lines);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn formats_are_filled_in() {
        let Value::Object(context) = json!({
            "requestId": "r", "identity": { "sourceIp": "127.0.0.1", "user": null }, "status": 200,
        }) else {
            panic!("an object")
        };
        for (format, expected) in [
            (
                "{ \"id\":\"$context.requestId\", \"ip\":\"$context.identity.sourceIp\", \"status\":$context.status }",
                "{ \"id\":\"r\", \"ip\":\"127.0.0.1\", \"status\":200 }",
            ),
            (
                "$context.identity.sourceIp $context.identity.user [$context.none.x] $context.requestId.",
                "127.0.0.1 - [-] r.",
            ),
            ("$context.status,$context.requestId", "200,r"),
            ("no variables $ $contexts", "no variables $ $contexts"),
            ("$context.", "-"),
        ] {
            assert_eq!(line(&pieces(format), &context), expected, "{format}");
        }
    }
}
