//! Reading a command line into [`Cli`].

use std::ffi::OsString;
use std::io::{self, Write};

use clap::builder::{OsStr, Resettable};
use clap::error::{ErrorKind, Result};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, CommandFactory, FromArgMatches};
use serde_json::json;

use crate::app::App;
use crate::args::{Cli, Command as Subcommand};
use crate::diagnostics::Diagnostic;
use crate::environment::Environment;
use crate::exit::Exit;
use provision_engine::fault::Code;

/// The subcommands that declare the stack with options.
const DECLARING: [&str; 4] = ["up", "plan", "drift", "dev"];

/// Returns the command line's definition, with the application's name, text and flags.
pub(crate) fn definition(app: &App) -> Command {
    let mut command = Cli::command()
        .name(app.name())
        .bin_name(app.name())
        .about(app.about_text());
    for subcommand in DECLARING {
        command = command.mut_subcommand(subcommand, |mut subcommand| {
            for flag in app.flags() {
                subcommand = subcommand.arg(
                    Arg::new(flag.name)
                        .long(flag.name)
                        .value_name(flag.value_name)
                        .allow_negative_numbers(true)
                        .help(flag.help),
                );
            }
            subcommand
        });
    }
    command
}

/// Reads the command line `words`, program first, and the variables in `environment` that stand for options.
///
/// # Errors
///
/// clap's error: a mistake in the command line, or a request for help or for the version.
pub fn read(
    app: &App,
    words: impl IntoIterator<Item = impl Into<OsString> + Clone>,
    environment: &Environment,
) -> Result<Cli> {
    let mut command = without_absent_variables(definition(app), environment);
    let matches = command.try_get_matches_from_mut(words)?;
    check(app, &mut command, &matches)?;
    let cli = Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command));
    cli.map(|cli| with_flags(cli, app, &matches))
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

/// Adds the application's flags to the parameters that were set.
fn with_flags(mut cli: Cli, app: &App, matches: &ArgMatches) -> Cli {
    let Some((_, given)) = matches.subcommand() else {
        return cli;
    };
    let set = match &mut cli.command {
        Subcommand::Up(up) => &mut up.deploy.declare.set,
        Subcommand::Plan(plan) => &mut plan.deploy.declare.set,
        Subcommand::Drift(drift) => &mut drift.declare.set,
        Subcommand::Dev(dev) => &mut dev.deploy.declare.set,
        _ => return cli,
    };
    for flag in app.flags() {
        if let Some(value) = given.get_one::<String>(flag.name) {
            set.push((flag.name.to_owned(), value.clone()));
        }
    }
    cli
}

/// Refuses options beside a saved plan, which holds its own. A variable may be meant for other runs.
fn check(app: &App, command: &mut Command, matches: &ArgMatches) -> Result<()> {
    let Some(("up", up)) = matches.subcommand() else {
        return Ok(());
    };
    let is_given = |name| up.value_source(name) == Some(ValueSource::CommandLine);
    let mut flags = app.flags().iter();
    let flag = flags.find(|flag| is_given("plan") && is_given(flag.name));
    let flag = flag.map(|flag| format!("--{} <{}>", flag.name, flag.value_name));
    let bootstrap = || "--bootstrap <[BIN=]PATH>".to_owned();
    let conflict = flag.or_else(|| (is_given("plan") && is_given("bootstrap")).then(bootstrap));
    if let Some(conflict) = conflict {
        let text = format!("the argument '[FILE]' cannot be used with '{conflict}'");
        let up = command.find_subcommand_mut("up");
        let error = up.map(|up| up.error(ErrorKind::ArgumentConflict, text));
        return error.map_or(Ok(()), Err);
    }
    Ok(())
}

/// Shows the help, or the mistake in the command line; with `--json` the latter as a document too.
pub(crate) fn report(error: &clap::Error, words: &[OsString]) -> Exit {
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
        let document = json!({ "schema": 1, "errors": [Diagnostic::of(&fault.into())] });
        let _ = writeln!(io::stdout(), "{document}");
    }
    Exit::Usage
}

/// The first paragraph: the mistake, without the usage below it.
fn first_paragraph(text: &str) -> String {
    let text = text.strip_prefix("error: ").unwrap_or(text);
    let paragraph = text.split("\n\n").next().unwrap_or(text);
    paragraph.split_whitespace().collect::<Vec<_>>().join(" ")
}
