//! From words to a `Cli`, with what the definitions alone do not say.

use std::ffi::OsString;
use std::io::{self, Write};

use clap::builder::{OsStr, Resettable};
use clap::error::{ErrorKind, Result};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, CommandFactory, FromArgMatches};
use serde_json::json;

use crate::cli::Cli;
use crate::environment::Environment;
use crate::exit::Exit;
use crate::fault::{Code, Told};

/// Reads a command line, and the variables that stand for options.
pub fn read(
    words: impl IntoIterator<Item = impl Into<OsString> + Clone>,
    environment: &Environment,
) -> Result<Cli> {
    let mut command = without_absent_variables(Cli::command(), environment);
    let matches = command.try_get_matches_from_mut(words)?;
    check(&mut command, &matches)?;
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

/// Makes options ignore variables that `environment` does not have: clap itself would read those of the process, and
/// take one without a value for a value.
fn without_absent_variables(command: Command, environment: &Environment) -> Command {
    let is_absent = |arg: &Arg| {
        let name = arg.get_env().and_then(std::ffi::OsStr::to_str);
        name.is_some_and(|name| environment.get(name).is_none())
    };
    let forget = |arg: Arg| {
        if is_absent(&arg) {
            arg.env(Resettable::<OsStr>::Reset)
        } else {
            arg
        }
    };
    command
        .mut_args(forget)
        .mut_subcommands(|command| without_absent_variables(command, environment))
}

/// A saved plan holds the function: one given beside it would be left aside. A variable may be meant for other runs.
fn check(command: &mut Command, matches: &ArgMatches) -> Result<()> {
    let Some(("up", up)) = matches.subcommand() else {
        return Ok(());
    };
    let is_given = |name| up.value_source(name) == Some(ValueSource::CommandLine);
    if is_given("plan") && is_given("bootstrap") {
        let text = "the argument '[FILE]' cannot be used with '--bootstrap <PATH>'";
        let up = command.find_subcommand_mut("up");
        let error = up.map(|up| up.error(ErrorKind::ArgumentConflict, text));
        return error.map_or(Ok(()), Err);
    }
    Ok(())
}

/// Shows help, or what is wrong with the command line; the latter with `--json` as a document too.
pub(crate) fn told(error: &clap::Error, words: &[OsString]) -> Exit {
    let _ = error.print();
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ) {
        return Exit::Done;
    }
    let mut options = words.iter().take_while(|word| *word != "--");
    if options.any(|word| word == "--json") {
        let fault = Code::Argument.fault(first_paragraph(&error.render().to_string()));
        let document = json!({ "schema": 1, "errors": [Told::of(&fault.into())] });
        let _ = writeln!(io::stdout(), "{document}");
    }
    Exit::Usage
}

/// What is wrong, without the usage below it.
fn first_paragraph(text: &str) -> String {
    let text = text.strip_prefix("error: ").unwrap_or(text);
    let paragraph = text.split("\n\n").next().unwrap_or(text);
    paragraph.split_whitespace().collect::<Vec<_>>().join(" ")
}
