//! STS: who one is, and roles to assume.

use std::sync::Arc;

use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::cloud::Cloud;

pub(crate) const OPERATIONS: &[&str] = &[];

pub(crate) fn perform(_cloud: &Arc<Cloud>, call: &Call) -> Result<Answer, Refusal> {
    Err(Refusal::new(501, "NotImplemented", call.operation))
}
