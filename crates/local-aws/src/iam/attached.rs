//! Which managed policies are attached to which roles.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::role::{self, Role};
use super::{Work, input, managed};
use crate::answer::Refusal;
use crate::clock::Moment;
use crate::place::Place;
use crate::store::{Record, Tx};

/// AWS: "IAM and STS quotas".
const MOST: usize = 10;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Attachment {
    /// The key of the role.
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

/// Those of `role`.
pub(super) fn of(tx: &Tx, place: &Place, role: &Role) -> Result<Vec<Attachment>, Refusal> {
    tx.list(place, &key(&role.key(), ""))
}

/// The ARNs of the policies attached to any role of the account, each as often as it is.
pub(super) fn all(tx: &Tx, place: &Place) -> Result<Vec<String>, Refusal> {
    let all: Vec<Attachment> = tx.list(place, "")?;
    Ok(all.into_iter().map(|attachment| attachment.arn).collect())
}

pub(super) fn attach(work: &Work) -> Result<Value, Refusal> {
    let arn = input::required(work.call, "PolicyArn")?;
    managed::check_arn(arn, "PolicyArn")?;
    let role = role::named(work)?;
    if !managed::is_attachable(work.tx, &work.place, arn)? {
        return Err(role::no_such_entity(format!(
            "Policy {arn} does not exist or is not attachable."
        )));
    }
    let own = of(work.tx, &work.place, &role)?;
    if own.iter().any(|attachment| attachment.arn == arn) {
        return Ok(Value::Null);
    }
    if own.len() >= MOST {
        let message = format!("Cannot exceed quota for PoliciesPerRole: {MOST}");
        return Err(role::limit_exceeded(message));
    }
    let attachment = Attachment {
        role: role.key(),
        arn: arn.to_owned(),
        since: work.cloud.now(),
    };
    work.tx.put(&work.place, &attachment)?;
    Ok(Value::Null)
}

pub(super) fn detach(work: &Work) -> Result<Value, Refusal> {
    let arn = input::required(work.call, "PolicyArn")?;
    managed::check_arn(arn, "PolicyArn")?;
    let role = role::named(work)?;
    let key = key(&role.key(), arn);
    if work.tx.remove::<Attachment>(&work.place, &key)? {
        Ok(Value::Null)
    } else {
        Err(role::no_such_entity(format!("Policy {arn} was not found.")))
    }
}

pub(super) fn list(work: &Work) -> Result<Value, Refusal> {
    let prefix = input::path_prefix(work.call)?;
    let role = role::seen(work)?;
    let policies = of(work.tx, &work.place, &role)?
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

/// `/service-role/` of `arn:aws:iam::aws:policy/service-role/Name`.
fn path_in(arn: &str) -> &str {
    let path = arn.split_once(":policy").map_or(arn, |(_, path)| path);
    path.rfind('/').map_or(path, |end| &path[..=end])
}
