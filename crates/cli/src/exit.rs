//! What a command ends with, as scripts see it.

use std::process::ExitCode;

use provision_engine::fault::Code;
use provision_engine::interrupt::{Interrupted, Signal};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done, or nothing to do.
    Done,
    /// Failed, and nothing is half done that a second run would not finish.
    Failed,
    /// There are differences, and the caller asked to be told by the exit code.
    Differences,
    /// Some steps failed: run it again.
    Partly,
    /// The command line was wrong.
    Usage,
    /// Stopped by a signal.
    Interrupted(Signal),
}

impl Exit {
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Differences => 2,
            Self::Partly => 3,
            Self::Usage => 64,
            Self::Interrupted(Signal::Interrupt) => 130,
            Self::Interrupted(Signal::Terminate) => 143,
        }
    }

    /// That of a command whose result nobody got.
    pub(crate) fn without_result(self) -> Self {
        match self {
            Self::Done | Self::Differences => Self::Failed,
            exit => exit,
        }
    }

    /// Returns the exit of a command with this outcome.
    pub(crate) fn of(outcome: &anyhow::Result<Self>) -> Self {
        match outcome {
            Ok(exit) => *exit,
            Err(error) => Self::of_error(error),
        }
    }

    /// Returns the exit of a command that ended with this error.
    pub(crate) fn of_error(error: &anyhow::Error) -> Self {
        match error.downcast_ref() {
            Some(Interrupted(signal)) => Self::Interrupted(*signal),
            None if Code::of(error).is_usage() => Self::Usage,
            None => Self::Failed,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
