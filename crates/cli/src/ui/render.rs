//! Plans, reports and errors as text and JSON. Nothing is decided here.

use std::fmt::Write;
use std::time::Duration;

use serde_json::{Value, json};

use crate::diagnostics::Diagnostic;
use crate::ui::command_text::CommandText;
use crate::ui::policy_diff::{differences, is_policy, statements};
use provision_engine::execute::{Report, Status};
use provision_engine::fault::{Code, Fault};
use provision_engine::forecast::forecast;
use provision_engine::input::is_resolved;
use provision_engine::plan::{Plan, Step};
use provision_engine::planner::Conflict;
use provision_engine::target::Target;

/// The first line of every command: what, and where.
pub(crate) fn place(stack: &str, target: &Target, is_local: bool) -> String {
    let whose = if is_local {
        "LOCAL".to_owned()
    } else {
        format!("account {}", target.account)
    };
    let mut text = format!("{stack} · {whose} · {}", target.region);
    if let Some(endpoint) = &target.endpoint {
        let _ = write!(text, " · {endpoint}");
    }
    text
}

/// The contract's form of a plan, with what became of each step where there is a report.
pub(crate) fn plan_json(plan: &Plan, report: Option<&Report>) -> Value {
    let steps: Vec<Value> = plan
        .steps
        .iter()
        .map(|step| step_json(step, report))
        .collect();
    json!({
        "schema": 1,
        "stack": plan.stack,
        "target": plan.target,
        "steps": steps,
        "summary": plan.summary(),
        "forecast": forecast(plan),
    })
}

fn step_json(step: &Step, report: Option<&Report>) -> Value {
    let changes = step.changes();
    let changes: Vec<Value> = changes
        .0
        .iter()
        .map(|change| {
            let mut value = json!({
                "field": change.field,
                "from": change.from,
                "to": if is_resolved(&change.to) { change.to.clone() } else { "(known after up)".into() },
                "replaces": change.replaces,
            });
            if is_policy(&change.field) {
                let differences = differences(statements(&change.from), statements(&change.to));
                let broadens = differences.iter().any(|difference| difference.broadens);
                value["broadens_rights"] = broadens.into();
            }
            value
        })
        .collect();
    let mut value = json!({
        "id": step.id,
        "type": step.resource.type_name(),
        "name": step.resource.name(),
        "action": step.action.word(),
        "drift": step.is_drift(),
        "changes": changes,
        "after": step.after,
    });
    if let Some((status, took)) = report.and_then(|report| report.steps.get(&step.id)) {
        value["status"] = status.word().into();
        value["ms"] = milliseconds(*took).into();
    }
    value
}

pub(crate) fn milliseconds(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}

/// The error for names that are taken; `up` is the command that would adopt them.
pub(crate) fn conflicts(conflicts: &[Conflict], up: CommandText) -> Fault {
    let mut text =
        String::from("these exist already and are not this stack's; nothing was changed:");
    for Conflict {
        type_name,
        name,
        why,
    } in conflicts
    {
        let _ = write!(text, "\n    {type_name} {name}: {why}");
    }
    let adopting = up.options("--adopt", conflicts.iter().map(|conflict| &conflict.name));
    Code::Foreign.fault(text).remedy(format!(
        "`provision {adopting}` to take them over by tagging them, `--env NAME` for a copy under other names, or remove them"
    ))
}

/// Errors as JSON documents list them.
pub(crate) fn errors<'a>(errors: impl IntoIterator<Item = &'a anyhow::Error>) -> Value {
    errors
        .into_iter()
        .map(|error| json!(Diagnostic::of(error)))
        .collect()
}

/// Counts the steps of a run that did not succeed.
pub(crate) fn leftovers(plan: &Plan, report: &Report) -> String {
    let count = |wanted: Status| {
        let ids = plan
            .steps
            .iter()
            .filter(|step| !step.is_kept())
            .map(|step| &step.id);
        ids.filter(|id| {
            report
                .steps
                .get(*id)
                .is_some_and(|(status, _)| *status == wanted)
        })
        .count()
    };
    format!(
        "{} done, {} failed, {} not run",
        count(Status::Done),
        count(Status::Failed),
        count(Status::NotRun)
    )
}

/// `0.42 s`.
pub(crate) fn seconds(took: Duration) -> String {
    format!("{:.2} s", took.as_secs_f64())
}
