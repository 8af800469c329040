//! Lambda: functions, their code, their policy, and environments that run them.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;

use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::cloud::Cloud;
use crate::place::Place;
use crate::routes::Route;

pub(crate) const ROUTES: &[Route] = &[];

/// How functions run.
#[derive(Clone)]
pub enum Runner {
    /// As processes. `shim` is a program that, called with `run-function PATH`, becomes `PATH` and ends with its parent.
    Processes {
        /// This program itself, in its binary; `None` runs functions directly.
        shim: Option<PathBuf>,
    },
    /// Inside this process: event in, answer out.
    Inline(Arc<dyn Fn(Bytes) -> Result<Bytes, FunctionError> + Send + Sync>),
}

/// A function's failure, as Lambda reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionError {
    /// Such as `Runtime.ExitError`.
    pub error_type: String,
    /// What the function said.
    pub message: String,
}

impl std::fmt::Debug for Runner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Processes { shim } => f.debug_struct("Processes").field("shim", shim).finish(),
            Self::Inline(_) => f.write_str("Inline"),
        }
    }
}

/// Where functions run.
#[derive(Debug)]
pub(crate) struct Environments {
    #[expect(dead_code)]
    runner: Runner,
}

impl Environments {
    pub(crate) fn new(runner: Runner) -> Self {
        Self { runner }
    }

    /// Ends every process.
    pub(crate) async fn end_all(&self) {}

    /// Ends those that have had nothing to do for some minutes.
    pub(crate) async fn end_idle(&self) {}
}

/// What an invocation came to.
#[derive(Debug)]
pub(crate) struct Invoked {
    /// The answer, or the error as JSON.
    pub(crate) payload: Bytes,
    /// `Unhandled` or `Handled`, if the function failed.
    pub(crate) error: Option<&'static str>,
    /// The last 4 KB of its log.
    pub(crate) log_tail: String,
}

/// Runs the function `name` once.
pub(crate) async fn invoke(
    _cloud: &Arc<Cloud>,
    _place: &Place,
    _name: &str,
    _payload: Bytes,
    _request_id: &str,
) -> Result<Invoked, Refusal> {
    Err(Refusal::new(501, "NotImplementedException", "Invoke"))
}

/// Whether the function's policy lets `principal` (a service) invoke it from `source_arn`.
pub(crate) fn may_invoke(
    _cloud: &Cloud,
    _place: &Place,
    _name: &str,
    _principal: &str,
    _source_arn: &str,
) -> Result<bool, Refusal> {
    Ok(false)
}

pub(crate) async fn perform(_cloud: &Arc<Cloud>, call: &Call) -> Result<Answer, Refusal> {
    Err(Refusal::new(501, "NotImplementedException", call.operation))
}
