//! The tags of roles, users, policies, instance profiles and sessions.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::input;
use crate::answer::Refusal;
use crate::call::Call;
use crate::service::Service;

/// The most that one thing has.
const MOST: usize = 50;

/// Keys as they were written first; in the order of the keys, as AWS lists them.
pub(crate) type Tags = BTreeMap<String, String>;

/// Whether keys that differ by case alone are the same: they are for roles, users and sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keys {
    AnyCase,
    ByCase,
}

impl Keys {
    /// Returns the key of `tags` that is the same as `key`.
    fn find(self, tags: &Tags, key: &str) -> Option<String> {
        match self {
            Self::ByCase => tags.get_key_value(key).map(|(own, _)| own.clone()),
            Self::AnyCase => {
                let key = key.to_lowercase();
                tags.keys().find(|own| own.to_lowercase() == key).cloned()
            }
        }
    }

    fn duplicate(self, call: &Call) -> Refusal {
        let code = match call.service {
            Service::Sts => "InvalidParameterValue",
            _ => "InvalidInput",
        };
        let message = match self {
            Self::ByCase => "Duplicate tag keys found.",
            Self::AnyCase => {
                "Duplicate tag keys found. Please note that Tag keys are case insensitive."
            }
        };
        Refusal::new(400, code, message)
    }
}

/// The call's `Tags`; one that is not valid is enough to refuse the call.
pub(crate) fn read(call: &Call, keys: Keys) -> Result<Tags, Refusal> {
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
                &format!("{at}.value"),
                r"Member must satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]*",
            ));
        }
        if keys.find(&tags, key).is_some() {
            return Err(keys.duplicate(call));
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

/// Adds the call's tags; one whose key is there takes its place.
pub(crate) fn add(call: &Call, tags: &mut Tags, keys: Keys) -> Result<(), Refusal> {
    for (key, value) in read(call, keys)? {
        let own = keys.find(tags, &key).unwrap_or(key);
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
pub(crate) fn remove(call: &Call, tags: &mut Tags, keys: Keys) -> Result<(), Refusal> {
    let removed = input::strings(call, "TagKeys");
    if removed.len() > MOST {
        return Err(input::invalid(format!(
            "1 validation error detected: Value at 'tagKeys' failed to satisfy constraint: Member must have length less \
             than or equal to {MOST}"
        )));
    }
    let is_key =
        |key: &str| (1..=128).contains(&key.chars().count()) && key.chars().all(is_allowed);
    if !removed.iter().all(|key| is_key(key)) {
        return Err(input::broken(
            "tagKeys",
            r"Member must satisfy constraint: [Member must have length less than or equal to 128, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]+, Member must not be null]",
        ));
    }
    for key in removed {
        if let Some(own) = keys.find(tags, key) {
            tags.remove(&own);
        }
    }
    Ok(())
}

/// A page of the tags.
pub(super) fn page(call: &Call, tags: Tags) -> Result<Value, Refusal> {
    let tags = tags
        .into_iter()
        .map(|(key, value)| (key.clone(), json!({ "Key": key, "Value": value })))
        .collect();
    input::page(call, "Tags", tags)
}

/// As a list of `Key` and `Value`; without any, nothing.
pub(crate) fn shown(tags: &Tags) -> Value {
    if tags.is_empty() {
        return Value::Null;
    }
    always_shown(tags)
}

/// As a list of `Key` and `Value`, maybe an empty one.
pub(crate) fn always_shown(tags: &Tags) -> Value {
    tags.iter()
        .map(|(key, value)| json!({ "Key": key, "Value": value }))
        .collect()
}
