//! `GetTagKeys` and `GetTagValues`.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{INVALID, index, page};
use crate::answer::Refusal;
use crate::call::Call;
use crate::cloud::Cloud;
use crate::constraints::Constraints;

/// AWS does not document how many keys or values a page has.
const MOST_PER_PAGE: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    pagination_token: Option<String>,
    key: Option<String>,
}

pub(super) async fn keys(cloud: &Arc<Cloud>, call: &Call) -> Result<Value, Refusal> {
    let given: Input = call.input()?;
    let listed = index::listed(cloud, &call.place).await?;
    let keys = listed.into_iter().flat_map(|(_, tags)| tags.into_keys());
    page(cloud, &given, "TagKeys", keys.collect())
}

pub(super) async fn values(cloud: &Arc<Cloud>, call: &Call) -> Result<Value, Refusal> {
    let given: Input = call.input()?;
    let mut constraints = Constraints::default();
    constraints.present(given.key.as_ref(), "key");
    let key = given.key.as_deref().unwrap_or_default();
    if given.key.is_some() {
        constraints.length(key, "key", 1, 128);
    }
    constraints.finish(INVALID)?;
    let listed = index::listed(cloud, &call.place).await?;
    let values = listed
        .into_iter()
        .filter_map(|(_, mut tags)| tags.remove(key));
    page(cloud, &given, "TagValues", values.collect())
}

fn page(
    cloud: &Cloud,
    given: &Input,
    member: &str,
    texts: BTreeSet<String>,
) -> Result<Value, Refusal> {
    let now = cloud.now();
    let after = page::after(given.pagination_token.as_ref(), now)?;
    let mut rest = texts
        .into_iter()
        .filter(|text| after.as_ref().is_none_or(|after| text > after));
    let page: Vec<String> = rest.by_ref().take(MOST_PER_PAGE).collect();
    let next = rest.next().and_then(|_| page.last());
    let token = next.map_or_else(String::new, |last| page::token(last, now));
    Ok(json!({ "PaginationToken": token, member: page }))
}
