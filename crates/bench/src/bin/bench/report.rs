//! The measurements of one command as text.

use std::fmt::Write as _;
use std::time::Duration;

use testkit::{Call, Link, critical_chain};

use crate::chains::Chain;

/// The runs of one command.
pub(crate) struct Series {
    pub(crate) chain: &'static Chain,
    /// Wall time and calls of each run.
    pub(crate) runs: Vec<(Duration, Vec<Call>)>,
}

/// Describes the best and the median run, beside the least time they could take.
pub(crate) fn report(series: &mut Series, delay: Duration) -> String {
    series.runs.sort_by_key(|(elapsed, _)| *elapsed);
    let (best, calls) = &series.runs[0];
    let median = series.runs[series.runs.len() / 2].0;
    let chain = series.chain;
    let length = u32::try_from(chain.calls.len()).expect("a chain is short");
    let (promised, factor) = chain.promise;
    let writes = calls.iter().filter(|call| call.write).count();
    let asked = calls
        .iter()
        .filter(|call| call.service == "execute-api")
        .count();
    let mut text = format!("\n{}\n", chain.command);
    let mut line = |name: &str, value: String| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {name:<22}{value}");
    };
    line("median", millis(median));
    line("best", millis(*best));
    line(
        "calls (best run)",
        format!("{}: {writes} writes, {asked} to the endpoint", calls.len()),
    );
    line("chain", format!("{length}: {}", chain.calls.join(" > ")));
    line(
        "floor",
        format!(
            "{}, median is {:.2} of it",
            millis(delay * length),
            ratio(median, delay * length)
        ),
    );
    line(
        "promise",
        format!(
            "{factor} x {promised} x {} ms = {}, median is {:.2} x {promised} x {} ms: {}",
            delay.as_millis(),
            millis((delay * promised).mul_f64(factor)),
            ratio(median, delay * promised),
            delay.as_millis(),
            if ratio(median, delay * promised) <= factor {
                "kept"
            } else {
                "not kept"
            },
        ),
    );
    let measured = critical_chain(calls);
    line(
        "measured chain",
        format!("{} calls (best run)", measured.len()),
    );
    for link in &measured {
        line("", describe(link));
    }
    let last = measured.iter().map(|link| link.gap + link.took).sum();
    line(
        "outside of calls",
        format!("{} of the best run", millis(best.saturating_sub(last))),
    );
    line("by operation", count(calls));
    text
}

fn describe(link: &Link) -> String {
    format!(
        "{:>5} ms after the call before, {:>5} ms: {}",
        link.gap.as_millis(),
        link.took.as_millis(),
        link.operation
    )
}

fn count(calls: &[Call]) -> String {
    let mut counts = std::collections::BTreeMap::<_, u32>::new();
    for call in calls {
        *counts
            .entry(format!("{} {}", call.service, call.operation))
            .or_default() += 1;
    }
    let counts = counts.into_iter();
    counts
        .map(|(operation, count)| {
            if count == 1 {
                operation
            } else {
                format!("{operation} x{count}")
            }
        })
        .collect::<Vec<_>>()
        .join(", ")
}

fn millis(time: Duration) -> String {
    format!("{} ms", time.as_millis())
}

fn ratio(time: Duration, floor: Duration) -> f64 {
    time.as_secs_f64() / floor.as_secs_f64()
}
