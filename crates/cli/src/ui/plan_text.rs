//! A plan as text: one line a step, and below it what changes.

use std::fmt::Write;

use serde_json::Value;

use crate::paint::Paint;
use crate::ui::policy_diff::{
    Difference, FIELDS, Kind, differences, is_policy, statements, title, values_apart, words,
};
use provision_engine::diff::Change;
use provision_engine::forecast::{Forecast, forecast};
use provision_engine::input::{as_expr, is_resolved};
use provision_engine::owner::DECLARATION;
use provision_engine::plan::{Action, Plan, PossibleRename, Step, Summary};

/// The side of a change that is shown as the new value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// The declared one, as in a plan.
    ToDeclared,
    /// The one in the account, as in drift.
    ToFound,
}

/// All steps but those that keep, unless `verbose`, which also shows the fields of what is made; and how many there are
/// of each action.
pub(crate) fn plan(plan: &Plan, paint: Paint, verbose: bool) -> String {
    let mut text = String::new();
    for step in &plan.steps {
        if !step.is_kept() || verbose {
            text.push_str(&step_lines(step, paint, verbose));
        }
    }
    let _ = writeln!(text, "{}", counts(plan));
    for PossibleRename { noun, new, old } in plan.possible_renames() {
        let _ = writeln!(
            text,
            "{noun} `{new}` is new and {noun} `{old}` goes. Renamed? `stack.rename_ids([(\"{new}\", \"{old}\")])` keeps it"
        );
    }
    if !plan.is_empty() {
        let _ = writeln!(text, "{}", effort(plan));
    }
    text
}

/// Returns the number of calls, and on AWS the time that they take.
pub(crate) fn effort(plan: &Plan) -> String {
    let Forecast {
        writes,
        time,
        waits,
    } = forecast(plan);
    let calls = if writes == 1 {
        "1 call".to_owned()
    } else {
        format!("{writes} calls")
    };
    let mut text = format!("{calls} to make");
    if plan.target.endpoint.is_none() {
        let _ = write!(text, ", about {:.0} s", time.as_secs_f64().ceil());
        if !waits.is_zero() {
            let _ = write!(
                text,
                ", of which AWS is waited for {:.0} s",
                waits.as_secs_f64()
            );
        }
    }
    text
}

fn step_lines(step: &Step, paint: Paint, verbose: bool) -> String {
    let line = format!("{} {}", step.action.symbol(), label(step));
    let mut text = format!("  {}", paint.action(step.action.word(), &line));
    if let Some(container) = step.along_with() {
        let _ = write!(text, "  (with {container})");
    }
    if step.is_drift() {
        let what = if matches!(step.action, Action::Create { .. }) {
            "! deleted outside of provision"
        } else {
            "! changed outside of provision"
        };
        let _ = write!(text, "\n      {}", paint.drift(what));
    }
    text.push('\n');
    match step.action {
        Action::Update { .. } | Action::Replace { .. } => {
            text.push_str(&change_lines(step, paint, Direction::ToDeclared));
        }
        Action::Create { .. } if verbose => {
            let marks = step.resource.kind().marks;
            for line in declared_lines("", &step.resource.fields(), marks) {
                let _ = writeln!(text, "      {line}");
            }
        }
        Action::Create { .. } | Action::Delete { .. } | Action::Keep { .. } => {}
    }
    text
}

/// Returns the type and name of a step's resource.
pub(crate) fn label(step: &Step) -> String {
    format!("{:<28} {}", step.resource.type_name(), step.resource.name())
}

/// The fields of a step that differ, one or more lines each.
pub(crate) fn change_lines(step: &Step, paint: Paint, direction: Direction) -> String {
    let mut text = String::new();
    let changes = step.changes();
    let shown: Vec<&Change> = changes
        .0
        .iter()
        .filter(|change| !is_mark(&change.field, step.resource.kind().marks))
        .collect();
    for change in &shown {
        for line in lines_of(change, paint, direction) {
            let _ = writeln!(text, "      {line}");
        }
    }
    if shown.is_empty() && !changes.is_empty() {
        text.push_str("      the mark of an earlier declaration is renewed\n");
    }
    text
}

