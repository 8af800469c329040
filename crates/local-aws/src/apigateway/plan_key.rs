//! Which keys are in which usage plans.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::api_key::{self, ApiKey};
use super::page;
use super::refusal::{bad_request, conflict, not_found};
use super::usage_plan::{self, UsagePlan};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::clock::Moment;
use crate::cloud::Cloud;
use crate::place::Place;
use crate::store::{Record, Tx};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct PlanKey {
    pub(super) plan_id: String,
    pub(super) key_id: String,
    pub(super) linked: Moment,
}

impl Record for PlanKey {
    const KIND: &'static str = "usage-plan-key";

    fn key(&self) -> String {
        format!("{}/{}", self.plan_id, self.key_id)
    }
}

/// A key may be in several plans, but in one only that covers a given stage ("Usage plans and API keys for REST APIs").
pub(super) fn check_alone(
    tx: &Tx,
    place: &Place,
    key: &str,
    plan: &UsagePlan,
) -> Result<(), Refusal> {
    for link in tx.list::<PlanKey>(place, "")? {
        if link.key_id != key || link.plan_id == plan.id {
            continue;
        }
        let Some(other) = tx.get::<UsagePlan>(place, &link.plan_id)? else {
            continue;
        };
        let shared = other.api_stages.iter().find(|theirs| {
            plan.api_stages
                .iter()
                .any(|ours| ours.api_id == theirs.api_id && ours.stage == theirs.stage)
        });
        if let Some(shared) = shared {
            return Err(conflict(format!(
                "API Key {key} is already associated with API Stage {}:{} through Usage Plan {}",
                shared.api_id, shared.stage, other.id
            )));
        }
    }
    Ok(())
}

fn shown(key: &ApiKey) -> Map<String, Value> {
    let mut members = Map::from_iter([
        ("id".to_owned(), json!(key.id)),
        ("type".to_owned(), json!("API_KEY")),
        ("value".to_owned(), json!(key.value)),
    ]);
    if let Some(name) = &key.name {
        members.insert("name".to_owned(), json!(name));
    }
    members
}

pub(super) fn create(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Input {
        key_id: Option<String>,
        key_type: Option<String>,
    }
    let input: Input = call.input()?;
    if input.key_type.as_deref() != Some("API_KEY") {
        return Err(bad_request("Invalid key type specified. Must be API_KEY"));
    }
    let key_id = input.key_id.unwrap_or_default();
    let key = cloud.store.transact(|tx| {
        let plan = usage_plan::wanted(tx, call)?;
        let key: ApiKey = tx.get(&call.place, &key_id)?.ok_or_else(api_key::missing)?;
        let link = PlanKey {
            plan_id: plan.id.clone(),
            key_id: key.id.clone(),
            linked: cloud.now(),
        };
        if tx.get::<PlanKey>(&call.place, &link.key())?.is_some() {
            return Err(conflict(format!(
                "Usage Plan {} is already associated with API Key {}",
                plan.id, key.id
            )));
        }
        check_alone(tx, &call.place, &key.id, &plan)?;
        tx.put(&call.place, &link)?;
        Ok(key)
    })?;
    Ok(Answer::json(201, shown(&key).into()))
}

/// The link and the key that a call names.
pub(super) fn wanted(tx: &Tx, call: &Call) -> Result<(PlanKey, ApiKey), Refusal> {
    let missing = || {
        not_found(format!(
            "Invalid API Key identifier specified for Usage Plan {}",
            call.label("usageplanId")
        ))
    };
    let plan = usage_plan::wanted(tx, call)?;
    let key_id = call.label("keyId");
    let link: PlanKey = tx
        .get(&call.place, &format!("{}/{key_id}", plan.id))?
        .ok_or_else(missing)?;
    let key = tx.get(&call.place, key_id)?.ok_or_else(missing)?;
    Ok((link, key))
}

pub(super) fn get(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let (_, key) = cloud.store.transact(|tx| wanted(tx, call))?;
    Ok(Answer::ok(shown(&key).into()))
}

/// `name` is a prefix. The values are in the answer, asked for or not.
pub(super) fn list(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let prefix = call.parameter("name").unwrap_or_default();
    let plan = call.label("usageplanId");
    // An unknown plan has no keys (recorded by localstack, `test_get_usage_plan_api_keys`).
    let keys = cloud.store.transact(|tx| {
        let links: Vec<PlanKey> = tx.list(&call.place, &format!("{plan}/"))?;
        links
            .iter()
            .filter_map(|link| tx.get::<ApiKey>(&call.place, &link.key_id).transpose())
            .collect::<Result<Vec<_>, _>>()
    })?;
    let entries = keys
        .iter()
        .filter(|key| key.name.as_deref().unwrap_or_default().starts_with(prefix))
        .map(|key| (key.id.clone(), shown(key)))
        .collect();
    page::answer(call, entries)
}

pub(super) fn delete(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    cloud.store.transact(|tx| {
        let (link, _) = wanted(tx, call)?;
        tx.remove::<PlanKey>(&call.place, &link.key())
    })?;
    Ok(Answer::empty(202))
}
