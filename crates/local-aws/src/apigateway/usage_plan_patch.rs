//! What of a usage plan can be patched.

use super::patch::{ADD_REMOVE_REPLACE, Kind, Op, Operation, REPLACE, Rule, Wording, rule};
use super::refusal::{bad_request, conflict, not_found};
use super::usage_plan::{ApiStage, Quota, Throttle, UsagePlan, stage_exists};
use crate::answer::Refusal;
use crate::place::Place;
use crate::store::Tx;

const RULES: &[Rule] = &[
    rule("/name", REPLACE, Kind::Text),
    rule("/description", REPLACE, Kind::Text),
    rule("/productCode", ADD_REMOVE_REPLACE, Kind::Text),
];

pub(super) fn apply(
    tx: &Tx,
    place: &Place,
    plan: &mut UsagePlan,
    operation: &Operation,
) -> Result<(), Refusal> {
    match operation.parts().as_slice() {
        ["apiStages"] => stages(tx, place, plan, operation),
        ["apiStages", linked, "throttle", rest @ ..] => {
            let stage = linked_stage(plan, linked)?;
            stage_throttle(stage, rest, operation)
        }
        ["throttle"] if operation.op == Op::Remove => {
            plan.throttle = None;
            Ok(())
        }
        ["throttle", name] if operation.op != Op::Remove => {
            set_throttle(plan.throttle.get_or_insert_default(), name, operation)
        }
        ["quota"] if operation.op == Op::Remove => {
            plan.quota = None;
            Ok(())
        }
        ["quota", name] if operation.op != Op::Remove => {
            let quota = plan.quota.get_or_insert_with(|| Quota {
                limit: 0,
                offset: 0,
                period: "DAY".to_owned(),
            });
            match *name {
                "limit" => quota.limit = operation.integer()?,
                "offset" => quota.offset = operation.integer()?,
                "period" => operation.text().clone_into(&mut quota.period),
                _ => return Err(unlisted(operation)),
            }
            Ok(())
        }
        ["name" | "description" | "productCode"] => operation.apply(plan, RULES, Wording::Listing),
        _ => Err(unlisted(operation)),
    }
}

fn unlisted(operation: &Operation) -> Refusal {
    operation.unlisted(match operation.op {
        Op::Add => &["/apiStages", "/productCode", "/quota/*", "/throttle/*"],
        Op::Remove => &[
            "/apiStages",
            "/apiStages/{apiId:stage}/throttle",
            "/productCode",
            "/quota",
            "/throttle",
        ],
        Op::Replace => &[
            "/apiStages/{apiId:stage}/throttle/{resourcePath}/{httpMethod}/rateLimit",
            "/apiStages/{apiId:stage}/throttle/{resourcePath}/{httpMethod}/burstLimit",
            "/description",
            "/name",
            "/productCode",
            "/quota/limit",
            "/quota/offset",
            "/quota/period",
            "/throttle/burstLimit",
            "/throttle/rateLimit",
        ],
        _ => &[],
    })
}

/// The value is `api:stage`; what follows a second colon is passed over (boto/boto3#825).
fn stages(
    tx: &Tx,
    place: &Place,
    plan: &mut UsagePlan,
    operation: &Operation,
) -> Result<(), Refusal> {
    let mut parts = operation.text().split(':');
    let (Some(api), Some(stage)) = (
        parts.next().filter(|api| !api.is_empty()),
        parts.next().filter(|stage| !stage.is_empty()),
    ) else {
        return Err(bad_request("Invalid API Stage specified"));
    };
    let unknown = |plan: &UsagePlan| {
        not_found(format!(
            "Invalid API Stage {{api: {api}, stage: {stage}}} specified for usageplan {}",
            plan.id
        ))
    };
    let at = plan
        .api_stages
        .iter()
        .position(|linked| linked.api_id == api && linked.stage == stage);
    match (operation.op, at) {
        (Op::Add, None) => {
            if !stage_exists(tx, place, api, stage)? {
                return Err(unknown(plan));
            }
            plan.api_stages.push(ApiStage {
                api_id: api.to_owned(),
                stage: stage.to_owned(),
                throttle: std::collections::BTreeMap::new(),
            });
            Ok(())
        }
        (Op::Add, Some(_)) => Err(conflict(format!(
            "API Stage {api}:{stage} is already associated with Usage Plan {}",
            plan.id
        ))),
        (Op::Remove, Some(at)) => {
            plan.api_stages.remove(at);
            Ok(())
        }
        (Op::Remove, None) => Err(unknown(plan)),
        _ => Err(unlisted(operation)),
    }
}

fn linked_stage<'a>(plan: &'a mut UsagePlan, linked: &str) -> Result<&'a mut ApiStage, Refusal> {
    linked
        .split_once(':')
        .and_then(|(api, stage)| {
            plan.api_stages
                .iter_mut()
                .find(|linked| linked.api_id == api && linked.stage == stage)
        })
        .ok_or_else(|| not_found(format!("API Stage not found: {linked}")))
}

/// `{resource path}/{method}/rateLimit`, the path encoded or as it is; removal ends with the method or before it.
fn stage_throttle(
    stage: &mut ApiStage,
    rest: &[&str],
    operation: &Operation,
) -> Result<(), Refusal> {
    match (operation.op, rest) {
        (Op::Remove, []) => stage.throttle.clear(),
        (Op::Remove, [..]) => {
            let method = method_key(rest);
            if stage.throttle.remove(&method).is_none() {
                return Err(not_found(format!(
                    "No throttle found for method {method} of API Stage {}:{}",
                    stage.api_id, stage.stage
                )));
            }
        }
        (Op::Add | Op::Replace, [method @ .., name]) if !method.is_empty() => {
            let throttle = stage.throttle.entry(method_key(method)).or_default();
            set_throttle(throttle, name, operation)?;
        }
        _ => return Err(unlisted(operation)),
    }
    Ok(())
}

/// `/pets/GET`.
fn method_key(parts: &[&str]) -> String {
    format!("/{}", parts.join("/").trim_start_matches('/'))
}

fn set_throttle(throttle: &mut Throttle, name: &str, operation: &Operation) -> Result<(), Refusal> {
    match name {
        "rateLimit" => throttle.rate_limit = Some(operation.number()?),
        "burstLimit" => throttle.burst_limit = Some(operation.integer()?),
        _ => return Err(unlisted(operation)),
    }
    Ok(())
}
