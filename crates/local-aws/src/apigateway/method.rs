//! The methods of a resource, and the responses that each declares.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::integration::Integration;
use super::patch::{self, ADD_REMOVE_REPLACE, Kind, REPLACE, Rule, Wording, rule};
use super::refusal::{Violations, bad_request, conflict, no_method, no_status};
use super::resource::{self, Resource, Tree};
use super::{authorizer, model, request_validator, shown};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::cloud::Cloud;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Method {
    #[serde(rename = "httpMethod")]
    pub(super) name: String,
    pub(super) authorization_type: String,
    /// Of methods of type `CUSTOM` only.
    pub(super) authorizer_id: Option<String>,
    pub(super) api_key_required: bool,
    pub(super) operation_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) request_parameters: Option<BTreeMap<String, bool>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) request_models: Option<BTreeMap<String, String>>,
    pub(super) request_validator_id: Option<String>,
    #[serde(
        rename = "methodResponses",
        default,
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub(super) responses: BTreeMap<String, MethodResponse>,
    #[serde(rename = "methodIntegration")]
    pub(super) integration: Option<Integration>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MethodResponse {
    status_code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) response_parameters: Option<BTreeMap<String, bool>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) response_models: Option<BTreeMap<String, String>>,
}

const METHODS: &[&str] = &[
    "GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "HEAD", "ANY",
];
const NO_PARAMETER: &str = "Invalid parameter name specified";
const NO_CONTENT_TYPE: &str = "Content-Type specified was not found";

const RULES: &[Rule] = &[
    rule("/authorizationType", REPLACE, Kind::Text),
    rule("/authorizerId", REPLACE, Kind::Text),
    rule("/apiKeyRequired", REPLACE, Kind::Flag),
    rule("/operationName", REPLACE, Kind::Text),
    rule("/requestValidatorId", REPLACE, Kind::Text),
    rule("/requestParameters/{}", ADD_REMOVE_REPLACE, Kind::Flag).missing(NO_PARAMETER),
    rule("/requestModels/{}", ADD_REMOVE_REPLACE, Kind::Text).missing(NO_CONTENT_TYPE),
];

const RESPONSE_RULES: &[Rule] = &[
    rule("/responseParameters/{}", ADD_REMOVE_REPLACE, Kind::Flag).missing(NO_PARAMETER),
    rule("/responseModels/{}", ADD_REMOVE_REPLACE, Kind::Text).missing(NO_CONTENT_TYPE),
];

impl Method {
    pub(super) fn shown(&self) -> Result<Map<String, Value>, Refusal> {
        let mut members = shown::record(self, shown::Tags::IfAny)?;
        if let Some(integration) = &self.integration {
            members.insert("methodIntegration".to_owned(), integration.shown()?.into());
        }
        Ok(members)
    }
}

impl Method {
    /// Refuses type `CUSTOM` without one of the API's `authorizers`; with another type, an authorizer is of no effect
    /// (recorded by localstack, `test_update_method_validation`: `skip-auth-id-with-wrong-type`).
    fn check_authorizer(&mut self, authorizers: &[String]) -> Result<(), Refusal> {
        if self.authorization_type != "CUSTOM" {
            self.authorizer_id = None;
            return Ok(());
        }
        let is_known = self
            .authorizer_id
            .as_ref()
            .is_some_and(|id| authorizers.contains(id));
        if is_known {
            Ok(())
        } else {
            Err(no_authorizer())
        }
    }
}

/// Scopes are of Cognito's authorizers.
fn no_scopes() -> Refusal {
    bad_request("The local AWS does not support authorizationScopes")
}

impl Resource {
    /// The method that a call names.
    pub(super) fn method(&self, call: &Call) -> Result<&Method, Refusal> {
        self.methods
            .get(call.label("http_method"))
            .ok_or_else(no_method)
    }

    pub(super) fn method_mut(&mut self, call: &Call) -> Result<&mut Method, Refusal> {
        self.methods
            .get_mut(call.label("http_method"))
            .ok_or_else(no_method)
    }
}

