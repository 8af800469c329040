//! `down`: remove everything of the stack.

use std::time::Instant;

use anyhow::{Result, bail};
use serde_json::{Map, json};

use super::up::ended_early;
use super::{Session, connect, goes_on, look, losses, may_lose};
use crate::cli;
use crate::execute::{Course, execute};
use crate::exit::Exit;
use crate::fault::Code;
use crate::github::summary;
use crate::guests::guests;
use crate::local::Server;
use crate::plan::{Plan, Step};
use crate::plan_text;
use crate::planner;
use crate::render;
use crate::resource::{Look, Resource};
use crate::stack;
use crate::typed::Typed;

pub async fn run(session: &Session, arguments: &cli::Down) -> Result<Exit> {
    let started = Instant::now();
    let console = &session.console;
    let (aws, listener) = connect(session).await?;
    let mut stack = stack::lab(&session.config.settings(aws.region()))?;
    stack.check()?;
    if arguments.keep_data {
        stack
            .declared
            .retain(|declared| !matches!(declared.resource, Resource::Table(_)));
    }
    let reading = Look::new(aws.clone());
    let (seen, losses) = tokio::try_join!(
        look(session, &stack, &reading),
        session.interrupt.or(losses(&aws, &stack, |_| true)),
    )?;
    let guests = guests(&stack, &reading, &seen.observations, &seen.orphans);
    let guests = session.interrupt.or(Box::pin(guests)).await?;
    drop(reading);
    for stranger in planner::strangers(&stack, &seen.observations) {
        console.warn(&format!(
            "  left alone: {} {}: {}",
            stranger.kind, stranger.name, stranger.why
        ));
    }
    let mut plan = planner::down(&stack, seen.account())?;
    let down = Typed::from("down").switch("--keep-data", arguments.keep_data);
    let selection = arguments.select.selection();
    session.say_left_out(&selection.apply(&mut plan, &stack)?, down.clone());
    refuse_protected(session, &plan)?;
    if !plan.is_empty() {
        let group = console.group("Plan");
        console.say(&plan_text::plan(
            &plan,
            console.stderr_paint(),
            session.config.verbose,
        ));
        drop(group);
        let mut lost: Vec<String> = plan
            .losing_data()
            .filter_map(|step| losses.get(&step.id).cloned())
            .collect();
        let remedy = if lost.is_empty() {
            "`--yes` to go ahead, or take it out first"
        } else {
            "`--yes` to go ahead, or `--keep-data`"
        };
        lost.extend(
            guests
                .into_iter()
                .map(|guest| format!("{guest}, which somebody else made")),
        );
        if !may_lose(session, &plan, &lost, true, remedy).await? {
            return Ok(Exit::Failed);
        }
    }
    let group = console.group("Execution");
    session.on_record(|record| record.planned(&plan));
    listener.name_steps(&plan);
    let interrupted = async {
        session.interrupt.wait().await;
    };
    let course = Course {
        at_once: arguments.parallelism,
        ..Course::default()
    };
    let no_package = std::future::pending();
    let known = stack.known_names();
    let report = execute(&plan, &aws, known, course, no_package, interrupted).await;
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
        let again = goes_on(&session.command(selection.typed(down)));
        return Ok(ended_early(session, &plan, &report, &[], &again));
    }
    let what = if plan.is_empty() {
        "Nothing to do"
    } else {
        "Done"
    };
    console.say(&format!("{what} in {}.", render::seconds(took)));
    if session.config.local && Server::stop_if_empty(&session.config.local_aws.folder).await? {
        console.say("The local AWS holds nothing any more: it is stopped, and its folder removed.");
    }
    Ok(Exit::Done)
}

/// Says before the first call what AWS would say in the middle.
fn refuse_protected(session: &Session, plan: &Plan) -> Result<()> {
    let is_protected = |step: &&Step| {
        let observed = step.observed.as_ref();
        observed.is_some_and(|observed| observed.state["deletion_protection"] == true)
    };
    let Some(step) = plan.losing_data().find(is_protected) else {
        return Ok(());
    };
    bail!(
        Code::DeletionProtection
            .fault(format!(
                "table `{}` is protected from deletion; nothing was changed",
                step.resource.name()
            ))
            .remedy(format!(
                "`--keep-data` to leave it, or `deletion_protection: false` in `stack.rs` and {} first",
                session.up_first()
            ))
    )
}
