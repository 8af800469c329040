//! Paths and their operations: what each says of a method.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::document::{Document, Version, scalar};
use super::parts::{Method, Model, Parts, Path, Response};
use super::{integration, schema, security};
use crate::ids;

const VERBS: [(&str, &str); 8] = [
    ("get", "GET"),
    ("put", "PUT"),
    ("post", "POST"),
    ("delete", "DELETE"),
    ("options", "OPTIONS"),
    ("head", "HEAD"),
    ("patch", "PATCH"),
    ("x-amazon-apigateway-any-method", "ANY"),
];
const JSON: &str = "application/json";

/// The paths of a document under `base`.
pub(super) fn read(document: &Document, base: &str, parts: &mut Parts) {
    let default_validator = document
        .root
        .get("x-amazon-apigateway-request-validator")
        .and_then(scalar);
    for (path, item) in document.object("paths").into_iter().flatten() {
        if path.starts_with("x-") {
            continue;
        }
        let full = format!("{base}/{}", path.trim_start_matches('/'));
        let Some(item) = document.resolved(item).and_then(Value::as_object) else {
            let warning = format!("Unable to read the path item at '{path}'");
            parts.warnings.push(warning);
            continue;
        };
        if item.contains_key("trace") {
            let warning = format!("Ignoring method 'TRACE' for resource at path '{path}'");
            parts.warnings.push(warning);
        }
        let mut methods = Vec::new();
        for (member, verb) in VERBS {
            if let Some(operation) = item.get(member) {
                let mut reader = Reader {
                    document,
                    parts: &mut *parts,
                    path: &full,
                    item,
                    operation,
                    method: Method {
                        verb: verb.to_owned(),
                        ..Method::default()
                    },
                };
                reader.read();
                let mut method = reader.method;
                if method.validator.is_none() {
                    method.validator.clone_from(&default_validator);
                }
                methods.push(method);
            }
        }
        parts.paths.push(Path {
            path: full,
            methods,
        });
    }
}

struct Reader<'a> {
    document: &'a Document,
    parts: &'a mut Parts,
    path: &'a str,
    item: &'a Map<String, Value>,
    operation: &'a Value,
    method: Method,
}

