//! The stream of a table's changes.

use aws_sdk_dynamodbstreams::Client;
use aws_sdk_dynamodbstreams::types::{OperationType, Record, ShardIteratorType, StreamDescription};
use testkit::Account;

use super::{TABLE, active_table, delete, describe_table, increment, item, put};
use crate::harness::account;

/// Returns the ARN of the only stream of [`TABLE`].
async fn stream_arn(streams: &Client) -> String {
    let listed = streams.list_streams().table_name(TABLE).send().await;
    let listed = listed.expect("ListStreams");
    let [stream] = listed.streams() else {
        panic!("not one stream: {listed:?}");
    };
    stream.stream_arn().expect("an ARN").to_owned()
}

async fn describe_stream(streams: &Client, arn: &str) -> StreamDescription {
    let described = streams.describe_stream().stream_arn(arn).send().await;
    let described = described.expect("DescribeStream");
    described.stream_description.expect("a description")
}

/// Inserts, modifies and removes an item, and returns the records of the first shard.
async fn records_of_three_changes(account: &Account) -> Vec<Record> {
    active_table(account).await;
    put(account, item("one", 1)).await;
    increment(account, "one").await;
    delete(account, "one").await;

    let streams = Client::new(&account.config);
    let arn = stream_arn(&streams).await;
    let described = describe_stream(&streams, &arn).await;
    let shard = described.shards()[0].shard_id().expect("an id");
    let iterator = streams
        .get_shard_iterator()
        .stream_arn(&arn)
        .shard_id(shard)
        .shard_iterator_type(ShardIteratorType::TrimHorizon)
        .send()
        .await
        .expect("GetShardIterator");
    let records = streams
        .get_records()
        .shard_iterator(iterator.shard_iterator().expect("an iterator"))
        .send()
        .await;
    records.expect("GetRecords").records.unwrap_or_default()
}

#[tokio::test]
async fn a_tables_stream_is_listed_and_described() {
    let account = account().await;
    active_table(&account).await;
    let streams = Client::new(&account.config);
    let arn = stream_arn(&streams).await;
    let table = describe_table(&account).await;
    assert_eq!(table.latest_stream_arn(), Some(arn.as_str()));
    let described = describe_stream(&streams, &arn).await;
    assert_eq!(described.table_name(), Some(TABLE));
}

#[tokio::test]
async fn a_stream_has_a_record_for_each_change() {
    let account = account().await;
    let records = records_of_three_changes(&account).await;
    let names: Vec<_> = records
        .iter()
        .filter_map(|record| record.event_name().cloned())
        .collect();
    assert_eq!(
        names,
        [
            OperationType::Insert,
            OperationType::Modify,
            OperationType::Remove
        ]
    );
}

#[tokio::test]
async fn a_record_of_a_modification_has_both_images() {
    let account = account().await;
    let records = records_of_three_changes(&account).await;
    let change = records[1].dynamodb().expect("the change");
    assert!(change.old_image().is_some() && change.new_image().is_some());
}
