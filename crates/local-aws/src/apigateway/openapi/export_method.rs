//! A method as an operation of a definition.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::document::Version;
use super::export::Extensions;
use crate::apigateway::request_validator::RequestValidators;

/// The form in which a definition is written.
pub(super) struct Form {
    pub(super) version: Version,
    pub(super) extensions: Extensions,
}

impl Form {
    /// What comes before a model's name in references.
    pub(super) fn schemas(&self) -> &'static str {
        match self.version {
            Version::Swagger2 => "#/definitions/",
            Version::OpenApi3 => "#/components/schemas/",
        }
    }

    fn reference(&self, model: &Value) -> Value {
        let name = model.as_str().unwrap_or_default();
        json!({ "$ref": format!("{}{name}", self.schemas()) })
    }
}

/// `method` is the record as it is shown; `authorizer` is the name of its authorizer.
pub(super) fn operation(
    form: &Form,
    method: &Map<String, Value>,
    authorizer: Option<&str>,
    resource: &str,
    validators: &RequestValidators,
) -> Value {
    let mut out = Map::new();
    if let Some(name) = method.get("operationName") {
        out.insert("operationId".to_owned(), name.clone());
    }
    let integration = object(method.get("methodIntegration"));
    if form.version == Version::Swagger2 {
        for (member, kinds) in [
            ("consumes", consumed(method, integration)),
            ("produces", produced(method, integration)),
        ] {
            if !kinds.is_empty() {
                out.insert(member.to_owned(), json!(kinds));
            }
        }
    }
    let parameters = parameters(form, method);
    if !parameters.is_empty() {
        out.insert("parameters".to_owned(), parameters.into());
    }
    if form.version == Version::OpenApi3
        && let Some(models) = object(method.get("requestModels"))
    {
        let body = json!({ "content": content(form, models), "required": true });
        out.insert("requestBody".to_owned(), body);
    }
    out.insert("responses".to_owned(), responses(form, method).into());
    let security = security(method, authorizer);
    if !security.is_empty() {
        out.insert("security".to_owned(), security.into());
    }
    if form.extensions.api
        && let Some(id) = method.get("requestValidatorId").and_then(Value::as_str)
        && let Some(name) = validators.get(id).and_then(|it| it.name.as_deref())
    {
        out.insert(
            "x-amazon-apigateway-request-validator".to_owned(),
            name.into(),
        );
    }
    if form.extensions.integrations
        && let Some(integration) = integration
    {
        out.insert(
            "x-amazon-apigateway-integration".to_owned(),
            extension(integration, resource).into(),
        );
    }
    out.into()
}

fn object(value: Option<&Value>) -> Option<&Map<String, Value>> {
    value?.as_object().filter(|members| !members.is_empty())
}

fn keys(value: Option<&Value>) -> impl Iterator<Item = &String> {
    object(value).into_iter().flat_map(Map::keys)
}

fn consumed<'a>(
    method: &'a Map<String, Value>,
    integration: Option<&'a Map<String, Value>>,
) -> BTreeSet<&'a String> {
    let templates = integration.and_then(|it| it.get("requestTemplates"));
    keys(method.get("requestModels"))
        .chain(keys(templates))
        .collect()
}

fn produced<'a>(
    method: &'a Map<String, Value>,
    integration: Option<&'a Map<String, Value>>,
) -> BTreeSet<&'a String> {
    let by_models = object(method.get("methodResponses"))
        .into_iter()
        .flat_map(Map::values)
        .flat_map(|response| keys(response.get("responseModels")));
    let by_templates = object(integration.and_then(|it| it.get("integrationResponses")))
        .into_iter()
        .flat_map(Map::values)
        .flat_map(|response| keys(response.get("responseTemplates")));
    by_models.chain(by_templates).collect()
}

