//! What AWS answered, or why it did not: one type for all services.

use std::error::Error;
use std::io;
use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::call::Operation;
use crate::fault::Code;

/// A call that did not succeed.
#[derive(Clone, Debug)]
pub struct AwsError {
    pub operation: &'static str,
    pub failure: Failure,
    /// AWS's error code, as on the wire; empty when AWS did not answer.
    pub code: String,
    pub message: String,
    pub request_id: Option<String>,
    /// HTTP status, when there was an answer.
    pub status: Option<u16>,
    /// How long AWS asked us to wait (`Retry-After`, in seconds on the wire).
    pub retry_after: Option<Duration>,
}

/// How much is known about a call that did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// AWS understood the request and refused it: nothing was changed.
    Refused,
    /// AWS asked to slow down: nothing was changed.
    Throttled,
    /// The request never left this machine.
    NotSent,
    /// No answer, or a server error: the change may or may not have been made.
    Unclear,
    /// The credentials are missing, expired or unknown.
    Credentials,
    /// The request could not be built or the answer could not be read.
    Malformed,
    /// It was not sent, since the run is to end.
    Stopped,
}

/// Codes by which AWS says "slow down", over all services (SDK retry classifiers).
const THROTTLED: [&str; 12] = [
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "TooManyRequestsException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "BandwidthLimitExceeded",
    "SlowDown",
    "PriorRequestNotComplete",
    "EC2ThrottledException",
];

/// Codes of credentials that will not do, by service protocol.
const CREDENTIALS: [&str; 8] = [
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "IncompleteSignature",
    "MissingAuthenticationToken",
];

impl AwsError {
    /// A call that is not sent any more, since the run is to end.
    pub(super) fn stopped(operation: &'static str) -> Self {
        Self {
            operation,
            failure: Failure::Stopped,
            code: String::new(),
            message: "not sent, since the run was interrupted".to_owned(),
            request_id: None,
            status: None,
            retry_after: None,
        }
    }

    /// A part that an answer leaves out, with AWS's code and words for it.
    pub fn refused(operation: Operation, code: String, message: String) -> Self {
        Self {
            operation: operation.name,
            failure: Failure::Refused,
            code,
            message,
            request_id: None,
            status: None,
            retry_after: None,
        }
    }

    pub fn from_sdk<E>(operation: &'static str, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let raw = error.raw_response();
        let header = |name: &str| {
            raw.and_then(|raw| raw.headers().get(name))
                .map(str::to_owned)
        };
        let mut found = Self {
            operation,
            failure: Failure::Malformed,
            code: error.code().unwrap_or_default().to_owned(),
            message: error.message().unwrap_or_default().trim().to_owned(),
            request_id: header("x-amzn-requestid").or_else(|| header("x-amz-request-id")),
            status: raw.map(|raw| raw.status().as_u16()),
            retry_after: header("retry-after")
                .and_then(|seconds| seconds.trim().parse().ok())
                .map(Duration::from_secs),
        };
        found.failure = match error {
            SdkError::ServiceError(_) => found.answered(),
            SdkError::DispatchFailure(failure) if failure.is_user() => Failure::Malformed,
            SdkError::DispatchFailure(_) if was_not_sent(error) => Failure::NotSent,
            SdkError::DispatchFailure(_) | SdkError::TimeoutError(_) => Failure::Unclear,
            _ if found.status.is_some_and(|status| status >= 500) => Failure::Unclear,
            // The connection broke after the head of the answer: its body was never there as a whole.
            SdkError::ResponseError(answer) if answer.raw().body().bytes().is_none() => {
                Failure::Unclear
            }
            _ => Failure::Malformed,
        };
        if found.code.is_empty() && found.message.is_empty() {
            found.message = root_cause(error);
        }
        if found.message.contains("credentials") && found.status.is_none() {
            found.failure = Failure::Credentials;
        }
        found
    }

    /// Names the custom endpoint that did not answer.
    pub fn at(mut self, endpoint: Option<&str>) -> Self {
        if let (Failure::NotSent, Some(endpoint)) = (self.failure, endpoint) {
            self.message = format!("nothing answers at {endpoint}: {}", self.message);
        }
        self
    }

    fn answered(&self) -> Failure {
        let status = self.status.unwrap_or_default();
        if CREDENTIALS.contains(&self.code.as_str()) {
            Failure::Credentials
        } else if self.code.starts_with("LimitExceeded") && !self.is_passing_limit() {
            Failure::Refused
        } else if THROTTLED.contains(&self.code.as_str())
            || self.is_passing_limit()
            || status == 429
        {
            Failure::Throttled
        } else if status >= 500 || self.code.starts_with("RequestTimeout") {
            Failure::Unclear
        } else {
            Failure::Refused
        }
    }

    /// `LimitExceeded…` means "slow down" only with a wait, or for work done at the same time; otherwise
    /// it is a quota that no wait will lift.
    fn is_passing_limit(&self) -> bool {
        self.code.starts_with("LimitExceeded")
            && (self.retry_after.is_some() || self.says("simultaneously"))
    }

    pub fn is(&self, code: &str) -> bool {
        self.code == code
    }

    /// Whether the message contains `text`, whatever the case.
    pub fn says(&self, text: &str) -> bool {
        self.message.to_lowercase().contains(&text.to_lowercase())
    }

    /// Whether the thing asked for is not there.
    pub fn is_not_found(&self) -> bool {
        says_not_found(&self.code)
    }

