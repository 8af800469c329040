//! What happened to one request, line by line: what `TestInvokeMethod` returns and stages with a logging level write.

use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

use time::OffsetDateTime;

use crate::clock::{Moment, seconds};
use crate::cloud::Cloud;

/// AWS's own bound of one line.
const LONGEST: usize = 1024;

/// A request's lines so far.
pub(super) struct Log<'a> {
    cloud: &'a Cloud,
    lines: Mutex<Vec<(Moment, String)>>,
    /// True if bodies and headers are written too.
    is_full: bool,
}

impl<'a> Log<'a> {
    pub(super) fn new(cloud: &'a Cloud, is_full: bool) -> Self {
        Self {
            cloud,
            lines: Mutex::default(),
            is_full,
        }
    }

    pub(super) fn tell(&self, line: impl Into<String>) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push((self.cloud.now(), line.into()));
    }

    /// A line with a body or headers in it.
    pub(super) fn tell_data(&self, name: &str, data: &str) {
        if !self.is_full {
            return;
        }
        let end = data.floor_char_boundary(LONGEST);
        let cut = if end < data.len() { " [TRUNCATED]" } else { "" };
        self.tell(format!("{name}: {}{cut}", &data[..end]));
    }

    /// The lines so far, taken out.
    pub(super) fn lines(&self) -> Vec<(Moment, String)> {
        std::mem::take(&mut *self.lines.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// As `TestInvokeMethod` returns them (recorded by localstack, `test_invoke_test_method`).
pub(super) fn text(request_id: &str, lines: &[(Moment, String)]) -> String {
    let mut text = format!("Execution log for request {request_id}\n");
    for (moment, line) in lines {
        let _ = writeln!(text, "{} : {line}", date(*moment));
    }
    text
}

/// `Tue Nov 24 09:30:00 UTC 2026`.
fn date(moment: Moment) -> String {
    let seconds = i64::try_from(seconds(moment)).unwrap_or_default();
    let at = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (day, month) = (at.weekday().to_string(), at.month().to_string());
    format!(
        "{} {} {:02} {:02}:{:02}:{:02} UTC {}",
        day.get(..3).unwrap_or(&day),
        month.get(..3).unwrap_or(&month),
        at.day(),
        at.hour(),
        at.minute(),
        at.second(),
        at.year()
    )
}

/// `{a=b, c=d}`, as Java prints a map.
pub(super) fn java_map<'a>(members: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let members: Vec<String> = members
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    format!("{{{}}}", members.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_javas() {
        assert_eq!(date(1_795_512_600_123), "Tue Nov 24 09:30:00 UTC 2026");
        assert_eq!(
            java_map([("a", "b".to_owned()), ("c", String::new())]),
            "{a=b, c=}"
        );
    }
}