/// The fields of what is made, a line each; of a policy a line a statement.
fn declared_lines(field: &str, value: &Value, marks: &[&str]) -> Vec<String> {
    let is_empty = value.is_null()
        || value.as_str().is_some_and(str::is_empty)
        || value.as_array().is_some_and(Vec::is_empty);
    if is_empty || is_mark(field, marks) {
        return Vec::new();
    }
    if is_policy(field) {
        let statements = statements(value).iter().map(words);
        return std::iter::once(format!("{field}:"))
            .chain(statements.map(|text| format!("  {text}")))
            .collect();
    }
    match value.as_object() {
        Some(fields) if as_expr(value).is_none() => fields
            .iter()
            .flat_map(|(name, value)| match field {
                "" => declared_lines(name, value, marks),
                _ => declared_lines(&format!("{field}.{name}"), value, marks),
            })
            .collect(),
        _ => vec![format!("{field}: {}", shown(value))],
    }
}

/// Returns true for the marks of the declaration in a resource, which go along with a change.
fn is_mark(field: &str, marks: &[&str]) -> bool {
    marks.contains(&field) || field.strip_prefix("tags.") == Some(DECLARATION)
}

fn lines_of(change: &Change, paint: Paint, direction: Direction) -> Vec<String> {
    let (from, to) = match direction {
        Direction::ToDeclared => (&change.from, &change.to),
        Direction::ToFound => (&change.to, &change.from),
    };
    if is_policy(&change.field) {
        let lines = policy_lines(statements(from), statements(to), paint);
        if !lines.is_empty() {
            let field = change.field.trim_end_matches(".Statement");
            return std::iter::once(format!("{field}:"))
                .chain(lines.into_iter().map(|line| format!("  {line}")))
                .collect();
        }
    }
    let mut line = format!("{}: {} → {}", change.field, shown(from), shown(to));
    if change.replaces {
        line.push_str("  (replaces it)");
    }
    vec![line]
}

/// Words and signs of changes inside a policy, as those of steps.
const CREATE: (&str, &str) = ("create", "+");
const UPDATE: (&str, &str) = ("update", "~");
const DELETE: (&str, &str) = ("delete", "-");

fn policy_lines(from: &[Value], to: &[Value], paint: Paint) -> Vec<String> {
    let mut lines = Vec::new();
    for Difference { kind, broadens } in differences(from, to) {
        let (action, text) = match &kind {
            Kind::Added(statement) => (CREATE, words(statement)),
            Kind::Removed(statement) => (DELETE, words(statement)),
            Kind::Changed { to, .. } => (UPDATE, title(to)),
        };
        let (word, symbol) = action;
        let mut line = paint.action(word, &format!("{symbol} {text}"));
        if broadens {
            line.push_str(&paint.drift("  (broadens rights)"));
        }
        lines.push(line);
        if let Kind::Changed { from, to } = &kind {
            lines.extend(apart(from, to, paint));
        }
    }
    lines
}

/// Returns the values that one statement lost and gained.
fn apart(from: &Value, to: &Value, paint: Paint) -> Vec<String> {
    let mut lines = Vec::new();
    for field in FIELDS {
        let (lost, won) = values_apart(&from[field], &to[field]);
        for ((word, symbol), values) in [(CREATE, won), (DELETE, lost)] {
            lines.extend(values.iter().map(|value| {
                let line = format!("{symbol} {} {value}", field.to_lowercase());
                format!("    {}", paint.action(word, &line))
            }));
        }
    }
    lines
}

/// `12 to create, 1 to update, 3 unchanged; 1 of them changed outside of provision`.
pub(crate) fn counts(plan: &Plan) -> String {
    let Summary {
        create,
        update,
        replace,
        delete,
        keep,
    } = plan.summary();
    let parts: Vec<String> = [
        (create, "to create"),
        (update, "to update"),
        (replace, "to replace"),
        (delete, "to delete"),
        (keep, "unchanged"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, what)| format!("{count} {what}"))
    .collect();
    if parts.is_empty() {
        return "Nothing to do.".to_owned();
    }
    let mut text = parts.join(", ");
    let drifted = plan.steps.iter().filter(|step| step.is_drift()).count();
    if drifted > 0 {
        let _ = write!(text, "; ! {drifted} changed outside of provision");
    }
    text
}

/// A field's value for people.
pub(crate) fn shown(value: &Value) -> String {
    if as_expr(value).is_some() || !is_resolved(value) {
        return "(known after up)".to_owned();
    }
    match value {
        Value::Null => "(none)".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
