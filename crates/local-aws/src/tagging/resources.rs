//! `GetResources`.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::filter::{TagFilter, is_of_type};
use super::index::{self, Tags};
use super::{INVALID, invalid, page};
use crate::answer::Refusal;
use crate::call::Call;
use crate::cloud::Cloud;
use crate::constraints::Constraints;

const MOST_PER_PAGE: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    pagination_token: Option<String>,
    #[serde(default)]
    tag_filters: Vec<TagFilter>,
    resources_per_page: Option<i64>,
    tags_per_page: Option<i64>,
    #[serde(default)]
    resource_type_filters: Vec<String>,
    include_compliance_details: Option<bool>,
    exclude_compliant_resources: Option<bool>,
    #[serde(rename = "ResourceARNList", default)]
    resource_arn_list: Vec<String>,
}

impl Input {
    /// AWS: `GetResources`, and botocore's model `resourcegroupstaggingapi/2017-01-26`.
    fn check(&self) -> Result<(), Refusal> {
        let mut constraints = Constraints::default();
        constraints.count(&self.tag_filters, "tagFilters", 0, 50);
        for (filter, at) in self.tag_filters.iter().zip(1..) {
            let at = |member: &str| format!("tagFilters.{at}.member.{member}");
            constraints.length(&filter.key, &at("key"), 1, 128);
            constraints.count(&filter.values, &at("values"), 0, 20);
            for value in &filter.values {
                constraints.length(value, &at("values"), 0, 256);
            }
        }
        constraints.count(&self.resource_type_filters, "resourceTypeFilters", 0, 100);
        for kind in &self.resource_type_filters {
            constraints.length(kind, "resourceTypeFilters", 0, 256);
        }
        constraints.count(&self.resource_arn_list, "resourceARNList", 0, 100);
        for arn in &self.resource_arn_list {
            constraints.length(arn, "resourceARNList", 1, 1011);
        }
        constraints.finish(INVALID)?;
        check_between("ResourcesPerPage", self.resources_per_page, 1, 100)?;
        check_between("TagsPerPage", self.tags_per_page, 100, 500)?;
        if self.exclude_compliant_resources == Some(true)
            && self.include_compliance_details != Some(true)
        {
            return Err(invalid(
                "ExcludeCompliantResources can be specified only if IncludeComplianceDetails is true",
            ));
        }
        if self.include_compliance_details == Some(true) {
            return Err(invalid(
                "The local AWS does not support the IncludeComplianceDetails of GetResources",
            ));
        }
        if self.resource_arn_list.is_empty() {
            return Ok(());
        }
        let pages = self.resources_per_page.is_some()
            || self.tags_per_page.is_some()
            || self
                .pagination_token
                .as_ref()
                .is_some_and(|token| !token.is_empty());
        for (is_given, name) in [
            (!self.tag_filters.is_empty(), "TagFilters"),
            (
                !self.resource_type_filters.is_empty(),
                "ResourceTypeFilters",
            ),
            (pages, "pagination parameters"),
        ] {
            if is_given {
                return Err(invalid(format!(
                    "ResourceARNList and {name} cannot be specified in the same request"
                )));
            }
        }
        match self
            .resource_arn_list
            .iter()
            .find(|arn| !arn.starts_with("arn:"))
        {
            Some(arn) => Err(not_an_arn(arn)),
            None => Ok(()),
        }
    }

    fn asks_for(&self, arn: &str, tags: &Tags) -> bool {
        if !self.resource_arn_list.is_empty() {
            return self.resource_arn_list.iter().any(|wanted| wanted == arn);
        }
        let types = &self.resource_type_filters;
        (types.is_empty() || types.iter().any(|kind| is_of_type(arn, kind)))
            && self.tag_filters.iter().all(|filter| filter.fits(tags))
    }
}

/// The message as in boto/boto3#2760.
pub(super) fn not_an_arn(arn: &str) -> Refusal {
    invalid(format!("{arn} not a valid AmazonResourceName (ARN)"))
}

fn check_between(name: &str, value: Option<i64>, min: i64, max: i64) -> Result<(), Refusal> {
    if value.is_none_or(|value| (min..=max).contains(&value)) {
        return Ok(());
    }
    Err(invalid(format!("{name} must be between {min} and {max}")))
}

pub(super) async fn get(cloud: &Arc<Cloud>, call: &Call) -> Result<Value, Refusal> {
    let given: Input = call.input()?;
    given.check()?;
    let now = cloud.now();
    let after = page::after(given.pagination_token.as_ref(), now)?;
    let most_tags = given
        .tags_per_page
        .and_then(|most| usize::try_from(most).ok());
    let most = given
        .resources_per_page
        .and_then(|most| usize::try_from(most).ok())
        .unwrap_or(MOST_PER_PAGE);
    let mut rest = index::listed(cloud, &call.place)
        .await?
        .into_iter()
        .filter(|(arn, tags)| {
            after.as_ref().is_none_or(|after| arn > after) && given.asks_for(arn, tags)
        })
        .peekable();
    let (mut mappings, mut last, mut tag_count) = (Vec::new(), None, 0);
    while mappings.len() < most
        && let Some((arn, tags)) = rest.next_if(|(_, tags)| {
            // AWS: "A resource with no tags is counted as having one tag".
            most_tags.is_none_or(|most| tag_count + tags.len().max(1) <= most)
        })
    {
        tag_count += tags.len().max(1);
        mappings.push(json!({ "ResourceARN": arn, "Tags": shown(&tags) }));
        last = Some(arn);
    }
    let next = last.filter(|_| rest.peek().is_some());
    Ok(json!({
        // Empty when there is no more (recorded by localstack, `test_rgsa`).
        "PaginationToken": next.map_or_else(String::new, |arn| page::token(&arn, now)),
        "ResourceTagMappingList": mappings,
    }))
}

fn shown(tags: &Tags) -> Value {
    tags.iter()
        .map(|(key, value)| json!({ "Key": key, "Value": value }))
        .collect()
}
