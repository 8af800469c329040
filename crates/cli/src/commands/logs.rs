//! `logs`: print the functions' log lines.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use aws_sdk_cloudwatchlogs::types::FilteredLogEvent;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use futures_util::future::try_join_all;
use provision_aws::Calls;
use provision_aws::logs::FILTER_EVENTS;
use provision_engine::aws::Aws;
use provision_engine::error::AwsError;
use provision_engine::fault::Code;
use serde_json::json;
use tokio::time::sleep;

use super::Session;
use super::context::Connected;
use super::endpoints::functions;
use super::names::{Candidate, choose};
use crate::args;
use crate::exit::Exit;
use crate::log_line::LogLine;
use crate::options::DeclareOptions;
use crate::ui::console::Console;

/// `FilterLogEvents` allows 5 a second in most regions.
const PACE: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_hours(24);
const DAY_MS: i64 = 24 * 3600 * 1000;
/// Delay with which an event may arrive after later ones, about.
const OVERLAP_MS: i64 = 10_000;

/// Runs the command.
pub(crate) async fn run(session: &Session<'_>, arguments: &args::Logs) -> Result<Exit> {
    let connected = Connected::new(session, &DeclareOptions::default()).await?;
    let Connected {
        aws,
        listener,
        declaration,
        ..
    } = connected;
    let target = session.interrupt.or(aws.target()).await?;
    session.say_place(&declaration.name, target);
    let wanted = wanted(functions(&declaration), &arguments.functions)?;
    let since = i64::try_from(arguments.since.as_millis()).unwrap_or(i64::MAX);
    let mut tails = Tails::new(&aws, &wanted, now() - since);
    let dates = if arguments.since >= DAY {
        Dates::Always
    } else {
        Dates::BeforeToday
    };
    let work = async {
        let first = tails.first().await?;
        let first = first.with_context(|| {
            Code::NotDeployed
                .fault(format!(
                    "the stack `{}` is not deployed here: it has no log group yet",
                    declaration.name
                ))
                .remedy(session.up_first())
        })?;
        if session.config.json {
            session.console.result(&document(&declaration.name, &first));
            return Ok(());
        }
        show(&session.console, &first, dates);
        if !arguments.follow {
            return Ok(());
        }
        while !session.console.has_lost() {
            sleep(PACE).await;
            show(&session.console, &tails.next().await?, dates);
        }
        Ok(())
    };
    let work = session.console.while_read(work);
    let outcome = session.interrupt.or(work).await;
    drop(tails);
    drop(aws);
    listener.finish().await;
    match (outcome, session.interrupt.signal()) {
        // Ctrl-C is how one stops following.
        (Err(_), Some(signal)) if arguments.follow => Ok(Exit::Interrupted(signal)),
        (outcome, _) => outcome.map(|_| Exit::Done),
    }
}

/// Returns the functions that were named, or all.
fn wanted(all: Vec<Candidate<String>>, names: &[String]) -> Result<Vec<Candidate<String>>> {
    if all.is_empty() {
        bail!(Code::NotDeclared.fault("the stack has no function"));
    }
    if names.is_empty() {
        return Ok(all);
    }
    let chosen = names
        .iter()
        .map(|name| choose(all.clone(), Some(name), "function"));
    chosen.collect()
}

/// A log event, and the function that wrote it where several are shown.
pub(super) struct Shown {
    function: Option<String>,
    event: FilteredLogEvent,
}

/// The ends of the functions' log groups, side by side.
pub(super) struct Tails(Vec<(Option<String>, Tail)>);

impl Tails {
    /// The log groups of `functions` from the time `from` on, in milliseconds since the Unix epoch.
    pub(super) fn new(aws: &Aws, functions: &[Candidate<String>], from: i64) -> Self {
        let width = functions.iter().map(|function| function.id.len()).max();
        let width = width.unwrap_or_default();
        let tails = functions.iter().map(|function| {
            let label = (functions.len() > 1).then(|| format!("{:<width$}", function.id));
            (label, Tail::new(aws.clone(), function.value.clone(), from))
        });
        Self(tails.collect())
    }

    /// Returns the events since the last call, by their time.
    pub(super) async fn next(&mut self) -> Result<Vec<Shown>> {
        Ok(self.first().await?.unwrap_or_default())
    }

    /// Returns the same; `None` if no log group exists.
    async fn first(&mut self) -> Result<Option<Vec<Shown>>> {
        let read = self.0.iter_mut().map(async |(function, tail)| {
            let events = tail.first().await?;
            let shown = events.map(|events| {
                let events = events.into_iter();
                let shown = events.map(|event| Shown {
                    function: function.clone(),
                    event,
                });
                shown.collect::<Vec<_>>()
            });
            anyhow::Ok(shown)
        });
        let read = try_join_all(read).await?;
        if read.iter().all(Option::is_none) {
            return Ok(None);
        }
        let mut all: Vec<Shown> = read.into_iter().flatten().flatten().collect();
        all.sort_by_key(|shown| shown.event.timestamp);
        Ok(Some(all))
    }
}

/// Now, in milliseconds since the Unix epoch.
pub(super) fn now() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or_default()
}

/// The end of a log group, as far as it was read.
struct Tail {
    aws: Aws,
    group: String,
    /// Milliseconds since the Unix epoch.
    from: i64,
    shown: BTreeSet<String>,
}

impl Tail {
    /// The log group `group` from the time `from` on, in milliseconds since the Unix epoch.
    fn new(aws: Aws, group: String, from: i64) -> Self {
        Self {
            aws,
            group,
            from,
            shown: BTreeSet::new(),
        }
    }

    /// Returns the events since the last call; `None` if the group does not exist.
    async fn first(&mut self) -> Result<Option<Vec<FilteredLogEvent>>> {
        let logs = self.aws.logs();
        let mut found = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let page = self
                .aws
                .call(&FILTER_EVENTS, || {
                    logs.filter_log_events()
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

/// The lines that say their day as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dates {
    Always,
    BeforeToday,
}

/// Prints events, a line each.
pub(super) fn show(console: &Console, events: &[Shown], dates: Dates) {
    let today = day_of(now());
    for Shown { function, event } in events {
        let is_dated =
            dates == Dates::Always || day_of(event.timestamp().unwrap_or_default()) != today;
        if let Some(line) = line(event, is_dated) {
            let function = function.as_ref().map(|name| format!("{name}  "));
            console.result(&format!("{}{line}", function.unwrap_or_default()));
        }
    }
}

/// Days since the Unix epoch, in UTC.
fn day_of(milliseconds: i64) -> i64 {
    milliseconds.div_euclid(DAY_MS)
}

/// The event's time in UTC and its text.
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

fn document(stack: &str, events: &[Shown]) -> String {
    let events: Vec<_> = events
        .iter()
        .map(|Shown { function, event }| {
            let line = LogLine::read(event.message().unwrap_or_default());
            let mut value = json!({
                "timestamp_ms": event.timestamp(),
                "stream": event.log_stream_name(),
                "message": event.message().map(str::trim_end),
            });
            if let Some(function) = function {
                value["function"] = function.trim_end().into();
            }
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
