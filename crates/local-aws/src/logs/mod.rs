//! `CloudWatch` Logs: groups, streams and events, and the functions that get them.

mod deliver;
mod events;
mod fan_out;
mod filter;
mod group;
mod input;
mod json_filter;
mod metric_filter;
mod put;
mod read;
mod resource_policy;
mod space_filter;
mod stream;
mod subscription;
mod tags;

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::cloud::Cloud;
use crate::place::Place;
use crate::store::Tx;
use crate::unknown;

pub(crate) use deliver::{deliver, write};
pub(crate) use group::tagged;

pub(crate) const TARGETS: &[&str] = &["Logs_20140328."];

/// What an operation works with.
struct Work<'a> {
    cloud: &'a Cloud,
    call: &'a Call,
    tx: &'a Tx<'a>,
    place: &'a Place,
}

impl Work<'_> {
    fn input<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        self.call.input()
    }
}

type Operation = (&'static str, fn(&Work) -> Result<Value, Refusal>);

const TABLE: [Operation; 30] = [
    ("AssociateKmsKey", group::associate_key),
    ("CreateLogGroup", group::create),
    ("CreateLogStream", stream::create),
    ("DeleteLogGroup", group::delete),
    ("DeleteLogStream", stream::delete),
    ("DeleteMetricFilter", metric_filter::delete),
    ("DeleteResourcePolicy", resource_policy::delete),
    ("DeleteRetentionPolicy", group::delete_retention),
    ("DeleteSubscriptionFilter", subscription::delete),
    ("DescribeLogGroups", group::describe),
    ("DescribeLogStreams", stream::describe),
    ("DescribeMetricFilters", metric_filter::describe),
    ("DescribeResourcePolicies", resource_policy::describe),
    ("DescribeSubscriptionFilters", subscription::describe),
    ("DisassociateKmsKey", group::disassociate_key),
    ("FilterLogEvents", read::filter),
    ("GetLogEvents", read::get),
    ("ListLogGroups", group::list),
    ("ListTagsForResource", tags::list_of_resource),
    ("ListTagsLogGroup", tags::list_of_group),
    (
        "PutLogGroupDeletionProtection",
        group::put_deletion_protection,
    ),
    ("PutMetricFilter", metric_filter::put),
    ("PutResourcePolicy", resource_policy::put),
    ("PutRetentionPolicy", group::put_retention),
    ("PutSubscriptionFilter", subscription::put),
    ("TagLogGroup", tags::tag_group),
    ("TagResource", tags::tag_resource),
    ("TestMetricFilter", metric_filter::test),
    ("UntagLogGroup", tags::untag_group),
    ("UntagResource", tags::untag_resource),
];

/// Not in the table: its events go to functions afterwards.
const PUT: &str = "PutLogEvents";

pub(crate) const OPERATIONS: &[&str] = &names();

const fn names() -> [&'static str; TABLE.len() + 1] {
    let mut names = [PUT; TABLE.len() + 1];
    let mut at = 0;
    while at < TABLE.len() {
        names[at] = TABLE[at].0;
        at += 1;
    }
    names
}

pub(crate) async fn perform(cloud: &Arc<Cloud>, call: &Call) -> Result<Answer, Refusal> {
    if call.operation == PUT {
        return put::put(cloud, call).map(Answer::ok);
    }
    let (_, operation) = TABLE
        .iter()
        .find(|(name, _)| *name == call.operation)
        .ok_or_else(|| unknown::unsupported(call.service, call.operation))?;
    // On a machine of one's own nobody has to wait for what functions have logged.
    if ["FilterLogEvents", "GetLogEvents"].contains(&call.operation) {
        cloud.environments.delivered().await;
    }
    if call.operation == "PutSubscriptionFilter" {
        subscription::check_destination(cloud, call)?;
    }
    let output = cloud.store.transact(|tx| {
        operation(&Work {
            cloud,
            call,
            tx,
            place: &call.place,
        })
    })?;
    Ok(match output {
        // Operations without an output answer with no body at all.
        Value::Null => Answer::empty(200),
        output => Answer::ok(output),
    })
}
