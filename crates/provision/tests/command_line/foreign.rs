//! A census split into what is the stack's and what is not.

use serde_json::{Map, Value, json};
use testkit::Census;

use testkit::mutation::{STACK_TAG, Target};

/// What belongs to others.
#[derive(Debug, PartialEq)]
pub(crate) struct Foreign {
    /// Whole resources.
    pub(crate) alone: Vec<Value>,
    /// What hangs on resources of the stack: tags, statements, policies, methods, links.
    pub(crate) inside: Vec<Value>,
}

/// The stack's own resources, by kind and name.
pub(crate) fn ours(census: &Census) -> Vec<String> {
    split(census)
        .filter(|(kind, thing)| is_ours(kind, thing))
        .map(|(kind, thing)| format!("{kind} {}", thing["name"]))
        .collect()
}

pub(crate) fn foreign(census: &Census) -> Foreign {
    let (ours, alone): (Vec<_>, Vec<_>) =
        split(census).partition(|(kind, thing)| is_ours(kind, thing));
    let api = |id: &Value| {
        ours.iter()
            .any(|(kind, thing)| *kind == "rest_apis" && thing["id"] == *id)
    };
    let own_key = |id: &Value| {
        ours.iter()
            .any(|(kind, thing)| *kind == "api_keys" && thing["id"] == *id)
    };
    let inside = ours.iter().filter_map(|(kind, thing)| {
        let tags: Map<String, Value> = fields(&thing["tags"])
            .filter(|(name, _)| !name.starts_with("provision:"))
            .collect();
        let parts: Vec<Value> = match *kind {
            "roles" => items(&thing["attached"])
                .chain(
                    fields(&thing["policies"])
                        .filter(|(name, _)| name != Target::LAB.policy)
                        .map(|pair| json!(pair)),
                )
                .chain(is_set(&thing["permissions_boundary"]))
                .collect(),
            "tables" => is_set(&thing["recovery"]).collect(),
            "log_groups" => is_set(&thing["protected"]).collect(),
            "functions" => items(&thing["statements"])
                .filter(|statement| statement["Principal"]["Service"] != "apigateway.amazonaws.com")
                .chain(items(&thing["aliases"]))
                .collect(),
            "rest_apis" => items(&thing["resources"])
                .flat_map(|path| {
                    let place = path["path"].clone();
                    fields(&path["methods"])
                        .filter(|(verb, _)| verb != "POST")
                        .map(move |(verb, method)| json!([place, verb, method]))
                        .collect::<Vec<_>>()
                })
                .collect(),
            "usage_plans" => items(&thing["stages"])
                .filter(|link| !api(&link["api"]))
                .chain(items(&thing["keys"]).filter(|key| !own_key(key)))
                .collect(),
            _ => Vec::new(),
        };
        // Somebody may have changed the name of what is known by its tags.
        let name = match &thing["tags"]["provision:id"] {
            Value::Null => &thing["name"],
            id => id,
        };
        (!tags.is_empty() || !parts.is_empty())
            .then(|| json!({ "in": [kind, name], "tags": tags, "parts": parts }))
    });
    Foreign {
        inside: inside.collect(),
        alone: alone
            .into_iter()
            .map(|(kind, thing)| json!([kind, thing]))
            .collect(),
    }
}

fn split(census: &Census) -> impl Iterator<Item = (&str, &Value)> {
    census
        .value()
        .as_object()
        .into_iter()
        .flatten()
        .flat_map(|(kind, things)| {
            let things = things.as_array().into_iter().flatten();
            things.map(move |thing| (kind.as_str(), thing))
        })
}

fn is_ours(kind: &str, thing: &Value) -> bool {
    let name = match kind {
        "roles" => Target::LAB.role,
        "tables" => Target::LAB.table,
        "functions" => Target::LAB.function,
        "log_groups" => Target::LAB.log_group,
        _ => return thing["tags"].get(STACK_TAG).is_some(),
    };
    thing["name"] == name
}

/// A setting that guards or limits, if it is there.
fn is_set(value: &Value) -> impl Iterator<Item = Value> {
    let set = value.is_string() || *value == true;
    set.then(|| value.clone()).into_iter()
}

fn items(value: &Value) -> impl Iterator<Item = Value> {
    value.as_array().cloned().unwrap_or_default().into_iter()
}

fn fields(value: &Value) -> impl Iterator<Item = (String, Value)> {
    value.as_object().cloned().unwrap_or_default().into_iter()
}
