//! API keys.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::patch::{self, Kind, REPLACE, Rule, Wording, rule};
use super::plan_key::PlanKey;
use super::refusal::{bad_request, conflict, not_found, unsupported};
use super::tags::{self, Tags};
use super::{page, shown};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::clock::Moment;
use crate::cloud::Cloud;
use crate::ids;
use crate::store::{Record, Tx};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ApiKey {
    pub(super) id: String,
    pub(super) value: String,
    pub(super) name: Option<String>,
    customer_id: Option<String>,
    description: Option<String>,
    pub(super) enabled: bool,
    pub(super) created_date: Moment,
    last_updated_date: Moment,
    #[serde(default)]
    pub(super) tags: Tags,
}

impl Record for ApiKey {
    const KIND: &'static str = "api-key";

    fn key(&self) -> String {
        self.id.clone()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Creation {
    name: Option<String>,
    description: Option<String>,
    enabled: Option<bool>,
    value: Option<String>,
    #[serde(default)]
    stage_keys: Vec<Value>,
    customer_id: Option<String>,
    tags: Option<Tags>,
}

/// The refused one that was recorded had one character more (localstack, `test_update_api_key_invalid_description_length`).
const LONGEST_DESCRIPTION: usize = 125_000;

const RULES: &[Rule] = &[
    rule("/description", REPLACE, Kind::Text),
    rule("/enabled", REPLACE, Kind::Flag),
    rule("/name", REPLACE, Kind::Text),
    rule("/customerId", REPLACE, Kind::Text),
];

pub(super) fn missing() -> Refusal {
    not_found("Invalid API Key identifier specified")
}

impl ApiKey {
    fn shown(&self, with_value: bool, tags: shown::Tags) -> Result<Map<String, Value>, Refusal> {
        let mut members = shown::record(self, tags)?;
        members.insert("stageKeys".to_owned(), json!([]));
        if !with_value {
            members.shift_remove("value");
        }
        Ok(members)
    }

    /// As a file of keys has it.
    pub(super) fn imported(
        name: &str,
        value: &str,
        description: &str,
        enabled: bool,
        now: Moment,
    ) -> Self {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Self {
            id: ids::lower(10),
            value: value.to_owned(),
            name: some(name),
            customer_id: None,
            description: some(description),
            enabled,
            created_date: now,
            last_updated_date: now,
            tags: Tags::new(),
        }
    }

    fn check(&self) -> Result<(), Refusal> {
        if self
            .name
            .as_ref()
            .is_some_and(|name| name.chars().count() > 1024)
        {
            return Err(bad_request(
                "Invalid API Key name, can be at most 1024 characters.",
            ));
        }
        let description = self.description.as_deref().unwrap_or_default();
        if description.chars().count() > LONGEST_DESCRIPTION {
            return Err(bad_request("Invalid API Key description specified."));
        }
        match self.value.chars().count() {
            0..20 => Err(bad_request(
                "API Key value should be at least 20 characters",
            )),
            129.. => Err(bad_request(
                "API Key value exceeds maximum size of 128 characters",
            )),
            _ => Ok(()),
        }
    }
}

/// Names repeat freely, values do not (localstack's tests against AWS; "Set up API keys using the API Gateway console").
pub(super) fn create(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let input: Creation = call.input()?;
    if !input.stage_keys.is_empty() {
        return Err(unsupported("stageKeys of API keys"));
    }
    let now = cloud.now();
    let tags = input.tags.unwrap_or_default();
    tags::check(&tags)?;
    let key = ApiKey {
        id: ids::lower(10),
        value: input
            .value
            .filter(|value| !value.is_empty())
            .unwrap_or_else(|| ids::mixed(40)),
        name: input.name.filter(|name| !name.is_empty()),
        customer_id: input.customer_id,
        description: input.description,
        enabled: input.enabled.unwrap_or(false),
        created_date: now,
        last_updated_date: now,
        tags,
    };
    cloud.store.transact(|tx| add(tx, call, &key))?;
    let shown = key.shown(true, shown::Tags::IfAny)?;
    Ok(Answer::json(201, shown.into()))
}

pub(super) fn add(tx: &Tx, call: &Call, key: &ApiKey) -> Result<(), Refusal> {
    key.check()?;
    let others: Vec<ApiKey> = tx.list(&call.place, "")?;
    if others.iter().any(|other| other.value == key.value) {
        return Err(conflict("API Key already exists"));
    }
    tx.put(&call.place, key)
}

fn wanted(tx: &Tx, call: &Call) -> Result<ApiKey, Refusal> {
    tx.get(&call.place, call.label("api_Key"))?
        .ok_or_else(missing)
}

fn asks(call: &Call, parameter: &str) -> bool {
    call.parameter(parameter)
        .is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

pub(super) fn get(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let key = cloud.store.transact(|tx| wanted(tx, call))?;
    if !cloud.is_visible(key.created_date) {
        return Err(missing());
    }
    let shown = key.shown(asks(call, "includeValue"), shown::Tags::Always)?;
    Ok(Answer::ok(shown.into()))
}

/// `name` is a prefix.
pub(super) fn list(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let keys: Vec<ApiKey> = cloud.store.transact(|tx| tx.list(&call.place, ""))?;
    let prefix = call.parameter("name").unwrap_or_default();
    let customer = call
        .parameter("customerId")
        .filter(|customer| !customer.is_empty());
    let with_values = asks(call, "includeValues");
    let entries = keys
        .iter()
        .filter(|key| cloud.is_visible(key.created_date))
        .filter(|key| key.name.as_deref().unwrap_or_default().starts_with(prefix))
        .filter(|key| customer.is_none_or(|customer| key.customer_id.as_deref() == Some(customer)))
        .map(|key| Ok((key.id.clone(), key.shown(with_values, shown::Tags::IfAny)?)))
        .collect::<Result<_, Refusal>>()?;
    page::answer(call, entries)
}

pub(super) fn update(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let operations = patch::operations(call)?;
    let key = cloud.store.transact(|tx| {
        let mut key = wanted(tx, call)?;
        for operation in &operations {
            operation.apply(&mut key, RULES, Wording::Listing)?;
        }
        key.name = key.name.filter(|name| !name.is_empty());
        key.check()?;
        key.last_updated_date = cloud.now();
        tx.put(&call.place, &key)?;
        Ok(key)
    })?;
    let shown = key.shown(false, shown::Tags::Always)?;
    Ok(Answer::ok(shown.into()))
}

pub(super) fn delete(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    cloud.store.transact(|tx| {
        let key = wanted(tx, call)?;
        for link in tx.list::<PlanKey>(&call.place, "")? {
            if link.key_id == key.id {
                tx.remove::<PlanKey>(&call.place, &link.key())?;
            }
        }
        tx.remove::<ApiKey>(&call.place, &key.id)
    })?;
    Ok(Answer::empty(202))
}
