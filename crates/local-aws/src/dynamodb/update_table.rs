//! `UpdateTable`: the engine's part, and what is kept beside the engine.

use std::sync::Arc;

use serde_json::{Value, json};

use super::shape::{self, Shape};
use super::tables::{self, Phase};
use super::{indexes, run, streams, unsupported};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::clock::Moment;
use crate::cloud::Cloud;

const VALIDATION: &str = "com.amazon.coral.validate#ValidationException";

pub(super) async fn update(cloud: &Arc<Cloud>, call: &Call) -> Result<Answer, Refusal> {
    let name = tables::name(call)?;
    match tables::phase(cloud, &call.place, &name)? {
        Phase::Invisible | Phase::Deleting => return Err(tables::not_found(&name)),
        Phase::Creating => return Err(tables::being_created(&name)),
        Phase::Active { .. } => {}
    }
    let mut request = call.json()?;
    unsupported::check_members(call, &request)?;
    if request["TableName"].is_string() {
        request["TableName"] = name.as_str().into();
    }
    let Some(before) = tables::described(cloud, &call.place, &name).await? else {
        return run(cloud, call, request.to_string().into()).await;
    };
    let kept = Shape::kept(cloud, &call.place, &name)?;
    let mut shape = kept.unwrap_or_else(|| Shape {
        table: name.clone(),
        key: before["SSEDescription"]["KMSMasterKeyArn"]
            .as_str()
            .map(str::to_owned),
        ..Shape::default()
    });
    let now = cloud.now();
    check_combination(&request)?;
    check_while_changing(&request, &shape, &name, now)?;
    let was_on_demand = before["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST";
    let is_on_demand = match request["BillingMode"].as_str() {
        Some(mode) => mode == "PAY_PER_REQUEST",
        None => was_on_demand,
    };
    check(&request, &before, &call.place, &shape)?;
    indexes::check_updates(&request, &before, &shape, is_on_demand)?;

    let enables = request["StreamSpecification"]["StreamEnabled"].as_bool();
    let nearly_last = match enables {
        Some(false) => streams::last_place(cloud, &call.place, &name).await?,
        _ => 0,
    };
    if let Some(body) = for_engine(&request, &before) {
        let answer = run(cloud, call, body.to_string().into()).await?;
        if answer.status != 200 {
            return Ok(answer);
        }
    }

    let key_before = shape.key.clone();
    note(cloud, call, &mut shape, &request, &before);
    cloud.store.transact(|tx| tx.put(&call.place, &shape))?;
    match enables {
        Some(true) => {
            let view = request["StreamSpecification"]["StreamViewType"].as_str();
            let view = view.unwrap_or(streams::WIDEST_VIEW);
            let keys = before["KeySchema"].clone();
            streams::open(cloud, &call.place, &name, view, keys).await?;
        }
        Some(false) => streams::close(cloud, &call.place, &name, nearly_last).await?,
        None => {}
    }

    let after = tables::described(cloud, &call.place, &name).await?;
    let mut after = after.ok_or_else(|| tables::not_found(&name))?;
    indexes::show_updating(&mut after, &request, &before);
    let key = key_before.as_ref().or(shape.key.as_ref());
    show_changing(&mut after, &request, &before, key);
    Ok(Answer::ok(json!({ "TableDescription": after })))
}

/// The part of the request that the engine carries out, if there is one.
fn for_engine(request: &Value, before: &Value) -> Option<Value> {
    let mut part = request.clone();
    indexes::strip_for_engine(&mut part, before);
    let members = part.as_object_mut()?;
    members.remove("SSESpecification");
    members.remove("WarmThroughput");
    if request["TableClass"] == "STANDARD" && before.get("TableClassSummary").is_none() {
        // Nothing changes, and the description goes on without a class.
        members.remove("TableClass");
    }
    let has_change = members
        .keys()
        .any(|member| !matches!(member.as_str(), "TableName" | "AttributeDefinitions"));
    tables::widen_view(&mut part);
    has_change.then_some(part)
}

/// Has the answer show the change under way: what there was until now, and that it is being changed. `key` encrypted the table
/// before, or does from now on.
fn show_changing(after: &mut Value, request: &Value, before: &Value, key: Option<&String>) {
    let was_provisioned = before["BillingModeSummary"]["BillingMode"] != "PAY_PER_REQUEST";
    let changes = |member: &str| request.get(member).is_some();
    if let Some(key) = key.filter(|_| changes("SSESpecification")) {
        after["SSEDescription"] = shape::encrypted_by(key, "UPDATING");
    }
    if changes("WarmThroughput") {
        after["WarmThroughput"] = before["WarmThroughput"].clone();
        after["WarmThroughput"]["Status"] = "UPDATING".into();
    }
    if changes("TableClass")
        && let Some(members) = after.as_object_mut()
    {
        members.remove("TableClassSummary");
        if let Some(class) = before.get("TableClassSummary") {
            members.insert("TableClassSummary".to_owned(), class.clone());
        }
    }
    if request.get("ProvisionedThroughput").is_some() && was_provisioned {
        let mut throughput = after["ProvisionedThroughput"].clone();
        for member in ["ReadCapacityUnits", "WriteCapacityUnits"] {
            throughput[member] = before["ProvisionedThroughput"][member].clone();
        }
        after["ProvisionedThroughput"] = throughput;
    }
    if let Some(ceilings) = request.get("OnDemandThroughput").and_then(Value::as_object) {
        let mut shown = before["OnDemandThroughput"].clone();
        for (member, units) in ceilings {
            shown[member] = units.clone();
        }
        after["OnDemandThroughput"] = shown;
    }
    // These three go on while the table stays as it is.
    let stays_active = [
        "SSESpecification",
        "DeletionProtectionEnabled",
        "WarmThroughput",
    ];
    if !stays_active.iter().any(|member| changes(member)) {
        after["TableStatus"] = "UPDATING".into();
    }
}

/// The members by which a request changes a table, in the order in which AWS names them.
const CHANGES: [&str; 10] = [
    "ProvisionedThroughput",
    "BillingMode",
    "StreamSpecification",
    "GlobalSecondaryIndexUpdates",
    "SSESpecification",
    "DeletionProtectionEnabled",
    "OnDemandThroughput",
    "WarmThroughput",
    "TableClass",
    "VectorIndexUpdates",
];

/// Those that come alone, and AWS's name of each; the first that does not is named.
const ALONE: [(&str, &str); 4] = [
    ("SSESpecification", "Server-Side Encryption modification"),
    ("TableClass", "TableClass modification"),
    (
        "DeletionProtectionEnabled",
        "DeletionProtection modification",
    ),
    ("WarmThroughput", "WarmThroughput"),
];

/// Refuses a request that changes nothing, or what AWS changes only by itself.
fn check_combination(request: &Value) -> Result<(), Refusal> {
    let has = |member: &str| request.get(member).is_some_and(|value| !value.is_null());
    let changes = CHANGES.iter().filter(|member| has(member)).count();
    if changes == 0 {
        return Err(invalid(
            "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates, \
             SSESpecification, ReplicaUpdates, MultiAccountReplicaReady, ReplicaTransitRoleArn, MultiRegionConsistency, \
             DeletionProtectionEnabled, OnDemandThroughput, WarmThroughput or TableClass is required",
        ));
    }
    if changes == 1 {
        return Ok(());
    }
    if let Some((_, name)) = ALONE.iter().find(|(member, _)| has(member)) {
        return Err(wrong(&format!(
            "{name} must be the only operation in the request"
        )));
    }
    if has("OnDemandThroughput") && (changes > 2 || !has("BillingMode")) {
        return Err(wrong(
            "OnDemandThroughput can only be combined with BillingMode in an UpdateTable request",
        ));
    }
    let has_units = has("ProvisionedThroughput") || request["BillingMode"] == "PROVISIONED";
    let updates = request["GlobalSecondaryIndexUpdates"].as_array();
    let has_online_index = updates
        .into_iter()
        .flatten()
        .any(|update| update.get("Create").is_some() || update.get("Delete").is_some());
    if has_units && has("StreamSpecification") {
        return Err(wrong(
            "You cannot modify stream status while updating table IOPS",
        ));
    }
    if has_units && has_online_index {
        return Err(wrong(
            "You cannot create or delete index while updating table IOPS",
        ));
    }
    if has_online_index && has("StreamSpecification") {
        return Err(wrong(
            "You cannot create or delete index while changing stream status",
        ));
    }
    Ok(())
}

/// While an index is made or deleted, encryption and protection change, and nothing else.
fn check_while_changing(
    request: &Value,
    shape: &Shape,
    name: &str,
    now: Moment,
) -> Result<(), Refusal> {
    let has = |member: &str| request.get(member).is_some();
    if !shape.is_changing(now) || has("SSESpecification") || has("DeletionProtectionEnabled") {
        return Ok(());
    }
    let creating: Vec<&str> = shape
        .indexes
        .iter()
        .filter(|(_, index)| index.active_from > now)
        .map(|(name, _)| name.as_str())
        .collect();
    if has("GlobalSecondaryIndexUpdates") {
        return Err(indexes::too_many());
    }
    Err(tables::in_use(
        &if has("StreamSpecification") && !creating.is_empty() {
            "Can't change stream status when an index is being created".to_owned()
        } else if has("OnDemandThroughput") && !creating.is_empty() {
            format!(
                "OnDemandThroughput cannot be updated while index creation is in progress for indexes: [{}]",
                creating.join(", ")
            )
        } else {
            format!(
                "Attempt to change a resource which is still in use: Table is being updated: {name}"
            )
        },
    ))
}

/// Refuses what the engine would pass over.
fn check(
    request: &Value,
    before: &Value,
    place: &crate::place::Place,
    shape: &Shape,
) -> Result<(), Refusal> {
    let name = before["TableName"].as_str().unwrap_or_default();
    let has_stream = before["StreamSpecification"]["StreamEnabled"] == true;
    let specification = &request["StreamSpecification"];
    let has_view = specification["StreamViewType"].is_string();
    match specification["StreamEnabled"].as_bool() {
        Some(true) if !has_view => {
            return Err(wrong(
                "If stream is being enabled then UpdateViewType is required",
            ));
        }
        Some(false) if has_view => {
            return Err(wrong(
                "If stream is being disabled, then UpdateViewType must not be specified",
            ));
        }
        Some(true) if has_stream => {
            return Err(invalid(format!(
                "Table already has an enabled stream: TableName: {name}"
            )));
        }
        Some(false) if !has_stream => {
            return Err(invalid(format!(
                "Table has no stream to disable: TableName: {name}"
            )));
        }
        _ => {}
    }
    if let Some(specification) = request.get("SSESpecification") {
        shape::check_encryption(specification)?;
        let given = specification["KMSMasterKeyId"].as_str();
        if given.is_some() && given == shape.key.as_deref() {
            return Err(wrong(
                "Table is already encrypted with given KMSMasterKeyId. Use KMSMasterKeyId parameter if you want to change \
                 Master Key",
            ));
        }
        if shape.key.is_none() && shape::key_arn(place, specification).is_none() {
            return Err(wrong("Table is already encrypted by default"));
        }
    }
    let is_on_demand = before["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST";
    let units = |member: &str| {
        before["ProvisionedThroughput"][member]
            .as_i64()
            .unwrap_or(0)
    };
    let provisioned = (units("ReadCapacityUnits"), units("WriteCapacityUnits"));
    let least = shape::warm_now(shape.warm, provisioned, is_on_demand);
    shape::check_warm(&request["WarmThroughput"], "table", least, shape::DECREASE)
}

fn wrong(why: &str) -> Refusal {
    invalid(format!("One or more parameter values were invalid: {why}"))
}

/// Notes what is kept beside the engine.
fn note(cloud: &Cloud, call: &Call, shape: &mut Shape, request: &Value, before: &Value) {
    let now = cloud.now();
    let faults = cloud.faults();
    if let Some(specification) = request.get("SSESpecification") {
        shape.key = shape::key_arn(&call.place, specification);
    }
    if let Some((read, write)) = shape::warm(&request["WarmThroughput"]) {
        let (had_read, had_write) = shape.warm.unwrap_or_default();
        shape.warm = Some((read.max(had_read), write.max(had_write)));
    }
    if request["BillingMode"] == "PAY_PER_REQUEST"
        && before["BillingModeSummary"]["BillingMode"] != "PAY_PER_REQUEST"
    {
        shape.on_demand_since = Some(now);
    } else if request["BillingMode"] == "PROVISIONED" && shape.on_demand_since.is_none() {
        // It was made on-demand.
        let made = before["CreationDateTime"].as_f64().unwrap_or_default();
        shape.on_demand_since = (before["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST")
            .then(|| {
                u64::try_from(std::time::Duration::from_secs_f64(made.max(0.0)).as_millis())
                    .unwrap_or_default()
            });
    }
    let class = before["TableClassSummary"]["TableClass"].as_str();
    let wanted = request["TableClass"].as_str();
    if wanted.is_some_and(|wanted| wanted != class.unwrap_or("STANDARD")) {
        shape.class_changed = Some(now);
    }
    indexes::note(
        shape,
        request,
        before,
        now,
        faults.table_creating_ms,
        faults.table_deleting_ms,
    );
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(400, VALIDATION, message)
}
