//! One file a command: ask, print, and say how it ended.

pub mod down;
pub mod outputs;
pub mod plan;
pub mod up;

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use futures_util::future::try_join_all;

use crate::aws::Aws;
use crate::aws::error::{AwsError, Failure};
use crate::config::Config;
use crate::console::{Console, Listener};
use crate::declaration::Stack;
use crate::interrupt::Interrupt;
use crate::observe::{Observations, observe};
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
                let text = format!("table `{}` with {more}{items} items", table.name);
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

/// Goes on if nobody's data would be lost, or if the user agrees.
fn may_lose(session: &Session, losses: &[&str], always_ask: bool, remedy: &str) -> Result<bool> {
    if session.config.yes {
        return Ok(true);
    }
    let console = session.console;
    if !console.is_interactive() {
        if losses.is_empty() {
            return Ok(true);
        }
        bail!(
            "this would delete data: {}\n  try: {remedy}",
            losses.join(", ")
        );
    }
    if losses.is_empty() && !always_ask {
        return Ok(true);
    }
    for loss in losses {
        console.say(&format!("This deletes data: {loss}."));
    }
    let agreed = console.confirm("Go ahead?");
    if !agreed {
        console.say("Nothing was changed.");
    }
    Ok(agreed)
}
