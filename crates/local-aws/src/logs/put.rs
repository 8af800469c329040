//! `PutLogEvents`: which events are taken.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::events::{self, OVERHEAD};
use super::fan_out::{self, FanOut};
use super::{Work, group, input, stream};
use crate::answer::Refusal;
use crate::call::Call;
use crate::clock::Moment;
use crate::cloud::Cloud;

const MOST_EVENTS: usize = 10_000;
const BATCH_BYTES: usize = 1_048_576;
/// Of one event, its overhead included: as much as of a batch since April 2025 (AWS: "CloudWatch Logs quotas").
const EVENT_BYTES: usize = BATCH_BYTES;

const HOUR_MS: u64 = 60 * 60 * 1000;
const DAY_MS: u64 = 24 * HOUR_MS;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    log_group_name: Option<String>,
    log_stream_name: Option<String>,
    log_events: Option<Vec<InputEvent>>,
    entity: Option<Value>,
}

#[derive(Deserialize)]
struct InputEvent {
    timestamp: Moment,
    message: String,
}

pub(super) fn put(cloud: &Arc<Cloud>, call: &Call) -> Result<Value, Refusal> {
    let given: Input = call.input()?;
    let (output, fan_out) = cloud.store.transact(|tx| {
        let work = Work {
            cloud,
            call,
            tx,
            place: &call.place,
        };
        append(&work, &given)
    })?;
    fan_out.start(cloud);
    Ok(output)
}

fn append(work: &Work, given: &Input) -> Result<(Value, FanOut), Refusal> {
    let name = input::required(given.log_stream_name.as_ref(), "logStreamName")?;
    input::check_stream_name(name, "logStreamName")?;
    let batch = given.log_events.as_deref().unwrap_or_default();
    check(batch)?;
    let group_name = input::required(given.log_group_name.as_ref(), "logGroupName")?;
    input::check_group_name(group_name, "logGroupName")?;
    let group = group::find(work.tx, work.place, group_name)?;
    let mut stream =
        stream::find(work.tx, work.place, &group.name, name)?.ok_or_else(stream::unknown)?;
    let now = work.cloud.now();
    let accepted = Accepted::of(batch, now, group.keeps_since(now));
    let taken = batch[accepted.from..accepted.until]
        .iter()
        .map(|event| (event.timestamp, event.message.as_str()));
    let at = events::append(work.tx, work.place, &group, &mut stream, taken.clone(), now)?;
    let added = at.into_iter().zip(taken.map(|(_, message)| message));
    let fan_out = fan_out::collect(work.tx, work.place, (&group.name, name), &added)?;
    let mut output = json!({ "nextSequenceToken": stream.sequence_token() });
    if let Some(rejected) = accepted.rejected(batch.len()) {
        output["rejectedLogEventsInfo"] = rejected;
    }
    // Entities are for CloudWatch's pages, which are not here; events are taken without.
    if given.entity.is_some() {
        output["rejectedEntityInfo"] = json!({ "errorType": "UnsupportedLogGroupType" });
    }
    Ok((output, fan_out))
}

fn check(batch: &[InputEvent]) -> Result<(), Refusal> {
    let bound = match batch.len() {
        0 => "greater than or equal to 1".to_owned(),
        count if count > MOST_EVENTS => format!("less than or equal to {MOST_EVENTS}"),
        _ => String::new(),
    };
    if !bound.is_empty() {
        return Err(input::invalid(format!(
            "1 validation error detected: Value at 'logEvents' failed to satisfy constraint: Member must have length {bound}"
        )));
    }
    for (index, event) in batch.iter().enumerate() {
        if event.message.is_empty() {
            return Err(input::invalid(format!(
                "1 validation error detected: Value '' at 'logEvents.{}.member.message' failed to satisfy constraint: \
                 Member must have length greater than or equal to 1",
                index + 1
            )));
        }
        let bytes = event.message.len() + OVERHEAD;
        if bytes > EVENT_BYTES {
            return Err(input::invalid(format!(
                "Log event too large: {bytes} bytes exceeds limit of {EVENT_BYTES}"
            )));
        }
    }
    let bytes: usize = batch
        .iter()
        .map(|event| event.message.len() + OVERHEAD)
        .sum();
    if bytes > BATCH_BYTES {
        return Err(input::invalid(format!(
            "Upload too large: {bytes} bytes exceeds limit of {BATCH_BYTES}"
        )));
    }
    if !batch.is_sorted_by_key(|event| event.timestamp) {
        return Err(input::invalid(
            "Log events in a single PutLogEvents request must be in chronological order.",
        ));
    }
    if let [first, .., last] = batch
        && last.timestamp - first.timestamp > DAY_MS
    {
        return Err(input::invalid(
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
        ));
    }
    Ok(())
}

/// The events of a batch that are neither too old nor too new.
struct Accepted {
    too_old: usize,
    expired: usize,
    from: usize,
    until: usize,
}

impl Accepted {
    /// Older than 14 days or the group's retention, or more than 2 hours ahead, is rejected (AWS: `PutLogEvents`).
    fn of(batch: &[InputEvent], now: Moment, keeps_since: Moment) -> Self {
        let before = |moment| batch.partition_point(|event| event.timestamp < moment);
        let too_old = before(now.saturating_sub(14 * DAY_MS));
        let expired = before(keeps_since);
        let from = too_old.max(expired);
        let until = before(now + 2 * HOUR_MS + 1).max(from);
        Self {
            too_old,
            expired,
            from,
            until,
        }
    }

    fn rejected(&self, count: usize) -> Option<Value> {
        let mut info = json!({});
        if self.too_old > 0 {
            info["tooOldLogEventEndIndex"] = self.too_old.into();
        }
        if self.expired > 0 {
            info["expiredLogEventEndIndex"] = self.expired.into();
        }
        if self.until < count {
            info["tooNewLogEventStartIndex"] = self.until.into();
        }
        let is_any = info.as_object().is_some_and(|info| !info.is_empty());
        is_any.then_some(info)
    }
}
