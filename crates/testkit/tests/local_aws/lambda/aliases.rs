//! Aliases of a function's versions.

use aws_sdk_lambda::operation::create_alias::CreateAliasOutput;
use aws_sdk_lambda::operation::create_alias::builders::CreateAliasFluentBuilder;
use aws_sdk_lambda::operation::get_alias::builders::GetAliasFluentBuilder;
use aws_sdk_lambda::operation::update_alias::builders::UpdateAliasFluentBuilder;
use aws_sdk_lambda::types::AliasRoutingConfiguration;
use testkit::Account;

use super::{NAME, update_code};
use crate::harness::{account, create_function, refused};

fn create_alias(account: &Account) -> CreateAliasFluentBuilder {
    account
        .lambda
        .create_alias()
        .function_name(NAME)
        .name("live")
        .function_version("1")
}

/// Creates the function with two versions and the alias `live` of the first.
async fn function_with_alias(account: &Account) -> CreateAliasOutput {
    create_function(account, NAME).await;
    let publish = || account.lambda.publish_version().function_name(NAME).send();
    publish().await.expect("PublishVersion");
    update_code(account).await;
    publish().await.expect("PublishVersion");
    create_alias(account).send().await.expect("CreateAlias")
}

fn get_alias(account: &Account) -> GetAliasFluentBuilder {
    account.lambda.get_alias().function_name(NAME).name("live")
}

fn update_alias(account: &Account) -> UpdateAliasFluentBuilder {
    let update = account.lambda.update_alias();
    update.function_name(NAME).name("live")
}

#[tokio::test]
async fn an_alias_has_an_arn_and_is_listed() {
    let account = account().await;
    let created = function_with_alias(&account).await;
    let arn = format!(
        "arn:aws:lambda:eu-west-1:{}:function:{NAME}:live",
        account.id
    );
    assert_eq!(created.alias_arn(), Some(arn.as_str()));
    let listed = account.lambda.list_aliases().function_name(NAME).send();
    let listed = listed.await.expect("ListAliases");
    assert_eq!(listed.aliases()[0].name(), Some("live"));
}

#[tokio::test]
async fn an_alias_name_is_taken_once() {
    let account = account().await;
    function_with_alias(&account).await;
    let again = create_alias(&account).send().await;
    assert_eq!(refused(again), "ResourceConflictException");
}

#[tokio::test]
async fn an_alias_splits_its_traffic() {
    let account = account().await;
    function_with_alias(&account).await;
    let routing = AliasRoutingConfiguration::builder()
        .additional_version_weights("2", 0.5)
        .build();
    let split = update_alias(&account).routing_config(routing.clone());
    split.send().await.expect("UpdateAlias");
    let got = get_alias(&account).send().await.expect("GetAlias");
    assert_eq!(got.routing_config(), Some(&routing));
}

#[tokio::test]
async fn an_alias_is_moved_with_its_revision() {
    let account = account().await;
    let created = function_with_alias(&account).await;
    let update = |revision: &str| {
        update_alias(&account)
            .function_version("2")
            .description("moved")
            .revision_id(revision)
            .send()
    };
    assert_eq!(
        refused(update("another").await),
        "PreconditionFailedException"
    );
    update(created.revision_id().expect("a revision"))
        .await
        .expect("UpdateAlias");
    let got = get_alias(&account).send().await.expect("GetAlias");
    assert_eq!(
        (got.function_version(), got.description()),
        (Some("2"), Some("moved"))
    );
}

#[tokio::test]
async fn a_function_is_invoked_by_its_alias() {
    let account = account().await;
    function_with_alias(&account).await;
    let name = format!("{NAME}:live");
    let invoked = account.lambda.invoke().function_name(name).send().await;
    assert_eq!(invoked.expect("Invoke").status_code(), 200);
}

#[tokio::test]
async fn a_version_with_an_alias_cannot_be_deleted() {
    let account = account().await;
    function_with_alias(&account).await;
    let delete = account.lambda.delete_function().function_name(NAME);
    let held = delete.qualifier("1").send().await;
    assert_eq!(refused(held), "ResourceConflictException");
}

#[tokio::test]
async fn a_deleted_alias_is_not_found() {
    let account = account().await;
    function_with_alias(&account).await;
    let delete = account.lambda.delete_alias().function_name(NAME);
    delete.name("live").send().await.expect("DeleteAlias");
    let gone = get_alias(&account).send().await;
    assert_eq!(refused(gone), "ResourceNotFoundException");
}