fn parameters(form: &Form, method: &Map<String, Value>) -> Vec<Value> {
    let mut parameters = Vec::new();
    let of_request = object(method.get("requestParameters"));
    for (key, required) in of_request.into_iter().flatten() {
        let Some((place, name)) = key
            .strip_prefix("method.request.")
            .and_then(|rest| rest.split_once('.'))
        else {
            continue;
        };
        let place = if place == "querystring" {
            "query"
        } else {
            place
        };
        let mut parameter = json!({ "name": name, "in": place });
        match form.version {
            Version::Swagger2 => {
                parameter["required"] = required.clone();
                parameter["type"] = "string".into();
            }
            Version::OpenApi3 => {
                if required == &Value::Bool(true) {
                    parameter["required"] = true.into();
                }
                parameter["schema"] = json!({ "type": "string" });
            }
        }
        parameters.push(parameter);
    }
    if form.version == Version::Swagger2 {
        let models = object(method.get("requestModels"));
        if let Some(model) = models.and_then(|models| models.values().next()) {
            parameters.push(json!({
                "in": "body",
                "name": model,
                "required": true,
                "schema": form.reference(model),
            }));
        }
    }
    parameters
}

fn content(form: &Form, models: &Map<String, Value>) -> Value {
    models
        .iter()
        .map(|(kind, model)| (kind.clone(), json!({ "schema": form.reference(model) })))
        .collect::<Map<_, _>>()
        .into()
}

fn responses(form: &Form, method: &Map<String, Value>) -> Map<String, Value> {
    let of_method = object(method.get("methodResponses"));
    of_method
        .into_iter()
        .flatten()
        .map(|(status, response)| {
            let mut out = json!({ "description": format!("{status} response") });
            let models = object(response.get("responseModels"));
            if form.version == Version::Swagger2
                && let Some(model) = models.and_then(|models| models.values().next())
            {
                out["schema"] = form.reference(model);
            }
            let headers: Map<String, Value> = keys(response.get("responseParameters"))
                .filter_map(|key| key.strip_prefix("method.response.header."))
                .map(|name| {
                    let kind = json!({ "type": "string" });
                    let header = match form.version {
                        Version::Swagger2 => kind,
                        Version::OpenApi3 => json!({ "schema": kind }),
                    };
                    (name.to_owned(), header)
                })
                .collect();
            if !headers.is_empty() {
                out["headers"] = headers.into();
            }
            if form.version == Version::OpenApi3 {
                out["content"] = models.map_or_else(|| json!({}), |models| content(form, models));
            }
            (status.clone(), out)
        })
        .collect()
}

fn security(method: &Map<String, Value>, authorizer: Option<&str>) -> Vec<Value> {
    let mut names = Vec::new();
    match authorizer {
        Some(name) => names.push(name),
        None if method.get("authorizationType").and_then(Value::as_str) == Some("AWS_IAM") => {
            names.push("sigv4");
        }
        None => {}
    }
    if method.get("apiKeyRequired") == Some(&Value::Bool(true)) {
        names.push("api_key");
    }
    names
        .into_iter()
        .map(|name| Value::from(Map::from_iter([(name.to_owned(), json!([]))])))
        .collect()
}

/// The integration in the form that is imported; what is as usual is left out.
fn extension(integration: &Map<String, Value>, resource: &str) -> Map<String, Value> {
    let lower = |value: &Value| Value::from(value.as_str().unwrap_or_default().to_lowercase());
    let mut out = Map::new();
    for (name, value) in integration {
        let value = match name.as_str() {
            "type" | "passthroughBehavior" => lower(value),
            "timeoutInMillis" if value.as_i64() == Some(29_000) => continue,
            "cacheNamespace" if value.as_str() == Some(resource) => continue,
            "connectionType" if value.as_str() == Some("INTERNET") => continue,
            "cacheKeyParameters" if value.as_array().is_some_and(Vec::is_empty) => continue,
            "integrationResponses" => {
                let of_statuses = value.as_object();
                let responses: Map<String, Value> = of_statuses
                    .into_iter()
                    .flat_map(Map::values)
                    .filter_map(Value::as_object)
                    .map(|response| {
                        let mut response = response.clone();
                        let pattern = response.shift_remove("selectionPattern");
                        let pattern = pattern.as_ref().and_then(Value::as_str);
                        let pattern = pattern.filter(|text| !text.is_empty());
                        let key = pattern.unwrap_or("default").to_owned();
                        (key, response.into())
                    })
                    .collect();
                out.insert("responses".to_owned(), responses.into());
                continue;
            }
            _ => value.clone(),
        };
        out.insert(name.clone(), value);
    }
    out
}
