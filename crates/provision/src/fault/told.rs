//! An error as it is told: what, which resource, AWS's answer, what to try.

use anyhow::Error;
use serde::Serialize;

use super::{Code, Fault, catalogue};
use crate::aws::error::AwsError;
use crate::interrupt::Interrupted;
use crate::plan::{Action, Step};
use crate::render::Paint;

/// Everything there is to say about one error.
#[derive(Debug, Serialize)]
pub struct Told {
    pub code: Code,
    /// The whole chain, outermost first.
    pub message: String,
    pub resource: Option<Concern>,
    pub aws: Option<Answer>,
    /// What helps with this very error where that can be told, else with its kind.
    #[serde(rename = "try")]
    pub remedy: Option<String>,
}

/// The resource whose step failed; as context it reads ``creating role `demo` ``.
#[derive(Clone, Debug, Serialize)]
pub struct Concern {
    pub id: String,
    #[serde(rename = "type")]
    pub type_name: &'static str,
    pub name: String,
    #[serde(skip)]
    doing: String,
}

/// What AWS said to the call that failed.
#[derive(Debug, Serialize)]
pub struct Answer {
    pub operation: &'static str,
    /// Absent where there was no answer.
    pub code: Option<String>,
    pub message: String,
    pub request_id: Option<String>,
    pub status: Option<u16>,
}

impl Told {
    pub fn of(error: &Error) -> Self {
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
            resource: error.downcast_ref::<Concern>().cloned(),
            aws: aws.map(Answer::of),
            remedy: ours
                .and_then(|fault| fault.remedy.as_deref().map(str::to_owned))
                .or_else(|| aws?.hint())
                .or_else(|| catalogue::first_remedy(code)),
        }
    }

    /// `error[P0017]: what happened`, and below it what to try.
    pub fn text(&self, paint: Paint) -> String {
        let head = paint.error(&format!("error[{}]:", self.code));
        let remedy = self.remedy.as_deref();
        let remedy = remedy
            .map(|remedy| format!("\n  try: {remedy}"))
            .unwrap_or_default();
        format!("{head} {}{remedy}", self.message)
    }
}

impl Concern {
    pub fn of(step: &Step) -> Self {
        let verb = match step.action {
            Action::Keep => "keeping",
            Action::Create => "creating",
            Action::Update => "updating",
            Action::Replace => "replacing",
            Action::Delete => "deleting",
        };
        Self {
            id: step.id.clone(),
            type_name: step.resource.type_name(),
            name: step.resource.name().clone(),
            doing: format!("{verb} {} `{}`", step.resource.noun(), step.resource.name()),
        }
    }
}

impl std::fmt::Display for Concern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.doing)
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
