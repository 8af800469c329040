//! Roles: created, read, listed and deleted.

use super::{create_role, get_role, tag};
use crate::harness::{account, refused, trust};

#[tokio::test]
async fn a_role_is_read_as_it_was_created() {
    let account = account().await;
    let arn = create_role(&account, "one").await;
    assert_eq!(arn, format!("arn:aws:iam::{}:role/tests/one", account.id));
    let role = get_role(&account, "one").await;
    assert!(role.role_id().starts_with("AROA"), "{}", role.role_id());
    assert_eq!(
        (role.path(), role.description(), role.max_session_duration()),
        ("/tests/", Some("of a test"), Some(7200))
    );
    assert_eq!(role.tags(), [tag("stage", "test")]);
}

#[tokio::test]
async fn a_trust_policy_is_returned_percent_encoded() {
    let account = account().await;
    create_role(&account, "one").await;
    let role = get_role(&account, "one").await;
    assert!(role.assume_role_policy_document().is_some_and(
        |document| document.starts_with("%7B") && document.contains("lambda.amazonaws.com")
    ));
}

#[tokio::test]
async fn a_role_name_is_taken_once() {
    let account = account().await;
    create_role(&account, "one").await;
    let again = account
        .iam
        .create_role()
        .role_name("one")
        .assume_role_policy_document(trust(r#"{"Service":"lambda.amazonaws.com"}"#));
    assert_eq!(refused(again.send().await), "EntityAlreadyExists");
}

#[tokio::test]
async fn a_malformed_trust_policy_is_refused() {
    let account = account().await;
    let malformed = account
        .iam
        .create_role()
        .role_name("three")
        .assume_role_policy_document("{}");
    assert_eq!(refused(malformed.send().await), "MalformedPolicyDocument");
}

#[tokio::test]
async fn a_truncated_list_of_roles_continues_at_its_marker() {
    let account = account().await;
    create_role(&account, "one").await;
    create_role(&account, "two").await;
    let list = || account.iam.list_roles().path_prefix("/tests/");
    let first = list().max_items(1).send().await.expect("ListRoles");
    assert!(first.is_truncated());
    assert_eq!(first.roles()[0].role_name(), "one");
    let rest = list().set_marker(first.marker().map(str::to_owned));
    let rest = rest.send().await.expect("ListRoles");
    assert!(!rest.is_truncated());
    assert_eq!(rest.roles()[0].role_name(), "two");

    let mut pages = list().into_paginator().page_size(1).send();
    let mut count = 0;
    while let Some(page) = pages.next().await {
        count += page.expect("a page").roles().len();
    }
    assert_eq!(count, 2);
}

#[tokio::test]
async fn a_deleted_role_is_not_found() {
    let account = account().await;
    create_role(&account, "one").await;
    let delete = || account.iam.delete_role().role_name("one").send();
    delete().await.expect("DeleteRole");
    let gone = account.iam.get_role().role_name("one").send().await;
    assert!(
        gone.expect_err("it is gone")
            .into_service_error()
            .is_no_such_entity_exception()
    );
    assert_eq!(refused(delete().await), "NoSuchEntity");
}
