//! `DynamoDB`: `dynoxide`, one database a place, with AWS's names and lags before it.

mod backups;
mod databases;
mod errors;
mod indexes;
mod items;
mod numbers;
mod operations;
mod settings;
mod shape;
mod stream_record;
mod streams;
mod tables;
mod tags;
mod touched;
mod transactions;
mod unsupported;
mod update_item;
mod update_table;

use std::sync::Arc;

use bytes::Bytes;
use dynoxide::Database;

use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::cloud::Cloud;
use crate::place::Place;

pub(crate) use databases::Databases;
pub(crate) use operations::OPERATIONS;
pub(crate) use tags::tagged;

pub(crate) const TARGETS: &[&str] = &["DynamoDB_20120810.", "DynamoDBStreams_20120810."];

pub(crate) async fn perform(cloud: &Arc<Cloud>, call: &Call) -> Result<Answer, Refusal> {
    if serde_json::from_slice::<&serde_json::value::RawValue>(&call.body).is_err() {
        return Err(Refusal::new(
            400,
            "com.amazon.coral.service#SerializationException",
            "",
        ));
    }
    let answer = match call.operation {
        "CreateTable" => tables::create(cloud, call).await,
        "DeleteTable" => tables::delete(cloud, call).await,
        "DescribeTable" => tables::describe(cloud, call).await,
        "ListTables" => tables::list(cloud, call).await,
        "UpdateTable" => update_table::update(cloud, call).await,
        "DescribeTimeToLive" => settings::describe_ttl(cloud, call).await,
        "UpdateTimeToLive" => settings::update_ttl(cloud, call).await,
        "DescribeContinuousBackups" => settings::describe_backups(cloud, call).await,
        "UpdateContinuousBackups" => settings::update_backups(cloud, call).await,
        "CreateBackup" => backups::create(cloud, call).await,
        "DescribeBackup" => backups::describe(cloud, call),
        "DeleteBackup" => backups::delete(cloud, call),
        "ListBackups" => backups::list(cloud, call),
        "RestoreTableFromBackup" => backups::restore(cloud, call).await,
        "ListStreams" => streams::list(cloud, call),
        "DescribeStream" => streams::describe(cloud, call),
        "GetShardIterator" => streams::shard_iterator(cloud, call).await,
        "GetRecords" => streams::records(cloud, call).await,
        "TagResource" | "UntagResource" | "ListTagsOfResource" => {
            tags::check(&call.json()?["Tags"])?;
            run(cloud, call, tables::to_engine(call)).await
        }
        "UpdateItem" => return update_item::update(cloud, call).await.map(with_checksum),
        operation if unsupported::EMPTY.contains(&operation) => {
            unsupported::answer(cloud, call).await
        }
        _ => return items::perform(cloud, call).await.map(with_checksum),
    };
    answer.map(|answer| with_checksum(tables::from_engine(call, answer)))
}

/// Has the engine carry it out, away from the runtime's threads where it may wait for a disk.
async fn run(cloud: &Arc<Cloud>, call: &Call, body: Bytes) -> Result<Answer, Refusal> {
    let operation = call.operation;
    let work = move |database: &Database| operations::run(database, operation, &body);
    match with_database(cloud, &call.place, work).await? {
        Ok(text) => Ok(Answer::bytes(200, text)),
        Err(error) => Ok(errors::answer(operation, error)),
    }
}

async fn with_database<T: Send + 'static>(
    cloud: &Cloud,
    place: &Place,
    work: impl FnOnce(&Database) -> T + Send + 'static,
) -> Result<T, Refusal> {
    let database = cloud.databases.at(place)?;
    if cloud.folder.is_none() {
        return Ok(work(&database));
    }
    tokio::task::spawn_blocking(move || work(&database))
        .await
        .map_err(|error| Refusal::internal(error.to_string()))
}

/// AWS's clients check it.
fn with_checksum(answer: Answer) -> Answer {
    let checksum = match &answer.body {
        crate::answer::Body::Bytes(bytes) => crc32fast::hash(bytes),
        crate::answer::Body::Json(value) => crc32fast::hash(value.to_string().as_bytes()),
    };
    answer.with_header("x-amz-crc32", checksum.to_string())
}
