//! Concurrency, the account's limits, and what a function has by default and nothing else here.

use serde::Deserialize;
use serde_json::json;

use super::change;
use super::checks::Checks;
use super::function::{self, Function};
use super::name::{LATEST, Named, arn};
use super::refusals::invalid;
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::cloud::Cloud;
use crate::store::Tx;

/// AWS's default for a region of an account.
const CONCURRENT: u32 = 1000;
/// So many have to be left to functions that have reserved none.
const LEAST_UNRESERVED: u32 = 100;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Put {
    reserved_concurrent_executions: Option<i64>,
}

pub(super) fn put_concurrency(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let named = Named::of(call)?;
    let input: Put = call.input()?;
    let mut checks = Checks::default();
    match input.reserved_concurrent_executions {
        None => checks.missing("reservedConcurrentExecutions"),
        Some(asked) => checks.range(
            asked,
            "reservedConcurrentExecutions",
            0,
            i64::from(u32::MAX),
        ),
    }
    checks.finish()?;
    let asked = input.reserved_concurrent_executions.unwrap_or_default();
    let reserved = u32::try_from(asked).unwrap_or_default();
    change(cloud, |tx| {
        let mut function = function::to_change(cloud, tx, &call.place, &named)?;
        let others = total_reserved(tx, call)? - function.reserved_concurrency.unwrap_or(0);
        if reserved.saturating_add(others) > CONCURRENT - LEAST_UNRESERVED {
            return Err(invalid(format!(
                "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution \
                 below its minimum value of [{LEAST_UNRESERVED}]."
            )));
        }
        function.reserved_concurrency = Some(reserved);
        tx.put(&call.place, &function)
    })?;
    Ok(Answer::ok(
        json!({ "ReservedConcurrentExecutions": reserved }),
    ))
}

pub(super) fn get_concurrency(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let function = of(cloud, call)?;
    Ok(Answer::ok(match function.reserved_concurrency {
        Some(reserved) => json!({ "ReservedConcurrentExecutions": reserved }),
        None => json!({}),
    }))
}

pub(super) fn delete_concurrency(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let named = Named::of(call)?;
    change(cloud, |tx| {
        let mut function = function::to_change(cloud, tx, &call.place, &named)?;
        function.reserved_concurrency = None;
        tx.put(&call.place, &function)
    })?;
    Ok(Answer::empty(204))
}

fn functions(tx: &Tx, call: &Call) -> Result<Vec<Function>, Refusal> {
    tx.list::<Function>(&call.place, "")
}

fn total_reserved(tx: &Tx, call: &Call) -> Result<u32, Refusal> {
    let latest = functions(tx, call)?
        .into_iter()
        .filter(|function| function.version == LATEST);
    Ok(latest
        .filter_map(|function| function.reserved_concurrency)
        .sum())
}

pub(super) fn settings(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let now = cloud.now();
    let (functions, reserved) = cloud
        .store
        .transact(|tx| Ok((functions(tx, call)?, total_reserved(tx, call)?)))?;
    let there: Vec<&Function> = functions.iter().filter(|it| !it.is_gone(now)).collect();
    let size: u64 = there.iter().map(|function| function.code_size).sum();
    let count = there.iter().filter(|it| it.version == LATEST).count();
    Ok(Answer::ok(json!({
        "AccountLimit": {
            "TotalCodeSize": 80_530_636_800_u64,
            "CodeSizeUnzipped": 262_144_000,
            "CodeSizeZipped": 52_428_800,
            "ConcurrentExecutions": CONCURRENT,
            "UnreservedConcurrentExecutions": CONCURRENT - reserved,
        },
        "AccountUsage": { "TotalCodeSize": size, "FunctionCount": count },
    })))
}

fn of(cloud: &Cloud, call: &Call) -> Result<Function, Refusal> {
    let named = Named::of(call)?;
    cloud
        .store
        .transact(|tx| function::read(cloud, tx, &call.place, &named))
}

/// No function here has its code signed.
pub(super) fn code_signing(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let function = of(cloud, call)?;
    Ok(Answer::ok(
        json!({ "CodeSigningConfigArn": "", "FunctionName": function.name }),
    ))
}

pub(super) fn event_sources() -> Answer {
    Answer::ok(json!({ "EventSourceMappings": [] }))
}

pub(super) fn runtime_management(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let function = of(cloud, call)?;
    Ok(Answer::ok(json!({
        "UpdateRuntimeOn": "Auto",
        "FunctionArn": format!("{}:{}", arn(&call.place, &function.name), function.version),
    })))
}
