//! IAM: roles, users and groups with inline and attached policies, and what they allow.

mod account;
mod attached;
mod authorize;
mod aws_managed;
mod condition;
mod credential;
pub(crate) mod document;
mod evaluate;
mod group;
mod holder;
mod inline;
pub(crate) mod input;
mod instance_profile;
mod managed;
mod matched;
mod pattern;
mod principal;
mod rights;
mod role;
mod simulate;
pub(crate) mod tags;
mod user;
mod versions;

use std::sync::Arc;

use serde_json::Value;

use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::cloud::Cloud;
use crate::place::Place;
use crate::store::Tx;
use crate::unknown;

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

const TABLE: [Operation; 87] = [
    ("AddRoleToInstanceProfile", instance_profile::add_role),
    ("AddUserToGroup", group::add_user),
    ("AttachGroupPolicy", attached::attach),
    ("AttachRolePolicy", attached::attach),
    ("AttachUserPolicy", attached::attach),
    ("CreateGroup", group::create),
    ("CreateInstanceProfile", instance_profile::create),
    ("CreatePolicy", managed::create),
    ("CreatePolicyVersion", versions::create),
    ("CreateRole", role::create),
    ("CreateServiceSpecificCredential", credential::create),
    ("CreateUser", user::create),
    ("DeleteGroup", group::delete),
    ("DeleteGroupPolicy", inline::delete),
    ("DeleteInstanceProfile", instance_profile::delete),
    ("DeletePolicy", managed::delete),
    ("DeletePolicyVersion", versions::delete),
    ("DeleteRole", role::delete),
    ("DeleteRolePermissionsBoundary", role::delete_boundary),
    ("DeleteRolePolicy", inline::delete),
    ("DeleteServiceSpecificCredential", credential::delete),
    ("DeleteUser", user::delete),
    ("DeleteUserPermissionsBoundary", user::delete_boundary),
    ("DeleteUserPolicy", inline::delete),
    ("DetachGroupPolicy", attached::detach),
    ("DetachRolePolicy", attached::detach),
    ("DetachUserPolicy", attached::detach),
    ("GetAccountSummary", account::summary),
    ("GetGroup", group::get),
    ("GetGroupPolicy", inline::get),
    ("GetInstanceProfile", instance_profile::get),
    ("GetLoginProfile", user::login_profile),
    ("GetPolicy", managed::get),
    ("GetPolicyVersion", versions::get),
    ("GetRole", role::get),
    ("GetRolePolicy", inline::get),
    ("GetUser", user::get),
    ("GetUserPolicy", inline::get),
    ("ListAccessKeys", user::list_none),
    ("ListAccountAliases", user::list_account_aliases),
    ("ListAttachedGroupPolicies", attached::list),
    ("ListAttachedRolePolicies", attached::list),
    ("ListAttachedUserPolicies", attached::list),
    ("ListEntitiesForPolicy", attached::entities),
    ("ListGroupPolicies", inline::list),
    ("ListGroups", group::list),
    ("ListGroupsForUser", group::list_for_user),
    ("ListInstanceProfileTags", instance_profile::list_tags),
    ("ListInstanceProfiles", instance_profile::list),
    (
        "ListInstanceProfilesForRole",
        instance_profile::list_for_role,
    ),
    ("ListMFADevices", user::list_none),
    ("ListPolicies", managed::list),
    ("ListPolicyTags", managed::list_tags),
    ("ListPolicyVersions", versions::list),
    ("ListRolePolicies", inline::list),
    ("ListRoleTags", role::list_tags),
    ("ListRoles", role::list),
    ("ListSSHPublicKeys", user::list_none),
    ("ListServiceSpecificCredentials", credential::list),
    ("ListSigningCertificates", user::list_none),
    ("ListUserPolicies", inline::list),
    ("ListUserTags", user::list_tags),
    ("ListUsers", user::list),
    ("PutGroupPolicy", inline::put),
    ("PutRolePermissionsBoundary", role::put_boundary),
    ("PutRolePolicy", inline::put),
    ("PutUserPermissionsBoundary", user::put_boundary),
    ("PutUserPolicy", inline::put),
    (
        "RemoveRoleFromInstanceProfile",
        instance_profile::remove_role,
    ),
    ("RemoveUserFromGroup", group::remove_user),
    ("ResetServiceSpecificCredential", credential::reset),
    ("SetDefaultPolicyVersion", versions::set_default),
    ("SimulatePrincipalPolicy", simulate::principal_policy),
    ("TagInstanceProfile", instance_profile::tag),
    ("TagPolicy", managed::tag),
    ("TagRole", role::tag),
    ("TagUser", user::tag),
    ("UntagInstanceProfile", instance_profile::untag),
    ("UntagPolicy", managed::untag),
    ("UntagRole", role::untag),
    ("UntagUser", user::untag),
    ("UpdateAssumeRolePolicy", role::update_trust),
    ("UpdateGroup", group::update),
    ("UpdateRole", role::update),
    ("UpdateRoleDescription", role::update_description),
    ("UpdateServiceSpecificCredential", credential::update),
    ("UpdateUser", user::update),
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
        .ok_or_else(|| unknown::unsupported(call.service, call.operation))?;
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

/// What the managed policy with this ARN says, of `place`'s account or AWS's own.
pub(crate) fn managed_policy(
    tx: &Tx,
    place: &Place,
    arn: &str,
) -> Result<Option<Document>, Refusal> {
    managed::document(tx, &place.global(), arn)
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
