//! Several items in one request, and scans.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::batch_write_item::BatchWriteItemOutput;
use aws_sdk_dynamodb::types::{KeysAndAttributes, PutRequest, WriteRequest};
use testkit::Account;

use super::{TABLE, active_table, item, key};
use crate::harness::account;

/// Writes the items `b0` to `b4` in one request.
async fn write_batch(account: &Account) -> BatchWriteItemOutput {
    let writes = (0..5).map(|at| {
        let put = PutRequest::builder()
            .set_item(Some(item(&format!("b{at}"), at)))
            .build()
            .expect("whole");
        WriteRequest::builder().put_request(put).build()
    });
    account
        .dynamodb
        .batch_write_item()
        .request_items(TABLE, writes.collect())
        .send()
        .await
        .expect("BatchWriteItem")
}

#[tokio::test]
async fn a_batch_is_written_as_a_whole() {
    let account = account().await;
    active_table(&account).await;
    let written = write_batch(&account).await;
    assert!(written.unprocessed_items().is_none_or(HashMap::is_empty));
}

#[tokio::test]
async fn a_batch_of_reads_returns_the_items_that_exist() {
    let account = account().await;
    active_table(&account).await;
    write_batch(&account).await;
    let wanted = KeysAndAttributes::builder()
        .keys(key("b1"))
        .keys(key("b4"))
        .keys(key("b9"))
        .build()
        .expect("whole");
    let read = account
        .dynamodb
        .batch_get_item()
        .request_items(TABLE, wanted)
        .send()
        .await
        .expect("BatchGetItem");
    assert_eq!(
        read.responses()
            .and_then(|tables| tables.get(TABLE))
            .map(Vec::len),
        Some(2)
    );
}

#[tokio::test]
async fn a_scan_reads_every_item_page_by_page() {
    let account = account().await;
    active_table(&account).await;
    write_batch(&account).await;
    let mut pages = account
        .dynamodb
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
