//! References between models: within a definition, and by the URLs that API Gateway keeps.

use serde_json::Value;

/// Before the API's id.
const URL: &str = "https://apigateway.amazonaws.com/restapis/";

/// The name of the model that a reference within a definition leads to.
pub(super) fn model_of(reference: &str) -> Option<&str> {
    let name = reference
        .strip_prefix("#/definitions/")
        .or_else(|| reference.strip_prefix("#/components/schemas/"))?;
    (!name.is_empty() && !name.contains('/')).then_some(name)
}

/// What `OpenAPI` says of schemas beyond JSON schemas, and API Gateway has no use for ("Amazon API Gateway important
/// notes").
const IGNORED: [&str; 9] = [
    "deprecated",
    "discriminator",
    "example",
    "examples",
    "externalDocs",
    "nullable",
    "readOnly",
    "writeOnly",
    "xml",
];

/// A schema as it is kept for `api`: its references are URLs, its required members in order (recorded by localstack,
/// `test_import_with_circular_models`).
pub(super) fn kept(schema: &Value, api: &str) -> Value {
    let change = Change {
        reference: &|reference| model_of(reference).map(|name| format!("{URL}{api}/models/{name}")),
        leaves_out: true,
    };
    change.schema(schema)
}

/// A schema as an export has it; `to` is what comes before the names of models.
pub(super) fn exported(schema: &Value, to: &str) -> Value {
    let change = Change {
        reference: &|reference| {
            let (_, name) = reference.strip_prefix(URL)?.split_once("/models/")?;
            Some(format!("{to}{name}"))
        },
        leaves_out: false,
    };
    change.schema(schema)
}

struct Change<'a> {
    reference: &'a dyn Fn(&str) -> Option<String>,
    /// True if what is ignored goes.
    leaves_out: bool,
}

impl Change<'_> {
    fn schema(&self, schema: &Value) -> Value {
        match schema {
            Value::Object(members) => members
                .iter()
                .filter(|(name, _)| {
                    let is_ignored = IGNORED.contains(&name.as_str()) || name.starts_with("x-");
                    !(self.leaves_out && is_ignored)
                })
                .map(|(name, value)| (name.clone(), self.member(name, value)))
                .collect(),
            Value::Array(list) => list.iter().map(|value| self.schema(value)).collect(),
            value => value.clone(),
        }
    }

    fn member(&self, name: &str, value: &Value) -> Value {
        match (name, value) {
            ("$ref", Value::String(text)) => (self.reference)(text)
                .unwrap_or_else(|| text.clone())
                .into(),
            ("required", Value::Array(names)) if names.iter().all(Value::is_string) => {
                let mut names = names.clone();
                names.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
                names.into()
            }
            ("default" | "enum", value) => value.clone(),
            // Names that are no keywords.
            ("properties" | "patternProperties" | "definitions", Value::Object(members)) => members
                .iter()
                .map(|(name, value)| (name.clone(), self.schema(value)))
                .collect(),
            (_, value) => self.schema(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_of_no_use_is_left_out() {
        let sent = json!({
            "type": "object", "example": {}, "x-own": 1,
            "properties": { "example": { "type": "string", "nullable": true } },
            "enum": [{ "example": 1 }],
        });
        assert_eq!(
            kept(&sent, "abc"),
            json!({
                "type": "object",
                "properties": { "example": { "type": "string" } },
                "enum": [{ "example": 1 }],
            })
        );
    }

    #[test]
    fn references_become_urls_and_back() {
        let sent = json!({
            "type": "array", "items": { "$ref": "#/definitions/Pet" }, "required": ["b", "a"],
        });
        let kept = kept(&sent, "abc");
        assert_eq!(
            kept,
            json!({
                "type": "array",
                "items": { "$ref": "https://apigateway.amazonaws.com/restapis/abc/models/Pet" },
                "required": ["a", "b"],
            })
        );
        assert_eq!(
            exported(&kept, "#/components/schemas/")["items"]["$ref"],
            "#/components/schemas/Pet"
        );
    }
}
