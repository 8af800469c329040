//! JSON Schema (draft 2020-12) as far as `docs/schema` uses it. A keyword that is not known here is an error, so that
//! nothing passes unchecked. General validators are no alternative: through Cargo's features they change what the SDK is
//! built with, and build it a second time.

use regex_lite::Regex;
use serde_json::Value;

/// Where and why `value` is not as `schema` wants it. `root` holds the `$defs`.
pub(crate) fn violations(root: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (keyword, wanted) in schema.as_object().into_iter().flatten() {
        let is_met = match keyword.as_str() {
            "$schema" | "$defs" | "title" | "description" => true,
            "$ref" => {
                let pointer = wanted.as_str().and_then(|text| text.strip_prefix('#'));
                match pointer.and_then(|pointer| root.pointer(pointer)) {
                    Some(definition) => found.extend(violations(root, definition, value, at)),
                    None => found.push(format!("{at}: nothing is at {wanted}")),
                }
                true
            }
            "type" => match wanted {
                Value::Array(types) => types.iter().any(|wanted| is_of_type(wanted, value)),
                one => is_of_type(one, value),
            },
            "const" => value == wanted,
            "enum" => wanted.as_array().is_some_and(|all| all.contains(value)),
            "minimum" => value
                .as_f64()
                .zip(wanted.as_f64())
                .is_none_or(|(value, least)| value >= least),
            "minItems" => value
                .as_array()
                .zip(wanted.as_u64())
                .is_none_or(|(items, least)| items.len() as u64 >= least),
            "pattern" => value
                .as_str()
                .zip(wanted.as_str())
                .is_none_or(|(text, wanted)| Regex::new(wanted).expect("a pattern").is_match(text)),
            "required" => value.as_object().is_none_or(|fields| {
                let mut names = wanted.as_array().into_iter().flatten();
                names.all(|name| name.as_str().is_some_and(|name| fields.contains_key(name)))
            }),
            "properties" => {
                for (name, schema) in wanted.as_object().into_iter().flatten() {
                    if let Some(field) = value.get(name) {
                        found.extend(violations(root, schema, field, &format!("{at}/{name}")));
                    }
                }
                true
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    found.extend(violations(root, wanted, item, &format!("{at}/{index}")));
                }
                true
            }
            "anyOf" => wanted.as_array().is_some_and(|schemas| {
                let mut schemas = schemas.iter();
                schemas.any(|schema| violations(root, schema, value, at).is_empty())
            }),
            unknown => {
                found.push(format!("{at}: the keyword {unknown} is not checked here"));
                true
            }
        };
        if !is_met {
            found.push(format!("{at}: {keyword} {wanted} is not met by {value}"));
        }
    }
    found
}

fn is_of_type(wanted: &Value, value: &Value) -> bool {
    match wanted.as_str() {
        Some("null") => value.is_null(),
        Some("boolean") => value.is_boolean(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        _ => false,
    }
}

#[test]
fn each_keyword_can_fail() {
    use serde_json::json;
    let cases = [
        (json!({ "type": "string" }), json!(1)),
        (json!({ "type": ["string", "null"] }), json!(1)),
        (json!({ "const": 1 }), json!(2)),
        (json!({ "enum": ["a"] }), json!("b")),
        (json!({ "minimum": 0 }), json!(-1)),
        (json!({ "minItems": 1 }), json!([])),
        (json!({ "pattern": "^P[0-9]{4}$" }), json!("P17")),
        (json!({ "required": ["a"] }), json!({ "b": 1 })),
        (
            json!({ "properties": { "a": { "const": 1 } } }),
            json!({ "a": 2 }),
        ),
        (json!({ "items": { "const": 1 } }), json!([1, 2])),
        (
            json!({ "anyOf": [{ "const": 1 }, { "const": 2 }] }),
            json!(3),
        ),
        (json!({ "$ref": "#/$defs/one" }), json!(2)),
        (json!({ "$ref": "#/$defs/none" }), json!(2)),
        (json!({ "maximum": 1 }), json!(1)),
    ];
    let root = json!({ "$defs": { "one": { "const": 1 } } });
    for (schema, value) in cases {
        assert_ne!(
            violations(&root, &schema, &value, ""),
            Vec::<String>::new(),
            "{schema}"
        );
    }
}
