//! One file a command: ask, print, and say how it ended.

pub mod down;
pub mod outputs;
pub mod plan;
pub mod up;

use anyhow::{Result, bail};

use crate::aws::Aws;
use crate::config::Config;
use crate::console::{Console, Listener};
use crate::declaration::Stack;
use crate::interrupt::Interrupt;
use crate::observe::{Observations, observe};
use crate::plan::Plan;
use crate::resource::{Look, Resource};
use crate::target::Target;

/// What every command works with.
pub struct Session {
    pub config: Config,
    pub console: Console,
    pub interrupt: Interrupt,
}

/// Reads what exists of `stack`, and where that is.
async fn look(
    session: &Session,
    aws: &Aws,
    stack: &Stack,
    look: &Look,
) -> Result<(Target, Observations)> {
    let reads = async { tokio::try_join!(aws.target(), observe(stack, look)) };
    let (target, observations) = session.interrupt.or(reads).await?;
    Ok((target.clone(), observations))
}

/// Connects and starts showing what happens.
async fn connect(session: &Session) -> Result<(Aws, Listener)> {
    let (events, listener) = session.console.listen();
    let aws = session
        .interrupt
        .or(Aws::connect(&session.config.connection, events))
        .await?;
    Ok((aws, listener))
}

/// Goes on if nobody's data would be lost, or if the user agrees.
async fn may_lose_data(
    session: &Session,
    aws: &Aws,
    plan: &Plan,
    always_ask: bool,
) -> Result<bool> {
    let mut losses = Vec::new();
    for step in plan.losing_data() {
        let Resource::Table(table) = &step.resource else {
            continue;
        };
        let (items, is_all) = session.interrupt.or(table.count_items(aws)).await?;
        if items > 0 {
            let more = if is_all { "" } else { "more than " };
            losses.push(format!("table `{}` with {more}{items} items", table.name));
        }
    }
    if session.config.yes {
        return Ok(true);
    }
    let console = session.console;
    if !console.is_interactive() {
        if losses.is_empty() {
            return Ok(true);
        }
        bail!(
            "this would delete data: {}\n  try: `--yes` to go ahead{}",
            losses.join(", "),
            if always_ask { ", or `--keep-data`" } else { "" }
        );
    }
    if losses.is_empty() && !always_ask {
        return Ok(true);
    }
    for loss in &losses {
        console.say(&format!("This deletes data: {loss}."));
    }
    let agreed = console.confirm("Go ahead?");
    if !agreed {
        console.say("Nothing was changed.");
    }
    Ok(agreed)
}
