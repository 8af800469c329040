//! Security schemes: API keys, signatures, and Lambda authorizers.

use serde_json::{Map, Value};

use super::document::{Document, scalar};
use super::parts::{Authorization, Parts};
use crate::apigateway::authorizer::Definition;

const AUTHORIZER: &str = "x-amazon-apigateway-authorizer";
const AUTH_TYPE: &str = "x-amazon-apigateway-authtype";

/// The authorizers of a document, used or not.
pub(super) fn read(document: &Document, parts: &mut Parts) {
    for (name, scheme) in schemes(document).into_iter().flatten() {
        let Some(authorizer) = scheme.get(AUTHORIZER).and_then(Value::as_object) else {
            continue;
        };
        parts.authorizers.push(definition(name, scheme, authorizer));
    }
}

fn schemes(document: &Document) -> Option<&Map<String, Value>> {
    document.component("securityDefinitions", "securitySchemes")
}

fn definition(name: &str, scheme: &Value, authorizer: &Map<String, Value>) -> Definition {
    let text = |member: &str| authorizer.get(member).and_then(scalar);
    let kind = text("type").map(|kind| kind.to_uppercase());
    // A token comes in the header that the scheme names.
    let header = scheme
        .get("name")
        .and_then(Value::as_str)
        .map(|header| format!("method.request.header.{header}"))
        .filter(|_| kind.as_deref() != Some("REQUEST"));
    Definition {
        name: Some(name.to_owned()),
        kind,
        provider_arns: Vec::new(),
        auth_type: scheme.get(AUTH_TYPE).and_then(scalar),
        authorizer_uri: text("authorizerUri"),
        authorizer_credentials: text("authorizerCredentials"),
        identity_source: text("identitySource").or(header),
        identity_validation_expression: text("identityValidationExpression"),
        authorizer_result_ttl_in_seconds: text("authorizerResultTtlInSeconds")
            .and_then(|seconds| seconds.parse().ok()),
    }
}

/// What an operation requires: its own requirements, or the document's.
pub(super) fn of(document: &Document, operation: &Value) -> (Authorization, bool) {
    let mut authorization = operation
        .pointer("/x-amazon-apigateway-auth/type")
        .and_then(Value::as_str)
        .filter(|kind| kind.eq_ignore_ascii_case("AWS_IAM"))
        .map_or(Authorization::None, |_| Authorization::Iam);
    let mut needs_key = false;
    let requirements = operation
        .get("security")
        .or_else(|| document.root.get("security"))
        .and_then(Value::as_array);
    let names = requirements
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .flat_map(Map::keys);
    for name in names {
        let Some(scheme) = schemes(document).and_then(|schemes| schemes.get(name)) else {
            continue;
        };
        let text = |member: &str| scheme.get(member).and_then(Value::as_str);
        let found = if scheme.get(AUTHORIZER).is_some() {
            Authorization::Custom(name.clone())
        } else if text(AUTH_TYPE).is_some_and(|kind| kind.eq_ignore_ascii_case("awsSigv4")) {
            Authorization::Iam
        } else {
            needs_key |= text("type") == Some("apiKey")
                && text("in") == Some("header")
                && text("name").is_some_and(|name| name.eq_ignore_ascii_case("x-api-key"));
            continue;
        };
        if authorization == Authorization::None {
            authorization = found;
        }
    }
    (authorization, needs_key)
}
