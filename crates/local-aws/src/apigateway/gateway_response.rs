//! Gateway responses: how an API answers where no integration does.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::patch::{self, ADD_REMOVE_REPLACE, Op, Operation};
use super::refusal::{Violations, bad_request, no_api, not_found};
use super::{page, resource};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::cloud::Cloud;

/// What an API says of one type of response; what it does not say is the type's default.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GatewayResponse {
    pub(super) status_code: Option<String>,
    #[serde(default)]
    pub(super) response_parameters: BTreeMap<String, String>,
    /// By content type.
    #[serde(default)]
    pub(super) response_templates: BTreeMap<String, String>,
}

/// Those that the API has set, by type.
pub(super) type GatewayResponses = BTreeMap<String, GatewayResponse>;

/// Types and their statuses, in the order of AWS's message.
const TYPES: [(&str, Option<u16>); 21] = [
    ("REQUEST_TOO_LARGE", Some(413)),
    ("RESOURCE_NOT_FOUND", Some(404)),
    ("AUTHORIZER_CONFIGURATION_ERROR", Some(500)),
    ("MISSING_AUTHENTICATION_TOKEN", Some(403)),
    ("BAD_REQUEST_BODY", Some(400)),
    ("INVALID_SIGNATURE", Some(403)),
    ("INVALID_API_KEY", Some(403)),
    ("BAD_REQUEST_PARAMETERS", Some(400)),
    ("AUTHORIZER_FAILURE", Some(500)),
    ("UNAUTHORIZED", Some(401)),
    ("INTEGRATION_TIMEOUT", Some(504)),
    ("ACCESS_DENIED", Some(403)),
    (DEFAULT_4XX, None),
    (DEFAULT_5XX, None),
    ("WAF_FILTERED", Some(403)),
    ("QUOTA_EXCEEDED", Some(429)),
    ("THROTTLED", Some(429)),
    ("API_CONFIGURATION_ERROR", Some(500)),
    ("UNSUPPORTED_MEDIA_TYPE", Some(415)),
    ("INTEGRATION_FAILURE", Some(504)),
    ("EXPIRED_TOKEN", Some(403)),
];

pub(super) const DEFAULT_4XX: &str = "DEFAULT_4XX";
pub(super) const DEFAULT_5XX: &str = "DEFAULT_5XX";
const JSON: &str = "application/json";
const DEFAULT_TEMPLATE: &str = "{\"message\":$context.error.messageString}";

/// What holds for all types with a status of this family, unless they have been set themselves.
pub(super) fn family(status: u16) -> &'static str {
    if status < 500 {
        DEFAULT_4XX
    } else {
        DEFAULT_5XX
    }
}

/// What the API has set for a type: for itself, or for its family.
pub(super) fn set<'a>(
    responses: &'a GatewayResponses,
    kind: &str,
    status: u16,
) -> Option<&'a GatewayResponse> {
    responses
        .get(kind)
        .or_else(|| responses.get(family(status)))
}

/// As AWS shows it. What the family says shows too, but not as set (recorded by localstack, `test_gateway_response_put`).
fn shown(responses: &GatewayResponses, kind: &str) -> Map<String, Value> {
    let status = status_of(kind);
    let own = responses.get(kind);
    let effective = match status {
        Some(status) => set(responses, kind, status),
        None => own,
    };
    let nothing = GatewayResponse::default();
    let response = effective.unwrap_or(&nothing);
    let templates = if response.response_templates.is_empty() {
        json!({ JSON: DEFAULT_TEMPLATE })
    } else {
        json!(response.response_templates)
    };
    let mut members = Map::from_iter([
        ("responseType".to_owned(), json!(kind)),
        (
            "responseParameters".to_owned(),
            json!(response.response_parameters),
        ),
        ("responseTemplates".to_owned(), templates),
        ("defaultResponse".to_owned(), json!(own.is_none())),
    ]);
    let status = response
        .status_code
        .clone()
        .or_else(|| status.map(|status| status.to_string()));
    if let Some(status) = status {
        members.insert("statusCode".to_owned(), status.into());
    }
    members
}

pub(super) fn is_type(kind: &str) -> bool {
    TYPES.iter().any(|(name, _)| *name == kind)
}

fn status_of(kind: &str) -> Option<u16> {
    TYPES
        .iter()
        .find_map(|(name, status)| (*name == kind).then_some(*status)?)
}

/// The type in the path and the rest of the call, as far as the model limits them.
fn kind(call: &Call, mut violations: Violations) -> Result<&str, Refusal> {
    let kind = call.label("response_type");
    let names: Vec<&str> = TYPES.iter().map(|(name, _)| *name).collect();
    violations.one_of(kind, "responseType", &names);
    violations.refuse()?;
    Ok(kind)
}

impl GatewayResponse {
    pub(super) fn check(&self) -> Result<(), Refusal> {
        for (name, value) in &self.response_parameters {
            if value.is_empty() {
                return Err(empty_value("responseParameters"));
            }
            let header = name.strip_prefix("gatewayresponse.header.");
            if header.is_none_or(|name| !is_token(name)) {
                return Err(bad_expression(name));
            }
            if !is_source(value) {
                return Err(bad_expression(value));
            }
        }
        for (kind, template) in &self.response_templates {
            if template.is_empty() {
                return Err(empty_value("responseTemplates"));
            }
            if !kind.contains('/') {
                return Err(bad_request(format!(
                    "Validation Result: warnings : [], errors : [Invalid content type specified: {kind}]"
                )));
            }
        }
        Ok(())
    }
}

