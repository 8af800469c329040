//! `UpdateItem`: what the engine answers otherwise than AWS.
//!
//! Of lists, `UPDATED_OLD` and `UPDATED_NEW` have the touched elements only, and an update that only removes makes no item
//! (both as scylladb/scylladb `test/alternator` found on AWS).

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::touched::Touched;
use super::{items, run};
use crate::answer::{Answer, Body, Refusal};
use crate::call::Call;
use crate::cloud::Cloud;

/// The placeholder for a key attribute's name in a condition of ours.
pub(super) const KEY_NAME: &str = "#local_aws_key_attribute";

pub(super) async fn update(cloud: &Arc<Cloud>, call: &Call) -> Result<Answer, Refusal> {
    let body = items::prepared(cloud, call)?;
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    let Some(members) = request.as_object() else {
        return run(cloud, call, body).await;
    };
    let touched = members
        .get("UpdateExpression")
        .and_then(Value::as_str)
        .map(|expression| Touched::of(expression, &request["ExpressionAttributeNames"]));
    if is_only_removing(members, touched.as_ref()) {
        return remove_if_there(cloud, call, members, touched.as_ref()).await;
    }
    updated(cloud, call, members.clone(), touched.as_ref()).await
}

/// Carries out the update, and answers what of the item was touched.
async fn updated(
    cloud: &Arc<Cloud>,
    call: &Call,
    mut request: Map<String, Value>,
    touched: Option<&Touched>,
) -> Result<Answer, Refusal> {
    let wanted = request.get("ReturnValues").and_then(Value::as_str);
    let whole = match wanted {
        Some("UPDATED_OLD") => "ALL_OLD",
        Some("UPDATED_NEW") => "ALL_NEW",
        _ => "",
    };
    let touched = touched.filter(|touched| touched.has_elements && !whole.is_empty());
    if touched.is_some() {
        request.insert("ReturnValues".to_owned(), whole.into());
    }
    let answer = run(cloud, call, Value::Object(request).to_string().into()).await?;
    let Some(touched) = touched.filter(|_| answer.status == 200) else {
        return Ok(answer);
    };
    let mut output = read(&answer)?;
    if let Some(item) = output.remove("Attributes") {
        let part = touched.part_of(item.as_object().unwrap_or(&Map::new()));
        if !part.is_empty() {
            output.insert("Attributes".to_owned(), part.into());
        }
    }
    Ok(Answer::ok(output.into()))
}

fn is_only_removing(request: &Map<String, Value>, touched: Option<&Touched>) -> bool {
    if let Some(touched) = touched {
        return touched.only_removes;
    }
    let has_condition = ["Expected", "ConditionExpression", "ConditionalOperator"]
        .iter()
        .any(|name| request.contains_key(*name));
    let updates = request.get("AttributeUpdates").and_then(Value::as_object);
    !has_condition
        && updates.is_some_and(|updates| {
            !updates.is_empty() && updates.values().all(|update| update["Action"] == "DELETE")
        })
}

