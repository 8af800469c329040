//! `completions`: a shell's script, from the same definitions as the command line itself.

use super::Session;
use crate::args::Completions;
use crate::args::parse::definition;
use crate::exit::Exit;

/// Runs the command.
pub(crate) fn run(session: &Session<'_>, arguments: &Completions) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut definition(session.app),
        session.app.name(),
        &mut script,
    );
    session.console.result(&String::from_utf8_lossy(&script));
    Exit::Done
}
