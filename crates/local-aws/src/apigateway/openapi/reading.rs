//! A document taken apart.

use serde_json::{Map, Value};

use super::document::{BasePath, Document, Version, scalar};
use super::parts::{GatewayResponse, Model, Parts, Validator};
use super::{operations, security};

pub(super) fn read(document: &Document, base_path: BasePath) -> Parts {
    let mut parts = Parts::default();
    about(document, &mut parts);
    models(document, &mut parts);
    validators(document, &mut parts);
    gateway_responses(document, &mut parts);
    security::read(document, &mut parts);
    operations::read(document, &document.base_path(base_path), &mut parts);
    parts
}

/// What is said of the API as a whole.
fn about(document: &Document, parts: &mut Parts) {
    let info = |name: &str| document.object("info")?.get(name).and_then(scalar);
    parts.name = info("title");
    parts.version = info("version");
    parts.description = info("description").filter(|text| !text.is_empty());
    let extension = |name: &str| document.root.get(&format!("x-amazon-apigateway-{name}"));
    parts.binary_media_types = extension("binary-media-types").and_then(texts);
    parts.minimum_compression_size = extension("minimum-compression-size")
        .and_then(scalar)
        .and_then(|size| size.parse().ok());
    parts.api_key_source = extension("api-key-source")
        .and_then(scalar)
        .map(|source| source.to_uppercase());
    parts.policy = extension("policy").map(|policy| match policy {
        Value::String(text) => text.clone(),
        policy => policy.to_string(),
    });
    let endpoint = match document.version {
        Version::Swagger2 => extension("endpoint-configuration"),
        Version::OpenApi3 => document
            .root
            .get("servers")
            .and_then(|servers| servers.get(0))
            .and_then(|server| server.get("x-amazon-apigateway-endpoint-configuration"))
            .or_else(|| extension("endpoint-configuration")),
    };
    let endpoint = |name: &str| endpoint?.get(name);
    parts.disable_execute_api_endpoint =
        endpoint("disableExecuteApiEndpoint").and_then(Value::as_bool);
    parts.vpc_endpoint_ids = endpoint("vpcEndpointIds").and_then(texts);
}

fn texts(value: &Value) -> Option<Vec<String>> {
    Some(value.as_array()?.iter().filter_map(scalar).collect())
}

fn models(document: &Document, parts: &mut Parts) {
    for (name, schema) in document
        .component("definitions", "schemas")
        .into_iter()
        .flatten()
    {
        parts.models.push(Model {
            name: name.clone(),
            description: schema.get("description").and_then(scalar),
            schema: schema.clone(),
        });
    }
}

fn validators(document: &Document, parts: &mut Parts) {
    let validators = document.object("x-amazon-apigateway-request-validators");
    for (name, validator) in validators.into_iter().flatten() {
        let flag = |member: &str| {
            validator
                .get(member)
                .and_then(Value::as_bool)
                .unwrap_or(false)
        };
        parts.validators.push(Validator {
            name: name.clone(),
            body: flag("validateRequestBody"),
            parameters: flag("validateRequestParameters"),
        });
    }
}

fn gateway_responses(document: &Document, parts: &mut Parts) {
    let responses = document.object("x-amazon-apigateway-gateway-responses");
    for (kind, response) in responses.into_iter().flatten() {
        let map = |member: &str| -> Map<String, Value> {
            let map = response.get(member).and_then(Value::as_object);
            map.cloned().unwrap_or_default()
        };
        parts.gateway_responses.push(GatewayResponse {
            kind: kind.clone(),
            status: response.get("statusCode").and_then(scalar),
            parameters: map("responseParameters"),
            templates: map("responseTemplates"),
        });
    }
}
