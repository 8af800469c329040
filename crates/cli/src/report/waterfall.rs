//! The calls and waits of a run over time, step by step: one row an operation, one bar a call.

use maud::{Markup, html};
use serde_json::Value;

use super::length;
use crate::record::{Entry, Record};

/// The codes of the answer that a resource is not there. A record has no more of an answer than its code.
const NOT_FOUND: [&str; 5] = [
    "NoSuchEntity",
    "NoSuchEntityException",
    "NotFoundException",
    "ParameterNotFound",
    "ResourceNotFoundException",
];

/// The narrowest bar that is still seen, in percent of the width.
const NARROWEST: f64 = 0.4;

pub(super) fn section(record: &Record) -> Markup {
    let groups = groups(&record.timeline);
    let scale = Scale::of(record);
    html! {
        section {
            h2 { "Calls and waits" }
            p class="legend" {
                span { i class="key step" {} "a step, from start to end" }
                span { i class="key call" {} "a call that AWS answered" }
                span { i class="key absent" {} "∅ a call whose answer was that it is not there" }
                span { i class="key refused" {} "✗ a call that was refused or failed" }
                span { i class="key wait" {} "a wait" }
            }
            div class="waterfall" {
                div class="row axis" {
                    span class="label" {}
                    span class="track" {
                        @for share in [0.0, 0.25, 0.5, 0.75] {
                            span class="tick" style=(format!("left:{}%", share * 100.0)) { (length(scale.from + scale.length * share)) }
                        }
                    }
                    span class="ms" { (length(scale.from + scale.length)) }
                }
                @for group in &groups { (group_rows(record, group, scale)) }
            }
            (notes(&record.timeline))
        }
    }
}

/// The time that the width stands for, in milliseconds: from what came first, however long the function was built
/// before that, to the end of the run.
#[derive(Clone, Copy)]
struct Scale {
    from: f64,
    length: f64,
}

impl Scale {
    fn of(record: &Record) -> Self {
        let starts = record.timeline.iter().map(|entry| match entry {
            Entry::Step { at_ms, .. }
            | Entry::Call { at_ms, .. }
            | Entry::Wait { at_ms, .. }
            | Entry::Note { at_ms, .. } => *at_ms,
        });
        let from = starts.fold(record.elapsed_ms, f64::min);
        Self {
            from,
            length: (record.elapsed_ms - from).max(1.0),
        }
    }

    /// Offset and length in milliseconds. A step that never ended lasts until the end.
    fn span(self, entry: &Entry) -> (f64, f64) {
        match entry {
            Entry::Step { at_ms, ms, .. } => {
                let left = self.from + self.length - at_ms;
                (*at_ms, ms.unwrap_or(left))
            }
            Entry::Call { at_ms, ms, .. } | Entry::Wait { at_ms, ms, .. } => (*at_ms, *ms),
            Entry::Note { at_ms, .. } => (*at_ms, 0.0),
        }
    }
}

/// The entries of one step, or of none.
struct Group<'a> {
    step: Option<&'a str>,
    bars: Option<&'a Entry>,
    rows: Vec<Row<'a>>,
}

struct Row<'a> {
    label: &'a str,
    entries: Vec<&'a Entry>,
}

/// In the order in which steps began; what belongs to no step comes first.
fn groups(timeline: &[Entry]) -> Vec<Group<'_>> {
    let mut groups = vec![Group {
        step: None,
        bars: None,
        rows: Vec::new(),
    }];
    for entry in timeline {
        let (step, label) = match entry {
            Entry::Step { step, .. } => (Some(step.as_str()), None),
            Entry::Call {
                step, operation, ..
            } => (step.as_deref(), Some(operation.as_str())),
            Entry::Wait { step, .. } => (step.as_deref(), Some("wait")),
            Entry::Note { .. } => continue,
        };
        let index = groups.iter().position(|group| group.step == step);
        let index = index.unwrap_or_else(|| {
            groups.push(Group {
                step,
                bars: None,
                rows: Vec::new(),
            });
            groups.len() - 1
        });
        let group = &mut groups[index];
        let Some(label) = label else {
            group.bars = Some(entry);
            continue;
        };
        match group.rows.iter_mut().find(|row| row.label == label) {
            Some(row) => row.entries.push(entry),
            None => group.rows.push(Row {
                label,
                entries: vec![entry],
            }),
        }
    }
    groups.retain(|group| group.bars.is_some() || !group.rows.is_empty());
    groups
}

fn group_rows(record: &Record, group: &Group, scale: Scale) -> Markup {
    html! {
        div class="group" {
            div class="row head" {
                span class="label" { (title(record, group.step)) }
                span class="track" { @if let Some(step) = group.bars { (bar(step, scale)) } }
                span class="ms" { @if let Some(Entry::Step { ms: Some(ms), .. }) = group.bars { (length(*ms)) } }
            }
            @for row in &group.rows { (bars(row, scale)) }
        }
    }
}

fn bars(row: &Row, scale: Scale) -> Markup {
    let total: f64 = row.entries.iter().map(|entry| scale.span(entry).1).sum();
    let times = row.entries.len();
    html! {
        div class="row" {
            span class="label" {
                (row.label)
                @if times > 1 { " ×" (times) }
            }
            span class="track" { @for entry in &row.entries { (bar(entry, scale)) } }
            span class="ms" { (length(total)) }
        }
        @for said in said(&row.entries) { p class="said" { (said) } }
    }
}

