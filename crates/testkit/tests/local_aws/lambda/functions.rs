//! Functions: created, described, listed and deleted.

use aws_sdk_lambda::client::Waiters;
use aws_sdk_lambda::types::{FunctionCode, PackageType, Runtime, State};

use super::NAME;
use crate::harness::{WAIT, account, create_function, package, refused};

#[tokio::test]
async fn a_function_needs_a_role_that_exists() {
    let account = account().await;
    let early = account
        .lambda
        .create_function()
        .function_name(NAME)
        .role(format!("arn:aws:iam::{}:role/nobody", account.id))
        .runtime(Runtime::Providedal2023)
        .handler("bootstrap")
        .code(FunctionCode::builder().zip_file(package("x")).build());
    assert_eq!(
        refused(early.send().await),
        "InvalidParameterValueException"
    );
}

#[tokio::test]
async fn a_new_function_becomes_active() {
    let account = account().await;
    let arn = create_function(&account, NAME).await;
    assert_eq!(
        arn,
        format!("arn:aws:lambda:eu-west-1:{}:function:{NAME}", account.id)
    );
    account
        .lambda
        .wait_until_function_active_v2()
        .function_name(NAME)
        .wait(WAIT)
        .await
        .expect("it becomes active");
}

#[tokio::test]
async fn a_function_is_described_by_its_arn_with_the_default_settings() {
    let account = account().await;
    let arn = create_function(&account, NAME).await;
    account
        .lambda
        .wait_until_function_active_v2()
        .function_name(NAME)
        .wait(WAIT)
        .await
        .expect("it becomes active");
    let found = account.lambda.get_function().function_name(arn).send();
    let found = found.await.expect("GetFunction");
    assert!(found.code().is_some_and(|code| code.location().is_some()));
    let found = found.configuration().expect("a configuration");
    let role = format!("arn:aws:iam::{}:role/function-role", account.id);
    assert_eq!(
        (found.state(), found.package_type(), found.role()),
        (
            Some(&State::Active),
            Some(&PackageType::Zip),
            Some(role.as_str())
        )
    );
    assert_eq!(
        (found.memory_size(), found.timeout(), found.version()),
        (Some(128), Some(3), Some("$LATEST"))
    );
}

#[tokio::test]
async fn functions_are_listed() {
    let account = account().await;
    create_function(&account, NAME).await;
    let listed = account.lambda.list_functions().send().await;
    let listed = listed.expect("ListFunctions");
    let names: Vec<_> = listed
        .functions()
        .iter()
        .filter_map(|function| function.function_name())
        .collect();
    assert_eq!(names, [NAME]);
}

#[tokio::test]
async fn a_deleted_function_is_not_found() {
    let account = account().await;
    create_function(&account, NAME).await;
    let deleted = account.lambda.delete_function().function_name(NAME).send();
    deleted.await.expect("DeleteFunction");
    let gone = account.lambda.get_function().function_name(NAME).send();
    assert!(
        gone.await
            .expect_err("it is gone")
            .into_service_error()
            .is_resource_not_found_exception()
    );
}
