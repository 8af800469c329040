//! Request validators: what of a method's requests is looked at before they go on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::patch::{self, Kind, REPLACE, Rule, Wording, rule};
use super::refusal::{bad_request, conflict, no_api, not_found};
use super::resource::{self, Tree};
use super::{page, shown};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::cloud::Cloud;
use crate::ids;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RequestValidator {
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) validate_request_body: bool,
    pub(super) validate_request_parameters: bool,
}

/// By id.
pub(super) type RequestValidators = BTreeMap<String, RequestValidator>;

const RULES: &[Rule] = &[
    rule("/name", REPLACE, Kind::Text),
    rule("/validateRequestParameters", REPLACE, Kind::Flag),
    rule("/validateRequestBody", REPLACE, Kind::Flag),
];

const UNKNOWN: &str = "Invalid Request Validator identifier specified";

impl RequestValidator {
    pub(super) fn new(name: Option<String>, body: bool, parameters: bool) -> Self {
        Self {
            id: ids::lower(6),
            name,
            validate_request_body: body,
            validate_request_parameters: parameters,
        }
    }

    fn check(&self) -> Result<(), Refusal> {
        if self
            .name
            .as_deref()
            .is_some_and(|name| name.trim().is_empty())
        {
            return Err(blank_name());
        }
        Ok(())
    }
}

fn blank_name() -> Refusal {
    bad_request("Request Validator name cannot be blank")
}

/// Refuses the id of a validator that the API does not have; an empty one is none.
pub(super) fn check_id(tree: &Tree, id: Option<&str>) -> Result<(), Refusal> {
    match id.filter(|id| !id.is_empty()) {
        Some(id) if !tree.validators.contains_key(id) => Err(bad_request(UNKNOWN)),
        _ => Ok(()),
    }
}

pub(super) fn create(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Input {
        name: Option<String>,
        validate_request_body: Option<bool>,
        validate_request_parameters: Option<bool>,
    }
    let input: Input = call.input()?;
    let validator = RequestValidator::new(
        input.name,
        input.validate_request_body.unwrap_or(false),
        input.validate_request_parameters.unwrap_or(false),
    );
    let no_api = || bad_request("Invalid REST API identifier specified");
    let shown = resource::try_change(cloud, call, no_api, |tree| {
        validator.check()?;
        let shown = shown::record(&validator, shown::Tags::IfAny)?;
        tree.validators.insert(validator.id.clone(), validator);
        Ok(shown)
    })?;
    Ok(Answer::json(201, shown.into()))
}

fn missing() -> Refusal {
    not_found(UNKNOWN)
}

pub(super) fn get(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let shown = resource::try_read(cloud, call, missing, |tree| {
        let validator = tree.validators.get(call.label("requestvalidator_id"));
        shown::record(validator.ok_or_else(missing)?, shown::Tags::IfAny)
    })?;
    Ok(Answer::ok(shown.into()))
}

pub(super) fn list(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let entries = resource::try_read(
        cloud,
        call,
        || no_api(call),
        |tree| {
            tree.validators
                .values()
                .map(|validator| {
                    Ok((
                        validator.id.clone(),
                        shown::record(validator, shown::Tags::IfAny)?,
                    ))
                })
                .collect::<Result<_, Refusal>>()
        },
    )?;
    page::answer(call, entries)
}

pub(super) fn update(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let operations = patch::operations(call)?;
    let shown = resource::try_change(cloud, call, missing, |tree| {
        let validator = tree.validators.get_mut(call.label("requestvalidator_id"));
        let validator = validator.ok_or_else(missing)?;
        for operation in &operations {
            operation.apply(validator, RULES, Wording::Listing)?;
            if operation.path == "/name" && operation.text().trim().is_empty() {
                return Err(blank_name());
            }
        }
        shown::record(&*validator, shown::Tags::IfAny)
    })?;
    Ok(Answer::ok(shown.into()))
}

/// One in use stays (localstack/localstack#7846); the words are those for models in use.
pub(super) fn delete(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let id = call.label("requestvalidator_id");
    resource::try_change(cloud, call, missing, |tree| {
        if !tree.validators.contains_key(id) {
            return Err(missing());
        }
        for resource in tree.resources.values() {
            let mut methods = resource.methods.values();
            if let Some(method) =
                methods.find(|method| method.request_validator_id.as_deref() == Some(id))
            {
                return Err(conflict(format!(
                    "Cannot delete request validator '{id}', is referenced in method request: {}/{}",
                    resource.path, method.name
                )));
            }
        }
        tree.validators.remove(id);
        Ok(())
    })?;
    Ok(Answer::empty(202))
}
