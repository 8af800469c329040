//! Managed policies: their versions, tags, and roles.

use aws_sdk_iam::types::{Policy, PolicyScopeType};
use testkit::Account;

use super::{create_role, tag};
use crate::harness::{account, allow, refused};

/// Creates the policy `write`, which allows `PutItem`.
async fn create_policy(account: &Account) -> Policy {
    let created = account
        .iam
        .create_policy()
        .policy_name("write")
        .path("/tests/")
        .description("may write")
        .policy_document(allow("dynamodb:PutItem"))
        .tags(tag("a", "1"))
        .send()
        .await
        .expect("CreatePolicy");
    created.policy.expect("a policy")
}

/// Creates the policy `write` and the role `writer`, attaches one to the other, and returns the policy's ARN.
async fn create_attached_policy(account: &Account) -> String {
    let policy = create_policy(account).await;
    let arn = policy.arn().expect("an ARN");
    create_role(account, "writer").await;
    account
        .iam
        .attach_role_policy()
        .role_name("writer")
        .policy_arn(arn)
        .send()
        .await
        .expect("AttachRolePolicy");
    arn.to_owned()
}

async fn get_policy(account: &Account, arn: &str) -> Policy {
    let found = account.iam.get_policy().policy_arn(arn).send().await;
    found.expect("GetPolicy").policy.expect("a policy")
}

#[tokio::test]
async fn a_policy_starts_with_its_first_version() {
    let account = account().await;
    let policy = create_policy(&account).await;
    let arn = policy.arn().expect("an ARN");
    assert_eq!(
        arn,
        format!("arn:aws:iam::{}:policy/tests/write", account.id)
    );
    assert_eq!(policy.default_version_id(), Some("v1"));
    let versions = account.iam.list_policy_versions().policy_arn(arn).send();
    let versions = versions.await.expect("ListPolicyVersions");
    assert_eq!(versions.versions().len(), 1);
    let version = account
        .iam
        .get_policy_version()
        .policy_arn(arn)
        .version_id("v1")
        .send()
        .await
        .expect("GetPolicyVersion");
    let version = version.policy_version().expect("a version");
    assert!(version.is_default_version());
    assert!(
        version
            .document()
            .is_some_and(|document| document.contains("PutItem"))
    );
}

#[tokio::test]
async fn the_accounts_own_policies_are_listed() {
    let account = account().await;
    let policy = create_policy(&account).await;
    let listed = account
        .iam
        .list_policies()
        .scope(PolicyScopeType::Local)
        .send()
        .await
        .expect("ListPolicies");
    let listed: Vec<_> = listed
        .policies()
        .iter()
        .filter_map(|policy| policy.arn())
        .collect();
    assert_eq!(listed, [policy.arn().expect("an ARN")]);
}

#[tokio::test]
async fn a_policy_is_tagged_and_untagged() {
    let account = account().await;
    let policy = create_policy(&account).await;
    let arn = policy.arn().expect("an ARN");
    account
        .iam
        .tag_policy()
        .policy_arn(arn)
        .tags(tag("b", "2"))
        .send()
        .await
        .expect("TagPolicy");
    account
        .iam
        .untag_policy()
        .policy_arn(arn)
        .tag_keys("a")
        .send()
        .await
        .expect("UntagPolicy");
    assert_eq!(get_policy(&account, arn).await.tags(), [tag("b", "2")]);
}

#[tokio::test]
async fn an_attached_policy_is_listed_at_its_role_and_counted() {
    let account = account().await;
    let arn = create_attached_policy(&account).await;
    let attached = account
        .iam
        .list_attached_role_policies()
        .role_name("writer")
        .send()
        .await
        .expect("ListAttachedRolePolicies");
    let attached: Vec<_> = attached
        .attached_policies()
        .iter()
        .map(|policy| (policy.policy_name(), policy.policy_arn()))
        .collect();
    assert_eq!(attached, [(Some("write"), Some(arn.as_str()))]);
    let policy = get_policy(&account, &arn).await;
    assert_eq!(
        (policy.attachment_count(), policy.description()),
        (Some(1), Some("may write"))
    );
}

#[tokio::test]
async fn a_policy_is_deleted_once_no_role_has_it() {
    let account = account().await;
    let iam = &account.iam;
    let arn = create_attached_policy(&account).await;
    let early = iam.delete_policy().policy_arn(&arn).send().await;
    assert_eq!(refused(early), "DeleteConflict");
    iam.detach_role_policy()
        .role_name("writer")
        .policy_arn(&arn)
        .send()
        .await
        .expect("DetachRolePolicy");
    let deleted = iam.delete_policy().policy_arn(&arn).send().await;
    deleted.expect("DeletePolicy");
    let gone = iam.get_policy().policy_arn(&arn).send().await;
    assert_eq!(refused(gone), "NoSuchEntity");
    let deleted = iam.delete_role().role_name("writer").send().await;
    deleted.expect("DeleteRole");
}
