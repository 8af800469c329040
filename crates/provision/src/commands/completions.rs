//! `completions`: a shell's script, from the same definitions as the command line itself.

use clap::CommandFactory;

use crate::cli::{Cli, Completions};
use crate::console::Console;
use crate::exit::Exit;

pub fn run(console: &Console, arguments: &Completions) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut Cli::command(),
        "provision",
        &mut script,
    );
    console.result(&String::from_utf8_lossy(&script));
    Exit::Done
}
