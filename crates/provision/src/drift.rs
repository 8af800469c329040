//! What changed behind our back, told apart from what the declaration changed.
//!
//! Every resource says which declaration it was last made by (`owner::DECLARATION`, a method's `operationName`, a
//! statement's id). Where that is today's declaration, a difference is somebody else's doing. What is missing says
//! nothing: a run may have been cut off before it was made. It was there if something that needs it is there, or if all
//! the rest is.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::declaration::Stack;
use crate::diff::Change;
use crate::input::is_resolved;
use crate::plan::{Action, Step};

/// Marks the steps that repair what somebody else did.
pub(crate) fn mark(steps: &mut [Step], stack: &Stack) {
    let proven = proven(steps);
    let last = last_unfinished(steps, stack);
    for step in steps {
        step.drift = if is_unfinished(step) {
            proven.contains(&step.id) || last.contains(&step.id)
        } else {
            matches!(step.action, Action::Update | Action::Replace)
                && is_as_declared(step)
                && others(step).next().is_some()
        };
    }
}

fn is_as_declared(step: &Step) -> bool {
    let observed = step.observed.as_ref();
    observed.is_some_and(|observed| step.resource.is_last_declared(observed))
}

/// The changes that are no consequence of something else: a reference to what is about to be made will follow, and what
/// we left behind is our own.
fn others(step: &Step) -> impl Iterator<Item = &Change> {
    let changes = step.changes.0.iter();
    changes.filter(|change| is_resolved(&change.to) && change.field != "superseded")
}

/// Whether it is not there, or there without a part that is made by a call of its own.
fn is_unfinished(step: &Step) -> bool {
    match step.action {
        Action::Create => true,
        Action::Update => {
            is_as_declared(step) && others(step).next().is_some() && others(step).all(is_lacking)
        }
        Action::Keep | Action::Replace | Action::Delete => false,
    }
}

fn is_lacking(change: &Change) -> bool {
    match (&change.from, &change.to) {
        (Value::Null, _) => true,
        (Value::Array(from), Value::Array(to)) => from.iter().all(|item| to.contains(item)),
        _ => false,
    }
}

/// Those that must have been there, since something that exists was made after them.
fn proven(steps: &[Step]) -> BTreeSet<String> {
    let after: BTreeMap<&str, &[String]> = steps
        .iter()
        .map(|step| (step.id.as_str(), step.after.as_slice()))
        .collect();
    let mut proven = BTreeSet::new();
    let present = steps.iter().filter(|step| is_as_declared(step));
    let mut open: Vec<&str> = present.map(|step| step.id.as_str()).collect();
    while let Some(id) = open.pop() {
        for earlier in after.get(id).copied().unwrap_or_default() {
            if proven.insert(earlier.clone()) {
                open.push(earlier);
            }
        }
    }
    proven
}

/// What is unfinished, if that is one thing alone with what it contains, and all the rest is as it was declared.
fn last_unfinished(steps: &[Step], stack: &Stack) -> BTreeSet<String> {
    let (unfinished, rest): (Vec<&Step>, Vec<&Step>) =
        steps.iter().partition(|step| is_unfinished(step));
    let unfinished: BTreeSet<String> = unfinished.iter().map(|step| step.id.clone()).collect();
    let is_contained = |id: &String| {
        let declared = stack.find(id);
        let container = declared.and_then(|declared| declared.resource.container());
        container.is_some_and(|container| unfinished.contains(container))
    };
    let is_alone = unfinished.iter().filter(|id| !is_contained(id)).count() == 1;
    let is_rest_whole = rest
        .iter()
        .all(|step| step.action == Action::Keep && is_as_declared(step));
    if is_alone && is_rest_whole {
        unfinished
    } else {
        BTreeSet::new()
    }
}
