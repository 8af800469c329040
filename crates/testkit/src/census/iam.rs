//! Roles, with their policies and tags.

use serde_json::{Map, Value, json};

use super::value::{document, pairs};
use crate::account::Account;

/// Lists roles with their policies and tags.
pub(super) async fn roles(account: &Account) -> Vec<Value> {
    let iam = &account.iam;
    let mut found = Vec::new();
    for role in iam.list_roles().send().await.expect("ListRoles").roles {
        let name = role.role_name();
        let role = iam
            .get_role()
            .role_name(name)
            .send()
            .await
            .expect("GetRole")
            .role;
        let role = role.expect("GetRole answers with a role");
        let listed = iam.list_role_policies().role_name(name).send().await;
        let mut policies = Map::new();
        for policy in listed.expect("ListRolePolicies").policy_names {
            let read = iam
                .get_role_policy()
                .role_name(name)
                .policy_name(&policy)
                .send()
                .await;
            let read = read.expect("GetRolePolicy");
            policies.insert(policy, document(read.policy_document()));
        }
        let attached = iam
            .list_attached_role_policies()
            .role_name(name)
            .send()
            .await;
        let attached: Vec<_> = attached
            .expect("ListAttachedRolePolicies")
            .attached_policies()
            .iter()
            .filter_map(|policy| policy.policy_arn().map(str::to_owned))
            .collect();
        let tags = iam
            .list_role_tags()
            .role_name(name)
            .send()
            .await
            .expect("ListRoleTags")
            .tags;
        found.push(json!({
            "name": name,
            "arn": role.arn(),
            "description": role.description(),
            "max_session_duration": role.max_session_duration(),
            "permissions_boundary": role
                .permissions_boundary()
                .and_then(|boundary| boundary.permissions_boundary_arn()),
            "trust": document(role.assume_role_policy_document().unwrap_or_default()),
            "policies": policies,
            "attached": attached,
            "tags": pairs(tags.iter().map(|tag| (tag.key(), tag.value()))),
        }));
    }
    found
}
