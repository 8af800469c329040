//! SSM's refusals that several operations share.

use crate::answer::Refusal;

/// The code of requests that break a constraint.
pub(super) const VALIDATION: &str = "ValidationException";

pub(super) fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(400, VALIDATION, message)
}

/// AWS's clients show it as `UnknownError`, because AWS sends no message.
pub(super) fn not_found() -> Refusal {
    Refusal::new(400, "ParameterNotFound", "")
}

pub(super) fn no_version(version: impl std::fmt::Display, name: &str) -> Refusal {
    let message = format!(
        "Systems Manager could not find version {version} of {name}. Verify the version and try again."
    );
    Refusal::new(400, "ParameterVersionNotFound", message)
}
