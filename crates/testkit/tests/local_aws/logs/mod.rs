//! `CloudWatch` Logs: groups, their tags, and events.

mod events;
mod groups;
mod tags;

use aws_sdk_cloudwatchlogs::types::LogGroup;
use testkit::Account;

const GROUP: &str = "/tests/group";

async fn create_group(account: &Account, name: &str) {
    account
        .logs
        .create_log_group()
        .log_group_name(name)
        .tags("a", "1")
        .send()
        .await
        .expect("CreateLogGroup");
}

/// Returns the description of [`GROUP`].
async fn describe_group(account: &Account) -> LogGroup {
    let found = account
        .logs
        .describe_log_groups()
        .log_group_name_prefix(GROUP)
        .send()
        .await
        .expect("DescribeLogGroups");
    found.log_groups()[0].clone()
}
