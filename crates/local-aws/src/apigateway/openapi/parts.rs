//! What a definition is made of, in the terms of API Gateway.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::apigateway::authorizer;
use crate::apigateway::documentation::Location;

/// A whole definition. What it does not mention is `None`.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) name: Option<String>,
    pub(super) description: Option<String>,
    pub(super) version: Option<String>,
    pub(super) binary_media_types: Option<Vec<String>>,
    pub(super) minimum_compression_size: Option<i64>,
    pub(super) api_key_source: Option<String>,
    pub(super) policy: Option<String>,
    pub(super) disable_execute_api_endpoint: Option<bool>,
    pub(super) vpc_endpoint_ids: Option<Vec<String>>,
    pub(super) models: Vec<Model>,
    pub(super) validators: Vec<Validator>,
    pub(super) gateway_responses: Vec<GatewayResponse>,
    pub(super) authorizers: Vec<authorizer::Definition>,
    /// `None` if it is to be ignored.
    pub(super) documentation: Option<Vec<(Location, String)>>,
    /// Paths without methods are resources too.
    pub(super) paths: Vec<Path>,
    pub(super) warnings: Vec<String>,
    pub(super) errors: Vec<String>,
}

#[derive(Debug)]
pub(super) struct Model {
    pub(super) name: String,
    pub(super) description: Option<String>,
    /// With references within the definition.
    pub(super) schema: Value,
}

#[derive(Debug)]
pub(super) struct Validator {
    pub(super) name: String,
    pub(super) body: bool,
    pub(super) parameters: bool,
}

#[derive(Debug)]
pub(super) struct GatewayResponse {
    pub(super) kind: String,
    pub(super) status: Option<String>,
    pub(super) parameters: Map<String, Value>,
    pub(super) templates: Map<String, Value>,
}

#[derive(Debug)]
pub(super) struct Path {
    pub(super) path: String,
    pub(super) methods: Vec<Method>,
}

#[derive(Debug, Default)]
pub(super) struct Method {
    pub(super) verb: String,
    pub(super) operation_name: Option<String>,
    pub(super) authorization: Authorization,
    pub(super) api_key_required: bool,
    /// By name.
    pub(super) validator: Option<String>,
    pub(super) request_parameters: BTreeMap<String, bool>,
    pub(super) request_models: BTreeMap<String, String>,
    pub(super) responses: BTreeMap<String, Response>,
    /// In the form of the integration's record.
    pub(super) integration: Option<Map<String, Value>>,
}

#[derive(Debug, Default)]
pub(super) struct Response {
    pub(super) parameters: BTreeMap<String, bool>,
    pub(super) models: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Authorization {
    #[default]
    None,
    Iam,
    /// By the authorizer's name.
    Custom(String),
}
