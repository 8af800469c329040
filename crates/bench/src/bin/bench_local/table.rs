//! The table in Markdown: a line for each goal.

use std::time::Duration;

use bench::print;

/// Prints the line of a time that should be below `goal`.
pub(crate) fn below(name: &str, time: Duration, goal: Duration) {
    let missed = (time >= goal).then(|| milliseconds(time.saturating_sub(goal)));
    line(
        name,
        &format!("under {} ms", goal.as_millis()),
        &milliseconds(time),
        missed,
    );
}

/// Prints one line of the table; `missed` is the amount by which the goal was missed.
pub(crate) fn line(name: &str, goal: &str, result: &str, missed: Option<String>) {
    let verdict = missed.map_or_else(|| "kept".to_owned(), |by| format!("not reached, by {by}"));
    print(&format!("| {name} | {goal} | {result} | {verdict} |\n"));
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

pub(crate) fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
