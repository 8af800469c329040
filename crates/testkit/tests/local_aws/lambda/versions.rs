//! Published versions of a function.

use aws_sdk_lambda::operation::publish_version::builders::PublishVersionFluentBuilder;
use testkit::Account;

use super::{NAME, update_code};
use crate::harness::{account, create_function, refused};

fn publish(account: &Account) -> PublishVersionFluentBuilder {
    account.lambda.publish_version().function_name(NAME)
}

#[tokio::test]
async fn versions_are_numbered_as_the_code_changes() {
    let account = account().await;
    let arn = create_function(&account, NAME).await;
    let first = publish(&account).description("the first").send().await;
    let first = first.expect("PublishVersion");
    assert_eq!(
        (first.version(), first.function_arn()),
        (Some("1"), Some(format!("{arn}:1").as_str()))
    );
    let same = publish(&account).send().await.expect("PublishVersion");
    assert_eq!(same.version(), Some("1"), "nothing has changed since");
    update_code(&account).await;
    let second = publish(&account).send().await.expect("PublishVersion");
    assert_eq!(second.version(), Some("2"));
    assert_ne!(second.code_sha256(), first.code_sha256());
}

#[tokio::test]
async fn a_version_of_other_code_than_expected_is_refused() {
    let account = account().await;
    create_function(&account, NAME).await;
    let other = publish(&account).code_sha256("another").send().await;
    assert_eq!(refused(other), "InvalidParameterValueException");
}

#[tokio::test]
async fn versions_are_listed_page_by_page() {
    let account = account().await;
    create_function(&account, NAME).await;
    publish(&account).send().await.expect("PublishVersion");
    update_code(&account).await;
    publish(&account).send().await.expect("PublishVersion");
    let mut pages = account
        .lambda
        .list_versions_by_function()
        .function_name(NAME)
        .into_paginator()
        .page_size(2)
        .send();
    let mut versions = Vec::new();
    while let Some(page) = pages.next().await {
        for version in page.expect("ListVersionsByFunction").versions() {
            versions.extend(version.version().map(str::to_owned));
        }
    }
    assert_eq!(versions, ["$LATEST", "1", "2"]);
}

#[tokio::test]
async fn a_deleted_version_is_not_found() {
    let account = account().await;
    let lambda = &account.lambda;
    create_function(&account, NAME).await;
    publish(&account).send().await.expect("PublishVersion");
    let delete = lambda.delete_function().function_name(NAME).qualifier("1");
    delete.send().await.expect("DeleteFunction");
    let gone = lambda.get_function().function_name(NAME).qualifier("1");
    assert_eq!(refused(gone.send().await), "ResourceNotFoundException");
    let whole = lambda.get_function().function_name(NAME).send().await;
    whole.expect("GetFunction");
}
