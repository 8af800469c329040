//! The calls of one run in the order of their start.

use std::fmt::Write as _;
use std::time::Duration;

use testkit::Call;

/// Lists each call with its start and its end in milliseconds since the first one's start.
pub(crate) fn timeline(calls: &[Call]) -> String {
    let begin = calls.first().map_or(Duration::ZERO, |call| call.started);
    let mut text = String::new();
    for call in calls {
        let from = call.started.saturating_sub(begin).as_millis();
        let to = call.ended.saturating_sub(begin).as_millis();
        let _ = writeln!(
            text,
            "  {from:>6} {to:>6}  {} {}",
            call.service, call.operation
        );
    }
    text
}