impl Reader<'_> {
    fn read(&mut self) {
        let operation = self.operation;
        self.method.operation_name = operation.get("operationId").and_then(scalar);
        self.method.validator = operation
            .get("x-amazon-apigateway-request-validator")
            .and_then(scalar);
        (self.method.authorization, self.method.api_key_required) =
            security::of(self.document, operation);
        self.parameters();
        self.request_body();
        self.responses();
        let extension = operation
            .get("x-amazon-apigateway-integration")
            .and_then(|extension| self.document.resolved(extension))
            .and_then(Value::as_object);
        match extension.map(integration::read) {
            None => {}
            Some(Ok(record)) => self.method.integration = Some(record),
            Some(Err(why)) => self.parts.errors.push(format!(
                "Unable to put integration on '{}' for resource at path '{}': {why}",
                self.method.verb, self.path
            )),
        }
    }

    fn warn(&mut self, what: &str) {
        let warning = format!(
            "Ignoring {what} of method '{}' for resource at path '{}'",
            self.method.verb, self.path
        );
        self.parts.warnings.push(warning);
    }

    /// Those of the operation go before those of the path; variables of the path are parameters without being listed.
    fn parameters(&mut self) {
        let own = self.operation.get("parameters").and_then(Value::as_array);
        let shared = self.item.get("parameters").and_then(Value::as_array);
        for parameter in shared.into_iter().chain(own).flatten() {
            let Some(parameter) = self.document.resolved(parameter) else {
                self.warn("a parameter that leads nowhere");
                continue;
            };
            let text = |member: &str| parameter.get(member).and_then(Value::as_str);
            let name = text("name").unwrap_or_default();
            let place = match text("in") {
                Some("query") => "querystring",
                Some("header") => "header",
                Some("path") => "path",
                Some("body") => {
                    self.body_parameter(parameter);
                    continue;
                }
                place => {
                    let place = place.unwrap_or("no place");
                    self.warn(&format!("the parameter '{name}' in {place}"));
                    continue;
                }
            };
            let is_required = parameter
                .get("required")
                .and_then(Value::as_bool)
                .unwrap_or(false);
            let key = format!("method.request.{place}.{name}");
            self.method
                .request_parameters
                .insert(key, is_required || place == "path");
        }
        for variable in self.path.split('/').filter_map(|segment| {
            let name = segment.strip_prefix('{')?.strip_suffix('}')?;
            Some(name.strip_suffix('+').unwrap_or(name))
        }) {
            let key = format!("method.request.path.{variable}");
            self.method.request_parameters.insert(key, true);
        }
    }

    /// Of Swagger 2.
    fn body_parameter(&mut self, parameter: &Value) {
        let Some(model) = parameter.get("schema").and_then(|it| self.model(it)) else {
            return;
        };
        for kind in self.media_types("consumes") {
            self.method.request_models.insert(kind, model.clone());
        }
    }

    /// Of `OpenAPI` 3.
    fn request_body(&mut self) {
        let content = self
            .operation
            .get("requestBody")
            .and_then(|body| self.document.resolved(body))
            .and_then(|body| body.get("content"))
            .and_then(Value::as_object);
        let models = self.models(content);
        self.method.request_models.extend(models);
    }

    /// Responses by a status alone are of a method: `default` and `4XX` are none.
    fn responses(&mut self) {
        let responses = self.operation.get("responses").and_then(Value::as_object);
        for (status, response) in responses.into_iter().flatten() {
            let is_status = status.len() == 3 && status.bytes().all(|byte| byte.is_ascii_digit());
            if !is_status {
                continue;
            }
            let Some(response) = self.document.resolved(response) else {
                self.warn(&format!("the response {status}, which leads nowhere"));
                continue;
            };
            let headers = response.get("headers").and_then(Value::as_object);
            let parameters = headers
                .into_iter()
                .flat_map(Map::keys)
                .map(|name| (format!("method.response.header.{name}"), false))
                .collect();
            let models = if self.document.version == Version::Swagger2 {
                match response.get("schema").and_then(|schema| self.model(schema)) {
                    Some(model) => self
                        .media_types("produces")
                        .into_iter()
                        .map(|kind| (kind, model.clone()))
                        .collect(),
                    None => BTreeMap::new(),
                }
            } else {
                self.models(response.get("content").and_then(Value::as_object))
            };
            self.method
                .responses
                .insert(status.clone(), Response { parameters, models });
        }
    }

    fn models(&mut self, content: Option<&Map<String, Value>>) -> BTreeMap<String, String> {
        content
            .into_iter()
            .flatten()
            .filter_map(|(kind, media)| Some((kind.clone(), self.model(media.get("schema")?)?)))
            .collect()
    }

    /// The name of the model of a schema: the one that it refers to, or a new one.
    fn model(&mut self, value: &Value) -> Option<String> {
        match value.get("$ref").and_then(Value::as_str) {
            Some(reference) => {
                let name = schema::model_of(reference).map(str::to_owned);
                if name.is_none() {
                    self.warn(&format!("the schema '{reference}', which leads nowhere"));
                }
                name
            }
            None if value.as_object().is_some_and(|schema| !schema.is_empty()) => {
                let name = format!("MODEL{}", ids::hex(6));
                self.parts.models.push(Model {
                    name: name.clone(),
                    description: None,
                    schema: value.clone(),
                });
                Some(name)
            }
            None => None,
        }
    }

    /// `consumes` or `produces`, of the operation or of the document; JSON if neither says.
    fn media_types(&self, member: &str) -> Vec<String> {
        let listed = self
            .operation
            .get(member)
            .or_else(|| self.document.root.get(member))
            .and_then(Value::as_array)
            .map(|list| list.iter().filter_map(scalar).collect::<Vec<_>>())
            .unwrap_or_default();
        if listed.is_empty() {
            vec![JSON.to_owned()]
        } else {
            listed
        }
    }
}
