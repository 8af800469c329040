//! `key rotate`: replace an API key.

use anyhow::{Context as _, Result};
use provision_aws::apigateway::key_value;
use provision_aws::apigateway::rotation::{Rotated, Rotation, rotate};
use provision_engine::fault::Code;
use provision_engine::interrupt::Interrupted;
use serde_json::{Value, json};

use super::Session;
use super::context::Context;
use super::endpoints::keys;
use super::names::choose;
use super::outputs::{secret_hint, secret_named};
use super::session::continues;
use crate::args;
use crate::exit::Exit;
use crate::ui::command_text::CommandText;

/// Runs the command.
pub(crate) async fn run(session: &Session<'_>, arguments: &args::Key) -> Result<Exit> {
    match arguments {
        args::Key::Rotate(arguments) => rotated(session, arguments).await,
    }
}

async fn rotated(session: &Session<'_>, arguments: &args::Rotate) -> Result<Exit> {
    let (context, known) = Context::deployed(session).await?;
    let Context {
        aws,
        listener,
        declaration,
        ..
    } = context;
    let key = choose(keys(&declaration), arguments.key.as_deref(), "API key")?;
    let plans = key.value.plans.iter().map(|plan| {
        let id = known.lookup(&format!("{plan}.id")).and_then(Value::as_str);
        id.map(str::to_owned).with_context(|| {
            Code::NotDeployed
                .fault("the stack is not whole")
                .remedy(session.up_first())
        })
    });
    let plans: Vec<String> = plans.collect::<Result<_>>()?;
    let rotation = Rotation {
        declared: key.value.declared,
        plans: &plans,
        check: key.value.check,
        grace: arguments.grace,
    };
    let work = rotate(&aws, rotation, &known);
    let outcome = session.interrupt.orderly(&aws, Box::pin(work)).await;
    if let (Err(_), Some(signal)) = (&outcome, session.interrupt.signal()) {
        let grace = arguments.grace.as_secs();
        let again = CommandText::from("key rotate");
        let again = match &arguments.key {
            Some(key) => again.word(key),
            None => again,
        };
        let again = again
            .option("--grace", Some(format!("{grace}s")).filter(|_| grace > 0))
            .switch("--show-secrets", arguments.show_secrets);
        session.console.say(&format!(
            "Interrupted: a key is valid all the time; {}.",
            continues(&session.command(again))
        ));
        session.console.without_result(&Interrupted(signal).into());
        return Ok(Exit::Interrupted(signal));
    }
    let Rotated { old, new } = outcome?;
    let value = if arguments.show_secrets {
        Some(session.interrupt.or(key_value(&aws, &new)).await?)
    } else {
        None
    };
    drop(aws);
    listener.finish().await;
    let shown = value.as_ref().map_or("****", |value| value.reveal());
    session.console.result(&if session.config.json {
        json!({
            "schema": 1,
            "stack": declaration.name,
            "api_key": shown,
            "api_key_id": new,
            "replaced_api_key_id": old,
        })
        .to_string()
    } else {
        format!("api_key        {shown}\napi_key_id     {new}\nreplaces       {old}")
    });
    let name = secret_named(&declaration, &key.id).filter(|_| value.is_none());
    if let Some(name) = name {
        session.console.say(&secret_hint(session, name));
    }
    Ok(Exit::Done)
}
