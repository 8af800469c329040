//! Transactions: carried out as a whole or not at all.

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{Delete, Get, Put, TransactGetItem, TransactWriteItem};
use testkit::Account;

use super::{TABLE, active_table, item, key, put};
use crate::harness::account;

fn put_new(id: &str) -> TransactWriteItem {
    let put = Put::builder()
        .table_name(TABLE)
        .set_item(Some(item(id, 0)))
        .condition_expression("attribute_not_exists(id)")
        .build()
        .expect("whole");
    TransactWriteItem::builder().put(put).build()
}

/// Reads items in one transaction and returns for each if it exists.
async fn exist(account: &Account, ids: &[&str]) -> Vec<bool> {
    let gets = ids.iter().map(|id| {
        let get = Get::builder()
            .table_name(TABLE)
            .set_key(Some(key(id)))
            .build()
            .expect("whole");
        TransactGetItem::builder().get(get).build()
    });
    let read = account
        .dynamodb
        .transact_get_items()
        .set_transact_items(Some(gets.collect()))
        .send()
        .await
        .expect("TransactGetItems");
    read.responses()
        .iter()
        .map(|response| response.item().is_some_and(|item| !item.is_empty()))
        .collect()
}

#[tokio::test]
async fn a_transaction_carries_out_all_its_writes() {
    let account = account().await;
    active_table(&account).await;
    put(&account, item("old", 0)).await;
    let delete = Delete::builder()
        .table_name(TABLE)
        .set_key(Some(key("old")))
        .build()
        .expect("whole");
    account
        .dynamodb
        .transact_write_items()
        .transact_items(put_new("new"))
        .transact_items(TransactWriteItem::builder().delete(delete).build())
        .send()
        .await
        .expect("TransactWriteItems");
    assert_eq!(
        exist(&account, &["new", "other", "old"]).await,
        [true, false, false]
    );
}

#[tokio::test]
async fn a_cancelled_transaction_writes_nothing_and_gives_a_reason_for_each_item() {
    let account = account().await;
    active_table(&account).await;
    put(&account, item("old", 0)).await;
    let cancelled = account
        .dynamodb
        .transact_write_items()
        .transact_items(put_new("new"))
        .transact_items(put_new("old"))
        .send()
        .await
        .expect_err("one of them exists")
        .into_service_error();
    let TransactWriteItemsError::TransactionCanceledException(cancelled) = cancelled else {
        panic!("{cancelled:?}");
    };
    let reasons: Vec<_> = cancelled
        .cancellation_reasons()
        .iter()
        .map(|reason| reason.code())
        .collect();
    assert_eq!(reasons, [Some("None"), Some("ConditionalCheckFailed")]);
    assert_eq!(exist(&account, &["new", "old"]).await, [false, true]);
}
