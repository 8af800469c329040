//! `key rotate`: a new API key in the place of the old one.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::deployed::deployed;
use super::{Session, connect, goes_on};
use crate::cli;
use crate::exit::Exit;
use crate::fault::Code;
use crate::interrupt::Interrupted;
use crate::resource::Resource;
use crate::rotation::{Rotated, rotate};
use crate::typed::Typed;

pub async fn run(session: &Session, arguments: &cli::Key) -> Result<Exit> {
    match arguments {
        cli::Key::Rotate(arguments) => rotated(session, arguments).await,
    }
}

async fn rotated(session: &Session, arguments: &cli::Rotate) -> Result<Exit> {
    let (aws, listener) = connect(session).await?;
    let (stack, known) = deployed(session, &aws).await?;
    let missing = || {
        Code::NotDeployed
            .fault("the stack is not whole")
            .remedy(session.up_first())
    };
    let key = stack
        .declared
        .iter()
        .find_map(|declared| match &declared.resource {
            Resource::ApiKey(key) => Some(key),
            _ => None,
        });
    let plan = known.lookup("plan.id").and_then(Value::as_str);
    let (key, check, plan) = key
        .zip(stack.check.as_ref())
        .zip(plan)
        .map(|((key, check), plan)| (key, check, plan))
        .with_context(missing)?;
    let work = rotate(&aws, key, plan, check, &known, arguments.grace);
    let outcome = session.interrupt.orderly(&aws, Box::pin(work)).await;
    if let (Err(_), Some(signal)) = (&outcome, session.interrupt.signal()) {
        let grace = arguments.grace.as_secs();
        let again = Typed::from("key rotate")
            .option("--grace", Some(format!("{grace}s")).filter(|_| grace > 0))
            .switch("--show-secrets", arguments.show_secrets);
        session.console.say(&format!(
            "Interrupted: a key is valid all the time; {}.",
            goes_on(&session.command(again))
        ));
        session.console.without_result(&Interrupted(signal).into());
        return Ok(Exit::Interrupted(signal));
    }
    let Rotated { old, new } = outcome?;
    let value = if arguments.show_secrets {
        Some(session.interrupt.or(aws.key(&new.0)).await?)
    } else {
        None
    };
    drop(aws);
    listener.finish().await;
    let shown = value.as_ref().map_or("****", |value| value.reveal());
    session.console.result(&if session.config.json {
        json!({
            "schema": 1,
            "stack": stack.name,
            "api_key": shown,
            "api_key_id": new,
            "replaced_api_key_id": old,
        })
        .to_string()
    } else {
        format!("api_key        {shown}\napi_key_id     {new}\nreplaces       {old}")
    });
    if value.is_none() {
        session.console.say(&format!(
            "Its value: `provision {} --show-secrets api_key`.",
            session.here("outputs")
        ));
    }
    Ok(Exit::Done)
}
