//! Parameters, with their values and tags.

use aws_sdk_ssm::types::{ParameterMetadata, ResourceTypeForTagging};
use serde_json::{Value, json};

use super::value::pairs;
use crate::account::Account;

/// Lists parameters with their values and tags.
pub(super) async fn parameters(account: &Account) -> Vec<Value> {
    let mut found = Vec::new();
    let mut pages = account.ssm.describe_parameters().into_paginator().send();
    while let Some(page) = pages.next().await {
        for facts in page.expect("DescribeParameters").parameters() {
            found.push(parameter(account, facts).await);
        }
    }
    found
}

/// A parameter without the number of its version, which counts changes and is no fact of what exists.
async fn parameter(account: &Account, facts: &ParameterMetadata) -> Value {
    let name = facts.name().unwrap_or_default();
    let read = account
        .ssm
        .get_parameter()
        .name(name)
        .with_decryption(true)
        .send()
        .await;
    let tags = account
        .ssm
        .list_tags_for_resource()
        .resource_type(ResourceTypeForTagging::Parameter)
        .resource_id(name)
        .send()
        .await;
    let tags = tags.expect("ListTagsForResource").tag_list;
    let tags = tags.unwrap_or_default();
    let read = read.expect("GetParameter").parameter;
    json!({
        "name": name,
        "arn": facts.arn(),
        "type": facts.r#type().map(ToString::to_string),
        "value": read.and_then(|parameter| parameter.value),
        "description": facts.description().unwrap_or_default(),
        "key": facts.key_id(),
        "tier": facts.tier().map(ToString::to_string),
        "data_type": facts.data_type(),
        "pattern": facts.allowed_pattern(),
        "tags": pairs(tags.iter().map(|tag| (tag.key(), tag.value()))),
    })
}
