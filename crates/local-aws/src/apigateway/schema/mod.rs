//! JSON Schema, draft 4: whether a request's body is as its model says.
//!
//! The faults are in the words of the validator that API Gateway uses (`$context.error.validationErrorString` and its execution
//! logs show them).

mod format;
pub(super) mod syntax;
mod values;

use std::collections::{BTreeMap, HashSet};

use regex_lite::Regex;
use serde_json::{Map, Value};

use values::{canonical, general, limit, listed, names, number, sorted, string};

/// What a reference to another model of the same API starts with; the API's id and the model's name follow.
const MODELS: &str = "https://apigateway.amazonaws.com/restapis/";
/// The number of schemas that may lead from one to the next.
const DEEPEST: usize = 200;
/// The number of schemas that may be looked at for one body.
const MOST_STEPS: usize = 200_000;

/// The schemas of an API's models, by the models' names.
#[derive(Debug, Default)]
pub(super) struct Schemas(BTreeMap<String, Value>);

/// The model that a reference names.
pub(super) fn model_of(reference: &str) -> Option<&str> {
    let (address, _) = reference.split_once('#').unwrap_or((reference, ""));
    let (api, name) = address.strip_prefix(MODELS)?.split_once("/models/")?;
    (!api.is_empty() && !name.is_empty() && !name.contains('/')).then_some(name)
}

impl Schemas {
    pub(super) fn new(schemas: impl IntoIterator<Item = (String, Value)>) -> Self {
        Self(schemas.into_iter().collect())
    }

    /// What is wrong with `instance` by the model `name`; nothing is by a model that is not there.
    pub(super) fn faults(&self, name: &str, instance: &Value) -> Vec<String> {
        let Some(schema) = self.0.get(name) else {
            return Vec::new();
        };
        let mut check = Check {
            schemas: self,
            steps: 0,
        };
        let at = Place {
            schema,
            document: schema,
            depth: 0,
        };
        check.faults(at, instance)
    }
}

/// A schema and the document that it is part of.
#[derive(Clone, Copy)]
struct Place<'a> {
    schema: &'a Value,
    document: &'a Value,
    depth: usize,
}

impl<'a> Place<'a> {
    fn below(self, schema: &'a Value) -> Self {
        Self {
            schema,
            depth: self.depth + 1,
            ..self
        }
    }
}

struct Check<'a> {
    schemas: &'a Schemas,
    steps: usize,
}

