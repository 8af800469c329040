//! IAM: roles with inline and attached policies, and what they allow.

use std::sync::Arc;

use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::cloud::Cloud;

pub(crate) const OPERATIONS: &[&str] = &[];

pub(crate) async fn perform(_cloud: &Arc<Cloud>, call: &Call) -> Result<Answer, Refusal> {
    Err(Refusal::new(501, "NotImplemented", call.operation))
}

/// Refuses a call that the policies of its role do not allow.
pub(crate) fn authorize(_cloud: &Cloud, call: &Call) -> Result<(), Refusal> {
    Err(denied(call, "*"))
}

/// AWS's words to a caller without the right.
pub(crate) fn denied(call: &Call, resource: &str) -> Refusal {
    let code = match call.service.protocol() {
        crate::service::Protocol::Query => "AccessDenied",
        _ => "AccessDeniedException",
    };
    let message = format!(
        "User: {} is not authorized to perform: {}:{} on resource: {resource} because no identity-based policy allows the \
         {}:{} action",
        call.caller.arn(&call.place),
        call.service.name(),
        call.operation,
        call.service.name(),
        call.operation
    );
    Refusal::new(crate::door::client_status(call.service), code, message)
}
