//! Log streams and what they sum up of their events.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Work, events, group, input};
use crate::answer::Refusal;
use crate::clock::Moment;
use crate::place::Place;
use crate::store::{Record, Tx};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Stream {
    pub(super) group: String,
    pub(super) name: String,
    created: Moment,
    first_event: Option<Moment>,
    last_event: Option<Moment>,
    last_ingestion: Option<Moment>,
    bytes: u64,
}

impl Record for Stream {
    const KIND: &'static str = "log-stream";

    fn key(&self) -> String {
        key(&self.group, &self.name)
    }
}

/// Neither name has a colon; both may have slashes.
fn key(group: &str, name: &str) -> String {
    format!("{group}:{name}")
}

impl Stream {
    pub(super) fn new(group: &str, name: &str, created: Moment) -> Self {
        Self {
            group: group.to_owned(),
            name: name.to_owned(),
            created,
            first_event: None,
            last_event: None,
            last_ingestion: None,
            bytes: 0,
        }
    }

    /// Takes an event into account.
    pub(super) fn count(&mut self, moment: Moment, ingested: Moment, bytes: u64) {
        self.first_event = Some(self.first_event.map_or(moment, |first| first.min(moment)));
        self.last_event = Some(self.last_event.map_or(moment, |last| last.max(moment)));
        self.last_ingestion = Some(ingested);
        self.bytes += bytes;
    }

    /// No longer asked for by AWS, but still told.
    pub(super) fn sequence_token(&self) -> String {
        let ingested = self.last_ingestion.unwrap_or(self.created);
        format!("49{ingested:027}{:027}", self.bytes)
    }
}

pub(super) fn find(
    tx: &Tx,
    place: &Place,
    group: &str,
    name: &str,
) -> Result<Option<Stream>, Refusal> {
    tx.get(place, &key(group, name))
}

pub(super) fn of(
    tx: &Tx,
    place: &Place,
    group: &str,
    prefix: &str,
) -> Result<Vec<Stream>, Refusal> {
    tx.list(place, &key(group, prefix))
}

pub(super) fn unknown() -> Refusal {
    group::not_found("The specified log stream does not exist.")
}

pub(super) fn stored_bytes(tx: &Tx, place: &Place, group: &str) -> Result<u64, Refusal> {
    let streams = of(tx, place, group, "")?;
    Ok(streams.iter().map(|stream| stream.bytes).sum())
}

pub(super) fn delete_all(tx: &Tx, place: &Place, group: &str) -> Result<(), Refusal> {
    for stream in of(tx, place, group, "")? {
        tx.remove::<Stream>(place, &stream.key())?;
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NamedInput {
    log_stream_name: Option<String>,
}

fn name(work: &Work) -> Result<String, Refusal> {
    let given: NamedInput = work.input()?;
    let name = input::required(given.log_stream_name.as_ref(), "logStreamName")?;
    input::check_stream_name(name, "logStreamName")?;
    Ok(name.to_owned())
}

pub(super) fn create(work: &Work) -> Result<Value, Refusal> {
    let name = name(work)?;
    let group = group::named(work)?;
    if find(work.tx, work.place, &group.name, &name)?.is_some() {
        return Err(Refusal::new(
            400,
            "ResourceAlreadyExistsException",
            "The specified log stream already exists",
        ));
    }
    let stream = Stream::new(&group.name, &name, work.cloud.now());
    work.tx.put(work.place, &stream)?;
    Ok(Value::Null)
}

pub(super) fn delete(work: &Work) -> Result<Value, Refusal> {
    let name = name(work)?;
    let group = group::named(work)?;
    let key = key(&group.name, &name);
    if !work.tx.remove::<Stream>(work.place, &key)? {
        return Err(unknown());
    }
    events::delete(work.tx, work.place, &group.name, Some(&name))?;
    Ok(Value::Null)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DescribeInput {
    log_group_name: Option<String>,
    log_group_identifier: Option<String>,
    log_stream_name_prefix: Option<String>,
    order_by: Option<String>,
    #[serde(default)]
    descending: bool,
    next_token: Option<String>,
    limit: Option<i64>,
}

pub(super) fn describe(work: &Work) -> Result<Value, Refusal> {
    let given: DescribeInput = work.input()?;
    let group = group::identified(
        given.log_group_name.as_ref(),
        given.log_group_identifier.as_ref(),
    )?;
    let most = input::bounded(given.limit, "limit", 50, 50)?;
    let order = given.order_by.as_deref().unwrap_or("LogStreamName");
    input::one_of(order, "orderBy", &["LogStreamName", "LastEventTime"])?;
    let by_time = order == "LastEventTime";
    let prefix = given.log_stream_name_prefix.as_deref();
    if let Some(prefix) = prefix {
        input::check_stream_name(prefix, "logStreamNamePrefix")?;
        if by_time {
            return Err(input::invalid(
                "Cannot order by LastEventTime with a logStreamNamePrefix.",
            ));
        }
    }
    group::find(work.tx, work.place, group)?;
    let mut streams: Vec<(String, Stream)> =
        of(work.tx, work.place, group, prefix.unwrap_or_default())?
            .into_iter()
            .map(|stream| {
                let at = stream.last_event.filter(|_| by_time).unwrap_or(0);
                (format!("{at:020}:{}", stream.name), stream)
            })
            .collect();
    streams.sort_by(|(one, _), (other, _)| one.cmp(other));
    if given.descending {
        streams.reverse();
    }
    let (page, next) = input::page(streams, given.next_token.as_ref(), most, given.descending)?;
    let shown: Vec<Value> = page.iter().map(|stream| shown(work, stream)).collect();
    let mut output = json!({ "logStreams": shown });
    if let Some(next) = next {
        output["nextToken"] = next.into();
    }
    Ok(output)
}

fn shown(work: &Work, stream: &Stream) -> Value {
    let group = group::arn(work.place, &stream.group);
    let mut shown = json!({
        "logStreamName": stream.name,
        "creationTime": stream.created,
        "arn": format!("{group}:log-stream:{}", stream.name),
        // AWS tells no more than that since 2019.
        "storedBytes": 0,
    });
    for (member, moment) in [
        ("firstEventTimestamp", stream.first_event),
        ("lastEventTimestamp", stream.last_event),
        ("lastIngestionTime", stream.last_ingestion),
    ] {
        if let Some(moment) = moment {
            shown[member] = moment.into();
        }
    }
    // A stream without events has none.
    if stream.last_ingestion.is_some() {
        shown["uploadSequenceToken"] = stream.sequence_token().into();
    }
    shown
}
