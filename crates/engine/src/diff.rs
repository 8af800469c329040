//! The difference between the declaration and the account: one comparison for all kinds.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::input::as_expr;
use crate::operation::Operation;

/// One field that differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The path of the field: `throttle.burst`.
    pub field: String,
    /// The value in the account.
    pub from: Value,
    /// The declared value.
    pub to: Value,
    /// True if AWS can make this change only by replacing the resource.
    pub replaces: bool,
}

/// All fields of one resource that differ.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Changes(pub Vec<Change>);

impl Changes {
    /// Returns true if nothing differs.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the operations of those entries of which a field differs: `(fields, operation)`.
    pub fn calls(&self, table: &[(&[&str], &'static Operation)]) -> Vec<&'static Operation> {
        let is_touched = |fields: &&[&str]| fields.iter().any(|field| self.touch(field));
        let needed = table.iter().filter(|(fields, _)| is_touched(fields));
        needed.map(|(_, operation)| *operation).collect()
    }

    /// Returns true if the field `name`, or anything inside it, differs.
    pub fn touch(&self, name: &str) -> bool {
        self.0.iter().any(|change| is_within(&change.field, name))
    }

    /// Returns true if any change replaces the resource.
    pub fn replace(&self) -> bool {
        self.0.iter().any(|change| change.replaces)
    }
}

/// Returns the changes that lead from `from` to `to`. References in `to` that are not resolved yet always differ.
pub fn diff(from: &Value, to: &Value, replace_on: &[&str]) -> Changes {
    let mut changes = Vec::new();
    compare(String::new(), from, to, &mut changes);
    for change in &mut changes {
        change.replaces = replace_on
            .iter()
            .any(|field| is_within(&change.field, field));
    }
    Changes(changes)
}

fn compare(field: String, from: &Value, to: &Value, changes: &mut Vec<Change>) {
    if from == to {
        return;
    }
    if let (Value::Object(old), Value::Object(new), None) = (from, to, as_expr(to)) {
        compare_fields(&field, old, new, changes);
        return;
    }
    changes.push(Change {
        field,
        from: from.clone(),
        to: to.clone(),
        replaces: false,
    });
}

fn compare_fields(
    field: &str,
    old: &Map<String, Value>,
    new: &Map<String, Value>,
    changes: &mut Vec<Change>,
) {
    let inside = |name: &str| {
        if field.is_empty() {
            name.to_owned()
        } else {
            format!("{field}.{name}")
        }
    };
    for (name, to) in new {
        compare(
            inside(name),
            old.get(name).unwrap_or(&Value::Null),
            to,
            changes,
        );
    }
    for (name, from) in old.iter().filter(|(name, _)| !new.contains_key(*name)) {
        match from {
            Value::Null => {}
            // A field that is left out where it is empty.
            Value::Object(fields) => {
                compare_fields(&inside(name), fields, &Map::new(), changes);
            }
            other => compare(inside(name), other, &Value::Null, changes),
        }
    }
}

fn is_within(field: &str, name: &str) -> bool {
    field
        .strip_prefix(name)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(changes: &Changes) -> Vec<&str> {
        changes
            .0
            .iter()
            .map(|change| change.field.as_str())
            .collect()
    }

    #[test]
    fn equal_states_have_no_changes() {
        let state = json!({"a": 1, "b": {"c": [1, 2]}});
        assert!(diff(&state, &state, &[]).is_empty());
    }

    #[test]
    fn changes_name_the_innermost_field() {
        let changes = diff(
            &json!({"throttle": {"rate": 100.0, "burst": 20}, "gone": 1}),
            &json!({"throttle": {"rate": 100.0, "burst": 50}, "added": 2}),
            &[],
        );
        assert_eq!(fields(&changes), ["throttle.burst", "added", "gone"]);
        assert!(changes.touch("throttle"));
        assert!(!changes.touch("thr"));
    }

    #[test]
    fn what_is_left_out_differs_field_by_field() {
        let changes = diff(
            &json!({ "unusual": { "a": 1, "b": { "c": 2 } } }),
            &json!({}),
            &[],
        );
        assert_eq!(fields(&changes), ["unusual.a", "unusual.b.c"]);
    }

    #[test]
    fn what_is_known_later_is_a_change() {
        let changes = diff(
            &json!({"api": "abc"}),
            &json!({"api": {"$ref": "api.id"}}),
            &[],
        );
        assert_eq!(fields(&changes), ["api"]);
    }

    #[test]
    fn some_fields_replace() {
        let changes = diff(
            &json!({"key": {"name": "a"}}),
            &json!({"key": {"name": "b"}}),
            &["key"],
        );
        assert!(changes.replace());
    }
}
