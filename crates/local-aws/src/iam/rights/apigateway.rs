//! The rights of API Gateway's operations: verbs on paths.

use percent_encoding::utf8_percent_encode;
use serde_json::Value;

use super::{Need, action, has_any, text};
use crate::call::Call;
use crate::signature::UNRESERVED;

pub(super) fn needs(call: &Call) -> Vec<Need> {
    let path = call.path.trim_end_matches('/');
    let own = arn(call, path);
    let mut needs = vec![Need::new(action(call), own.as_str())];
    if call.method == "POST" || call.method == "PUT" {
        // The tag operations have their right by their path; what else is created with tags needs that too. Bodies that
        // are no JSON object have none.
        let body = match call.operation {
            // Definitions of APIs, whose tags are others.
            "ImportRestApi" | "PutRestApi" => Value::Null,
            _ => call.json().unwrap_or_default(),
        };
        if !path.starts_with("/tags") && has_any(body.get("tags")) {
            let of = utf8_percent_encode(&own, UNRESERVED);
            let tags = arn(call, &format!("/tags/{of}"));
            needs.push(Need::new("apigateway:PUT", tags.as_str()));
            needs.push(Need::new("apigateway:POST", tags));
        }
        for member in ["credentials", "authorizerCredentials"] {
            if let Some(role) = text(&body, member).filter(|arn| arn.contains(":role/")) {
                needs.push(Need::pass_role(role, "apigateway.amazonaws.com"));
            }
        }
    }
    needs
}

/// Without an account.
fn arn(call: &Call, path: &str) -> String {
    format!(
        "arn:{}:apigateway:{}::{path}",
        call.place.partition(),
        call.place.region
    )
}
