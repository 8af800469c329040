//! Users: what they are. They have policies and credentials of services, and no access keys.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::holder::Holder;
use super::role::{self, conflict};
use super::tags::{self, Keys, Tags};
use super::{Work, attached, credential, group, inline, input};
use crate::answer::Refusal;
use crate::call::Caller;
use crate::clock::{self, Moment};
use crate::ids;
use crate::place::Place;
use crate::store::{Record, Tx};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct User {
    pub(super) name: String,
    /// Begins and ends with `/`.
    pub(super) path: String,
    /// `AIDA…`; it stays when the name changes.
    pub(super) id: String,
    pub(super) created: Moment,
    /// The ARN of the policy that is its boundary.
    pub(super) boundary: Option<String>,
    pub(super) tags: Tags,
}

impl Record for User {
    const KIND: &'static str = "iam-user";

    /// Names are unique without regard to case.
    fn key(&self) -> String {
        self.name.to_lowercase()
    }
}

impl User {
    pub(super) fn arn(&self, place: &Place) -> String {
        place.global_arn("iam", &format!("user{}{}", self.path, self.name))
    }

    /// Names of roles have no colon.
    pub(super) fn policies_key(&self) -> String {
        format!("user:{}", self.id)
    }
}

pub(super) fn find(tx: &Tx, place: &Place, name: &str) -> Result<Option<User>, Refusal> {
    tx.get(&place.global(), &name.to_lowercase())
}

pub(super) fn unknown(name: &str) -> Refusal {
    role::no_such_entity(format!("The user with name {name} cannot be found."))
}

/// The user that the call's `UserName` names.
pub(super) fn named(work: &Work) -> Result<User, Refusal> {
    let name = input::name(work.call, "UserName", 128)?;
    find(work.tx, &work.place, name)?.ok_or_else(|| unknown(name))
}

/// The user that the call's `UserName` names, which only a user may leave out.
pub(super) fn told(work: &Work) -> Result<User, Refusal> {
    if work.call.parameter("UserName").is_some() {
        return named(work);
    }
    Err(unnamed())
}

fn unnamed() -> Refusal {
    input::invalid("Must specify userName when calling with non-User credentials")
}

pub(super) fn create(work: &Work) -> Result<Value, Refusal> {
    let name = input::name(work.call, "UserName", 64)?;
    let path = input::path(work.call)?;
    let tags = tags::read(work.call, Keys::AnyCase)?;
    let boundary = role::boundary(work)?;
    check_free(work, name)?;
    let user = User {
        name: name.to_owned(),
        path: path.to_owned(),
        id: format!("AIDA{}", ids::upper(17)),
        created: work.cloud.now(),
        boundary,
        tags,
    };
    work.tx.put(&work.place, &user)?;
    Ok(json!({ "User": whole(work, &user) }))
}

fn check_free(work: &Work, name: &str) -> Result<(), Refusal> {
    if find(work.tx, &work.place, name)?.is_some() {
        let message = format!("User with name {name} already exists.");
        return Err(Refusal::new(409, "EntityAlreadyExists", message));
    }
    Ok(())
}

pub(super) fn get(work: &Work) -> Result<Value, Refusal> {
    if work.call.parameter("UserName").is_some() {
        let user = named(work)?;
        return Ok(json!({ "User": whole(work, &user) }));
    }
    match work.call.caller {
        Caller::Account => Ok(json!({ "User": {
            "Path": "/",
            "UserName": "root",
            "UserId": work.place.account,
            "Arn": work.call.caller.arn(&work.call.place),
            "CreateDate": clock::iso(0),
        } })),
        Caller::Role { .. } => Err(unnamed()),
    }
}

pub(super) fn list(work: &Work) -> Result<Value, Refusal> {
    let prefix = input::path_prefix(work.call)?;
    let users = work
        .tx
        .list::<User>(&work.place, "")?
        .into_iter()
        .filter(|user| user.path.starts_with(prefix))
        .map(|user| (user.key(), brief(work, &user)))
        .collect();
    input::page(work.call, "Users", users)
}

pub(super) fn update(work: &Work) -> Result<Value, Refusal> {
    let mut user = named(work)?;
    let before = user.key();
    if let Some(path) = input::path_of(work.call, "NewPath")? {
        path.clone_into(&mut user.path);
    }
    if work.call.parameter("NewUserName").is_some() {
        let name = input::name(work.call, "NewUserName", 64)?;
        if name.to_lowercase() != before {
            check_free(work, name)?;
        }
        name.clone_into(&mut user.name);
    }
    work.tx.remove::<User>(&work.place, &before)?;
    work.tx.put(&work.place, &user)?;
    Ok(Value::Null)
}

