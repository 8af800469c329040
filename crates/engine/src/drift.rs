//! Drift: differences that somebody else made, told apart from those that the declaration made.
//!
//! Every resource says which declaration it was last made by (a tag, a method's `operationName`, a statement's id). Where that
//! is today's declaration, somebody else made the difference. A missing resource says nothing: a run may have been cut off
//! before it was created. It existed if something that needs it exists, or if everything else does; in an account without
//! anything of the stack, nothing did.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::declaration::Declaration;
use crate::diff::Change;
use crate::input::is_resolved;
use crate::plan::{Action, Cause, Step};

/// Sets the cause of the steps that undo changes of others.
pub(crate) fn mark(steps: &mut [Step], declaration: &Declaration) {
    let proven = proven(steps);
    let last = last_unfinished(steps, declaration);
    for step in steps {
        let is_drift = if is_unfinished(step) {
            proven.contains(&step.id) || last.contains(&step.id)
        } else {
            matches!(step.action, Action::Update { .. } | Action::Replace { .. })
                && is_as_declared(step)
                && has_foreign_change(step)
        };
        if let Action::Create { cause }
        | Action::Update { cause, .. }
        | Action::Replace { cause, .. } = &mut step.action
            && is_drift
        {
            *cause = Cause::Drift;
        }
    }
}

fn is_as_declared(step: &Step) -> bool {
    let observed = step.observed();
    observed.is_some_and(|observed| step.resource.is_last_declared(observed))
}

/// Returns true if a change is no consequence of something else: references to resources that are about to be created follow by
/// themselves, and leftovers are the engine's own.
fn has_foreign_change(step: &Step) -> bool {
    step.changes()
        .0
        .iter()
        .any(|change| is_foreign(step, change))
}

fn is_foreign(step: &Step, change: &Change) -> bool {
    let leftovers = step.resource.kind().leftovers;
    is_resolved(&change.to) && !leftovers.contains(&change.field.as_str())
}

/// Returns true if the resource does not exist, or lacks a part that is created by a call of its own.
fn is_unfinished(step: &Step) -> bool {
    match &step.action {
        Action::Create { .. } => true,
        Action::Update { changes, .. } => {
            let mut foreign = changes.0.iter().filter(|change| is_foreign(step, change));
            is_as_declared(step) && has_foreign_change(step) && foreign.all(is_lacking)
        }
        Action::Keep { .. } | Action::Replace { .. } | Action::Delete { .. } => false,
    }
}

fn is_lacking(change: &Change) -> bool {
    match (&change.from, &change.to) {
        (Value::Null, _) => true,
        (Value::Array(from), Value::Array(to)) => from.iter().all(|item| to.contains(item)),
        _ => false,
    }
}

/// The ids of resources that must have existed, because something that exists was created after them.
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

/// The ids of unfinished resources, if that is one alone with its parts, and all the rest is as declared; there has to be a
/// rest, or the stack may be new.
fn last_unfinished(steps: &[Step], declaration: &Declaration) -> BTreeSet<String> {
    let (unfinished, rest): (Vec<&Step>, Vec<&Step>) =
        steps.iter().partition(|step| is_unfinished(step));
    let unfinished: BTreeSet<String> = unfinished.iter().map(|step| step.id.clone()).collect();
    let is_contained = |id: &String| {
        let declared = declaration.find(id);
        let container = declared.and_then(|declared| declared.resource.container());
        container.is_some_and(|container| unfinished.contains(container))
    };
    let is_alone = unfinished.iter().filter(|id| !is_contained(id)).count() == 1;
    let mut others = rest.iter();
    let is_rest_whole =
        !rest.is_empty() && others.all(|step| step.is_kept() && is_as_declared(step));
    if is_alone && is_rest_whole {
        unfinished
    } else {
        BTreeSet::new()
    }
}
