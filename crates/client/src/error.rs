//! Errors of requests.

use std::error::Error as StdError;
use std::fmt;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::RequestId;
use aws_sdk_dynamodb::operation::transact_get_items::TransactGetItemsError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::CancellationReason;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

type Source = Box<dyn StdError + Send + Sync>;

/// The error of a request.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The condition of a write does not hold for the item.
    #[error("{call}: the condition does not hold for the item")]
    ConditionFailed {
        /// The request.
        call: Call,
    },
    /// A transaction was cancelled, and changed nothing.
    #[error("{call}: the transaction was cancelled: {}", Reasons(.reasons))]
    TransactionCancelled {
        /// The request.
        call: Call,
        /// The reasons, in the order of the transaction's parts; `None` for a part that was not the cause.
        reasons: Vec<Option<Reason>>,
    },
    /// A part of a batch was not processed.
    #[error(
        "{call}: {count} of the batch were not processed although they were sent again: the table is throttled, try again later"
    )]
    Unprocessed {
        /// The request.
        call: Call,
        /// The number of keys or items that were not processed.
        count: usize,
    },
    /// `DynamoDB` refused the request.
    #[error("{call}: `{code}`: {message}{}", request_id_text(.request_id.as_deref()))]
    Refused {
        /// The request.
        call: Call,
        /// `DynamoDB`'s code, such as `ResourceNotFoundException`.
        code: String,
        /// `DynamoDB`'s message.
        message: String,
        /// AWS's id of the request.
        request_id: Option<String>,
    },
    /// There is no answer: `DynamoDB` cannot be reached, or did not answer in time. A write may have been made.
    #[error("{call}: no answer from DynamoDB: {}", chain(.source.as_ref()))]
    Unanswered {
        /// The request.
        call: Call,
        /// The SDK's error.
        source: Source,
    },
    /// A value cannot be converted to an attribute.
    #[error("{call}: the value cannot be written: {source}")]
    Write {
        /// The request.
        call: Call,
        /// Serde's error.
        source: Source,
    },
    /// A condition or an update names an attribute that the item's type does not have.
    #[error("{call}: the items have no attribute `{name}`: there is {}", quoted(.known))]
    UnknownAttribute {
        /// The request.
        call: Call,
        /// The attribute.
        name: String,
        /// The attributes of the item's type.
        known: &'static [&'static str],
    },
    /// An item in the table does not have the form of the item's type.
    #[error("{call}: the item{key} cannot be read: {source}")]
    Read {
        /// The request.
        call: Call,
        /// The item's key, after a space.
        key: String,
        /// Serde's error.
        source: Source,
    },
}

/// An operation on a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The operation, such as `PutItem`.
    pub operation: &'static str,
    /// The table's name.
    pub table: String,
}

/// Why a part of a transaction was the cause of its cancellation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// `DynamoDB`'s code, such as `ConditionalCheckFailed`.
    pub code: String,
    /// `DynamoDB`'s message.
    pub message: String,
}

impl Error {
    /// Returns true if a condition does not hold: that of a write, or of a part of a transaction.
    pub fn is_condition_failed(&self) -> bool {
        match self {
            Self::ConditionFailed { .. } => true,
            Self::TransactionCancelled { reasons, .. } => reasons
                .iter()
                .flatten()
                .any(|reason| reason.code == "ConditionalCheckFailed"),
            _ => false,
        }
    }

