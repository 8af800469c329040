//! The parts that executing commands share: showing a plan, and telling how it ended.

use provision_engine::execute::{Report, Status};
use provision_engine::plan::{Action, Plan};

use super::Session;
use crate::exit::Exit;
use crate::ui::plan_text;
use crate::ui::render;

/// Prints a plan before it is carried out.
pub(super) fn show_plan(session: &Session<'_>, plan: &Plan) {
    let console = &session.console;
    let group = console.group("Plan");
    console.say(&plan_text::plan(
        plan,
        console.stderr_paint(),
        session.config.verbose,
    ));
    drop(group);
}

/// Removes the outputs of resources that do not exist: their names are known from the declaration alone.
pub(super) fn of_existing(report: Report, plan: &Plan) -> Report {
    let exists = |id: &str| {
        plan.find(id).is_some_and(|step| match step.action {
            Action::Keep { .. } | Action::Update { .. } => true,
            Action::Create { .. } | Action::Replace { .. } => {
                let ended = report.steps.get(id);
                ended.is_some_and(|(status, _)| *status == Status::Done)
            }
            Action::Delete { .. } => false,
        })
    };
    Report {
        outputs: report.outputs.clone().of(exists),
        ..report
    }
}

/// Prints why a run ended early, and returns its exit code. `again` says how to go on.
pub(super) fn ended_early(
    session: &Session<'_>,
    plan: &Plan,
    report: &Report,
    failures: &[anyhow::Error],
    again: &str,
) -> Exit {
    let console = &session.console;
    let left = render::leftovers(plan, report);
    let again = format!("{left}; {again}");
    if let Some(signal) = session.interrupt.signal() {
        for error in &report.failures {
            console.error(error);
        }
        console.say(&format!("Interrupted: {again}."));
        return Exit::Interrupted(signal);
    }
    let did_something = plan.steps.iter().any(|step| {
        let status = report.steps.get(&step.id).map(|(status, _)| *status);
        !step.is_kept() && status == Some(Status::Done)
    });
    for error in report.failures.iter().chain(failures) {
        console.error(error);
    }
    console.say(&format!("{again}."));
    if did_something {
        Exit::Partly
    } else {
        Exit::Failed
    }
}
