//! Roles: what they are, and who may assume them.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::document::{self, Document, Kind};
use super::evaluate::Context;
use super::principal::{self, Principal};
use super::tags::{self, Keys, Tags};
use super::{Work, attached, inline, input, instance_profile, managed, user};
use crate::answer::Refusal;
use crate::clock::{self, Moment};
use crate::ids;
use crate::place::Place;
use crate::store::{Record, Tx};

/// In characters other than white space (AWS: "IAM and STS quotas").
const TRUST_SIZE: usize = 2048;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Role {
    pub(crate) name: String,
    /// Begins and ends with `/`.
    pub(crate) path: String,
    pub(crate) arn: String,
    /// `AROA…`; another one for another role of the same name.
    pub(crate) id: String,
    /// The trust policy, as it was written.
    pub(crate) trust: String,
    pub(crate) created: Moment,
    pub(crate) description: Option<String>,
    /// Seconds.
    pub(crate) max_session: u64,
    /// The ARN of the policy that is its boundary.
    pub(crate) boundary: Option<String>,
    pub(crate) tags: Tags,
}

impl Record for Role {
    const KIND: &'static str = "iam-role";

    fn key(&self) -> String {
        key(&self.name)
    }
}

impl Role {
    /// Returns true if its trust policy lets `principal` do `action`.
    pub(crate) fn trusts(&self, principal: &Principal, action: &str, context: &Context) -> bool {
        Document::parse(&self.trust, Kind::Trust)
            .is_ok_and(|document| document.trusts(principal, action, context))
    }
}

/// Names are unique without regard to case.
pub(super) fn key(name: &str) -> String {
    name.to_lowercase()
}

/// The role that the call's `RoleName` names.
pub(super) fn named(work: &Work) -> Result<Role, Refusal> {
    let name = input::name(work.call, "RoleName", 64)?;
    find(work.tx, &work.place, name)?.ok_or_else(|| unknown(name))
}

/// The same for those who only look: nothing yet, if it is too new.
pub(super) fn seen(work: &Work) -> Result<Role, Refusal> {
    let role = named(work)?;
    if work.cloud.is_visible(role.created) {
        Ok(role)
    } else {
        Err(unknown(&role.name))
    }
}

pub(super) fn find(tx: &Tx, place: &Place, name: &str) -> Result<Option<Role>, Refusal> {
    tx.get(&place.global(), &key(name))
}

pub(super) fn unknown(name: &str) -> Refusal {
    no_such_entity(format!("The role with name {name} cannot be found."))
}

pub(super) fn no_such_entity(message: impl Into<String>) -> Refusal {
    Refusal::new(404, "NoSuchEntity", message)
}

pub(super) fn conflict(message: &str) -> Refusal {
    Refusal::new(409, "DeleteConflict", message)
}

pub(super) fn limit_exceeded(message: impl Into<String>) -> Refusal {
    Refusal::new(409, "LimitExceeded", message)
}

pub(super) fn create(work: &Work) -> Result<Value, Refusal> {
    let call = work.call;
    let name = input::name(call, "RoleName", 64)?;
    let path = input::path(call)?;
    let description = input::description(call)?;
    let max_session = input::number(call, "MaxSessionDuration", 3600, 43_200)?.unwrap_or(3600);
    let tags = tags::read(call, Keys::AnyCase)?;
    let trust = trust(work, "AssumeRolePolicyDocument")?;
    let boundary = boundary(work)?;
    if find(work.tx, &work.place, name)?.is_some() {
        let message = format!("Role with name {name} already exists.");
        return Err(Refusal::new(409, "EntityAlreadyExists", message));
    }
    let role = Role {
        name: name.to_owned(),
        path: path.to_owned(),
        arn: call.place.global_arn("iam", &format!("role{path}{name}")),
        id: format!("AROA{}", ids::upper(17)),
        trust: trust.to_owned(),
        created: work.cloud.now(),
        description: description.map(str::to_owned),
        max_session,
        boundary,
        tags,
    };
    work.tx.put(&work.place, &role)?;
    Ok(json!({ "Role": changed(&role) }))
}

/// The trust policy that the parameter `at` has.
fn trust<'a>(work: &Work<'a>, at: &str) -> Result<&'a str, Refusal> {
    let text = input::required(work.call, at)?;
    let document = Document::read(text, at, Kind::Trust)?;
    if document::size(text) > TRUST_SIZE {
        let message = format!("Cannot exceed quota for ACLSizePerRole: {TRUST_SIZE}");
        return Err(limit_exceeded(message));
    }
    for arn in document.principal_arns() {
        if !is_known_principal(work, arn)? {
            return Err(principal::invalid("AWS", arn));
        }
    }
    Ok(text)
}

/// Users have to be there; roles have to have been for long enough as well.
fn is_known_principal(work: &Work, arn: &str) -> Result<bool, Refusal> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", _, "iam", "", account, resource] = parts[..] else {
        return Ok(true);
    };
    let place = Place {
        account: account.to_owned(),
        region: String::new(),
    };
    let name = resource.rsplit('/').next().unwrap_or(resource);
    if resource.starts_with("user/") {
        let user = user::find(work.tx, &place, name)?;
        return Ok(user.is_some_and(|user| user.arn(&work.call.place.of(account)) == arn));
    }
    if !resource.starts_with("role/") {
        return Ok(true);
    }
    let role = find(work.tx, &place, name)?;
    Ok(role.is_some_and(|role| role.arn == arn && work.cloud.is_visible(role.created)))
}

