//! Records as API Gateway answers with them.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::answer::Refusal;

/// What only the local state knows of a record; never shown.
const OWN: &[&str] = &["api", "former", "deployedAt", "snapshot", "made"];
/// Shown with its quotes escaped, as a JSON text is within another (hashicorp/terraform-provider-aws undoes it).
const ESCAPED: &str = "policy";
/// Kept in milliseconds, shown in seconds.
const TIMES: &[&str] = &["createdDate", "lastUpdatedDate"];

/// True if an answer has `tags` when there are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tags {
    /// Gets and updates of one thing (recorded by localstack, `test_apigateway_api` and `test_apigateway_common`).
    Always,
    /// Creations and lists.
    IfAny,
}

/// A record with the members that AWS shows.
pub(super) fn record(record: &impl Serialize, tags: Tags) -> Result<Map<String, Value>, Refusal> {
    let Value::Object(mut members) = serde_json::to_value(record)
        .map_err(|error| Refusal::internal(format!("a record cannot be written: {error}")))?
    else {
        return Err(Refusal::internal("a record is no object"));
    };
    members.retain(|name, value| !value.is_null() && !OWN.contains(&name.as_str()));
    for name in TIMES {
        if let Some(Value::Number(moment)) = members.get(*name) {
            let seconds = crate::clock::seconds(moment.as_u64().unwrap_or_default());
            members.insert((*name).to_owned(), seconds.into());
        }
    }
    if let Some(Value::String(text)) = members.get_mut(ESCAPED) {
        let quoted = Value::from(text.as_str()).to_string();
        quoted[1..quoted.len() - 1].clone_into(text);
    }
    let is_empty = members
        .get("tags")
        .and_then(Value::as_object)
        .is_some_and(Map::is_empty);
    if is_empty && tags == Tags::IfAny {
        members.shift_remove("tags");
    }
    Ok(members)
}
