//! Roles, policies, and what they allow.

use aws_sdk_iam::types::{PolicyEvaluationDecisionType, PolicyScopeType, Tag};
use testkit::Account;

use crate::harness::{allow, refused, trust};

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder()
        .key(key)
        .value(value)
        .build()
        .expect("a whole tag")
}

pub(crate) async fn story(account: &Account) {
    roles(account).await;
    inline(account).await;
    managed(account).await;
    account_itself(account).await;
}

async fn create(account: &Account, name: &str) -> String {
    let made = account
        .iam
        .create_role()
        .role_name(name)
        .path("/story/")
        .description("of a story")
        .max_session_duration(7200)
        .assume_role_policy_document(trust(r#"{"Service":"lambda.amazonaws.com"}"#))
        .tags(tag("stage", "test"))
        .send()
        .await
        .expect("CreateRole");
    made.role().expect("a role").arn().to_owned()
}

async fn delete(account: &Account, name: &str) {
    account
        .iam
        .delete_role()
        .role_name(name)
        .send()
        .await
        .expect("DeleteRole");
}

async fn roles(account: &Account) {
    let iam = &account.iam;
    let arn = create(account, "one").await;
    assert_eq!(arn, format!("arn:aws:iam::{}:role/story/one", account.id));
    create(account, "two").await;
    let again = iam
        .create_role()
        .role_name("one")
        .assume_role_policy_document(trust(r#"{"Service":"lambda.amazonaws.com"}"#));
    assert_eq!(refused(again.send().await), "EntityAlreadyExists");
    let malformed = iam
        .create_role()
        .role_name("three")
        .assume_role_policy_document("{}");
    assert_eq!(refused(malformed.send().await), "MalformedPolicyDocument");

    let role = iam.get_role().role_name("one").send().await;
    let role = role.expect("GetRole");
    let role = role.role().expect("a role");
    assert!(role.role_id().starts_with("AROA"), "{}", role.role_id());
    assert_eq!(
        (role.path(), role.description(), role.max_session_duration()),
        ("/story/", Some("of a story"), Some(7200))
    );
    assert!(role.assume_role_policy_document().is_some_and(
        |document| document.starts_with("%7B") && document.contains("lambda.amazonaws.com")
    ));
    assert_eq!(role.tags(), [tag("stage", "test")]);

    let first = iam.list_roles().path_prefix("/story/").max_items(1).send();
    let first = first.await.expect("ListRoles");
    assert!(first.is_truncated());
    assert_eq!(first.roles()[0].role_name(), "one");
    let rest = iam
        .list_roles()
        .path_prefix("/story/")
        .set_marker(first.marker().map(str::to_owned))
        .send();
    let rest = rest.await.expect("ListRoles");
    assert!(!rest.is_truncated());
    assert_eq!(rest.roles()[0].role_name(), "two");
    let mut pages = iam
        .list_roles()
        .path_prefix("/story/")
        .into_paginator()
        .page_size(1)
        .send();
    let mut count = 0;
    while let Some(page) = pages.next().await {
        count += page.expect("a page").roles().len();
    }
    assert_eq!(count, 2);

    iam.update_role()
        .role_name("one")
        .description("changed")
        .max_session_duration(3600)
        .send()
        .await
        .expect("UpdateRole");
    iam.update_assume_role_policy()
        .role_name("one")
        .policy_document(trust(r#"{"Service":"apigateway.amazonaws.com"}"#))
        .send()
        .await
        .expect("UpdateAssumeRolePolicy");
    let role = iam.get_role().role_name("one").send().await;
    let role = role.expect("GetRole");
    let role = role.role().expect("a role");
    assert_eq!(
        (role.description(), role.max_session_duration()),
        (Some("changed"), Some(3600))
    );
    assert!(
        role.assume_role_policy_document()
            .is_some_and(|document| document.contains("apigateway.amazonaws.com"))
    );

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

    let profiles = iam
        .list_instance_profiles_for_role()
        .role_name("one")
        .send()
        .await
        .expect("ListInstanceProfilesForRole");
    assert!(profiles.instance_profiles().is_empty());

    let boundary = "arn:aws:iam::aws:policy/AmazonDynamoDBReadOnlyAccess";
    iam.put_role_permissions_boundary()
        .role_name("one")
        .permissions_boundary(boundary)
        .send()
        .await
        .expect("PutRolePermissionsBoundary");
    let role = iam.get_role().role_name("one").send().await;
    let role = role.expect("GetRole");
    assert_eq!(
        role.role()
            .and_then(|role| role.permissions_boundary())
            .and_then(|boundary| boundary.permissions_boundary_arn()),
        Some(boundary)
    );
    iam.delete_role_permissions_boundary()
        .role_name("one")
        .send()
        .await
        .expect("DeleteRolePermissionsBoundary");
    let role = iam.get_role().role_name("one").send().await;
    let role = role.expect("GetRole");
    assert!(
        role.role()
            .and_then(|role| role.permissions_boundary())
            .is_none()
    );

    delete(account, "one").await;
    delete(account, "two").await;
    let gone = iam.get_role().role_name("one").send().await;
    assert!(
        gone.expect_err("it is gone")
            .into_service_error()
            .is_no_such_entity_exception()
    );
    let twice = iam.delete_role().role_name("one").send().await;
    assert_eq!(refused(twice), "NoSuchEntity");
}

async fn inline(account: &Account) {
    let iam = &account.iam;
    let arn = create(account, "inline").await;
    let document = allow("dynamodb:GetItem");
    let put = iam
        .put_role_policy()
        .role_name("inline")
        .policy_name("read")
        .policy_document(&document);
    put.send().await.expect("PutRolePolicy");
    let policy = iam
        .get_role_policy()
        .role_name("inline")
        .policy_name("read")
        .send()
        .await
        .expect("GetRolePolicy");
    assert_eq!(
        (policy.role_name(), policy.policy_name()),
        ("inline", "read")
    );
    assert!(policy.policy_document().contains("GetItem"));
    let names = iam.list_role_policies().role_name("inline").send().await;
    assert_eq!(
        names.expect("ListRolePolicies").policy_names(),
        ["read".to_owned()]
    );

    let simulated = iam
        .simulate_principal_policy()
        .policy_source_arn(&arn)
        .action_names("dynamodb:GetItem")
        .action_names("dynamodb:PutItem")
        .send()
        .await
        .expect("SimulatePrincipalPolicy");
    let decisions: Vec<_> = simulated
        .evaluation_results()
        .iter()
        .map(|result| (result.eval_action_name(), result.eval_decision().clone()))
        .collect();
    assert_eq!(
        decisions,
        [
            ("dynamodb:GetItem", PolicyEvaluationDecisionType::Allowed),
            (
                "dynamodb:PutItem",
                PolicyEvaluationDecisionType::ImplicitDeny
            ),
        ]
    );

    let early = iam.delete_role().role_name("inline").send().await;
    assert_eq!(refused(early), "DeleteConflict");
    iam.delete_role_policy()
        .role_name("inline")
        .policy_name("read")
        .send()
        .await
        .expect("DeleteRolePolicy");
    let gone = iam
        .get_role_policy()
        .role_name("inline")
        .policy_name("read")
        .send()
        .await;
    assert_eq!(refused(gone), "NoSuchEntity");
    delete(account, "inline").await;
}

async fn managed(account: &Account) {
    let iam = &account.iam;
    create(account, "managed").await;
    let made = iam
        .create_policy()
        .policy_name("write")
        .path("/story/")
        .description("may write")
        .policy_document(allow("dynamodb:PutItem"))
        .tags(tag("a", "1"))
        .send()
        .await
        .expect("CreatePolicy");
    let made = made.policy().expect("a policy");
    let arn = made.arn().expect("an ARN");
    assert_eq!(
        arn,
        format!("arn:aws:iam::{}:policy/story/write", account.id)
    );
    assert_eq!(made.default_version_id(), Some("v1"));

    iam.attach_role_policy()
        .role_name("managed")
        .policy_arn(arn)
        .send()
        .await
        .expect("AttachRolePolicy");
    let attached = iam
        .list_attached_role_policies()
        .role_name("managed")
        .send()
        .await
        .expect("ListAttachedRolePolicies");
    let attached: Vec<_> = attached
        .attached_policies()
        .iter()
        .map(|policy| (policy.policy_name(), policy.policy_arn()))
        .collect();
    assert_eq!(attached, [(Some("write"), Some(arn))]);

    iam.tag_policy()
        .policy_arn(arn)
        .tags(tag("b", "2"))
        .send()
        .await
        .expect("TagPolicy");
    iam.untag_policy()
        .policy_arn(arn)
        .tag_keys("a")
        .send()
        .await
        .expect("UntagPolicy");
    let got = iam.get_policy().policy_arn(arn).send().await;
    let got = got.expect("GetPolicy");
    let got = got.policy().expect("a policy");
    assert_eq!(
        (got.attachment_count(), got.description(), got.tags()),
        (Some(1), Some("may write"), &[tag("b", "2")][..])
    );

    let listed = iam
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
    assert_eq!(listed, [arn]);
    let versions = iam.list_policy_versions().policy_arn(arn).send().await;
    let versions = versions.expect("ListPolicyVersions");
    assert_eq!(versions.versions().len(), 1);
    let version = iam
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

    let early = iam.delete_policy().policy_arn(arn).send().await;
    assert_eq!(refused(early), "DeleteConflict");
    iam.detach_role_policy()
        .role_name("managed")
        .policy_arn(arn)
        .send()
        .await
        .expect("DetachRolePolicy");
    iam.delete_policy()
        .policy_arn(arn)
        .send()
        .await
        .expect("DeletePolicy");
    let gone = iam.get_policy().policy_arn(arn).send().await;
    assert_eq!(refused(gone), "NoSuchEntity");
    delete(account, "managed").await;
}

async fn account_itself(account: &Account) {
    let iam = &account.iam;
    let user = iam.get_user().send().await.expect("GetUser");
    assert_eq!(
        user.user().map(aws_sdk_iam::types::User::arn),
        Some(format!("arn:aws:iam::{}:root", account.id).as_str())
    );
    let missing = iam.get_user().user_name("nobody").send().await;
    assert_eq!(refused(missing), "NoSuchEntity");
    let users = iam.list_users().send().await.expect("ListUsers");
    assert!(users.users().is_empty());
    let aliases = iam.list_account_aliases().send().await;
    assert!(
        aliases
            .expect("ListAccountAliases")
            .account_aliases()
            .is_empty()
    );
}