/// Reads the method that a call names.
pub(super) fn read<T>(
    cloud: &Cloud,
    call: &Call,
    work: impl FnOnce(&Method) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    resource::read(cloud, call, |tree| {
        work(tree.resource(call.label("resource_id"))?.method(call)?)
    })
}

/// Changes the method that a call names.
pub(super) fn change<T>(
    cloud: &Cloud,
    call: &Call,
    work: impl FnOnce(&mut Method) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    resource::change(cloud, call, |tree| {
        work(
            tree.resource_mut(call.label("resource_id"))?
                .method_mut(call)?,
        )
    })
}

pub(super) fn put(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Input {
        authorization_type: Option<String>,
        authorizer_id: Option<String>,
        #[serde(default)]
        authorization_scopes: Vec<String>,
        api_key_required: Option<bool>,
        operation_name: Option<String>,
        request_parameters: Option<BTreeMap<String, bool>>,
        request_models: Option<BTreeMap<String, String>>,
        request_validator_id: Option<String>,
    }
    let input: Input = call.input()?;
    let name = call.label("http_method");
    let authorizers = authorizer::ids_of(cloud, call)?;
    let shown = resource::change(cloud, call, |tree| {
        tree.resource(call.label("resource_id"))?;
        if !METHODS.contains(&name) {
            return Err(bad_request(format!(
                "Invalid HttpMethod specified. Valid options are {}",
                METHODS.join(",")
            )));
        }
        if !input.authorization_scopes.is_empty() {
            return Err(no_scopes());
        }
        let mut method = Method {
            name: name.to_owned(),
            authorization_type: input.authorization_type.unwrap_or_default(),
            authorizer_id: input.authorizer_id,
            api_key_required: input.api_key_required.unwrap_or(false),
            operation_name: input.operation_name,
            request_parameters: input.request_parameters,
            request_models: input.request_models,
            request_validator_id: input.request_validator_id.filter(|id| !id.is_empty()),
            responses: BTreeMap::new(),
            integration: None,
        };
        method.check_authorizer(&authorizers)?;
        check(&method, tree)?;
        let resource = tree.resource_mut(call.label("resource_id"))?;
        if resource.methods.contains_key(name) {
            return Err(conflict("Method already exists for this resource"));
        }
        let shown = method.shown()?;
        resource.methods.insert(name.to_owned(), method);
        Ok(shown)
    })?;
    Ok(Answer::json(201, shown.into()))
}

pub(super) fn check(method: &Method, tree: &Tree) -> Result<(), Refusal> {
    match method.authorization_type.as_str() {
        "NONE" | "AWS_IAM" | "CUSTOM" => {}
        // There are no authorizers of that type here.
        "COGNITO_USER_POOLS" => return Err(no_authorizer()),
        _ => {
            return Err(bad_request(
                "Invalid authorization type specified. Valid options are NONE,AWS_IAM,CUSTOM,COGNITO_USER_POOLS",
            ));
        }
    }
    let mut names = std::collections::BTreeSet::new();
    for parameter in method.request_parameters.iter().flatten() {
        let name = ["querystring.", "header.", "path."]
            .iter()
            .find_map(|place| {
                parameter
                    .0
                    .strip_prefix("method.request.")?
                    .strip_prefix(place)
            })
            .filter(|name| !name.is_empty())
            .ok_or_else(|| {
                bad_request(format!(
                    "Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping \
                     expression specified: {}]",
                    parameter.0
                ))
            })?;
        if !names.insert(name) {
            return Err(bad_request(
                "Parameter names must be unique across querystring, header and path",
            ));
        }
    }
    request_validator::check_id(tree, method.request_validator_id.as_deref())?;
    model::check_names(&tree.models, method.request_models.as_ref())
}

fn no_authorizer() -> Refusal {
    bad_request(
        "Invalid authorizer ID specified. Setting the authorization type to CUSTOM or COGNITO_USER_POOLS requires a valid \
         authorizer.",
    )
}

pub(super) fn get(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let shown = read(cloud, call, Method::shown)?;
    Ok(Answer::ok(shown.into()))
}

