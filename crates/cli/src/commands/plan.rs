//! `plan`: show what `up` would do.

use anyhow::Result;
use provision_aws::prices;
use provision_engine::look::Look;
use provision_engine::planner;
use serde_json::json;

use super::Session;
use super::context::Connected;
use super::foreign;
use super::up::{selected, start_packages};
use crate::args;
use crate::exit::Exit;
use crate::options::DeployOptions;
use crate::saved::SavedPlan;
use crate::ui::command_text::CommandText;
use crate::ui::summary;
use crate::ui::{plan_text, render};

/// Runs the command.
pub(crate) async fn run(session: &Session<'_>, arguments: &args::Plan) -> Result<Exit> {
    let options = DeployOptions::new(&arguments.deploy)?;
    let selection = arguments.select.selection();
    let mut preparation = start_packages(session, &options)?;
    let connected = Connected::new(session, &options.declare).await?;
    let look = Look::new(connected.aws.clone()).adopting(&options.adopt);
    let context = connected.read(session, &look).await?;
    let declaration = &context.declaration;
    options.check(declaration)?;
    let up = || options.text(session.app, "up");
    context.refuse_conflicts(session.here(selected(&selection, up())))?;
    let mut known = declaration.known_names();
    let packaging = async { preparation.all().await.map(|_| ()) };
    session.interrupt.or(packaging).await?;
    for prepared in preparation.prepared() {
        for built in prepared.built() {
            built.register(&mut known, &context.aws);
        }
    }
    let (mut plan, _) = planner::up(declaration, &context.snapshot, known)?;
    session.warn_left_out(&selection.apply(&mut plan, declaration)?, up());
    let cost = prices::estimate(declaration, &context.snapshot.target.region);
    let foreign = foreign::parts(session, &context, &look).await?;
    drop(look);
    drop(context.aws);
    context.listener.finish().await;
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
        document["added"] = foreign::document(&foreign);
        session.console.result(&document.to_string());
    } else {
        let paint = session.console.stdout_paint();
        let text = plan_text::plan(&plan, paint, session.config.verbose);
        session.console.result(&text);
        if !plan.is_empty() {
            session.console.result(&cost.text());
        }
        let others = foreign::text(&foreign, paint);
        if !others.is_empty() {
            session.console.result(&others);
        }
    }
    if let Some(path) = &arguments.out {
        let prepared = preparation.prepared();
        let saved = SavedPlan::new(&plan, prepared, &options, &selection, &session.config)?;
        saved.write(path)?;
        session.console.say(&format!(
            "Saved; `{}` does exactly this.",
            session.command(CommandText::from("up").word(&path.to_string_lossy()))
        ));
    }
    let differs = arguments.detailed_exitcode && !plan.is_empty();
    Ok(if differs {
        Exit::Differences
    } else {
        Exit::Done
    })
}
