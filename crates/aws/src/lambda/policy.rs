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
