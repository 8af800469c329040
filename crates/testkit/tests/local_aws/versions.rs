//! Published versions of a function, and the names that point to them.

use aws_sdk_lambda::types::AliasRoutingConfiguration;
use testkit::Account;

use crate::harness::{create_function, function_role, package, refused};

const NAME: &str = "story-versions";

pub(crate) async fn story(account: &Account) {
    let lambda = &account.lambda;
    let role = function_role(account, "story-versions-role").await;
    let arn = create_function(account, NAME, &role).await;
    let publish = || lambda.publish_version().function_name(NAME);
    let first = publish().description("the first").send().await;
    let first = first.expect("PublishVersion");
    assert_eq!(
        (first.version(), first.function_arn()),
        (Some("1"), Some(format!("{arn}:1").as_str()))
    );
    let same = publish().send().await.expect("PublishVersion");
    assert_eq!(same.version(), Some("1"), "nothing has changed since");
    let other = publish().code_sha256("another").send().await;
    assert_eq!(refused(other), "InvalidParameterValueException");
    lambda
        .update_function_code()
        .function_name(NAME)
        .zip_file(package("#!/bin/sh\n# new\n"))
        .send()
        .await
        .expect("UpdateFunctionCode");
    let second = publish().send().await.expect("PublishVersion");
    assert_eq!(second.version(), Some("2"));
    assert_ne!(second.code_sha256(), first.code_sha256());

    let mut pages = lambda
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

    aliases(account, &arn).await;

    lambda
        .delete_function()
        .function_name(NAME)
        .qualifier("1")
        .send()
        .await
        .expect("DeleteFunction");
    let gone = lambda.get_function().function_name(NAME).qualifier("1");
    assert_eq!(refused(gone.send().await), "ResourceNotFoundException");
    lambda
        .delete_function()
        .function_name(NAME)
        .send()
        .await
        .expect("DeleteFunction");
    account
        .iam
        .delete_role()
        .role_name("story-versions-role")
        .send()
        .await
        .expect("DeleteRole");
}

async fn aliases(account: &Account, arn: &str) {
    let lambda = &account.lambda;
    let create = || {
        lambda
            .create_alias()
            .function_name(NAME)
            .name("live")
            .function_version("1")
            .send()
    };
    let made = create().await.expect("CreateAlias");
    assert_eq!(made.alias_arn(), Some(format!("{arn}:live").as_str()));
    assert_eq!(refused(create().await), "ResourceConflictException");
    let routing = AliasRoutingConfiguration::builder()
        .additional_version_weights("2", 0.5)
        .build();
    let split = lambda
        .update_alias()
        .function_name(NAME)
        .name("live")
        .routing_config(routing);
    assert_eq!(
        refused(split.send().await),
        "InvalidParameterValueException",
        "the local AWS does not split an alias's traffic"
    );
    let update = |revision: &str| {
        lambda
            .update_alias()
            .function_name(NAME)
            .name("live")
            .function_version("2")
            .description("moved")
            .revision_id(revision)
            .send()
    };
    assert_eq!(
        refused(update("another").await),
        "PreconditionFailedException"
    );
    update(made.revision_id().expect("a revision"))
        .await
        .expect("UpdateAlias");
    let get = || lambda.get_alias().function_name(NAME).name("live").send();
    let got = get().await.expect("GetAlias");
    assert_eq!(
        (got.function_version(), got.description()),
        (Some("2"), Some("moved"))
    );
    let listed = lambda.list_aliases().function_name(NAME).send().await;
    let listed = listed.expect("ListAliases");
    assert_eq!(listed.aliases()[0].name(), Some("live"));
    let invoked = lambda.invoke().function_name(format!("{NAME}:live")).send();
    assert_eq!(invoked.await.expect("Invoke").status_code(), 200);
    let held = lambda.delete_function().function_name(NAME).qualifier("2");
    assert_eq!(refused(held.send().await), "ResourceConflictException");
    lambda
        .delete_alias()
        .function_name(NAME)
        .name("live")
        .send()
        .await
        .expect("DeleteAlias");
    assert_eq!(refused(get().await), "ResourceNotFoundException");
}
