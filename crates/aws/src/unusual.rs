//! Settings that a kind does not declare, where somebody has changed them from AWS's defaults.

use std::collections::{BTreeMap, BTreeSet};

use provision_engine::diff::Changes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Settings by AWS's own names, with the values that were found. None in a declaration, so that each is a difference which `up`
/// puts right.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Unusual(BTreeMap<String, Value>);

impl Unusual {
    pub(crate) fn is_none(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds the setting `name` if what was found is another value than `usual`. Nothing, an empty text and an empty list are one.
    pub(crate) fn or_usual(
        mut self,
        name: &str,
        found: impl Into<Value>,
        usual: impl Into<Value>,
    ) -> Self {
        let (found, usual) = (found.into(), usual.into());
        if found != usual && !(is_nothing(&found) && is_nothing(&usual)) {
            self.0.insert(name.to_owned(), found);
        }
        self
    }

    /// Adds the setting `name` if anything was found.
    pub(crate) fn or_none(self, name: &str, found: impl Into<Value>) -> Self {
        self.or_usual(name, found, Value::Null)
    }

    /// The settings that were found, by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, found)| (name.as_str(), found))
    }

    /// The names of the settings among `changes`.
    pub(crate) fn names_in(changes: &Changes) -> BTreeSet<&str> {
        let fields = changes.0.iter().map(|change| change.field.as_str());
        let within = fields.filter_map(|field| field.strip_prefix("unusual."));
        within
            .map(|name| name.split('.').next().unwrap_or(name))
            .collect()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_as_usual_is_no_setting() {
        let found = Unusual::default()
            .or_usual("source", "HEADER", "HEADER")
            .or_none("policy", Value::Null)
            .or_none("policy", "")
            .or_none("types", json!([]));
        assert!(found.is_none());
        assert_eq!(json!(found), json!({}));
    }

    #[test]
    fn what_is_not_is_told_with_its_value() {
        let found = Unusual::default()
            .or_usual("source", "AUTHORIZER", "HEADER")
            .or_usual("enabled", false, true)
            .or_none("types", json!(["a/b"]));
        assert_eq!(
            json!(found),
            json!({ "source": "AUTHORIZER", "enabled": false, "types": ["a/b"] })
        );
        assert!(found.has("types") && !found.has("policy"));
    }
}
