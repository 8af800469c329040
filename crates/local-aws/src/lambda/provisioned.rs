//! Provisioned concurrency, which no version or alias has.

use serde::Deserialize;

use super::account::{CONCURRENT, LEAST_UNRESERVED, total_reserved};
use super::checks::Checks;
use super::function;
use super::functions::Page;
use super::name::{LATEST, Named};
use super::refusals::{invalid, unsupported};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::cloud::Cloud;
use crate::store::Tx;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Put {
    provisioned_concurrent_executions: Option<i64>,
}

fn named(call: &Call) -> Result<Named, Refusal> {
    let named = Named::of(call)?;
    if named.qualifier.is_none() {
        let mut checks = Checks::default();
        checks.missing("qualifier");
        checks.finish()?;
    }
    Ok(named)
}

/// The version or alias that is named, which is no `$LATEST`.
fn check_there(cloud: &Cloud, tx: &Tx, call: &Call, named: &Named) -> Result<(), Refusal> {
    function::resolve_alias(cloud, tx, &call.place, named).map(|_| ())
}

/// Refused; with AWS's words where AWS refuses it too (localstack, `test_provisioned_concurrency_exceptions` and
/// `test_provisioned_concurrency_limits`).
pub(super) fn put(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let named = named(call)?;
    let input: Put = call.input()?;
    let mut checks = Checks::default();
    let asked = match input.provisioned_concurrent_executions {
        None => {
            checks.missing("provisionedConcurrentExecutions");
            0
        }
        Some(asked) => {
            let member = "provisionedConcurrentExecutions";
            checks.range(asked, member, 1, i64::from(i32::MAX));
            asked
        }
    };
    checks.finish()?;
    if named.qualifier.as_deref() == Some(LATEST) {
        return Err(invalid(
            "Provisioned Concurrency Configs cannot be applied to unpublished function versions.",
        ));
    }
    let reserved = cloud.store.transact(|tx| {
        check_there(cloud, tx, call, &named)?;
        total_reserved(tx, &call.place)
    })?;
    let unreserved = i64::from(CONCURRENT - reserved);
    if asked > unreserved {
        return Err(invalid(format!(
            "Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [{unreserved}]."
        )));
    }
    if asked > unreserved - i64::from(LEAST_UNRESERVED) {
        return Err(invalid(format!(
            "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its \
             minimum value of [{LEAST_UNRESERVED}]."
        )));
    }
    Err(unsupported(call.operation))
}

fn check_no_latest(named: &Named) -> Result<(), Refusal> {
    if named.qualifier.as_deref() == Some(LATEST) {
        return Err(invalid(
            "The function resource provided must be an alias or a published version.",
        ));
    }
    Ok(())
}

pub(super) fn get(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let named = named(call)?;
    check_no_latest(&named)?;
    cloud
        .store
        .transact(|tx| check_there(cloud, tx, call, &named))?;
    Err(Refusal::new(
        404,
        "ProvisionedConcurrencyConfigNotFoundException",
        "No Provisioned Concurrency Config found for this function",
    ))
}

/// What is not there is gone already.
pub(super) fn delete(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let named = named(call)?;
    check_no_latest(&named)?;
    cloud
        .store
        .transact(|tx| check_there(cloud, tx, call, &named))?;
    Ok(Answer::empty(204))
}

pub(super) fn list(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let named = Named::of(call)?.latest();
    let page = Page::of(call, 50)?;
    cloud
        .store
        .transact(|tx| function::read(cloud, tx, &call.place, &named))?;
    Ok(page.answer("ProvisionedConcurrencyConfigs", Vec::new()))
}
