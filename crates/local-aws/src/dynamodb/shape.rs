//! What a table's description has beyond the engine's: throughput, encryption, streams and the states of its indexes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::streams;
use crate::answer::Refusal;
use crate::clock::{self, Moment};
use crate::cloud::Cloud;
use crate::place::Place;
use crate::store::Record;

/// Reads and writes a second that a table or index takes at once.
pub(super) type Units = (i64, i64);

/// AWS's warm throughput of a new on-demand table, and of its indexes.
pub(super) const ON_DEMAND_WARM: Units = (12_000, 4_000);

const ENGINE_KMS: &str = "arn:aws:kms:dynoxide:000000000000:";

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Shape {
    pub(super) table: String,
    /// When it was last switched to on-demand, if it was not made so.
    pub(super) on_demand_since: Option<Moment>,
    pub(super) warm: Option<Units>,
    /// The ARN of the key in KMS that encrypts it; AWS's own key, which is not shown, without one.
    pub(super) key: Option<String>,
    pub(super) class_changed: Option<Moment>,
    pub(super) indexes: BTreeMap<String, Index>,
    /// From which backup it was made, as its `RestoreSummary`.
    pub(super) restored: Option<Value>,
}

/// One global secondary index, where it differs from what the engine knows.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Index {
    /// Reads and writes, if they were given after the table was made.
    pub(super) provisioned: Option<Units>,
    pub(super) on_demand: Option<Value>,
    pub(super) warm: Option<Units>,
    /// It is `CREATING` until then.
    pub(super) active_from: Moment,
    /// While it is `DELETING`: until when, and what it was.
    pub(super) deleting: Option<(Moment, Value)>,
}

impl Record for Shape {
    const KIND: &'static str = "table-shape";

    fn key(&self) -> String {
        self.table.clone()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Creating,
    Made,
}

impl Shape {
    /// The shape of a table that the request makes.
    pub(super) fn of_request(place: &Place, table: &str, request: &Value) -> Result<Self, Refusal> {
        let mut shape = Self {
            table: table.to_owned(),
            key: key_arn(place, &request["SSESpecification"]),
            ..Self::default()
        };
        check_encryption(&request["SSESpecification"])?;
        let specification = &request["StreamSpecification"];
        let has_view = specification["StreamViewType"].is_string();
        match specification["StreamEnabled"].as_bool() {
            Some(true) if !has_view => {
                return Err(invalid(
                    "Table is being created with a stream enabled, UpdateViewType is required",
                ));
            }
            Some(false) if has_view => {
                return Err(invalid(
                    "Table is being created with a stream disabled, UpdateViewType should not be specified",
                ));
            }
            _ => {}
        }
        let is_on_demand = request["BillingMode"] == "PAY_PER_REQUEST";
        shape.warm = warm(&request["WarmThroughput"]);
        check_new_warm(request, "table", is_on_demand)?;
        let indexes = request["GlobalSecondaryIndexes"].as_array();
        for index in indexes.into_iter().flatten() {
            let Some(name) = index["IndexName"].as_str() else {
                continue;
            };
            let of = format!("index {name}");
            check_new_warm(index, &of, is_on_demand)?;
            if !is_on_demand && index.get("ProvisionedThroughput").is_none() {
                return Err(invalid(&format!(
                    "ProvisionedThroughput is not specified for index: {name}"
                )));
            }
            let kept = Index {
                on_demand: index.get("OnDemandThroughput").cloned(),
                warm: warm(&index["WarmThroughput"]),
                ..Index::default()
            };
            shape.indexes.insert(name.to_owned(), kept);
        }
        Ok(shape)
    }

    /// The shape that is kept of a table; nothing is kept of one that an earlier version made.
    pub(super) fn kept(cloud: &Cloud, place: &Place, table: &str) -> Result<Option<Self>, Refusal> {
        cloud.store.transact(|tx| tx.get::<Self>(place, table))
    }

