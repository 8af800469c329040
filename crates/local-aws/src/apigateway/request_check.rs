//! What a method's request validator finds wrong with a request.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::HeaderMap;
use serde_json::Value;

use super::method::Method;
use super::reply::Denied;
use super::resource::Tree;
use super::schema::Schemas;
use super::serving::Parameters;
use crate::call::form;

/// The model for content types that have none of their own ("Request validation for REST APIs").
const ANY_TYPE: &str = "$default";

/// The parts that are looked at, from a method and its validator.
#[derive(Debug)]
pub(super) struct RequestCheck {
    /// The required parameters, as the method names them; sorted.
    parameters: Vec<Parameter>,
    /// Names of models by content type.
    models: BTreeMap<String, String>,
    schemas: Arc<Schemas>,
}

#[derive(Debug)]
enum Parameter {
    Header(String),
    Path(String),
    Query(String),
}

/// The parts of a request that are looked at.
pub(super) struct Request<'a> {
    pub(super) headers: &'a HeaderMap,
    pub(super) parameters: &'a Parameters,
    pub(super) query: &'a str,
    pub(super) content_type: &'a str,
    pub(super) body: &'a [u8],
}

impl RequestCheck {
    /// None if the method's requests are not looked at.
    pub(super) fn of(tree: &Tree, method: &Method, schemas: &Arc<Schemas>) -> Option<Self> {
        let validator = tree
            .validators
            .get(method.request_validator_id.as_deref()?)?;
        let parameters = method
            .request_parameters
            .iter()
            .flatten()
            .filter(|(_, is_required)| **is_required && validator.validate_request_parameters)
            .filter_map(|(name, _)| parameter(name))
            .collect();
        let models = if validator.validate_request_body {
            method.request_models.clone().unwrap_or_default()
        } else {
            BTreeMap::new()
        };
        Some(Self {
            parameters,
            models,
            schemas: schemas.clone(),
        })
    }

    /// Parameters before the body (recorded by localstack, `test_api_gateway_request_validator`).
    pub(super) fn check(&self, request: &Request) -> Result<(), Denied> {
        let missing: Vec<&str> = self
            .parameters
            .iter()
            .filter(|parameter| !parameter.is_in(request))
            .map(Parameter::name)
            .collect();
        if !missing.is_empty() {
            return Err(Denied::missing_parameters(&missing));
        }
        let model = self
            .models
            .iter()
            .find(|(kind, _)| kind.eq_ignore_ascii_case(request.content_type))
            .or_else(|| self.models.get_key_value(ANY_TYPE));
        let Some((_, model)) = model else {
            return Ok(());
        };
        let Ok(body) = serde_json::from_slice::<Value>(request.body) else {
            return Err(Denied::invalid_body("[Unknown error parsing request body]"));
        };
        let faults = self.schemas.faults(model, &body);
        if faults.is_empty() {
            return Ok(());
        }
        Err(Denied::invalid_body(&format!("[{}]", faults.join(", "))))
    }
}

/// The schemas of all models of an API.
pub(super) fn schemas(tree: &Tree) -> Arc<Schemas> {
    let parsed = tree
        .models
        .iter()
        .filter_map(|(name, model)| Some((name.clone(), model.parsed()?)));
    Arc::new(Schemas::new(parsed))
}

fn parameter(name: &str) -> Option<Parameter> {
    let (place, name) = name.strip_prefix("method.request.")?.split_once('.')?;
    let name = name.to_owned();
    Some(match place {
        "header" => Parameter::Header(name),
        "path" => Parameter::Path(name),
        "querystring" => Parameter::Query(name),
        _ => return None,
    })
}

impl Parameter {
    fn name(&self) -> &str {
        match self {
            Self::Header(name) | Self::Path(name) | Self::Query(name) => name,
        }
    }

    /// A blank one is missing ("Request validation for REST APIs").
    fn is_in(&self, request: &Request) -> bool {
        match self {
            Self::Header(name) => request
                .headers
                .get_all(name.as_str())
                .iter()
                .any(|value| !value.as_bytes().trim_ascii().is_empty()),
            Self::Path(name) => request
                .parameters
                .iter()
                .any(|(own, value)| own == name && !value.is_empty()),
            Self::Query(name) => form(request.query)
                .iter()
                .any(|(own, value)| own == name && !value.trim().is_empty()),
        }
    }
}
