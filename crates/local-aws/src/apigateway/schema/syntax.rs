//! Checks that API Gateway takes a model's schema.

use std::collections::{BTreeMap, BTreeSet};

use regex_lite::Regex;
use serde_json::{Map, Value};

use super::super::refusal::{bad_request, unsupported};
use super::model_of;
use crate::answer::Refusal;

/// Of draft 4. What else there is, is refused (aws/aws-cdk#14585, clouddrove/terraform-aws-api-gateway#30).
const KEYWORDS: &[&str] = &[
    "$ref",
    "$schema",
    "additionalItems",
    "additionalProperties",
    "allOf",
    "anyOf",
    "default",
    "definitions",
    "dependencies",
    "description",
    "enum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "id",
    "items",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "not",
    "oneOf",
    "pattern",
    "patternProperties",
    "properties",
    "required",
    "title",
    "type",
    "uniqueItems",
];
const TYPES: &[&str] = &[
    "array", "boolean", "integer", "null", "number", "object", "string",
];
/// "`CreateModel`": 400 KB.
const LARGEST: usize = 400 * 1024;

/// Refuses a schema that is none; `models` are the names of the API's models.
pub(in super::super) fn check<T>(text: &str, models: &BTreeMap<String, T>) -> Result<(), Refusal> {
    if text.len() > LARGEST {
        return Err(bad_request("Model schema can be at most 400 KB"));
    }
    let Ok(schema) = serde_json::from_str::<Value>(text) else {
        return Err(invalid(&["Invalid model schema specified".to_owned()]));
    };
    let mut syntax = Syntax::default();
    syntax.schema(&schema);
    let mut errors = Vec::new();
    if syntax.is_wrong {
        errors.push("Invalid model schema specified".to_owned());
    } else if !syntax.unsupported.is_empty() {
        let keywords: Vec<&str> = syntax.unsupported.iter().map(String::as_str).collect();
        errors.push(format!(
            "Invalid model schema specified. Unsupported keyword(s): {}",
            Value::from(keywords)
        ));
    }
    if syntax.has_foreign_reference {
        errors.push("Model reference must be in canonical form".to_owned());
    }
    for name in &syntax.references {
        if !models.contains_key(name) {
            errors.push(format!("Invalid model reference specified: {name}"));
        }
    }
    if !errors.is_empty() {
        return Err(invalid(&errors));
    }
    match syntax.pattern {
        Some(pattern) => Err(unsupported(&format!("the pattern `{pattern}` in models"))),
        None => Ok(()),
    }
}

fn invalid(errors: &[String]) -> Refusal {
    bad_request(format!(
        "Invalid model specified: Validation Result: warnings : [], errors : [{}]",
        errors.join(", ")
    ))
}

#[derive(Default)]
struct Syntax {
    is_wrong: bool,
    unsupported: BTreeSet<String>,
    /// Something refers to what is neither a part of the schema nor another model.
    has_foreign_reference: bool,
    /// Other models.
    references: BTreeSet<String>,
    /// One that is not understood here: with a look ahead, say.
    pattern: Option<String>,
}

impl Syntax {
    fn schema(&mut self, schema: &Value) {
        let Some(schema) = schema.as_object() else {
            self.is_wrong = true;
            return;
        };
        for (keyword, value) in schema {
            if KEYWORDS.contains(&keyword.as_str()) {
                self.is_wrong |= !self.keyword(keyword, value);
            } else {
                self.unsupported.insert(keyword.clone());
            }
        }
        for (strict, bound) in [
            ("exclusiveMinimum", "minimum"),
            ("exclusiveMaximum", "maximum"),
        ] {
            self.is_wrong |= schema.contains_key(strict) && !schema.contains_key(bound);
        }
    }

    /// Returns false if the keyword cannot have this value.
    fn keyword(&mut self, keyword: &str, value: &Value) -> bool {
        match keyword {
            "$ref" => self.reference(value),
            "$schema" | "id" | "title" | "description" | "format" => value.is_string(),
            "type" => is_type(value),
            "enum" => is_set(value),
            "required" => is_set(value) && all_texts(value),
            "exclusiveMaximum" | "exclusiveMinimum" | "uniqueItems" => value.is_boolean(),
            "maximum" | "minimum" => value.is_number(),
            "multipleOf" => value.as_f64().is_some_and(|number| number > 0.0),
            "maxItems" | "maxLength" | "maxProperties" | "minItems" | "minLength"
            | "minProperties" => value.is_u64(),
            "pattern" => {
                self.pattern(value.as_str());
                value.is_string()
            }
            "allOf" | "anyOf" | "oneOf" => {
                let schemas = value.as_array().filter(|schemas| !schemas.is_empty());
                schemas
                    .into_iter()
                    .flatten()
                    .for_each(|schema| self.schema(schema));
                schemas.is_some()
            }
            "not" => {
                self.schema(value);
                true
            }
            "additionalItems" | "additionalProperties" => {
                if !value.is_boolean() {
                    self.schema(value);
                }
                true
            }
            "items" => {
                match value.as_array() {
                    Some(schemas) => schemas.iter().for_each(|schema| self.schema(schema)),
                    None => self.schema(value),
                }
                true
            }
            "definitions" | "properties" | "patternProperties" => self.members(keyword, value),
            "dependencies" => self.dependencies(value),
            _ => true,
        }
    }

