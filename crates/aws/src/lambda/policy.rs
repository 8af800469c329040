//! A function's own policy.

use std::sync::Arc;

use anyhow::{Context, Result};
use provision_engine::aws::Aws;
use provision_engine::look::Look;
use serde_json::Value;

use super::permission::GET_POLICY;
use crate::calls::Calls;

/// Returns the statements in the policy of the function `name`; none, if there is no such function. Read once a pass.
pub(super) async fn statements(look: &Look, name: &str) -> Result<Arc<Vec<Value>>> {
    let read = async |aws: &Aws| {
        let client = aws.lambda();
        let request = || client.get_policy().function_name(name).send();
        let policy = match aws.call(&GET_POLICY, request).await {
            Ok(answer) => answer.policy.unwrap_or_default(),
            Err(error) if error.is_not_found() => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        };
        let mut policy: Value = serde_json::from_str(&policy)?;
        Ok(match policy["Statement"].take() {
            Value::Array(statements) => statements,
            _ => Vec::new(),
        })
    };
    look.once(&format!("policy of function {name}"), read)
        .await
        .with_context(|| format!("reading the policy of function `{name}`"))
}

/// Returns true if a statement lets anybody invoke the function: every account, without a condition on who asks.
pub(super) fn is_open(statement: &Value) -> bool {
    let principal = &statement["Principal"];
    let named = match principal {
        Value::Object(kinds) => kinds.values().collect(),
        other => vec![other],
    };
    let is_anybody = named.into_iter().any(|principal| match principal {
        Value::Array(principals) => principals.iter().any(|principal| principal == "*"),
        other => other == "*",
    });
    let conditions = statement["Condition"].as_object().into_iter().flatten();
    let keys = conditions.flat_map(|(_, keys)| keys.as_object().into_iter().flatten());
    let mut keys = keys.map(|(key, _)| key.to_ascii_lowercase());
    let is_limited =
        keys.any(|key| key.starts_with("aws:source") || key.starts_with("aws:principal"));
    statement["Effect"] == "Allow" && is_anybody && !is_limited
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_statement_for_everybody_is_open_unless_it_is_limited() {
        let statement = |principal: Value, condition: Value| json!({ "Effect": "Allow", "Principal": principal, "Condition": condition });
        assert!(is_open(&statement(json!("*"), Value::Null)));
        assert!(is_open(&statement(
            json!({ "AWS": ["1", "*"] }),
            Value::Null
        )));
        let url = json!({ "StringEquals": { "lambda:FunctionUrlAuthType": "NONE" } });
        assert!(is_open(&statement(json!("*"), url)));
        let account = json!({ "StringEquals": { "AWS:SourceAccount": "1" } });
        assert!(!is_open(&statement(json!("*"), account)));
        let service = json!({ "Service": "apigateway.amazonaws.com" });
        assert!(!is_open(&statement(service, Value::Null)));
    }
}
