//! Reserved concurrency, and the account's limits.

use rusqlite::params;
use serde::Deserialize;
use serde_json::json;

use super::checks::Checks;
use super::function::{self, Function};
use super::name::{LATEST, Named};
use super::refusals::{invalid, no_function};
use super::{archive, change, storage};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::cloud::Cloud;
use crate::place::Place;
use crate::store::{Record, Tx};

/// AWS's default for a region of an account.
pub(super) const CONCURRENT: u32 = 1000;
/// So many have to be left to functions that have reserved none.
pub(super) const LEAST_UNRESERVED: u32 = 100;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Put {
    reserved_concurrent_executions: Option<i64>,
}

/// The function, and no version or alias of it.
fn unqualified(call: &Call) -> Result<Named, Refusal> {
    let named = Named::of(call)?;
    if named.qualifier.is_some() {
        return Err(invalid(
            "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. \
             Please specify either a function name or an unqualified function ARN.",
        ));
    }
    Ok(named)
}

pub(super) fn put_concurrency(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let named = unqualified(call)?;
    let input: Put = call.input()?;
    let reserved = change(cloud, |tx| {
        // The function is looked for first (localstack, `test_function_concurrency_exceptions`).
        let mut function = function::latest(cloud, tx, &call.place, &named.name)?
            .ok_or_else(|| no_function(&named.qualified_arn(&call.place)))?;
        let mut checks = Checks::default();
        let member = "reservedConcurrentExecutions";
        let asked = match input.reserved_concurrent_executions {
            None => {
                checks.missing(member);
                0
            }
            Some(asked) => {
                checks.range(asked, member, 0, i64::from(i32::MAX));
                asked
            }
        };
        checks.finish()?;
        let reserved = u32::try_from(asked).unwrap_or_default();
        let own = function.reserved_concurrency.unwrap_or(0);
        let others = total_reserved(tx, &call.place)?.saturating_sub(own);
        if reserved.saturating_add(others) > CONCURRENT - LEAST_UNRESERVED {
            return Err(invalid(format!(
                "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution \
                 below its minimum value of [{LEAST_UNRESERVED}]."
            )));
        }
        function.reserved_concurrency = Some(reserved);
        tx.put(&call.place, &function)?;
        Ok(reserved)
    })?;
    Ok(Answer::ok(
        json!({ "ReservedConcurrentExecutions": reserved }),
    ))
}

pub(super) fn get_concurrency(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let named = unqualified(call)?;
    let function = cloud
        .store
        .transact(|tx| function::read(cloud, tx, &call.place, &named))?;
    Ok(Answer::ok(match function.reserved_concurrency {
        Some(reserved) => json!({ "ReservedConcurrentExecutions": reserved }),
        None => json!({}),
    }))
}

pub(super) fn delete_concurrency(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let named = unqualified(call)?;
    change(cloud, |tx| {
        let mut function = function::to_change(cloud, tx, &call.place, &named)?;
        function.reserved_concurrency = None;
        tx.put(&call.place, &function)
    })?;
    Ok(Answer::empty(204))
}

/// The sum of what all functions of a place have reserved.
pub(super) fn total_reserved(tx: &Tx, place: &Place) -> Result<u32, Refusal> {
    let mut statement = tx.sql().prepare_cached(
        "SELECT coalesce(sum(json_extract(body, '$.reserved_concurrency')), 0) FROM record
         WHERE kind = ?1 AND account = ?2 AND region = ?3 AND json_extract(body, '$.version') = ?4",
    )?;
    let of = params![Function::KIND, place.account, place.region, LATEST];
    Ok(statement.query_row(of, |row| row.get(0))?)
}

pub(super) fn settings(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let now = cloud.now();
    let (functions, reserved, size) = cloud.store.transact(|tx| {
        let functions = tx.list::<Function>(&call.place, "")?;
        let reserved = total_reserved(tx, &call.place)?;
        Ok((functions, reserved, storage::used(tx, &call.place)?))
    })?;
    let count = functions
        .iter()
        .filter(|function| function.version == LATEST && !function.is_gone(now))
        .count();
    Ok(Answer::ok(json!({
        "AccountLimit": {
            "TotalCodeSize": storage::MOST,
            "CodeSizeUnzipped": archive::LARGEST,
            "CodeSizeZipped": archive::LARGEST_ZIP,
            "ConcurrentExecutions": CONCURRENT,
            "UnreservedConcurrentExecutions": CONCURRENT.saturating_sub(reserved),
        },
        "AccountUsage": { "TotalCodeSize": size, "FunctionCount": count },
    })))
}