    /// True while an index is being made or deleted.
    pub(super) fn is_changing(&self, now: Moment) -> bool {
        self.indexes.values().any(|index| index.is_changing(now))
    }
}

impl Index {
    pub(super) fn is_changing(&self, now: Moment) -> bool {
        let deleting = self.deleting.as_ref();
        self.active_from > now || deleting.is_some_and(|(until, _)| *until > now)
    }
}

/// Makes AWS's description of the engine's.
pub(super) fn apply(
    cloud: &Cloud,
    place: &Place,
    description: &mut Map<String, Value>,
    stage: Stage,
) -> Result<(), Refusal> {
    let table = text(description, "TableName").to_owned();
    let (shape, stream) = cloud.store.transact(|tx| {
        let shape = tx.get::<Shape>(place, &table)?;
        Ok((shape, streams::latest(tx, place, &table)?))
    })?;
    let now = cloud.now();
    for name in [
        "StreamSpecification",
        "LatestStreamArn",
        "LatestStreamLabel",
    ] {
        description.remove(name);
    }
    if let Some(stream) = stream {
        description.insert("LatestStreamArn".to_owned(), stream.arn(place).into());
        description.insert("LatestStreamLabel".to_owned(), stream.label.clone().into());
        if stream.is_enabled() {
            let specification = json!({ "StreamEnabled": true, "StreamViewType": stream.view });
            description.insert("StreamSpecification".to_owned(), specification);
        }
    }
    description
        .entry("DeletionProtectionEnabled")
        .or_insert(false.into());
    encryption(place, description, shape.as_ref());
    let shape = shape.unwrap_or_default();
    let is_on_demand = billing(description, &shape, stage);
    let own = throughput(description);
    let warm = warm_now(shape.warm, own, is_on_demand);
    if let Some(warm) = warm_shown(warm, shape.warm, stage) {
        description.insert("WarmThroughput".to_owned(), warm);
    }
    indexes(description, &shape, is_on_demand, stage, now);
    if let (Some(at), Some(class)) = (
        shape.class_changed,
        description.get_mut("TableClassSummary"),
    ) {
        class["LastUpdateDateTime"] = clock::fractional_seconds(at).into();
    }
    if let Some(restored) = shape.restored.filter(|_| stage == Stage::Creating) {
        description.insert("RestoreSummary".to_owned(), restored);
    }
    let is_changing = shape.indexes.values().any(|index| index.is_changing(now));
    match stage {
        Stage::Creating => {
            description.insert("TableStatus".to_owned(), "CREATING".into());
        }
        Stage::Made if is_changing => {
            description.insert("TableStatus".to_owned(), "UPDATING".into());
        }
        Stage::Made => {}
    }
    Ok(())
}

fn encryption(place: &Place, description: &mut Map<String, Value>, shape: Option<&Shape>) {
    let Some(shape) = shape else {
        if let Some(Value::String(arn)) = description
            .get_mut("SSEDescription")
            .and_then(|sse| sse.get_mut("KMSMasterKeyArn"))
        {
            *arn = arn.replace(ENGINE_KMS, &place.arn("kms", ""));
        }
        return;
    };
    description.remove("SSEDescription");
    if let Some(key) = &shape.key {
        description.insert("SSEDescription".to_owned(), encrypted_by(key, "ENABLED"));
    }
}

pub(super) fn encrypted_by(key: &str, status: &str) -> Value {
    json!({ "Status": status, "SSEType": "KMS", "KMSMasterKeyArn": key })
}

/// Refuses an `SSESpecification` whose members do not go together.
pub(super) fn check_encryption(specification: &Value) -> Result<(), Refusal> {
    let kind = specification["SSEType"].as_str();
    let has_key = specification["KMSMasterKeyId"].is_string();
    let is_off = specification["Enabled"] == false;
    let why = match kind {
        Some(_) if is_off => "SSEType can not be specified if Enabled is false",
        _ if has_key && is_off => "KMSMasterKeyId can not be specified if Enabled is false",
        Some("AES256") => "SSEType AES256 is not supported",
        None if has_key => "SSEType KMS is required if KMSMasterKeyId is specified",
        _ => return Ok(()),
    };
    Err(invalid(why))
}

fn invalid(why: &str) -> Refusal {
    Refusal::new(
        400,
        "com.amazon.coral.validate#ValidationException",
        format!("One or more parameter values were invalid: {why}"),
    )
}

/// The key that an `SSESpecification` names, or the account's for `DynamoDB`; none if it asks for none.
pub(super) fn key_arn(place: &Place, specification: &Value) -> Option<String> {
    let is_on = match specification["Enabled"].as_bool() {
        Some(enabled) => enabled,
        None => specification["SSEType"] == "KMS",
    };
    if !is_on {
        return None;
    }
    let id = match specification["KMSMasterKeyId"].as_str() {
        Some(arn) if arn.starts_with("arn:") && !arn.contains(":alias/") => {
            return Some(arn.to_owned());
        }
        Some(alias) if alias.contains("alias/") => id_of(place, alias),
        Some(id) => id.to_owned(),
        None => id_of(place, "alias/aws/dynamodb"),
    };
    Some(place.arn("kms", &format!("key/{id}")))
}

/// A key's id that is always the same for an alias.
fn id_of(place: &Place, alias: &str) -> String {
    let digest = Sha256::digest(format!("{}/{}/{alias}", place.account, place.region));
    let bits = digest
        .iter()
        .take(16)
        .fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
    let hex = format!("{bits:032x}");
    format!(
        "{}-{}-4{}-a{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[13..16],
        &hex[17..20],
        &hex[20..32]
    )
}

/// Returns true for an on-demand table.
fn billing(description: &mut Map<String, Value>, shape: &Shape, stage: Stage) -> bool {
    let is_on_demand = description
        .get("BillingModeSummary")
        .is_some_and(|billing| billing["BillingMode"] == "PAY_PER_REQUEST");
    let since = match shape.on_demand_since {
        Some(since) => Some(clock::fractional_seconds(since).into()),
        None if is_on_demand => description.get("CreationDateTime").cloned(),
        None => None,
    };
    let Some(since) = since.filter(|_| stage == Stage::Made) else {
        return is_on_demand;
    };
    let mode = if is_on_demand {
        "PAY_PER_REQUEST"
    } else {
        "PROVISIONED"
    };
    for (summary, member) in [
        ("BillingModeSummary", "BillingMode"),
        ("TableThroughputModeSummary", "TableThroughputMode"),
    ] {
        let summary_now = json!({ member: mode, "LastUpdateToPayPerRequestDateTime": since });
        description.insert(summary.to_owned(), summary_now);
    }
    is_on_demand
}

fn throughput(description: &Map<String, Value>) -> Units {
    let units = |name: &str| {
        description
            .get("ProvisionedThroughput")
            .and_then(|throughput| throughput[name].as_i64())
            .unwrap_or_default()
    };
    (units("ReadCapacityUnits"), units("WriteCapacityUnits"))
}

/// What a table or index takes at once: what it was given, and at least what it has.
pub(super) fn warm_now(given: Option<Units>, provisioned: Units, is_on_demand: bool) -> Units {
    let least = if is_on_demand {
        ON_DEMAND_WARM
    } else {
        provisioned
    };
    let given = given.unwrap_or(least);
    (given.0.max(least.0), given.1.max(least.1))
}

/// A description shows it once the table has been made, and before that if it was asked for, as recorded.
fn warm_shown(warm: Units, given: Option<Units>, stage: Stage) -> Option<Value> {
    let status = match stage {
        Stage::Made => "ACTIVE",
        Stage::Creating => given.map(|_| "UPDATING")?,
    };
    Some(json!({
        "ReadUnitsPerSecond": warm.0,
        "WriteUnitsPerSecond": warm.1,
        "Status": status,
    }))
}

fn indexes(
    description: &mut Map<String, Value>,
    shape: &Shape,
    is_on_demand: bool,
    stage: Stage,
    now: Moment,
) {
    let default = Index::default();
    let shown = description
        .entry("GlobalSecondaryIndexes")
        .or_insert_with(|| json!([]));
    let Some(shown) = shown.as_array_mut() else {
        return;
    };
    for index in shown.iter_mut().filter_map(Value::as_object_mut) {
        let kept = shape
            .indexes
            .get(text(index, "IndexName"))
            .unwrap_or(&default);
        let units = match kept.provisioned {
            _ if is_on_demand => Some((0, 0)),
            given => given,
        };
        if let (Some((read, write)), Some(throughput)) =
            (units, index.get_mut("ProvisionedThroughput"))
        {
            throughput["ReadCapacityUnits"] = read.into();
            throughput["WriteCapacityUnits"] = write.into();
        }
        if let Some(on_demand) = kept.on_demand.as_ref().filter(|_| is_on_demand) {
            index.insert("OnDemandThroughput".to_owned(), on_demand.clone());
        }
        let is_creating = stage == Stage::Creating || kept.active_from > now;
        let warm = warm_now(kept.warm, throughput(index), is_on_demand);
        let index_stage = if is_creating {
            Stage::Creating
        } else {
            Stage::Made
        };
        if let Some(warm) = warm_shown(warm, kept.warm, index_stage) {
            index.insert("WarmThroughput".to_owned(), warm);
        }
        if is_creating {
            index.insert("IndexStatus".to_owned(), "CREATING".into());
        }
        if kept.active_from > now {
            index.insert("Backfilling".to_owned(), true.into());
        }
    }
    let leaving = shape.indexes.values().filter_map(|index| {
        let (until, description) = index.deleting.as_ref()?;
        (*until > now).then(|| description.clone())
    });
    shown.extend(leaving);
    if shown.is_empty() {
        description.remove("GlobalSecondaryIndexes");
    }
}

/// AWS's refusal of too little for a new table.
const INITIAL: &str = "is lower than initial throughput for OnDemand";

/// AWS's refusal of less than there is.
pub(super) const DECREASE: &str =
    "is lower than current WarmThroughput, decreasing WarmThroughput is not supported";

pub(super) fn warm(request: &Value) -> Option<Units> {
    let read = request["ReadUnitsPerSecond"].as_i64();
    let write = request["WriteUnitsPerSecond"].as_i64();
    (read.is_some() || write.is_some()).then(|| (read.unwrap_or(0), write.unwrap_or(0)))
}

/// Refuses a warm throughput of a new table or index below what it begins with.
fn check_new_warm(made: &Value, of: &str, is_on_demand: bool) -> Result<(), Refusal> {
    let warm = &made["WarmThroughput"];
    if is_on_demand {
        return check_warm(warm, of, ON_DEMAND_WARM, INITIAL);
    }
    for (member, capacity) in [
        ("ReadUnitsPerSecond", "ReadCapacityUnits"),
        ("WriteUnitsPerSecond", "WriteCapacityUnits"),
    ] {
        let provisioned = made["ProvisionedThroughput"][capacity].as_i64();
        if warm[member].as_i64() < provisioned && warm[member].is_i64() {
            return Err(invalid(&format!(
                "Requested {member} for WarmThroughput for {of} is lower than {capacity} of ProvisionedThroughput"
            )));
        }
    }
    Ok(())
}

/// Refuses a warm throughput below `least`.
pub(super) fn check_warm(
    request: &Value,
    of: &str,
    least: Units,
    why: &str,
) -> Result<(), Refusal> {
    for (member, least) in [
        ("ReadUnitsPerSecond", least.0),
        ("WriteUnitsPerSecond", least.1),
    ] {
        if request[member].as_i64().is_some_and(|units| units < least) {
            return Err(invalid(&format!(
                "Requested {member} for WarmThroughput for {of} {why}"
            )));
        }
    }
    Ok(())
}

fn text<'a>(value: &'a Map<String, Value>, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_accounts_key_is_one_and_has_the_form_of_an_id() {
        let place = Place {
            account: "1".into(),
            region: "r".into(),
        };
        let key = || key_arn(&place, &json!({ "Enabled": true })).expect("a key");
        assert_eq!(key(), key());
        let id = key();
        let id = id.rsplit('/').next().expect("an id");
        assert_eq!((id.len(), id.matches('-').count()), (36, 4), "{id}");
        assert_eq!(key_arn(&place, &json!({ "Enabled": false })), None);
        let given = key_arn(&place, &json!({ "Enabled": true, "KMSMasterKeyId": "k" }));
        assert_eq!(given.as_deref(), Some("arn:aws:kms:r:1:key/k"));
    }
}
