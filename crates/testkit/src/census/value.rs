//! JSON values of a census: building, sorting, masking and comparing them.

use std::collections::{BTreeMap, HashMap};

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

/// Parses a policy, which is percent-encoded in IAM's answers and plain in Lambda's.
pub(super) fn document(text: &str) -> Value {
    let decoded = percent_decode_str(text).decode_utf8_lossy();
    serde_json::from_str(&decoded).unwrap_or_else(|_| Value::from(decoded))
}

/// An object with one field for each tag.
pub(super) fn pairs<'a>(tags: impl Iterator<Item = (&'a str, &'a str)>) -> Value {
    tags.map(|(key, value)| (key.to_owned(), Value::from(value)))
        .collect::<Map<_, _>>()
        .into()
}

/// An object with one field for each entry.
pub(super) fn map(values: Option<&HashMap<String, String>>) -> Value {
    let values = values.into_iter().flatten();
    pairs(values.map(|(key, value)| (key.as_str(), value.as_str())))
}

/// Sorts keys and lists, because no list in a census is ordered.
pub(super) fn sort(value: &mut Value) {
    match value {
        Value::Array(items) => {
            items.iter_mut().for_each(sort);
            items.sort_by_key(ToString::to_string);
        }
        Value::Object(fields) => {
            fields.values_mut().for_each(sort);
            fields.sort_keys();
        }
        _ => {}
    }
}

/// Replaces ids by their labels.
pub(super) fn mask(value: &mut Value, ids: &BTreeMap<String, String>) {
    match value {
        Value::String(text) => {
            for (id, label) in ids {
                if text.contains(id.as_str()) {
                    *text = text.replace(id.as_str(), label);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| mask(item, ids)),
        Value::Object(fields) => fields.values_mut().for_each(|field| mask(field, ids)),
        _ => {}
    }
}

/// Returns one line for each leaf, with its path.
pub(super) fn lines(value: &Value) -> Vec<String> {
    fn walk(path: &str, value: &Value, lines: &mut Vec<String>) {
        match value {
            Value::Object(fields) if !fields.is_empty() => {
                for (name, field) in fields {
                    walk(&format!("{path}/{name}"), field, lines);
                }
            }
            Value::Array(items) if !items.is_empty() => {
                for item in items {
                    let name = item["name"]
                        .as_str()
                        .or(item["path"].as_str())
                        .unwrap_or("-");
                    walk(&format!("{path}/{name}"), item, lines);
                }
            }
            leaf => lines.push(format!("{path} = {leaf}")),
        }
    }
    let mut found = Vec::new();
    walk("", value, &mut found);
    found
}
