//! The exit codes of commands, for scripts.

use std::process::ExitCode;

use provision_engine::fault::Code;
use provision_engine::interrupt::{Interrupted, Signal};

/// The way a command ended. Each has an exit code of its own, listed in `docs/commands.md` and at the end of `--help`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The command did its work, or there was none to do. Exit code 0.
    Done,
    /// The command failed, or the user declined; nothing is left half done that a second run would not finish. Exit code 1.
    Failed,
    /// `drift`, or `plan --detailed-exitcode`, found differences. Exit code 2.
    Differences,
    /// Some steps of `up` or `down` failed; another run goes on from there. Exit code 3.
    Partly,
    /// The command line is invalid: `EX_USAGE` of `sysexits.h`. Exit code 64.
    Usage,
    /// A signal ended the run. Exit code 128 plus the number of the signal: 130 for SIGINT, 143 for SIGTERM.
    Interrupted(Signal),
}

impl Exit {
    /// Returns the exit code of the process.
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