    /// Returns `DynamoDB`'s code, if it refused the request.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::ConditionFailed { .. } => Some("ConditionalCheckFailedException"),
            Self::TransactionCancelled { .. } => Some("TransactionCanceledException"),
            Self::Refused { code, .. } => Some(code),
            _ => None,
        }
    }

    /// Returns the request.
    pub fn call(&self) -> &Call {
        match self {
            Self::ConditionFailed { call }
            | Self::TransactionCancelled { call, .. }
            | Self::Unprocessed { call, .. }
            | Self::Refused { call, .. }
            | Self::Unanswered { call, .. }
            | Self::Write { call, .. }
            | Self::UnknownAttribute { call, .. }
            | Self::Read { call, .. } => call,
        }
    }

    pub(crate) fn unwritten(call: &Call, source: impl Into<Source>) -> Self {
        Self::Write {
            call: call.clone(),
            source: source.into(),
        }
    }

    /// Reads the SDK's error.
    pub(crate) fn of<E>(call: Call, error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Cancelled + StdError + Send + Sync + 'static,
    {
        let request_id = error.request_id().map(str::to_owned);
        let Some(refusal) = error.as_service_error() else {
            return Self::Unanswered {
                call,
                source: error.into(),
            };
        };
        if let Some(reasons) = refusal.reasons() {
            return Self::TransactionCancelled {
                call,
                reasons: reasons.iter().map(Reason::read).collect(),
            };
        }
        let meta = refusal.meta();
        match meta.code() {
            Some("ConditionalCheckFailedException") => Self::ConditionFailed { call },
            Some(code) => Self::Refused {
                call,
                code: code.to_owned(),
                message: meta.message().unwrap_or_default().trim().to_owned(),
                request_id,
            },
            None => Self::Unanswered {
                call,
                source: error.into(),
            },
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on table `{}`", self.operation, self.table)
    }
}

impl Reason {
    /// Reads the SDK's reason. A part that was not the cause has the code `None`.
    fn read(reason: &CancellationReason) -> Option<Self> {
        let code = reason.code().filter(|code| *code != "None")?;
        Some(Self {
            code: code.to_owned(),
            message: reason.message().unwrap_or_default().to_owned(),
        })
    }
}

/// An error of the SDK that may hold the reasons of a cancelled transaction.
pub(crate) trait Cancelled {
    fn reasons(&self) -> Option<&[CancellationReason]> {
        None
    }
}

impl Cancelled for TransactWriteItemsError {
    fn reasons(&self) -> Option<&[CancellationReason]> {
        match self {
            Self::TransactionCanceledException(cancelled) => Some(cancelled.cancellation_reasons()),
            _ => None,
        }
    }
}

impl Cancelled for TransactGetItemsError {
    fn reasons(&self) -> Option<&[CancellationReason]> {
        match self {
            Self::TransactionCanceledException(cancelled) => Some(cancelled.cancellation_reasons()),
            _ => None,
        }
    }
}

macro_rules! never_cancelled {
    ($($module:ident::$error:ident),+ $(,)?) => {
        $(impl Cancelled for aws_sdk_dynamodb::operation::$module::$error {})+
    };
}

never_cancelled!(
    get_item::GetItemError,
    put_item::PutItemError,
    update_item::UpdateItemError,
    delete_item::DeleteItemError,
    query::QueryError,
    scan::ScanError,
    batch_get_item::BatchGetItemError,
    batch_write_item::BatchWriteItemError,
);

struct Reasons<'a>(&'a [Option<Reason>]);

impl fmt::Display for Reasons<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (place, reason) in self.0.iter().enumerate() {
            if let Some(Reason { code, message }) = reason {
                write!(f, "{separator}part {}: `{code}`: {message}", place + 1)?;
                separator = "; ";
            }
        }
        Ok(())
    }
}

fn quoted(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

fn request_id_text(id: Option<&str>) -> String {
    id.map_or_else(String::new, |id| format!(" (request {id})"))
}

/// Returns the texts of an error and of its causes. The SDK's own text names the class of a failure only.
fn chain(error: &(dyn StdError + Send + Sync + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_name_the_call_and_the_cause() {
        let call = Call {
            operation: "TransactWriteItems",
            table: "shop-orders".to_owned(),
        };
        let reason = Reason {
            code: "ConditionalCheckFailed".to_owned(),
            message: "The conditional request failed".to_owned(),
        };
        let error = Error::TransactionCancelled {
            call: call.clone(),
            reasons: vec![None, Some(reason)],
        };
        assert_eq!(
            error.to_string(),
            "TransactWriteItems on table `shop-orders`: the transaction was cancelled: part 2: `ConditionalCheckFailed`: \
             The conditional request failed"
        );
        assert!(error.is_condition_failed());
        let refused = Error::Refused {
            call,
            code: "ValidationException".to_owned(),
            message: "no".to_owned(),
            request_id: Some("R1".to_owned()),
        };
        assert_eq!(
            refused.to_string(),
            "TransactWriteItems on table `shop-orders`: `ValidationException`: no (request R1)"
        );
        assert!(!refused.is_condition_failed());
    }
}
