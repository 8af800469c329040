//! From a declaration and a snapshot to a plan. Pure: nothing is asked or changed here.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use crate::declaration::Declaration;
use crate::diff::diff;
use crate::drift;
use crate::input::Outputs;
use crate::observe::{Observations, Snapshot};
use crate::owner::Ownership;
use crate::plan::{Action, Cause, Deletion, Plan, Step};
use crate::resource::{AnyResource, Observation, Replacement, Undeclared};
use crate::stack::Declared;
use crate::target::Target;

/// A resource that has a name of the stack but belongs to somebody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// CloudFormation's name of its kind.
    pub type_name: &'static str,
    /// Its name.
    pub name: String,
    /// The owner, in words.
    pub why: String,
}

/// Returns the resources of others that have names of the stack.
pub fn conflicts(declaration: &Declaration, observations: &Observations) -> Vec<Conflict> {
    let conflicts = declaration.resources.iter().filter_map(|declared| {
        let Ownership::Foreign(why) = &observations.get(&declared.id)?.ownership else {
            return None;
        };
        Some(Conflict {
            type_name: declared.resource.type_name(),
            name: declared.resource.name(),
            why: why.clone(),
        })
    });
    conflicts.collect()
}

/// Makes the plan that brings the account to the declaration. `outputs` holds what is known beyond the account: names, and
/// the hashes of packages that are built. Returns it with all that is known now.
pub fn up(
    declaration: &Declaration,
    snapshot: &Snapshot,
    outputs: Outputs,
) -> Result<(Plan, Outputs)> {
    let Snapshot {
        target,
        observations,
        undeclared,
    } = snapshot;
    let mut outputs = declaration.computed(outputs, target);
    let mut steps: Vec<Step> = Vec::new();
    for declared in &declaration.resources {
        let id = &declared.id;
        let fields = outputs.resolve(&declared.resource.fields());
        let desired = declared.resource.with_fields(&fields)?;
        outputs.learn(id, &desired.computed(target));
        let container = declared.resource.container();
        let goes_along = container.is_some_and(|container| is_deleted_first(container, &steps));
        let observed = observations.get(id).filter(|_| !goes_along).cloned();
        let action = decide(&desired, observed);
        if let Action::Keep { observed } | Action::Update { observed, .. } = &action {
            outputs.learn(id, &observed.output);
        }
        steps.push(Step {
            id: id.clone(),
            resource: desired,
            after: declaration.predecessors(declared).into_iter().collect(),
            action,
        });
    }
    drift::mark(&mut steps, declaration);
    delete_undeclared(&mut steps, undeclared);
    let plan = Plan {
        stack: declaration.name.clone(),
        target: target.clone(),
        steps,
    };
    Ok((plan, outputs))
}

/// Makes the plan that takes all snapshots anew, though their shape is what is declared, and moves what refers to them.
/// `observations` are those of what refers to them; `outputs` are those of all resources.
pub fn anew(
    declaration: &Declaration,
    target: &Target,
    observations: &Observations,
    outputs: &Outputs,
) -> Result<(Plan, Outputs)> {
    let snapshots = snapshots(declaration);
    let outputs = outputs.clone().of(|id| !snapshots.contains(id));
    let mut steps = Vec::new();
    for declared in &declaration.resources {
        let id = &declared.id;
        let after: Vec<String> = declaration
            .predecessors(declared)
            .into_iter()
            .filter(|id| snapshots.contains(id.as_str()))
            .collect();
        let resource = declared
            .resource
            .with_fields(&outputs.resolve(&declared.resource.fields()))?;
        let action = if snapshots.contains(id.as_str()) {
            Action::Create {
                cause: Cause::Drift,
            }
        } else {
            let observed = observations.get(id).filter(|_| !after.is_empty());
            let Some(observed) = observed else { continue };
            decide(&resource, Some(observed.clone()))
        };
        steps.push(Step {
            id: id.clone(),
            resource,
            after,
            action,
        });
    }
    let plan = Plan {
        stack: declaration.name.clone(),
        target: target.clone(),
        steps,
    };
    Ok((plan, outputs))
}

