//! Code signing configurations, of which there are none: no signing profile exists here.

use serde::Deserialize;
use serde_json::json;

use super::checks::Checks;
use super::function;
use super::name::Named;
use super::refusals::not_found;
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::cloud::Cloud;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Put {
    code_signing_config_arn: Option<String>,
}

/// A function cannot have what does not exist (localstack, `test_code_signing_not_found_excs`).
pub(super) fn no_config(arn: &str) -> Refusal {
    Refusal::new(
        404,
        "CodeSigningConfigNotFoundException",
        format!(
            "The code signing configuration cannot be found. Check that the provided configuration is not deleted: {arn}."
        ),
    )
}

/// Get, update, delete, and the list of functions: of a configuration that does not exist.
pub(super) fn missing(call: &Call) -> Refusal {
    not_found(format!(
        "The Lambda code signing configuration {} can not be found.",
        call.label("CodeSigningConfigArn")
    ))
}

pub(super) fn list() -> Answer {
    Answer::ok(json!({ "CodeSigningConfigs": [] }))
}

pub(super) fn put_of_function(call: &Call) -> Result<Answer, Refusal> {
    Named::of(call)?;
    let input: Put = call.input()?;
    if let Some(arn) = input.code_signing_config_arn {
        return Err(no_config(&arn));
    }
    let mut checks = Checks::default();
    checks.missing("codeSigningConfigArn");
    checks.finish().map(|()| Answer::empty(200))
}

/// No function has one: nothing is in the answer.
pub(super) fn get_of_function(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let named = Named::of(call)?;
    cloud
        .store
        .transact(|tx| function::read(cloud, tx, &call.place, &named))?;
    Ok(Answer::ok(json!({})))
}

pub(super) fn delete_of_function(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let named = Named::of(call)?;
    cloud
        .store
        .transact(|tx| function::to_change(cloud, tx, &call.place, &named))?;
    Ok(Answer::empty(204))
}
