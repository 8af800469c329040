//! Which lines of a log are kept where a function logs as JSON (AWS: "Log-level filtering").

use serde_json::Value;

/// As of `LoggingConfig`, from the most detailed to the least.
const LEVELS: [&str; 6] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Level(usize);

pub(super) const DEBUG: Level = Level(1);
pub(super) const INFO: Level = Level(2);
pub(super) const WARN: Level = Level(3);

impl Level {
    /// `INFO` for what is no level.
    pub(super) fn of(name: &str) -> Self {
        let name = name.to_ascii_uppercase();
        let name = match name.as_str() {
            "WARNING" => "WARN",
            "CRITICAL" => "FATAL",
            other => other,
        };
        LEVELS
            .iter()
            .position(|level| *level == name)
            .map_or(INFO, Self)
    }

    /// Of a line that a function wrote; `None` for one that is no JSON object, which no filter applies to.
    pub(super) fn of_line(line: &str) -> Option<Self> {
        if !line.starts_with('{') {
            return None;
        }
        let object: Value = serde_json::from_str(line).ok()?;
        Some(Self::of(object["level"].as_str().unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_the_level_that_it_says() {
        assert_eq!(Level::of_line("{\"level\":\"debug\"}\n"), Some(DEBUG));
        assert_eq!(Level::of_line("{\"level\":\"WARNING\"}\n"), Some(WARN));
        for line in ["{\"level\":\"loud\"}", "{\"level\":1}", "{}"] {
            assert_eq!(Level::of_line(line), Some(INFO), "{line}");
        }
        for line in ["level debug", "{\"level\":\"debug\"", "", "[1]"] {
            assert_eq!(Level::of_line(line), None, "{line}");
        }
        assert!(Level::of("TRACE") < DEBUG && WARN < Level::of("FATAL"));
    }
}
