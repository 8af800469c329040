//! Models, request validators and gateway responses of a definition, as an API keeps them.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::parts::Parts;
use super::schema;
use crate::answer::Refusal;
use crate::apigateway::gateway_response::{self, GatewayResponse};
use crate::apigateway::model::{Model, Models};
use crate::apigateway::request_validator::RequestValidator;
use crate::apigateway::resource::Tree;

/// Adds what `parts` has to the tree; with `alone`, nothing else stays. What cannot be is added to `parts.errors`.
pub(super) fn apply(tree: &mut Tree, api: &str, parts: &mut Parts, alone: bool) {
    models(tree, api, parts, alone);
    validators(tree, parts, alone);
    responses(tree, parts, alone);
}

fn models(tree: &mut Tree, api: &str, parts: &mut Parts, alone: bool) {
    let former = std::mem::take(&mut tree.models);
    if !alone {
        tree.models.clone_from(&former);
    }
    let mut own = Models::new();
    for sent in &parts.models {
        let kept = schema::kept(&sent.schema, api);
        let mut model = Model::new(
            sent.name.clone(),
            sent.description.clone(),
            serde_json::to_string_pretty(&kept).ok(),
            "application/json".to_owned(),
        );
        if let Some(same) = former.get(&sent.name) {
            model.id.clone_from(&same.id);
        }
        own.insert(sent.name.clone(), model);
    }
    // Models may refer to any other of them.
    tree.models.extend(own.clone());
    for (name, model) in &own {
        if let Err(refusal) = model.check(&tree.models) {
            parts.errors.push(format!(
                "Unable to create model for '{name}': {}",
                refusal.message
            ));
        }
    }
}

/// Validators are the same by their names.
fn validators(tree: &mut Tree, parts: &Parts, alone: bool) {
    let former = std::mem::take(&mut tree.validators);
    if !alone {
        tree.validators.clone_from(&former);
    }
    for sent in &parts.validators {
        let name = Some(sent.name.clone());
        let same = former.values().find(|other| other.name == name);
        let mut validator = RequestValidator::new(name.clone(), sent.body, sent.parameters);
        if let Some(same) = same {
            validator.id.clone_from(&same.id);
        }
        tree.validators.insert(validator.id.clone(), validator);
    }
}

fn responses(tree: &mut Tree, parts: &mut Parts, alone: bool) {
    if alone {
        tree.gateway_responses.clear();
    }
    let mut errors = Vec::new();
    for sent in &parts.gateway_responses {
        let response = GatewayResponse {
            status_code: sent.status.clone(),
            response_parameters: texts(&sent.parameters),
            response_templates: texts(&sent.templates),
        };
        let why = if gateway_response::is_type(&sent.kind) {
            response.check().err().map(|refusal| refusal.message)
        } else {
            Some("Invalid gateway response type specified".to_owned())
        };
        match why {
            None => {
                tree.gateway_responses.insert(sent.kind.clone(), response);
            }
            Some(why) => errors.push(format!(
                "Unable to put gateway response with type '{}': {why}",
                sent.kind
            )),
        }
    }
    parts.errors.append(&mut errors);
}

fn texts(values: &Map<String, Value>) -> BTreeMap<String, String> {
    values
        .iter()
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect()
}

/// The id of the request validator of this name.
pub(super) fn validator_id<'a>(tree: &'a Tree, name: &str) -> Option<&'a str> {
    tree.validators
        .values()
        .find(|validator| validator.name.as_deref() == Some(name))
        .map(|validator| validator.id.as_str())
}

/// `x-amazon-apigateway-gateway-responses`.
pub(super) fn exported_responses(tree: &Tree) -> Result<Map<String, Value>, Refusal> {
    let mut out = Map::new();
    for (kind, response) in &tree.gateway_responses {
        let record = serde_json::to_value(response)
            .map_err(|error| Refusal::internal(format!("a record cannot be written: {error}")))?;
        let members: Map<String, Value> = match record {
            Value::Object(members) => members
                .into_iter()
                .filter(|(_, value)| {
                    !value.is_null() && value.as_object().is_none_or(|it| !it.is_empty())
                })
                .collect(),
            _ => Map::new(),
        };
        out.insert(kind.clone(), members.into());
    }
    Ok(out)
}

/// `x-amazon-apigateway-request-validators`.
pub(super) fn exported_validators(tree: &Tree) -> Map<String, Value> {
    let named = tree.validators.values().filter_map(|validator| {
        let flags = serde_json::json!({
            "validateRequestBody": validator.validate_request_body,
            "validateRequestParameters": validator.validate_request_parameters,
        });
        Some((validator.name.clone()?, flags))
    });
    named.collect()
}
