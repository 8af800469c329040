//! What is made from models' schemas: one without references to others, and a mapping template.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::model::Models;
use super::schema::model_of;

/// The depth of a sample where schemas refer to each other without an end.
const DEEPEST: usize = 8;

/// Returns true if the schema refers to the model `name`.
pub(super) fn refers(schema: &Value, name: &str) -> bool {
    match schema {
        Value::Object(members) => members.iter().any(|(key, value)| {
            let model = value.as_str().filter(|_| key == "$ref").and_then(model_of);
            model == Some(name) || refers(value, name)
        }),
        Value::Array(values) => values.iter().any(|value| refers(value, name)),
        _ => false,
    }
}

/// The schema with all models that it refers to, and those that they refer to, among its definitions.
pub(super) fn flattened(mut schema: Value, models: &Models) -> Value {
    let mut found = BTreeMap::new();
    localized(&mut schema, models, &mut found);
    if let (Some(members), false) = (schema.as_object_mut(), found.is_empty()) {
        let definitions = members
            .entry("definitions")
            .or_insert_with(|| Value::Object(Map::new()));
        if let Some(definitions) = definitions.as_object_mut() {
            definitions.extend(found);
        }
    }
    schema
}

fn localized(schema: &mut Value, models: &Models, found: &mut BTreeMap<String, Value>) {
    match schema {
        Value::Object(members) => {
            for (key, value) in members {
                let name = value
                    .as_str()
                    .filter(|_| key == "$ref")
                    .and_then(model_of)
                    .map(str::to_owned);
                let Some(name) = name else {
                    localized(value, models, found);
                    continue;
                };
                *value = format!("#/definitions/{name}").into();
                let model = models.get(&name).and_then(super::model::Model::parsed);
                if let (false, Some(mut model)) = (found.contains_key(&name), model) {
                    found.insert(name.clone(), Value::Null);
                    localized(&mut model, models, found);
                    found.insert(name, model);
                }
            }
        }
        Value::Array(values) => values
            .iter_mut()
            .for_each(|value| localized(value, models, found)),
        _ => {}
    }
}

/// A template that writes a sample of what the schema describes.
pub(super) fn template(schema: &Value, models: &Models) -> String {
    let schema = flattened(schema.clone(), models);
    format!(
        "#set($inputRoot = $input.path('$'))\n{}",
        sample(&schema, &schema, 0)
    )
}

fn sample(schema: &Value, document: &Value, depth: usize) -> String {
    if depth > DEEPEST {
        return "{}".to_owned();
    }
    let pointer = schema["$ref"]
        .as_str()
        .and_then(|text| text.strip_prefix('#'));
    if let Some(target) = pointer.and_then(|pointer| document.pointer(pointer)) {
        return sample(target, document, depth + 1);
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.first().cloned().unwrap_or_default(),
        kind => kind.clone(),
    };
    let indent = "  ".repeat(depth);
    match kind.as_str() {
        Some("string") => json!("foo").to_string(),
        Some("integer" | "number") => "42".to_owned(),
        Some("boolean") => "true".to_owned(),
        Some("null") => "null".to_owned(),
        Some("array") => format!(
            "[\n##TODO: Update this foreach loop to reference array from input json\n#foreach($elem in $inputRoot)\n{indent}  \
             {}#if($foreach.hasNext),#end\n\n#end\n{indent}]",
            sample(&schema["items"], document, depth + 1)
        ),
        _ => {
            let members: Vec<String> = schema["properties"]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, schema)| {
                    let value = sample(schema, document, depth + 1);
                    format!("{indent}  {} : {value}", json!(name))
                })
                .collect();
            if members.is_empty() {
                return "{}".to_owned();
            }
            format!("{{\n{}\n{indent}}}", members.join(",\n"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::{Model, Models};
    use super::*;

    const TAIL: &str = "https://apigateway.amazonaws.com/restapis/a/models/";

    fn models() -> Models {
        let model = |name: &str, schema: Value| {
            let model = Model::new(
                name.to_owned(),
                None,
                Some(schema.to_string()),
                "application/json".to_owned(),
            );
            (name.to_owned(), model)
        };
        Models::from([
            model(
                "Item",
                json!({ "type": "object", "properties": { "id": { "type": "integer" }, "next": { "$ref": format!("{TAIL}Item") } } }),
            ),
            model(
                "Items",
                json!({ "type": "array", "items": { "$ref": format!("{TAIL}Item") } }),
            ),
        ])
    }

    #[test]
    fn a_flat_schema_has_all_that_it_needs() {
        let models = models();
        let schema = models["Items"].parsed().expect("a schema");
        assert!(refers(&schema, "Item"));
        assert!(!refers(&schema, "Items"));
        assert_eq!(
            flattened(schema, &models),
            json!({
                "type": "array", "items": { "$ref": "#/definitions/Item" },
                "definitions": { "Item": {
                    "type": "object",
                    "properties": { "id": { "type": "integer" }, "next": { "$ref": "#/definitions/Item" } },
                } },
            })
        );
    }

    #[test]
    fn a_template_writes_a_sample() {
        let schema = json!({ "type": "object", "properties": { "a": { "type": "string" }, "b": { "type": "number" } } });
        assert_eq!(
            template(&schema, &Models::new()),
            "#set($inputRoot = $input.path('$'))\n{\n  \"a\" : \"foo\",\n  \"b\" : 42\n}"
        );
        let models = models();
        let schema = models["Items"].parsed().expect("a schema");
        assert!(template(&schema, &models).contains("#foreach($elem in $inputRoot)"));
    }
}
