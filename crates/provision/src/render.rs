//! Plans, reports and errors as text and JSON. Nothing is decided here.

use std::fmt::Write;
use std::time::Duration;

use serde_json::{Value, json};

use crate::aws::error::AwsError;
use crate::execute::{Report, Status};
use crate::input::{as_expr, is_resolved};
use crate::plan::{Action, Plan, Step, Summary};
use crate::planner::Stranger;
use crate::target::Target;

/// Whether text may carry colours. Every sign is legible without them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paint(pub bool);

impl Paint {
    pub fn action(self, action: Action, text: &str) -> String {
        let code = match action {
            Action::Keep => return text.to_owned(),
            Action::Create => "32",
            Action::Update => "33",
            Action::Replace => "35",
            Action::Delete => "31",
        };
        self.wrap(code, text)
    }

    pub fn error(self, text: &str) -> String {
        self.wrap("31", text)
    }

    pub fn bold(self, text: &str) -> String {
        self.wrap("1", text)
    }

    fn wrap(self, code: &str, text: &str) -> String {
        if self.0 {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

/// The first line of every command: what, and where.
pub fn place(stack: &str, target: &Target, is_local: bool) -> String {
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

/// One line a step, and below it the fields that change.
pub fn plan(plan: &Plan, paint: Paint, verbose: bool) -> String {
    let mut text = String::new();
    for step in &plan.steps {
        if step.action == Action::Keep && !verbose {
            continue;
        }
        let line = format!(
            "{} {:<28} {}",
            step.action.symbol(),
            step.resource.type_name(),
            step.resource.name()
        );
        let _ = write!(text, "  {}", paint.action(step.action, &line));
        if let Some(container) = &step.along_with {
            let _ = write!(text, "  (with {container})");
        }
        text.push('\n');
        if matches!(step.action, Action::Update | Action::Replace) {
            for change in &step.changes.0 {
                let _ = write!(
                    text,
                    "      {}: {} → {}",
                    change.field,
                    shown(&change.from),
                    shown(&change.to)
                );
                if change.replaces {
                    text.push_str("  (replaces it)");
                }
                text.push('\n');
            }
        }
    }
    let _ = writeln!(text, "{}", counts(plan.summary()));
    text
}

/// `12 to create, 1 to update, 3 unchanged`.
pub fn counts(summary: Summary) -> String {
    let parts: Vec<String> = [
        (summary.create, "to create"),
        (summary.update, "to update"),
        (summary.replace, "to replace"),
        (summary.delete, "to delete"),
        (summary.keep, "unchanged"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, what)| format!("{count} {what}"))
    .collect();
    if parts.is_empty() {
        "Nothing to do.".to_owned()
    } else {
        parts.join(", ")
    }
}

fn shown(value: &Value) -> String {
    if as_expr(value).is_some() || !is_resolved(value) {
        return "(known after up)".to_owned();
    }
    match value {
        Value::Null => "(none)".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The contract's form of a plan, with what became of each step where there is a report.
pub fn plan_json(plan: &Plan, report: Option<&Report>) -> Value {
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
    })
}

fn step_json(step: &Step, report: Option<&Report>) -> Value {
    let changes: Vec<Value> = step
        .changes
        .0
        .iter()
        .map(|change| {
            json!({
                "field": change.field,
                "from": change.from,
                "to": if is_resolved(&change.to) { change.to.clone() } else { "(known after up)".into() },
                "replaces": change.replaces,
            })
        })
        .collect();
    let mut value = json!({
        "id": step.id,
        "type": step.resource.type_name(),
        "name": step.resource.name(),
        "action": step.action,
        "changes": changes,
        "after": step.after,
    });
    if let Some((status, took)) = report.and_then(|report| report.steps.get(&step.id)) {
        value["status"] = status.word().into();
        value["ms"] = milliseconds(*took).into();
    }
    value
}

pub fn milliseconds(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}

/// Who stands in the way, and what can be done about it.
pub fn strangers(strangers: &[Stranger]) -> String {
    let mut text =
        String::from("these exist already and are not this stack's; nothing was changed:\n");
    for Stranger { kind, name, why } in strangers {
        let _ = writeln!(text, "    {kind} {name}: {why}");
    }
    let adopt: Vec<String> = strangers
        .iter()
        .map(|stranger| format!("--adopt {}", stranger.name))
        .collect();
    let _ = write!(
        text,
        "  try: `provision up {}` to take them over by tagging them, `--env NAME` for a copy under other names, \
         or remove them",
        adopt.join(" ")
    );
    text
}

/// What a run that did not succeed leaves behind.
pub fn leftovers(plan: &Plan, report: &Report) -> String {
    let count = |wanted: Status| {
        let ids = plan
            .steps
            .iter()
            .filter(|step| step.action != Action::Keep)
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

/// An error's whole chain, with a remedy where one is known.
pub fn error(error: &anyhow::Error) -> String {
    let mut text = format!("{error:#}");
    let hint = error
        .chain()
        .find_map(|cause| cause.downcast_ref::<AwsError>()?.hint());
    if let Some(hint) = hint.filter(|_| !text.contains("\n  try: ")) {
        let _ = write!(text, "\n  try: {hint}");
    }
    text
}

/// `0.42 s`.
pub fn seconds(took: Duration) -> String {
    format!("{:.2} s", took.as_secs_f64())
}
