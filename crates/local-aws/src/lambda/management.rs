//! What a function says of loops, and of updates of its runtime.

use serde::Deserialize;
use serde_json::json;

use super::change;
use super::checks::Checks;
use super::function::{self, Function, runtime_version};
use super::name::{Named, arn};
use super::refusals::{invalid, not_here};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::cloud::Cloud;
use crate::place::Place;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutRecursion {
    recursive_loop: Option<String>,
}

fn recursion(function: &Function) -> Answer {
    let loops = if function.allows_loops {
        "Allow"
    } else {
        "Terminate"
    };
    Answer::ok(json!({ "RecursiveLoop": loops }))
}

pub(super) fn put_recursion(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let named = Named::of(call)?;
    let input: PutRecursion = call.input()?;
    let mut checks = Checks::default();
    match &input.recursive_loop {
        None => checks.missing("recursiveLoop"),
        Some(value) => checks.one_of(value, "recursiveLoop", &["Terminate", "Allow"]),
    }
    checks.finish()?;
    change(cloud, |tx| {
        let mut function = function::to_change(cloud, tx, &call.place, &named)?;
        function.allows_loops = input.recursive_loop.as_deref() == Some("Allow");
        tx.put(&call.place, &function)?;
        Ok(recursion(&function))
    })
}

pub(super) fn get_recursion(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let named = Named::of(call)?;
    let function = cloud
        .store
        .transact(|tx| function::read(cloud, tx, &call.place, &named))?;
    Ok(recursion(&function))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutRuntime {
    update_runtime_on: Option<String>,
    runtime_version_arn: Option<String>,
}

/// `Manual` is told with the version that the function stays at.
fn runtime(place: &Place, function: &Function) -> Answer {
    let mode = function.runtime_update.as_deref().unwrap_or("Auto");
    let mut out = json!({
        "UpdateRuntimeOn": mode,
        "FunctionArn": format!("{}:{}", arn(place, &function.name), function.version),
    });
    if mode == "Manual" {
        out["RuntimeVersionArn"] = json!(runtime_version(place, &function.settings.runtime));
    }
    Answer::ok(out)
}

/// A runtime has one version here, which none of the modes changes.
pub(super) fn put_runtime(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let named = Named::of(call)?;
    let input: PutRuntime = call.input()?;
    let mut checks = Checks::default();
    match &input.update_runtime_on {
        None => checks.missing("updateRuntimeOn"),
        Some(mode) => {
            let modes = ["Auto", "Manual", "FunctionUpdate"];
            checks.one_of(mode, "updateRuntimeOn", &modes);
        }
    }
    checks.finish()?;
    let mode = input.update_runtime_on.unwrap_or_default();
    let asked = input.runtime_version_arn.filter(|arn| !arn.is_empty());
    if mode != "Manual" && asked.is_some() {
        return Err(invalid(
            "You cannot specify a RuntimeVersionArn unless UpdateRuntimeOn is Manual.",
        ));
    }
    change(cloud, |tx| {
        let mut function = function::resolve(cloud, tx, &call.place, &named)?;
        if mode == "Manual" {
            let own = runtime_version(&call.place, &function.settings.runtime);
            match asked {
                None => {
                    return Err(invalid(
                        "You must specify a RuntimeVersionArn if UpdateRuntimeOn is Manual.",
                    ));
                }
                Some(asked) if asked != own => {
                    return Err(not_here(&format!(
                        "other versions of a runtime than its own (`{own}`)"
                    )));
                }
                Some(_) => {}
            }
        }
        function.runtime_update = Some(mode).filter(|mode| mode != "Auto");
        tx.put(&call.place, &function)?;
        Ok(runtime(&call.place, &function))
    })
}

pub(super) fn get_runtime(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let named = Named::of(call)?;
    let function = cloud
        .store
        .transact(|tx| function::read(cloud, tx, &call.place, &named))?;
    Ok(runtime(&call.place, &function))
}
