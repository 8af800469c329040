//! Numbers in requests, written as `DynamoDB` stores them.
//!
//! The engine compares the members of number sets as texts; once every request has them in the stored form, that is a
//! comparison by value: `1`, `1.0` and `1e0` are one number.

use std::collections::HashSet;

use bytes::Bytes;
use dynoxide::types::normalize_dynamo_number;
use serde_json::Value;

/// Returns the body with every number in its stored form; the body itself if all are already.
pub(super) fn normalized(body: Bytes) -> Bytes {
    let has = |name: &[u8]| body.windows(name.len()).any(|window| window == name);
    if !has(b"\"N\"") && !has(b"\"NS\"") {
        return body;
    }
    let Ok(mut request) = serde_json::from_slice::<Value>(&body) else {
        return body;
    };
    if normalize(&mut request) {
        request.to_string().into()
    } else {
        body
    }
}

/// Returns true if anything changed.
fn normalize(value: &mut Value) -> bool {
    match value {
        Value::Array(items) => items
            .iter_mut()
            .fold(false, |changed, item| normalize(item) | changed),
        Value::Object(members) => {
            let is_single = members.len() == 1;
            match members.iter_mut().next() {
                Some((name, Value::String(number))) if is_single && name == "N" => stored(number)
                    .is_some_and(|form| {
                        *number = form;
                        true
                    }),
                Some((name, Value::Array(numbers))) if is_single && name == "NS" => {
                    normalize_set(numbers)
                }
                _ => members
                    .values_mut()
                    .fold(false, |changed, member| normalize(member) | changed),
            }
        }
        _ => false,
    }
}

/// A set that has a number twice is left as it is: the engine refuses it in AWS's words.
fn normalize_set(numbers: &mut [Value]) -> bool {
    let forms: Option<Vec<(String, bool)>> = numbers
        .iter()
        .map(|number| {
            let number = number.as_str()?;
            Some(match stored(number) {
                Some(form) => (form, true),
                None => (number.to_owned(), false),
            })
        })
        .collect();
    let Some(forms) = forms else {
        return false;
    };
    let distinct: HashSet<&str> = forms.iter().map(|(form, _)| form.as_str()).collect();
    if distinct.len() != forms.len() {
        return false;
    }
    let has_changed = forms.iter().any(|(_, changed)| *changed);
    for (number, (form, _)) in numbers.iter_mut().zip(forms) {
        *number = form.into();
    }
    has_changed
}

/// The stored form, if it differs. A text that is not a number stays for the engine to refuse.
fn stored(number: &str) -> Option<String> {
    let is_plain = number
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E'));
    if number.is_empty() || !is_plain {
        return None;
    }
    let form = normalize_dynamo_number(number);
    (form != number).then_some(form)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn after(request: &Value) -> Value {
        serde_json::from_slice(&normalized(request.to_string().into())).expect("JSON")
    }

    #[test]
    fn numbers_take_their_stored_form_at_any_depth() {
        let request = json!({ "Item": {
            "N": { "S": "1.0" },
            "a": { "N": "1e0" },
            "b": { "L": [{ "M": { "c": { "NS": ["1.50", "-0", "7"] } } }] },
        }});
        let expected = json!({ "Item": {
            "N": { "S": "1.0" },
            "a": { "N": "1" },
            "b": { "L": [{ "M": { "c": { "NS": ["1.5", "0", "7"] } } }] },
        }});
        assert_eq!(after(&request), expected);
    }

    #[test]
    fn what_is_refused_stays_as_it_was_sent() {
        for request in [
            json!({ "a": { "NS": ["1", "1.0"] } }),
            json!({ "a": { "N": "one" } }),
            json!({ "a": { "N": " 1.0" } }),
            json!({ "a": { "N": "" } }),
            json!({ "a": { "N": "1e999999999" } }),
            json!({ "a": { "N": "1.0", "S": "x" } }),
            json!({ "a": { "NS": ["1.0", 2] } }),
        ] {
            assert_eq!(after(&request), request);
        }
    }
}
