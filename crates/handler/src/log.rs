//! The log: one line of JSON for each request, without its payload and its answer.

use std::io::Write;
use std::time::Duration;

use compact_str::format_compact;

use crate::json::Json;

/// A log level; `Off` disables the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Debug,
    Info,
    Warn,
    Error,
    Off,
}

impl Level {
    /// Parses the names that Rust and Python use.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Some(match name.trim().to_ascii_uppercase().as_str() {
            "TRACE" | "DEBUG" => Self::Debug,
            "INFO" => Self::Info,
            "WARN" | "WARNING" => Self::Warn,
            "ERROR" | "CRITICAL" | "FATAL" => Self::Error,
            "OFF" | "NONE" => Self::Off,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error | Self::Off => "ERROR",
        }
    }
}

/// The log entry of one request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entry {
    pub(crate) operation: Option<&'static str>,
    pub(crate) table: Option<String>,
    pub(crate) status: u16,
    pub(crate) error_type: Option<String>,
    pub(crate) dynamodb: Option<Duration>,
    pub(crate) retries: Option<u32>,
    pub(crate) total: Duration,
    pub(crate) request_id: String,
    pub(crate) is_cold: bool,
}

impl Entry {
    fn level(&self) -> Level {
        match self.status {
            0..=399 => Level::Info,
            400..=499 => Level::Warn,
            _ => Level::Error,
        }
    }

    fn to_json(&self) -> Json {
        let milliseconds = |time: Duration| {
            let micros = time.as_micros();
            Json::Number(format_compact!("{}.{:03}", micros / 1000, micros % 1000))
        };
        let text = |text: &str| Json::text(text);
        Json::object([
            ("level", text(self.level().name())),
            ("requestId", text(&self.request_id)),
            ("operation", self.operation.map_or(Json::Null, text)),
            ("table", self.table.as_deref().map_or(Json::Null, text)),
            ("status", Json::number(self.status)),
            (
                "errorType",
                self.error_type.as_deref().map_or(Json::Null, text),
            ),
            ("dynamodbMs", self.dynamodb.map_or(Json::Null, milliseconds)),
            ("retries", self.retries.map_or(Json::Null, Json::number)),
            ("totalMs", milliseconds(self.total)),
            ("coldStart", Json::Bool(self.is_cold)),
        ])
    }

    /// Writes the entry to stdout, unless its level is below `threshold`. A failed write does not fail the request.
    pub(crate) fn write(&self, threshold: Level) {
        if self.level() >= threshold {
            let line = format!("{}\n", self.to_json());
            let _ = std::io::stdout().write_all(line.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_of_the_request_and_not_of_its_payload() {
        let entry = Entry {
            operation: Some("create"),
            table: Some("lab".to_owned()),
            status: 409,
            error_type: Some("ConditionalCheckFailedException".to_owned()),
            dynamodb: Some(Duration::from_micros(1500)),
            total: Duration::from_micros(1620),
            request_id: "r".to_owned(),
            is_cold: true,
            retries: None,
        };
        assert_eq!(
            entry.to_json().to_string(),
            r#"{"level": "WARN", "requestId": "r", "operation": "create", "table": "lab", "status": 409, "errorType": "ConditionalCheckFailedException", "dynamodbMs": 1.500, "retries": null, "totalMs": 1.620, "coldStart": true}"#
        );
    }
}
