//! Event source mappings, of which there are none.

use serde::Deserialize;
use serde_json::{Value, json};

use super::checks::Checks;
use super::function;
use super::name::Named;
use super::refusals::{invalid, nothing_there, unsupported};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::cloud::Cloud;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Create {
    function_name: Option<String>,
    event_source_arn: Option<String>,
    self_managed_event_source: Option<Value>,
}

/// Refused; with AWS's words where AWS refuses it too (localstack, `test_event_source_mapping_exceptions`).
pub(super) fn create(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let input: Create = call.input()?;
    let Some(name) = &input.function_name else {
        let mut checks = Checks::default();
        checks.missing("functionName");
        return checks.finish().map(|()| Answer::empty(202));
    };
    let named = Named::at(&call.place, name)?;
    if input.event_source_arn.is_none() && input.self_managed_event_source.is_none() {
        return Err(invalid("Unrecognized event source."));
    }
    let found = cloud
        .store
        .transact(|tx| function::resolve(cloud, tx, &call.place, &named));
    match found {
        Err(refusal) if refusal.status == 404 => Err(invalid("Function does not exist")),
        Err(refusal) => Err(refusal),
        Ok(_) => Err(unsupported(call.operation)),
    }
}

/// Get, update and delete: of a mapping that does not exist.
pub(super) fn missing() -> Refusal {
    nothing_there()
}

pub(super) fn list() -> Answer {
    Answer::ok(json!({ "EventSourceMappings": [] }))
}
