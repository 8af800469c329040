//! The tags of roles and policies.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::input;
use crate::answer::Refusal;
use crate::call::Call;

/// The most that one thing has.
const MOST: usize = 50;

/// Keys as they were written first; in the order of the keys, as AWS lists them.
pub(crate) type Tags = BTreeMap<String, String>;

/// The call's `Tags`; one that is not valid is enough to refuse the call.
pub(crate) fn read(call: &Call) -> Result<Tags, Refusal> {
    let members = input::structures(call, "Tags");
    if members.len() > MOST {
        return Err(input::invalid(format!(
            "1 validation error detected: Value at 'tags' failed to satisfy constraint: Member must have length less than \
             or equal to {MOST}"
        )));
    }
    let mut tags = Tags::new();
    for (index, member) in members.iter().enumerate() {
        let at = format!("tags.{}.member", index + 1);
        let key = required(member, "Key", &at)?;
        let value = required(member, "Value", &at)?;
        check_key(key, &format!("{at}.key"))?;
        input::check_length(value, &format!("{at}.value"), 0, 256)?;
        if !value.chars().all(is_allowed) {
            return Err(input::broken(
                value,
                &format!("{at}.value"),
                r"Member must satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]*",
            ));
        }
        if find(&tags, key).is_some() {
            return Err(Refusal::new(
                400,
                "InvalidInput",
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
            ));
        }
        tags.insert(key.to_owned(), value.to_owned());
    }
    Ok(tags)
}

fn required<'a>(
    member: &BTreeMap<&str, &'a str>,
    field: &str,
    at: &str,
) -> Result<&'a str, Refusal> {
    member.get(field).copied().ok_or_else(|| {
        input::invalid(format!(
            "1 validation error detected: Value at '{at}.{}' failed to satisfy constraint: Member must not be null",
            field.to_lowercase()
        ))
    })
}

fn check_key(key: &str, at: &str) -> Result<(), Refusal> {
    input::check_length(key, at, 1, 128)?;
    if !key.chars().all(is_allowed) {
        return Err(input::broken(
            key,
            at,
            r"Member must satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]+",
        ));
    }
    if key.to_lowercase().starts_with("aws:") {
        return Err(Refusal::new(
            400,
            "InvalidInput",
            "Caller is an end user and not allowed to mutate system tags",
        ));
    }
    Ok(())
}

/// Letters, separators, digits and `_.:/=+-@`.
pub(crate) fn is_allowed(c: char) -> bool {
    c.is_alphabetic()
        || c.is_numeric()
        || (c.is_whitespace() && !c.is_control())
        || "_.:/=+-@".contains(c)
}

/// The key that is the same as `key` without regard to case.
fn find(tags: &Tags, key: &str) -> Option<String> {
    let key = key.to_lowercase();
    tags.keys().find(|own| own.to_lowercase() == key).cloned()
}

/// Adds the call's tags; one whose key is there, in whatever case, takes its place.
pub(crate) fn add(call: &Call, tags: &mut Tags) -> Result<(), Refusal> {
    for (key, value) in read(call)? {
        let own = find(tags, &key).unwrap_or(key);
        tags.insert(own, value);
    }
    if tags.len() > MOST {
        return Err(Refusal::new(
            409,
            "LimitExceeded",
            format!("Cannot exceed quota for TagsPerRole: {MOST}"),
        ));
    }
    Ok(())
}

/// Takes the call's `TagKeys` off.
pub(crate) fn remove(call: &Call, tags: &mut Tags) -> Result<(), Refusal> {
    let keys = input::strings(call, "TagKeys");
    if keys.len() > MOST {
        return Err(input::invalid(format!(
            "1 validation error detected: Value at 'tagKeys' failed to satisfy constraint: Member must have length less \
             than or equal to {MOST}"
        )));
    }
    for (index, key) in keys.iter().enumerate() {
        check_key(key, &format!("tagKeys.{}.member", index + 1))?;
        if let Some(own) = find(tags, key) {
            tags.remove(&own);
        }
    }
    Ok(())
}

/// As a list of `Key` and `Value`; without any, nothing.
pub(crate) fn shown(tags: &Tags) -> Value {
    if tags.is_empty() {
        return Value::Null;
    }
    tags.iter()
        .map(|(key, value)| json!({ "Key": key, "Value": value }))
        .collect()
}
