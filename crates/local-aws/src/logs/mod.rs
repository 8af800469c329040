//! `CloudWatch` Logs: groups, streams and events.

mod deliver;
mod events;
mod filter;
mod group;
mod input;
mod json_filter;
mod put;
mod read;
mod stream;
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

pub(crate) use deliver::deliver;
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

const TABLE: [Operation; 18] = [
    ("CreateLogGroup", group::create),
    ("CreateLogStream", stream::create),
    ("DeleteLogGroup", group::delete),
    ("DeleteLogStream", stream::delete),
    ("DeleteRetentionPolicy", group::delete_retention),
    ("DescribeLogGroups", group::describe),
    ("DescribeLogStreams", stream::describe),
    ("FilterLogEvents", read::filter),
    ("GetLogEvents", read::get),
    ("ListTagsForResource", tags::list_of_resource),
    ("ListTagsLogGroup", tags::list_of_group),
    ("PutLogEvents", put::put),
    (
        "PutLogGroupDeletionProtection",
        group::put_deletion_protection,
    ),
    ("PutRetentionPolicy", group::put_retention),
    ("TagLogGroup", tags::tag_group),
    ("TagResource", tags::tag_resource),
    ("UntagLogGroup", tags::untag_group),
    ("UntagResource", tags::untag_resource),
];

pub(crate) const OPERATIONS: &[&str] = &names();

const fn names() -> [&'static str; TABLE.len()] {
    let mut names = [""; TABLE.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = TABLE[at].0;
        at += 1;
    }
    names
}

pub(crate) async fn perform(cloud: &Arc<Cloud>, call: &Call) -> Result<Answer, Refusal> {
    let (_, operation) = TABLE
        .iter()
        .find(|(name, _)| *name == call.operation)
        .ok_or_else(|| unknown::unsupported(call.service, call.operation))?;
    // On a machine of one's own nobody has to wait for what functions have logged.
    if ["FilterLogEvents", "GetLogEvents"].contains(&call.operation) {
        cloud.environments.delivered().await;
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
