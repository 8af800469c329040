//! Tables, items in every way to read and write them, and the stream of their changes.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::client::Waiters;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BatchStatementRequest, BillingMode, Delete, Get,
    KeySchemaElement, KeyType, KeysAndAttributes, ParameterizedStatement, Put, PutRequest,
    ReturnValue, ScalarAttributeType, StreamSpecification, StreamViewType, TableStatus, Tag,
    TimeToLiveSpecification, TimeToLiveStatus, TransactGetItem, TransactWriteItem, WriteRequest,
};
use aws_sdk_dynamodbstreams::types::{OperationType, ShardIteratorType};
use testkit::Account;

use crate::harness::refused;

const TABLE: &str = "story";
const WAIT: Duration = Duration::from_secs(10);

type Item = HashMap<String, AttributeValue>;

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn number(value: i32) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn key(id: &str) -> Item {
    HashMap::from([("id".to_owned(), text(id))])
}

fn item(id: &str, count: i32) -> Item {
    let mut item = key(id);
    item.insert("count".to_owned(), number(count));
    item
}

pub(crate) async fn story(account: &Account) {
    table(account).await;
    items(account).await;
    batches(account).await;
    transactions(account).await;
    statements(account).await;
    stream(account).await;
    end(account).await;
}

async fn table(account: &Account) {
    let tables = &account.dynamodb;
    let create = || {
        tables
            .create_table()
            .table_name(TABLE)
            .attribute_definitions(
                AttributeDefinition::builder()
                    .attribute_name("id")
                    .attribute_type(ScalarAttributeType::S)
                    .build()
                    .expect("whole"),
            )
            .key_schema(
                KeySchemaElement::builder()
                    .attribute_name("id")
                    .key_type(KeyType::Hash)
                    .build()
                    .expect("whole"),
            )
            .billing_mode(BillingMode::PayPerRequest)
            .stream_specification(
                StreamSpecification::builder()
                    .stream_enabled(true)
                    .stream_view_type(StreamViewType::NewAndOldImages)
                    .build()
                    .expect("whole"),
            )
            .send()
    };
    let made = create().await.expect("CreateTable");
    let made = made.table_description().expect("a description");
    let arn = format!("arn:aws:dynamodb:eu-west-1:{}:table/{TABLE}", account.id);
    assert_eq!(made.table_arn(), Some(arn.as_str()));
    assert_eq!(made.table_status(), Some(&TableStatus::Creating));
    tables
        .wait_until_table_exists()
        .table_name(TABLE)
        .wait(WAIT)
        .await
        .expect("it becomes active");
    assert_eq!(refused(create().await), "ResourceInUseException");

    let found = tables.describe_table().table_name(TABLE).send().await;
    let found = found.expect("DescribeTable");
    let found = found.table().expect("a table");
    assert_eq!(found.table_status(), Some(&TableStatus::Active));
    assert!(
        found
            .latest_stream_arn()
            .is_some_and(|stream| { stream.starts_with(&format!("{arn}/stream/")) })
    );
    let listed = tables.list_tables().send().await.expect("ListTables");
    assert_eq!(listed.table_names(), [TABLE]);

    let updated = tables
        .update_table()
        .table_name(TABLE)
        .deletion_protection_enabled(true)
        .send()
        .await
        .expect("UpdateTable");
    assert_eq!(
        updated
            .table_description()
            .and_then(aws_sdk_dynamodb::types::TableDescription::deletion_protection_enabled),
        Some(true)
    );
    let early = tables.delete_table().table_name(TABLE).send().await;
    assert_eq!(refused(early), "ValidationException");
    tables
        .update_table()
        .table_name(TABLE)
        .deletion_protection_enabled(false)
        .send()
        .await
        .expect("UpdateTable");

    let tag = |key: &str, value: &str| {
        let tag = Tag::builder().key(key).value(value);
        tag.build().expect("whole")
    };
    tables
        .tag_resource()
        .resource_arn(&arn)
        .tags(tag("a", "1"))
        .tags(tag("b", "2"))
        .send()
        .await
        .expect("TagResource");
    tables
        .untag_resource()
        .resource_arn(&arn)
        .tag_keys("a")
        .send()
        .await
        .expect("UntagResource");
    let tags = tables.list_tags_of_resource().resource_arn(&arn).send();
    let tags = tags.await.expect("ListTagsOfResource");
    assert_eq!(tags.tags(), [tag("b", "2")]);

    let expiry = TimeToLiveSpecification::builder()
        .enabled(true)
        .attribute_name("until")
        .build()
        .expect("whole");
    tables
        .update_time_to_live()
        .table_name(TABLE)
        .time_to_live_specification(expiry)
        .send()
        .await
        .expect("UpdateTimeToLive");
    let expiry = tables.describe_time_to_live().table_name(TABLE).send();
    let expiry = expiry.await.expect("DescribeTimeToLive");
    let expiry = expiry.time_to_live_description().expect("a description");
    assert_eq!(
        (expiry.attribute_name(), expiry.time_to_live_status()),
        (Some("until"), Some(&TimeToLiveStatus::Enabled))
    );
    let backups = tables.describe_continuous_backups().table_name(TABLE);
    let backups = backups.send().await.expect("DescribeContinuousBackups");
    assert!(backups.continuous_backups_description().is_some());
}

