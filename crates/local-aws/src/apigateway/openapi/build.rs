//! The parts of a definition become those of an API.

use serde_json::{Map, Value, json};

use super::joined;
use super::parts::{Authorization, Method, Parts, Path};
use crate::answer::Refusal;
use crate::apigateway::authorizer::Authorizer;
use crate::apigateway::refusal::bad_request;
use crate::apigateway::resource::Tree;
use crate::apigateway::rest_api::RestApi;
use crate::apigateway::{integration, method};
use crate::call::Call;

/// "Amazon API Gateway quotas": per API, can be raised.
const MOST_RESOURCES: usize = 300;

/// The treatment of parts that an API has and the definition does not mention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Merge,
    Overwrite,
}

impl Mode {
    /// Of the query; without one, to merge.
    pub(super) fn of(call: &Call) -> Result<Self, Refusal> {
        match call.parameter("mode") {
            None | Some("" | "merge") => Ok(Self::Merge),
            Some("overwrite") => Ok(Self::Overwrite),
            Some(mode) => Err(bad_request(format!(
                "Invalid put mode specified: {mode}. Valid options are merge,overwrite"
            ))),
        }
    }
}

/// An API with all that belongs to it.
pub(super) struct Whole {
    pub(super) api: RestApi,
    pub(super) tree: Tree,
    pub(super) authorizers: Vec<Authorizer>,
}

/// Changes `whole` by the definition; what cannot be is added to `parts.errors`.
pub(super) fn apply(whole: &mut Whole, parts: &mut Parts, mode: Mode) -> Result<(), Refusal> {
    about(&mut whole.api, parts, mode);
    let is_all = mode == Mode::Overwrite;
    joined::apply(&mut whole.tree, &whole.api.id, parts, is_all);
    authorizers(whole, parts, mode);
    let former = whole.tree.clone();
    if mode == Mode::Overwrite {
        let root = whole.api.root_resource_id.clone();
        whole.tree.resources.retain(|id, _| *id == root);
        whole.tree.resource_mut(&root)?.methods.clear();
    }
    for path in std::mem::take(&mut parts.paths) {
        match place(
            &mut whole.tree,
            &former,
            &whole.api.root_resource_id,
            &path.path,
        ) {
            Ok(id) => methods(whole, parts, &id, path)?,
            Err(refusal) => parts.errors.push(format!(
                "Unable to create resource at path '{}': {}",
                path.path, refusal.message
            )),
        }
    }
    Ok(())
}

fn about(api: &mut RestApi, parts: &mut Parts, mode: Mode) {
    let is_all = mode == Mode::Overwrite;
    if let Some(name) = parts.name.take() {
        api.name = name;
    }
    if is_all || parts.version.is_some() {
        api.version = parts.version.take();
    }
    if is_all || parts.description.is_some() {
        api.description = parts.description.take();
    }
    if is_all {
        api.binary_media_types.clear();
        "HEADER".clone_into(&mut api.api_key_source);
        api.disable_execute_api_endpoint = false;
    }
    for kind in parts.binary_media_types.take().unwrap_or_default() {
        if !api.binary_media_types.contains(&kind) {
            api.binary_media_types.push(kind);
        }
    }
    if is_all || parts.minimum_compression_size.is_some() {
        api.minimum_compression_size = parts.minimum_compression_size.take();
    }
    if let Some(source) = parts.api_key_source.take() {
        api.api_key_source = source;
    }
    if is_all || parts.policy.is_some() {
        api.policy = parts.policy.take();
    }
    if let Some(disabled) = parts.disable_execute_api_endpoint {
        api.disable_execute_api_endpoint = disabled;
    }
    if parts
        .vpc_endpoint_ids
        .take()
        .is_some_and(|ids| !ids.is_empty())
    {
        let error = "The local AWS does not support vpcEndpointIds of REST APIs";
        parts.errors.push(error.to_owned());
    }
}

/// Authorizers are the same by their names.
fn authorizers(whole: &mut Whole, parts: &mut Parts, mode: Mode) {
    let former = std::mem::take(&mut whole.authorizers);
    for definition in std::mem::take(&mut parts.authorizers) {
        let name = definition.name.clone().unwrap_or_default();
        match Authorizer::new(&whole.api.id, definition) {
            Ok(authorizer) => {
                let same = former.iter().find(|other| other.name == name);
                whole.authorizers.push(match same {
                    Some(same) => authorizer.with_id(&same.id),
                    None => authorizer,
                });
            }
            Err(refusal) => parts.errors.push(format!(
                "Unable to create authorizer '{name}': {}",
                refusal.message
            )),
        }
    }
    if mode == Mode::Merge {
        for authorizer in former {
            if whole.authorizers.iter().all(|it| it.id != authorizer.id) {
                whole.authorizers.push(authorizer);
            }
        }
    }
}

