//! AWS's answer to a call that did not succeed: one type for all services.

use std::time::Duration;

use crate::fault::Code;
use crate::operation::{Meaning, Operation};

/// A call that did not succeed.
#[derive(Clone, Debug)]
pub struct AwsError {
    /// The operation's name.
    pub operation: &'static str,
    /// Its effect, as far as it is known.
    pub failure: Failure,
    /// AWS's error code, as on the wire; empty when AWS did not answer.
    pub code: String,
    /// AWS's message, or the reason why there is no answer.
    pub message: String,
    /// AWS's id of the request, for its support.
    pub request_id: Option<String>,
    /// The HTTP status, when there was an answer.
    pub status: Option<u16>,
    /// The time that AWS asked to wait (`Retry-After`, in seconds on the wire).
    pub retry_after: Option<Duration>,
    /// The meaning of the refusal, by the operation's readings.
    pub meaning: Option<Meaning>,
}

/// The effect of a call that did not succeed, as far as it is known.
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
    /// It was not sent, because the run is stopping.
    Stopped,
}

/// The parts of an error answer.
#[derive(Clone, Debug, Default)]
pub struct ErrorAnswer {
    /// AWS's error code.
    pub code: String,
    /// AWS's message.
    pub message: String,
    /// AWS's id of the request.
    pub request_id: Option<String>,
    /// The HTTP status.
    pub status: Option<u16>,
    /// The time that AWS asked to wait.
    pub retry_after: Option<Duration>,
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

/// Codes of unusable credentials, by service protocol.
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
    /// A call that AWS answered with an error.
    pub fn answered(operation: &Operation, answer: ErrorAnswer) -> Self {
        let mut error = Self::with_failure(operation, Failure::Refused, answer);
        error.failure = error.failure_of_answer();
        error
    }

    /// A call whose failure is known from its transport.
    pub fn with_failure(operation: &Operation, failure: Failure, answer: ErrorAnswer) -> Self {
        let ErrorAnswer {
            code,
            message,
            request_id,
            status,
            retry_after,
        } = answer;
        Self {
            operation: operation.name,
            failure,
            meaning: operation.meaning(&code, &message),
            code,
            message,
            request_id,
            status,
            retry_after,
        }
    }

    /// A part that an answer leaves out, with AWS's code and message for it.
    pub fn refused(operation: &Operation, code: String, message: String) -> Self {
        let answer = ErrorAnswer {
            code,
            message,
            ..ErrorAnswer::default()
        };
        Self::with_failure(operation, Failure::Refused, answer)
    }

    /// A call that is not sent, because the run is stopping.
    pub(crate) fn stopped(operation: &'static str) -> Self {
        Self {
            operation,
            failure: Failure::Stopped,
            code: String::new(),
            message: "not sent, since the run was interrupted".to_owned(),
            request_id: None,
            status: None,
            retry_after: None,
            meaning: None,
        }
    }

    /// Names the custom endpoint that did not answer.
    pub fn at(mut self, endpoint: Option<&str>) -> Self {
        if let (Failure::NotSent, Some(endpoint)) = (self.failure, endpoint) {
            self.message = format!("nothing answers at {endpoint}: {}", self.message);
        }
        self
    }

    fn failure_of_answer(&self) -> Failure {
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

    /// `LimitExceeded…` means "slow down" only with a wait, or for work done at the same time; otherwise it is a quota
    /// that no wait will lift.
    fn is_passing_limit(&self) -> bool {
        self.code.starts_with("LimitExceeded")
            && (self.retry_after.is_some() || self.says("simultaneously"))
    }

    /// Returns true if AWS's code is `code`.
    pub fn is(&self, code: &str) -> bool {
        self.code == code
    }

    /// Returns true if the message contains `text`, whatever the case.
    pub fn says(&self, text: &str) -> bool {
        self.message.to_lowercase().contains(&text.to_lowercase())
    }

    /// Returns true if the resource does not exist.
    pub fn is_not_found(&self) -> bool {
        self.meaning == Some(Meaning::NotFound)
    }

    /// Returns true if a resource of this name exists already.
    pub fn is_existing(&self) -> bool {
        self.meaning == Some(Meaning::Exists)
    }

    /// Returns true if two writers met; nothing was changed.
    pub fn is_concurrent_change(&self) -> bool {
        self.meaning == Some(Meaning::ConcurrentChange)
    }

    /// Returns true if something else has to finish first, which it does by itself.
    pub fn is_not_yet(&self) -> bool {
        self.meaning == Some(Meaning::NotYet)
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

    /// Returns true if it is a limit of the account that no wait will lift, in the services' words.
    fn is_quota(&self) -> bool {
        self.code.starts_with("LimitExceeded")
            || self.code.starts_with("ServiceQuota")
            || self.is("CodeStorageExceededException")
    }

    /// A remedy, where the code implies one.
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
            Failure::NotSent if self.message.contains("//127.0.0.1:") => {
                "start what listens there and run it again: with `--local`, the same command does both"
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

impl std::error::Error for AwsError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::Service;

    const CREATE: Operation = Operation::create(Service::new("DynamoDB", &[]), "CreateTable", &[]);

    fn refused(code: &str, message: &str, status: u16) -> AwsError {
        let answer = ErrorAnswer {
            code: code.into(),
            message: message.into(),
            request_id: Some("r-1".into()),
            status: Some(status),
            retry_after: None,
        };
        AwsError::answered(&CREATE, answer)
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