async fn items(account: &Account) {
    let tables = &account.dynamodb;
    let put = || {
        tables
            .put_item()
            .table_name(TABLE)
            .set_item(Some(item("one", 1)))
            .condition_expression("attribute_not_exists(id)")
            .send()
    };
    put().await.expect("PutItem");
    assert_eq!(refused(put().await), "ConditionalCheckFailedException");
    let got = tables
        .get_item()
        .table_name(TABLE)
        .set_key(Some(key("one")))
        .consistent_read(true)
        .send();
    assert_eq!(got.await.expect("GetItem").item(), Some(&item("one", 1)));
    let updated = tables
        .update_item()
        .table_name(TABLE)
        .set_key(Some(key("one")))
        .update_expression("ADD #n :one")
        .expression_attribute_names("#n", "count")
        .expression_attribute_values(":one", number(1))
        .return_values(ReturnValue::AllNew)
        .send()
        .await
        .expect("UpdateItem");
    assert_eq!(updated.attributes(), Some(&item("one", 2)));
    let found = tables
        .query()
        .table_name(TABLE)
        .key_condition_expression("id = :id")
        .expression_attribute_values(":id", text("one"))
        .send();
    assert_eq!(found.await.expect("Query").items(), [item("one", 2)]);
    let removed = tables
        .delete_item()
        .table_name(TABLE)
        .set_key(Some(key("one")))
        .return_values(ReturnValue::AllOld)
        .send()
        .await
        .expect("DeleteItem");
    assert_eq!(removed.attributes(), Some(&item("one", 2)));
    let gone = tables
        .get_item()
        .table_name(TABLE)
        .set_key(Some(key("one")))
        .send();
    assert!(gone.await.expect("GetItem").item().is_none());
    let nowhere = tables
        .get_item()
        .table_name("nowhere")
        .set_key(Some(key("one")))
        .send();
    assert_eq!(refused(nowhere.await), "ResourceNotFoundException");
}

async fn batches(account: &Account) {
    let tables = &account.dynamodb;
    let writes = (0..5).map(|at| {
        let put = PutRequest::builder()
            .set_item(Some(item(&format!("b{at}"), at)))
            .build()
            .expect("whole");
        WriteRequest::builder().put_request(put).build()
    });
    let written = tables
        .batch_write_item()
        .request_items(TABLE, writes.collect())
        .send()
        .await
        .expect("BatchWriteItem");
    assert!(written.unprocessed_items().is_none_or(HashMap::is_empty));
    let wanted = KeysAndAttributes::builder()
        .keys(key("b1"))
        .keys(key("b4"))
        .keys(key("b9"))
        .build()
        .expect("whole");
    let read = tables.batch_get_item().request_items(TABLE, wanted).send();
    let read = read.await.expect("BatchGetItem");
    assert_eq!(
        read.responses()
            .and_then(|tables| tables.get(TABLE))
            .map(Vec::len),
        Some(2)
    );
    let mut pages = tables
        .scan()
        .table_name(TABLE)
        .into_paginator()
        .page_size(2)
        .items()
        .send();
    let mut ids = Vec::new();
    while let Some(item) = pages.next().await {
        ids.push(item.expect("Scan")["id"].as_s().expect("text").clone());
    }
    ids.sort();
    assert_eq!(ids, ["b0", "b1", "b2", "b3", "b4"]);
}

async fn transactions(account: &Account) {
    let tables = &account.dynamodb;
    let put = |id: &str| {
        let put = Put::builder()
            .table_name(TABLE)
            .set_item(Some(item(id, 0)))
            .condition_expression("attribute_not_exists(id)")
            .build()
            .expect("whole");
        TransactWriteItem::builder().put(put).build()
    };
    let delete = Delete::builder()
        .table_name(TABLE)
        .set_key(Some(key("b0")))
        .build()
        .expect("whole");
    tables
        .transact_write_items()
        .transact_items(put("t1"))
        .transact_items(TransactWriteItem::builder().delete(delete).build())
        .send()
        .await
        .expect("TransactWriteItems");
    let cancelled = tables
        .transact_write_items()
        .transact_items(put("t2"))
        .transact_items(put("t1"))
        .send()
        .await
        .expect_err("one of them is there")
        .into_service_error();
    let aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError::TransactionCanceledException(cancelled) =
        cancelled
    else {
        panic!("{cancelled:?}");
    };
    let reasons: Vec<_> = cancelled
        .cancellation_reasons()
        .iter()
        .map(|reason| reason.code())
        .collect();
    assert_eq!(reasons, [Some("None"), Some("ConditionalCheckFailed")]);
    let get = |id: &str| {
        let get = Get::builder()
            .table_name(TABLE)
            .set_key(Some(key(id)))
            .build()
            .expect("whole");
        TransactGetItem::builder().get(get).build()
    };
    let read = tables
        .transact_get_items()
        .transact_items(get("t1"))
        .transact_items(get("t2"))
        .transact_items(get("b0"))
        .send()
        .await
        .expect("TransactGetItems");
    let found: Vec<_> = read
        .responses()
        .iter()
        .map(|response| response.item().is_some_and(|item| !item.is_empty()))
        .collect();
    assert_eq!(found, [true, false, false]);
}

