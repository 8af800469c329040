//! A deployment as typed Rust, reconciled with an AWS account through the SDK.
//!
//! `stack` declares, `observe` reads what exists in the same shape, `planner` compares the two into a `plan`,
//! and `execute` carries it out. The account is the only state.

pub mod arguments;
pub mod artifact;
pub mod aws;
pub mod cargo;
pub mod ci;
pub mod cli;
pub mod commands;
pub mod config;
pub mod console;
pub mod cost;
pub mod deadline;
pub mod declaration;
pub mod diff;
pub mod doctor;
pub mod drift;
pub mod environment;
pub mod events;
pub mod execute;
pub mod exit;
pub mod fault;
pub mod forecast;
pub mod github;
pub mod graph;
pub mod guests;
pub mod input;
pub mod interrupt;
pub mod limits;
pub mod live;
pub mod local;
pub mod log_line;
pub mod observe;
pub mod orphans;
pub mod owner;
pub mod plan;
pub mod plan_text;
pub mod planner;
pub mod policies;
pub mod policy_diff;
pub mod record;
mod redrawn;
pub mod render;
pub mod report;
pub mod resource;
pub mod rights;
pub mod rotation;
pub mod saved;
mod screen;
pub mod secret;
pub mod selection;
pub mod stack;
mod stdin;
mod surroundings;
pub mod target;
pub mod typed;
mod unread;
pub mod wait;

use anyhow::ensure;
use futures_util::future::{LocalBoxFuture, ready};

use crate::aws::Reach;
use crate::cli::{Cli, Command};
use crate::commands::Session;
use crate::config::Config;
use crate::console::Console;
use crate::environment::Environment;
use crate::exit::Exit;
use crate::fault::Code;
use crate::interrupt::{Interrupt, Interrupted};
use crate::record::Runs;
use crate::saved::SavedPlan;
use crate::typed::for_a_shell;

/// What a run stands on: where it prints, who may stop it, and how it reaches AWS.
#[derive(Debug)]
pub struct Ground {
    pub console: Console,
    pub interrupt: Interrupt,
    /// Clients made elsewhere; without them the SDK's own chain decides.
    pub reach: Option<Reach>,
    /// Without it no run leaves a record.
    pub runs: Option<Runs>,
    pub environment: Environment,
}

/// Runs the command line `arguments` to its end.
pub async fn run(arguments: impl IntoIterator<Item = std::ffi::OsString>) -> Exit {
    let arguments: Vec<_> = arguments.into_iter().collect();
    let environment = Environment::of_process();
    let program = program(arguments.first(), &environment);
    let words = arguments.iter().map(|word| word.to_string_lossy().into());
    let runs = Runs {
        folder: record::folder(&environment),
        command: words.collect(),
    };
    let cli = match arguments::read(&arguments, &environment) {
        Ok(cli) => cli,
        Err(error) => return arguments::told(&error, &arguments),
    };
    let console = Console::new(&cli.global, program, &environment);
    let leaving = console.clone();
    let interrupt = Interrupt::listen(move || {
        leaving.last_words("Left at once; calls in flight may still take effect: run it again.");
    });
    let ground = Ground {
        console,
        interrupt,
        reach: None,
        runs: Some(runs),
        environment,
    };
    run_on(&cli, ground).await
}

/// As it was typed, whether by its name, by a path or through cargo.
fn program(typed: Option<&std::ffi::OsString>, environment: &Environment) -> String {
    let is_by_cargo = environment.get("CARGO_PKG_NAME") == Some(env!("CARGO_PKG_NAME"));
    if is_by_cargo {
        return "cargo run -q -p provision --".to_owned();
    }
    for_a_shell(typed.and_then(|word| word.to_str()).unwrap_or("provision"))
}

/// Runs a parsed command line on `ground` to its end.
pub async fn run_on(cli: &Cli, ground: Ground) -> Exit {
    let console = ground.console.clone();
    match Box::pin(command(cli, ground)).await {
        Ok(exit) => match console.written() {
            Err(error) => {
                console.error(&error);
                exit.without_result()
            }
            Ok(()) => exit,
        },
        Err(error) => {
            if error.is::<Interrupted>() {
                console.say("Interrupted; nothing was changed.");
                console.without_result(&error);
            } else {
                console.fail(&error);
            }
            Exit::of_error(&error)
        }
    }
}

async fn command(cli: &Cli, ground: Ground) -> anyhow::Result<Exit> {
    let mut config = Config::new(&cli.global, ground.environment)?;
    config.local |= matches!(cli.command, Command::Dev(_));
    refuse_document(cli)?;
    if let Command::Up(cli::Up {
        plan: Some(path), ..
    }) = &cli.command
    {
        config.take_from(&SavedPlan::read(path)?)?;
    }
    let mut session = Session {
        config,
        console: ground.console,
        interrupt: ground.interrupt,
        reach: ground.reach,
        runs: ground.runs,
        recorder: None,
    };
    match &cli.command {
        Command::Up(cli::Up { report, .. }) | Command::Down(cli::Down { report, .. }) => {
            session.record(report.as_deref())?;
        }
        _ => {}
    }
    let outcome = chosen(&session, &cli.command).await;
    session.end_record(&outcome).await;
    outcome
}

/// Not every command has a result that a document could hold.
fn refuse_document(cli: &Cli) -> anyhow::Result<()> {
    let name = match cli.command {
        Command::Completions(_) => "completions",
        Command::Dev(_) => "dev",
        Command::Man(_) => "man",
        _ => return Ok(()),
    };
    ensure!(
        !cli.global.json,
        Code::Argument
            .fault(format!("`{name}` has no result in JSON"))
            .remedy(format!("`provision {name}` without `--json`"))
    );
    Ok(())
}

/// The command, not yet begun. What it takes to make these large futures is off the stack before one of them runs.
fn chosen<'a>(
    session: &'a Session,
    command: &'a Command,
) -> LocalBoxFuture<'a, anyhow::Result<Exit>> {
    match command {
        Command::Up(arguments) => Box::pin(commands::up::run(session, arguments)),
        Command::Plan(arguments) => Box::pin(commands::plan::run(session, arguments)),
        Command::Drift(arguments) => Box::pin(commands::drift::run(session, arguments)),
        Command::Down(arguments) => Box::pin(commands::down::run(session, arguments)),
        Command::Outputs(arguments) => Box::pin(commands::outputs::run(session, arguments)),
        Command::Invoke(arguments) => Box::pin(commands::invoke::run(session, arguments)),
        Command::Key(arguments) => Box::pin(commands::key::run(session, arguments)),
        Command::Logs(arguments) => Box::pin(commands::logs::run(session, arguments)),
        Command::Dev(arguments) => Box::pin(commands::dev::run(session, arguments)),
        Command::Ci(arguments) => Box::pin(commands::ci::run(session, arguments)),
        Command::Doctor(arguments) => Box::pin(commands::doctor::run(session, arguments)),
        Command::Report(arguments) => Box::pin(ready(commands::report::run(session, arguments))),
        Command::Graph(arguments) => Box::pin(ready(commands::graph::run(session, arguments))),
        Command::Local(arguments) => Box::pin(commands::local::run(session, arguments)),
        Command::Explain(arguments) => Box::pin(ready(commands::explain::run(session, arguments))),
        Command::Completions(arguments) => Box::pin(ready(Ok(commands::completions::run(
            &session.console,
            arguments,
        )))),
        Command::Man(arguments) => Box::pin(ready(commands::man::run(&session.console, arguments))),
        Command::Policy(arguments) => Box::pin(commands::policy::run(session, arguments)),
    }
}
