//! Settings beside a table: tags, expiry and backups.

use aws_sdk_dynamodb::types::{Tag, TimeToLiveSpecification, TimeToLiveStatus};

use super::{TABLE, active_table};
use crate::harness::account;

fn tag(key: &str, value: &str) -> Tag {
    let tag = Tag::builder().key(key).value(value);
    tag.build().expect("whole")
}

#[tokio::test]
async fn a_table_is_tagged_and_untagged() {
    let account = account().await;
    let tables = &account.dynamodb;
    let arn = active_table(&account).await;
    tables
        .tag_resource()
        .resource_arn(&arn)
        .tags(tag("a", "1"))
        .tags(tag("b", "2"))
        .send()
        .await
        .expect("TagResource");
    tables
        .untag_resource()
        .resource_arn(&arn)
        .tag_keys("a")
        .send()
        .await
        .expect("UntagResource");
    let tags = tables.list_tags_of_resource().resource_arn(&arn).send();
    let tags = tags.await.expect("ListTagsOfResource");
    assert_eq!(tags.tags(), [tag("b", "2")]);
}

#[tokio::test]
async fn an_expiry_attribute_is_set() {
    let account = account().await;
    let tables = &account.dynamodb;
    active_table(&account).await;
    let expiry = TimeToLiveSpecification::builder()
        .enabled(true)
        .attribute_name("until")
        .build()
        .expect("whole");
    tables
        .update_time_to_live()
        .table_name(TABLE)
        .time_to_live_specification(expiry)
        .send()
        .await
        .expect("UpdateTimeToLive");
    let expiry = tables.describe_time_to_live().table_name(TABLE).send();
    let expiry = expiry.await.expect("DescribeTimeToLive");
    let expiry = expiry.time_to_live_description().expect("a description");
    assert_eq!(
        (expiry.attribute_name(), expiry.time_to_live_status()),
        (Some("until"), Some(&TimeToLiveStatus::Enabled))
    );
}

#[tokio::test]
async fn a_tables_backups_are_described() {
    let account = account().await;
    active_table(&account).await;
    let backups = account.dynamodb.describe_continuous_backups();
    let backups = backups.table_name(TABLE).send().await;
    assert!(
        backups
            .expect("DescribeContinuousBackups")
            .continuous_backups_description()
            .is_some()
    );
}
