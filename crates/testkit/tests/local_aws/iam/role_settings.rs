//! Changes of a role: its settings, trust policy, tags and permissions boundary.

use super::{create_role, get_role, tag};
use crate::harness::{account, trust};

#[tokio::test]
async fn a_role_is_updated() {
    let account = account().await;
    create_role(&account, "one").await;
    account
        .iam
        .update_role()
        .role_name("one")
        .description("changed")
        .max_session_duration(3600)
        .send()
        .await
        .expect("UpdateRole");
    let role = get_role(&account, "one").await;
    assert_eq!(
        (role.description(), role.max_session_duration()),
        (Some("changed"), Some(3600))
    );
}

#[tokio::test]
async fn a_trust_policy_is_replaced() {
    let account = account().await;
    create_role(&account, "one").await;
    account
        .iam
        .update_assume_role_policy()
        .role_name("one")
        .policy_document(trust(r#"{"Service":"apigateway.amazonaws.com"}"#))
        .send()
        .await
        .expect("UpdateAssumeRolePolicy");
    let role = get_role(&account, "one").await;
    assert!(
        role.assume_role_policy_document()
            .is_some_and(|document| document.contains("apigateway.amazonaws.com"))
    );
}

#[tokio::test]
async fn a_role_is_tagged_and_untagged() {
    let account = account().await;
    let iam = &account.iam;
    create_role(&account, "one").await;
    iam.tag_role()
        .role_name("one")
        .tags(tag("stage", "later"))
        .tags(tag("more", ""))
        .send()
        .await
        .expect("TagRole");
    let tags = iam.list_role_tags().role_name("one").send().await;
    assert_eq!(
        tags.expect("ListRoleTags").tags().len(),
        2,
        "one replaced and one added"
    );
    iam.untag_role()
        .role_name("one")
        .tag_keys("more")
        .send()
        .await
        .expect("UntagRole");
    let tags = iam.list_role_tags().role_name("one").send().await;
    assert_eq!(tags.expect("ListRoleTags").tags(), [tag("stage", "later")]);
}

#[tokio::test]
async fn a_permissions_boundary_is_set_and_removed() {
    let account = account().await;
    create_role(&account, "one").await;
    let boundary = "arn:aws:iam::aws:policy/AmazonDynamoDBReadOnlyAccess";
    account
        .iam
        .put_role_permissions_boundary()
        .role_name("one")
        .permissions_boundary(boundary)
        .send()
        .await
        .expect("PutRolePermissionsBoundary");
    let role = get_role(&account, "one").await;
    assert_eq!(
        role.permissions_boundary()
            .and_then(|boundary| boundary.permissions_boundary_arn()),
        Some(boundary)
    );
    account
        .iam
        .delete_role_permissions_boundary()
        .role_name("one")
        .send()
        .await
        .expect("DeleteRolePermissionsBoundary");
    let role = get_role(&account, "one").await;
    assert!(role.permissions_boundary().is_none());
}

#[tokio::test]
async fn a_role_is_in_no_instance_profile() {
    let account = account().await;
    create_role(&account, "one").await;
    let profiles = account
        .iam
        .list_instance_profiles_for_role()
        .role_name("one")
        .send()
        .await
        .expect("ListInstanceProfilesForRole");
    assert!(profiles.instance_profiles().is_empty());
}
