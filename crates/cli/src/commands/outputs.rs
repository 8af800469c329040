//! `outputs`: print the deployed stack's URL, ids and ARNs.

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::{Context as _, Result, bail};
use provision_engine::aws::Aws;
use provision_engine::declaration::Declaration;
use provision_engine::fault::{Code, Fault};
use provision_engine::input::Outputs;
use provision_engine::secret::Secret;
use provision_engine::stack::Output;
use serde_json::{Map, Value};

use super::Session;
use super::context::Context;
use crate::args;
use crate::exit::Exit;

/// Stands for a secret that was not asked for.
const HIDDEN: &str = "****";

/// The values of secret outputs, by the outputs' names.
pub(super) type Secrets = BTreeMap<String, Secret>;

/// Runs the command.
pub(crate) async fn run(session: &Session<'_>, arguments: &args::Outputs) -> Result<Exit> {
    let (context, known) = Context::deployed(session).await?;
    let declaration = &context.declaration;
    let mut values = values(declaration, &known);
    let is_secret = |name: &str| {
        let mut outputs = declaration.outputs.iter();
        outputs.any(|(known, output)| known == name && matches!(output, Output::Secret(_)))
    };
    let named_secret = arguments.name.as_deref().filter(|name| is_secret(name));
    if arguments.show_secrets || named_secret.is_some() {
        let read = secrets(session, declaration, &context.aws, &known);
        let secrets = session.interrupt.or(read).await?;
        for (name, secret) in secrets.iter().filter(|_| arguments.show_secrets) {
            values.insert(name.clone(), secret.reveal().into());
        }
    }
    drop(context.aws);
    context.listener.finish().await;
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
        if named_secret.is_some() && !arguments.show_secrets {
            session.console.say(&secret_hint(session, name));
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
        document.insert("stack".to_owned(), declaration.name.clone().into());
        document.extend(values);
        session.console.result(&Value::Object(document).to_string());
    } else {
        session.console.result(&lines(&values));
    }
    Ok(Exit::Done)
}

/// Returns the command that prints a secret output.
pub(super) fn secret_hint(session: &Session<'_>, name: &str) -> String {
    format!(
        "Its value: `provision {} --show-secrets {name}`.",
        session.here("outputs")
    )
}

fn absent(session: &Session<'_>, name: &str) -> Fault {
    Code::NotDeployed
        .fault(format!("`{name}` is not deployed yet"))
        .remedy(session.up_first())
}

/// Returns the outputs in the declared order, null where they are not known, secrets hidden.
pub(super) fn values(declaration: &Declaration, known: &Outputs) -> Map<String, Value> {
    let outputs = declaration.outputs.iter().map(|(name, output)| {
        let value = match output {
            Output::Text(input) => Some(known.resolve(&input.to_value())),
            Output::Secret(id) => known.lookup(&format!("{id}.id")).map(|_| HIDDEN.into()),
        };
        let value = value.filter(Value::is_string).unwrap_or_default();
        (name.clone(), value)
    });
    outputs.collect()
}

/// Returns the outputs that are known and no secrets.
pub(super) fn to_pass_on(
    declaration: &Declaration,
    values: &Map<String, Value>,
) -> impl Iterator<Item = (String, String)> {
    let names = declaration.outputs.iter();
    let names = names.filter(|(_, output)| matches!(output, Output::Text(_)));
    names.filter_map(|(name, _)| {
        let value = values.get(name)?.as_str()?;
        Some((name.clone(), value.to_owned()))
    })
}

/// Returns the name of the output that holds the secret of the resource `id`.
pub(super) fn secret_named<'a>(declaration: &'a Declaration, id: &str) -> Option<&'a str> {
    let mut outputs = declaration.outputs.iter();
    let found = outputs.find(|(_, output)| *output == Output::Secret(id.to_owned()));
    found.map(|(name, _)| name.as_str())
}

/// Reads the secret outputs.
///
/// # Errors
///
/// `Code::NotDeployed` if the resource of one does not exist.
pub(super) async fn secrets(
    session: &Session<'_>,
    declaration: &Declaration,
    aws: &Aws,
    known: &Outputs,
) -> Result<Secrets> {
    let mut secrets = Secrets::new();
    for (name, output) in &declaration.outputs {
        let Output::Secret(id) = output else { continue };
        let outputs = known.of_resource(id);
        let outputs = outputs.with_context(|| absent(session, name))?;
        let declared = declaration.find(id).context("outputs name resources")?;
        let secret = declared.resource.secret(aws, &outputs).await?;
        secrets.extend(secret.map(|secret| (name.clone(), secret)));
    }
    Ok(secrets)
}

/// Returns the outputs as text, with the values of `secrets` in place of their masks.
pub(super) fn text(declaration: &Declaration, known: &Outputs, secrets: &Secrets) -> String {
    let mut values = values(declaration, known);
    for (name, secret) in secrets {
        values.insert(name.clone(), secret.reveal().into());
    }
    lines(&values)
}

fn lines(values: &Map<String, Value>) -> String {
    let longest = values.keys().map(String::len).max().unwrap_or_default();
    let width = longest.max(14);
    let mut text = String::new();
    for (name, value) in values {
        let value = value.as_str().unwrap_or("(not deployed)");
        let _ = writeln!(text, "{name:<width$} {value}");
    }
    text
}
