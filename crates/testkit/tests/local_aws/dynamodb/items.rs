//! Single items: written on a condition, read, updated, queried and deleted.

use super::{TABLE, active_table, delete, get, increment, item, key, put, text};
use crate::harness::{account, refused};

#[tokio::test]
async fn an_item_is_put_unless_its_condition_fails() {
    let account = account().await;
    active_table(&account).await;
    let put = || {
        account
            .dynamodb
            .put_item()
            .table_name(TABLE)
            .set_item(Some(item("one", 1)))
            .condition_expression("attribute_not_exists(id)")
            .send()
    };
    put().await.expect("PutItem");
    assert_eq!(refused(put().await), "ConditionalCheckFailedException");
    assert_eq!(get(&account, "one").await, Some(item("one", 1)));
}

#[tokio::test]
async fn an_update_returns_the_new_item() {
    let account = account().await;
    active_table(&account).await;
    put(&account, item("one", 1)).await;
    assert_eq!(increment(&account, "one").await, Some(item("one", 2)));
}

#[tokio::test]
async fn a_query_finds_an_item_by_its_key() {
    let account = account().await;
    active_table(&account).await;
    put(&account, item("one", 2)).await;
    put(&account, item("two", 2)).await;
    let found = account
        .dynamodb
        .query()
        .table_name(TABLE)
        .key_condition_expression("id = :id")
        .expression_attribute_values(":id", text("one"))
        .send();
    assert_eq!(found.await.expect("Query").items(), [item("one", 2)]);
}

#[tokio::test]
async fn a_deletion_returns_the_item_which_is_gone() {
    let account = account().await;
    active_table(&account).await;
    put(&account, item("one", 2)).await;
    assert_eq!(delete(&account, "one").await, Some(item("one", 2)));
    assert_eq!(get(&account, "one").await, None);
}

#[tokio::test]
async fn an_item_of_a_missing_table_is_refused() {
    let account = account().await;
    let nowhere = account
        .dynamodb
        .get_item()
        .table_name("nowhere")
        .set_key(Some(key("one")))
        .send();
    assert_eq!(refused(nowhere.await), "ResourceNotFoundException");
}
