//! Tags of a log group, by its ARN and by its name.

use std::collections::HashMap;

use super::{GROUP, create_group, describe_group};
use crate::harness::account;

#[tokio::test]
async fn a_groups_arn_for_tags_has_no_star_at_its_end() {
    let account = account().await;
    create_group(&account, GROUP).await;
    let arn = format!("arn:aws:logs:eu-west-1:{}:log-group:{GROUP}", account.id);
    assert_eq!(
        describe_group(&account).await.log_group_arn(),
        Some(arn.as_str())
    );
}

#[tokio::test]
async fn a_group_is_tagged_and_untagged_by_its_arn() {
    let account = account().await;
    let logs = &account.logs;
    create_group(&account, GROUP).await;
    let arn = format!("arn:aws:logs:eu-west-1:{}:log-group:{GROUP}", account.id);
    logs.tag_resource()
        .resource_arn(&arn)
        .tags("b", "2")
        .send()
        .await
        .expect("TagResource");
    logs.untag_resource()
        .resource_arn(&arn)
        .tag_keys("a")
        .send()
        .await
        .expect("UntagResource");
    let found = logs.list_tags_for_resource().resource_arn(&arn).send();
    let found = found.await.expect("ListTagsForResource");
    assert_eq!(
        found.tags(),
        Some(&HashMap::from([("b".to_owned(), "2".to_owned())]))
    );
}

#[tokio::test]
#[expect(
    deprecated,
    reason = "older clients call these operations, and AWS answers"
)]
async fn a_group_is_tagged_and_untagged_by_its_name() {
    let account = account().await;
    let logs = &account.logs;
    create_group(&account, GROUP).await;
    logs.tag_log_group()
        .log_group_name(GROUP)
        .tags("c", "3")
        .send()
        .await
        .expect("TagLogGroup");
    logs.untag_log_group()
        .log_group_name(GROUP)
        .tags("a")
        .send()
        .await
        .expect("UntagLogGroup");
    let found = logs.list_tags_log_group().log_group_name(GROUP).send();
    let found = found.await.expect("ListTagsLogGroup");
    assert_eq!(
        found.tags(),
        Some(&HashMap::from([("c".to_owned(), "3".to_owned())]))
    );
}
