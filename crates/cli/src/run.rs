//! From a command line to an exit code.

use std::cell::RefCell;
use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::ensure;
use futures_util::future::{LocalBoxFuture, ready};
use provision_aws::connection::Transport;
use provision_engine::fault::Code;
use provision_engine::interrupt::Interrupted;

use crate::app::App;
use crate::args::{self, Cli, Command, parse};
use crate::commands::{self, Session};
use crate::environment::Environment;
use crate::exit::Exit;
use crate::interrupt::Interrupt;
use crate::options::Config;
use crate::record::{self, Runs};
use crate::saved::SavedPlan;
use crate::ui::command_text::quoted;
use crate::ui::console::Console;

/// The environment of a run: its streams, signals, clients, records and variables. [`App::run`] makes one of the process; tests
/// make their own.
#[derive(Debug)]
pub struct Host {
    /// The output streams.
    pub console: Console,
    /// The signals that stop the run.
    pub interrupt: Interrupt,
    /// The SDK's configuration and the connector for public endpoints; `None` is the SDK's own chain of profiles, variables and
    /// roles.
    pub transport: Option<Transport>,
    /// The place for the records of `up` and `down`; `None` leaves no record.
    pub runs: Option<Runs>,
    /// The environment variables that options and the console read.
    pub environment: Environment,
}

/// Runs the command line `arguments` of `app` to its end.
async fn run(app: &App, arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let arguments: Vec<_> = arguments.into_iter().collect();
    let environment = Environment::of_process();
    let program = program(app, arguments.first(), &environment);
    let words = arguments.iter().map(|word| word.to_string_lossy().into());
    let runs = Runs {
        folder: record::folder(&environment),
        command: words.collect(),
    };
    let cli = match parse::read(app, &arguments, &environment) {
        Ok(cli) => cli,
        Err(error) => return parse::report(&error, &arguments),
    };
    let console = Console::new(&cli.global, program, &environment);
    let leaving = console.clone();
    let interrupt = Interrupt::listen(move || {
        leaving.last_words("Left at once; calls in flight may still take effect: run it again.");
    });
    let host = Host {
        console,
        interrupt,
        transport: None,
        runs: Some(runs),
        environment,
    };
    app.run_on(&cli, host).await
}

/// The program as it was called, whether by its name, by a path or through cargo.
fn program(app: &App, called: Option<&OsString>, environment: &Environment) -> String {
    if environment.get("CARGO_PKG_NAME") == Some(app.name()) {
        return format!("cargo run -q -p {} --", app.name());
    }
    quoted(called.and_then(|word| word.to_str()).unwrap_or(app.name()))
}

impl App {
    /// Runs the command line of this process to its end, and returns its exit code: see [`Exit`].
    pub fn run(self) -> ExitCode {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        match runtime {
            Ok(runtime) => runtime.block_on(run(&self, std::env::args_os())).into(),
            Err(_) => ExitCode::FAILURE,
        }
    }

    /// Runs a parsed command line on `host` to its end. Errors are printed, and reflected in the returned [`Exit`].
    pub async fn run_on(&self, cli: &Cli, host: Host) -> Exit {
        let console = host.console.clone();
        match Box::pin(command(self, cli, host)).await {
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
}

async fn command(app: &App, cli: &Cli, host: Host) -> anyhow::Result<Exit> {
    let mut config = Config::new(&cli.global, host.environment)?;
    config.local |= matches!(cli.command, Command::Dev(_));
    refuse_document(cli)?;
    if let Command::Up(args::Up {
        plan: Some(path), ..
    }) = &cli.command
    {
        SavedPlan::read(path)?.apply_to(&mut config)?;
    }
    let mut session = Session {
        app,
        config,
        console: host.console,
        interrupt: host.interrupt,
        transport: host.transport,
        runs: host.runs,
        recorder: None,
        declared: RefCell::default(),
        lease: RefCell::default(),
    };
    match &cli.command {
        Command::Up(args::Up { report, .. }) | Command::Down(args::Down { report, .. }) => {
            session.record(report.as_deref())?;
        }
        _ => {}
    }
    let outcome = chosen(&session, &cli.command).await;
    session.end_record(&outcome).await;
    outcome
}

/// Returns an error if a document was asked for where there is none.
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

/// Returns the command's future, boxed before it runs, because these futures are large.
fn chosen<'a>(
    session: &'a Session<'a>,
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
        Command::New(arguments) => Box::pin(ready(commands::new::run(session, arguments))),
        Command::Ci(arguments) => Box::pin(commands::ci::run(session, arguments)),
        Command::Doctor(arguments) => Box::pin(commands::doctor::run(session, arguments)),
        Command::Report(arguments) => Box::pin(ready(commands::report::run(session, arguments))),
        Command::Graph(arguments) => Box::pin(ready(commands::graph::run(session, arguments))),
        Command::Local(arguments) => Box::pin(commands::local::run(session, arguments)),
        Command::Explain(arguments) => Box::pin(ready(commands::explain::run(session, arguments))),
        Command::Completions(arguments) => {
            Box::pin(ready(Ok(commands::completions::run(session, arguments))))
        }
        Command::Man(arguments) => Box::pin(ready(commands::man::run(session, arguments))),
        Command::Policy(arguments) => Box::pin(commands::policy::run(session, arguments)),
    }
}
