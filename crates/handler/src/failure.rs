//! What a caller is told when a request fails: Python's class and message, and the status for API Gateway.

use std::fmt;

use lambda_runtime::Diagnostic;

use crate::json::Json;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub status: u16,
    pub error_type: String,
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

    /// Wrong before any call, and by the caller.
    pub(crate) fn caller(error_type: &str, message: impl Into<String>) -> Self {
        Self::new(400, error_type, message)
    }

    /// Ours: configuration, credentials, the network.
    pub(crate) fn ours(status: u16, error_type: &str, message: impl Into<String>) -> Self {
        Self::new(status, error_type, message)
    }

    pub(crate) fn unreadable(problem: impl fmt::Display) -> Self {
        Self::caller(
            "Runtime.UnmarshalError",
            format!("Unable to unmarshal input: {problem}"),
        )
    }

    pub(crate) fn too_large() -> Self {
        Self::new(
            413,
            "Function.ResponseSizeTooLarge",
            "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
        )
    }

    /// `DynamoDB` refused: the class boto3 would raise, its message, and what kind of fault it is.
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
            if MODELLED.contains(&code) {
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

/// The caller has no credentials of its own with `DynamoDB`: these are faults of the function's role or environment.
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

/// Denials name the role and the table by ARN, account number included.
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

/// The codes for which boto3 raises a class of that name; all others are a `ClientError`.
const MODELLED: &[&str] = &[
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
