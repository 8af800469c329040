//! The models that every API has, and the gateway's own responses.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::page;
use super::refusal::{bad_request, not_found};
use super::rest_api;
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::cloud::Cloud;

/// Id, name, description, schema.
const MODELS: [(&str, &str, &str, &str); 2] = [
    (
        "modelempty",
        "Empty",
        "This is a default empty schema model",
        "{\n  \"$schema\": \"http://json-schema.org/draft-04/schema#\",\n  \"title\" : \"Empty Schema\",\n  \"type\" : \"object\"\n}",
    ),
    (
        "modelerror",
        "Error",
        "This is a default error schema model",
        "{\n  \"$schema\" : \"http://json-schema.org/draft-04/schema#\",\n  \"title\" : \"Error Schema\",\n  \"type\" : \"object\",\n  \"properties\" : {\n    \"message\" : { \"type\" : \"string\" }\n  }\n}",
    ),
];

/// Refuses models that no API has.
pub(super) fn check(models: Option<&BTreeMap<String, String>>) -> Result<(), Refusal> {
    for name in models.into_iter().flat_map(BTreeMap::values) {
        if !MODELS.iter().any(|model| model.1 == name) {
            return Err(bad_request(format!(
                "Invalid model identifier specified: {name}"
            )));
        }
    }
    Ok(())
}

pub(super) fn list(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    cloud.store.transact(|tx| rest_api::named(tx, call))?;
    let entries = MODELS
        .iter()
        .map(|model| (model.1.to_owned(), shown(*model)))
        .collect();
    page::answer(call, entries)
}

pub(super) fn get(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let name = call.label("model_name");
    let missing = || not_found(format!("Invalid model name specified: {name}"));
    cloud
        .store
        .transact(|tx| rest_api::named(tx, call))
        .map_err(|_| missing())?;
    let model = MODELS
        .iter()
        .find(|model| model.1 == name)
        .ok_or_else(missing)?;
    Ok(Answer::ok(shown(*model).into()))
}

fn shown((id, name, description, schema): (&str, &str, &str, &str)) -> Map<String, Value> {
    members(json!({
        "id": id,
        "name": name,
        "description": description,
        "schema": schema,
        "contentType": "application/json",
    }))
}

/// Type and status; all are the defaults, and none can be changed here.
const RESPONSES: [(&str, Option<&str>); 21] = [
    ("ACCESS_DENIED", Some("403")),
    ("API_CONFIGURATION_ERROR", Some("500")),
    ("AUTHORIZER_CONFIGURATION_ERROR", Some("500")),
    ("AUTHORIZER_FAILURE", Some("500")),
    ("BAD_REQUEST_BODY", Some("400")),
    ("BAD_REQUEST_PARAMETERS", Some("400")),
    ("DEFAULT_4XX", None),
    ("DEFAULT_5XX", None),
    ("EXPIRED_TOKEN", Some("403")),
    ("INTEGRATION_FAILURE", Some("504")),
    ("INTEGRATION_TIMEOUT", Some("504")),
    ("INVALID_API_KEY", Some("403")),
    ("INVALID_SIGNATURE", Some("403")),
    ("MISSING_AUTHENTICATION_TOKEN", Some("403")),
    ("QUOTA_EXCEEDED", Some("429")),
    ("REQUEST_TOO_LARGE", Some("413")),
    ("RESOURCE_NOT_FOUND", Some("404")),
    ("THROTTLED", Some("429")),
    ("UNAUTHORIZED", Some("401")),
    ("UNSUPPORTED_MEDIA_TYPE", Some("415")),
    ("WAF_FILTERED", Some("403")),
];

pub(super) fn gateway_responses(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    cloud.store.transact(|tx| rest_api::named(tx, call))?;
    let entries = RESPONSES
        .iter()
        .map(|(kind, status)| {
            let mut shown = json!({
                "responseType": kind,
                "responseParameters": {},
                "responseTemplates": { "application/json": "{\"message\":$context.error.messageString}" },
                "defaultResponse": true,
            });
            if let Some(status) = status {
                shown["statusCode"] = (*status).into();
            }
            ((*kind).to_owned(), members(shown))
        })
        .collect();
    page::answer(call, entries)
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
