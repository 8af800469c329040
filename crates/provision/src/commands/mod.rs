//! One file a command: ask, print, and say how it ended.

mod account;
pub mod ci;
pub mod completions;
mod deployed;
pub mod dev;
pub mod doctor;
pub mod down;
pub mod drift;
pub mod explain;
pub mod graph;
pub mod invoke;
pub mod key;
pub mod local;
pub mod logs;
pub mod man;
pub mod outputs;
pub mod plan;
pub mod policy;
pub mod report;
mod rivals;
pub mod up;

use std::collections::BTreeMap;
use std::path::Path;
use std::pin::pin;

use anyhow::{Result, bail};
use futures_util::future::{Either, select, try_join_all};

use crate::aws::error::{AwsError, Failure};
use crate::aws::{Aws, Reach};
use crate::config::Config;
use crate::console::Console;
use crate::declaration::Stack;
use crate::exit::Exit;
use crate::fault::Code;
use crate::interrupt::Interrupt;
use crate::local::{Server, Start};
use crate::observe::{Observations, observe};
use crate::orphans::{Orphan, orphans};
use crate::plan::Plan;
use crate::plan_text;
use crate::planner::Account;
use crate::record::{Recorder, Runs};
use crate::render;
use crate::resource::{Look, Resource};
use crate::screen::Listener;
use crate::stack;
use crate::target::Target;
use crate::typed::Typed;

/// What every command works with.
pub struct Session {
    pub config: Config,
    pub console: Console,
    pub interrupt: Interrupt,
    pub reach: Option<Reach>,
    pub runs: Option<Runs>,
    /// Where this run leaves its record, if it leaves one.
    pub recorder: Option<Recorder>,
}

impl Session {
    /// A command for the same stack: `outputs --local --env dev` for `outputs`.
    fn here(&self, command: impl Into<Typed>) -> Typed {
        let connection = &self.config.connection;
        command
            .into()
            .switch("--local", self.config.local)
            .option("--env", self.config.env.as_ref())
            .option("--region", connection.region.as_ref())
            .option("--profile", connection.profile.as_ref())
    }

    /// The same, to be told in a text: `provision outputs --local --env dev`.
    fn command(&self, command: impl Into<Typed>) -> String {
        format!("provision {}", self.here(command))
    }

    /// What helps where something of the stack is not there: `` `provision up` ``.
    fn up_first(&self) -> String {
        format!("`{}`", self.command("up"))
    }

    /// Warns of what is not done by `command`, which would do all of it by itself.
    fn say_left_out(&self, names: &[String], command: Typed) {
        if names.is_empty() {
            return;
        }
        self.console.warn(&format!(
            "warning: `--only` or `--skip` leaves as it is:\n  {}\nuntil `{}`, without either",
            names.join("\n  "),
            self.command(command)
        ));
    }

    /// Puts this run on record, and on a page at `report` if asked for.
    pub fn record(&mut self, report: Option<&Path>) -> Result<()> {
        if let Some(runs) = &self.runs {
            let recorder = Recorder::begin(runs, self.stack_name()?, report)?;
            self.recorder = Some(recorder);
        }
        Ok(())
    }

    /// Adds to the record, if this run leaves one.
    fn on_record(&self, add: impl FnOnce(&Recorder)) {
        if let Some(recorder) = &self.recorder {
            add(recorder);
        }
    }

    /// Leaves the record of a run that ended like this.
    pub async fn end_record(self, outcome: &Result<Exit>) {
        if let Some(recorder) = self.recorder {
            recorder.end(outcome, &self.console).await;
        }
    }

    /// The stack's name, as far as it can be told without asking AWS: that is all of it.
    fn stack_name(&self) -> Result<String> {
        let settings = self.config.settings(&self.config.region_offline());
        Ok(stack::lab(&settings)?.name)
    }

    /// Says where it all happens, before anything else.
    fn say_place(&self, stack: &Stack, target: &Target) {
        let place = render::place(&stack.name, target, self.config.local);
        self.console.say(&place);
    }
}

/// What is said of the same command once more after a run that did not get to its end.
fn goes_on(command: &str) -> String {
    format!("`{command}` again goes on from here")
}

/// Reads what exists of `stack`, and says where that is as soon as it is known.
async fn look(session: &Session, stack: &Stack, look: &Look) -> Result<Seen> {
    let reading = see(stack, look, |target| session.say_place(stack, target));
    session.interrupt.or(Box::pin(reading)).await
}

/// What there is of a stack.
pub struct Seen {
    pub target: Target,
    pub observations: Observations,
    pub orphans: Vec<Orphan>,
}

impl Seen {
    pub fn account(&self) -> Account<'_> {
        Account {
            target: &self.target,
            observations: &self.observations,
            orphans: &self.orphans,
        }
    }
}

