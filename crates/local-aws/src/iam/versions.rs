//! The versions of managed policies, of which the default one has effect.

use serde_json::{Value, json};

use super::document::{self, Document, Kind};
use super::managed::{self, Policy, SIZE};
use super::role::{self, conflict};
use super::{Work, input};
use crate::answer::Refusal;
use crate::clock::{self, Moment};

use serde::{Deserialize, Serialize};

/// AWS: "IAM and STS quotas".
pub(super) const MOST: usize = 5;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Version {
    pub(super) number: u64,
    pub(super) document: String,
    pub(super) created: Moment,
}

/// The document that the call's `PolicyDocument` has.
pub(super) fn document<'a>(work: &Work<'a>) -> Result<&'a str, Refusal> {
    let text = input::required(work.call, "PolicyDocument")?;
    Document::read(text, "PolicyDocument", Kind::Managed)?;
    if document::size(text) > SIZE {
        let message = format!("Cannot exceed quota for PolicySize: {SIZE}");
        return Err(role::limit_exceeded(message));
    }
    Ok(text)
}

pub(super) fn create(work: &Work) -> Result<Value, Refusal> {
    let mut policy = managed::own(work)?;
    let text = document(work)?;
    if policy.versions.len() >= MOST {
        return Err(role::limit_exceeded(format!(
            "A managed policy can have up to {MOST} versions. Before you create a new version, you must delete an \
             existing version."
        )));
    }
    let now = work.cloud.now();
    policy.last_version += 1;
    policy.versions.push(Version {
        number: policy.last_version,
        document: text.to_owned(),
        created: now,
    });
    if input::flag(work.call, "SetAsDefault")? {
        policy.set_default(policy.last_version);
    }
    policy.updated = Some(now);
    work.tx.put(&work.place, &policy)?;
    let shown = policy
        .versions
        .last()
        .map(|version| brief(&policy, version));
    Ok(json!({ "PolicyVersion": shown }))
}

pub(super) fn get(work: &Work) -> Result<Value, Refusal> {
    let (policy, number) = named(work)?;
    let version = policy.version(number).ok_or_else(|| unknown(work))?;
    let mut shown = brief(&policy, version);
    shown["Document"] = document::encoded(&version.document).into();
    Ok(json!({ "PolicyVersion": shown }))
}

/// The newest first.
pub(super) fn list(work: &Work) -> Result<Value, Refusal> {
    let policy = managed::seen(work)?;
    let versions = policy
        .versions
        .iter()
        .rev()
        .map(|version| {
            let key = format!("{:020}", u64::MAX - version.number);
            (key, brief(&policy, version))
        })
        .collect();
    input::page(work.call, "Versions", versions)
}

pub(super) fn set_default(work: &Work) -> Result<Value, Refusal> {
    let (mut policy, number) = named(work)?;
    managed::check_own(&policy)?;
    if policy.version(number).is_none() {
        return Err(unknown(work));
    }
    policy.set_default(number);
    policy.updated = Some(work.cloud.now());
    work.tx.put(&work.place, &policy)?;
    Ok(Value::Null)
}

pub(super) fn delete(work: &Work) -> Result<Value, Refusal> {
    let (mut policy, number) = named(work)?;
    managed::check_own(&policy)?;
    if policy.version(number).is_none() {
        return Err(unknown(work));
    }
    if policy.default_version == number {
        return Err(conflict("Cannot delete the default version of a policy."));
    }
    policy.versions.retain(|version| version.number != number);
    work.tx.put(&work.place, &policy)?;
    Ok(Value::Null)
}

/// The policy and the number of the version that the call names.
fn named(work: &Work) -> Result<(Policy, u64), Refusal> {
    let version = input::required(work.call, "VersionId")?;
    let number = version
        .strip_prefix('v')
        .filter(|digits| !digits.starts_with('0'))
        .map(|digits| digits.split_once('.').map_or(digits, |(number, _)| number))
        .filter(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
        .ok_or_else(|| {
            input::broken(
                "VersionId",
                r"Member must satisfy regular expression pattern: v[1-9][0-9]*(\.[A-Za-z0-9-]*)?",
            )
        })?;
    let arn = input::required(work.call, "PolicyArn")?;
    managed::check_arn(arn, "PolicyArn")?;
    let policy = managed::find(work.tx, &work.place, arn)?
        .filter(|policy| work.cloud.is_visible(policy.created))
        .ok_or_else(|| unknown(work))?;
    // A number that is too large is that of no version.
    Ok((policy, number.parse().unwrap_or(0)))
}

fn unknown(work: &Work) -> Refusal {
    let parameter = |name| work.call.parameter(name).unwrap_or_default();
    role::no_such_entity(format!(
        "Policy {} version {} does not exist or is not attachable.",
        parameter("PolicyArn"),
        parameter("VersionId")
    ))
}

fn brief(policy: &Policy, version: &Version) -> Value {
    json!({
        "VersionId": format!("v{}", version.number),
        "IsDefaultVersion": policy.default_version == version.number,
        "CreateDate": clock::iso(version.created),
    })
}
