//! `down`: delete everything of the stack.

use std::time::Instant;

use anyhow::Result;
use futures_util::stream;
use provision_engine::declaration::Declaration;
use provision_engine::execute::{ExecuteOptions, execute};
use provision_engine::look::Look;
use provision_engine::plan::{Plan, Step};
use provision_engine::planner;
use provision_engine::resource::{AtDeletion, HoldsData};
use serde_json::{Map, json};

use super::Session;
use super::consent::{Question, held, losses, may_lose, refuse_protected};
use super::context::{Connected, Context};
use super::execution::{ended_early, show_plan};
use super::foreign::{self, Foreign};
use super::session::continues;
use super::up::selected;
use crate::args;
use crate::exit::Exit;
use crate::local::{Emptied, Server};
use crate::options::DeclareOptions;
use crate::ui::command_text::CommandText;
use crate::ui::render;
use crate::ui::summary;

/// Runs the command.
pub(crate) async fn run(session: &Session<'_>, arguments: &args::Down) -> Result<Exit> {
    let started = Instant::now();
    let console = &session.console;
    let mut connected = Connected::new(session, &DeclareOptions::default()).await?;
    let look = Look::new(connected.aws.clone());
    let held_data = {
        let (aws, declaration) = (connected.aws.clone(), connected.declaration.clone());
        async move { held(&aws, &declaration).await }
    };
    if arguments.keep_data {
        connected
            .declaration
            .resources
            .retain(|declared| declared.resource.kind().holds_data == HoldsData::No);
    }
    let (mut context, mut losses_by_id) = tokio::try_join!(
        connected.read(session, &look),
        session.interrupt.or(held_data),
    )?;
    if arguments.keep_data {
        context
            .snapshot
            .undeclared
            .retain(|undeclared| undeclared.resource.kind().holds_data == HoldsData::No);
    }
    let observations = &context.snapshot.observations;
    for conflict in planner::conflicts(&context.declaration, observations) {
        console.warn(&format!(
            "  left alone: {} {}: {}",
            conflict.type_name, conflict.name, conflict.why
        ));
    }
    let mut plan = planner::down(&context.declaration, &context.snapshot)?;
    let down = CommandText::from("down").switch("--keep-data", arguments.keep_data);
    let selection = arguments.select.selection();
    let left_out = selection.apply(&mut plan, &context.declaration)?;
    session.warn_left_out(&left_out, down.clone());
    refuse_protected(&plan, |step| keep(session, &context.declaration, step))?;
    let foreign = foreign::before_down(session, &context, &plan, &look).await?;
    drop(look);
    if !plan.is_empty() {
        show_plan(session, &plan);
        let undeclared = plan.losing_data();
        let mut undeclared = undeclared.filter(|step| context.declaration.find(&step.id).is_none());
        if undeclared.next().is_some() {
            let counted = session.interrupt.or(losses(&context.aws, &plan)).await?;
            losses_by_id.extend(counted);
        }
        if !agrees(session, &plan, &losses_by_id, foreign).await? {
            return Ok(Exit::Failed);
        }
    }
    let group = console.group("Execution");
    session.on_record(|record| record.planned(&plan));
    let Context { aws, listener, .. } = context;
    listener.name_steps(&plan);
    let interrupted = async {
        session.interrupt.wait().await;
    };
    let options = ExecuteOptions {
        max_parallel: arguments.parallelism,
        ..ExecuteOptions::default()
    };
    let known = context.declaration.known_names();
    let report = execute(&plan, &aws, known, options, stream::empty(), interrupted).await;
    session.on_record(|record| record.carried_out(&plan, &report, Map::new(), &[]));
    drop(aws);
    listener.finish().await;
    drop(group);
    let took = started.elapsed();
    console.pass_on(|github| {
        github.summarize(&summary::plan("down", &plan, Some(&report)))?;
        github.summarize(&summary::failures(&report.failures))
    });
    if session.config.json {
        let mut document = render::plan_json(&plan, Some(&report));
        document["errors"] = render::errors(&report.failures);
        document["elapsed_ms"] = json!(render::milliseconds(took));
        console.result(&document.to_string());
    }
    if !report.is_success() {
        let again = continues(&session.command(selected(&selection, down)));
        return Ok(ended_early(session, &plan, &report, &[], &again));
    }
    let outcome = if plan.is_empty() {
        "Nothing to do"
    } else {
        "Done"
    };
    console.say(&format!("{outcome} in {}.", render::seconds(took)));
    if session.config.local {
        remove_local(session).await?;
    }
    Ok(Exit::Done)
}

/// Removes the local AWS if it is of no use any more.
async fn remove_local(session: &Session<'_>) -> Result<()> {
    drop(session.lease.take());
    match Server::stop_if_empty(&session.config.local_aws.folder).await? {
        Emptied::Removed => session
            .console
            .say("The local AWS holds nothing any more: it is stopped, and its folder removed."),
        Emptied::Used => session.console.say(
            "The local AWS holds nothing any more; another command uses it, and it stays for that.",
        ),
        Emptied::Left => {}
    }
    Ok(())
}

async fn agrees(
    session: &Session<'_>,
    plan: &Plan,
    losses: &std::collections::BTreeMap<String, String>,
    foreign: Vec<Foreign>,
) -> Result<bool> {
    let mut lost: Vec<String> = plan
        .losing_data()
        .filter_map(|step| losses.get(&step.id).cloned())
        .collect();
    let remedy = if lost.is_empty() {
        "`--yes` to go ahead, or take it out first"
    } else {
        "`--yes` to go ahead, or `--keep-data`"
    };
    let goes = |foreign: &&Foreign| foreign.part.at_deletion == AtDeletion::Goes;
    let goes = foreign.iter().filter(goes);
    lost.extend(goes.map(|part| format!("{}, which somebody else made", part.words())));
    for stays in foreign
        .iter()
        .filter(|foreign| foreign.part.at_deletion == AtDeletion::Stays)
    {
        session
            .console
            .warn(&format!("  others have added {}", stays.words()));
    }
    let question = Question {
        plan,
        losses: &lost,
        always: true,
        remedy,
    };
    may_lose(session, question).await
}

/// Returns what to do about a step that deletes what is protected.
fn keep(session: &Session<'_>, declaration: &Declaration, step: &Step) -> String {
    let (name, up) = (step.resource.name(), session.up_first());
    if declaration.find(&step.id).is_some() {
        format!(
            "`--keep-data` to leave it, or take the protection out of its declaration and {up} first"
        )
    } else {
        format!(
            "`--keep-data` to leave it, or declare `{name}` once more without protection and {up} first"
        )
    }
}