/// The id of the resource at `path`, which is made if it is not there; a path that was there before keeps its id.
fn place(tree: &mut Tree, former: &Tree, root: &str, path: &str) -> Result<String, Refusal> {
    let mut id = root.to_owned();
    let mut so_far = String::new();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        so_far = format!("{so_far}/{part}");
        let there = tree
            .resources
            .values()
            .find(|resource| resource.path == so_far)
            .map(|resource| resource.id.clone());
        id = if let Some(id) = there {
            id
        } else {
            if tree.resources.len() >= MOST_RESOURCES {
                return Err(bad_request(
                    "Maximum number of Resources for this API has been reached",
                ));
            }
            let mut added = tree.add(&id, part)?.clone();
            let before = former
                .resources
                .values()
                .find(|resource| resource.path == so_far);
            if let Some(before) = before {
                tree.resources.remove(&added.id);
                added.id.clone_from(&before.id);
                tree.resources.insert(added.id.clone(), added.clone());
            }
            added.id
        };
    }
    Ok(id)
}

fn methods(whole: &mut Whole, parts: &mut Parts, id: &str, path: Path) -> Result<(), Refusal> {
    for method in path.methods {
        let verb = method.verb.clone();
        let outcome = record(whole, id, method).and_then(|record| checked(whole, record));
        match outcome {
            Ok(record) => {
                let resource = whole.tree.resource_mut(id)?;
                resource.methods.insert(verb, record);
            }
            Err(Wrong::Method(why)) => parts.errors.push(format!(
                "Unable to put method '{verb}' on resource at path '{}': {why}",
                path.path
            )),
            Err(Wrong::Integration(why)) => parts.errors.push(format!(
                "Unable to put integration on '{verb}' for resource at path '{}': {why}",
                path.path
            )),
            Err(Wrong::Response(why)) => parts.errors.push(format!(
                "Unable to put integration response on '{verb}' for resource at path '{}': {why}",
                path.path
            )),
        }
    }
    Ok(())
}

/// Which of a method's parts cannot be, and why.
enum Wrong {
    Method(String),
    Integration(String),
    Response(String),
}

/// The record of a method.
fn record(whole: &Whole, resource: &str, method: Method) -> Result<method::Method, Wrong> {
    let (kind, authorizer) = match method.authorization {
        Authorization::None => ("NONE", None),
        Authorization::Iam => ("AWS_IAM", None),
        Authorization::Custom(name) => {
            let found = whole.authorizers.iter().find(|it| it.name == name);
            let Some(found) = found else {
                return Err(Wrong::Method(
                    "Invalid authorizer ID specified. Setting the authorization type to CUSTOM or COGNITO_USER_POOLS \
                     requires a valid authorizer."
                        .to_owned(),
                ));
            };
            ("CUSTOM", Some(found.id.clone()))
        }
    };
    let validator = match &method.validator {
        None => None,
        Some(name) => match joined::validator_id(&whole.tree, name) {
            Some(id) => Some(id.to_owned()),
            None => {
                return Err(Wrong::Method(format!(
                    "Invalid Request Validator identifier specified: {name}"
                )));
            }
        },
    };
    let responses: Map<String, Value> = method
        .responses
        .into_iter()
        .map(|(status, response)| {
            let mut record = json!({ "statusCode": status });
            if !response.parameters.is_empty() {
                record["responseParameters"] = json!(response.parameters);
            }
            if !response.models.is_empty() {
                record["responseModels"] = json!(response.models);
            }
            (status, record)
        })
        .collect();
    let integration = method.integration.map(|mut integration| {
        integration
            .entry("cacheNamespace")
            .or_insert_with(|| resource.into());
        integration
    });
    let mut record = json!({
        "httpMethod": method.verb,
        "authorizationType": kind,
        "authorizerId": authorizer,
        "apiKeyRequired": method.api_key_required,
        "operationName": method.operation_name,
        "requestValidatorId": validator,
        "methodResponses": responses,
        "methodIntegration": integration,
    });
    if !method.request_parameters.is_empty() {
        record["requestParameters"] = json!(method.request_parameters);
    }
    if !method.request_models.is_empty() {
        record["requestModels"] = json!(method.request_models);
    }
    serde_json::from_value(record).map_err(|error| Wrong::Integration(error.to_string()))
}

/// By the rules of `PutMethod`, `PutMethodResponse`, `PutIntegration` and `PutIntegrationResponse`.
fn checked(whole: &Whole, record: method::Method) -> Result<method::Method, Wrong> {
    let of_method = |refusal: Refusal| Wrong::Method(refusal.message);
    let of_response = |refusal: Refusal| Wrong::Response(refusal.message);
    method::check(&record, &whole.tree).map_err(of_method)?;
    for response in record.responses.values() {
        method::check_response(response, &whole.tree).map_err(of_method)?;
    }
    if let Some(integration) = &record.integration {
        integration::check(integration).map_err(|refusal| Wrong::Integration(refusal.message))?;
        for (status, response) in &integration.responses {
            if !record.responses.contains_key(status) {
                return Err(Wrong::Response(
                    "No method response exists for method.".to_owned(),
                ));
            }
            integration::check_response(response).map_err(of_response)?;
        }
    }
    Ok(record)
}