/// Reads everything a plan is made from. `placed` is told where that is, also if reading fails before that is known.
pub async fn see(stack: &Stack, look: &Look, placed: impl FnOnce(&Target)) -> Result<Seen> {
    let (target, observations) =
        match select(pin!(look.aws().target()), pin!(observe(stack, look))).await {
            Either::Left((target, observing)) => {
                let target = target?;
                placed(target);
                (target, observing.await?)
            }
            Either::Right((observations, asking)) => {
                let target = asking.await;
                if let Ok(target) = target {
                    placed(target);
                }
                (target?, observations?)
            }
        };
    let orphans = orphans(stack, look, &observations).await?;
    Ok(Seen {
        target: target.clone(),
        observations,
        orphans,
    })
}

/// Connects and starts showing what happens.
async fn connect(session: &Session) -> Result<(Aws, Listener)> {
    let mut connection = session.config.connection.clone();
    if session.config.local {
        connection.local = Some(session.interrupt.or(local_url(session)).await?);
    }
    let (events, listener) = session.console.listen();
    let timeline = session.recorder.as_ref().map(Recorder::timeline);
    let events = events.noted_in(timeline.cloned());
    if let Some(reach) = &session.reach {
        return Ok((Aws::by(reach, events)?, listener));
    }
    let aws = session
        .interrupt
        .or(Aws::connect(&connection, events))
        .await?;
    Ok((aws, listener))
}

/// The region that a connection would be to.
async fn region(session: &Session) -> Option<String> {
    match &session.reach {
        Some(reach) => reach.config.region().map(ToString::to_string),
        None => Aws::region_of(&session.config.connection).await,
    }
}

/// Where the local AWS is, started if it did not run.
async fn local_url(session: &Session) -> Result<String> {
    let settings = &session.config.local_aws;
    let (server, is_new) = Server::ensure(settings, &Start::default()).await?;
    if is_new {
        session.console.say(&format!(
            "The local AWS runs at {}; it keeps its state in {}.",
            server.url,
            settings.folder.display()
        ));
    }
    Ok(server.url)
}

/// What would be lost with the tables of `stack` that `removed` names, in words.
async fn losses(
    aws: &Aws,
    stack: &Stack,
    removed: impl Fn(&str) -> bool,
) -> Result<BTreeMap<String, String>> {
    let counts = stack
        .declared
        .iter()
        .filter(|declared| removed(&declared.id))
        .filter_map(|declared| {
            let Resource::Table(table) = &declared.resource else {
                return None;
            };
            Some(async move {
                let (items, is_all) = match table.count_items(aws).await {
                    Ok(counted) => counted,
                    // Without the right to count, the worst has to be assumed.
                    Err(error) if is_refused(&error) => {
                        let text = format!("table `{}`, whose items cannot be counted", table.name);
                        return Ok(Some((declared.id.clone(), text)));
                    }
                    Err(error) => return Err(error),
                };
                let more = if is_all { "" } else { "more than " };
                let noun = if items == 1 && is_all {
                    "item"
                } else {
                    "items"
                };
                let text = format!("table `{}` with {more}{items} {noun}", table.name);
                anyhow::Ok((items > 0).then(|| (declared.id.clone(), text)))
            })
        });
    Ok(try_join_all(counts).await?.into_iter().flatten().collect())
}

fn is_refused(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<AwsError>()
        .is_some_and(|error| error.failure == Failure::Refused)
}

/// Goes on if nothing would be lost that a later `up` does not bring back, or if the user agrees.
async fn may_lose(
    session: &Session,
    plan: &Plan,
    losses: &[String],
    always_ask: bool,
    remedy: &str,
) -> Result<bool> {
    if session.config.yes {
        return Ok(true);
    }
    let console = &session.console;
    if !console.is_interactive() {
        if losses.is_empty() {
            return Ok(true);
        }
        bail!(
            Code::WouldLoseData
                .fault(format!("this would also delete {}", losses.join(", ")))
                .remedy(remedy.to_owned())
        );
    }
    if losses.is_empty() && !always_ask {
        return Ok(true);
    }
    if console.is_quiet() {
        let place = render::place(&plan.stack, &plan.target, session.config.local);
        console.insist(&place);
        let verbose = session.config.verbose;
        console.insist(&plan_text::plan(plan, console.stderr_paint(), verbose));
    }
    for loss in losses {
        console.insist(&format!("This also deletes {loss}."));
    }
    let asked = async { Ok(console.confirm("Go ahead?").await) };
    let answer = session.interrupt.or(asked).await;
    match answer {
        Ok(true) => {}
        Ok(false) => {
            console.insist("Nothing was changed.");
            let fault = Code::Declined.fault("declined; nothing was changed");
            console.without_result(&fault.into());
        }
        Err(_) => console.end_line(),
    }
    answer
}
