//! `PartiQL` statements: one, several, and in a transaction.

use aws_sdk_dynamodb::types::{BatchStatementRequest, ParameterizedStatement};

use super::{TABLE, active_table, get, item, number, put, text};
use crate::harness::account;

fn select() -> String {
    format!("SELECT * FROM \"{TABLE}\" WHERE id = ?")
}

#[tokio::test]
async fn a_statement_inserts_an_item_and_another_selects_it() {
    let account = account().await;
    active_table(&account).await;
    account
        .dynamodb
        .execute_statement()
        .statement(format!(
            "INSERT INTO \"{TABLE}\" VALUE {{'id': ?, 'count': ?}}"
        ))
        .parameters(text("one"))
        .parameters(number(7))
        .send()
        .await
        .expect("ExecuteStatement");
    let found = account
        .dynamodb
        .execute_statement()
        .statement(select())
        .parameters(text("one"))
        .send();
    let found = found.await.expect("ExecuteStatement");
    assert_eq!(found.items(), [item("one", 7)]);
}

#[tokio::test]
async fn a_batch_of_statements_answers_each() {
    let account = account().await;
    active_table(&account).await;
    put(&account, item("one", 7)).await;
    put(&account, item("two", 1)).await;
    let statement = |id: &str| {
        BatchStatementRequest::builder()
            .statement(select())
            .parameters(text(id))
            .build()
            .expect("whole")
    };
    let found = account
        .dynamodb
        .batch_execute_statement()
        .statements(statement("one"))
        .statements(statement("two"))
        .send();
    let found = found.await.expect("BatchExecuteStatement");
    let found: Vec<_> = found
        .responses()
        .iter()
        .map(|response| response.item().cloned())
        .collect();
    assert_eq!(found, [Some(item("one", 7)), Some(item("two", 1))]);
}

#[tokio::test]
async fn a_transaction_of_statements_updates_an_item() {
    let account = account().await;
    active_table(&account).await;
    put(&account, item("one", 7)).await;
    let update = ParameterizedStatement::builder()
        .statement(format!("UPDATE \"{TABLE}\" SET \"count\" = ? WHERE id = ?"))
        .parameters(number(8))
        .parameters(text("one"))
        .build()
        .expect("whole");
    account
        .dynamodb
        .execute_transaction()
        .transact_statements(update)
        .send()
        .await
        .expect("ExecuteTransaction");
    assert_eq!(get(&account, "one").await, Some(item("one", 8)));
}
