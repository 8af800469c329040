//! The account's settings.

use aws_sdk_apigateway::types::{Op, ThrottleSettings};

use super::patch;
use crate::harness::account;

#[tokio::test]
async fn the_account_has_a_role_for_logs_and_a_throttle() {
    let account = account().await;
    let role = format!("arn:aws:iam::{}:role/logs", account.id);
    account
        .apigateway
        .update_account()
        .patch_operations(patch(Op::Replace, "/cloudwatchRoleArn", &role))
        .send()
        .await
        .expect("UpdateAccount");
    let got = account.apigateway.get_account().send().await;
    let got = got.expect("GetAccount");
    assert_eq!(got.cloudwatch_role_arn(), Some(role.as_str()));
    assert_eq!(
        got.throttle_settings().map(ThrottleSettings::burst_limit),
        Some(5000)
    );
}