/// The ids of the snapshots.
fn snapshots(declaration: &Declaration) -> BTreeSet<&str> {
    let declared = declaration.resources.iter();
    let snapshots = declared.filter(|declared| declared.resource.kind().is_snapshot);
    snapshots.map(|declared| declared.id.as_str()).collect()
}

/// The declared resources that have to be looked at before [`anew`].
pub fn users_of_snapshots(declaration: &Declaration) -> impl Iterator<Item = &Declared> {
    let snapshots = snapshots(declaration);
    declaration.resources.iter().filter(move |declared| {
        let predecessors = declaration.predecessors(declared);
        predecessors
            .iter()
            .any(|id| snapshots.contains(id.as_str()))
    })
}

/// Returns true if the resource `id` is deleted before its replacement is created, and all parts of it with it.
fn is_deleted_first(id: &str, steps: &[Step]) -> bool {
    steps.iter().any(|step| {
        step.id == id
            && matches!(step.action, Action::Replace { .. })
            && step.resource.kind().replacement == Replacement::DeleteFirst
    })
}

fn decide(desired: &AnyResource, observed: Option<Observation>) -> Action {
    let cause = Cause::Declaration;
    let Some(observed) = observed else {
        return Action::Create { cause };
    };
    let changes = diff(
        &observed.state,
        &desired.fields(),
        desired.kind().replace_on,
    );
    if changes.is_empty() {
        Action::Keep { observed }
    } else if changes.replace() {
        Action::Replace {
            observed,
            changes,
            cause,
        }
    } else {
        Action::Update {
            observed,
            changes,
            cause,
        }
    }
}

/// Parts of a declared resource go before that is frozen again; everything else goes last, when nothing that is declared
/// uses it any more. Among each other, undeclared resources go in the order of their kinds.
fn delete_undeclared(steps: &mut Vec<Step>, undeclared: &[Undeclared]) {
    let declared: BTreeSet<String> = steps.iter().map(|step| step.id.clone()).collect();
    let ids = step_ids(undeclared);
    let inside = undeclared.iter().zip(&ids);
    let inside: Vec<String> = inside
        .filter(|(gone, _)| gone.within.is_some())
        .map(|(_, id)| id.clone())
        .collect();
    let snapshots = steps
        .iter_mut()
        .filter(|step| step.resource.kind().is_snapshot);
    for step in snapshots {
        step.after.extend(inside.iter().cloned());
    }
    for (gone, id) in undeclared.iter().zip(&ids) {
        let mut after = if gone.within.is_some() {
            BTreeSet::new()
        } else {
            declared.clone()
        };
        after.extend(earlier(gone, undeclared, &ids));
        steps.push(deletion(gone, id, after));
    }
}

/// The ids of the deletions, in the order of `undeclared`. Labels tell resources of one kind and container apart; where they
/// repeat beyond that, the kind, the container and at last the place in the list are added.
fn step_ids(undeclared: &[Undeclared]) -> Vec<String> {
    let forms: [fn(usize, &Undeclared) -> String; 4] = [
        |_, gone| gone.id(),
        |_, gone| format!("undeclared {} {}", gone.resource.noun(), gone.label),
        |_, gone| {
            let within = gone.within.as_deref().unwrap_or_default();
            let noun = gone.resource.noun();
            format!("undeclared {noun} {} of {within}", gone.label)
        },
        |at, gone| format!("{} {}", gone.id(), at + 1),
    ];
    let ids = |form: fn(usize, &Undeclared) -> String| -> Vec<String> {
        let all = undeclared.iter().enumerate();
        all.map(|(at, gone)| form(at, gone)).collect()
    };
    let candidates = forms.map(ids);
    let chosen = (0..undeclared.len()).map(|at| {
        let is_unique = |ids: &&Vec<String>| ids.iter().filter(|id| **id == ids[at]).count() == 1;
        let unique = candidates.iter().find(is_unique);
        unique.unwrap_or(&candidates[3])[at].clone()
    });
    chosen.collect()
}

