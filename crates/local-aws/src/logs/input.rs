//! Members of requests, checked as `CloudWatch` Logs checks them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use serde_json::Value;

use crate::answer::Refusal;
use crate::call::Call;
use crate::unknown;

/// AWS's code for whatever is wrong with a request.
pub(super) fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "InvalidParameterException", message)
}

pub(super) fn broken(value: &str, at: &str, constraint: &str) -> Refusal {
    invalid(format!(
        "1 validation error detected: Value '{value}' at '{at}' failed to satisfy constraint: {constraint}"
    ))
}

pub(super) fn required<'a>(value: Option<&'a String>, at: &str) -> Result<&'a str, Refusal> {
    value.map(String::as_str).ok_or_else(|| {
        invalid(format!(
            "1 validation error detected: Value at '{at}' failed to satisfy constraint: Member must not be null"
        ))
    })
}

pub(super) fn check_length(value: &str, at: &str, min: usize, max: usize) -> Result<(), Refusal> {
    let length = value.chars().count();
    if length < min {
        let constraint = format!("Member must have length greater than or equal to {min}");
        return Err(broken(value, at, &constraint));
    }
    if length > max {
        let constraint = format!("Member must have length less than or equal to {max}");
        return Err(broken(value, at, &constraint));
    }
    Ok(())
}

/// `[.\-_/#A-Za-z0-9]`.
pub(super) fn is_group_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || ".-_/#".contains(c)
}

/// Names of groups and streams.
fn check_name_length(name: &str, at: &str) -> Result<(), Refusal> {
    if name.chars().count() > 512 {
        return Err(invalid(
            "Invalid LogGroup or LogStream, both must have length less than or equal to 512.",
        ));
    }
    check_length(name, at, 1, 512)
}

/// Names of metric and subscription filters.
pub(super) fn check_filter_name(name: &str, at: &str) -> Result<(), Refusal> {
    check_length(name, at, 1, 512)?;
    if name.contains([':', '*']) {
        let constraint = "Member must satisfy regular expression pattern: [^:*]*";
        return Err(broken(name, at, constraint));
    }
    Ok(())
}

/// Refuses a call that has one of these members, which have no effect here.
pub(super) fn refuse(call: &Call, names: &[&str]) -> Result<(), Refusal> {
    let body = call.json()?;
    let is_given = |name: &&&str| {
        body.get(**name).is_some_and(|value| {
            let is_off = value.is_null() || value == &Value::Bool(false);
            !is_off && value.as_array().is_none_or(|list| !list.is_empty())
        })
    };
    match names.iter().find(is_given) {
        Some(name) => Err(unknown::unsupported(
            call.service,
            &format!("the {name} of {}", call.operation),
        )),
        None => Ok(()),
    }
}

pub(super) fn check_group_name(name: &str, at: &str) -> Result<(), Refusal> {
    check_name_length(name, at)?;
    if name.chars().all(is_group_char) {
        return Ok(());
    }
    Err(broken(
        name,
        at,
        r"Member must satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+",
    ))
}

pub(super) fn check_stream_name(name: &str, at: &str) -> Result<(), Refusal> {
    check_name_length(name, at)?;
    if name.contains([':', '*']) {
        let constraint = "Member must satisfy regular expression pattern: [^:*]*";
        return Err(broken(name, at, constraint));
    }
    Ok(())
}

/// A whole number within bounds.
pub(super) fn bounded(
    value: Option<i64>,
    at: &str,
    most: usize,
    default: usize,
) -> Result<usize, Refusal> {
    let Some(value) = value else {
        return Ok(default);
    };
    if value < 1 {
        let constraint = "Member must have value greater than or equal to 1";
        return Err(broken(&value.to_string(), at, constraint));
    }
    match usize::try_from(value) {
        Ok(value) if value <= most => Ok(value),
        _ => {
            let constraint = format!("Member must have value less than or equal to {most}");
            Err(broken(&value.to_string(), at, &constraint))
        }
    }
}

/// A moment; before 1970 there are none.
pub(super) fn check_time(value: Option<i64>, at: &str) -> Result<(), Refusal> {
    match value {
        Some(value) if value < 0 => {
            let constraint = "Member must have value greater than or equal to 0";
            Err(broken(&value.to_string(), at, constraint))
        }
        _ => Ok(()),
    }
}

pub(super) fn one_of(value: &str, at: &str, values: &[&str]) -> Result<(), Refusal> {
    if values.contains(&value) {
        return Ok(());
    }
    let constraint = format!(
        "Member must satisfy enum value set: [{}]",
        values.join(", ")
    );
    Err(broken(value, at, &constraint))
}

pub(super) fn token(text: &str) -> String {
    STANDARD.encode(text)
}

pub(super) fn read_token(token: &str) -> Result<String, Refusal> {
    STANDARD
        .decode(token)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(bad_token)
}

pub(super) fn bad_token() -> Refusal {
    invalid("The specified nextToken is invalid.")
}

/// The page of `items` after `token`, with the token for the next. Items come with a key each, in the order of the keys
/// or in its reverse.
pub(super) fn page<T>(
    items: Vec<(String, T)>,
    token_given: Option<&String>,
    most: usize,
    descending: bool,
) -> Result<(Vec<T>, Option<String>), Refusal> {
    let after = token_given.map(|token| read_token(token)).transpose()?;
    let is_before = |key: &String| {
        after.as_ref().is_some_and(|after| {
            if descending {
                key >= after
            } else {
                key <= after
            }
        })
    };
    let mut rest = items.into_iter().skip_while(|(key, _)| is_before(key));
    let mut last = None;
    let page: Vec<T> = rest
        .by_ref()
        .take(most)
        .map(|(key, item)| {
            last = Some(key);
            item
        })
        .collect();
    let next = rest.next().and(last).map(|key| token(&key));
    Ok((page, next))
}
