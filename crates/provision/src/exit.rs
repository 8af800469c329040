//! What a command ends with, as scripts see it.

use std::process::ExitCode;

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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    Interrupt,
    Terminate,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Differences => 2,
            Exit::Partly => 3,
            Exit::Usage => 64,
            Exit::Interrupted(Signal::Interrupt) => 130,
            Exit::Interrupted(Signal::Terminate) => 143,
        })
    }
}