    /// Whether two writers met, in each service's words; nothing was changed.
    pub fn is_concurrent_change(&self) -> bool {
        match self.code.as_str() {
            "ConflictException" => self.says("try again later"),
            "ConcurrentModification"
            | "ConcurrentModificationException"
            | "OperationAbortedException" => true,
            "ResourceConflictException" => self.says("concurrent update"),
            _ => false,
        }
    }

    /// The stable code of this kind of failure.
    pub fn class(&self) -> Code {
        match self.failure {
            Failure::Credentials if self.code.starts_with("Expired") => Code::Expired,
            Failure::Credentials if self.code.contains("Signature") => Code::Signature,
            Failure::Credentials => Code::Credentials,
            Failure::NotSent => Code::Unreachable,
            Failure::Unclear => Code::Unclear,
            Failure::Throttled => Code::Throttled,
            Failure::Refused if self.code.starts_with("AccessDenied") => Code::AccessDenied,
            Failure::Refused if self.is_quota() => Code::Quota,
            Failure::Refused => Code::Refused,
            Failure::Malformed => Code::Malformed,
            Failure::Stopped => Code::Interrupted,
        }
    }

    /// The services' words for a limit of the account that no wait will lift.
    fn is_quota(&self) -> bool {
        self.code.starts_with("LimitExceeded")
            || self.code.starts_with("ServiceQuota")
            || self.is("CodeStorageExceededException")
    }

    /// What may help, where it can be told from the code.
    pub fn hint(&self) -> Option<String> {
        let hint = match self.failure {
            Failure::Credentials if self.code.starts_with("Expired") => {
                "the credentials have expired: renew them (for SSO: `aws sso login`) and run it again"
            }
            Failure::Credentials if self.code.contains("Signature") => {
                "the signature was refused: check the secret key and this machine's clock"
            }
            Failure::Credentials => {
                "check the credentials and that the region is enabled for the account (`AWS_PROFILE`, \
                 `AWS_ACCESS_KEY_ID`, `AWS_REGION`)"
            }
            Failure::NotSent => "check the network and `AWS_ENDPOINT_URL`; nothing was sent",
            Failure::Unclear => "run it again: what was made is found and kept",
            Failure::Refused if self.code.starts_with("AccessDenied") => {
                "`provision policy` prints what is needed; check the account in the first line"
            }
            Failure::Throttled => "others in this account use the same quota: run it again later",
            Failure::Refused | Failure::Malformed | Failure::Stopped => return None,
        };
        Some(hint.to_owned())
    }
}

impl std::fmt::Display for AwsError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: ", self.operation)?;
        match (self.code.is_empty(), self.message.is_empty()) {
            (false, false) => write!(f, "{}: {}", self.code, self.message)?,
            (false, true) => write!(f, "{}", self.code)?,
            (true, false) => write!(f, "{}", self.message)?,
            (true, true) => write!(f, "no answer")?,
        }
        if let Some(id) = &self.request_id {
            write!(f, " (request {id})")?;
        }
        Ok(())
    }
}

impl Error for AwsError {}

/// Whether the connection itself failed, so that AWS cannot have seen the request.
fn was_not_sent(error: &(dyn Error + 'static)) -> bool {
    chain(error).any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(|io| {
            matches!(
                io.kind(),
                io::ErrorKind::ConnectionRefused
                    | io::ErrorKind::HostUnreachable
                    | io::ErrorKind::NetworkUnreachable
                    | io::ErrorKind::AddrNotAvailable
            )
        }) || cause.to_string().contains("dns error")
    })
}

fn root_cause(error: &(dyn Error + 'static)) -> String {
    chain(error)
        .last()
        .map(ToString::to_string)
        .unwrap_or_default()
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}

/// Whether `code` means that the thing asked for is not there, in one of the protocols' words.
pub fn says_not_found(code: &str) -> bool {
    matches!(
        code,
        "NoSuchEntity"
            | "NoSuchEntityException"
            | "ResourceNotFoundException"
            | "NotFoundException"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: &str, message: &str, status: u16) -> AwsError {
        let mut error = AwsError {
            operation: "CreateTable",
            failure: Failure::Malformed,
            code: code.into(),
            message: message.into(),
            request_id: Some("r-1".into()),
            status: Some(status),
            retry_after: None,
        };
        error.failure = error.answered();
        error
    }

    #[test]
    fn a_limit_is_waited_out_only_when_it_passes() {
        let passing = refused(
            "LimitExceededException",
            "Only 500 tables … simultaneously",
            400,
        );
        assert_eq!(passing.failure, Failure::Throttled);
        for status in [400, 429] {
            let quota = refused(
                "LimitExceededException",
                "Subscriber limit exceeded",
                status,
            );
            assert_eq!(quota.failure, Failure::Refused);
            assert_eq!(quota.class(), Code::Quota);
        }
    }

    #[test]
    fn codes_decide_before_the_status_does() {
        assert_eq!(
            refused("ExpiredTokenException", "", 400).failure,
            Failure::Credentials
        );
        assert_eq!(
            refused("TooManyRequestsException", "", 429).failure,
            Failure::Throttled
        );
        assert_eq!(
            refused("InternalServerError", "", 500).failure,
            Failure::Unclear
        );
        assert_eq!(
            refused("RequestTimeoutException", "", 408).failure,
            Failure::Unclear
        );
        assert_eq!(
            refused("ResourceInUseException", "", 400).failure,
            Failure::Refused
        );
    }

    #[test]
    fn the_text_names_operation_code_message_and_request() {
        assert_eq!(
            refused("ResourceInUseException", "Table already exists", 400).to_string(),
            "CreateTable: ResourceInUseException: Table already exists (request r-1)"
        );
    }
}