    fn members(&mut self, keyword: &str, value: &Value) -> bool {
        let members = value.as_object();
        for (name, schema) in members.into_iter().flatten() {
            if keyword == "patternProperties" {
                self.pattern(Some(name));
            }
            self.schema(schema);
        }
        members.is_some()
    }

    fn dependencies(&mut self, value: &Value) -> bool {
        let members: Option<&Map<String, Value>> = value.as_object();
        let mut fits = members.is_some();
        for needs in members.into_iter().flat_map(Map::values) {
            if needs.is_array() {
                fits &= is_set(needs) && all_texts(needs);
            } else {
                self.schema(needs);
            }
        }
        fits
    }

    fn pattern(&mut self, pattern: Option<&str>) {
        if let Some(pattern) = pattern
            && Regex::new(pattern).is_err()
        {
            self.pattern = Some(pattern.to_owned());
        }
    }

    fn reference(&mut self, value: &Value) -> bool {
        let Some(reference) = value.as_str() else {
            return false;
        };
        if let Some(name) = model_of(reference) {
            self.references.insert(name.to_owned());
            return true;
        }
        if reference.starts_with('#') {
            return true;
        }
        self.has_foreign_reference = true;
        // One that is no URI is no reference at all (Dropsource/serverless-todo-api-example-complete#3).
        !reference.contains(|c: char| c.is_whitespace() || "{}<>".contains(c))
    }
}

fn is_type(value: &Value) -> bool {
    let is_known = |name: &Value| name.as_str().is_some_and(|name| TYPES.contains(&name));
    match value {
        Value::Array(names) => is_set(value) && names.iter().all(is_known),
        name => is_known(name),
    }
}

/// Neither empty nor with a value twice (aws/aws-cdk#27433, #18715).
fn is_set(value: &Value) -> bool {
    value.as_array().is_some_and(|values| {
        let texts: BTreeSet<String> = values.iter().map(Value::to_string).collect();
        !values.is_empty() && texts.len() == values.len()
    })
}

fn all_texts(value: &Value) -> bool {
    value
        .as_array()
        .is_some_and(|values| values.iter().all(Value::is_string))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(schema: &str) -> Option<String> {
        let models = BTreeMap::from([("Item".to_owned(), 1)]);
        check(schema, &models).err().map(|refusal| refusal.message)
    }

    fn errors(schema: &str) -> Option<String> {
        let message = refused(schema)?;
        let rest = message.strip_prefix(
            "Invalid model specified: Validation Result: warnings : [], errors : [",
        )?;
        Some(rest.strip_suffix(']')?.to_owned())
    }

    #[test]
    fn schemas_that_are_none_are_refused() {
        const PLAIN: &str = "Invalid model schema specified";
        for schema in [
            "{",
            "1",
            r#"{"required":[]}"#,
            r#"{"enum":["a","a"]}"#,
            r#"{"type":"text"}"#,
            r#"{"properties":{"a":1}}"#,
            r#"{"items":{"minimum":"1"}}"#,
            r#"{"exclusiveMinimum":true}"#,
        ] {
            assert_eq!(errors(schema).as_deref(), Some(PLAIN), "{schema}");
        }
        assert_eq!(
            errors(r#"{"$id":"x","properties":{"a":{"const":1}}}"#).as_deref(),
            Some("Invalid model schema specified. Unsupported keyword(s): [\"$id\",\"const\"]")
        );
        assert_eq!(
            errors(r#"{"$ref":"{{model: A}}"}"#).as_deref(),
            Some("Invalid model schema specified, Model reference must be in canonical form")
        );
        assert_eq!(
            errors(r#"{"items":{"$ref":"https://apigateway.amazonaws.com/restapis/a/models/No"}}"#)
                .as_deref(),
            Some("Invalid model reference specified: No")
        );
        assert_eq!(
            refused(r#"{"pattern":"(?=a)"}"#).as_deref(),
            Some("The local AWS does not support the pattern `(?=a)` in models")
        );
    }

    #[test]
    fn schemas_of_draft_4_are_taken() {
        for schema in [
            "{}",
            r##"{"$schema":"http://json-schema.org/draft-04/schema#","title":"A","type":"object","definitions":{"a":{}},
               "properties":{"const":{"$ref":"#/definitions/a"}},"required":["const"],"additionalProperties":false}"##,
            r#"{"items":{"$ref":"https://apigateway.amazonaws.com/restapis/a/models/Item"}}"#,
            r#"{"type":["string","null"],"dependencies":{"a":["b"],"c":{"minProperties":1}}}"#,
        ] {
            assert_eq!(refused(schema), None, "{schema}");
        }
    }
}