pub(super) fn delete(work: &Work) -> Result<Value, Refusal> {
    let user = named(work)?;
    let holder = Holder::User(user.clone());
    if !inline::of(work.tx, &work.place, &holder.key())?.is_empty() {
        return Err(conflict(
            "Cannot delete entity, must delete policies first.",
        ));
    }
    if !attached::of(work.tx, &work.place, &holder.key())?.is_empty() {
        return Err(conflict(
            "Cannot delete entity, must detach all policies first.",
        ));
    }
    if !group::of(work.tx, &work.place, &user)?.is_empty() {
        return Err(conflict(
            "Cannot delete entity, must remove users from group first.",
        ));
    }
    if !credential::of(work.tx, &work.place, &user)?.is_empty() {
        return Err(conflict(
            "Cannot delete entity, must remove referenced objects first.",
        ));
    }
    work.tx.remove::<User>(&work.place, &user.key())?;
    Ok(Value::Null)
}

pub(super) fn put_boundary(work: &Work) -> Result<Value, Refusal> {
    let mut user = named(work)?;
    input::required(work.call, "PermissionsBoundary")?;
    user.boundary = role::boundary(work)?;
    work.tx.put(&work.place, &user)?;
    Ok(Value::Null)
}

pub(super) fn delete_boundary(work: &Work) -> Result<Value, Refusal> {
    let mut user = named(work)?;
    if user.boundary.take().is_none() {
        return Err(role::no_such_entity(format!(
            "No permissions boundary found for user: {}.",
            user.name
        )));
    }
    work.tx.put(&work.place, &user)?;
    Ok(Value::Null)
}

pub(super) fn tag(work: &Work) -> Result<Value, Refusal> {
    let mut user = named(work)?;
    tags::add(work.call, &mut user.tags, Keys::AnyCase)?;
    work.tx.put(&work.place, &user)?;
    Ok(Value::Null)
}

pub(super) fn untag(work: &Work) -> Result<Value, Refusal> {
    let mut user = named(work)?;
    tags::remove(work.call, &mut user.tags, Keys::AnyCase)?;
    work.tx.put(&work.place, &user)?;
    Ok(Value::Null)
}

pub(super) fn list_tags(work: &Work) -> Result<Value, Refusal> {
    tags::page(work.call, named(work)?.tags)
}

/// What a user may have on AWS and none has here, by the list's operation and member.
const NONE: [(&str, &str); 4] = [
    ("ListAccessKeys", "AccessKeyMetadata"),
    ("ListMFADevices", "MFADevices"),
    ("ListSSHPublicKeys", "SSHPublicKeys"),
    ("ListSigningCertificates", "Certificates"),
];

/// An empty list, for those who look at what is in the way of a user's deletion.
pub(super) fn list_none(work: &Work) -> Result<Value, Refusal> {
    if work.call.parameter("UserName").is_some() {
        named(work)?;
    } else if work.call.caller != Caller::Account {
        return Err(unnamed());
    }
    let member = NONE
        .iter()
        .find(|(operation, _)| *operation == work.call.operation)
        .map_or("Members", |(_, member)| member);
    input::page(work.call, member, Vec::new())
}

pub(super) fn login_profile(work: &Work) -> Result<Value, Refusal> {
    let user = told(work)?;
    Err(role::no_such_entity(format!(
        "Login Profile for User {} cannot be found.",
        user.name
    )))
}

pub(super) fn list_account_aliases(work: &Work) -> Result<Value, Refusal> {
    input::page(work.call, "AccountAliases", Vec::new())
}

pub(super) fn brief(work: &Work, user: &User) -> Value {
    json!({
        "Path": user.path,
        "UserName": user.name,
        "UserId": user.id,
        "Arn": user.arn(&work.call.place),
        "CreateDate": clock::iso(user.created),
    })
}

fn whole(work: &Work, user: &User) -> Value {
    let mut shown = brief(work, user);
    shown["PermissionsBoundary"] = role::shown_boundary(user.boundary.as_deref());
    shown["Tags"] = tags::shown(&user.tags);
    shown
}
