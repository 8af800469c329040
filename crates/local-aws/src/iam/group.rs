//! Groups of users, whose policies are their users' too.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::holder::Holder;
use super::role::{self, conflict};
use super::user::{self, User};
use super::{Work, attached, inline, input};
use crate::answer::Refusal;
use crate::clock::{self, Moment};
use crate::ids;
use crate::place::Place;
use crate::store::{Record, Tx};

/// AWS: "IAM and STS quotas".
const MOST_OF_USER: usize = 10;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Group {
    pub(super) name: String,
    /// Begins and ends with `/`.
    pub(super) path: String,
    /// `AGPA…`; it stays when the name changes.
    pub(super) id: String,
    created: Moment,
    /// The unique ids of its users.
    members: Vec<String>,
}

impl Record for Group {
    const KIND: &'static str = "iam-group";

    /// Names are unique without regard to case.
    fn key(&self) -> String {
        self.name.to_lowercase()
    }
}

impl Group {
    pub(super) fn arn(&self, place: &Place) -> String {
        place.global_arn("iam", &format!("group{}{}", self.path, self.name))
    }

    /// Names of roles have no colon.
    pub(super) fn policies_key(&self) -> String {
        format!("group:{}", self.id)
    }
}

pub(super) fn find(tx: &Tx, place: &Place, name: &str) -> Result<Option<Group>, Refusal> {
    tx.get(&place.global(), &name.to_lowercase())
}

pub(super) fn unknown(name: &str) -> Refusal {
    role::no_such_entity(format!("The group with name {name} cannot be found."))
}

/// The group that the call's `GroupName` names.
pub(super) fn named(work: &Work) -> Result<Group, Refusal> {
    let name = input::name(work.call, "GroupName", 128)?;
    find(work.tx, &work.place, name)?.ok_or_else(|| unknown(name))
}

/// Those that `user` is in.
pub(super) fn of(tx: &Tx, place: &Place, user: &User) -> Result<Vec<Group>, Refusal> {
    let mut all: Vec<Group> = tx.list(place, "")?;
    all.retain(|group| group.members.contains(&user.id));
    Ok(all)
}

fn check_free(work: &Work, name: &str) -> Result<(), Refusal> {
    if find(work.tx, &work.place, name)?.is_some() {
        let message = format!("Group with name {name} already exists.");
        return Err(Refusal::new(409, "EntityAlreadyExists", message));
    }
    Ok(())
}

pub(super) fn create(work: &Work) -> Result<Value, Refusal> {
    let name = input::name(work.call, "GroupName", 128)?;
    let path = input::path(work.call)?;
    check_free(work, name)?;
    let group = Group {
        name: name.to_owned(),
        path: path.to_owned(),
        id: format!("AGPA{}", ids::upper(17)),
        created: work.cloud.now(),
        members: Vec::new(),
    };
    work.tx.put(&work.place, &group)?;
    Ok(json!({ "Group": shown(work, &group) }))
}

pub(super) fn get(work: &Work) -> Result<Value, Refusal> {
    let group = named(work)?;
    let users = work
        .tx
        .list::<User>(&work.place, "")?
        .into_iter()
        .filter(|user| group.members.contains(&user.id))
        .map(|user| (user.key(), user::brief(work, &user)))
        .collect();
    let mut page = input::page(work.call, "Users", users)?;
    page["Group"] = shown(work, &group);
    Ok(page)
}

pub(super) fn list(work: &Work) -> Result<Value, Refusal> {
    let prefix = input::path_prefix(work.call)?;
    let mut all: Vec<Group> = work.tx.list(&work.place, "")?;
    all.retain(|group| group.path.starts_with(prefix));
    page(work, &all)
}

pub(super) fn list_for_user(work: &Work) -> Result<Value, Refusal> {
    let user = user::named(work)?;
    page(work, &of(work.tx, &work.place, &user)?)
}

fn page(work: &Work, groups: &[Group]) -> Result<Value, Refusal> {
    let shown = groups
        .iter()
        .map(|group| (group.key(), shown(work, group)))
        .collect();
    input::page(work.call, "Groups", shown)
}

pub(super) fn update(work: &Work) -> Result<Value, Refusal> {
    let mut group = named(work)?;
    let before = group.key();
    if let Some(path) = input::path_of(work.call, "NewPath")? {
        path.clone_into(&mut group.path);
    }
    if work.call.parameter("NewGroupName").is_some() {
        let name = input::name(work.call, "NewGroupName", 128)?;
        if name.to_lowercase() != before {
            check_free(work, name)?;
        }
        name.clone_into(&mut group.name);
    }
    work.tx.remove::<Group>(&work.place, &before)?;
    work.tx.put(&work.place, &group)?;
    Ok(Value::Null)
}

pub(super) fn delete(work: &Work) -> Result<Value, Refusal> {
    let group = named(work)?;
    if !group.members.is_empty() {
        return Err(conflict(
            "Cannot delete entity, must remove users from group first.",
        ));
    }
    let holder = Holder::Group(group.clone());
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
    work.tx.remove::<Group>(&work.place, &group.key())?;
    Ok(Value::Null)
}

pub(super) fn add_user(work: &Work) -> Result<Value, Refusal> {
    let mut group = named(work)?;
    let user = user::named(work)?;
    if group.members.contains(&user.id) {
        return Ok(Value::Null);
    }
    if of(work.tx, &work.place, &user)?.len() >= MOST_OF_USER {
        return Err(role::limit_exceeded(format!(
            "Cannot exceed quota for GroupsPerUser: {MOST_OF_USER}"
        )));
    }
    group.members.push(user.id);
    work.tx.put(&work.place, &group)?;
    Ok(Value::Null)
}

/// One who is not in it is no error.
pub(super) fn remove_user(work: &Work) -> Result<Value, Refusal> {
    let mut group = named(work)?;
    let user = user::named(work)?;
    group.members.retain(|id| *id != user.id);
    work.tx.put(&work.place, &group)?;
    Ok(Value::Null)
}

fn shown(work: &Work, group: &Group) -> Value {
    json!({
        "Path": group.path,
        "GroupName": group.name,
        "GroupId": group.id,
        "Arn": group.arn(&work.call.place),
        "CreateDate": clock::iso(group.created),
    })
}
