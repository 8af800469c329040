//! What one environment logs: its function's lines, and Lambda's own between them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use super::delivery::{Sink, Stream};
use super::levels::{DEBUG, INFO, Level, WARN};
use super::settings::Logging;
use super::telemetry::{self, Source, Telemetry};
use crate::clock::{Clock, iso};

/// AWS: "the last 4 KB of the execution log".
const TAIL: usize = 4096;

#[derive(Debug)]
pub(super) struct Journal {
    pub(super) stream: Arc<Stream>,
    /// The same events for extensions.
    pub(super) telemetry: Telemetry,
    clock: Clock,
    sink: Sink,
    /// Levels of Lambda's own lines and of the function's, where both are JSON.
    json: Option<Levels>,
    /// Of the invocation under way.
    tail: Mutex<String>,
}

#[derive(Clone, Copy, Debug)]
struct Levels {
    system: Level,
    application: Level,
}

/// How an invocation went, for its `REPORT`.
#[derive(Debug)]
pub(super) struct Report<'a> {
    pub(super) request_id: &'a str,
    pub(super) duration: Duration,
    /// If the environment was made for this invocation.
    pub(super) init: Option<Duration>,
    /// Megabytes.
    pub(super) memory: u32,
    /// Megabytes.
    pub(super) used: u64,
    pub(super) status: Status<'a>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Status<'a> {
    Success,
    /// With its type.
    Error(&'a str),
    Timeout,
}

impl Journal {
    pub(super) fn new(stream: Stream, clock: Clock, sink: Sink, logging: &Logging) -> Self {
        let level = |level: &Option<String>| level.as_deref().map_or(INFO, Level::of);
        let json = (logging.format == "JSON").then(|| Levels {
            system: level(&logging.system_level),
            application: level(&logging.application_level),
        });
        Self {
            stream: Arc::new(stream),
            telemetry: Telemetry::new(),
            clock,
            sink,
            json,
            tail: Mutex::default(),
        }
    }

    /// A line that the function or an extension wrote, with the line feed that it ends in.
    pub(super) fn line(&self, source: Source, line: String) {
        self.telemetry.put(source, || {
            let kind = match source {
                Source::Extension => "extension",
                _ => "function",
            };
            let object = self.json.and_then(|_| serde_json::from_str(&line).ok());
            let record = object
                .filter(Value::is_object)
                .unwrap_or_else(|| json!(line));
            telemetry::event(&self.time(), kind, &record)
        });
        let is_kept = self.json.is_none_or(|levels| {
            Level::of_line(&line).is_none_or(|level| level >= levels.application)
        });
        if is_kept {
            self.write(line);
        }
    }

    /// One event of the log, with the line feed that it ends in.
    pub(super) fn write(&self, line: String) {
        let mut tail = self.tail();
        tail.push_str(&line);
        if tail.len() > 4 * TAIL {
            cut(&mut tail);
        }
        // Under the lock, so that both have the same order.
        self.sink.put(&self.stream, self.clock.now(), line);
    }

    /// One of Lambda's own events: as JSON if the function logs so and its level is one that is wanted, else its text.
    fn platform(
        &self,
        kind: &str,
        level: Level,
        record: impl Fn() -> Value,
        text: impl FnOnce() -> Option<String>,
    ) {
        let event = || telemetry::event(&self.time(), kind, &record());
        self.telemetry.put(Source::Platform, event);
        match self.json {
            Some(levels) if level >= levels.system => self.write(format!("{}\n", event())),
            Some(_) => {}
            None => {
                if let Some(text) = text() {
                    self.write(text);
                }
            }
        }
    }

    /// Returns true if so much is on its way that more has to wait.
    pub(super) fn is_full(&self) -> bool {
        self.sink.is_full()
    }

    pub(super) fn init_start(&self, runtime: &str, version_arn: &str) {
        let runtime = runtime.replacen('.', ":", 1);
        self.platform(
            "platform.initStart",
            INFO,
            || {
                json!({
                    "initializationType": "on-demand", "phase": "init",
                    "runtimeVersion": runtime, "runtimeVersionArn": version_arn,
                })
            },
            || {
                Some(format!(
                    "INIT_START Runtime Version: {runtime}\tRuntime Version ARN: {version_arn}\n"
                ))
            },
        );
    }

    /// The environment takes invocations, `after` so long.
    pub(super) fn init_done(&self, after: Duration) {
        let record = |metrics: Option<f64>| {
            let mut record =
                json!({ "initializationType": "on-demand", "phase": "init", "status": "success" });
            if let Some(milliseconds) = metrics {
                record["metrics"] = json!({ "durationMs": milliseconds });
            }
            record
        };
        self.platform("platform.initRuntimeDone", DEBUG, || record(None), || None);
        self.platform(
            "platform.initReport",
            DEBUG,
            || record(Some(milliseconds(after))),
            || None,
        );
        self.telemetry.close();
    }

    /// After the phase `init`, Lambda tries once more as part of the invocation: the phase `invoke`.
    pub(super) fn init_failed(&self, phase: &str, after: Duration, status: Status<'_>) {
        let milliseconds = milliseconds(after);
        self.platform(
            "platform.initReport",
            WARN,
            || {
                let mut record = json!({
                    "initializationType": "on-demand", "phase": phase, "status": status.name(),
                    "metrics": { "durationMs": milliseconds },
                });
                if let Status::Error(kind) = status {
                    record["errorType"] = json!(kind);
                }
                record
            },
            || {
                let kind = match status {
                    Status::Error(kind) => format!("\tError Type: {kind}"),
                    _ => String::new(),
                };
                Some(format!(
                    "INIT_REPORT Init Duration: {milliseconds:.2} ms\tPhase: {phase}\tStatus: {}{kind}\n",
                    status.name()
                ))
            },
        );
    }

    /// An extension is ready, or has said why it is not.
    pub(super) fn extension(&self, name: &str, events: &[&str], failure: Option<&str>) {
        let state = if failure.is_some() {
            "LaunchError"
        } else {
            "Ready"
        };
        self.platform(
            "platform.extension",
            if failure.is_some() { WARN } else { INFO },
            || {
                let mut record = json!({ "name": name, "state": state, "events": events });
                if let Some(kind) = failure {
                    record["errorType"] = json!(kind);
                }
                record
            },
            || {
                let kind = failure.map_or_else(String::new, |kind| format!("\tError Type: {kind}"));
                Some(format!(
                    "EXTENSION\tName: {name}\tState: {state}\tEvents: [{}]{kind}\n",
                    events.join(", ")
                ))
            },
        );
    }

    /// An extension gets events from now on; `kind` is `telemetry` or `logs`.
    pub(super) fn subscription(&self, kind: &str, name: &str, types: &[Source]) {
        let names: Vec<&str> = types.iter().map(|source| source.name()).collect();
        let lower: Vec<String> = names.iter().map(|name| name.to_ascii_lowercase()).collect();
        self.platform(
            &format!("platform.{kind}Subscription"),
            INFO,
            || json!({ "name": name, "state": "Subscribed", "types": lower }),
            || {
                Some(format!(
                    "{}\tName: {name}\tState: Subscribed\tTypes: [{}]\n",
                    kind.to_ascii_uppercase(),
                    names.join(", ")
                ))
            },
        );
    }

    pub(super) fn start(&self, request_id: &str, version: &str) {
        self.platform(
            "platform.start",
            INFO,
            || json!({ "requestId": request_id, "version": version }),
            || {
                Some(format!(
                    "START RequestId: {request_id} Version: {version}\n"
                ))
            },
        );
    }

    /// The runtime is done with an invocation.
    pub(super) fn runtime_done(
        &self,
        request_id: &str,
        after: Duration,
        bytes: usize,
        status: Status<'_>,
    ) {
        let level = match status {
            Status::Success => DEBUG,
            _ => WARN,
        };
        self.platform(
            "platform.runtimeDone",
            level,
            || {
                let mut record = json!({
                    "requestId": request_id, "status": status.name(),
                    "metrics": { "durationMs": milliseconds(after), "producedBytes": bytes },
                });
                if let Status::Error(kind) = status {
                    record["errorType"] = json!(kind);
                }
                record
            },
            || None,
        );
    }

    /// The end of an invocation; its last 4 KB of log.
    pub(super) fn end(&self, report: &Report<'_>) -> String {
        if self.json.is_none() {
            self.write(format!("END RequestId: {}\n", report.request_id));
        }
        let level = match report.status {
            Status::Success => INFO,
            _ => WARN,
        };
        self.platform(
            "platform.report",
            level,
            || report.record(),
            || Some(report.text()),
        );
        let mut tail = std::mem::take(&mut *self.tail());
        cut(&mut tail);
        tail
    }

    fn time(&self) -> String {
        let now = self.clock.now();
        let seconds = iso(now);
        format!("{}.{:03}Z", seconds.trim_end_matches('Z'), now % 1000)
    }

    fn tail(&self) -> MutexGuard<'_, String> {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Report<'_> {
    /// AWS bills the start of an environment too (since August 2025).
    fn billed(&self) -> f64 {
        (milliseconds(self.duration) + self.init.map_or(0.0, milliseconds)).ceil()
    }

    fn record(&self) -> Value {
        let mut metrics = json!({
            "durationMs": milliseconds(self.duration), "billedDurationMs": self.billed(),
            "memorySizeMB": self.memory, "maxMemoryUsedMB": self.used,
        });
        if let Some(init) = self.init {
            metrics["initDurationMs"] = json!(milliseconds(init));
        }
        let mut record = json!({
            "requestId": self.request_id, "status": self.status.name(), "metrics": metrics
        });
        if let Status::Error(kind) = self.status {
            record["errorType"] = json!(kind);
        }
        record
    }

    fn text(&self) -> String {
        let init = self.init.map_or_else(String::new, |init| {
            format!("Init Duration: {:.2} ms\t", milliseconds(init))
        });
        let status = match self.status {
            Status::Success => String::new(),
            Status::Error(kind) => format!("Status: error\tError Type: {kind}\t"),
            Status::Timeout => "Status: timeout\t".to_owned(),
        };
        format!(
            "REPORT RequestId: {}\tDuration: {:.2} ms\tBilled Duration: {:.0} ms\tMemory Size: {} MB\tMax Memory Used: {} \
             MB\t{init}{status}\n",
            self.request_id,
            milliseconds(self.duration),
            self.billed(),
            self.memory,
            self.used
        )
    }
}

impl Status<'_> {
    fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Error(_) => "error",
            Self::Timeout => "timeout",
        }
    }
}

fn cut(text: &mut String) {
    if text.len() > TAIL {
        let mut at = text.len() - TAIL;
        while !text.is_char_boundary(at) {
            at += 1;
        }
        text.drain(..at);
    }
}

fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 100_000.0).round() / 100.0
}
