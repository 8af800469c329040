//! Policy documents, compared as meaning.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

/// An IAM policy document in one normal form: IAM returns documents percent-encoded, reordered, and with
/// single-element lists collapsed, all of which mean the same. Here lists are sorted, and one element stands alone.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct PolicyDocument(Value);

impl PolicyDocument {
    /// Brings a document into the normal form. IAM itself checks its grammar, when it is sent.
    pub fn new(document: Value) -> Self {
        Self(normal_form(document))
    }

    /// Reads a document as IAM returns it.
    pub fn from_wire(encoded: &str) -> Self {
        let text = percent_encoding::percent_decode_str(encoded).decode_utf8_lossy();
        Self::new(serde_json::from_str(&text).unwrap_or(Value::String(text.into_owned())))
    }

    /// Returns the number of statements.
    pub fn statements(&self) -> usize {
        match &self.0["Statement"] {
            Value::Array(statements) => statements.len(),
            _ => 1,
        }
    }

    /// The text to send: without white space, which counts against IAM's limits for trust policies.
    pub fn to_text(&self) -> String {
        self.0.to_string()
    }
}

impl<'de> Deserialize<'de> for PolicyDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self::new)
    }
}

fn normal_form(document: Value) -> Value {
    let Value::Object(mut document) = document else {
        return document;
    };
    if let Some(statements) = document.remove("Statement") {
        let mut statements: Vec<Value> = as_list(statements).into_iter().map(statement).collect();
        statements.sort_by_cached_key(Value::to_string);
        document.insert("Statement".into(), Value::Array(statements));
    }
    sorted(document)
}

fn statement(statement: Value) -> Value {
    let Value::Object(fields) = statement else {
        return statement;
    };
    let fields = fields
        .into_iter()
        .filter(|(name, value)| !(name == "Sid" && value == ""))
        .map(|(name, value)| {
            let value = match name.as_str() {
                "Action" | "NotAction" | "Resource" | "NotResource" => sorted_list(value),
                "Principal" | "NotPrincipal" => each_field(value, sorted_list),
                "Condition" => each_field(value, |operator| each_field(operator, sorted_list)),
                _ => value,
            };
            (name, value)
        })
        .collect();
    sorted(fields)
}

fn each_field(value: Value, change: impl Fn(Value) -> Value) -> Value {
    match value {
        Value::Object(fields) if !is_expression(&fields) => sorted(
            fields
                .into_iter()
                .map(|(name, field)| (name, change(field)))
                .collect(),
        ),
        other => other,
    }
}

fn sorted_list(value: Value) -> Value {
    let mut items = as_list(value);
    items.sort_by_cached_key(Value::to_string);
    items.dedup();
    if items.len() == 1 {
        items.remove(0)
    } else {
        Value::Array(items)
    }
}

fn as_list(value: Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items,
        single => vec![single],
    }
}

fn sorted(fields: Map<String, Value>) -> Value {
    let mut fields: Vec<(String, Value)> = fields.into_iter().collect();
    fields.sort_by(|(a, _), (b, _)| a.cmp(b));
    Value::Object(fields.into_iter().collect())
}

fn is_expression(fields: &Map<String, Value>) -> bool {
    fields.keys().any(|key| key.starts_with('$'))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn spelling_does_not_matter() {
        let declared = PolicyDocument::new(json!({
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": ["b:Y", "a:X"], "Resource": ["r"], "Sid": ""},
                {"Sid": "two", "Effect": "Allow", "Action": "c:Z", "Resource": "*"},
            ],
        }));
        let wire = "%7B%22Statement%22%3A%5B%7B%22Sid%22%3A%22two%22%2C%22Action%22%3A%5B%22c%3AZ%22%5D%2C\
                    %22Effect%22%3A%22Allow%22%2C%22Resource%22%3A%22%2A%22%7D%2C%7B%22Action%22%3A%5B%22a%3AX\
                    %22%2C%22b%3AY%22%5D%2C%22Effect%22%3A%22Allow%22%2C%22Resource%22%3A%22r%22%7D%5D%2C\
                    %22Version%22%3A%222012-10-17%22%7D";
        assert_eq!(PolicyDocument::from_wire(wire), declared);
    }

    #[test]
    fn meaning_does() {
        let allow = |action: &str| {
            PolicyDocument::new(
                json!({"Statement": {"Effect": "Allow", "Action": action, "Resource": "*"}}),
            )
        };
        assert_ne!(allow("s3:Get*"), allow("s3:*"));
    }

    #[test]
    fn references_stay_references() {
        let with_reference = json!({"Statement": [{"Resource": {"$ref": "table.arn"}}]});
        let document = PolicyDocument::new(with_reference);
        assert_eq!(
            document.to_text(),
            r#"{"Statement":[{"Resource":{"$ref":"table.arn"}}]}"#
        );
    }
}
