//! The tags of all tables of a place.

use std::collections::HashSet;

use dynoxide::actions::list_tables::ListTablesRequest;
use dynoxide::actions::list_tags_of_resource::ListTagsOfResourceRequest;
use dynoxide::{Database, DynoxideError};
use serde_json::Value;

use super::tables::ENGINE_ARN;
use super::with_database;
use crate::answer::Refusal;
use crate::cloud::Cloud;
use crate::place::Place;
use crate::tagging::Tagged;

/// Returns the ARN and tags of every table. One that is being deleted is not among them, as AWS's tables lose their tags first.
pub(crate) async fn tagged(cloud: &Cloud, place: &Place) -> Result<Tagged, Refusal> {
    let tables = with_database(cloud, place, tables)
        .await?
        .map_err(|error| Refusal::internal(error.to_string()))?;
    Ok(tables
        .into_iter()
        .map(|(name, tags)| (place.arn("dynamodb", &format!("table/{name}")), tags))
        .collect())
}

/// Refuses tags that AWS refuses and the engine does not.
pub(super) fn check(tags: &Value) -> Result<(), Refusal> {
    let invalid = |message: String| {
        Err(Refusal::new(
            400,
            "com.amazon.coral.validate#ValidationException",
            message,
        ))
    };
    let mut seen = HashSet::new();
    for key in tags
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|tag| tag["Key"].as_str())
    {
        if key.to_lowercase().starts_with("aws:") {
            return invalid(format!("Tag Key cannot be prefixed with aws:, Key: {key}"));
        }
        if !seen.insert(key) {
            return invalid(format!(
                "Duplicate Tag Keys provided as input: Duplicate Tag Key found {key}"
            ));
        }
    }
    if seen.len() > 50 {
        return invalid(
            "Number of Tags exceed the current limit for the provided ResourceArn".to_owned(),
        );
    }
    Ok(())
}

fn tables(database: &Database) -> Result<Tagged, DynoxideError> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = database.list_tables(ListTablesRequest {
            exclusive_start_table_name: after.take(),
            limit: None,
        })?;
        for name in page.table_names {
            let request = ListTagsOfResourceRequest {
                resource_arn: Some(format!("{ENGINE_ARN}table/{name}")),
            };
            let tags = database.list_tags_of_resource(request)?.tags;
            let tags = tags.into_iter().map(|tag| (tag.key, tag.value)).collect();
            found.push((name, tags));
        }
        after = page.last_evaluated_table_name;
        if after.is_none() {
            return Ok(found);
        }
    }
}
