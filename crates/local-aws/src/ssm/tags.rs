//! Tags of parameters.

use std::fmt;

use serde::Deserialize;
use serde_json::{Value, json};

use super::parameter::{Parameter, Tags};
use super::refusal::{VALIDATION, invalid};
use super::{Work, name};
use crate::answer::Refusal;
use crate::constraints::Constraints;

const MOST: usize = 50;

/// Of these, parameters are the only ones here.
const RESOURCE_TYPES: &[&str] = &[
    "Association",
    "Automation",
    "Document",
    "MaintenanceWindow",
    "ManagedInstance",
    "OpsItem",
    "OpsMetadata",
    "Parameter",
    "PatchBaseline",
];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tag {
    #[serde(default)]
    key: String,
    #[serde(default)]
    value: String,
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.key, self.value)
    }
}

/// The tags with `more` added, which take the place of those with the same key.
pub(super) fn added(mut tags: Tags, more: &[Tag]) -> Result<Tags, Refusal> {
    const PATTERN: &str = r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$";
    let mut constraints = Constraints::default();
    let is_allowed = |text: &str| text.chars().all(crate::iam::is_tag_char);
    for (tag, at) in more.iter().zip(1..) {
        let (key_at, value_at) = (
            format!("tags.{at}.member.key"),
            format!("tags.{at}.member.value"),
        );
        constraints.length(&tag.key, &key_at, 1, 128);
        constraints.pattern(&tag.key, &key_at, PATTERN, is_allowed(&tag.key));
        constraints.length(&tag.value, &value_at, 0, 256);
        constraints.pattern(&tag.value, &value_at, PATTERN, is_allowed(&tag.value));
    }
    constraints.finish(VALIDATION)?;
    if more
        .iter()
        .any(|tag| tag.key.to_lowercase().starts_with("aws:"))
    {
        return Err(invalid(
            "aws: prefixed tag key names are not allowed for external use.",
        ));
    }
    tags.extend(more.iter().map(|tag| (tag.key.clone(), tag.value.clone())));
    if tags.len() > MOST {
        return Err(Refusal::new(400, "TooManyTagsError", ""));
    }
    Ok(tags)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    resource_type: Option<String>,
    resource_id: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(default)]
    tag_keys: Vec<String>,
}

impl Input {
    /// The parameter that is named as the resource.
    fn parameter(&self, work: &Work) -> Result<Parameter, Refusal> {
        let mut constraints = Constraints::default();
        constraints.present(self.resource_type.as_ref(), "resourceType");
        constraints.present(self.resource_id.as_ref(), "resourceId");
        if let Some(kind) = &self.resource_type {
            constraints.one_of(kind, "resourceType", RESOURCE_TYPES);
        }
        constraints.finish(VALIDATION)?;
        let missing = || Refusal::new(400, "InvalidResourceId", "");
        if self.resource_type.as_deref() != Some("Parameter") {
            return Err(missing());
        }
        let id = self.resource_id.as_deref().unwrap_or_default();
        work.tx
            .get(work.place, name::key(id.trim()))?
            .ok_or_else(missing)
    }
}

pub(super) fn add(work: &Work) -> Result<Value, Refusal> {
    let given: Input = work.input()?;
    let mut parameter = given.parameter(work)?;
    parameter.tags = added(parameter.tags, &given.tags)?;
    work.tx.put(work.place, &parameter)?;
    Ok(json!({}))
}

pub(super) fn remove(work: &Work) -> Result<Value, Refusal> {
    let given: Input = work.input()?;
    let mut parameter = given.parameter(work)?;
    parameter
        .tags
        .retain(|key, _| !given.tag_keys.contains(key));
    work.tx.put(work.place, &parameter)?;
    Ok(json!({}))
}

pub(super) fn list(work: &Work) -> Result<Value, Refusal> {
    let given: Input = work.input()?;
    let tags = given.parameter(work)?.tags;
    let shown: Value = tags
        .iter()
        .map(|(key, value)| json!({ "Key": key, "Value": value }))
        .collect();
    Ok(json!({ "TagList": shown }))
}
