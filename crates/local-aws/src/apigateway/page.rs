//! Lists in pages: `limit` and `position` in, `item` and `position` out.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::refusal::bad_request;
use crate::answer::{Answer, Refusal};
use crate::call::Call;

const DEFAULT_LIMIT: usize = 25;
const LARGEST_LIMIT: usize = 500;

/// One page of what is listed in the order of its keys; `items` is the member's name on the wire.
pub(super) fn answer(
    call: &Call,
    entries: Vec<(String, Map<String, Value>)>,
) -> Result<Answer, Refusal> {
    let (entries, position) = cut(call, entries)?;
    let items: Vec<Value> = entries
        .into_iter()
        .map(|(_, entry)| Value::Object(entry))
        .collect();
    let mut output = json!({ "item": items });
    if let Some(position) = position {
        output["position"] = position.into();
    }
    Ok(Answer::ok(output))
}

/// Entries with their keys, and the position after the last one if there are more.
pub(super) type Page<T> = (Vec<(String, T)>, Option<String>);

/// The page that a call asks for.
pub(super) fn cut<T>(call: &Call, mut entries: Vec<(String, T)>) -> Result<Page<T>, Refusal> {
    let limit = limit(call)?;
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    if let Some(position) = call.parameter("position").filter(|text| !text.is_empty()) {
        let after = URL_SAFE_NO_PAD
            .decode(position)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .ok_or_else(|| bad_request("Invalid position parameter specified"))?;
        entries.retain(|(key, _)| *key > after);
    }
    let more = entries.len() > limit;
    entries.truncate(limit);
    let position = entries
        .last()
        .filter(|_| more)
        .map(|(key, _)| URL_SAFE_NO_PAD.encode(key));
    Ok((entries, position))
}

pub(super) fn limit(call: &Call) -> Result<usize, Refusal> {
    let Some(text) = call.parameter("limit").filter(|text| !text.is_empty()) else {
        return Ok(DEFAULT_LIMIT);
    };
    // One below 1 is none (recorded by localstack, `test_negative_get_usage_plan_api_keys`).
    if text.parse::<i64>().is_ok_and(|limit| limit < 1) {
        return Ok(DEFAULT_LIMIT);
    }
    text.parse()
        .ok()
        .filter(|limit| *limit <= LARGEST_LIMIT)
        .ok_or_else(|| {
            bad_request(format!(
                "Invalid limit parameter specified, must be between 1 and {LARGEST_LIMIT}"
            ))
        })
}
