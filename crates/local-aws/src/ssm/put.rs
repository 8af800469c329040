//! `PutParameter`: creates a parameter, or adds a version to one.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value, json};

use super::parameter::{Parameter, SECURE_STRING, STRING, STRING_LIST, Tags, Version};
use super::refusal::{VALIDATION, invalid};
use super::tags::{self, Tag};
use super::{Work, name, secret, value};
use crate::answer::Refusal;
use crate::constraints::Constraints;

/// AWS retains the 100 most recent versions.
const MOST_VERSIONS: usize = 100;
const DEFAULT_KEY: &str = "alias/aws/ssm";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    name: Option<String>,
    description: Option<String>,
    value: Option<String>,
    r#type: Option<String>,
    key_id: Option<String>,
    #[serde(default)]
    overwrite: bool,
    allowed_pattern: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
    tier: Option<String>,
    policies: Option<String>,
    data_type: Option<String>,
}

impl Input {
    /// The constraints of botocore's model `ssm/2014-11-06`.
    fn check(&self) -> Result<(), Refusal> {
        let mut constraints = Constraints::default();
        constraints.present(self.name.as_ref(), "name");
        constraints.present(self.value.as_ref(), "value");
        if let Some(name) = &self.name {
            constraints.length(name, "name", 1, 2048);
        }
        if let Some(value) = &self.value {
            constraints.secret_length(value, "value", 1, 32768);
        }
        if let Some(description) = &self.description {
            constraints.length(description, "description", 0, 1024);
        }
        if let Some(pattern) = &self.allowed_pattern {
            constraints.length(pattern, "allowedPattern", 0, 1024);
        }
        if let Some(kind) = &self.r#type {
            constraints.one_of(kind, "type", &[SECURE_STRING, STRING_LIST, STRING]);
        }
        if let Some(tier) = &self.tier {
            let tiers = [value::STANDARD, value::ADVANCED, value::INTELLIGENT];
            constraints.one_of(tier, "tier", &tiers);
        }
        if let Some(key) = &self.key_id {
            let fits = |c: char| c.is_ascii_alphanumeric() || ":/_-".contains(c);
            constraints.length(key, "keyId", 1, 256);
            constraints.pattern(key, "keyId", "^([a-zA-Z0-9:/_-]+)$", key.chars().all(fits));
        }
        constraints.finish(VALIDATION)?;
        if self.overwrite && !self.tags.is_empty() {
            return Err(invalid(
                "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove \
                 overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or \
                 RemoveTagsFromResource.",
            ));
        }
        if self
            .policies
            .as_deref()
            .is_some_and(|text| !["", "[]", "{}"].contains(&text))
        {
            return Err(Refusal::new(
                400,
                "InvalidPolicyTypeException",
                "The local AWS does not support parameter policies",
            ));
        }
        Ok(())
    }
}

pub(super) fn put(work: &Work) -> Result<Value, Refusal> {
    let given: Input = work.input()?;
    given.check()?;
    let name = name::checked(work.place, given.name.as_deref().unwrap_or_default())?;
    let found = work.tx.get::<Parameter>(work.place, name::key(name))?;
    if found.is_some() && !given.overwrite {
        return Err(Refusal::new(
            400,
            "ParameterAlreadyExists",
            "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.",
        ));
    }
    let mut parameter = match found {
        Some(parameter) => parameter,
        None => Parameter {
            name: name.to_owned(),
            versions: Vec::new(),
            tags: tags::added(Tags::new(), &given.tags)?,
        },
    };
    let version = version(work, &given, parameter.versions.last())?;
    make_room(&mut parameter)?;
    let output = json!({ "Version": version.number, "Tier": version.tier });
    parameter.versions.push(version);
    work.tx.put(work.place, &parameter)?;
    Ok(output)
}

/// The version that follows `before`, from which it takes what the request does not say.
fn version(work: &Work, given: &Input, before: Option<&Version>) -> Result<Version, Refusal> {
    let plain = given.value.as_deref().unwrap_or_default();
    let kind = given
        .r#type
        .as_ref()
        .or(before.map(|version| &version.kind))
        .ok_or_else(|| invalid("A parameter type is required when you create a parameter."))?;
    let is_secure = kind == SECURE_STRING;
    if given.key_id.is_some() && !is_secure {
        return Err(invalid(
            "KeyId is required for SecureString type parameter only.",
        ));
    }
    let data_type = given.data_type.as_deref().unwrap_or("text");
    value::check_data_type(data_type)?;
    value::check_nesting(plain)?;
    let tier = value::tier(
        given.tier.as_deref(),
        before.map(|version| version.tier.as_str()),
        plain,
    )?;
    let kept = |given: Option<&String>, before: Option<&String>| {
        given.or(before).filter(|text| !text.is_empty()).cloned()
    };
    let allowed_pattern = kept(
        given.allowed_pattern.as_ref(),
        before.and_then(|version| version.allowed_pattern.as_ref()),
    );
    if let Some(pattern) = &allowed_pattern {
        value::check_pattern(pattern, plain)?;
    }
    let key_id = kept(
        given.key_id.as_ref(),
        before.and_then(|version| version.key_id.as_ref()),
    );
    Ok(Version {
        number: before.map_or(0, |version| version.number) + 1,
        kind: kind.clone(),
        value: if is_secure {
            secret::seal(work.tx, work.place, plain)?
        } else {
            plain.to_owned()
        },
        key_id: is_secure.then(|| key_id.unwrap_or_else(|| DEFAULT_KEY.to_owned())),
        description: kept(
            given.description.as_ref(),
            before.and_then(|version| version.description.as_ref()),
        ),
        allowed_pattern,
        tier: tier.to_owned(),
        data_type: data_type.to_owned(),
        modified: work.cloud.now(),
        user: work.call.caller.arn(work.place),
        labels: BTreeSet::new(),
    })
}

/// Removes the oldest version if there are as many as AWS retains.
fn make_room(parameter: &mut Parameter) -> Result<(), Refusal> {
    if parameter.versions.len() < MOST_VERSIONS {
        return Ok(());
    }
    if let Some(oldest) = parameter.versions.first()
        && !oldest.labels.is_empty()
    {
        let message = format!(
            "You attempted to create a new version of {} by calling the PutParameter API with the overwrite flag. Version \
             {}, the oldest version, can't be deleted because it has a label associated with it. Move the label to another \
             version of the parameter, and try again.",
            parameter.name, oldest.number
        );
        return Err(Refusal::new(
            400,
            "ParameterMaxVersionLimitExceeded",
            message,
        ));
    }
    parameter.versions.remove(0);
    Ok(())
}