/// Updates the item under the condition that it exists.
async fn remove_if_there(
    cloud: &Arc<Cloud>,
    call: &Call,
    original: &Map<String, Value>,
    touched: Option<&Touched>,
) -> Result<Answer, Refusal> {
    let key = original.get("Key").and_then(Value::as_object);
    let Some(key) = key.and_then(|key| key.keys().next()).cloned() else {
        return updated(cloud, call, original.clone(), touched).await;
    };
    let mut request = original.clone();
    let condition = original.get("ConditionExpression").and_then(Value::as_str);
    if touched.is_some() {
        let exists = format!("attribute_exists({KEY_NAME})");
        let both = match condition {
            Some(condition) => format!("({condition}) AND {exists}"),
            None => exists,
        };
        request.insert("ConditionExpression".to_owned(), both.into());
        let names = request
            .entry("ExpressionAttributeNames")
            .or_insert_with(|| json!({}));
        let Some(names) = names.as_object_mut() else {
            return updated(cloud, call, original.clone(), touched).await;
        };
        names.insert(KEY_NAME.to_owned(), key.into());
    } else {
        let is_there = json!({ key: { "ComparisonOperator": "NOT_NULL" } });
        request.insert("Expected".to_owned(), is_there);
    }
    let on_failure = "ReturnValuesOnConditionCheckFailure";
    request.insert(on_failure.to_owned(), "ALL_OLD".into());
    let answer = updated(cloud, call, request, touched).await?;
    if answer.status == 200 {
        return Ok(answer);
    }
    let mut error = read(&answer)?;
    let is_condition = error
        .get("__type")
        .and_then(Value::as_str)
        .is_some_and(|kind| kind.ends_with("#ConditionalCheckFailedException"));
    if !is_condition {
        // In AWS's words about the request as it was.
        return updated(cloud, call, original.clone(), touched).await;
    }
    if error.contains_key("Item") {
        if original.get(on_failure).and_then(Value::as_str) != Some("ALL_OLD") {
            error.remove("Item");
        }
        return Ok(Answer::json(400, error.into()));
    }
    if let Some(condition) = condition
        && !holds_for_nothing(cloud, call, original, condition).await?
    {
        return Ok(Answer::json(400, error.into()));
    }
    Ok(Answer::ok(nothing_done(original)))
}

/// True if the condition holds for an item that does not exist.
async fn holds_for_nothing(
    cloud: &Arc<Cloud>,
    call: &Call,
    request: &Map<String, Value>,
    condition: &str,
) -> Result<bool, Refusal> {
    let mut check = json!({
        "TableName": request.get("TableName"),
        "Key": request.get("Key"),
        "ConditionExpression": condition,
    });
    for name in ["ExpressionAttributeNames", "ExpressionAttributeValues"] {
        let used = used_in(condition, request.get(name));
        if !used.is_empty() {
            check[name] = used.into();
        }
    }
    let transaction = Call {
        operation: "TransactWriteItems",
        ..call.clone()
    };
    let body = json!({ "TransactItems": [{ "ConditionCheck": check }] });
    let answer = run(cloud, &transaction, body.to_string().into()).await?;
    Ok(answer.status == 200)
}

/// Those of the placeholders that an expression uses.
pub(super) fn used_in(expression: &str, placeholders: Option<&Value>) -> Map<String, Value> {
    placeholders
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter(|(placeholder, _)| is_used(expression, placeholder))
        .map(|(placeholder, value)| (placeholder.clone(), value.clone()))
        .collect()
}

fn is_used(expression: &str, placeholder: &str) -> bool {
    expression.match_indices(placeholder).any(|(at, _)| {
        !expression[at + placeholder.len()..]
            .starts_with(|next: char| next.is_alphanumeric() || next == '_')
    })
}

/// The answer of an update that found nothing to remove; it costs one unit, as every write of nothing.
fn nothing_done(request: &Map<String, Value>) -> Value {
    let mut output = json!({});
    let wanted = request
        .get("ReturnConsumedCapacity")
        .and_then(Value::as_str);
    if let Some("TOTAL" | "INDEXES") = wanted {
        output["ConsumedCapacity"] =
            json!({ "TableName": request.get("TableName"), "CapacityUnits": 1.0 });
    }
    if wanted == Some("INDEXES") {
        output["ConsumedCapacity"]["Table"] = json!({ "CapacityUnits": 1.0 });
    }
    output
}

pub(super) fn read(answer: &Answer) -> Result<Map<String, Value>, Refusal> {
    let value = match &answer.body {
        Body::Json(value) => value.clone(),
        Body::Bytes(text) => {
            serde_json::from_slice(text).map_err(|error| Refusal::internal(error.to_string()))?
        }
    };
    match value {
        Value::Object(members) => Ok(members),
        _ => Err(Refusal::internal("an answer that is no object")),
    }
}
