//! `DynamoDB`: `dynoxide`, one database a place.

use std::path::PathBuf;
use std::sync::Arc;

use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::cloud::Cloud;

pub(crate) const TARGETS: &[&str] = &["DynamoDB_20120810.", "DynamoDBStreams_20120810."];
pub(crate) const OPERATIONS: &[&str] = &[];

pub(crate) struct Databases {}

impl Databases {
    pub(crate) fn new(_folder: Option<PathBuf>) -> Self {
        Self {}
    }

    /// Removes items whose time has come.
    pub(crate) async fn sweep(&self) {}
}

pub(crate) async fn perform(_cloud: &Arc<Cloud>, call: &Call) -> Result<Answer, Refusal> {
    Err(Refusal::new(501, "NotImplementedException", call.operation))
}
