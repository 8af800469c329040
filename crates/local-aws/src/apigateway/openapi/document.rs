//! An API definition as it was sent: `OpenAPI` 3 or Swagger 2, as JSON or YAML.

use serde_json::{Map, Value};

use super::yaml;
use crate::answer::Refusal;
use crate::apigateway::refusal::bad_request;

/// References may lead to references; so many are followed.
const FURTHEST: usize = 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Swagger2,
    OpenApi3,
}

#[derive(Debug)]
pub(super) struct Document {
    pub(super) version: Version,
    pub(super) root: Map<String, Value>,
}

/// What is done with the path under which the definition says that its paths are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BasePath {
    Ignore,
    Prepend,
    /// Without its first segment.
    Split,
}

/// Recorded by localstack, `test_import_api_bad_file`.
pub(super) fn invalid() -> Refusal {
    bad_request("Invalid OpenAPI input.")
}

impl Document {
    pub(super) fn read(body: &[u8]) -> Result<Self, Refusal> {
        let text = std::str::from_utf8(body).map_err(|_| invalid())?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let value = match serde_json::from_str(text) {
            Ok(value) => Some(value),
            Err(_) => yaml::read(text),
        };
        let Some(Value::Object(root)) = value else {
            return Err(invalid());
        };
        let says = |name: &str| root.get(name).and_then(scalar).unwrap_or_default();
        let version = if says("openapi").starts_with("3.") {
            Version::OpenApi3
        } else if says("swagger").starts_with('2') {
            Version::Swagger2
        } else {
            return Err(invalid());
        };
        Ok(Self { version, root })
    }

    /// A member of the root that is an object.
    pub(super) fn object(&self, name: &str) -> Option<&Map<String, Value>> {
        self.root.get(name)?.as_object()
    }

    /// What `OpenAPI` 3 keeps in `components`, and Swagger 2 in the root.
    pub(super) fn component(&self, swagger: &str, openapi: &str) -> Option<&Map<String, Value>> {
        match self.version {
            Version::Swagger2 => self.object(swagger),
            Version::OpenApi3 => self.object("components")?.get(openapi)?.as_object(),
        }
    }

    /// What a `$ref` within the document leads to; other values as they are.
    pub(super) fn resolved<'a>(&'a self, value: &'a Value) -> Option<&'a Value> {
        let mut value = value;
        for _ in 0..FURTHEST {
            let Some(reference) = value.get("$ref").and_then(Value::as_str) else {
                return Some(value);
            };
            let mut parts = reference.strip_prefix("#/")?.split('/');
            let first = self.root.get(&unescaped(parts.next()?))?;
            value = parts.try_fold(first, |value, part| value.get(unescaped(part)))?;
        }
        None
    }

    /// With a slash at its start and none at its end; empty for none.
    pub(super) fn base_path(&self, how: BasePath) -> String {
        let path = match self.version {
            Version::Swagger2 => self.root.get("basePath").and_then(Value::as_str),
            Version::OpenApi3 => self
                .root
                .get("servers")
                .and_then(|servers| servers.get(0))
                .and_then(|server| {
                    // A variable of this name is the base path, whether or not the URL has it.
                    server
                        .pointer("/variables/basePath/default")
                        .and_then(Value::as_str)
                        .or_else(|| path_of(server.get("url")?.as_str()?))
                }),
        };
        let mut segments: Vec<&str> = path
            .unwrap_or_default()
            .split('/')
            .filter(|segment| !segment.is_empty())
            .collect();
        match how {
            BasePath::Ignore => segments.clear(),
            BasePath::Prepend => {}
            BasePath::Split => {
                segments.drain(..segments.len().min(1));
            }
        }
        segments
            .iter()
            .flat_map(|segment| ["/", segment])
            .collect::<String>()
    }
}

fn path_of(url: &str) -> Option<&str> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/').map(|at| &rest[at..])
}

fn unescaped(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

/// A text, or a number or truth value as one.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document(value: &Value) -> Document {
        Document::read(value.to_string().as_bytes()).expect("a document")
    }

    #[test]
    fn what_is_no_definition_is_refused() {
        for body in [
            "",
            "{'key:value}",
            "[]",
            "{}",
            "{\"swagger\": \"1.2\"}",
            "openapi: 2.0",
            "\u{1}",
        ] {
            let refusal = Document::read(body.as_bytes()).expect_err(body);
            assert_eq!(refusal.message, "Invalid OpenAPI input.", "{body}");
        }
        assert!(Document::read(&[0xff]).is_err());
        let yaml = Document::read(b"openapi: 3.0.1\ninfo: {title: a}\n").expect("a document");
        assert_eq!(yaml.version, Version::OpenApi3);
    }

    /// Recorded by localstack, `test_import_rest_api_with_base_path_oas30`.
    #[test]
    fn base_paths_are_kept_split_or_left_out() {
        let url =
            json!({ "openapi": "3.0.1", "servers": [{ "url": "https://t.com/base-url/part/" }] });
        let variable = json!({ "openapi": "3.0.1", "servers": [
            { "url": "https://t.com", "variables": { "basePath": { "default": "/base-var" } } },
        ] });
        let swagger = json!({ "swagger": "2.0", "basePath": "/base" });
        for (document_, ignored, prepended, split) in [
            (&url, "", "/base-url/part", "/part"),
            (&variable, "", "/base-var", ""),
            (&swagger, "", "/base", ""),
            (&json!({ "swagger": "2.0" }), "", "", ""),
        ] {
            let document = document(document_);
            assert_eq!(document.base_path(BasePath::Ignore), ignored);
            assert_eq!(document.base_path(BasePath::Prepend), prepended);
            assert_eq!(document.base_path(BasePath::Split), split);
        }
    }

    #[test]
    fn references_are_followed_but_not_for_ever() {
        let document = document(&json!({
            "swagger": "2.0",
            "parameters": { "a/b": { "name": "n" }, "loop": { "$ref": "#/parameters/loop" } },
        }));
        let found = |reference: &str| {
            let value = json!({ "$ref": reference });
            document.resolved(&value).cloned()
        };
        assert_eq!(found("#/parameters/a~1b"), Some(json!({ "name": "n" })));
        assert_eq!(found("#/parameters/loop"), None);
        assert_eq!(found("other.yaml#/x"), None);
        assert_eq!(found("#/parameters/none"), None);
    }
}
