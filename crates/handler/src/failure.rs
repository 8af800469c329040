//! Failures of a request: Python's exception class and message, and the status for API Gateway.

use std::fmt;

use lambda_runtime::Diagnostic;

use crate::json::Json;

/// A failed request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// HTTP status.
    pub status: u16,
    /// Name of Python's exception class.
    pub error_type: String,
    /// Python's message.
    pub message: String,
}

impl Failure {
    fn new(status: u16, error_type: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            error_type: error_type.to_owned(),
            message: message.into(),
        }
    }

    /// An invalid request, refused before any call.
    pub(crate) fn caller(error_type: &str, message: impl Into<String>) -> Self {
        Self::new(400, error_type, message)
    }

    /// A failure of the function: configuration, credentials or network.
    pub(crate) fn internal(status: u16, error_type: &str, message: impl Into<String>) -> Self {
        Self::new(status, error_type, message)
    }

    /// An event that is not valid JSON.
    pub(crate) fn unreadable(problem: impl fmt::Display) -> Self {
        Self::caller(
            "Runtime.UnmarshalError",
            format!("Unable to unmarshal input: {problem}"),
        )
    }

    /// An answer above Lambda's limit.
    pub(crate) fn too_large() -> Self {
        Self::new(
            413,
            "Function.ResponseSizeTooLarge",
            "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
        )
    }

    /// An error from `DynamoDB`, with the class and message of the exception that boto3 raises.
    pub(crate) fn service(
        operation: &str,
        code: &str,
        message: &str,
        http_status: u16,
        retries: Option<u32>,
    ) -> Self {
        let reached = retries.map_or_else(String::new, |count| {
            format!(" (reached max retries: {count})")
        });
        Self::new(
            service_status(code, message, http_status),
            if MODELED.contains(&code) {
                code
            } else {
                "ClientError"
            },
            format!(
                "An error occurred ({code}) when calling the {operation} operation{reached}: {}",
                without_arns(message)
            ),
        )
    }

    /// Returns the form of a Lambda error.
    pub fn to_json(&self) -> Json {
        Json::object([
            ("errorType", Json::text(&*self.error_type)),
            ("errorMessage", Json::text(&*self.message)),
        ])
    }
}

impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Self {
        Self {
            error_type: failure.error_type,
            error_message: failure.message,
        }
    }
}

/// Returns the status for an error from `DynamoDB`.
fn service_status(code: &str, message: &str, http_status: u16) -> u16 {
    match code {
        "AccessDeniedException" | "AccessDenied" => 403,
        "ResourceNotFoundException" | "TableNotFoundException" => 404,
        "ConditionalCheckFailedException"
        | "TransactionConflictException"
        | "ReplicatedWriteConflictException" => 409,
        "ItemCollectionSizeLimitExceededException"
        | "RequestEntityTooLarge"
        | "RequestTooLargeException" => 413,
        "ValidationException" if message.contains("size has exceeded") => 413,
        _ if is_throttling(code) => 429,
        _ if is_credential_fault(code) => 500,
        _ => match http_status {
            413 => 413,
            429 => 429,
            503 => 503,
            500..=599 => 502,
            _ => 400,
        },
    }
}

/// Returns true for the codes that boto3 retries as throttling.
pub(crate) fn is_throttling(code: &str) -> bool {
    matches!(
        code,
        "Throttling"
            | "ThrottlingException"
            | "ThrottledException"
            | "RequestThrottled"
            | "RequestThrottledException"
            | "TooManyRequestsException"
            | "ProvisionedThroughputExceededException"
            | "RequestLimitExceeded"
            | "LimitExceededException"
            | "BandwidthLimitExceeded"
            | "SlowDown"
    )
}

/// Returns true for the codes of invalid credentials, which are the function's and not the caller's.
fn is_credential_fault(code: &str) -> bool {
    matches!(
        code,
        "UnrecognizedClientException"
            | "ExpiredTokenException"
            | "ExpiredToken"
            | "InvalidSignatureException"
            | "IncompleteSignatureException"
            | "IncompleteSignature"
            | "MissingAuthenticationToken"
            | "MissingAuthenticationTokenException"
            | "InvalidClientTokenId"
            | "SignatureDoesNotMatch"
            | "RequestTimeTooSkewed"
    )
}

/// Replaces ARNs, which contain the account's id, by `(arn)`.
fn without_arns(message: &str) -> String {
    let mut out = String::with_capacity(message.len());
    let mut rest = message;
    while let Some(at) = rest.find("arn:") {
        out.push_str(&rest[..at]);
        out.push_str("(arn)");
        let arn = &rest[at..];
        let end = arn
            .find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | ')' | ']' | ';'));
        rest = &arn[end.unwrap_or(arn.len())..];
    }
    out.push_str(rest);
    out
}

/// Codes for which boto3 raises a class of the same name; others raise `ClientError`.
const MODELED: &[&str] = &[
    "BackupInUseException",
    "BackupNotFoundException",
    "ConditionalCheckFailedException",
    "ContinuousBackupsUnavailableException",
    "DuplicateItemException",
    "ExportConflictException",
    "ExportNotFoundException",
    "GlobalTableAlreadyExistsException",
    "GlobalTableNotFoundException",
    "IdempotentParameterMismatchException",
    "ImportConflictException",
    "ImportNotFoundException",
    "IndexNotFoundException",
    "InternalServerError",
    "InvalidExportTimeException",
    "InvalidRestoreTimeException",
    "ItemCollectionSizeLimitExceededException",
    "LimitExceededException",
    "PointInTimeRecoveryUnavailableException",
    "PolicyNotFoundException",
    "ProvisionedThroughputExceededException",
    "ReplicaAlreadyExistsException",
    "ReplicaNotFoundException",
    "ReplicatedWriteConflictException",
    "RequestLimitExceeded",
    "ResourceInUseException",
    "ResourceNotFoundException",
    "TableAlreadyExistsException",
    "TableInUseException",
    "TableNotFoundException",
    "ThrottlingException",
    "TransactionCanceledException",
    "TransactionConflictException",
    "TransactionInProgressException",
];
