//! `TransactWriteItems`: an update in it that only removes makes no item, as one by itself.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};

use super::run;
use super::touched::Touched;
use super::update_item::{KEY_NAME, read, used_in};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::cloud::Cloud;

/// The number of times that items are looked at again because somebody else made one meanwhile.
const ATTEMPTS: u32 = 3;

/// Carries the transaction out with a check in the place of every update that would find nothing to remove.
pub(super) async fn write(cloud: &Arc<Cloud>, call: &Call, body: Bytes) -> Result<Answer, Refusal> {
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    let parts = request["TransactItems"].as_array();
    let may_be_idle = |part: &Value| only_removes(&part["Update"]);
    if !parts.is_some_and(|parts| parts.iter().any(may_be_idle)) {
        return run(cloud, call, body).await;
    }
    let mut attempt = 1;
    loop {
        let (with_checks, has_checks) = with_checks(cloud, call, &request).await?;
        if !has_checks {
            return run(cloud, call, body).await;
        }
        let answer = run(cloud, call, with_checks.to_string().into()).await?;
        if answer.status == 200 || attempt == ATTEMPTS {
            return Ok(answer);
        }
        let (_, has_checks) = self::with_checks(cloud, call, &request).await?;
        if has_checks {
            // What was refused is refused for a reason of the request.
            return Ok(answer);
        }
        attempt += 1;
    }
}

fn only_removes(update: &Value) -> bool {
    update["UpdateExpression"]
        .as_str()
        .is_some_and(|expression| {
            Touched::of(expression, &update["ExpressionAttributeNames"]).only_removes
        })
}

async fn with_checks(
    cloud: &Arc<Cloud>,
    call: &Call,
    request: &Value,
) -> Result<(Value, bool), Refusal> {
    let mut request = request.clone();
    let mut has_checks = false;
    let parts = request.get_mut("TransactItems");
    for part in parts.and_then(Value::as_array_mut).into_iter().flatten() {
        let update = &part["Update"];
        if !only_removes(update) || exists(cloud, call, update).await? {
            continue;
        }
        if let Some(check) = check_of_absence(update) {
            *part = json!({ "ConditionCheck": check });
            has_checks = true;
        }
    }
    Ok((request, has_checks))
}

/// Asks by the update itself under a condition that nothing meets. True also if the engine finds something wrong with it: then
/// it is for it to refuse the transaction.
async fn exists(cloud: &Arc<Cloud>, call: &Call, update: &Value) -> Result<bool, Refusal> {
    let Some(key) = update["Key"].as_object().and_then(|key| key.keys().next()) else {
        return Ok(true);
    };
    let mut question = update.clone();
    let never = format!("attribute_exists({KEY_NAME}) AND attribute_not_exists({KEY_NAME})");
    question["ConditionExpression"] = match update["ConditionExpression"].as_str() {
        Some(condition) => format!("{never} AND ({condition})"),
        None => never,
    }
    .into();
    if question["ExpressionAttributeNames"].is_null() {
        question["ExpressionAttributeNames"] = json!({});
    }
    let Some(names) = question["ExpressionAttributeNames"].as_object_mut() else {
        return Ok(true);
    };
    names.insert(KEY_NAME.to_owned(), key.as_str().into());
    question["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD".into();
    let asked = Call {
        operation: "UpdateItem",
        ..call.clone()
    };
    let answer = read(&run(cloud, &asked, question.to_string().into()).await?)?;
    let is_absent = answer
        .get("__type")
        .and_then(Value::as_str)
        .is_some_and(|kind| kind.ends_with("#ConditionalCheckFailedException"))
        && !answer.contains_key("Item");
    Ok(!is_absent)
}

/// The check that the item is not there, and that the update's own condition holds.
fn check_of_absence(update: &Value) -> Option<Value> {
    let key = update["Key"].as_object()?.keys().next()?;
    let absent = format!("attribute_not_exists({KEY_NAME})");
    let condition = update["ConditionExpression"].as_str();
    let mut check = json!({
        "TableName": update["TableName"],
        "Key": update["Key"],
        "ConditionExpression": match condition {
            Some(condition) => format!("{absent} AND ({condition})"),
            None => absent,
        },
        "ExpressionAttributeNames": { KEY_NAME: key },
    });
    if let Some(wanted) = update.get("ReturnValuesOnConditionCheckFailure") {
        check["ReturnValuesOnConditionCheckFailure"] = wanted.clone();
    }
    for name in ["ExpressionAttributeNames", "ExpressionAttributeValues"] {
        let used = used_in(condition.unwrap_or_default(), update.get(name));
        for (placeholder, value) in used {
            check[name][placeholder] = value;
        }
    }
    Some(check)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_has_what_its_condition_uses() {
        let update = json!({
            "TableName": "t",
            "Key": { "pk": { "S": "a" } },
            "UpdateExpression": "REMOVE #b",
            "ConditionExpression": "#c = :c",
            "ExpressionAttributeNames": { "#b": "b", "#c": "c" },
            "ExpressionAttributeValues": { ":c": { "S": "x" } },
        });
        let expected = json!({
            "TableName": "t",
            "Key": { "pk": { "S": "a" } },
            "ConditionExpression": format!("attribute_not_exists({KEY_NAME}) AND (#c = :c)"),
            "ExpressionAttributeNames": { KEY_NAME: "pk", "#c": "c" },
            "ExpressionAttributeValues": { ":c": { "S": "x" } },
        });
        assert_eq!(check_of_absence(&update), Some(expected));
    }
}
