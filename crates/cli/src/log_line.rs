//! Lines of a function's log: Lambda's own say when a request began and ended, and what that took.

use std::fmt::Write;

/// The kinds of log lines.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum LogLine<'a> {
    /// A request has begun.
    Start {
        request: &'a str,
    },
    /// A request has ended; its `Report` follows.
    End {
        request: &'a str,
    },
    Report(Report<'a>),
    /// A process of the function is started; the report of its first request says how long that took.
    InitStart,
    /// The function's own words.
    Other(&'a str),
}

/// Lambda's account of one request. Times in milliseconds, memory in MB.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Report<'a> {
    pub(crate) request: &'a str,
    pub(crate) duration: Option<f64>,
    pub(crate) billed: Option<f64>,
    pub(crate) memory: Option<f64>,
    /// Of a cold start only.
    pub(crate) init: Option<f64>,
}

impl<'a> LogLine<'a> {
    pub(crate) fn read(message: &'a str) -> Self {
        let message = message.trim_end();
        let (kind, rest) = message.split_once(" RequestId: ").unwrap_or((message, ""));
        let request = rest.split_whitespace().next().unwrap_or_default();
        match kind {
            "START" if !request.is_empty() => Self::Start { request },
            "END" if !request.is_empty() => Self::End { request },
            "REPORT" if !request.is_empty() => Self::Report(Report::read(request, rest)),
            _ if message.starts_with("INIT_START Runtime Version: ") => Self::InitStart,
            _ => Self::Other(message),
        }
    }

    /// The line for people: a sign, the request, and what it took. `None` for what says nothing more.
    pub(crate) fn text(&self) -> Option<String> {
        match self {
            Self::Start { request } => Some(format!("> {request}")),
            Self::End { .. } | Self::InitStart => None,
            Self::Report(report) => Some(report.text()),
            Self::Other(message) => Some(format!("  {message}")),
        }
    }

    pub(crate) fn request(&self) -> Option<&'a str> {
        match self {
            Self::Start { request } | Self::End { request } => Some(request),
            Self::Report(report) => Some(report.request),
            Self::InitStart | Self::Other(_) => None,
        }
    }
}

impl<'a> Report<'a> {
    /// Fields are separated by tabs: `Duration: 2.31 ms`.
    fn read(request: &'a str, text: &str) -> Self {
        let field = |name: &str| {
            let fields = text.split('\t').map(str::trim);
            let value = fields
                .filter_map(|field| field.strip_prefix(name))
                .find_map(|rest| rest.strip_prefix(": "))?;
            value.split(' ').next()?.parse().ok()
        };
        Self {
            request,
            duration: field("Duration"),
            billed: field("Billed Duration"),
            memory: field("Max Memory Used"),
            init: field("Init Duration"),
        }
    }

    fn text(&self) -> String {
        let mut text = format!("< {}", self.request);
        if let Some(duration) = self.duration {
            let _ = write!(text, " {duration} ms");
        }
        if let Some(memory) = self.memory {
            let _ = write!(text, ", {memory} MB");
        }
        if let Some(init) = self.init {
            let _ = write!(text, ", cold start {init} ms");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = "REPORT RequestId: 8f3c\tDuration: 2.31 ms\tBilled Duration: 37 ms\tMemory Size: 256 MB\t\
                          Max Memory Used: 21 MB\tInit Duration: 34.10 ms\t\n";

    #[test]
    fn lambdas_own_lines_are_read() {
        assert_eq!(
            LogLine::read("START RequestId: 8f3c Version: $LATEST\n"),
            LogLine::Start { request: "8f3c" }
        );
        assert_eq!(LogLine::read("END RequestId: 8f3c").text(), None);
        let init = "INIT_START Runtime Version: provided:al2023.v1\tRuntime Version ARN: arn:aws:lambda:x\n";
        assert_eq!(LogLine::read(init).text(), None);
        let report = LogLine::read(REPORT);
        assert_eq!(
            report,
            LogLine::Report(Report {
                request: "8f3c",
                duration: Some(2.31),
                billed: Some(37.0),
                memory: Some(21.0),
                init: Some(34.1),
            })
        );
        assert_eq!(
            report.text().as_deref(),
            Some("< 8f3c 2.31 ms, 21 MB, cold start 34.1 ms")
        );
    }

    #[test]
    fn the_functions_words_stay_as_they_are() {
        for message in ["REPORT is a word", "START RequestId: ", "{\"a\": 1}", ""] {
            assert_eq!(LogLine::read(message), LogLine::Other(message.trim_end()));
        }
    }
}
