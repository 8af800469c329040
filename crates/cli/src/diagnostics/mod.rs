//! Errors as they are printed: the message, the resource, AWS's answer, and a remedy.

pub(crate) mod catalogue;

use anyhow::Error;
use serde::Serialize;

use crate::paint::Paint;
use provision_engine::error::AwsError;
use provision_engine::execute::FailedStep;
use provision_engine::fault::{Code, Fault};
use provision_engine::interrupt::Interrupted;

/// An error with everything that is known about it.
#[derive(Debug, Serialize)]
pub(crate) struct Diagnostic {
    /// The stable code.
    pub(crate) code: Code,
    /// The whole chain, outermost first.
    pub(crate) message: String,
    /// The resource whose step failed.
    pub(crate) resource: Option<Resource>,
    /// AWS's answer.
    pub(crate) aws: Option<Answer>,
    /// The remedy of this very error, else of its code.
    #[serde(rename = "try")]
    pub(crate) remedy: Option<String>,
}

/// The resource whose step failed.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Resource {
    /// The id within the stack.
    pub(crate) id: String,
    /// CloudFormation's name of its kind.
    #[serde(rename = "type")]
    pub(crate) type_name: &'static str,
    /// The name on AWS.
    pub(crate) name: String,
}

/// AWS's answer to the call that failed.
#[derive(Debug, Serialize)]
pub(crate) struct Answer {
    pub(crate) operation: &'static str,
    /// Absent where there was no answer.
    pub(crate) code: Option<String>,
    pub(crate) message: String,
    pub(crate) request_id: Option<String>,
    pub(crate) status: Option<u16>,
}

impl Diagnostic {
    /// Describes an error.
    pub(crate) fn of(error: &Error) -> Self {
        let aws = error
            .chain()
            .find_map(|cause| cause.downcast_ref::<AwsError>());
        let ours = error.downcast_ref::<Fault>();
        let message = if error.is::<Interrupted>() {
            "interrupted; nothing was changed".to_owned()
        } else {
            format!("{error:#}")
        };
        let code = Code::of(error);
        Self {
            code,
            message,
            resource: error.downcast_ref::<FailedStep>().map(|step| Resource {
                id: step.id.clone(),
                type_name: step.type_name,
                name: step.name.clone(),
            }),
            aws: aws.map(Answer::of),
            remedy: ours
                .and_then(|fault| fault.own_remedy().map(str::to_owned))
                .or_else(|| aws?.hint())
                .or_else(|| catalogue::first_remedy(code)),
        }
    }

    /// `error[P0017]: what happened`, and below it what to try.
    pub(crate) fn text(&self, paint: Paint) -> String {
        let head = paint.error(&format!("error[{}]:", self.code));
        let remedy = self.remedy.as_deref();
        let remedy = remedy
            .map(|remedy| format!("\n  try: {remedy}"))
            .unwrap_or_default();
        format!("{head} {}{remedy}", self.message)
    }
}

impl Answer {
    fn of(error: &AwsError) -> Self {
        Self {
            operation: error.operation,
            code: Some(error.code.clone()).filter(|code| !code.is_empty()),
            message: error.message.clone(),
            request_id: error.request_id.clone(),
            status: error.status,
        }
    }
}