impl<'a> Check<'a> {
    fn faults(&mut self, at: Place<'a>, instance: &Value) -> Vec<String> {
        self.steps += 1;
        if at.depth > DEEPEST || self.steps > MOST_STEPS {
            return vec!["the schema refers to itself without an end".to_owned()];
        }
        let Some(schema) = at.schema.as_object() else {
            return Vec::new();
        };
        // Beside a reference, nothing counts.
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            return match self.referred(at, reference) {
                Some(target) => self.faults(target, instance),
                None => vec![format!("the reference {reference} leads to no schema")],
            };
        }
        let mut faults = general(schema, instance);
        self.combined(at, schema, instance, &mut faults);
        match instance {
            Value::Object(members) => self.object(at, schema, members, &mut faults),
            Value::Array(items) => self.array(at, schema, items, &mut faults),
            Value::String(text) => string(schema, text, &mut faults),
            Value::Number(_) => number(schema, instance, &mut faults),
            Value::Null | Value::Bool(_) => {}
        }
        faults
    }

    fn referred(&self, at: Place<'a>, reference: &str) -> Option<Place<'a>> {
        let (address, pointer) = reference.split_once('#').unwrap_or((reference, ""));
        let document = if address.is_empty() {
            at.document
        } else {
            self.schemas.0.get(model_of(address)?)?
        };
        Some(Place {
            schema: document.pointer(pointer)?,
            document,
            depth: at.depth + 1,
        })
    }

    fn fits(&mut self, at: Place<'a>, instance: &Value) -> bool {
        self.faults(at, instance).is_empty()
    }

    fn combined(
        &mut self,
        at: Place<'a>,
        schema: &'a Map<String, Value>,
        instance: &Value,
        faults: &mut Vec<String>,
    ) {
        let all = |name: &str| schema.get(name).and_then(Value::as_array);
        if let Some(schemas) = all("allOf") {
            let count = self.fitting(at, schemas, instance);
            if count != schemas.len() {
                faults.push(format!(
                    "instance failed to match all required schemas (matched only {count} out of {})",
                    schemas.len()
                ));
            }
        }
        if let Some(schemas) = all("anyOf")
            && self.fitting(at, schemas, instance) == 0
        {
            faults.push(format!(
                "instance failed to match at least one required schema among {}",
                schemas.len()
            ));
        }
        if let Some(schemas) = all("oneOf") {
            let count = self.fitting(at, schemas, instance);
            if count != 1 {
                faults.push(format!(
                    "instance failed to match exactly one schema (matched {count} out of {})",
                    schemas.len()
                ));
            }
        }
        if let Some(not) = schema.get("not")
            && self.fits(at.below(not), instance)
        {
            faults.push("instance matched a schema which it should not have".to_owned());
        }
    }

    fn fitting(&mut self, at: Place<'a>, schemas: &'a [Value], instance: &Value) -> usize {
        schemas
            .iter()
            .filter(|schema| self.fits(at.below(schema), instance))
            .count()
    }

    fn object(
        &mut self,
        at: Place<'a>,
        schema: &'a Map<String, Value>,
        members: &Map<String, Value>,
        faults: &mut Vec<String>,
    ) {
        let (count, least) = (members.len() as u64, limit(schema, "minProperties"));
        if let Some(least) = least.filter(|least| count < *least) {
            faults.push(format!(
                "object has too few properties (found {count} but schema requires at least {least})"
            ));
        }
        if let Some(most) = limit(schema, "maxProperties").filter(|most| count > *most) {
            faults.push(format!(
                "object has too many properties (found {count} but schema requires at most {most})"
            ));
        }
        let required = schema.get("required").and_then(Value::as_array);
        let missing = sorted(names(required).filter(|name| !members.contains_key(*name)));
        if !missing.is_empty() {
            faults.push(format!(
                "object has missing required properties ({})",
                listed(&missing)
            ));
        }
        self.dependencies(at, schema, members, faults);
        let properties = schema.get("properties").and_then(Value::as_object);
        let patterns: Vec<(Regex, &Value)> = schema
            .get("patternProperties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .filter_map(|(pattern, schema)| Some((Regex::new(pattern).ok()?, schema)))
            .collect();
        let additional = schema.get("additionalProperties");
        let mut unknown = Vec::new();
        for (name, value) in members {
            let mut is_known = false;
            if let Some(schema) = properties.and_then(|properties| properties.get(name)) {
                is_known = true;
                faults.extend(self.faults(at.below(schema), value));
            }
            for (_, schema) in patterns
                .iter()
                .filter(|(pattern, _)| pattern.is_match(name))
            {
                is_known = true;
                faults.extend(self.faults(at.below(schema), value));
            }
            match additional {
                _ if is_known => {}
                Some(Value::Bool(false)) => unknown.push(name.as_str()),
                Some(schema) => faults.extend(self.faults(at.below(schema), value)),
                None => {}
            }
        }
        if !unknown.is_empty() {
            faults.push(format!(
                "object instance has properties which are not allowed by the schema: {}",
                listed(&sorted(unknown.into_iter()))
            ));
        }
    }

    fn dependencies(
        &mut self,
        at: Place<'a>,
        schema: &'a Map<String, Value>,
        members: &Map<String, Value>,
        faults: &mut Vec<String>,
    ) {
        let dependencies = schema.get("dependencies").and_then(Value::as_object);
        for (name, needs) in dependencies.into_iter().flatten() {
            if !members.contains_key(name) {
                continue;
            }
            let Some(required) = needs.as_array() else {
                let whole = Value::Object(members.clone());
                faults.extend(self.faults(at.below(needs), &whole));
                continue;
            };
            let missing = sorted(names(Some(required)).filter(|name| !members.contains_key(*name)));
            if !missing.is_empty() {
                faults.push(format!(
                    "property \"{name}\" of object has missing property dependencies (schema requires {}; missing: {})",
                    listed(&sorted(names(Some(required)))),
                    listed(&missing)
                ));
            }
        }
    }

    fn array(
        &mut self,
        at: Place<'a>,
        schema: &'a Map<String, Value>,
        items: &[Value],
        faults: &mut Vec<String>,
    ) {
        let count = items.len() as u64;
        if let Some(least) = limit(schema, "minItems").filter(|least| count < *least) {
            faults.push(format!(
                "array is too short: must have at least {least} elements but instance has {count} elements"
            ));
        }
        if let Some(most) = limit(schema, "maxItems").filter(|most| count > *most) {
            faults.push(format!(
                "array is too long: must have at most {most} elements but instance has {count} elements"
            ));
        }
        if schema.get("uniqueItems") == Some(&Value::Bool(true)) {
            let mut seen = HashSet::new();
            if !items.iter().all(|item| seen.insert(canonical(item))) {
                faults.push("array must not contain duplicate elements".to_owned());
            }
        }
        match schema.get("items") {
            Some(Value::Array(schemas)) => {
                let additional = schema.get("additionalItems");
                for (index, item) in items.iter().enumerate() {
                    match (schemas.get(index), additional) {
                        (Some(schema), _) => faults.extend(self.faults(at.below(schema), item)),
                        (None, Some(schema)) if schema.is_object() => {
                            faults.extend(self.faults(at.below(schema), item));
                        }
                        _ => {}
                    }
                }
                if additional == Some(&Value::Bool(false)) && items.len() > schemas.len() {
                    faults.push(format!(
                        "array only allows {} elements but instance has {count} elements",
                        schemas.len()
                    ));
                }
            }
            Some(schema) => {
                for item in items {
                    faults.extend(self.faults(at.below(schema), item));
                }
            }
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn faults(schema: Value, instance: &Value) -> Vec<String> {
        Schemas::new([("A".to_owned(), schema)]).faults("A", instance)
    }

    fn counts(schema: &Value, good: &Value, bad: &Value) {
        let none = Vec::<String>::new();
        assert_eq!(faults(schema.clone(), good), none, "{schema}");
        assert_ne!(faults(schema.clone(), bad), none, "{schema}");
    }

    #[test]
    fn every_keyword_of_objects_and_lists_counts() {
        for (schema, good, bad) in [
            (json!({ "type": "integer" }), json!(1), json!(1.5)),
            (json!({ "type": "number" }), json!(1), json!("1")),
            (
                json!({ "type": ["string", "null"] }),
                json!(null),
                json!(true),
            ),
            (
                json!({ "enum": [1, "a", { "x": 1, "y": 2 }] }),
                json!({ "y": 2, "x": 1 }),
                json!(2),
            ),
            (json!({ "enum": [1] }), json!(1.0), json!("1")),
            (
                json!({ "required": ["a"] }),
                json!({ "a": null }),
                json!({ "b": 1 }),
            ),
            (
                json!({ "properties": { "a": { "type": "string" } } }),
                json!({ "a": "" }),
                json!({ "a": 1 }),
            ),
            (
                json!({ "additionalProperties": false, "properties": { "a": {} } }),
                json!({ "a": 1 }),
                json!({ "b": 1 }),
            ),
            (
                json!({ "additionalProperties": { "type": "string" } }),
                json!({ "a": "" }),
                json!({ "b": 1 }),
            ),
            (
                json!({ "patternProperties": { "^x": { "type": "string" } }, "additionalProperties": false }),
                json!({ "x1": "" }),
                json!({ "x1": 1 }),
            ),
            (json!({ "minProperties": 1 }), json!({ "a": 1 }), json!({})),
            (
                json!({ "maxProperties": 1 }),
                json!({ "a": 1 }),
                json!({ "a": 1, "b": 1 }),
            ),
            (
                json!({ "dependencies": { "a": ["b"] } }),
                json!({ "b": 1 }),
                json!({ "a": 1 }),
            ),
            (
                json!({ "dependencies": { "a": { "required": ["b"] } } }),
                json!({ "a": 1, "b": 1 }),
                json!({ "a": 1 }),
            ),
            (
                json!({ "items": { "type": "string" } }),
                json!(["a"]),
                json!([1]),
            ),
            (
                json!({ "items": [{ "type": "string" }], "additionalItems": false }),
                json!(["a"]),
                json!(["a", 1]),
            ),
            (json!({ "minItems": 2 }), json!([1, 2]), json!([1])),
            (json!({ "maxItems": 1 }), json!([1]), json!([1, 2])),
            (
                json!({ "uniqueItems": true }),
                json!([1, "1"]),
                json!([1, 1.0]),
            ),
        ] {
            counts(&schema, &good, &bad);
        }
    }

    #[test]
    fn every_keyword_of_single_values_and_of_other_schemas_counts() {
        for (schema, good, bad) in [
            (json!({ "minLength": 2 }), json!("äö"), json!("ä")),
            (json!({ "maxLength": 1 }), json!("ä"), json!("ab")),
            (json!({ "pattern": "^a+$" }), json!("aa"), json!("ab")),
            (json!({ "format": "email" }), json!("a@b.c"), json!("a")),
            (json!({ "minimum": 1 }), json!(1), json!(0.9)),
            (
                json!({ "minimum": 1, "exclusiveMinimum": true }),
                json!(2),
                json!(1),
            ),
            (json!({ "maximum": 1 }), json!(1), json!(2)),
            (
                json!({ "maximum": 1, "exclusiveMaximum": true }),
                json!(0),
                json!(1),
            ),
            (json!({ "multipleOf": 0.1 }), json!(0.3), json!(0.35)),
            (
                json!({ "allOf": [{ "minimum": 1 }, { "maximum": 2 }] }),
                json!(1),
                json!(3),
            ),
            (
                json!({ "anyOf": [{ "maximum": 1 }, { "minimum": 3 }] }),
                json!(3),
                json!(2),
            ),
            (
                json!({ "oneOf": [{ "maximum": 3 }, { "minimum": 2 }] }),
                json!(1),
                json!(2),
            ),
            (json!({ "not": { "type": "string" } }), json!(1), json!("a")),
            (
                json!({ "definitions": { "d": { "type": "string" } }, "items": { "$ref": "#/definitions/d" } }),
                json!(["a"]),
                json!([1]),
            ),
        ] {
            counts(&schema, &good, &bad);
        }
    }

    #[test]
    fn faults_are_told_together() {
        let schema = json!({
            "type": "object", "required": ["b", "a"],
            "properties": { "c": { "type": "number" } },
        });
        assert_eq!(
            faults(schema, &json!({ "c": "x" })),
            [
                "object has missing required properties ([\"a\",\"b\"])",
                "instance type (string) does not match any allowed primitive type (allowed: [\"integer\",\"number\"])",
            ]
        );
    }

    #[test]
    fn models_refer_to_each_other() {
        let schemas = Schemas::new([
            (
                "Item".to_owned(),
                json!({ "type": "object", "required": ["id"] }),
            ),
            (
                "Items".to_owned(),
                json!({ "items": { "$ref": "https://apigateway.amazonaws.com/restapis/abc/models/Item" } }),
            ),
        ]);
        assert!(schemas.faults("Items", &json!([{ "id": 1 }])).is_empty());
        assert_eq!(schemas.faults("Items", &json!([{}])).len(), 1);
        assert_eq!(
            model_of("https://apigateway.amazonaws.com/restapis//models/Item"),
            None
        );
    }

    #[test]
    fn a_schema_without_an_end_ends() {
        assert!(!faults(json!({ "$ref": "#" }), &json!(1)).is_empty());
        let twice = json!({ "anyOf": [{ "$ref": "#" }, { "$ref": "#" }] });
        assert!(!faults(twice, &json!(1)).is_empty());
        let tree = json!({
            "type": "object",
            "properties": { "a": { "allOf": [{ "$ref": "#" }, { "$ref": "#" }, { "$ref": "#" }] } },
        });
        let mut deep = json!({});
        for _ in 0..40 {
            deep = json!({ "a": deep });
        }
        assert!(!faults(tree, &deep).is_empty());
    }
}
