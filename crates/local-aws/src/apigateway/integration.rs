//! What a method is integrated with, and how what comes back becomes its response.

use std::collections::BTreeMap;

use regex_lite::Regex;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::patch::{
    self, ADD_REMOVE_REPLACE, Kind, Op, Operation, REPLACE, REPLACE_REMOVE, Rule, Wording, rule,
};
use super::refusal::{Violations, bad_request, no_integration, no_status, not_found, unsupported};
use super::{mapping, method, resource, shown};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::cloud::Cloud;

/// By content type; an empty template is none (recorded by localstack, `test_put_integration_response_templates`).
pub(super) type Templates = BTreeMap<String, Option<String>>;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Integration {
    #[serde(rename = "type")]
    pub(super) kind: String,
    /// Of the request to what is integrated; Lambda takes only POST.
    pub(super) http_method: Option<String>,
    pub(super) uri: Option<String>,
    pub(super) credentials: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) request_parameters: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) request_templates: Option<Templates>,
    pub(super) passthrough_behavior: String,
    pub(super) content_handling: Option<String>,
    pub(super) timeout_in_millis: i64,
    pub(super) cache_namespace: String,
    #[serde(default)]
    pub(super) cache_key_parameters: Vec<String>,
    #[serde(
        rename = "integrationResponses",
        default,
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub(super) responses: BTreeMap<String, IntegrationResponse>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct IntegrationResponse {
    status_code: String,
    pub(super) selection_pattern: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) response_parameters: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) response_templates: Option<Templates>,
    pub(super) content_handling: Option<String>,
}

const TYPES: &[&str] = &["HTTP", "MOCK", "AWS_PROXY", "HTTP_PROXY", "AWS"];
const CONTENT_HANDLINGS: &[&str] = &["CONVERT_TO_TEXT", "CONVERT_TO_BINARY"];
const NO_PARAMETER: &str = "Invalid parameter name specified";
const NO_CONTENT_TYPE: &str = "Content-Type specified was not found";

const RULES: &[Rule] = &[
    rule("/type", REPLACE, Kind::Text),
    rule("/httpMethod", REPLACE, Kind::Text),
    rule("/uri", REPLACE, Kind::Text),
    rule("/credentials", REPLACE_REMOVE, Kind::Text),
    rule("/passthroughBehavior", REPLACE, Kind::Text),
    rule("/contentHandling", REPLACE_REMOVE, Kind::Text),
    rule("/timeoutInMillis", REPLACE, Kind::Integer),
    rule("/cacheNamespace", REPLACE, Kind::Text),
    rule("/requestParameters/{}", ADD_REMOVE_REPLACE, Kind::Text).missing(NO_PARAMETER),
    rule("/requestTemplates/{}", ADD_REMOVE_REPLACE, Kind::Text).missing(NO_CONTENT_TYPE),
];

const RESPONSE_RULES: &[Rule] = &[
    rule("/selectionPattern", REPLACE, Kind::Text),
    rule("/contentHandling", REPLACE_REMOVE, Kind::Text),
    rule("/responseParameters/{}", ADD_REMOVE_REPLACE, Kind::Text).missing(NO_PARAMETER),
    rule("/responseTemplates/{}", ADD_REMOVE_REPLACE, Kind::Text).missing(NO_CONTENT_TYPE),
];

impl Integration {
    pub(super) fn shown(&self) -> Result<Map<String, Value>, Refusal> {
        let mut members = shown::record(self, shown::Tags::IfAny)?;
        // Of those that go to other hosts, which has no other value here (recorded by localstack,
        // `test_put_integration_validation`).
        if self.kind.starts_with("HTTP") {
            members.insert("connectionType".to_owned(), "INTERNET".into());
        }
        let mut responses = Map::new();
        for (status, response) in &self.responses {
            responses.insert(
                status.clone(),
                shown::record(response, shown::Tags::IfAny)?.into(),
            );
        }
        if !responses.is_empty() {
            members.insert("integrationResponses".to_owned(), responses.into());
        }
        Ok(members)
    }
}

