//! Resource policies: who of AWS's services may write into the account's groups. Kept and shown; no service here needs one.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::metric_filter::limit_exceeded;
use super::{Work, group, input};
use crate::answer::Refusal;
use crate::clock::Moment;
use crate::store::Record;

/// Of an account in a region (AWS: "CloudWatch Logs quotas").
const MOST: usize = 10;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct ResourcePolicy {
    name: String,
    document: String,
    updated: Moment,
}

impl Record for ResourcePolicy {
    const KIND: &'static str = "log-resource-policy";

    fn key(&self) -> String {
        self.name.clone()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    policy_name: Option<String>,
    policy_document: Option<String>,
    next_token: Option<String>,
    limit: Option<i64>,
}

/// Policies of single log groups.
fn refuse(work: &Work) -> Result<(), Refusal> {
    input::refuse(
        work.call,
        &["resourceArn", "expectedRevisionId", "policyScope"],
    )
}

pub(super) fn put(work: &Work) -> Result<Value, Refusal> {
    let given: Input = work.input()?;
    refuse(work)?;
    let name = input::required(given.policy_name.as_ref(), "policyName")?;
    let document = input::required(given.policy_document.as_ref(), "policyDocument")?;
    input::check_length(document, "policyDocument", 1, 5120)?;
    let is_policy =
        serde_json::from_str::<Value>(document).is_ok_and(|value| value.get("Statement").is_some());
    if !is_policy {
        return Err(input::invalid("Syntax errors in policy."));
    }
    let all: Vec<ResourcePolicy> = work.tx.list(work.place, "")?;
    if all.len() >= MOST && !all.iter().any(|policy| policy.name == name) {
        return Err(limit_exceeded());
    }
    let policy = ResourcePolicy {
        name: name.to_owned(),
        document: document.to_owned(),
        updated: work.cloud.now(),
    };
    work.tx.put(work.place, &policy)?;
    Ok(json!({ "resourcePolicy": shown(&policy) }))
}

pub(super) fn describe(work: &Work) -> Result<Value, Refusal> {
    let given: Input = work.input()?;
    refuse(work)?;
    let most = input::bounded(given.limit, "limit", 50, 50)?;
    let all: Vec<ResourcePolicy> = work.tx.list(work.place, "")?;
    let all = all
        .into_iter()
        .map(|policy| (policy.key(), policy))
        .collect();
    let (page, next) = input::page(all, given.next_token.as_ref(), most, false)?;
    let shown: Vec<Value> = page.iter().map(shown).collect();
    let mut output = json!({ "resourcePolicies": shown });
    if let Some(next) = next {
        output["nextToken"] = next.into();
    }
    Ok(output)
}

pub(super) fn delete(work: &Work) -> Result<Value, Refusal> {
    let given: Input = work.input()?;
    refuse(work)?;
    let name = input::required(given.policy_name.as_ref(), "policyName")?;
    if work.tx.remove::<ResourcePolicy>(work.place, name)? {
        return Ok(Value::Null);
    }
    Err(group::not_found(&format!(
        "Policy with name [{name}] does not exist."
    )))
}

fn shown(policy: &ResourcePolicy) -> Value {
    json!({
        "policyName": policy.name,
        "policyDocument": policy.document,
        "lastUpdatedTime": policy.updated,
        "policyScope": "ACCOUNT",
    })
}
