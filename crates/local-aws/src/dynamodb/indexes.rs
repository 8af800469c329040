//! Changes of a table's global secondary indexes, and their states.

use serde::Deserialize;
use serde_json::Value;

use super::shape::{self, Index, Shape};
use super::tables;
use crate::answer::Refusal;
use crate::call::Call;
use crate::clock::Moment;
use crate::cloud::Cloud;

const VALIDATION: &str = "com.amazon.coral.validate#ValidationException";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Read {
    index_name: Option<String>,
}

/// An index can be read once it has been made.
pub(super) fn check_readable(cloud: &Cloud, call: &Call) -> Result<(), Refusal> {
    if cloud.faults().table_creating_ms == 0 {
        return Ok(());
    }
    let Some(index) = call.input::<Read>().ok().and_then(|read| read.index_name) else {
        return Ok(());
    };
    let table = tables::name(call)?;
    let shape = Shape::kept(cloud, &call.place, &table)?.unwrap_or_default();
    let is_creating = shape
        .indexes
        .get(&index)
        .is_some_and(|kept| kept.active_from > cloud.now());
    if is_creating {
        return Err(invalid(format!(
            "Cannot read from backfilling global secondary index: {index}"
        )));
    }
    Ok(())
}

/// Checks what the engine does not of the updates of indexes in a request. `is_on_demand` is the table's mode afterwards.
pub(super) fn check_updates(
    request: &Value,
    description: &Value,
    shape: &Shape,
    is_on_demand: bool,
) -> Result<(), Refusal> {
    let updates = request["GlobalSecondaryIndexUpdates"].as_array();
    if updates.is_some_and(Vec::is_empty) {
        return Err(wrong("List of GlobalSecondaryIndexUpdates is empty"));
    }
    let updates: Vec<&Value> = updates.into_iter().flatten().collect();
    if updates.iter().any(|update| actions(update) > 1) {
        return Err(wrong(
            "Only one global secondary index action is allowed per GlobalSecondaryIndexUpdate object",
        ));
    }
    let has_definitions = request["AttributeDefinitions"]
        .as_array()
        .is_some_and(|definitions| !definitions.is_empty());
    let made = updates
        .iter()
        .find_map(|update| update["Create"]["IndexName"].as_str());
    if let Some(name) = made.filter(|_| !has_definitions) {
        return Err(wrong(&format!(
            "AttributeDefinitions is not specified for index: {name}"
        )));
    }
    let online = updates
        .iter()
        .filter(|update| update.get("Create").is_some() || update.get("Delete").is_some())
        .count();
    if online > 1 {
        return Err(too_many());
    }
    for update in &updates {
        for (kind, action) in update.as_object().into_iter().flatten() {
            if let Some(name) = action["IndexName"].as_str() {
                check_update(kind, action, name, description, shape, is_on_demand)?;
            }
        }
    }
    if is_on_demand {
        return Ok(());
    }
    let given = |name: &str| {
        updates.iter().any(|update| {
            update["Update"]["IndexName"] == name
                && update["Update"].get("ProvisionedThroughput").is_some()
        })
    };
    let was_on_demand = description["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST";
    let existing = description["GlobalSecondaryIndexes"].as_array();
    let lacking = existing
        .into_iter()
        .flatten()
        .filter_map(|index| index["IndexName"].as_str())
        .filter(|name| was_on_demand && !given(name));
    let lacking: Vec<&str> = lacking.collect();
    if lacking.is_empty() {
        return Ok(());
    }
    Err(wrong(&format!(
        "ProvisionedThroughput must be specified for index: {}",
        lacking.join(",")
    )))
}

fn actions(update: &Value) -> usize {
    ["Create", "Update", "Delete"]
        .iter()
        .filter(|kind| update.get(**kind).is_some_and(|action| !action.is_null()))
        .count()
}

/// The refusal of a second index that is made or deleted at the same time.
pub(super) fn too_many() -> Refusal {
    Refusal::new(
        400,
        "com.amazonaws.dynamodb.v20120810#LimitExceededException",
        "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table",
    )
}

fn check_update(
    kind: &str,
    action: &Value,
    name: &str,
    description: &Value,
    shape: &Shape,
    is_on_demand: bool,
) -> Result<(), Refusal> {
    let is_among = |member: &str| {
        description[member]
            .as_array()
            .into_iter()
            .flatten()
            .any(|index| index["IndexName"] == name)
    };
    let is_global = is_among("GlobalSecondaryIndexes");
    let is_local = is_among("LocalSecondaryIndexes");
    let has_units = action.get("ProvisionedThroughput").is_some();
    let why = match kind {
        "Create" if is_global || is_local => {
            return Err(invalid(
                "Attempting to create an index which already exists",
            ));
        }
        "Delete" | "Update" if is_local => {
            let verb = kind.to_lowercase();
            return Err(invalid(format!(
                "Cannot {verb} an index that is not a GlobalSecondaryIndex: {name}"
            )));
        }
        "Create" if is_on_demand && has_units => format!(
            "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: {name} when BillingMode is \
             PAY_PER_REQUEST"
        ),
        "Update" if is_on_demand && has_units => format!(
            "The only Updates for index: {name} when TableThroughputMode is PAY_PER_REQUEST can be to \
             OnDemandThroughput, WarmThroughput"
        ),
        "Create" if !is_on_demand && !has_units => format!(
            "Both ReadCapacityUnits and WriteCapacityUnits must be specified for index: {name}"
        ),
        _ => {
            let least = current_warm(description, shape, name);
            let of = format!("index {name}");
            return shape::check_warm(&action["WarmThroughput"], &of, least, shape::DECREASE);
        }
    };
    Err(wrong(&why))
}

fn current_warm(description: &Value, shape: &Shape, name: &str) -> shape::Units {
    let is_on_demand = description["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST";
    let given = shape.indexes.get(name).and_then(|index| index.warm);
    shape::warm_now(given, (0, 0), is_on_demand)
}

/// Takes the updates that the engine does not know out of its request: those of an existing index that leave its provisioned
/// throughput.
pub(super) fn strip_for_engine(request: &mut Value, description: &Value) {
    let updates = request.get_mut("GlobalSecondaryIndexUpdates");
    let Some(updates) = updates.and_then(Value::as_array_mut) else {
        return;
    };
    let existing = description["GlobalSecondaryIndexes"].as_array();
    let is_existing = |name: &Value| {
        existing
            .into_iter()
            .flatten()
            .any(|index| index["IndexName"] == *name)
    };
    updates.retain(|update| {
        let action = &update["Update"];
        action.is_null()
            || action.get("ProvisionedThroughput").is_some()
            || !is_existing(&action["IndexName"])
    });
    if updates.is_empty()
        && let Some(members) = request.as_object_mut()
    {
        members.remove("GlobalSecondaryIndexUpdates");
    }
}

/// Notes the updates that the engine has carried out.
pub(super) fn note(
    shape: &mut Shape,
    request: &Value,
    description: &Value,
    now: Moment,
    creating_ms: u64,
    deleting_ms: u64,
) {
    shape.indexes.retain(|_, index| {
        index
            .deleting
            .as_ref()
            .is_none_or(|(until, _)| *until > now)
    });
    let updates = request["GlobalSecondaryIndexUpdates"].as_array();
    for update in updates.into_iter().flatten() {
        for (kind, action) in update.as_object().into_iter().flatten() {
            let Some(name) = action["IndexName"].as_str() else {
                continue;
            };
            if kind == "Delete" {
                let existing = description["GlobalSecondaryIndexes"].as_array();
                let was = existing
                    .into_iter()
                    .flatten()
                    .find(|index| index["IndexName"] == name);
                let mut was = was.cloned().unwrap_or_default();
                was["IndexStatus"] = "DELETING".into();
                let index = Index {
                    deleting: Some((now.saturating_add(deleting_ms), was)),
                    ..Index::default()
                };
                shape.indexes.insert(name.to_owned(), index);
                continue;
            }
            let index = shape.indexes.entry(name.to_owned()).or_default();
            if kind == "Create" {
                *index = Index {
                    active_from: now.saturating_add(creating_ms),
                    ..Index::default()
                };
            }
            let throughput = &action["ProvisionedThroughput"];
            if let (Some(read), Some(write)) = (
                throughput["ReadCapacityUnits"].as_i64(),
                throughput["WriteCapacityUnits"].as_i64(),
            ) {
                index.provisioned = Some((read, write));
            }
            if let Some(on_demand) = action.get("OnDemandThroughput") {
                index.on_demand = Some(on_demand.clone());
            }
            if let Some(warm) = shape::warm(&action["WarmThroughput"]) {
                index.warm = Some(warm);
            }
        }
    }
}

/// Shows the updated indexes in the answer to their update, whatever their states will be a moment later.
pub(super) fn show_updating(description: &mut Value, request: &Value, before: &Value) {
    let updates = request["GlobalSecondaryIndexUpdates"].as_array();
    for update in updates.into_iter().flatten() {
        for (kind, action) in update.as_object().into_iter().flatten() {
            let status = match kind.as_str() {
                "Create" => "CREATING",
                "Delete" => "DELETING",
                _ => "UPDATING",
            };
            let name = &action["IndexName"];
            if description["GlobalSecondaryIndexes"].is_null() {
                description["GlobalSecondaryIndexes"] = Value::Array(Vec::new());
            }
            let Some(shown) = description["GlobalSecondaryIndexes"].as_array_mut() else {
                continue;
            };
            if let Some(index) = shown.iter_mut().find(|index| index["IndexName"] == *name) {
                index["IndexStatus"] = status.into();
                if kind == "Create" {
                    index["Backfilling"] = false.into();
                    if let Some(index) = index.as_object_mut() {
                        index.remove("WarmThroughput");
                    }
                }
            } else if let Some(index) = before["GlobalSecondaryIndexes"]
                .as_array()
                .into_iter()
                .flatten()
                .find(|index| index["IndexName"] == *name)
            {
                let mut index = index.clone();
                index["IndexStatus"] = status.into();
                shown.push(index);
            }
        }
    }
}

fn wrong(why: &str) -> Refusal {
    invalid(format!("One or more parameter values were invalid: {why}"))
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(400, VALIDATION, message)
}