async fn statements(account: &Account) {
    let tables = &account.dynamodb;
    tables
        .execute_statement()
        .statement(format!(
            "INSERT INTO \"{TABLE}\" VALUE {{'id': ?, 'count': ?}}"
        ))
        .parameters(text("s1"))
        .parameters(number(7))
        .send()
        .await
        .expect("ExecuteStatement");
    let select = format!("SELECT * FROM \"{TABLE}\" WHERE id = ?");
    let found = tables
        .execute_statement()
        .statement(&select)
        .parameters(text("s1"))
        .send();
    let found = found.await.expect("ExecuteStatement");
    assert_eq!(found.items(), [item("s1", 7)]);
    let statement = |id: &str| {
        BatchStatementRequest::builder()
            .statement(&select)
            .parameters(text(id))
            .build()
            .expect("whole")
    };
    let found = tables
        .batch_execute_statement()
        .statements(statement("s1"))
        .statements(statement("b1"))
        .send();
    let found = found.await.expect("BatchExecuteStatement");
    let found: Vec<_> = found
        .responses()
        .iter()
        .map(|response| response.item().cloned())
        .collect();
    assert_eq!(found, [Some(item("s1", 7)), Some(item("b1", 1))]);
    let update = ParameterizedStatement::builder()
        .statement(format!("UPDATE \"{TABLE}\" SET \"count\" = ? WHERE id = ?"))
        .parameters(number(8))
        .parameters(text("s1"))
        .build()
        .expect("whole");
    tables
        .execute_transaction()
        .transact_statements(update)
        .send()
        .await
        .expect("ExecuteTransaction");
    let found = tables
        .get_item()
        .table_name(TABLE)
        .set_key(Some(key("s1")))
        .send();
    assert_eq!(found.await.expect("GetItem").item(), Some(&item("s1", 8)));
}

async fn stream(account: &Account) {
    let client = aws_sdk_dynamodbstreams::Client::new(&account.config);
    let listed = client.list_streams().table_name(TABLE).send().await;
    let listed = listed.expect("ListStreams");
    let arn = listed.streams()[0].stream_arn().expect("an ARN");
    let table = account.dynamodb.describe_table().table_name(TABLE).send();
    let table = table.await.expect("DescribeTable");
    assert_eq!(
        table.table().and_then(|table| table.latest_stream_arn()),
        Some(arn)
    );
    let described = client.describe_stream().stream_arn(arn).send().await;
    let described = described.expect("DescribeStream");
    let described = described.stream_description().expect("a description");
    assert_eq!(described.table_name(), Some(TABLE));
    let shard = described.shards()[0].shard_id().expect("an id");
    let iterator = client
        .get_shard_iterator()
        .stream_arn(arn)
        .shard_id(shard)
        .shard_iterator_type(ShardIteratorType::TrimHorizon)
        .send()
        .await
        .expect("GetShardIterator");
    let records = client
        .get_records()
        .shard_iterator(iterator.shard_iterator().expect("an iterator"))
        .send()
        .await
        .expect("GetRecords");
    let first: Vec<_> = records
        .records()
        .iter()
        .take(3)
        .filter_map(|record| record.event_name().cloned())
        .collect();
    assert_eq!(
        first,
        [
            OperationType::Insert,
            OperationType::Modify,
            OperationType::Remove
        ]
    );
    let changed = records.records()[1].dynamodb().expect("what changed");
    assert!(changed.old_image().is_some() && changed.new_image().is_some());
}

async fn end(account: &Account) {
    let tables = &account.dynamodb;
    let ended = tables.delete_table().table_name(TABLE).send().await;
    let ended = ended.expect("DeleteTable");
    assert_eq!(
        ended
            .table_description()
            .and_then(|table| table.table_status()),
        Some(&TableStatus::Deleting)
    );
    tables
        .wait_until_table_not_exists()
        .table_name(TABLE)
        .wait(WAIT)
        .await
        .expect("it goes");
    let gone = tables.describe_table().table_name(TABLE).send().await;
    assert_eq!(refused(gone), "ResourceNotFoundException");
}
