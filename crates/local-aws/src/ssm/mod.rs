//! SSM Parameter Store: parameters with their versions, labels and tags.
//!
//! The messages of refusals are AWS's where public reports repeat them; several of SSM's errors have an empty message
//! there (`ParameterNotFound` in mattclay/aws-terminator#113, `TooManyUpdates` in airbnb/streamalert#682).

mod delete;
mod describe;
mod filter;
mod label;
mod name;
mod page;
mod parameter;
mod put;
mod read;
mod refusal;
mod secret;
mod tags;
mod value;

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::cloud::Cloud;
use crate::place::Place;
use crate::store::Tx;
use crate::unknown;

pub(crate) use name::arn_of_text;
pub(crate) use parameter::tagged;

pub(crate) const TARGETS: &[&str] = &["AmazonSSM."];

/// The context of an operation.
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

const TABLE: [Operation; 13] = [
    ("AddTagsToResource", tags::add),
    ("DeleteParameter", delete::one),
    ("DeleteParameters", delete::many),
    ("DescribeParameters", describe::describe),
    ("GetParameter", read::one),
    ("GetParameterHistory", read::history),
    ("GetParameters", read::many),
    ("GetParametersByPath", read::by_path),
    ("LabelParameterVersion", label::add),
    ("ListTagsForResource", tags::list),
    ("PutParameter", put::put),
    ("RemoveTagsFromResource", tags::remove),
    ("UnlabelParameterVersion", label::remove),
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

pub(crate) fn perform(cloud: &Arc<Cloud>, call: &Call) -> Result<Answer, Refusal> {
    let (_, operation) = TABLE
        .iter()
        .find(|(name, _)| *name == call.operation)
        .ok_or_else(|| unknown::unsupported(call.service, call.operation))?;
    cloud
        .store
        .transact(|tx| {
            operation(&Work {
                cloud,
                call,
                tx,
                place: &call.place,
            })
        })
        .map(Answer::ok)
}
