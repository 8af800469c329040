//! Which managed policies are attached to which roles, users and groups.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::group::Group;
use super::holder::Holder;
use super::role::{self, Role};
use super::user::User;
use super::{Work, input, managed};
use crate::answer::Refusal;
use crate::clock::Moment;
use crate::place::Place;
use crate::store::{Record, Tx};

/// AWS: "IAM and STS quotas".
const MOST: usize = 10;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Attachment {
    /// The key of the role, user or group.
    role: String,
    pub(super) arn: String,
    pub(super) since: Moment,
}

impl Record for Attachment {
    const KIND: &'static str = "iam-attachment";

    fn key(&self) -> String {
        key(&self.role, &self.arn)
    }
}

fn key(role: &str, arn: &str) -> String {
    format!("{role}/{arn}")
}

/// Those of the role, user or group with the key `holder`.
pub(super) fn of(tx: &Tx, place: &Place, holder: &str) -> Result<Vec<Attachment>, Refusal> {
    tx.list(place, &key(holder, ""))
}

/// The ARNs of the policies attached to any role, user or group of the account, each as often as it is.
pub(super) fn all(tx: &Tx, place: &Place) -> Result<Vec<String>, Refusal> {
    let all: Vec<Attachment> = tx.list(place, "")?;
    Ok(all.into_iter().map(|attachment| attachment.arn).collect())
}

pub(super) fn attach(work: &Work) -> Result<Value, Refusal> {
    let arn = input::required(work.call, "PolicyArn")?;
    managed::check_arn(arn, "PolicyArn")?;
    let holder = Holder::named(work)?;
    if !managed::is_attachable(work.tx, &work.place, arn)? {
        return Err(role::no_such_entity(format!(
            "Policy {arn} does not exist or is not attachable."
        )));
    }
    let own = of(work.tx, &work.place, &holder.key())?;
    if own.iter().any(|attachment| attachment.arn == arn) {
        return Ok(Value::Null);
    }
    if own.len() >= MOST {
        let whose = match holder {
            Holder::Role(_) => "PoliciesPerRole",
            Holder::User(_) => "PoliciesPerUser",
            Holder::Group(_) => "PoliciesPerGroup",
        };
        let message = format!("Cannot exceed quota for {whose}: {MOST}");
        return Err(role::limit_exceeded(message));
    }
    let attachment = Attachment {
        role: holder.key(),
        arn: arn.to_owned(),
        since: work.cloud.now(),
    };
    work.tx.put(&work.place, &attachment)?;
    Ok(Value::Null)
}

pub(super) fn detach(work: &Work) -> Result<Value, Refusal> {
    let arn = input::required(work.call, "PolicyArn")?;
    managed::check_arn(arn, "PolicyArn")?;
    let holder = Holder::named(work)?;
    let key = key(&holder.key(), arn);
    if work.tx.remove::<Attachment>(&work.place, &key)? {
        Ok(Value::Null)
    } else {
        Err(role::no_such_entity(format!("Policy {arn} was not found.")))
    }
}

pub(super) fn list(work: &Work) -> Result<Value, Refusal> {
    let prefix = input::path_prefix(work.call)?;
    let holder = Holder::seen(work)?;
    let policies = of(work.tx, &work.place, &holder.key())?
        .into_iter()
        .filter(|attachment| path_in(&attachment.arn).starts_with(prefix))
        .map(|attachment| {
            let name = managed::name_in(&attachment.arn);
            let shown = json!({ "PolicyName": name, "PolicyArn": attachment.arn });
            (attachment.arn.clone(), shown)
        })
        .collect();
    input::page(work.call, "AttachedPolicies", policies)
}

/// The roles, users and groups that a policy is attached to, or the boundary of.
pub(super) fn entities(work: &Work) -> Result<Value, Refusal> {
    let call = work.call;
    let policy = managed::seen(work)?;
    let filter = call.parameter("EntityFilter");
    if let Some(filter) = filter {
        let kinds = [
            "User",
            "Role",
            "Group",
            "LocalManagedPolicy",
            "AWSManagedPolicy",
        ];
        input::one_of(filter, "EntityFilter", &kinds)?;
    }
    let prefix = input::path_prefix(call)?;
    let usage = managed::Usage::read(call)?;
    let attached: Vec<Attachment> = work.tx.list(&work.place, "")?;
    let is_used = |holder: String, boundary: Option<&String>| {
        let is_attached = attached
            .iter()
            .any(|one| one.role == holder && one.arn == policy.arn);
        usage.counts_attachments() && is_attached
            || usage.counts_boundaries() && boundary == Some(&policy.arn)
    };
    let mut found = Vec::new();
    if filter.is_none_or(|filter| filter == "Role") {
        for role in work.tx.list::<Role>(&work.place, "")? {
            if role.path.starts_with(prefix) && is_used(role.key(), role.boundary.as_ref()) {
                let shown = json!({ "RoleName": role.name, "RoleId": role.id });
                found.push((format!("r{}", role.key()), shown));
            }
        }
    }
    if filter.is_none_or(|filter| filter == "User") {
        for user in work.tx.list::<User>(&work.place, "")? {
            if user.path.starts_with(prefix) && is_used(user.policies_key(), user.boundary.as_ref())
            {
                let shown = json!({ "UserName": user.name, "UserId": user.id });
                found.push((format!("u{}", user.key()), shown));
            }
        }
    }
    if filter.is_none_or(|filter| filter == "Group") {
        for group in work.tx.list::<Group>(&work.place, "")? {
            if group.path.starts_with(prefix) && is_used(group.policies_key(), None) {
                let shown = json!({ "GroupName": group.name, "GroupId": group.id });
                found.push((format!("g{}", group.key()), shown));
            }
        }
    }
    // Of each kind in the order of names, and one kind after the other.
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    let mut page = input::page(call, "Entities", found)?;
    let entities = page["Entities"].take();
    let entities = entities.as_array().map(Vec::as_slice).unwrap_or_default();
    let with = |member: &str| -> Value {
        let those = entities.iter().filter(|one| one.get(member).is_some());
        those.cloned().collect()
    };
    page["PolicyGroups"] = with("GroupName");
    page["PolicyUsers"] = with("UserName");
    page["PolicyRoles"] = with("RoleName");
    Ok(page)
}

/// `/service-role/` of `arn:aws:iam::aws:policy/service-role/Name`.
fn path_in(arn: &str) -> &str {
    let path = arn.split_once(":policy").map_or(arn, |(_, path)| path);
    path.rfind('/').map_or(path, |end| &path[..=end])
}
