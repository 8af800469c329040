//! The state of one run of the program, which every command works with.

use std::cell::RefCell;
use std::path::Path;

use anyhow::{Context, Result};
use provision_aws::connection::{self, Transport};
use provision_engine::aws::Aws;
use provision_engine::declaration::Declaration;
use provision_engine::env::Env;
use provision_engine::target::Target;

use crate::app::App;
use crate::exit::Exit;
use crate::interrupt::Interrupt;
use crate::local::{self, Lease, Start};
use crate::options::{Config, DeclareOptions};
use crate::record::{Recorder, Runs};
use crate::report;
use crate::ui::command_text::CommandText;
use crate::ui::console::Console;
use crate::ui::render;
use crate::ui::screen::Listener;

/// One run of the program.
pub(crate) struct Session<'a> {
    /// The application.
    pub(crate) app: &'a App,
    /// The options of every command.
    pub(crate) config: Config,
    /// The streams.
    pub(crate) console: Console,
    /// The signals.
    pub(crate) interrupt: Interrupt,
    /// Clients made elsewhere.
    pub(crate) transport: Option<Transport>,
    /// The folder of records.
    pub(crate) runs: Option<Runs>,
    /// The record of this run, if it leaves one.
    pub(crate) recorder: Option<Recorder>,
    /// The last declaration, and what it was made for.
    pub(crate) declared: RefCell<Option<(Env, Declaration)>>,
    /// Held since the local AWS was found.
    pub(crate) lease: RefCell<Option<Lease>>,
}

impl Session<'_> {
    /// Declares the stack for `region`.
    pub(super) fn declare(&self, options: &DeclareOptions, region: &str) -> Result<Declaration> {
        let env = options.env(self.config.env.as_deref(), region);
        let mut declared = self.declared.borrow_mut();
        if let Some((_, declaration)) = declared.as_ref().filter(|(known, _)| *known == env) {
            return Ok(declaration.clone());
        }
        let declaration = self.app.declare(&env)?;
        *declared = Some((env, declaration.clone()));
        Ok(declaration)
    }

    /// Declares the stack where AWS is not asked.
    pub(super) fn declare_offline(&self) -> Result<Declaration> {
        self.declare(&DeclareOptions::default(), &self.config.region_offline())
    }

    /// Returns the stack's name.
    pub(super) fn stack_name(&self) -> Result<String> {
        let region = self.config.region_offline();
        let env = DeclareOptions::default().env(self.config.env.as_deref(), &region);
        self.app.stack_name(&env)
    }

    /// Returns a command for the same stack: `outputs --local --env dev` for `outputs`.
    pub(super) fn here(&self, command: impl Into<CommandText>) -> CommandText {
        let connection = &self.config.connection;
        command
            .into()
            .switch("--local", self.config.local)
            .option("--env", self.config.env.as_ref())
            .option("--region", connection.region.as_ref())
            .option("--profile", connection.profile.as_ref())
    }

    /// Returns the same for a sentence: `provision outputs --local --env dev`.
    pub(super) fn command(&self, command: impl Into<CommandText>) -> String {
        format!("provision {}", self.here(command))
    }

    /// Returns the remedy where a part of the stack does not exist: `` `provision up` ``.
    pub(super) fn up_first(&self) -> String {
        format!("`{}`", self.command("up"))
    }

    /// Warns of the steps that are left out by `--only` or `--skip`; `command` would do all of them.
    pub(super) fn warn_left_out(&self, labels: &[String], command: CommandText) {
        if labels.is_empty() {
            return;
        }
        self.console.warn(&format!(
            "warning: `--only` or `--skip` leaves as it is:\n  {}\nuntil `{}`, without either",
            labels.join("\n  "),
            self.command(command)
        ));
    }

    /// Begins the record of this run, and its page at `report` if asked for.
    pub(crate) fn record(&mut self, report: Option<&Path>) -> Result<()> {
        if let Some(runs) = &self.runs {
            let stack = self.stack_name()?;
            self.recorder = Some(Recorder::begin(runs, stack, report)?);
        }
        Ok(())
    }

    /// Adds to the record, if this run leaves one.
    pub(super) fn on_record(&self, add: impl FnOnce(&Recorder)) {
        if let Some(recorder) = &self.recorder {
            add(recorder);
        }
    }

    /// Writes the record of a run that ended like this.
    pub(crate) async fn end_record(self, outcome: &Result<Exit>) {
        if let Some(recorder) = self.recorder {
            let Some((page, record)) = recorder.end(outcome, &self.console).await else {
                return;
            };
            let written = std::fs::write(&page, report::page(&record))
                .with_context(|| format!("writing {}", page.display()));
            match written {
                Ok(()) => self.console.say(&format!("Report: {}", page.display())),
                // What was deployed is deployed.
                Err(error) => self.console.error(&error),
            }
        }
    }

    /// Prints the stack and its place, before anything else.
    pub(super) fn say_place(&self, stack: &str, target: &Target) {
        let place = render::place(stack, target, self.config.local);
        self.console.say(&place);
    }

    /// Connects, and starts showing events.
    pub(super) async fn connect(&self) -> Result<(Aws, Listener)> {
        let mut options = self.config.connection.clone();
        if self.config.local {
            options.local = Some(self.interrupt.or(self.local_url()).await?);
        }
        let (mut events, listener) = self.console.listen();
        if let Some(timeline) = self.recorder.as_ref().map(Recorder::timeline) {
            let timeline = timeline.clone();
            events = events.observed_by(move |event| timeline.note(event));
        }
        let aws = if let Some(transport) = &self.transport {
            connection::from_transport(transport, events)?
        } else {
            let connecting = connection::connect(&options, events);
            self.interrupt.or(connecting).await?
        };
        Ok((aws, listener))
    }

    /// Returns the region that a connection would be made for.
    pub(super) async fn region(&self) -> Option<String> {
        match &self.transport {
            Some(transport) => transport.config.region().map(ToString::to_string),
            None => connection::region_of(&self.config.connection).await,
        }
    }

    /// Returns the URL of the local AWS, which is started if it did not run.
    async fn local_url(&self) -> Result<String> {
        let settings = &self.config.local_aws;
        let folder = self.app.folder()?;
        let ready = local::ready(settings, &folder, &Start::default(), &self.console).await?;
        if ready.is_new {
            self.console.say(&format!(
                "The local AWS runs at {}; it keeps its state in {}.",
                ready.server.url,
                settings.folder.display()
            ));
        }
        self.lease.replace(Some(ready.lease));
        Ok(ready.server.url)
    }
}

/// Returns what to say of the same command once more after a run that ended early.
pub(super) fn continues(command: &str) -> String {
    format!("`{command}` again goes on from here")
}
