//! `logs`: what the function wrote.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use aws_sdk_cloudwatchlogs::types::FilteredLogEvent;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use serde_json::json;
use tokio::time::sleep;

use super::{Session, connect};
use crate::aws::Aws;
use crate::aws::call::Operation;
use crate::aws::error::AwsError;
use crate::cli;
use crate::console::Console;
use crate::exit::Exit;
use crate::fault::Code;
use crate::log_line::LogLine;
use crate::stack;

/// `FilterLogEvents` allows 5 a second in most regions.
const PACE: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_hours(24);
const DAY_MS: i64 = 24 * 3600 * 1000;
/// Events may arrive after later ones by about so much.
const OVERLAP_MS: i64 = 10_000;

pub async fn run(session: &Session, arguments: &cli::Logs) -> Result<Exit> {
    let (aws, listener) = connect(session).await?;
    let stack = stack::lab(&session.config.settings(aws.region()))?;
    let target = session.interrupt.or(aws.target()).await?;
    session.say_place(&stack, target);
    let known = stack.known_names();
    let group = super::outputs::values(&stack, &known)["log_group"]
        .as_str()
        .context("the stack declares no log group")?
        .to_owned();
    let since = i64::try_from(arguments.since.as_millis()).unwrap_or(i64::MAX);
    let mut tail = Tail {
        aws: aws.clone(),
        group,
        from: now() - since,
        shown: BTreeSet::new(),
    };
    let dates = if arguments.since >= DAY {
        Dates::Always
    } else {
        Dates::BeforeToday
    };
    let work = async {
        let first = tail.first().await?;
        let first = first.with_context(|| {
            Code::NotDeployed
                .fault(format!(
                    "the stack `{}` is not deployed here: it has no log group yet",
                    stack.name
                ))
                .remedy(session.up_first())
        })?;
        if session.config.json {
            session.console.result(&document(&stack.name, &first));
            return Ok(());
        }
        show(&session.console, &first, dates);
        if !arguments.follow {
            return Ok(());
        }
        while !session.console.has_lost() {
            sleep(PACE).await;
            show(&session.console, &tail.next().await?, dates);
        }
        Ok(())
    };
    let work = session.console.while_read(work);
    let outcome = session.interrupt.or(work).await;
    drop(tail);
    drop(aws);
    listener.finish().await;
    match (outcome, session.interrupt.signal()) {
        // Ctrl-C is how one stops following.
        (Err(_), Some(signal)) if arguments.follow => Ok(Exit::Interrupted(signal)),
        (outcome, _) => outcome.map(|_| Exit::Done),
    }
}

/// The end of a log group, as far as it was read.
pub(super) struct Tail {
    aws: Aws,
    group: String,
    /// Milliseconds since the Unix epoch.
    from: i64,
    shown: BTreeSet<String>,
}

impl Tail {
    /// The log group `group` from now on.
    pub(super) fn from_now(aws: Aws, group: String) -> Self {
        Self {
            aws,
            group,
            from: now(),
            shown: BTreeSet::new(),
        }
    }

    /// What has come since the last look; nothing where the group is not there.
    pub(super) async fn next(&mut self) -> Result<Vec<FilteredLogEvent>> {
        Ok(self.first().await?.unwrap_or_default())
    }

    /// The same; `None` where the group is not there.
    async fn first(&mut self) -> Result<Option<Vec<FilteredLogEvent>>> {
        const FILTER_LOG_EVENTS: Operation = Operation::safe("FilterLogEvents");
        let mut found = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let page = self
                .aws
                .call(FILTER_LOG_EVENTS, || {
                    self.aws
                        .logs()
                        .filter_log_events()
                        .log_group_name(&self.group)
                        .start_time(self.from)
                        .set_next_token(token.clone())
                        .send()
                })
                .await;
            let page = match page {
                Ok(page) => page,
                Err(error) if is_absent(&error) => return Ok(None),
                Err(error) => {
                    return Err(error)
                        .with_context(|| format!("reading log group `{}`", self.group));
                }
            };
            found.extend(page.events.unwrap_or_default());
            token = page.next_token;
            if token.is_none() {
                break;
            }
        }
        found.retain(|event| {
            self.shown
                .insert(event.event_id().unwrap_or_default().to_owned())
        });
        let latest = found.iter().filter_map(|event| event.timestamp).max();
        self.from = latest.map_or(self.from, |latest| self.from.max(latest - OVERLAP_MS));
        Ok(Some(found))
    }
}

fn is_absent(error: &AwsError) -> bool {
    error.code == "ResourceNotFoundException"
}

/// Which lines say their day as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dates {
    Always,
    BeforeToday,
}

pub(super) fn show(console: &Console, events: &[FilteredLogEvent], dates: Dates) {
    let today = day_of(now());
    for event in events {
        let is_dated =
            dates == Dates::Always || day_of(event.timestamp().unwrap_or_default()) != today;
        if let Some(line) = line(event, is_dated) {
            console.result(&line);
        }
    }
}

/// Days since the Unix epoch, in UTC.
fn day_of(milliseconds: i64) -> i64 {
    milliseconds.div_euclid(DAY_MS)
}

/// The time in UTC, and what the event says.
fn line(event: &FilteredLogEvent, is_dated: bool) -> Option<String> {
    let text = LogLine::read(event.message().unwrap_or_default()).text()?;
    let at = event.timestamp().unwrap_or_default();
    let in_day = at.rem_euclid(DAY_MS);
    let (seconds, milliseconds) = (in_day / 1000, in_day % 1000);
    let date = DateTime::from_millis(at).fmt(Format::DateTime).ok();
    let date = date.as_deref().and_then(|date| date.split('T').next());
    let date = date.filter(|_| is_dated).map(|date| format!("{date} "));
    Some(format!(
        "{}{:02}:{:02}:{:02}.{milliseconds:03}Z {text}",
        date.unwrap_or_default(),
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60,
    ))
}

fn document(stack: &str, events: &[FilteredLogEvent]) -> String {
    let events: Vec<_> = events
        .iter()
        .map(|event| {
            let line = LogLine::read(event.message().unwrap_or_default());
            let mut value = json!({
                "timestamp_ms": event.timestamp(),
                "stream": event.log_stream_name(),
                "message": event.message().map(str::trim_end),
            });
            if let Some(request) = line.request() {
                value["request_id"] = request.into();
            }
            if let LogLine::Report(report) = line {
                value["duration_ms"] = json!(report.duration);
                value["billed_ms"] = json!(report.billed);
                value["max_memory_mb"] = json!(report.memory);
                value["init_ms"] = json!(report.init);
            }
            value
        })
        .collect();
    json!({ "schema": 1, "stack": stack, "events": events }).to_string()
}

fn now() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_its_day_where_that_is_not_plain() {
        let event = FilteredLogEvent::builder()
            .timestamp(1_764_086_400_123)
            .message("a line")
            .build();
        let said = |is_dated| line(&event, is_dated).expect("a line");
        assert_eq!(said(false), "16:00:00.123Z   a line");
        assert_eq!(said(true), "2025-11-25 16:00:00.123Z   a line");
    }
}