pub(super) fn update(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let operations = patch::operations(call)?;
    let authorizers = authorizer::ids_of(cloud, call)?;
    let shown = resource::change(cloud, call, |tree| {
        let id = call.label("resource_id");
        let mut method = tree.resource(id)?.method(call)?.clone();
        for operation in &operations {
            match operation.parts().as_slice() {
                ["authorizationScopes", ..] => return Err(no_scopes()),
                _ => operation.apply(&mut method, RULES, Wording::Plain)?,
            }
        }
        method.request_validator_id = method.request_validator_id.filter(|id| !id.is_empty());
        method.check_authorizer(&authorizers)?;
        check(&method, tree)?;
        let shown = method.shown()?;
        let methods = &mut tree.resource_mut(id)?.methods;
        methods.insert(method.name.clone(), method);
        Ok(shown)
    })?;
    Ok(Answer::ok(shown.into()))
}

pub(super) fn delete(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    resource::change(cloud, call, |tree| {
        tree.resource_mut(call.label("resource_id"))?
            .methods
            .remove(call.label("http_method"))
            .map(|_| ())
            .ok_or_else(no_method)
    })?;
    Ok(Answer::empty(204))
}

/// The status code of a call, which the model limits.
pub(super) fn status(call: &Call) -> Result<&str, Refusal> {
    let status = call.label("status_code");
    let mut violations = Violations::default();
    violations.status_code(status);
    violations.refuse()?;
    Ok(status)
}

pub(super) fn put_response(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Input {
        response_parameters: Option<BTreeMap<String, bool>>,
        response_models: Option<BTreeMap<String, String>>,
    }
    let status = status(call)?;
    let input: Input = call.input()?;
    let shown = resource::change(cloud, call, |tree| {
        let id = call.label("resource_id");
        if tree
            .resource(id)?
            .method(call)?
            .responses
            .contains_key(status)
        {
            return Err(conflict("Response already exists for this resource"));
        }
        let response = MethodResponse {
            status_code: status.to_owned(),
            response_parameters: input.response_parameters,
            response_models: input.response_models,
        };
        check_response(&response, tree)?;
        let shown = shown::record(&response, shown::Tags::IfAny)?;
        let method = tree.resource_mut(id)?.method_mut(call)?;
        method.responses.insert(status.to_owned(), response);
        Ok(shown)
    })?;
    Ok(Answer::json(201, shown.into()))
}

pub(super) fn check_response(response: &MethodResponse, tree: &Tree) -> Result<(), Refusal> {
    for name in response.response_parameters.iter().flatten() {
        if !name.0.starts_with("method.response.header.") {
            return Err(bad_request(format!(
                "Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping \
                 expression specified: {}]",
                name.0
            )));
        }
    }
    model::check_names(&tree.models, response.response_models.as_ref())
}

pub(super) fn get_response(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let status = status(call)?;
    let shown = read(cloud, call, |method| {
        let response = method.responses.get(status).ok_or_else(no_status)?;
        shown::record(response, shown::Tags::IfAny)
    })?;
    Ok(Answer::ok(shown.into()))
}

/// 201, as the model has it.
pub(super) fn update_response(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let status = call.label("status_code");
    let mut violations = Violations::default();
    violations.status_code(status);
    let operations = patch::checked_operations(call, violations)?;
    let shown = resource::change(cloud, call, |tree| {
        let id = call.label("resource_id");
        let method = tree.resource(id)?.method(call)?;
        let response = method.responses.get(status).ok_or_else(no_status)?;
        let mut response = response.clone();
        for operation in &operations {
            operation.apply(&mut response, RESPONSE_RULES, Wording::Plain)?;
        }
        check_response(&response, tree)?;
        let shown = shown::record(&response, shown::Tags::IfAny)?;
        let method = tree.resource_mut(id)?.method_mut(call)?;
        method.responses.insert(status.to_owned(), response);
        Ok(shown)
    })?;
    Ok(Answer::json(201, shown.into()))
}

pub(super) fn delete_response(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let status = status(call)?;
    change(cloud, call, |method| {
        method
            .responses
            .remove(status)
            .map(|_| ())
            .ok_or_else(no_status)
    })?;
    Ok(Answer::empty(204))
}
