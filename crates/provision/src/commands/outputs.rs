//! `outputs`: where the deployed stack is to be found.

use std::fmt::Write;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};

use super::deployed::deployed;
use super::{Session, connect};
use crate::aws::Aws;
use crate::cli;
use crate::declaration::Stack;
use crate::exit::Exit;
use crate::fault::{Code, Fault};
use crate::input::Outputs;
use crate::secret::Secret;

/// The output that holds the API key's value, which is hidden unless asked for.
const KEY: &str = "api_key";
const KEY_ID: &str = "api_key_id";
const HIDDEN: &str = "****";

pub async fn run(session: &Session, arguments: &cli::Outputs) -> Result<Exit> {
    let (aws, listener) = connect(session).await?;
    let (stack, known) = deployed(session, &aws).await?;
    let mut values = values(&stack, &known);
    let wants_key = arguments.show_secrets || arguments.name.as_deref() == Some(KEY);
    if wants_key {
        let value = session.interrupt.or(key(session, &aws, &known)).await?;
        if arguments.show_secrets {
            values.insert(KEY.to_owned(), value.reveal().into());
        }
    }
    drop(aws);
    listener.finish().await;
    if let Some(name) = &arguments.name {
        let Some(value) = values.get(name) else {
            let names: Vec<&str> = values.keys().map(String::as_str).collect();
            bail!(
                Code::UnknownOutput
                    .fault(format!("there is no output `{name}`"))
                    .remedy(format!("one of {}", names.join(", ")))
            );
        };
        let text = value.as_str().with_context(|| absent(session, name))?;
        if name == KEY && !arguments.show_secrets {
            session.console.say(&format!(
                "Its value: `provision {} --show-secrets {KEY}`.",
                session.here("outputs")
            ));
        }
        if !session.config.json {
            session.console.result(text);
            return Ok(Exit::Done);
        }
        values.retain(|known, _| known == name);
    }
    if session.config.json {
        let mut document = Map::new();
        document.insert("schema".to_owned(), 1.into());
        document.insert("stack".to_owned(), stack.name.clone().into());
        document.extend(values);
        session.console.result(&Value::Object(document).to_string());
    } else {
        session.console.result(&lines(&values));
    }
    Ok(Exit::Done)
}

/// An output that nothing yields yet.
pub(super) fn absent(session: &Session, name: &str) -> Fault {
    Code::NotDeployed
        .fault(format!("`{name}` is not deployed yet"))
        .remedy(session.up_first())
}

/// The outputs that are known, in the declared order, the key's value hidden.
pub(super) fn values(stack: &Stack, known: &Outputs) -> Map<String, Value> {
    let mut values = Map::new();
    for (name, input) in &stack.outputs {
        let value = known.resolve(&input.to_value());
        let value = if value.is_string() {
            value
        } else {
            Value::Null
        };
        if *name == KEY_ID {
            values.insert(
                KEY.to_owned(),
                if value.is_null() {
                    Value::Null
                } else {
                    HIDDEN.into()
                },
            );
        }
        values.insert((*name).to_owned(), value);
    }
    values
}

/// Those that are known and no secret.
pub(super) fn to_pass_on(values: &Map<String, Value>) -> impl Iterator<Item = (&str, String)> {
    values
        .iter()
        .filter(|(name, _)| *name != KEY)
        .filter_map(|(name, value)| Some((name.as_str(), value.as_str()?.to_owned())))
}

/// The value of the stack's API key.
pub(super) async fn key(session: &Session, aws: &Aws, known: &Outputs) -> Result<Secret> {
    let id = known.lookup("key.id").and_then(Value::as_str);
    let missing = || {
        Code::NotDeployed
            .fault("the stack has no API key yet")
            .remedy(session.up_first())
    };
    aws.key(id.with_context(missing)?).await
}

/// The outputs as text, the key's value in place of its mask where it may be shown.
pub(super) fn text(stack: &Stack, known: &Outputs, key: Option<&Secret>) -> String {
    let mut values = values(stack, known);
    if let Some(key) = key {
        values.insert(KEY.to_owned(), key.reveal().into());
    }
    lines(&values)
}

fn lines(values: &Map<String, Value>) -> String {
    let mut text = String::new();
    for (name, value) in values {
        let _ = writeln!(
            text,
            "{name:<14} {}",
            value.as_str().unwrap_or("(not deployed)")
        );
    }
    text
}
