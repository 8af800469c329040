//! The step's summary as Markdown: the plan as a table, then the outputs, then what failed.

use std::fmt::Write;

use serde_json::{Map, Value};

use crate::diagnostics::Diagnostic;
use crate::paint::Paint;
use crate::ui::plan_text::{Direction, change_lines, counts, effort};
use crate::ui::render::seconds;
use provision_engine::execute::Report;
use provision_engine::plan::{Action, Plan, Step};

/// Returns the plan as a table, with the outcome of each step if there is a report.
pub(crate) fn plan(title: &str, plan: &Plan, report: Option<&Report>) -> String {
    let mut text = format!("### {}: {title}\n\n", cell(&plan.stack));
    let place = &plan.target;
    let _ = writeln!(text, "account {} · {}\n", place.account, place.region);
    let steps: Vec<_> = plan.steps.iter().filter(|step| !step.is_kept()).collect();
    if !steps.is_empty() {
        let (head, line) = match report {
            Some(_) => (" status | time |", "---|---:|"),
            None => (" changes |", "---|"),
        };
        let _ = writeln!(
            text,
            "| | action | type | name |{head}\n|---|---|---|---|{line}"
        );
    }
    for step in steps {
        let _ = write!(
            text,
            "| `{}` | {} | {} | {} |",
            step.action.symbol(),
            step.action.word(),
            step.resource.type_name(),
            cell(&step.resource.name())
        );
        let done = report.and_then(|report| report.steps.get(&step.id));
        let _ = match (report, done) {
            (Some(_), Some((status, took))) => {
                writeln!(text, " {} | {} |", status.word(), seconds(*took))
            }
            (Some(_), None) => writeln!(text, " | |"),
            (None, _) => {
                writeln!(text, " {} |", changes(step))
            }
        };
    }
    if plan.is_empty() {
        text.push_str("Nothing to do.\n\n");
    } else {
        let _ = writeln!(text, "\n{}  \n{}\n", counts(plan), effort(plan));
    }
    text
}

/// The lines that a plan has below a step, one below the other.
fn changes(step: &Step) -> String {
    let mut lines = Vec::new();
    if step.is_drift() {
        lines.push("! changed outside of provision".to_owned());
    }
    if matches!(step.action, Action::Update { .. } | Action::Replace { .. }) {
        let text = change_lines(step, Paint(false), Direction::ToDeclared);
        lines.extend(text.lines().map(indented));
    }
    lines.join("<br>")
}

/// Markdown drops the blanks that a line begins with; those that all lines have mean nothing.
fn indented(line: &str) -> String {
    const COMMON: usize = 6;
    let text = line.trim_start();
    let blanks = (line.len() - text.len()).saturating_sub(COMMON);
    format!("{}{}", "&nbsp;".repeat(blanks), cell(text))
}

/// The outputs as a table.
pub(crate) fn outputs(values: &Map<String, Value>) -> String {
    let mut text = String::from("| output | value |\n|---|---|\n");
    for (name, value) in values {
        let value = value.as_str().unwrap_or("(not deployed)");
        let _ = writeln!(text, "| {} | {} |", cell(name), cell(value));
    }
    text.push('\n');
    text
}

/// Returns the errors with their remedies.
pub(crate) fn failures<'a>(errors: impl IntoIterator<Item = &'a anyhow::Error>) -> String {
    let mut text = String::new();
    for error in errors {
        let diagnostic = Diagnostic::of(error);
        let _ = write!(
            text,
            "- **{}** {}",
            diagnostic.code,
            cell(&diagnostic.message)
        );
        if let Some(remedy) = &diagnostic.remedy {
            let _ = write!(text, "<br>try: {}", cell(remedy));
        }
        text.push('\n');
    }
    text
}

/// Text that neither ends a cell nor is markup. Whatever AWS and others name may stand in it.
fn cell(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '\n' => escaped.push_str("<br>"),
            '\r' => {}
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '~' => {
                escaped.push('\\');
                escaped.push(c);
            }
            _ => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_no_markup() {
        assert_eq!(cell("a|b<script>\n`c`"), "a\\|b&lt;script&gt;<br>\\`c\\`");
    }
}
