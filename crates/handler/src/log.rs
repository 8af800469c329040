//! One JSON line a request, without what the caller sent or got.

use std::io::Write;
use std::time::Duration;

use compact_str::format_compact;

use crate::json::Json;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Debug,
    Info,
    Warn,
    Error,
    Off,
}

impl Level {
    /// Rust's and Python's names for levels.
    pub(crate) fn named(name: &str) -> Option<Self> {
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

    /// A log that cannot be written is no reason to fail a request.
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
