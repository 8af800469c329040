//! Lambda's refusals that several operations share.

use crate::answer::Refusal;
use crate::call::Call;

pub(super) fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "InvalidParameterValueException", message)
}

pub(super) fn not_found(message: impl Into<String>) -> Refusal {
    Refusal::new(404, "ResourceNotFoundException", message)
}

pub(super) fn no_function(arn: &str) -> Refusal {
    not_found(format!("Function not found: {arn}"))
}

pub(super) fn no_alias(arn: &str) -> Refusal {
    not_found(format!("Cannot find alias arn: {arn}"))
}

/// What has no name in AWS's answer.
pub(super) fn nothing_there() -> Refusal {
    not_found("The resource you requested does not exist.")
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

/// The resource policy allows nobody of another account to do `action`.
pub(super) fn denied(call: &Call, action: &str, resource: &str) -> Refusal {
    Refusal::new(
        403,
        "AccessDeniedException",
        format!(
            "User: {} is not authorized to perform: {action} on resource: {resource} because no resource-based policy \
             allows the {action} action",
            call.caller.arn(&call.place)
        ),
    )
}

/// Something that AWS does and that does not run here.
pub(super) fn not_here(what: &str) -> Refusal {
    invalid(format!("The local AWS does not support {what}"))
}

/// An operation that AWS has and that is not carried out here.
pub(super) fn unsupported(operation: &str) -> Refusal {
    let message = format!("The local AWS does not support {operation}");
    Refusal::new(501, "NotImplementedException", message)
}
