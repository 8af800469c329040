//! What one environment logs: its function's lines, and Lambda's own between them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::json;

use super::delivery::{Sink, Stream};
use crate::clock::{Clock, iso};

/// AWS: "the last 4 KB of the execution log".
const TAIL: usize = 4096;

#[derive(Debug)]
pub(super) struct Journal {
    pub(super) stream: Arc<Stream>,
    clock: Clock,
    sink: Sink,
    /// True if Lambda's own lines are JSON.
    is_json: bool,
    /// Of the invocation under way.
    tail: Mutex<String>,
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
    pub(super) fn new(stream: Stream, clock: Clock, sink: Sink, is_json: bool) -> Self {
        Self {
            stream: Arc::new(stream),
            clock,
            sink,
            is_json,
            tail: Mutex::default(),
        }
    }

    /// One event, with the line feed that it ends in.
    pub(super) fn write(&self, line: String) {
        let mut tail = self.tail();
        tail.push_str(&line);
        if tail.len() > 4 * TAIL {
            cut(&mut tail);
        }
        // Under the lock, so that both have the same order.
        self.sink.put(&self.stream, self.clock.now(), line);
    }

    /// Returns true if so much is on its way that more has to wait.
    pub(super) fn is_full(&self) -> bool {
        self.sink.is_full()
    }

    pub(super) fn init_start(&self, runtime: &str, version_arn: &str) {
        let runtime = runtime.replacen('.', ":", 1);
        self.write(if self.is_json {
            self.event(
                "platform.initStart",
                &json!({
                    "initializationType": "on-demand", "phase": "init",
                    "runtimeVersion": runtime, "runtimeVersionArn": version_arn,
                }),
            )
        } else {
            format!("INIT_START Runtime Version: {runtime}\tRuntime Version ARN: {version_arn}\n")
        });
    }

    /// Lambda tries once more as part of the invocation.
    pub(super) fn init_failed(&self, after: Duration, status: Status<'_>) {
        let milliseconds = milliseconds(after);
        self.write(match status {
            _ if self.is_json => self.event(
                "platform.initReport",
                &json!({ "phase": "init", "status": status.name(), "metrics": { "durationMs": milliseconds } }),
            ),
            Status::Error(kind) => format!(
                "INIT_REPORT Init Duration: {milliseconds:.2} ms\tPhase: init\tStatus: error\tError Type: {kind}\n"
            ),
            _ => format!(
                "INIT_REPORT Init Duration: {milliseconds:.2} ms\tPhase: init\tStatus: {}\n",
                status.name()
            ),
        });
    }

    pub(super) fn start(&self, request_id: &str, version: &str) {
        self.write(if self.is_json {
            self.event(
                "platform.start",
                &json!({ "requestId": request_id, "version": version }),
            )
        } else {
            format!("START RequestId: {request_id} Version: {version}\n")
        });
    }

    /// The end of an invocation; its last 4 KB of log.
    pub(super) fn end(&self, report: &Report<'_>) -> String {
        if !self.is_json {
            self.write(format!("END RequestId: {}\n", report.request_id));
        }
        self.write(self.report(report));
        let mut tail = std::mem::take(&mut *self.tail());
        cut(&mut tail);
        tail
    }

    fn report(&self, report: &Report<'_>) -> String {
        let duration = milliseconds(report.duration);
        // AWS bills the start of an environment too (since August 2025).
        let billed = (duration + report.init.map_or(0.0, milliseconds)).ceil();
        if self.is_json {
            let mut metrics = json!({
                "durationMs": duration, "billedDurationMs": billed,
                "memorySizeMB": report.memory, "maxMemoryUsedMB": report.used,
            });
            if let Some(init) = report.init {
                metrics["initDurationMs"] = json!(milliseconds(init));
            }
            let mut record = json!({
                "requestId": report.request_id, "status": report.status.name(), "metrics": metrics
            });
            if let Status::Error(kind) = report.status {
                record["errorType"] = json!(kind);
            }
            return self.event("platform.report", &record);
        }
        let init = report.init.map_or_else(String::new, |init| {
            format!("Init Duration: {:.2} ms\t", milliseconds(init))
        });
        let status = match report.status {
            Status::Success => String::new(),
            Status::Error(kind) => format!("Status: error\tError Type: {kind}\t"),
            Status::Timeout => "Status: timeout\t".to_owned(),
        };
        format!(
            "REPORT RequestId: {}\tDuration: {duration:.2} ms\tBilled Duration: {billed:.0} ms\tMemory Size: {} MB\tMax \
             Memory Used: {} MB\t{init}{status}\n",
            report.request_id, report.memory, report.used
        )
    }

    fn event(&self, kind: &str, record: &serde_json::Value) -> String {
        let now = self.clock.now();
        let seconds = iso(now);
        let time = format!("{}.{:03}Z", seconds.trim_end_matches('Z'), now % 1000);
        format!(
            "{}\n",
            json!({ "time": time, "type": kind, "record": record })
        )
    }

    fn tail(&self) -> MutexGuard<'_, String> {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner)
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
