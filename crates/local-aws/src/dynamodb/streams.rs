//! Streams of tables. The engine keeps one series of records a table, with both images; which of them belong to a stream, and
//! which of their parts, is kept here.

use std::sync::Arc;

use dynoxide::Database;
use dynoxide::actions::get_records::{GetRecordsRequest, Record as EngineRecord};
use dynoxide::actions::get_shard_iterator::{
    GetShardIteratorRequest, decode_shard_iterator, encode_shard_iterator,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::stream_record;
use super::tables::{self, ENGINE_ARN};
use super::with_database;
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::clock::{self, Moment};
use crate::cloud::Cloud;
use crate::constraints::Constraints;
use crate::ids;
use crate::place::Place;
use crate::store::{Record, Tx};

const VALIDATION: &str = "com.amazon.coral.validate#ValidationException";

/// AWS keeps a record, and a stream that has ended, for a day.
const KEPT_MS: u64 = 86_400_000;

/// AWS's shard iterators are valid for 15 minutes.
const ITERATOR_MS: u64 = 900_000;

/// Added to a record's place in the engine's series, this is its sequence number.
const SEQUENCE: u128 = 100_000_000_000_000_000_000;

pub(super) const VIEWS: [&str; 4] = ["NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES", "KEYS_ONLY"];

/// The record of the engine, of which every view is a part.
pub(super) const WIDEST_VIEW: &str = "NEW_AND_OLD_IMAGES";

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Stream {
    pub(super) table: String,
    /// When it was enabled, as `2026-11-28T03:00:00.000`.
    pub(super) label: String,
    pub(super) view: String,
    created: Moment,
    /// The place in the engine's series after which its records begin.
    after: i64,
    shard: String,
    key_schema: Value,
    ended: Option<Ended>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Ended {
    at: Moment,
    /// The place of its last record.
    last: i64,
}

impl Record for Stream {
    const KIND: &'static str = "table-stream";

    fn key(&self) -> String {
        format!("{}/{}", self.table, self.label)
    }
}

/// The records of a stream whose table has been deleted.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    table: String,
    label: String,
    /// Place and record.
    records: Vec<(i64, Value)>,
}

impl Record for Kept {
    const KIND: &'static str = "table-stream-records";

    fn key(&self) -> String {
        format!("{}/{}", self.table, self.label)
    }
}

impl Stream {
    pub(super) fn arn(&self, place: &Place) -> String {
        let resource = format!("table/{}/stream/{}", self.table, self.label);
        place.arn("dynamodb", &resource)
    }

    pub(super) fn is_enabled(&self) -> bool {
        self.ended.is_none()
    }

    fn has_expired(&self, now: Moment) -> bool {
        self.ended
            .as_ref()
            .is_some_and(|ended| ended.at.saturating_add(KEPT_MS) <= now)
    }
}

/// The streams of a table (of all tables if it is empty) that are still kept, by table and age.
fn kept(cloud: &Cloud, place: &Place, table: &str) -> Result<Vec<Stream>, Refusal> {
    let now = cloud.now();
    let prefix = if table.is_empty() {
        String::new()
    } else {
        format!("{table}/")
    };
    cloud.store.transact(|tx| {
        let mut kept = Vec::new();
        for stream in tx.list::<Stream>(place, &prefix)? {
            if stream.has_expired(now) {
                tx.remove::<Stream>(place, &stream.key())?;
                tx.remove::<Kept>(place, &stream.key())?;
            } else {
                kept.push(stream);
            }
        }
        Ok(kept)
    })
}

/// The stream that a table's description shows: the last one that was enabled.
pub(super) fn latest(tx: &Tx, place: &Place, table: &str) -> Result<Option<Stream>, Refusal> {
    Ok(tx.list::<Stream>(place, &format!("{table}/"))?.pop())
}

/// Begins a stream of a table whose records the engine has just begun to keep.
pub(super) async fn open(
    cloud: &Cloud,
    place: &Place,
    table: &str,
    view: &str,
    key_schema: Value,
) -> Result<(), Refusal> {
    let after = last_place(cloud, place, table).await?;
    let mut created = cloud.now();
    cloud.store.transact(|tx| {
        let mut stream = Stream {
            table: table.to_owned(),
            label: label(created),
            view: view.to_owned(),
            created,
            after,
            shard: format!("shardId-{created:020}-{}", ids::hex(8)),
            key_schema,
            ended: None,
        };
        while tx.get::<Stream>(place, &stream.key())?.is_some() {
            created += 1;
            stream.label = label(created);
        }
        tx.put(place, &stream)
    })
}

/// Ends the stream of a table, whose records the engine does not keep any more. `nearly` is a place in the series from before
/// that, not far from its end.
pub(super) async fn close(
    cloud: &Cloud,
    place: &Place,
    table: &str,
    nearly: i64,
) -> Result<(), Refusal> {
    let last = records_after(cloud, place, table, nearly)
        .await?
        .last()
        .map_or(nearly, |(place, _)| *place);
    let at = cloud.now();
    cloud.store.transact(|tx| {
        for mut stream in tx.list::<Stream>(place, &format!("{table}/"))? {
            if stream.is_enabled() {
                stream.ended = Some(Ended { at, last });
                tx.put(place, &stream)?;
            }
        }
        Ok(())
    })
}

/// Ends the streams of a table that is about to be deleted, and keeps their records.
pub(super) async fn keep_of_deleted(
    cloud: &Cloud,
    place: &Place,
    table: &str,
) -> Result<(), Refusal> {
    let streams = kept(cloud, place, table)?;
    let Some(first) = streams.iter().map(|stream| stream.after).min() else {
        return Ok(());
    };
    let records = records_after(cloud, place, table, first).await?;
    let last = records.last().map_or(first, |(place, _)| *place);
    let at = cloud.now();
    cloud.store.transact(|tx| {
        for mut stream in streams {
            if tx.get::<Kept>(place, &stream.key())?.is_some() {
                // It is one of an earlier table of this name.
                continue;
            }
            let ended = stream.ended.get_or_insert(Ended { at, last });
            let (after, last) = (stream.after, ended.last);
            let records = records
                .iter()
                .filter(|(place, _)| *place > after && *place <= last)
                .filter_map(|(place, record)| Some((*place, serde_json::to_value(record).ok()?)))
                .collect();
            tx.put(place, &stream)?;
            let kept = Kept {
                table: stream.table,
                label: stream.label,
                records,
            };
            tx.put(place, &kept)?;
        }
        Ok(())
    })
}

/// The end of the engine's series of a table with an enabled stream.
pub(super) async fn last_place(cloud: &Cloud, place: &Place, table: &str) -> Result<i64, Refusal> {
    let request = GetShardIteratorRequest {
        stream_arn: format!("{ENGINE_ARN}table/{table}/stream/-"),
        shard_id: dynoxide::streams::shard_id(table),
        shard_iterator_type: "LATEST".to_owned(),
        sequence_number: None,
    };
    let work = move |database: &Database| database.get_shard_iterator(request);
    let answer = with_database(cloud, place, work)
        .await?
        .map_err(|error| Refusal::internal(error.to_string()))?;
    Ok(answer
        .shard_iterator
        .and_then(|iterator| decode_shard_iterator(&iterator))
        .map_or(0, |(_, _, place)| place))
}

/// All of the engine's records of a table after a place; none if there is no such table.
async fn records_after(
    cloud: &Cloud,
    place: &Place,
    table: &str,
    after: i64,
) -> Result<Vec<(i64, EngineRecord)>, Refusal> {
    let mut after = after;
    let mut all = Vec::new();
    loop {
        let records = page(cloud, place, table, after, 1000).await?;
        let Some((last, _)) = records.last() else {
            return Ok(all);
        };
        after = *last;
        all.extend(records);
    }
}

async fn page(
    cloud: &Cloud,
    place: &Place,
    table: &str,
    after: i64,
    limit: usize,
) -> Result<Vec<(i64, EngineRecord)>, Refusal> {
    let shard = dynoxide::streams::shard_id(table);
    let request = GetRecordsRequest {
        shard_iterator: encode_shard_iterator(table, &shard, after),
        limit: Some(limit),
    };
    let work = move |database: &Database| database.get_records(request);
    let records = match with_database(cloud, place, work).await? {
        Ok(answer) => answer.records,
        Err(_) => Vec::new(),
    };
    Ok(records
        .into_iter()
        .filter_map(|record| Some((position(&record.dynamodb.sequence_number)?, record)))
        .collect())
}

fn position(sequence_number: &str) -> Option<i64> {
    let number: u128 = sequence_number.parse().ok()?;
    i64::try_from(number.checked_sub(SEQUENCE)?).ok()
}

fn sequence_number(position: i64) -> String {
    (SEQUENCE + u128::try_from(position).unwrap_or_default()).to_string()
}

fn label(moment: Moment) -> String {
    let whole = clock::iso(moment);
    format!("{}.{:03}", whole.trim_end_matches('Z'), moment % 1000)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListRequest {
    table_name: Option<String>,
    exclusive_start_stream_arn: Option<String>,
    limit: Option<i64>,
}

pub(super) fn list(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let request: ListRequest = call.input()?;
    let mut constraints = Constraints::default();
    constraints.range(request.limit, "limit", 1, 100);
    constraints.finish(VALIDATION)?;
    let table = request.table_name.unwrap_or_default();
    let streams = kept(cloud, &call.place, tables::plain(&table))?;
    let start = request.exclusive_start_stream_arn;
    let from = start.and_then(|start| {
        streams
            .iter()
            .position(|stream| stream.arn(&call.place) == start)
    });
    let limit = request
        .limit
        .and_then(|limit| usize::try_from(limit).ok())
        .unwrap_or(100);
    let rest = &streams[from.map_or(0, |at| at + 1)..];
    let page = &rest[..rest.len().min(limit)];
    let listed: Vec<Value> = page
        .iter()
        .map(|stream| {
            json!({
                "StreamArn": stream.arn(&call.place),
                "StreamLabel": stream.label,
                "TableName": stream.table,
            })
        })
        .collect();
    let mut output = json!({ "Streams": listed });
    if let Some(last) = page.last().filter(|_| rest.len() > limit) {
        output["LastEvaluatedStreamArn"] = last.arn(&call.place).into();
    }
    Ok(Answer::ok(output))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DescribeRequest {
    stream_arn: Option<String>,
    exclusive_start_shard_id: Option<String>,
    limit: Option<i64>,
}

pub(super) fn describe(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let request: DescribeRequest = call.input()?;
    let mut constraints = Constraints::default();
    constraints.not_null(request.stream_arn.as_ref(), "streamArn");
    constraints.range(request.limit, "limit", 1, 100);
    if let Some(shard) = &request.exclusive_start_shard_id {
        constraints.length(shard, "exclusiveStartShardId", 28, 65);
    }
    constraints.finish(VALIDATION)?;
    let stream = of_arn(cloud, call, &request.stream_arn.unwrap_or_default())?;
    let mut range = json!({ "StartingSequenceNumber": sequence_number(stream.after + 1) });
    if let Some(ended) = &stream.ended {
        let last = ended.last.max(stream.after + 1);
        range["EndingSequenceNumber"] = sequence_number(last).into();
    }
    let is_after = request
        .exclusive_start_shard_id
        .is_some_and(|shard| shard >= stream.shard);
    let shards = if is_after {
        json!([])
    } else {
        json!([{ "ShardId": stream.shard, "SequenceNumberRange": range }])
    };
    Ok(Answer::ok(json!({ "StreamDescription": {
        "StreamArn": stream.arn(&call.place),
        "StreamLabel": stream.label,
        "StreamStatus": if stream.is_enabled() { "ENABLED" } else { "DISABLED" },
        "StreamViewType": stream.view,
        "CreationRequestDateTime": clock::fractional_seconds(stream.created),
        "TableName": stream.table,
        "KeySchema": stream.key_schema,
        "Shards": shards,
    }})))
}

fn of_arn(cloud: &Cloud, call: &Call, arn: &str) -> Result<Stream, Refusal> {
    let found = arn
        .strip_prefix(&call.place.arn("dynamodb", "table/"))
        .and_then(|rest| rest.split_once("/stream/"))
        .map(|(table, label)| (table.to_owned(), label.to_owned()));
    let unknown = || {
        refusal(
            "ResourceNotFoundException",
            format!("Requested resource not found: Stream: {arn} not found"),
        )
    };
    let (table, label) = found.ok_or_else(unknown)?;
    kept(cloud, &call.place, &table)?
        .into_iter()
        .find(|stream| stream.table == table && stream.label == label)
        .ok_or_else(unknown)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct IteratorRequest {
    stream_arn: Option<String>,
    shard_id: Option<String>,
    shard_iterator_type: Option<String>,
    sequence_number: Option<String>,
}

/// What a shard iterator says, in base64 after the stream's ARN.
#[derive(Serialize, Deserialize)]
struct Iterator {
    after: i64,
    issued: Moment,
}

pub(super) async fn shard_iterator(cloud: &Arc<Cloud>, call: &Call) -> Result<Answer, Refusal> {
    let request: IteratorRequest = call.input()?;
    let kind = request.shard_iterator_type.clone().unwrap_or_default();
    let mut constraints = Constraints::default();
    constraints.not_null(request.stream_arn.as_ref(), "streamArn");
    constraints.not_null(request.shard_id.as_ref(), "shardId");
    constraints.not_null(request.shard_iterator_type.as_ref(), "shardIteratorType");
    if let Some(shard) = &request.shard_id {
        constraints.length(shard, "shardId", 28, 65);
    }
    if let Some(number) = &request.sequence_number {
        constraints.secret_length(number, "sequenceNumber", 21, 40);
    }
    if request.shard_iterator_type.is_some() {
        let kinds = [
            "AT_SEQUENCE_NUMBER",
            "AFTER_SEQUENCE_NUMBER",
            "TRIM_HORIZON",
            "LATEST",
        ];
        constraints.one_of(&kind, "shardIteratorType", &kinds);
    }
    constraints.finish(VALIDATION)?;
    let stream = of_arn(cloud, call, &request.stream_arn.unwrap_or_default())?;
    let shard = request.shard_id.unwrap_or_default();
    if shard != stream.shard {
        let arn = stream.arn(&call.place);
        return Err(refusal(
            "ResourceNotFoundException",
            format!("Requested resource not found: Shard does not exist: {shard} in stream {arn}"),
        ));
    }
    let named = || -> Result<i64, Refusal> {
        let number = request.sequence_number.as_deref().ok_or_else(|| {
            invalid(
                "One or more parameter values were invalid: SequenceNumber must be specified for this iterator type",
            )
        })?;
        let last = stream.ended.as_ref().map_or(i64::MAX, |ended| ended.last);
        position(number)
            .filter(|position| *position > stream.after && *position <= last)
            .ok_or_else(|| invalid("Invalid SequenceNumber for the shard"))
    };
    let after = match kind.as_str() {
        "AT_SEQUENCE_NUMBER" => named()? - 1,
        "AFTER_SEQUENCE_NUMBER" => named()?,
        _ if request.sequence_number.is_some() => {
            return Err(invalid(
                "One or more parameter values were invalid: SequenceNumber should not be passed for this iterator type",
            ));
        }
        "TRIM_HORIZON" => stream.after,
        _ => match &stream.ended {
            Some(ended) => ended.last,
            None => last_place(cloud, &call.place, &stream.table).await?,
        },
    };
    let iterator = written(cloud, &call.place, &stream, after);
    Ok(Answer::ok(json!({ "ShardIterator": iterator })))
}

fn written(cloud: &Cloud, place: &Place, stream: &Stream, after: i64) -> String {
    use base64::Engine;
    let iterator = Iterator {
        after,
        issued: cloud.now(),
    };
    let text = serde_json::to_string(&iterator).unwrap_or_default();
    let text = base64::engine::general_purpose::STANDARD.encode(text);
    format!("{}|1|{text}", stream.arn(place))
}

fn parsed(iterator: &str) -> Option<(&str, Iterator)> {
    use base64::Engine;
    let (arn, text) = iterator.split_once("|1|")?;
    let text = base64::engine::general_purpose::STANDARD
        .decode(text)
        .ok()?;
    Some((arn, serde_json::from_slice(&text).ok()?))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RecordsRequest {
    shard_iterator: Option<String>,
    limit: Option<i64>,
}

pub(super) async fn records(cloud: &Arc<Cloud>, call: &Call) -> Result<Answer, Refusal> {
    let request: RecordsRequest = call.input()?;
    let mut constraints = Constraints::default();
    constraints.not_null(request.shard_iterator.as_ref(), "shardIterator");
    constraints.range(request.limit, "limit", 1, 1000);
    constraints.finish(VALIDATION)?;
    let iterator = request.shard_iterator.unwrap_or_default();
    let (arn, iterator) = parsed(&iterator).ok_or_else(|| invalid("Invalid ShardIterator"))?;
    let now = cloud.now();
    if iterator.issued.saturating_add(ITERATOR_MS) < now {
        return Err(refusal(
            "ExpiredIteratorException",
            "The shard iterator has expired. Shard iterators are valid for 15 minutes",
        ));
    }
    let stream = of_arn(cloud, call, arn)?;
    let last = stream.ended.as_ref().map_or(i64::MAX, |ended| ended.last);
    let limit = request
        .limit
        .and_then(|limit| usize::try_from(limit).ok())
        .unwrap_or(1000);
    let mut after = iterator.after.max(stream.after);
    let mut found: Vec<Value> = Vec::new();
    let mut is_at_end = false;
    while found.len() < limit && !is_at_end {
        let page = stored_page(cloud, &call.place, &stream, after, limit).await?;
        is_at_end = page.is_empty();
        for (position, record) in page {
            if position > last {
                is_at_end = true;
                break;
            }
            if found.len() == limit {
                break;
            }
            after = position;
            found.extend(stream_record::shown(record, &stream.view, &call.place, now));
        }
    }
    let mut output = json!({ "Records": found });
    if stream.is_enabled() || !is_at_end {
        output["NextShardIterator"] = written(cloud, &call.place, &stream, after).into();
    }
    Ok(Answer::ok(output))
}

/// The next records of a stream as the engine writes them, wherever they are.
async fn stored_page(
    cloud: &Cloud,
    place: &Place,
    stream: &Stream,
    after: i64,
    limit: usize,
) -> Result<Vec<(i64, Value)>, Refusal> {
    if !stream.is_enabled() {
        let kept = cloud
            .store
            .transact(|tx| tx.get::<Kept>(place, &stream.key()))?;
        if let Some(kept) = kept {
            return Ok(kept
                .records
                .into_iter()
                .filter(|(position, _)| *position > after)
                .take(limit)
                .collect());
        }
    }
    let page = page(cloud, place, &stream.table, after, limit).await?;
    Ok(page
        .into_iter()
        .filter_map(|(position, record)| Some((position, serde_json::to_value(record).ok()?)))
        .collect())
}

fn invalid(message: &str) -> Refusal {
    Refusal::new(400, VALIDATION, message)
}

fn refusal(code: &str, message: impl Into<String>) -> Refusal {
    Refusal::new(
        400,
        &format!("com.amazonaws.dynamodb.v20120810#{code}"),
        message,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_a_moment_to_the_millisecond() {
        assert_eq!(label(1_795_512_600_007), "2026-11-24T09:30:00.007");
    }

    #[test]
    fn an_iterator_of_somebody_else_is_none() {
        for text in ["", "|1|", "arn|1|x", "arn|1|bnVsbA==", "a|1|e30="] {
            assert!(parsed(text).is_none(), "{text}");
        }
    }

    #[test]
    fn sequence_numbers_and_places_are_one() {
        assert_eq!(position(&sequence_number(7)), Some(7));
        for text in [
            "",
            "x",
            "5",
            "-1",
            "999999999999999999999999999999999999999999",
        ] {
            assert_eq!(position(text), None, "{text}");
        }
    }
}
