//! Log groups, their retention and their protection from deletion.

use super::{GROUP, create_group, describe_group};
use crate::harness::{account, refused};

#[tokio::test]
async fn a_group_name_is_taken_once() {
    let account = account().await;
    create_group(&account, GROUP).await;
    let again = account.logs.create_log_group().log_group_name(GROUP);
    assert_eq!(
        refused(again.send().await),
        "ResourceAlreadyExistsException"
    );
}

#[tokio::test]
async fn groups_are_listed_page_by_page() {
    let account = account().await;
    create_group(&account, GROUP).await;
    create_group(&account, "/tests/other").await;
    let mut pages = account
        .logs
        .describe_log_groups()
        .log_group_name_prefix("/tests/")
        .limit(1)
        .into_paginator()
        .send();
    let mut names = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.expect("DescribeLogGroups");
        names.extend(
            page.log_groups()
                .iter()
                .filter_map(|group| group.log_group_name().map(str::to_owned)),
        );
    }
    assert_eq!(names, [GROUP, "/tests/other"]);
}

#[tokio::test]
async fn a_retention_is_set_and_removed() {
    let account = account().await;
    create_group(&account, GROUP).await;
    account
        .logs
        .put_retention_policy()
        .log_group_name(GROUP)
        .retention_in_days(14)
        .send()
        .await
        .expect("PutRetentionPolicy");
    assert_eq!(describe_group(&account).await.retention_in_days(), Some(14));
    account
        .logs
        .delete_retention_policy()
        .log_group_name(GROUP)
        .send()
        .await
        .expect("DeleteRetentionPolicy");
    assert_eq!(describe_group(&account).await.retention_in_days(), None);
}

#[tokio::test]
async fn a_retention_that_aws_does_not_offer_is_refused() {
    let account = account().await;
    create_group(&account, GROUP).await;
    let put = account
        .logs
        .put_retention_policy()
        .log_group_name(GROUP)
        .retention_in_days(15)
        .send();
    assert_eq!(refused(put.await), "InvalidParameterException");
}

#[tokio::test]
async fn a_protected_group_cannot_be_deleted() {
    let account = account().await;
    let logs = &account.logs;
    create_group(&account, GROUP).await;
    let protect = |on| {
        logs.put_log_group_deletion_protection()
            .log_group_identifier(GROUP)
            .deletion_protection_enabled(on)
            .send()
    };
    let delete = || logs.delete_log_group().log_group_name(GROUP).send();
    protect(true).await.expect("PutLogGroupDeletionProtection");
    assert_eq!(
        describe_group(&account).await.deletion_protection_enabled(),
        Some(true)
    );
    assert_eq!(refused(delete().await), "ValidationException");
    protect(false).await.expect("PutLogGroupDeletionProtection");
    delete().await.expect("DeleteLogGroup");
}

#[tokio::test]
async fn a_group_is_deleted_once() {
    let account = account().await;
    create_group(&account, GROUP).await;
    let delete = || account.logs.delete_log_group().log_group_name(GROUP).send();
    delete().await.expect("DeleteLogGroup");
    assert_eq!(refused(delete().await), "ResourceNotFoundException");
}
