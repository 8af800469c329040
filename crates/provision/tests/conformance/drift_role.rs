//! The role and its policies, changed by hand.

use serde_json::json;
use testkit::sdk::iam::types::Tag;

use crate::names::ROLE;
use crate::world::{World, drifts};

/// Trusts another service as well; the role goes on working, so nothing but the plan tells.
async fn trust(world: &World) {
    let document = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "Service": ["lambda.amazonaws.com", "ec2.amazonaws.com"] },
            "Action": "sts:AssumeRole",
        }],
    });
    let update = world
        .account
        .iam
        .update_assume_role_policy()
        .role_name(ROLE);
    update
        .policy_document(document.to_string())
        .send()
        .await
        .expect("UpdateAssumeRolePolicy");
}

async fn inline_policies(world: &World) -> Vec<String> {
    let listed = world
        .account
        .iam
        .list_role_policies()
        .role_name(ROLE)
        .send()
        .await;
    listed.expect("ListRolePolicies").policy_names
}

pub(crate) async fn put_policy(world: &World, name: &str) {
    let document = json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Action": "dynamodb:*", "Resource": "*" }],
    });
    let put = world
        .account
        .iam
        .put_role_policy()
        .role_name(ROLE)
        .policy_name(name);
    put.policy_document(document.to_string())
        .send()
        .await
        .expect("PutRolePolicy");
}

drifts! {
    the_trust_policy: trust;

    the_permissions: async |world: &World| {
        for name in inline_policies(world).await {
            put_policy(world, &name).await;
        }
    };

    no_permissions: async |world: &World| {
        for name in inline_policies(world).await {
            let delete = world.account.iam.delete_role_policy().role_name(ROLE).policy_name(name);
            delete.send().await.expect("DeleteRolePolicy");
        }
    };

    the_session_duration: async |world: &World| {
        let update = world.account.iam.update_role().role_name(ROLE).max_session_duration(7200);
        update.send().await.expect("UpdateRole");
    };

    the_description: async |world: &World| {
        let update = world.account.iam.update_role().role_name(ROLE).description("by hand");
        update.send().await.expect("UpdateRole");
    };

    no_role: async |world: &World| world.delete_role().await;
}

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn tags_of_others_stay() {
    let world = World::deployed().await;
    let tag = Tag::builder()
        .key("cost-centre")
        .value("42")
        .build()
        .expect("a whole tag");
    world
        .account
        .iam
        .tag_role()
        .role_name(ROLE)
        .tags(tag)
        .send()
        .await
        .expect("TagRole");
    world.up().await;
    let census = world.census().await;
    assert_eq!(census.value()["roles"][0]["tags"]["cost-centre"], "42");
}
