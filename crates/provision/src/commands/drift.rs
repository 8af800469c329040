//! `drift`: what changed behind our back.

use std::fmt::Write;

use anyhow::{Result, bail};
use serde_json::json;

use super::{Session, connect, look};
use crate::cli;
use crate::config::Making;
use crate::declaration::{Stack, learn_package};
use crate::exit::Exit;
use crate::input::Outputs;
use crate::observe::Observations;
use crate::owner::Ownership;
use crate::plan::{Action, Plan, Step};
use crate::plan_text::{Direction, change_lines, label};
use crate::planner;
use crate::render::{self, Paint};
use crate::resource::{CodeSha256, Look};
use crate::stack;

pub async fn run(session: &Session, arguments: &cli::Drift) -> Result<Exit> {
    let making = Making::declared_by(&arguments.declare)?;
    let (aws, listener) = connect(session).await?;
    let stack = stack::lab(&making.settings(&session.config, aws.region()))?;
    stack.check()?;
    let reading = Look::new(aws.clone());
    let seen = look(session, &stack, &reading).await?;
    let strangers = planner::strangers(&stack, &seen.observations);
    if !strangers.is_empty() {
        bail!(render::strangers(
            &strangers,
            session.here(making.typed("up"))
        ));
    }
    let mut outputs = stack.known_names();
    learn_deployed_package(&stack, &seen.observations, &mut outputs);
    let (plan, _) = planner::up(&stack, seen.account(), outputs)?;
    drop((aws, reading));
    listener.finish().await;

    let is_deployed = plan.steps.iter().any(is_ours);
    let differences = plan.steps.iter().filter(|step| is_difference(step));
    let (drifted, others): (Vec<&Step>, Vec<&Step>) =
        differences.partition(|step| step.drift && is_deployed);
    let (absent, declared): (Vec<&Step>, Vec<&Step>) = others
        .into_iter()
        .partition(|step| step.action == Action::Create);
    if session.config.json {
        session
            .console
            .result(&document(&plan, &drifted, absent.len()));
    } else {
        let text = if is_deployed {
            text(
                &drifted,
                session.console.stdout_paint(),
                &session.command(making.typed("up")),
            )
        } else {
            "No drift: nothing of the stack is deployed here.".to_owned()
        };
        let text = session.console.as_called(&text);
        session.console.result(&text);
    }
    if is_deployed && !absent.is_empty() {
        let what = match absent.len() {
            1 => "1 declared resource is".to_owned(),
            count => format!("{count} declared resources are"),
        };
        session.console.say(&format!(
            "{what} not deployed: `{}` makes the stack whole.",
            session.command(making.typed("up"))
        ));
    }
    if !declared.is_empty() {
        session.console.say(&format!(
            "{} more differ because the declaration has changed: `{}` shows them.",
            declared.len(),
            session.command(making.typed("plan"))
        ));
    }
    Ok(if drifted.is_empty() {
        Exit::Done
    } else {
        Exit::Differences
    })
}

fn is_ours(step: &Step) -> bool {
    let observed = step.observed.as_ref();
    observed.is_some_and(|observed| observed.ownership == Ownership::Ours)
}

/// A resource that was left behind is not one of the declaration's.
fn is_difference(step: &Step) -> bool {
    !matches!(step.action, Action::Keep | Action::Delete)
}

/// What was deployed last is what counts here, not what a build would yield now.
fn learn_deployed_package(stack: &Stack, observations: &Observations, outputs: &mut Outputs) {
    let deployed = stack
        .declared
        .iter()
        .filter_map(|declared| observations.get(&declared.id)?.state["deployed_code"].as_str())
        .find(|code| !code.is_empty());
    if let Some(code) = deployed {
        learn_package(outputs, &CodeSha256(code.to_owned()));
    }
}

fn text(drifted: &[&Step], paint: Paint, up: &str) -> String {
    if drifted.is_empty() {
        return "No drift: all is as it was last declared.".to_owned();
    }
    let mut text = String::new();
    for step in drifted {
        let line = paint.drift(&format!("! {}", label(step)));
        if step.action == Action::Create {
            let _ = writeln!(text, "  {line}  is not there");
        } else {
            let _ = writeln!(text, "  {line}");
            text.push_str(&change_lines(step, paint, Direction::ToFound));
        }
    }
    let _ = write!(
        text,
        "{} changed behind our back (declared → found); `{up}` puts that right",
        drifted.len()
    );
    text
}

/// The plan's form, in the other direction: `from` is what was declared, `to` what was found.
fn document(plan: &Plan, drifted: &[&Step], absent: usize) -> String {
    let mut document = render::plan_json(plan, None);
    let ids: Vec<&str> = drifted.iter().map(|step| step.id.as_str()).collect();
    if let Some(steps) = document["steps"].as_array_mut() {
        steps.retain(|step| step["id"].as_str().is_some_and(|id| ids.contains(&id)));
        for step in steps {
            step["drift"] = true.into();
            for change in step["changes"].as_array_mut().into_iter().flatten() {
                let declared = change["to"].take();
                change["to"] = std::mem::replace(&mut change["from"], declared);
            }
        }
    }
    document["summary"] = json!({ "drift": drifted.len(), "not_deployed": absent });
    document.to_string()
}
