//! Log groups, with their retention and tags.

use serde_json::{Value, json};

use super::value::map;
use crate::account::Account;

/// Lists log groups with their retention and tags.
pub(super) async fn log_groups(account: &Account) -> Vec<Value> {
    let logs = &account.logs;
    let mut found = Vec::new();
    let listed = logs
        .describe_log_groups()
        .send()
        .await
        .expect("DescribeLogGroups")
        .log_groups;
    for group in listed.unwrap_or_default() {
        let arn = group
            .arn()
            .unwrap_or_default()
            .trim_end_matches(":*")
            .to_owned();
        let tags = logs
            .list_tags_for_resource()
            .resource_arn(&arn)
            .send()
            .await;
        found.push(json!({
            "name": group.log_group_name(),
            "arn": arn,
            "protected": group.deletion_protection_enabled().unwrap_or_default(),
            "retention": group.retention_in_days(),
            "tags": map(tags.expect("ListTagsForResource").tags()),
        }));
    }
    found
}
