//! `CloudWatch` Logs: groups, streams and events.

use std::sync::Arc;

use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::clock::Moment;
use crate::cloud::Cloud;
use crate::place::Place;

pub(crate) const TARGETS: &[&str] = &["Logs_20140328."];
pub(crate) const OPERATIONS: &[&str] = &[];

pub(crate) fn perform(_cloud: &Arc<Cloud>, call: &Call) -> Result<Answer, Refusal> {
    Err(Refusal::new(501, "NotImplementedException", call.operation))
}

/// Lines that a function wrote, with the time of each, by the rights of its role: without them they are lost, as on AWS.
pub(crate) fn deliver(
    _cloud: &Cloud,
    _place: &Place,
    _role: &str,
    _group: &str,
    _stream: &str,
    _lines: &[(Moment, String)],
) -> Result<(), Refusal> {
    Ok(())
}
