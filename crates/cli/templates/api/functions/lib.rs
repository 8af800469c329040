//! Requests of API Gateway, and answers to it.

use serde::Serialize;
use serde_json::{Value, json};

/// Returns the value of a parameter of the route.
pub fn parameter(event: &Value, name: &str) -> String {
    event["pathParameters"][name]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

/// Returns an answer with this status and body.
pub fn answer(status: u16, body: &impl Serialize) -> Value {
    json!({
        "statusCode": status,
        "headers": { "content-type": "application/json" },
        "body": json!(body).to_string(),
    })
}
