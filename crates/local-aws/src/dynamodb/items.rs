//! What every operation on items goes through before and after the engine.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value};

use super::update_item::read;
use super::{indexes, numbers, run, tables, transactions};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::cloud::Cloud;

pub(super) async fn perform(cloud: &Arc<Cloud>, call: &Call) -> Result<Answer, Refusal> {
    let body = prepared(cloud, call)?;
    if matches!(call.operation, "BatchGetItem" | "BatchWriteItem")
        && let Some((body, arns)) = with_plain_table_keys(&body)
    {
        for (arn, _) in &arns {
            tables::check_place(call, arn)?;
        }
        let answer = run(cloud, call, body).await?;
        return with_arns(answer, &arns);
    }
    if call.operation == "TransactWriteItems" {
        return transactions::write(cloud, call, body).await;
    }
    run(cloud, call, body).await
}

/// The body in the engine's form, if its table can be used.
pub(super) fn prepared(cloud: &Arc<Cloud>, call: &Call) -> Result<Bytes, Refusal> {
    tables::check_usable(cloud, call)?;
    if matches!(call.operation, "Query" | "Scan") {
        indexes::check_readable(cloud, call)?;
    }
    let body = tables::with_plain_table_name(call)?;
    let body = with_plain_transaction_names(call, body)?;
    Ok(numbers::normalized(body))
}

/// A transaction's body with tables' names where their ARNs were given.
fn with_plain_transaction_names(call: &Call, body: Bytes) -> Result<Bytes, Refusal> {
    let is_transaction = matches!(call.operation, "TransactWriteItems" | "TransactGetItems");
    if !is_transaction || !has_arn(&body) {
        return Ok(body);
    }
    let Ok(mut request) = serde_json::from_slice::<Value>(&body) else {
        return Ok(body);
    };
    let items = request.get_mut("TransactItems");
    let items = items.and_then(Value::as_array_mut);
    for part in items.into_iter().flatten().filter_map(Value::as_object_mut) {
        for action in part.values_mut() {
            if let Some(Value::String(name)) = action.get_mut("TableName") {
                tables::check_place(call, name)?;
                *name = tables::plain(name).to_owned();
            }
        }
    }
    Ok(request.to_string().into())
}

fn has_arn(body: &Bytes) -> bool {
    body.windows(7).any(|window| window == b":table/")
}

/// A batch's body with tables' names where their ARNs were given, and each of those ARNs with its name.
fn with_plain_table_keys(body: &Bytes) -> Option<(Bytes, Vec<(String, String)>)> {
    if !has_arn(body) {
        return None;
    }
    let mut request: Value = serde_json::from_slice(body).ok()?;
    let items = request.get_mut("RequestItems")?.as_object_mut()?;
    let arns: Vec<(String, String)> = items
        .keys()
        .filter(|key| key.starts_with("arn:"))
        .map(|key| (key.clone(), tables::plain(key).to_owned()))
        .collect();
    if arns.is_empty() {
        return None;
    }
    let count = items.len();
    let plain: Map<String, Value> = std::mem::take(items)
        .into_iter()
        .map(|(key, value)| (tables::plain(&key).to_owned(), value))
        .collect();
    if plain.len() != count {
        // One table twice: the engine refuses the ARN.
        return None;
    }
    *items = plain;
    Some((request.to_string().into(), arns))
}

/// The answer by the keys of the request.
fn with_arns(answer: Answer, arns: &[(String, String)]) -> Result<Answer, Refusal> {
    if answer.status != 200 {
        return Ok(answer);
    }
    let mut output = read(&answer)?;
    for member in ["Responses", "UnprocessedKeys", "UnprocessedItems"] {
        let Some(tables) = output.get_mut(member).and_then(Value::as_object_mut) else {
            continue;
        };
        for (arn, name) in arns {
            if let Some(value) = tables.remove(name) {
                tables.insert(arn.clone(), value);
            }
        }
    }
    Ok(Answer::ok(output.into()))
}
