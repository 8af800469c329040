//! Settings beside a function's configuration: tags, concurrency, and those that the local AWS only reports.

use std::collections::HashMap;

use aws_sdk_lambda::operation::get_account_settings::GetAccountSettingsOutput;
use aws_sdk_lambda::operation::put_function_concurrency::builders::PutFunctionConcurrencyFluentBuilder;
use aws_sdk_lambda::types::AccountUsage;
use testkit::Account;

use super::NAME;
use crate::harness::{account, create_function, refused};

fn reserve(account: &Account, count: i32) -> PutFunctionConcurrencyFluentBuilder {
    account
        .lambda
        .put_function_concurrency()
        .function_name(NAME)
        .reserved_concurrent_executions(count)
}

async fn reserved(account: &Account) -> Option<i32> {
    let got = account.lambda.get_function_concurrency();
    let got = got.function_name(NAME).send().await;
    got.expect("GetFunctionConcurrency")
        .reserved_concurrent_executions()
}

async fn account_settings(account: &Account) -> GetAccountSettingsOutput {
    let settings = account.lambda.get_account_settings().send().await;
    settings.expect("GetAccountSettings")
}

#[tokio::test]
async fn a_function_is_tagged_and_untagged() {
    let account = account().await;
    let lambda = &account.lambda;
    let arn = create_function(&account, NAME).await;
    lambda
        .tag_resource()
        .resource(&arn)
        .tags("a", "1")
        .tags("b", "2")
        .send()
        .await
        .expect("TagResource");
    lambda
        .untag_resource()
        .resource(&arn)
        .tag_keys("a")
        .send()
        .await
        .expect("UntagResource");
    let tags = lambda.list_tags().resource(&arn).send().await;
    assert_eq!(
        tags.expect("ListTags").tags(),
        Some(&HashMap::from([("b".to_owned(), "2".to_owned())]))
    );
}

#[tokio::test]
async fn concurrency_is_reserved_and_released() {
    let account = account().await;
    create_function(&account, NAME).await;
    let put = reserve(&account, 5).send().await;
    put.expect("PutFunctionConcurrency");
    assert_eq!(reserved(&account).await, Some(5));
    account
        .lambda
        .delete_function_concurrency()
        .function_name(NAME)
        .send()
        .await
        .expect("DeleteFunctionConcurrency");
    assert_eq!(reserved(&account).await, None);
}

#[tokio::test]
async fn a_reservation_leaves_a_hundred_executions_to_the_other_functions() {
    let account = account().await;
    create_function(&account, NAME).await;
    let put = reserve(&account, 950).send().await;
    assert_eq!(refused(put), "InvalidParameterValueException");
}

#[tokio::test]
async fn the_account_settings_count_functions_and_reservations() {
    let account = account().await;
    create_function(&account, NAME).await;
    let put = reserve(&account, 5).send().await;
    put.expect("PutFunctionConcurrency");
    let settings = account_settings(&account).await;
    let limit = settings.account_limit().expect("limits");
    assert_eq!(
        (
            limit.concurrent_executions(),
            limit.unreserved_concurrent_executions()
        ),
        (1000, Some(995))
    );
    assert_eq!(
        settings.account_usage().map(AccountUsage::function_count),
        Some(1)
    );
}

#[tokio::test]
async fn a_function_has_no_code_signing() {
    let account = account().await;
    create_function(&account, NAME).await;
    let signing = account.lambda.get_function_code_signing_config();
    let signing = signing.function_name(NAME).send().await;
    let signing = signing.expect("GetFunctionCodeSigningConfig");
    assert_eq!(signing.code_signing_config_arn(), "");
}

#[tokio::test]
async fn a_function_has_no_url() {
    let account = account().await;
    create_function(&account, NAME).await;
    let url = account.lambda.get_function_url_config();
    let url = url.function_name(NAME).send().await;
    assert_eq!(refused(url), "ResourceNotFoundException");
    let urls = account.lambda.list_function_url_configs();
    let urls = urls.function_name(NAME).send().await;
    assert!(
        urls.expect("ListFunctionUrlConfigs")
            .function_url_configs()
            .is_empty()
    );
}

#[tokio::test]
async fn runtime_management_is_that_of_the_latest_version() {
    let account = account().await;
    let arn = create_function(&account, NAME).await;
    let management = account.lambda.get_runtime_management_config();
    let management = management.function_name(NAME).send().await;
    assert_eq!(
        management
            .expect("GetRuntimeManagementConfig")
            .function_arn(),
        Some(format!("{arn}:$LATEST").as_str())
    );
}

#[tokio::test]
async fn an_account_has_no_event_sources() {
    let account = account().await;
    let sources = account.lambda.list_event_source_mappings().send().await;
    assert!(
        sources
            .expect("ListEventSourceMappings")
            .event_source_mappings()
            .is_empty()
    );
}
