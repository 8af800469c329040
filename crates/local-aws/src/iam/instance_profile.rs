//! Instance profiles, which hold one role each. There are no instances.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::role::{self, Role, conflict};
use super::tags::{self, Keys, Tags};
use super::{Work, input};
use crate::answer::Refusal;
use crate::clock::{self, Moment};
use crate::ids;
use crate::place::Place;
use crate::store::{Record, Tx};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct InstanceProfile {
    name: String,
    /// Begins and ends with `/`.
    path: String,
    id: String,
    created: Moment,
    /// The key of its role.
    role: Option<String>,
    tags: Tags,
}

impl Record for InstanceProfile {
    const KIND: &'static str = "iam-instance-profile";

    /// Names are unique without regard to case.
    fn key(&self) -> String {
        self.name.to_lowercase()
    }
}

pub(super) fn count(tx: &Tx, place: &Place) -> Result<usize, Refusal> {
    Ok(tx.list::<InstanceProfile>(place, "")?.len())
}

/// Those that hold `role`.
pub(super) fn of(tx: &Tx, place: &Place, role: &Role) -> Result<Vec<InstanceProfile>, Refusal> {
    let mut all: Vec<InstanceProfile> = tx.list(place, "")?;
    all.retain(|profile| profile.role == Some(role.key()));
    Ok(all)
}

fn named(work: &Work) -> Result<InstanceProfile, Refusal> {
    let name = input::name(work.call, "InstanceProfileName", 128)?;
    work.tx
        .get(&work.place, &name.to_lowercase())?
        .ok_or_else(|| role::no_such_entity(format!("Instance Profile {name} cannot be found.")))
}

pub(super) fn create(work: &Work) -> Result<Value, Refusal> {
    let name = input::name(work.call, "InstanceProfileName", 128)?;
    let path = input::path(work.call)?;
    let tags = tags::read(work.call, Keys::ByCase)?;
    let profile = InstanceProfile {
        name: name.to_owned(),
        path: path.to_owned(),
        id: format!("AIPA{}", ids::upper(17)),
        created: work.cloud.now(),
        role: None,
        tags,
    };
    let found: Option<InstanceProfile> = work.tx.get(&work.place, &profile.key())?;
    if found.is_some() {
        let message = format!("Instance Profile {name} already exists.");
        return Err(Refusal::new(409, "EntityAlreadyExists", message));
    }
    work.tx.put(&work.place, &profile)?;
    let mut shown = brief(work, &profile)?;
    shown["Tags"] = tags::shown(&profile.tags);
    Ok(json!({ "InstanceProfile": shown }))
}

pub(super) fn get(work: &Work) -> Result<Value, Refusal> {
    let profile = named(work)?;
    let mut shown = brief(work, &profile)?;
    shown["Tags"] = tags::always_shown(&profile.tags);
    Ok(json!({ "InstanceProfile": shown }))
}

pub(super) fn list(work: &Work) -> Result<Value, Refusal> {
    let prefix = input::path_prefix(work.call)?;
    let mut all: Vec<InstanceProfile> = work.tx.list(&work.place, "")?;
    all.retain(|profile| profile.path.starts_with(prefix));
    page(work, &all)
}

pub(super) fn list_for_role(work: &Work) -> Result<Value, Refusal> {
    let role = role::seen(work)?;
    let all = of(work.tx, &work.place, &role)?;
    page(work, &all)
}

fn page(work: &Work, profiles: &[InstanceProfile]) -> Result<Value, Refusal> {
    let shown = profiles
        .iter()
        .map(|profile| Ok((profile.key(), brief(work, profile)?)))
        .collect::<Result<_, Refusal>>()?;
    input::page(work.call, "InstanceProfiles", shown)
}

pub(super) fn delete(work: &Work) -> Result<Value, Refusal> {
    let profile = named(work)?;
    if profile.role.is_some() {
        return Err(conflict(
            "Cannot delete entity, must remove roles from instance profile first.",
        ));
    }
    work.tx
        .remove::<InstanceProfile>(&work.place, &profile.key())?;
    Ok(Value::Null)
}

pub(super) fn add_role(work: &Work) -> Result<Value, Refusal> {
    let mut profile = named(work)?;
    let role = role::named(work)?;
    if profile.role.is_some() {
        return Err(role::limit_exceeded(
            "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1",
        ));
    }
    profile.role = Some(role.key());
    work.tx.put(&work.place, &profile)?;
    Ok(Value::Null)
}

pub(super) fn remove_role(work: &Work) -> Result<Value, Refusal> {
    let mut profile = named(work)?;
    let role = role::named(work)?;
    if profile.role != Some(role.key()) {
        return Err(role::no_such_entity(format!(
            "Role {} in Instance Profile {} cannot be found.",
            role.name, profile.name
        )));
    }
    profile.role = None;
    work.tx.put(&work.place, &profile)?;
    Ok(Value::Null)
}

pub(super) fn tag(work: &Work) -> Result<Value, Refusal> {
    let mut profile = named(work)?;
    tags::add(work.call, &mut profile.tags, Keys::ByCase)?;
    work.tx.put(&work.place, &profile)?;
    Ok(Value::Null)
}

pub(super) fn untag(work: &Work) -> Result<Value, Refusal> {
    let mut profile = named(work)?;
    tags::remove(work.call, &mut profile.tags, Keys::ByCase)?;
    work.tx.put(&work.place, &profile)?;
    Ok(Value::Null)
}

pub(super) fn list_tags(work: &Work) -> Result<Value, Refusal> {
    tags::page(work.call, named(work)?.tags)
}

fn brief(work: &Work, profile: &InstanceProfile) -> Result<Value, Refusal> {
    let role: Option<Role> = match &profile.role {
        Some(key) => work.tx.get(&work.place, key)?,
        None => None,
    };
    let roles: Vec<Value> = role.iter().map(role::shown_in_profile).collect();
    let resource = format!("instance-profile{}{}", profile.path, profile.name);
    Ok(json!({
        "Path": profile.path,
        "InstanceProfileName": profile.name,
        "InstanceProfileId": profile.id,
        "Arn": work.call.place.global_arn("iam", &resource),
        "CreateDate": clock::iso(profile.created),
        "Roles": roles,
    }))
}
