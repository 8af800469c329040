//! `DynamoDB`: tables, items in every way to read and write them, and the stream of their changes.

mod batches;
mod items;
mod settings;
mod statements;
mod streams;
mod tables;
mod transactions;

use std::collections::HashMap;

use aws_sdk_dynamodb::client::Waiters;
use aws_sdk_dynamodb::operation::create_table::builders::CreateTableFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
    ScalarAttributeType, StreamSpecification, StreamViewType, TableDescription,
};
use testkit::Account;

use crate::harness::WAIT;

const TABLE: &str = "things";

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

/// A request for [`TABLE`], with `id` as its key and a stream of both images.
fn create_table(account: &Account) -> CreateTableFluentBuilder {
    account
        .dynamodb
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
}

/// Creates [`TABLE`], waits until it is active, and returns its ARN.
async fn active_table(account: &Account) -> String {
    let created = create_table(account).send().await.expect("CreateTable");
    account
        .dynamodb
        .wait_until_table_exists()
        .table_name(TABLE)
        .wait(WAIT)
        .await
        .expect("it becomes active");
    let table = created.table_description().expect("a description");
    table.table_arn().expect("an ARN").to_owned()
}

async fn describe_table(account: &Account) -> TableDescription {
    let found = account.dynamodb.describe_table().table_name(TABLE).send();
    found.await.expect("DescribeTable").table.expect("a table")
}

async fn put(account: &Account, item: Item) {
    account
        .dynamodb
        .put_item()
        .table_name(TABLE)
        .set_item(Some(item))
        .send()
        .await
        .expect("PutItem");
}

async fn get(account: &Account, id: &str) -> Option<Item> {
    account
        .dynamodb
        .get_item()
        .table_name(TABLE)
        .set_key(Some(key(id)))
        .consistent_read(true)
        .send()
        .await
        .expect("GetItem")
        .item
}

/// Adds one to an item's count and returns the new item.
async fn increment(account: &Account, id: &str) -> Option<Item> {
    account
        .dynamodb
        .update_item()
        .table_name(TABLE)
        .set_key(Some(key(id)))
        .update_expression("ADD #n :one")
        .expression_attribute_names("#n", "count")
        .expression_attribute_values(":one", number(1))
        .return_values(aws_sdk_dynamodb::types::ReturnValue::AllNew)
        .send()
        .await
        .expect("UpdateItem")
        .attributes
}

/// Deletes an item and returns it.
async fn delete(account: &Account, id: &str) -> Option<Item> {
    account
        .dynamodb
        .delete_item()
        .table_name(TABLE)
        .set_key(Some(key(id)))
        .return_values(aws_sdk_dynamodb::types::ReturnValue::AllOld)
        .send()
        .await
        .expect("DeleteItem")
        .attributes
}
