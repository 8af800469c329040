//! Invocations: answered, failed, tried, and in the background.

use aws_sdk_lambda::operation::invoke::builders::InvokeFluentBuilder;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{InvocationType, LogType};
use testkit::Account;

use super::NAME;
use crate::harness::{account, create_function, now, refused};

fn invoke(account: &Account, event: &str) -> InvokeFluentBuilder {
    account
        .lambda
        .invoke()
        .function_name(NAME)
        .log_type(LogType::Tail)
        .payload(Blob::new(event))
}

#[tokio::test]
async fn an_invocation_returns_the_functions_answer_and_its_log() {
    let account = account().await;
    create_function(&account, NAME).await;
    let answer = invoke(&account, r#"{"n":1}"#).send().await.expect("Invoke");
    assert_eq!(
        (answer.status_code(), answer.executed_version()),
        (200, Some("$LATEST"))
    );
    assert_eq!(
        answer.payload().map(AsRef::as_ref),
        Some(&br#"{"n":1}"#[..])
    );
    assert!(answer.log_result().is_some() && answer.function_error().is_none());
}

#[tokio::test]
async fn a_failure_is_an_unhandled_function_error() {
    let account = account().await;
    create_function(&account, NAME).await;
    let failed = invoke(&account, r#"{"fail":"on purpose"}"#).send().await;
    let failed = failed.expect("Invoke");
    assert_eq!(failed.function_error(), Some("Unhandled"));
    let failure: serde_json::Value =
        serde_json::from_slice(failed.payload().expect("a payload").as_ref()).expect("JSON");
    assert_eq!(failure["errorMessage"], "on purpose");
}

#[tokio::test]
async fn an_event_that_is_not_json_is_refused() {
    let account = account().await;
    create_function(&account, NAME).await;
    let invalid = invoke(&account, "{").send().await;
    assert_eq!(refused(invalid), "InvalidRequestContentException");
}

#[tokio::test]
async fn a_dry_run_has_no_answer() {
    let account = account().await;
    create_function(&account, NAME).await;
    let dry = account
        .lambda
        .invoke()
        .function_name(NAME)
        .invocation_type(InvocationType::DryRun)
        .send();
    assert_eq!(dry.await.expect("Invoke").status_code(), 204);
}

#[tokio::test]
async fn an_asynchronous_invocation_is_accepted() {
    let account = account().await;
    create_function(&account, NAME).await;
    let event = format!(r#"{{"at":{}}}"#, now());
    let later = account
        .lambda
        .invoke()
        .function_name(NAME)
        .invocation_type(InvocationType::Event)
        .payload(Blob::new(event))
        .send();
    assert_eq!(later.await.expect("Invoke").status_code(), 202);
}

#[tokio::test]
async fn a_missing_function_cannot_be_invoked() {
    let account = account().await;
    let nowhere = account.lambda.invoke().function_name("nowhere").send();
    assert_eq!(refused(nowhere.await), "ResourceNotFoundException");
}