/// Returns the notes of a row: other answers by their code, and the last reason of a wait.
fn said(entries: &[&Entry]) -> Vec<String> {
    let mut said: Vec<(String, usize)> = Vec::new();
    let mut reason = None;
    for entry in entries {
        match entry {
            Entry::Call { answer, .. } if answer != "ok" => {
                match said.iter_mut().find(|(code, _)| code == answer) {
                    Some((_, count)) => *count += 1,
                    None => said.push((answer.clone(), 1)),
                }
            }
            Entry::Wait { reason: why, .. } => reason = Some(why.clone()),
            _ => {}
        }
    }
    let answers = said.into_iter().map(|(code, count)| {
        let sign = if NOT_FOUND.contains(&code.as_str()) {
            "∅"
        } else {
            "✗"
        };
        match count {
            1 => format!("{sign} {code}"),
            _ => format!("{sign} {code} ×{count}"),
        }
    });
    answers.chain(reason).collect()
}

fn bar(entry: &Entry, scale: Scale) -> Markup {
    let (at, ms) = scale.span(entry);
    let left = ((at - scale.from) / scale.length * 100.0).clamp(0.0, 100.0 - NARROWEST);
    let width = (ms / scale.length * 100.0).clamp(NARROWEST, 100.0 - left);
    let (class, title) = match entry {
        Entry::Step { failed: true, .. } => ("bar step refused", "failed".to_owned()),
        Entry::Step { ms: None, .. } => ("bar step refused", "not ended".to_owned()),
        Entry::Step { .. } => ("bar step", "done".to_owned()),
        Entry::Call { answer, .. } if answer == "ok" => ("bar call", answer.clone()),
        Entry::Call { answer, .. } if NOT_FOUND.contains(&answer.as_str()) => {
            ("bar absent", answer.clone())
        }
        Entry::Call { answer, .. } => ("bar refused", answer.clone()),
        Entry::Wait { reason, .. } => ("bar wait", reason.clone()),
        Entry::Note { text, .. } => ("bar", text.clone()),
    };
    html! {
        i class=(class) style=(format!("left:{left:.2}%;width:{width:.2}%"))
            title=(format!("{title}, {} after {}", length(ms), length(at))) {}
    }
}

fn title(record: &Record, step: Option<&str>) -> String {
    let Some(id) = step else {
        return "reading, and asking the endpoint".to_owned();
    };
    let steps = record.plan.as_ref().map(|plan| &plan["steps"]);
    let step = steps
        .and_then(Value::as_array)
        .and_then(|steps| steps.iter().find(|step| step["id"] == id));
    match step {
        Some(step) => {
            let action = step["action"].as_str().unwrap_or_default();
            let name = step["name"].as_str().unwrap_or(id);
            format!("{} {name}", super::symbol(action))
        }
        None => id.to_owned(),
    }
}

fn notes(timeline: &[Entry]) -> Markup {
    let notes: Vec<(&f64, &String)> = timeline
        .iter()
        .filter_map(|entry| match entry {
            Entry::Note { text, at_ms } => Some((at_ms, text)),
            _ => None,
        })
        .collect();
    html! {
        @if !notes.is_empty() {
            h3 { "Notes" }
            ul { @for (at, text) in notes { li { (length(*at)) ": " (text) } } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(step: Option<&str>, operation: &str, at_ms: f64, answer: &str) -> Entry {
        Entry::Call {
            step: step.map(str::to_owned),
            operation: operation.to_owned(),
            at_ms,
            ms: 10.0,
            answer: answer.to_owned(),
        }
    }

    #[test]
    fn calls_are_gathered_by_step_and_operation() {
        let timeline = [
            call(None, "GetRole", 0.0, "NoSuchEntity"),
            call(Some("role"), "CreateRole", 20.0, "Throttling"),
            call(Some("role"), "CreateRole", 40.0, "ok"),
            call(None, "GetCallerIdentity", 5.0, "ok"),
        ];
        let groups = groups(&timeline);
        let rows: Vec<String> = groups
            .iter()
            .flat_map(|group| {
                let step = group.step.unwrap_or("-");
                let text = move |row: &Row| format!("{step} {} {}", row.label, row.entries.len());
                group.rows.iter().map(text)
            })
            .collect();
        assert_eq!(
            rows,
            ["- GetRole 1", "- GetCallerIdentity 1", "role CreateRole 2"]
        );
        assert_eq!(said(&groups[0].rows[0].entries), ["∅ NoSuchEntity"]);
        assert_eq!(said(&groups[1].rows[0].entries), ["✗ Throttling"]);
    }

    #[test]
    fn bars_stay_inside() {
        let scale = Scale {
            from: 1000.0,
            length: 100.0,
        };
        let open = Entry::Step {
            step: "role".to_owned(),
            at_ms: 1040.0,
            ms: None,
            failed: false,
        };
        let drawn = bar(&open, scale).into_string();
        assert!(drawn.contains("left:40.00%;width:60.00%"), "{drawn}");
        let late = bar(&call(None, "X", 1100.0, "ok"), scale).into_string();
        assert!(late.contains("left:99.60%;width:0.40%"), "{late}");
    }
}
