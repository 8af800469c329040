//! Updates of a function's configuration and code.

use aws_sdk_lambda::operation::update_function_configuration::builders::UpdateFunctionConfigurationFluentBuilder;
use aws_sdk_lambda::types::{Environment, LastUpdateStatus};
use testkit::Account;

use super::{NAME, configuration, update_code, wait_until_updated};
use crate::harness::{account, create_function, refused};

fn update(account: &Account, revision: &str) -> UpdateFunctionConfigurationFluentBuilder {
    account
        .lambda
        .update_function_configuration()
        .function_name(NAME)
        .memory_size(256)
        .timeout(9)
        .environment(Environment::builder().variables("NAME", "x").build())
        .revision_id(revision)
}

#[tokio::test]
async fn a_configuration_is_updated() {
    let account = account().await;
    create_function(&account, NAME).await;
    let before = configuration(&account).await;
    let revision = before.revision_id().expect("a revision");
    let updated = update(&account, revision).send().await;
    updated.expect("UpdateFunctionConfiguration");
    wait_until_updated(&account).await;
    let after = configuration(&account).await;
    assert_eq!((after.memory_size(), after.timeout()), (Some(256), Some(9)));
    assert_eq!(
        after.last_update_status(),
        Some(&LastUpdateStatus::Successful)
    );
    let variables = after
        .environment()
        .and_then(|environment| environment.variables());
    assert_eq!(
        variables.and_then(|variables| variables.get("NAME").map(String::as_str)),
        Some("x")
    );
}

#[tokio::test]
async fn an_update_of_an_older_revision_is_refused() {
    let account = account().await;
    create_function(&account, NAME).await;
    let before = configuration(&account).await;
    let revision = before.revision_id().expect("a revision");
    let updated = update(&account, revision).send().await;
    updated.expect("UpdateFunctionConfiguration");
    wait_until_updated(&account).await;
    let again = update(&account, revision).send().await;
    assert_eq!(refused(again), "PreconditionFailedException");
}

#[tokio::test]
async fn new_code_has_another_hash() {
    let account = account().await;
    create_function(&account, NAME).await;
    let before = configuration(&account).await;
    let code = update_code(&account).await;
    assert_ne!(code.code_sha256(), before.code_sha256());
    wait_until_updated(&account).await;
    let after = configuration(&account).await;
    assert_eq!(after.code_sha256(), code.code_sha256());
    assert_eq!(
        after.last_update_status(),
        Some(&LastUpdateStatus::Successful)
    );
}
