//! Tables: created, described, listed, protected and deleted.

use aws_sdk_dynamodb::client::Waiters;
use aws_sdk_dynamodb::types::{TableDescription, TableStatus};
use testkit::Account;

use super::{TABLE, active_table, create_table, describe_table};
use crate::harness::{WAIT, account, refused};

async fn protect(account: &Account, on: bool) -> Option<TableDescription> {
    account
        .dynamodb
        .update_table()
        .table_name(TABLE)
        .deletion_protection_enabled(on)
        .send()
        .await
        .expect("UpdateTable")
        .table_description
}

#[tokio::test]
async fn a_new_table_is_creating_and_becomes_active() {
    let account = account().await;
    let created = create_table(&account).send().await.expect("CreateTable");
    let created = created.table_description().expect("a description");
    let arn = format!("arn:aws:dynamodb:eu-west-1:{}:table/{TABLE}", account.id);
    assert_eq!(created.table_arn(), Some(arn.as_str()));
    assert_eq!(created.table_status(), Some(&TableStatus::Creating));
    account
        .dynamodb
        .wait_until_table_exists()
        .table_name(TABLE)
        .wait(WAIT)
        .await
        .expect("it becomes active");
    let table = describe_table(&account).await;
    assert_eq!(table.table_status(), Some(&TableStatus::Active));
}

#[tokio::test]
async fn a_tables_stream_has_an_arn_below_the_tables() {
    let account = account().await;
    let arn = active_table(&account).await;
    assert!(
        describe_table(&account)
            .await
            .latest_stream_arn()
            .is_some_and(|stream| stream.starts_with(&format!("{arn}/stream/")))
    );
}

#[tokio::test]
async fn a_table_name_is_taken_once() {
    let account = account().await;
    active_table(&account).await;
    let again = create_table(&account).send().await;
    assert_eq!(refused(again), "ResourceInUseException");
}

#[tokio::test]
async fn tables_are_listed() {
    let account = account().await;
    active_table(&account).await;
    let listed = account.dynamodb.list_tables().send().await;
    assert_eq!(listed.expect("ListTables").table_names(), [TABLE]);
}

#[tokio::test]
async fn a_protected_table_cannot_be_deleted() {
    let account = account().await;
    active_table(&account).await;
    let protected = protect(&account, true).await.expect("a description");
    assert_eq!(protected.deletion_protection_enabled(), Some(true));
    let delete = || account.dynamodb.delete_table().table_name(TABLE).send();
    assert_eq!(refused(delete().await), "ValidationException");
    protect(&account, false).await;
    delete().await.expect("DeleteTable");
}

#[tokio::test]
async fn a_deleted_table_is_deleting_and_then_gone() {
    let account = account().await;
    let tables = &account.dynamodb;
    active_table(&account).await;
    let deleted = tables.delete_table().table_name(TABLE).send().await;
    assert_eq!(
        deleted
            .expect("DeleteTable")
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