pub(super) fn put(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Input {
        #[serde(rename = "type")]
        kind: Option<String>,
        http_method: Option<String>,
        uri: Option<String>,
        connection_type: Option<String>,
        connection_id: Option<String>,
        tls_config: Option<Value>,
        integration_target: Option<String>,
        credentials: Option<String>,
        request_parameters: Option<BTreeMap<String, String>>,
        request_templates: Option<Templates>,
        passthrough_behavior: Option<String>,
        cache_namespace: Option<String>,
        #[serde(default)]
        cache_key_parameters: Vec<String>,
        content_handling: Option<String>,
        timeout_in_millis: Option<i64>,
        response_transfer_mode: Option<String>,
    }
    let input: Input = call.input()?;
    let kind = input.kind.unwrap_or_default();
    let mut violations = Violations::default();
    violations.one_of(&kind, "putIntegrationInput.type", TYPES);
    if let Some(handling) = &input.content_handling {
        let at = "putIntegrationInput.contentHandling";
        violations.one_of(handling, at, CONTENT_HANDLINGS);
    }
    violations.refuse()?;
    let shown = method::change(cloud, call, |method| {
        if input
            .connection_type
            .is_some_and(|connection| connection != "INTERNET")
        {
            return Err(unsupported("VPC links of integrations"));
        }
        if input.connection_id.is_some_and(|id| !id.is_empty()) {
            return Err(unsupported("connectionId of integrations"));
        }
        if input.tls_config.is_some_and(|config| !config.is_null()) {
            return Err(unsupported("tlsConfig of integrations"));
        }
        if input
            .integration_target
            .is_some_and(|target| !target.is_empty())
        {
            return Err(unsupported("integrationTarget of integrations"));
        }
        if input
            .response_transfer_mode
            .is_some_and(|mode| mode != "BUFFERED")
        {
            return Err(unsupported(
                "the responseTransferMode STREAM of integrations",
            ));
        }
        let integration = Integration {
            kind,
            http_method: input.http_method,
            uri: input.uri,
            credentials: input.credentials,
            request_parameters: input.request_parameters,
            request_templates: input.request_templates.map(without_empty),
            passthrough_behavior: input
                .passthrough_behavior
                .unwrap_or_else(|| "WHEN_NO_MATCH".to_owned()),
            content_handling: input.content_handling,
            timeout_in_millis: input.timeout_in_millis.unwrap_or(29_000),
            cache_namespace: input
                .cache_namespace
                .unwrap_or_else(|| call.label("resource_id").to_owned()),
            cache_key_parameters: input.cache_key_parameters,
            responses: BTreeMap::new(),
        };
        check(&integration)?;
        let shown = integration.shown()?;
        method.integration = Some(integration);
        Ok(shown)
    })?;
    Ok(Answer::json(201, shown.into()))
}

fn without_empty(templates: Templates) -> Templates {
    templates
        .into_iter()
        .map(|(kind, template)| (kind, template.filter(|text| !text.is_empty())))
        .collect()
}

pub(super) fn check(integration: &Integration) -> Result<(), Refusal> {
    match integration.kind.as_str() {
        "MOCK" => {}
        "AWS" | "AWS_PROXY" => {
            if integration.http_method.as_deref().is_none_or(str::is_empty) {
                return Err(bad_request(
                    "Enumeration value for HttpMethod must be non-empty",
                ));
            }
            check_uri(
                &integration.kind,
                integration.uri.as_deref().unwrap_or_default(),
            )?;
        }
        _ => {
            if integration.http_method.as_deref().is_none_or(str::is_empty) {
                return Err(bad_request(
                    "Enumeration value for HttpMethod must be non-empty",
                ));
            }
            check_url(integration.uri.as_deref().unwrap_or_default())?;
        }
    }
    if !(50..=29_000).contains(&integration.timeout_in_millis) {
        return Err(bad_request("Timeout should be between 50 ms and 29000 ms"));
    }
    if !["WHEN_NO_MATCH", "WHEN_NO_TEMPLATES", "NEVER"]
        .contains(&integration.passthrough_behavior.as_str())
    {
        return Err(bad_request(
            "Invalid passthrough behavior specified. Valid options are WHEN_NO_MATCH,WHEN_NO_TEMPLATES,NEVER",
        ));
    }
    mapping::check_request_parameters(integration.request_parameters.as_ref())?;
    mapping::check_templates(integration.request_templates.as_ref())
}

/// `arn:{partition}:apigateway:{region}:lambda:path/2015-03-31/functions/{functionArn}/invocations`.
fn check_uri(kind: &str, uri: &str) -> Result<(), Refusal> {
    let parts: Vec<&str> = uri.splitn(6, ':').collect();
    let ["arn", _, _, _, service, resource] = parts.as_slice() else {
        return Err(bad_request("Invalid ARN specified in the request"));
    };
    if !resource.starts_with("path") && !resource.starts_with("action") {
        return Err(bad_request(
            "AWS ARN for integration must contain path or action",
        ));
    }
    if *service == "lambda" && resource.contains("/functions/") {
        return Ok(());
    }
    if kind == "AWS_PROXY" {
        return Err(bad_request(
            "Integrations of type 'AWS_PROXY' currently only supports Lambda function and Firehose stream invocations.",
        ));
    }
    if ["dynamodb", "logs", "ssm"].contains(service) && resource.starts_with("action/") {
        return Ok(());
    }
    Err(bad_request(format!(
        "The local AWS does not support integrations with {service}:{}: it integrates with Lambda functions and with \
         actions of dynamodb, logs and ssm",
        resource.split('/').next().unwrap_or_default()
    )))
}

/// A URL, with variables in it or not.
fn check_url(uri: &str) -> Result<(), Refusal> {
    let is_url = ["http://", "https://"].iter().any(|scheme| {
        uri.strip_prefix(scheme)
            .is_some_and(|rest| !rest.is_empty())
    });
    if is_url {
        Ok(())
    } else {
        Err(bad_request("Invalid HTTP endpoint specified for URI"))
    }
}

pub(super) fn get(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let shown = method::read(cloud, call, |method| {
        method
            .integration
            .as_ref()
            .ok_or_else(no_integration)?
            .shown()
    })?;
    Ok(Answer::ok(shown.into()))
}

