//! The Resource Groups Tagging API: the tags of a region's resources, across services.
//!
//! AWS answers from an index that hears of changes late. Here the `index` is brought up to date after every call that may
//! change tags, and remembers when; reads see it as it was before the lag that the faults set.

mod change;
mod filter;
mod index;
mod page;
mod resources;
mod tags;

use std::sync::Arc;

use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::cloud::Cloud;
use crate::unknown;

pub(crate) use index::{Index, Tagged, is_changed_by, refresh};

pub(crate) const TARGETS: &[&str] = &["ResourceGroupsTaggingAPI_20170126."];

pub(crate) const OPERATIONS: &[&str] = &[
    "GetResources",
    "GetTagKeys",
    "GetTagValues",
    "TagResources",
    "UntagResources",
];

/// The code of requests that break a constraint.
const INVALID: &str = "InvalidParameterException";

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(400, INVALID, message)
}

pub(crate) async fn perform(cloud: &Arc<Cloud>, call: &Call) -> Result<Answer, Refusal> {
    let output = match call.operation {
        "GetResources" => resources::get(cloud, call).await?,
        "GetTagKeys" => tags::keys(cloud, call).await?,
        "GetTagValues" => tags::values(cloud, call).await?,
        "TagResources" => change::tag(cloud, call).await?,
        "UntagResources" => change::untag(cloud, call).await?,
        other => return Err(unknown::unsupported(call.service, other)),
    };
    Ok(Answer::ok(output))
}
