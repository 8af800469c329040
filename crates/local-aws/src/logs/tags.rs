//! The tags of log groups, by name (the older operations) and by ARN.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::group::{self, Group};
use super::{Work, input};
use crate::answer::Refusal;

const MOST: usize = 50;

pub(super) type Tags = BTreeMap<String, String>;

/// A map of tags has one at least.
pub(super) fn check(tags: &Tags) -> Result<(), Refusal> {
    if tags.is_empty() || tags.len() > MOST {
        let bound = if tags.is_empty() {
            "greater than or equal to 1".to_owned()
        } else {
            format!("less than or equal to {MOST}")
        };
        return Err(input::invalid(format!(
            "1 validation error detected: Value at 'tags' failed to satisfy constraint: Member must have length {bound}"
        )));
    }
    for (key, value) in tags {
        input::check_length(key, "tags", 1, 128)?;
        input::check_length(value, "tags", 0, 256)?;
        let is_allowed = |text: &str| text.chars().all(crate::iam::is_tag_char);
        if !is_allowed(key) || !is_allowed(value) {
            return Err(input::invalid(
                r"1 validation error detected: Value at 'tags' failed to satisfy constraint: Map keys and values must satisfy regular expression pattern: ^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$",
            ));
        }
        if key.to_lowercase().starts_with("aws:") {
            return Err(input::invalid(
                "aws: prefixed tag key names are not allowed for external use.",
            ));
        }
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    resource_arn: Option<String>,
    /// A map; of `UntagLogGroup` a list of keys.
    tags: Option<Value>,
    tag_keys: Option<Vec<String>>,
}

impl Input {
    fn added(&self) -> Result<Tags, Refusal> {
        let tags = self.tags.clone().unwrap_or_else(|| json!({}));
        let tags: Tags = serde_json::from_value(tags)
            .map_err(|error| Refusal::new(400, "SerializationException", error.to_string()))?;
        check(&tags)?;
        Ok(tags)
    }
}

/// By an ARN without `:*`.
fn of_resource(work: &Work, given: &Input) -> Result<Group, Refusal> {
    let arn = input::required(given.resource_arn.as_ref(), "resourceArn")?;
    let parts: Vec<&str> = arn.splitn(7, ':').collect();
    let ["arn", _, "logs", _, _, "log-group", name] = parts[..] else {
        return Err(input::invalid(format!("The ARN {arn} is invalid.")));
    };
    if !name.chars().all(input::is_group_char) {
        return Err(input::invalid(format!("The ARN {arn} is invalid.")));
    }
    work.tx
        .get::<Group>(work.place, name)?
        .filter(|group| group::arn(work.place, &group.name) == arn)
        .ok_or_else(|| group::not_found("The specified resource does not exist."))
}

fn add(work: &Work, mut group: Group, tags: Tags) -> Result<Value, Refusal> {
    group.tags.extend(tags);
    if group.tags.len() > MOST {
        return Err(Refusal::new(
            400,
            "TooManyTagsException",
            format!("Resource tag count exceeds the allowed limit: {MOST}"),
        ));
    }
    work.tx.put(work.place, &group)?;
    Ok(Value::Null)
}

fn remove(work: &Work, mut group: Group, keys: &[String]) -> Result<Value, Refusal> {
    group.tags.retain(|key, _| !keys.contains(key));
    work.tx.put(work.place, &group)?;
    Ok(Value::Null)
}

pub(super) fn tag_resource(work: &Work) -> Result<Value, Refusal> {
    let given: Input = work.input()?;
    let tags = given.added()?;
    add(work, of_resource(work, &given)?, tags)
}

pub(super) fn tag_group(work: &Work) -> Result<Value, Refusal> {
    let given: Input = work.input()?;
    let tags = given.added()?;
    add(work, group::named(work)?, tags)
}

pub(super) fn untag_resource(work: &Work) -> Result<Value, Refusal> {
    let given: Input = work.input()?;
    let group = of_resource(work, &given)?;
    remove(work, group, &given.tag_keys.unwrap_or_default())
}

pub(super) fn untag_group(work: &Work) -> Result<Value, Refusal> {
    let given: Input = work.input()?;
    let keys: Vec<String> = serde_json::from_value(given.tags.unwrap_or_else(|| json!([])))
        .map_err(|error| Refusal::new(400, "SerializationException", error.to_string()))?;
    remove(work, group::named(work)?, &keys)
}

pub(super) fn list_of_resource(work: &Work) -> Result<Value, Refusal> {
    let given: Input = work.input()?;
    Ok(json!({ "tags": of_resource(work, &given)?.tags }))
}

pub(super) fn list_of_group(work: &Work) -> Result<Value, Refusal> {
    Ok(json!({ "tags": group::named(work)?.tags }))
}