pub(super) fn update(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let operations = patch::operations(call)?;
    let shown = method::change(cloud, call, |method| {
        let integration = method.integration.as_mut().ok_or_else(no_integration)?;
        for operation in &operations {
            patched(integration, operation)?;
        }
        integration.request_templates = integration.request_templates.take().map(without_empty);
        check(integration)?;
        integration.shown()
    })?;
    Ok(Answer::ok(shown.into()))
}

fn patched(integration: &mut Integration, operation: &Operation) -> Result<(), Refusal> {
    let of_integrations = |what: &str| Err(unsupported(&format!("{what} of integrations")));
    match operation.parts().as_slice() {
        ["connectionType"] if operation.text() == "INTERNET" => operation.only(REPLACE),
        ["responseTransferMode"] if operation.text() == "BUFFERED" => operation.only(REPLACE),
        [
            name @ ("connectionType"
            | "connectionId"
            | "responseTransferMode"
            | "integrationTarget"),
        ]
        | [name @ "tlsConfig", ..] => of_integrations(name),
        ["cacheKeyParameters", name] => {
            let keys = &mut integration.cache_key_parameters;
            let at = keys.iter().position(|key| key == name);
            match (operation.op, at) {
                (Op::Add, None) => keys.push((*name).to_owned()),
                (Op::Add, Some(_)) => {}
                (Op::Remove, Some(at)) => {
                    keys.remove(at);
                }
                (Op::Remove, None) => return Err(not_found(NO_PARAMETER)),
                _ => return operation.only(&[Op::Add, Op::Remove]),
            }
            Ok(())
        }
        _ => operation.apply(integration, RULES, Wording::Plain),
    }
}

pub(super) fn delete(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    method::change(cloud, call, |method| {
        method
            .integration
            .take()
            .map(|_| ())
            .ok_or_else(no_integration)
    })?;
    Ok(Answer::empty(204))
}

pub(super) fn put_response(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Input {
        selection_pattern: Option<String>,
        response_parameters: Option<BTreeMap<String, String>>,
        response_templates: Option<Templates>,
        content_handling: Option<String>,
    }
    let status = method::status(call)?;
    let input: Input = call.input()?;
    let shown = method::change(cloud, call, |method| {
        let integration = method
            .integration
            .as_mut()
            .ok_or_else(|| not_found("No integration defined for method"))?;
        if !method.responses.contains_key(status) {
            return Err(bad_request("No method response exists for method."));
        }
        let response = IntegrationResponse {
            status_code: status.to_owned(),
            selection_pattern: input.selection_pattern,
            response_parameters: input.response_parameters,
            response_templates: input.response_templates.map(without_empty),
            content_handling: input.content_handling,
        };
        check_response(&response)?;
        let shown = shown::record(&response, shown::Tags::IfAny)?;
        integration.responses.insert(status.to_owned(), response);
        Ok(shown)
    })?;
    Ok(Answer::json(201, shown.into()))
}

pub(super) fn check_response(response: &IntegrationResponse) -> Result<(), Refusal> {
    if let Some(pattern) = &response.selection_pattern
        && Regex::new(pattern).is_err()
    {
        return Err(bad_request(format!(
            "Invalid selection pattern specified: {pattern}"
        )));
    }
    mapping::check_response_parameters(response.response_parameters.as_ref())?;
    mapping::check_templates(response.response_templates.as_ref())
}

pub(super) fn get_response(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let status = method::status(call)?;
    let shown = method::read(cloud, call, |method| {
        let response = method
            .integration
            .as_ref()
            .ok_or_else(no_integration)?
            .responses
            .get(status)
            .ok_or_else(no_status)?;
        shown::record(response, shown::Tags::IfAny)
    })?;
    Ok(Answer::ok(shown.into()))
}

pub(super) fn update_response(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let status = call.label("status_code");
    let mut violations = Violations::default();
    violations.status_code(status);
    let operations = patch::checked_operations(call, violations)?;
    let shown = method::change(cloud, call, |method| {
        let response = method
            .integration
            .as_mut()
            .ok_or_else(no_integration)?
            .responses
            .get_mut(status)
            .ok_or_else(no_status)?;
        for operation in &operations {
            operation.apply(response, RESPONSE_RULES, Wording::Plain)?;
        }
        response.response_templates = response.response_templates.take().map(without_empty);
        check_response(response)?;
        shown::record(response, shown::Tags::IfAny)
    })?;
    Ok(Answer::ok(shown.into()))
}

/// An unknown method is told as an unknown integration here (recorded by localstack,
/// `test_delete_integration_response_errors`).
pub(super) fn delete_response(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let status = method::status(call)?;
    resource::change(cloud, call, |tree| {
        tree.resource_mut(call.label("resource_id"))?
            .methods
            .get_mut(call.label("http_method"))
            .and_then(|method| method.integration.as_mut())
            .ok_or_else(no_integration)?
            .responses
            .remove(status)
            .map(|_| ())
            .ok_or_else(no_status)
    })?;
    Ok(Answer::empty(204))
}
