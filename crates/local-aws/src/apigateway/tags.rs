//! Tags of REST APIs, stages, API keys and usage plans, at creation and afterwards.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;

use super::api_key::ApiKey;
use super::refusal::{bad_request, no_stage, not_found};
use super::rest_api::RestApi;
use super::stage::Stage;
use super::usage_plan::UsagePlan;
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::cloud::Cloud;
use crate::place::Place;
use crate::store::{Record, Tx};
use crate::tagging::Tagged;

pub(super) type Tags = BTreeMap<String, String>;

const MOST: usize = 50;

/// Refuses tags that AWS would ("Tag your API Gateway REST API resources").
pub(super) fn check(tags: &Tags) -> Result<(), Refusal> {
    if tags.len() > MOST {
        return Err(bad_request(format!(
            "The number of tags exceeds the limit of {MOST}"
        )));
    }
    for (key, value) in tags {
        if key.is_empty() || key.chars().count() > 128 {
            return Err(bad_request(
                "Tag keys must have a length between 1 and 128 characters",
            ));
        }
        if value.chars().count() > 256 {
            return Err(bad_request("Tag values can be at most 256 characters"));
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(bad_request(
                "Tag keys starting with 'aws:' are reserved for system use",
            ));
        }
        let fits = |text: &str| {
            text.chars()
                .all(|c| c.is_alphanumeric() || c == ' ' || "+-=._:/@".contains(c))
        };
        if !fits(key) || !fits(value) {
            return Err(bad_request(format!(
                "Invalid tag specified: {key}={value}. Tags can contain letters, numbers, spaces and + - = . _ : / @"
            )));
        }
    }
    Ok(())
}

pub(super) fn get(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let target = Target::of(call)?;
    let tags = cloud
        .store
        .transact(|tx| target.change(tx, &call.place, |_| Ok(())))?;
    Ok(Answer::ok(json!({ "tags": tags })))
}

pub(super) fn tag(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    #[derive(Deserialize)]
    struct Input {
        #[serde(default)]
        tags: Tags,
    }
    let input: Input = call.input()?;
    let target = Target::of(call)?;
    cloud.store.transact(|tx| {
        target.change(tx, &call.place, |tags| {
            tags.extend(input.tags);
            check(tags)
        })
    })?;
    Ok(Answer::empty(204))
}

pub(super) fn untag(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let target = Target::of(call)?;
    cloud.store.transact(|tx| {
        target.change(tx, &call.place, |tags| {
            for key in call.parameters("tagKeys") {
                tags.remove(key);
            }
            Ok(())
        })
    })?;
    Ok(Answer::empty(204))
}

/// Returns the ARN and tags of every API, stage, key and plan.
pub(crate) fn tagged(tx: &Tx, place: &Place) -> Result<Tagged, Refusal> {
    let prefix = prefix(place);
    let arn = |path: String| format!("{prefix}{path}");
    let mut found = Vec::new();
    for api in tx.list::<RestApi>(place, "")? {
        found.push((arn(format!("restapis/{}", api.id)), api.tags));
    }
    for stage in tx.list::<Stage>(place, "")? {
        let path = format!("restapis/{}/stages/{}", stage.api, stage.name);
        found.push((arn(path), stage.tags));
    }
    for key in tx.list::<ApiKey>(place, "")? {
        found.push((arn(format!("apikeys/{}", key.id)), key.tags));
    }
    for plan in tx.list::<UsagePlan>(place, "")? {
        found.push((arn(format!("usageplans/{}", plan.id)), plan.tags));
    }
    Ok(found)
}

/// The beginning of every ARN of API Gateway.
fn prefix(place: &Place) -> String {
    format!("arn:{}:apigateway:{}::/", place.partition(), place.region)
}

/// What an ARN names.
enum Target {
    RestApi(String),
    Stage { api: String, name: String },
    ApiKey(String),
    UsagePlan(String),
}

impl Target {
    /// `arn:{partition}:apigateway:{region}::/restapis/{id}` and its like.
    fn of(call: &Call) -> Result<Self, Refusal> {
        let arn = call.label("resource_arn");
        let invalid = || bad_request(format!("Invalid ARN specified: {arn}"));
        let path = arn.strip_prefix(&prefix(&call.place)).ok_or_else(invalid)?;
        let parts: Vec<&str> = path.split('/').collect();
        Ok(match parts.as_slice() {
            ["restapis", id] => Self::RestApi((*id).to_owned()),
            ["restapis", api, "stages", name] => Self::Stage {
                api: (*api).to_owned(),
                name: (*name).to_owned(),
            },
            ["apikeys", id] => Self::ApiKey((*id).to_owned()),
            ["usageplans", id] => Self::UsagePlan((*id).to_owned()),
            _ => return Err(invalid()),
        })
    }

    /// The tags after `work`.
    fn change(
        &self,
        tx: &Tx,
        place: &Place,
        work: impl FnOnce(&mut Tags) -> Result<(), Refusal>,
    ) -> Result<Tags, Refusal> {
        match self {
            Self::RestApi(id) => {
                let missing = || {
                    not_found(format!(
                        "Invalid API identifier specified {}:{id}",
                        place.account
                    ))
                };
                change(
                    tx,
                    place,
                    id,
                    missing,
                    |api: &mut RestApi| &mut api.tags,
                    work,
                )
            }
            Self::Stage { api, name } => {
                let key = format!("{api}/{name}");
                change(
                    tx,
                    place,
                    &key,
                    no_stage,
                    |stage: &mut Stage| &mut stage.tags,
                    work,
                )
            }
            Self::ApiKey(id) => {
                let missing = || not_found("Invalid API Key identifier specified");
                change(
                    tx,
                    place,
                    id,
                    missing,
                    |key: &mut ApiKey| &mut key.tags,
                    work,
                )
            }
            Self::UsagePlan(id) => {
                let missing = || not_found("Invalid Usage Plan ID specified");
                change(
                    tx,
                    place,
                    id,
                    missing,
                    |plan: &mut UsagePlan| &mut plan.tags,
                    work,
                )
            }
        }
    }
}

fn change<R: Record>(
    tx: &Tx,
    place: &Place,
    key: &str,
    missing: impl FnOnce() -> Refusal,
    tags_of: impl FnOnce(&mut R) -> &mut Tags,
    work: impl FnOnce(&mut Tags) -> Result<(), Refusal>,
) -> Result<Tags, Refusal> {
    let mut record: R = tx.get(place, key)?.ok_or_else(missing)?;
    let tags = tags_of(&mut record);
    let before = tags.clone();
    work(tags)?;
    let after = tags.clone();
    if after != before {
        tx.put(place, &record)?;
    }
    Ok(after)
}