/// The ids of the undeclared resources that have to go before `gone`.
fn earlier<'a>(
    gone: &'a Undeclared,
    undeclared: &'a [Undeclared],
    ids: &'a [String],
) -> impl Iterator<Item = String> + use<'a> {
    let types = gone.resource.kind().deleted_after;
    let others = undeclared.iter().zip(ids);
    others
        .filter(move |(other, _)| {
            let type_name = other.resource.type_name();
            let is_beside = other.within == gone.within;
            let mut parts = gone.after.iter().filter(|_| is_beside);
            types.contains(&type_name)
                || parts.any(|(of, label)| *of == type_name && *label == other.label)
        })
        .map(|(_, id)| id.clone())
}

fn deletion(gone: &Undeclared, id: &str, after: BTreeSet<String>) -> Step {
    Step {
        id: id.to_owned(),
        resource: gone.resource.clone(),
        after: after.into_iter().collect(),
        action: Action::Delete {
            observed: gone.observed.clone(),
            how: Deletion::ByCalls,
        },
    }
}

/// Makes the plan that deletes what exists of the stack and is ours, in reverse order.
pub fn down(declaration: &Declaration, snapshot: &Snapshot) -> Result<Plan> {
    let Snapshot {
        target,
        observations,
        undeclared,
    } = snapshot;
    let mut outputs = declaration.computed(declaration.known_names(), target);
    let ours = |id: &str| {
        let found = observations.get(id);
        found.filter(|found| found.ownership == Ownership::Ours)
    };
    let mut steps = Vec::new();
    for declared in &declaration.resources {
        let id = &declared.id;
        let fields = outputs.resolve(&declared.resource.fields());
        let resource = declared.resource.with_fields(&fields)?;
        outputs.learn(id, &resource.computed(target));
        let Some(observed) = ours(id) else { continue };
        outputs.learn(id, &observed.output);
        let container = declared.resource.container();
        let container = container.filter(|container| ours(container).is_some());
        steps.push(Step {
            id: id.clone(),
            resource,
            after: Vec::new(),
            action: Action::Delete {
                observed: observed.clone(),
                how: container.map_or(Deletion::ByCalls, |id| Deletion::AlongWith(id.to_owned())),
            },
        });
    }
    order_deletions(&mut steps, declaration);
    steps.reverse();
    // Parts of a declared resource go along with it.
    let ids = step_ids(undeclared);
    let outside = undeclared.iter().zip(&ids);
    for (gone, id) in outside.filter(|(gone, _)| gone.within.is_none()) {
        let types = gone.resource.kind().deleted_after;
        let declared = steps
            .iter()
            .filter(|step| types.contains(&step.resource.type_name()))
            .map(|step| step.id.clone());
        let after = declared.chain(earlier(gone, undeclared, &ids)).collect();
        steps.push(deletion(gone, id, after));
    }
    Ok(Plan {
        stack: declaration.name.clone(),
        target: target.clone(),
        steps,
    })
}

/// Users of a resource go before it, except where AWS wants it the other way round. A part that goes along with its container
/// is gone when the container is.
fn order_deletions(steps: &mut [Step], declaration: &Declaration) {
    let gone_with: BTreeMap<String, String> = steps
        .iter()
        .map(|step| {
            let with = step.along_with().unwrap_or(&step.id);
            (step.id.clone(), with.to_owned())
        })
        .collect();
    let mut waits: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for declared in &declaration.resources {
        let Some(dependent) = gone_with.get(&declared.id) else {
            continue;
        };
        if *dependent != declared.id {
            continue;
        }
        let after_types = declared.resource.kind().deleted_after;
        for needed in declaration.predecessors(declared) {
            let is_first = declaration
                .find(&needed)
                .is_some_and(|needed| after_types.contains(&needed.resource.type_name()));
            let Some(needed) = gone_with.get(&needed) else {
                continue;
            };
            if needed == dependent {
                continue;
            }
            // A part goes with its container, which has to be gone first as well.
            let container = declaration.find(needed);
            let is_first = is_first
                || container
                    .is_some_and(|container| after_types.contains(&container.resource.type_name()));
            let (first, then) = if is_first {
                (needed, dependent)
            } else {
                (dependent, needed)
            };
            waits.entry(then.clone()).or_default().insert(first.clone());
        }
    }
    for step in steps {
        step.after = match step.along_with() {
            Some(container) => vec![container.to_owned()],
            None => waits
                .remove(&step.id)
                .unwrap_or_default()
                .into_iter()
                .collect(),
        };
    }
}
