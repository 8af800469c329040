//! IAM: roles with inline and attached policies, and what they allow.

mod attached;
mod authorize;
mod aws_managed;
mod condition;
pub(crate) mod document;
mod evaluate;
mod inline;
pub(crate) mod input;
mod managed;
mod pattern;
mod principal;
mod rights;
mod role;
mod simulate;
mod tags;
mod user;

use std::sync::Arc;

use serde_json::Value;

use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::cloud::Cloud;
use crate::place::Place;
use crate::store::Tx;

pub(crate) use authorize::{Rights, authorize, decide, denied, may};
pub(crate) use document::Document;
pub(crate) use evaluate::{Context, Decision};
pub(crate) use pattern::fits;
pub(crate) use principal::Principal;
pub(crate) use role::Role;
pub(crate) use tags::is_allowed as is_tag_char;

/// What an operation works with.
struct Work<'a> {
    cloud: &'a Cloud,
    call: &'a Call,
    tx: &'a Tx<'a>,
    /// Where the account's things of IAM are.
    place: Place,
}

type Operation = (&'static str, fn(&Work) -> Result<Value, Refusal>);

const TABLE: [Operation; 31] = [
    ("AttachRolePolicy", attached::attach),
    ("CreatePolicy", managed::create),
    ("CreateRole", role::create),
    ("DeletePolicy", managed::delete),
    ("DeleteRole", role::delete),
    ("DeleteRolePermissionsBoundary", role::delete_boundary),
    ("DeleteRolePolicy", inline::delete),
    ("DetachRolePolicy", attached::detach),
    ("GetPolicy", managed::get),
    ("GetPolicyVersion", managed::get_version),
    ("GetRole", role::get),
    ("GetRolePolicy", inline::get),
    ("GetUser", user::get),
    ("ListAccountAliases", user::list_account_aliases),
    ("ListAttachedRolePolicies", attached::list),
    ("ListInstanceProfilesForRole", role::list_instance_profiles),
    ("ListPolicies", managed::list),
    ("ListPolicyVersions", managed::list_versions),
    ("ListRolePolicies", inline::list),
    ("ListRoleTags", role::list_tags),
    ("ListRoles", role::list),
    ("ListUsers", user::list),
    ("PutRolePermissionsBoundary", role::put_boundary),
    ("PutRolePolicy", inline::put),
    ("SimulatePrincipalPolicy", simulate::principal_policy),
    ("TagPolicy", managed::tag),
    ("TagRole", role::tag),
    ("UntagPolicy", managed::untag),
    ("UntagRole", role::untag),
    ("UpdateAssumeRolePolicy", role::update_trust),
    ("UpdateRole", role::update),
];

pub(crate) const OPERATIONS: &[&str] = &names();

const fn names() -> [&'static str; TABLE.len()] {
    let mut names = [""; TABLE.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = TABLE[at].0;
        at += 1;
    }
    names
}

pub(crate) fn perform(cloud: &Arc<Cloud>, call: &Call) -> Result<Answer, Refusal> {
    let (_, operation) = TABLE
        .iter()
        .find(|(name, _)| *name == call.operation)
        .ok_or_else(|| Refusal::new(501, "NotImplemented", call.operation))?;
    cloud
        .store
        .transact(|tx| {
            operation(&Work {
                cloud,
                call,
                tx,
                place: call.place.global(),
            })
        })
        .map(Answer::ok)
}

/// The role of exactly this name, in any region of `place`'s account.
pub(crate) fn role(tx: &Tx, place: &Place, name: &str) -> Result<Option<Role>, Refusal> {
    // ARNs, unlike the API, tell case apart.
    Ok(role::find(tx, place, name)?.filter(|role| role.name == name))
}

/// Returns true if `service_principal`, such as `lambda.amazonaws.com`, may assume `role` by now.
pub(crate) fn is_assumable_by(cloud: &Cloud, role: &Role, service_principal: &str) -> bool {
    let lag = cloud.with_faults(|faults| faults.role_propagation_ms);
    let account = role.arn.split(':').nth(4).unwrap_or_default();
    let context = Context::default().with("aws:SourceAccount", account);
    role.created.saturating_add(lag) <= cloud.now()
        && role.trusts(
            &Principal::Service(service_principal),
            "sts:AssumeRole",
            &context,
        )
}
