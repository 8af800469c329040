//! `drift`: show changes made outside of `provision`.

use std::fmt::Write;

use anyhow::Result;
use provision_aws::lambda::Function;
use provision_engine::declaration::Declaration;
use provision_engine::input::{Input, Outputs};
use provision_engine::look::Look;
use provision_engine::observe::Observations;
use provision_engine::owner::Ownership;
use provision_engine::package::CodeSha256;
use provision_engine::plan::{Action, Plan, Step};
use provision_engine::planner;
use serde_json::json;

use super::Session;
use super::context::Connected;
use super::foreign::{self, Foreign};
use crate::args;
use crate::exit::Exit;
use crate::options::DeclareOptions;
use crate::paint::Paint;
use crate::ui::plan_text::{Direction, change_lines, label};
use crate::ui::render;

/// Runs the command.
pub(crate) async fn run(session: &Session<'_>, arguments: &args::Drift) -> Result<Exit> {
    let options = DeclareOptions::new(&arguments.declare)?;
    let connected = Connected::new(session, &options).await?;
    let look = Look::new(connected.aws.clone());
    let context = connected.read(session, &look).await?;
    let declaration = &context.declaration;
    let command = |name: &str| options.text(session.app, name);
    context.refuse_conflicts(session.here(command("up")))?;
    let mut known = declaration.known_names();
    learn_deployed_packages(declaration, &context.snapshot.observations, &mut known);
    let (plan, _) = planner::up(declaration, &context.snapshot, known)?;
    let foreign = foreign::parts(session, &context, &look).await?;
    drop(look);
    drop(context.aws);
    context.listener.finish().await;

    let is_deployed = plan.steps.iter().any(is_ours);
    let differences = plan.steps.iter().filter(|step| is_difference(step));
    let (drifted, others): (Vec<&Step>, Vec<&Step>) =
        differences.partition(|step| step.is_drift() && is_deployed);
    let (absent, declared): (Vec<&Step>, Vec<&Step>) = others
        .into_iter()
        .partition(|step| matches!(step.action, Action::Create { .. }));
    if session.config.json {
        session
            .console
            .result(&document(&plan, &drifted, absent.len(), &foreign));
    } else {
        let text = if is_deployed {
            text(
                &drifted,
                session.console.stdout_paint(),
                &session.command(command("up")),
            )
        } else {
            "No drift: nothing of the stack is deployed here.".to_owned()
        };
        let text = session.console.as_called(&text);
        session.console.result(&text);
        let others = foreign::text(&foreign, session.console.stdout_paint());
        if !others.is_empty() {
            session.console.result(&others);
        }
    }
    if is_deployed && !absent.is_empty() {
        let what = match absent.len() {
            1 => "1 declared resource is".to_owned(),
            count => format!("{count} declared resources are"),
        };
        session.console.say(&format!(
            "{what} not deployed: `{}` makes the stack whole.",
            session.command(command("up"))
        ));
    }
    if !declared.is_empty() {
        session.console.say(&format!(
            "{} more differ because the declaration has changed: `{}` shows them.",
            declared.len(),
            session.command(command("plan"))
        ));
    }
    let is_widened = foreign.iter().any(|foreign| foreign.part.widens);
    Ok(if drifted.is_empty() && !is_widened {
        Exit::Done
    } else {
        Exit::Differences
    })
}

fn is_ours(step: &Step) -> bool {
    let observed = step.observed();
    observed.is_some_and(|observed| observed.ownership == Ownership::Ours)
}

/// Undeclared resources are no differences from the declaration.
fn is_difference(step: &Step) -> bool {
    !matches!(step.action, Action::Keep { .. } | Action::Delete { .. })
}

/// Learns the hashes of the packages that were deployed last: they count here, not those that a build would yield now.
fn learn_deployed_packages(
    declaration: &Declaration,
    observations: &Observations,
    outputs: &mut Outputs,
) {
    for (id, function) in declaration.all::<Function>() {
        let deployed = observations
            .get(id)
            .map(|found| &found.state["deployed_code"]);
        let deployed = deployed
            .and_then(|code| code.as_str())
            .filter(|code| !code.is_empty());
        if let (Some(asset), Some(code)) = (Input::source(&function.code), deployed) {
            let code = CodeSha256(code.to_owned());
            outputs.learn(asset, &json!({ "sha256": code }));
        }
    }
}

fn text(drifted: &[&Step], paint: Paint, up: &str) -> String {
    if drifted.is_empty() {
        return "No drift: all is as it was last declared.".to_owned();
    }
    let mut text = String::new();
    for step in drifted {
        let line = paint.drift(&format!("! {}", label(step)));
        if matches!(step.action, Action::Create { .. }) {
            let _ = writeln!(text, "  {line}  is not there");
        } else {
            let _ = writeln!(text, "  {line}");
            text.push_str(&change_lines(step, paint, Direction::ToFound));
        }
    }
    let _ = write!(
        text,
        "{} changed outside of provision (declared → found); `{up}` puts that right",
        drifted.len()
    );
    text
}

/// The plan's form, in the other direction: `from` is what was declared, `to` what was found.
fn document(plan: &Plan, drifted: &[&Step], absent: usize, foreign: &[Foreign]) -> String {
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
    document["added"] = foreign::document(foreign);
    document.to_string()
}
