//! Lambda's refusals that several operations share.

use crate::answer::Refusal;

pub(super) fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "InvalidParameterValueException", message)
}

pub(super) fn not_found(message: impl Into<String>) -> Refusal {
    Refusal::new(404, "ResourceNotFoundException", message)
}

pub(super) fn no_function(arn: &str) -> Refusal {
    not_found(format!("Function not found: {arn}"))
}

pub(super) fn conflict(message: impl Into<String>) -> Refusal {
    Refusal::new(409, "ResourceConflictException", message)
}

/// The caller's `RevisionId` is not the current one; `read` is the call that gives it.
pub(super) fn stale(read: &str) -> Refusal {
    let message = format!(
        "The Revision Id provided does not match the latest Revision Id. Call the {read} API to retrieve the latest \
         Revision Id"
    );
    Refusal::new(412, "PreconditionFailedException", message)
}

/// Something that AWS does and that does not run here.
pub(super) fn not_here(what: &str) -> Refusal {
    invalid(format!("The local AWS does not support {what}"))
}
