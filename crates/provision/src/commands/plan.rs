//! `plan`: what `up` would do.

use anyhow::{Result, bail};
use serde_json::json;

use super::up::Preparation;
use super::{Session, connect, look};
use crate::cli;
use crate::config::Making;
use crate::cost;
use crate::declaration::learn_package;
use crate::exit::Exit;
use crate::github::summary;
use crate::plan_text;
use crate::planner;
use crate::render;
use crate::resource::Look;
use crate::saved::SavedPlan;
use crate::stack;
use crate::typed::Typed;

pub async fn run(session: &Session, arguments: &cli::Plan) -> Result<Exit> {
    let making = Making::new(&arguments.make)?;
    let selection = arguments.select.selection();
    let preparation = Preparation::start(&making)?;
    let (aws, listener) = connect(session).await?;
    let stack = stack::lab(&making.settings(&session.config, aws.region()))?;
    stack.check()?;
    making.check(&stack)?;
    let reading = Look::new(aws.clone()).adopting(&making.adopt);
    let seen = look(session, &stack, &reading).await?;
    let strangers = planner::strangers(&stack, &seen.observations);
    if !strangers.is_empty() {
        let again = session.here(selection.typed(making.typed("up")));
        bail!(render::strangers(&strangers, again));
    }
    let mut outputs = stack.known_names();
    let artifact = session.interrupt.or(preparation.package()).await?;
    learn_package(&mut outputs, &artifact.sha256);
    let (mut plan, _) = planner::up(&stack, seen.account(), outputs)?;
    session.say_left_out(&selection.apply(&mut plan, &stack)?, making.typed("up"));
    drop((aws, reading));
    listener.finish().await;
    let cost = cost::estimate(&stack, &seen.target.region)?;
    session.console.pass_on(|github| {
        github.summarize(&summary::plan("plan", &plan, None))?;
        if !plan.is_empty() {
            github.summarize(&format!("{}\n\n", cost.line()))?;
        }
        github.output(plan.counts())
    });
    if session.config.json {
        let mut document = render::plan_json(&plan, None);
        document["cost"] = json!(cost);
        session.console.result(&document.to_string());
    } else {
        let paint = session.console.stdout_paint();
        let text = plan_text::plan(&plan, paint, session.config.verbose);
        session.console.result(&text);
        if !plan.is_empty() {
            session.console.result(&cost.text());
        }
    }
    if let Some(path) = &arguments.out {
        SavedPlan::new(&plan, &artifact, &making, &selection, &session.config)?.write(path)?;
        session.console.say(&format!(
            "Saved; `{}` does exactly this.",
            session.command(Typed::from("up").word(&path.to_string_lossy()))
        ));
    }
    let differs = arguments.detailed_exitcode && !plan.is_empty();
    Ok(if differs {
        Exit::Differences
    } else {
        Exit::Done
    })
}