fn is_token(name: &str) -> bool {
    http::HeaderName::from_bytes(name.as_bytes()).is_ok()
}

/// A fixed text in single quotes, or a part of the request, the context or the stage variables.
fn is_source(value: &str) -> bool {
    let is_fixed = value.len() > 1 && value.starts_with('\'') && value.ends_with('\'');
    is_fixed
        || [
            "method.request.header.",
            "method.request.multivalueheader.",
            "method.request.path.",
            "method.request.querystring.",
            "method.request.multivaluequerystring.",
            "context.",
            "stageVariables.",
        ]
        .iter()
        .any(|place| {
            value
                .strip_prefix(place)
                .is_some_and(|name| !name.is_empty())
        })
}

fn bad_expression(expression: &str) -> Refusal {
    bad_request(format!(
        "Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression \
         specified: {expression}]"
    ))
}

fn empty_value(of: &str) -> Refusal {
    bad_request(format!("Invalid null or empty value in {of}"))
}

pub(super) fn put(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Input {
        status_code: Option<String>,
        response_parameters: Option<BTreeMap<String, String>>,
        response_templates: Option<BTreeMap<String, String>>,
    }
    let input: Input = call.input()?;
    let mut violations = Violations::default();
    if let Some(status) = &input.status_code {
        violations.status_code_at(status, "putGatewayResponseInput.statusCode");
    }
    let kind = kind(call, violations)?;
    let response = GatewayResponse {
        status_code: input.status_code,
        response_parameters: input.response_parameters.unwrap_or_default(),
        response_templates: input.response_templates.unwrap_or_default(),
    };
    let shown = resource::try_change(
        cloud,
        call,
        || no_api(call),
        |tree| {
            response.check()?;
            tree.gateway_responses.insert(kind.to_owned(), response);
            Ok(shown(&tree.gateway_responses, kind))
        },
    )?;
    Ok(Answer::json(201, shown.into()))
}

pub(super) fn get(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let kind = kind(call, Violations::default())?;
    let shown = resource::try_read(
        cloud,
        call,
        || no_api(call),
        |tree| Ok(shown(&tree.gateway_responses, kind)),
    )?;
    Ok(Answer::ok(shown.into()))
}

pub(super) fn list(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let entries = resource::try_read(
        cloud,
        call,
        || no_api(call),
        |tree| {
            Ok(TYPES
                .iter()
                .map(|(kind, _)| ((*kind).to_owned(), shown(&tree.gateway_responses, kind)))
                .collect())
        },
    )?;
    page::answer(call, entries)
}

pub(super) fn update(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let wrong_operations = patch::violations(call)?;
    let kind = kind(call, wrong_operations)?;
    let operations = patch::operations(call)?;
    let shown = resource::try_change(
        cloud,
        call,
        || no_api(call),
        |tree| {
            let responses = &mut tree.gateway_responses;
            let mut response = responses.get(kind).cloned().unwrap_or_default();
            for operation in &operations {
                patched(&mut response, operation)?;
            }
            response.check()?;
            if !operations.is_empty() {
                responses.insert(kind.to_owned(), response);
            }
            Ok(shown(responses, kind))
        },
    )?;
    Ok(Answer::ok(shown.into()))
}

/// Each refusal as recorded by localstack, `test_update_gateway_response`.
fn patched(response: &mut GatewayResponse, operation: &Operation) -> Result<(), Refusal> {
    match operation.parts().as_slice() {
        ["statusCode"] if operation.op == Op::Replace => {
            let mut violations = Violations::default();
            violations.status_code_at(operation.text(), "statusCode");
            violations.refuse()?;
            response.status_code = Some(operation.text().to_owned());
            Ok(())
        }
        ["responseParameters", name] => entry(
            &mut response.response_parameters,
            name,
            operation,
            ("responseParameters", "Invalid parameter name specified"),
        ),
        ["responseTemplates", kind] => {
            if response.response_templates.is_empty() {
                response
                    .response_templates
                    .insert(JSON.to_owned(), DEFAULT_TEMPLATE.to_owned());
            }
            entry(
                &mut response.response_templates,
                kind,
                operation,
                ("responseTemplates", "Content-Type specified was not found"),
            )
        }
        _ => Err(operation.invalid_path()),
    }
}

fn entry(
    entries: &mut BTreeMap<String, String>,
    name: &str,
    operation: &Operation,
    (of, missing): (&str, &str),
) -> Result<(), Refusal> {
    operation.only(ADD_REMOVE_REPLACE)?;
    if operation.op == Op::Remove {
        return match entries.remove(name) {
            Some(_) => Ok(()),
            None => Err(not_found(missing)),
        };
    }
    if operation.text().is_empty() {
        return Err(empty_value(of));
    }
    if operation.op == Op::Replace && !entries.contains_key(name) {
        return Err(not_found(missing));
    }
    entries.insert(name.to_owned(), operation.text().to_owned());
    Ok(())
}

pub(super) fn delete(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let kind = kind(call, Violations::default())?;
    resource::try_change(
        cloud,
        call,
        || no_api(call),
        |tree| match tree.gateway_responses.remove(kind) {
            Some(_) => Ok(()),
            None => Err(not_found("Gateway response type not defined on api")),
        },
    )?;
    Ok(Answer::empty(202))
}