/// The call's `PermissionsBoundary`.
pub(super) fn boundary(work: &Work) -> Result<Option<String>, Refusal> {
    let Some(arn) = work.call.parameter("PermissionsBoundary") else {
        return Ok(None);
    };
    managed::check_arn(arn, "PermissionsBoundary")?;
    if !managed::is_attachable(work.tx, &work.place, arn)? {
        return Err(no_such_entity(format!(
            "Scope ARN: {arn} does not exist or is not attachable."
        )));
    }
    Ok(Some(arn.to_owned()))
}

pub(super) fn get(work: &Work) -> Result<Value, Refusal> {
    let role = seen(work)?;
    let mut shown = whole(&role);
    shown["RoleLastUsed"] = json!({});
    Ok(json!({ "Role": shown }))
}

pub(super) fn list(work: &Work) -> Result<Value, Refusal> {
    let prefix = input::path_prefix(work.call)?;
    let roles = work
        .tx
        .list::<Role>(&work.place, "")?
        .into_iter()
        .filter(|role| role.path.starts_with(prefix) && work.cloud.is_visible(role.created))
        // A list shows neither tags nor boundaries.
        .map(|role| (role.key(), brief(&role)))
        .collect();
    input::page(work.call, "Roles", roles)
}

pub(super) fn delete(work: &Work) -> Result<Value, Refusal> {
    let role = named(work)?;
    if !instance_profile::of(work.tx, &work.place, &role)?.is_empty() {
        return Err(conflict(
            "Cannot delete entity, must remove roles from instance profile first.",
        ));
    }
    if !inline::of(work.tx, &work.place, &role.key())?.is_empty() {
        return Err(conflict(
            "Cannot delete entity, must delete policies first.",
        ));
    }
    if !attached::of(work.tx, &work.place, &role.key())?.is_empty() {
        return Err(conflict(
            "Cannot delete entity, must detach all policies first.",
        ));
    }
    work.tx.remove::<Role>(&work.place, &role.key())?;
    Ok(Value::Null)
}

pub(super) fn update(work: &Work) -> Result<Value, Refusal> {
    let mut role = named(work)?;
    if let Some(description) = input::description(work.call)? {
        role.description = Some(description.to_owned());
    }
    if let Some(seconds) = input::number(work.call, "MaxSessionDuration", 3600, 43_200)? {
        role.max_session = seconds;
    }
    work.tx.put(&work.place, &role)?;
    Ok(json!({}))
}

pub(super) fn update_description(work: &Work) -> Result<Value, Refusal> {
    let mut role = named(work)?;
    input::required(work.call, "Description")?;
    role.description = input::description(work.call)?.map(str::to_owned);
    work.tx.put(&work.place, &role)?;
    Ok(json!({ "Role": changed(&role) }))
}

pub(super) fn update_trust(work: &Work) -> Result<Value, Refusal> {
    let mut role = named(work)?;
    trust(work, "PolicyDocument")?.clone_into(&mut role.trust);
    work.tx.put(&work.place, &role)?;
    Ok(Value::Null)
}

pub(super) fn put_boundary(work: &Work) -> Result<Value, Refusal> {
    let mut role = named(work)?;
    input::required(work.call, "PermissionsBoundary")?;
    role.boundary = boundary(work)?;
    work.tx.put(&work.place, &role)?;
    Ok(Value::Null)
}

pub(super) fn delete_boundary(work: &Work) -> Result<Value, Refusal> {
    let mut role = named(work)?;
    if role.boundary.take().is_none() {
        return Err(no_such_entity(format!(
            "No permissions boundary found for role: {}.",
            role.name
        )));
    }
    work.tx.put(&work.place, &role)?;
    Ok(Value::Null)
}

pub(super) fn tag(work: &Work) -> Result<Value, Refusal> {
    let mut role = named(work)?;
    tags::add(work.call, &mut role.tags, Keys::AnyCase)?;
    work.tx.put(&work.place, &role)?;
    Ok(Value::Null)
}

pub(super) fn untag(work: &Work) -> Result<Value, Refusal> {
    let mut role = named(work)?;
    tags::remove(work.call, &mut role.tags, Keys::AnyCase)?;
    work.tx.put(&work.place, &role)?;
    Ok(Value::Null)
}

pub(super) fn list_tags(work: &Work) -> Result<Value, Refusal> {
    tags::page(work.call, seen(work)?.tags)
}

fn brief(role: &Role) -> Value {
    json!({
        "Path": role.path,
        "RoleName": role.name,
        "RoleId": role.id,
        "Arn": role.arn,
        "CreateDate": clock::iso(role.created),
        "AssumeRolePolicyDocument": document::encoded(&role.trust),
        "Description": role.description,
        "MaxSessionDuration": role.max_session,
    })
}

fn whole(role: &Role) -> Value {
    let mut shown = brief(role);
    shown["PermissionsBoundary"] = shown_boundary(role.boundary.as_deref());
    shown["Tags"] = tags::shown(&role.tags);
    shown
}

/// As calls that change a role show it: without the length of its sessions.
fn changed(role: &Role) -> Value {
    let mut shown = whole(role);
    shown["MaxSessionDuration"] = Value::Null;
    shown
}

/// As instance profiles show their role.
pub(super) fn shown_in_profile(role: &Role) -> Value {
    let mut shown = brief(role);
    shown["MaxSessionDuration"] = Value::Null;
    shown
}

pub(super) fn shown_boundary(arn: Option<&str>) -> Value {
    arn.map_or(Value::Null, |arn| {
        json!({
            "PermissionsBoundaryType": "Policy",
            "PermissionsBoundaryArn": arn,
        })
    })
}
