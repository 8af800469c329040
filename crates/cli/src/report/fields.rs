//! A resource's fields before and after, side by side.

use std::collections::BTreeMap;

use maud::{Markup, html};
use serde_json::Value;

use crate::record::Fields;
use provision_engine::input::as_expr;

pub(super) fn table(fields: &Fields) -> Markup {
    let rows = rows(fields);
    html! {
        div class="fields" role="table" {
            div class="field head" role="row" {
                span role="columnheader" { "field" }
                span role="columnheader" { "before" }
                span role="columnheader" { "after" }
            }
            @for (path, row) in &rows {
                div class=(if row.differs() { "field differs" } else { "field" }) role="row" {
                    span role="rowheader" { @if row.differs() { "≠ " } (path) }
                    span role="cell" { (row.before) }
                    span role="cell" { (row.after) }
                }
            }
        }
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Row {
    before: String,
    after: String,
}

impl Row {
    fn differs(&self) -> bool {
        self.before != self.after
    }
}

/// By the path of the field; what one side lacks is empty there.
fn rows(fields: &Fields) -> BTreeMap<String, Row> {
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    for (path, value) in leaves(&fields.before) {
        rows.entry(path).or_default().before = value;
    }
    for (path, value) in leaves(&fields.after) {
        rows.entry(path).or_default().after = value;
    }
    rows
}

fn leaves(value: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    collect(String::new(), value, &mut found);
    found
}

fn collect(path: String, value: &Value, found: &mut Vec<(String, String)>) {
    match value {
        Value::Null => {}
        _ if as_expr(value).is_some() => found.push((path, "(known after up)".to_owned())),
        Value::Object(fields) if !fields.is_empty() => {
            for (name, field) in fields {
                let path = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                collect(path, field, found);
            }
        }
        Value::String(text) => found.push((path, text.clone())),
        _ => found.push((path, value.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_of_both_sides_meet() {
        let fields = Fields {
            before: json!({"throttle": {"rate": 1, "burst": 2}, "gone": "x", "none": null}),
            after: json!({"throttle": {"rate": 1, "burst": 3}, "id": {"$ref": "api.id"}}),
        };
        let rows = rows(&fields);
        let row = |path: &str| (rows[path].before.as_str(), rows[path].after.as_str());
        assert_eq!(row("throttle.burst"), ("2", "3"));
        assert_eq!(row("throttle.rate"), ("1", "1"));
        assert_eq!(row("gone"), ("x", ""));
        assert_eq!(row("id"), ("", "(known after up)"));
        assert!(!rows.contains_key("none"));
    }

    #[test]
    fn a_reference_within_hides_only_itself() {
        let fields = Fields {
            before: Value::Null,
            after: json!({"name": "n", "role": {"$ref": "role.arn"}}),
        };
        assert_eq!(rows(&fields)["name"].after, "n");
    }
}
