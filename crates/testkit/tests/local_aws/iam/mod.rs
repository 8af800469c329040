//! IAM: roles, their policies, managed policies, and the account itself.

mod account;
mod inline_policies;
mod managed_policies;
mod role_settings;
mod roles;

use aws_sdk_iam::types::{Role, Tag};
use testkit::Account;

use crate::harness::trust;

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder()
        .key(key)
        .value(value)
        .build()
        .expect("a whole tag")
}

/// Creates a role for functions below the path `/tests/` and returns its ARN.
async fn create_role(account: &Account, name: &str) -> String {
    let created = account
        .iam
        .create_role()
        .role_name(name)
        .path("/tests/")
        .description("of a test")
        .max_session_duration(7200)
        .assume_role_policy_document(trust(r#"{"Service":"lambda.amazonaws.com"}"#))
        .tags(tag("stage", "test"))
        .send()
        .await
        .expect("CreateRole");
    created.role().expect("a role").arn().to_owned()
}

async fn get_role(account: &Account, name: &str) -> Role {
    let found = account.iam.get_role().role_name(name).send().await;
    found.expect("GetRole").role.expect("a role")
}
