//! API keys.

use aws_sdk_apigateway::operation::create_api_key::builders::CreateApiKeyFluentBuilder;
use aws_sdk_apigateway::operation::get_api_key::builders::GetApiKeyFluentBuilder;
use aws_sdk_apigateway::types::Op;
use testkit::Account;

use super::patch;
use crate::harness::{account, refused};

const VALUE: &str = "a-value-of-twenty-characters-and-more";

fn create_key(account: &Account, name: &str) -> CreateApiKeyFluentBuilder {
    account.apigateway.create_api_key().name(name).enabled(true)
}

/// Creates the key `first` with [`VALUE`] and returns its id.
async fn first_key(account: &Account) -> String {
    let created = create_key(account, "first").value(VALUE).send().await;
    let created = created.expect("CreateApiKey");
    created.id().expect("an id").to_owned()
}

fn get_key(account: &Account, id: &str) -> GetApiKeyFluentBuilder {
    account.apigateway.get_api_key().api_key(id)
}

#[tokio::test]
async fn a_key_is_created_with_its_value() {
    let account = account().await;
    let created = create_key(&account, "first").value(VALUE).send().await;
    let created = created.expect("CreateApiKey");
    assert_eq!((created.value(), created.enabled()), (Some(VALUE), true));
}

#[tokio::test]
async fn a_key_value_is_taken_once() {
    let account = account().await;
    first_key(&account).await;
    let other = create_key(&account, "other").value(VALUE).send().await;
    assert_eq!(refused(other), "ConflictException");
}

#[tokio::test]
async fn a_short_key_value_is_refused() {
    let account = account().await;
    let short = create_key(&account, "short").value("short").send().await;
    assert_eq!(refused(short), "BadRequestException");
}

#[tokio::test]
async fn a_key_without_a_value_gets_one_of_40_characters() {
    let account = account().await;
    let created = create_key(&account, "first").send().await;
    assert_eq!(
        created.expect("CreateApiKey").value().map(str::len),
        Some(40)
    );
}

#[tokio::test]
async fn a_key_is_updated() {
    let account = account().await;
    let id = first_key(&account).await;
    let updated = account
        .apigateway
        .update_api_key()
        .api_key(id)
        .patch_operations(patch(Op::Replace, "/description", "of a test"))
        .patch_operations(patch(Op::Replace, "/enabled", "false"))
        .send()
        .await
        .expect("UpdateApiKey");
    assert_eq!(
        (updated.description(), updated.enabled()),
        (Some("of a test"), false)
    );
}

#[tokio::test]
async fn a_key_value_is_returned_on_request_only() {
    let account = account().await;
    let id = first_key(&account).await;
    let get = |with_value| get_key(&account, &id).include_value(with_value).send();
    assert_eq!(get(true).await.expect("GetApiKey").value(), Some(VALUE));
    assert_eq!(get(false).await.expect("GetApiKey").value(), None);
}

#[tokio::test]
async fn keys_are_found_by_the_start_of_their_name() {
    let account = account().await;
    let id = first_key(&account).await;
    let other = create_key(&account, "another").send().await;
    other.expect("CreateApiKey");
    let named = account.apigateway.get_api_keys().name_query("fir").send();
    let named = named.await.expect("GetApiKeys");
    let named: Vec<_> = named.items().iter().filter_map(|key| key.id()).collect();
    assert_eq!(named, [id]);
}

#[tokio::test]
async fn keys_are_listed_with_values_page_by_page() {
    let account = account().await;
    first_key(&account).await;
    let other = create_key(&account, "another").send().await;
    other.expect("CreateApiKey");
    let mut pages = account
        .apigateway
        .get_api_keys()
        .include_values(true)
        .into_paginator()
        .page_size(1)
        .items()
        .send();
    let mut values = 0;
    while let Some(key) = pages.next().await {
        values += usize::from(key.expect("GetApiKeys").value().is_some());
    }
    assert_eq!(values, 2);
}

#[tokio::test]
async fn a_deleted_key_is_not_found() {
    let account = account().await;
    let id = first_key(&account).await;
    let delete = account.apigateway.delete_api_key().api_key(&id).send();
    delete.await.expect("DeleteApiKey");
    let gone = get_key(&account, &id).send().await;
    assert_eq!(refused(gone), "NotFoundException");
}
