//! The resource policy of a function.

use aws_sdk_lambda::operation::add_permission::builders::AddPermissionFluentBuilder;
use aws_sdk_lambda::operation::get_policy::builders::GetPolicyFluentBuilder;
use testkit::Account;

use super::NAME;
use crate::harness::{account, create_function, refused};

/// A request for the statement `gateway`, which permits API Gateway to invoke the function.
fn add_permission(account: &Account) -> AddPermissionFluentBuilder {
    account
        .lambda
        .add_permission()
        .function_name(NAME)
        .statement_id("gateway")
        .action("lambda:InvokeFunction")
        .principal("apigateway.amazonaws.com")
        .source_arn(format!(
            "arn:aws:execute-api:eu-west-1:{}:abc/*",
            account.id
        ))
}

fn get_policy(account: &Account) -> GetPolicyFluentBuilder {
    account.lambda.get_policy().function_name(NAME)
}

#[tokio::test]
async fn a_function_without_permissions_has_no_policy() {
    let account = account().await;
    create_function(&account, NAME).await;
    let none = get_policy(&account).send().await;
    assert_eq!(refused(none), "ResourceNotFoundException");
}

#[tokio::test]
async fn a_permission_is_a_statement_of_the_policy() {
    let account = account().await;
    let arn = create_function(&account, NAME).await;
    let added = add_permission(&account).send().await;
    let added = added.expect("AddPermission");
    assert!(
        added
            .statement()
            .is_some_and(|statement| statement.contains(&arn))
    );
    let policy = get_policy(&account).send().await.expect("GetPolicy");
    let document: serde_json::Value =
        serde_json::from_str(policy.policy().expect("a document")).expect("JSON");
    assert_eq!(document["Statement"][0]["Sid"], "gateway");
}

#[tokio::test]
async fn a_statement_id_is_taken_once() {
    let account = account().await;
    create_function(&account, NAME).await;
    let added = add_permission(&account).send().await;
    added.expect("AddPermission");
    let again = add_permission(&account).send().await;
    assert_eq!(refused(again), "ResourceConflictException");
}

#[tokio::test]
async fn a_permission_is_removed_with_the_policys_revision() {
    let account = account().await;
    create_function(&account, NAME).await;
    let added = add_permission(&account).send().await;
    added.expect("AddPermission");
    let policy = get_policy(&account).send().await.expect("GetPolicy");
    let remove = |revision: &str| {
        account
            .lambda
            .remove_permission()
            .function_name(NAME)
            .statement_id("gateway")
            .revision_id(revision)
            .send()
    };
    assert_eq!(
        refused(remove("another").await),
        "PreconditionFailedException"
    );
    remove(policy.revision_id().expect("a revision"))
        .await
        .expect("RemovePermission");
    let none = get_policy(&account).send().await;
    assert_eq!(refused(none), "ResourceNotFoundException");
}
