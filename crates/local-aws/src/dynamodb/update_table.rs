//! `UpdateTable`: the engine's part, and what is kept beside the engine.

use std::sync::Arc;

use serde_json::{Value, json};

use super::shape::{self, Shape};
use super::tables::{self, Phase};
use super::{indexes, run, streams, unsupported};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
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
    unsupported::check_members(call.operation, &request)?;
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
    if shape.is_changing(now) {
        return Err(tables::in_use(&format!(
            "Attempt to change a resource which is still in use: Table is being updated: {name}"
        )));
    }
    let was_on_demand = before["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST";
    let is_on_demand = match request["BillingMode"].as_str() {
        Some(mode) => mode == "PAY_PER_REQUEST",
        None => was_on_demand,
    };
    check(&request, &before, &call.place, &shape)?;
    indexes::check_updates(&request, &before, &shape, is_on_demand)?;

    let mut for_engine = request.clone();
    indexes::strip_for_engine(&mut for_engine, &before);
    if let Some(members) = for_engine.as_object_mut() {
        members.remove("SSESpecification");
        members.remove("WarmThroughput");
    }
    tables::widen_view(&mut for_engine);
    let enables = request["StreamSpecification"]["StreamEnabled"].as_bool();
    let nearly_last = match enables {
        Some(false) => streams::last_place(cloud, &call.place, &name).await?,
        _ => 0,
    };
    let has_own = for_engine.as_object().map(serde_json::Map::len) < request.as_object().map(serde_json::Map::len);
    let is_for_engine = for_engine.as_object().is_some_and(|members| {
        members
            .keys()
            .any(|member| !matches!(member.as_str(), "TableName" | "AttributeDefinitions"))
    });
    if is_for_engine || !has_own {
        let answer = run(cloud, call, for_engine.to_string().into()).await?;
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
    if request.get("SSESpecification").is_some()
        && let Some(key) = shape.key.as_ref().or(key_before.as_ref())
    {
        after["SSEDescription"] = shape::encrypted_by(key, "UPDATING");
    }
    if request.get("ProvisionedThroughput").is_some() && !was_on_demand {
        // The change is under way: what there was, and when it began to change.
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
    let only_protects = request.as_object().is_some_and(|members| {
        members
            .keys()
            .all(|member| matches!(member.as_str(), "TableName" | "DeletionProtectionEnabled"))
    });
    if !only_protects {
        after["TableStatus"] = "UPDATING".into();
    }
    Ok(Answer::ok(json!({ "TableDescription": after })))
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
    match request["StreamSpecification"]["StreamEnabled"].as_bool() {
        Some(true) if has_stream => {
            return Err(invalid(format!(
                "Table already has an enabled stream: TableName: {name}"
            )));
        }
        Some(false) if !has_stream => {
            return Err(invalid(format!(
                "Table does not have an enabled stream: TableName: {name}"
            )));
        }
        _ => {}
    }
    if let Some(specification) = request.get("SSESpecification") {
        let wanted = shape::key_arn(place, specification);
        match &wanted {
            Some(key) if shape.key.as_ref() == Some(key) => {
                return Err(invalid(
                    "One or more parameter values were invalid: Table is already encrypted by given KMSMasterKeyId",
                ));
            }
            None if shape.key.is_none() => {
                return Err(invalid(
                    "One or more parameter values were invalid: Table is already encrypted by default",
                ));
            }
            _ => {}
        }
    }
    let is_on_demand = before["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST";
    let units = |member: &str| before["ProvisionedThroughput"][member].as_i64().unwrap_or(0);
    let provisioned = (units("ReadCapacityUnits"), units("WriteCapacityUnits"));
    let least = shape::warm_now(shape.warm, provisioned, is_on_demand);
    shape::check_warm(&request["WarmThroughput"], "table", least, shape::DECREASE)
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
            .then(|| u64::try_from(std::time::Duration::from_secs_f64(made.max(0.0)).as_millis()).unwrap_or_default());
    }
    if request.get("TableClass").is_some() {
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

