//! The inline policies of roles, users and groups.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::document::{self, Document, Kind};
use super::holder::Holder;
use super::role;
use super::{Work, input};
use crate::answer::Refusal;
use crate::clock::Moment;
use crate::place::Place;
use crate::store::{Record, Tx};

/// All of one role's, user's or group's together, in characters other than white space (AWS: "IAM and STS quotas").
const TOTAL_SIZE_OF_ROLE: usize = 10_240;
const TOTAL_SIZE_OF_USER: usize = 2048;
const TOTAL_SIZE_OF_GROUP: usize = 5120;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct InlinePolicy {
    /// The key of its role, user or group.
    role: String,
    pub(super) name: String,
    document: String,
    put: Moment,
    /// What was in force when this document was put.
    before: Option<String>,
}

impl Record for InlinePolicy {
    const KIND: &'static str = "iam-inline-policy";

    fn key(&self) -> String {
        key(&self.role, &self.name)
    }
}

fn key(role: &str, name: &str) -> String {
    format!("{role}/{name}")
}

impl InlinePolicy {
    /// The document that has effect at `now`, `lag` after it was put.
    pub(super) fn in_force(&self, now: Moment, lag: u64) -> Option<&str> {
        if self.put.saturating_add(lag) <= now {
            Some(&self.document)
        } else {
            self.before.as_deref()
        }
    }
}

/// Those of the role, user or group with the key `holder`, by name.
pub(super) fn of(tx: &Tx, place: &Place, holder: &str) -> Result<Vec<InlinePolicy>, Refusal> {
    tx.list(place, &key(holder, ""))
}

fn unknown(holder: &Holder, name: &str) -> Refusal {
    role::no_such_entity(format!(
        "The {} policy with name {name} cannot be found.",
        holder.kind()
    ))
}

pub(super) fn put(work: &Work) -> Result<Value, Refusal> {
    let name = input::name(work.call, "PolicyName", 128)?;
    let text = input::required(work.call, "PolicyDocument")?;
    let holder = Holder::named(work)?;
    Document::read(text, "PolicyDocument", Kind::Inline)?;
    let all = of(work.tx, &work.place, &holder.key())?;
    let others = all.iter().filter(|policy| policy.name != name);
    let size: usize = others
        .map(|policy| document::size(&policy.document))
        .sum::<usize>()
        + document::size(text);
    let most = match holder {
        Holder::Role(_) => TOTAL_SIZE_OF_ROLE,
        Holder::User(_) => TOTAL_SIZE_OF_USER,
        Holder::Group(_) => TOTAL_SIZE_OF_GROUP,
    };
    if size > most {
        return Err(role::limit_exceeded(format!(
            "Maximum policy size of {most} bytes exceeded for {} {}",
            holder.kind(),
            holder.name()
        )));
    }
    let old = all.iter().find(|policy| policy.name == name);
    if old.is_some_and(|old| old.document == text) {
        return Ok(Value::Null);
    }
    let now = work.cloud.now();
    let lag = work.cloud.faults().policy_propagation_ms;
    let policy = InlinePolicy {
        role: holder.key(),
        name: name.to_owned(),
        document: text.to_owned(),
        put: now,
        before: old
            .and_then(|old| old.in_force(now, lag))
            .map(str::to_owned),
    };
    work.tx.put(&work.place, &policy)?;
    Ok(Value::Null)
}

pub(super) fn get(work: &Work) -> Result<Value, Refusal> {
    let name = input::name(work.call, "PolicyName", 128)?;
    let holder = Holder::seen(work)?;
    let policy: InlinePolicy = work
        .tx
        .get(&work.place, &key(&holder.key(), name))?
        .ok_or_else(|| unknown(&holder, name))?;
    Ok(json!({
        holder.parameter(): holder.name(),
        "PolicyName": policy.name,
        "PolicyDocument": document::encoded(&policy.document),
    }))
}

pub(super) fn list(work: &Work) -> Result<Value, Refusal> {
    let holder = Holder::seen(work)?;
    let names = of(work.tx, &work.place, &holder.key())?
        .into_iter()
        .map(|policy| (policy.name.clone(), policy.name.into()))
        .collect();
    input::page(work.call, "PolicyNames", names)
}

pub(super) fn delete(work: &Work) -> Result<Value, Refusal> {
    let name = input::name(work.call, "PolicyName", 128)?;
    let holder = Holder::named(work)?;
    let key = key(&holder.key(), name);
    if work.tx.remove::<InlinePolicy>(&work.place, &key)? {
        Ok(Value::Null)
    } else {
        Err(unknown(&holder, name))
    }
}
