//! From a declaration and what was observed to a plan. Pure: nothing is asked or changed here.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::Value;

use crate::declaration::{Declared, Stack};
use crate::diff::{Changes, diff};
use crate::drift;
use crate::input::{Outputs, references};
use crate::observe::Observations;
use crate::orphans::Orphan;
use crate::owner::Ownership;
use crate::plan::{Action, Plan, Step};
use crate::resource::{Replacement, Resource};
use crate::target::Target;

/// What a plan is made from.
#[derive(Clone, Copy, Debug)]
pub struct Account<'a> {
    pub target: &'a Target,
    pub observations: &'a Observations,
    pub orphans: &'a [Orphan],
}

/// A resource that bears a name of the stack but belongs to somebody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stranger {
    pub kind: &'static str,
    pub name: String,
    pub why: String,
}

/// What the stack would take from others if it went on.
pub fn strangers(stack: &Stack, observations: &Observations) -> Vec<Stranger> {
    stack
        .declared
        .iter()
        .filter_map(|Declared { id, resource, .. }| {
            let Ownership::Foreign(why) = &observations.get(id)?.ownership else {
                return None;
            };
            Some(Stranger {
                kind: resource.type_name(),
                name: resource.name(),
                why: why.clone(),
            })
        })
        .collect()
}

/// The plan that makes the account match the declaration. `outputs` holds what is known beyond names: the
/// package's hash, if it is built.
pub fn up(stack: &Stack, account: Account<'_>, mut outputs: Outputs) -> Result<(Plan, Outputs)> {
    let Account {
        target,
        observations,
        orphans,
    } = account;
    let mut steps = Vec::new();
    for declared in &stack.declared {
        let Declared { id, resource, .. } = declared;
        let fields = outputs.resolve(&resource.fields());
        let desired = resource.with_fields(&fields)?;
        outputs.learn(id, &desired.computed(target));
        let goes_along = resource
            .container()
            .is_some_and(|container| is_removed_first(container, &steps));
        let observed = observations.get(id).filter(|_| !goes_along);
        let (action, changes) = decide(&desired, observed.map(|observed| &observed.state));
        let is_new = matches!(action, Action::Create | Action::Replace);
        if let (false, Some(observed)) = (is_new, observed) {
            outputs.learn(id, &observed.output);
        }
        steps.push(Step {
            id: id.clone(),
            action,
            changes,
            drift: false,
            after: predecessors(declared, stack),
            resource: desired,
            observed: observed.cloned(),
            along_with: None,
        });
    }
    drift::mark(&mut steps, stack);
    remove_orphans(&mut steps, orphans);
    let plan = Plan {
        stack: stack.name.clone(),
        target: target.clone(),
        steps,
    };
    Ok((plan, outputs))
}

/// What is part of an API goes before the API is deployed again; everything else goes last, when nothing that is
/// declared uses it any more.
fn remove_orphans(steps: &mut Vec<Step>, orphans: &[Orphan]) {
    let declared: Vec<String> = steps.iter().map(|step| step.id.clone()).collect();
    let inside: Vec<String> = orphans
        .iter()
        .filter(|orphan| orphan.within.is_some())
        .map(|orphan| orphan.id.clone())
        .collect();
    for step in steps
        .iter_mut()
        .filter(|step| matches!(step.resource, Resource::Deployment(_)))
    {
        step.after.extend(inside.iter().cloned());
    }
    for orphan in orphans {
        let mut after = orphan.after.clone();
        if orphan.within.is_none() {
            after.extend(declared.iter().cloned());
        }
        after.extend(apis_before(orphan, orphans));
        steps.push(deletion(orphan, after));
    }
}

/// A plan can only go once the APIs whose stages it covers are gone.
fn apis_before<'a>(
    orphan: &Orphan,
    orphans: &'a [Orphan],
) -> impl Iterator<Item = String> + use<'a> {
    let is_plan = matches!(orphan.resource, Resource::UsagePlan(_));
    orphans
        .iter()
        .filter(move |other| is_plan && matches!(other.resource, Resource::RestApi(_)))
        .map(|other| other.id.clone())
}

fn deletion(orphan: &Orphan, after: Vec<String>) -> Step {
    Step {
        id: orphan.id.clone(),
        action: Action::Delete,
        changes: Changes::default(),
        drift: false,
        after,
        resource: orphan.resource.clone(),
        observed: Some(orphan.observed.clone()),
        along_with: None,
    }
}

/// Whether the resource `id` makes room for its replacement, and all that is part of it goes along.
fn is_removed_first(id: &str, steps: &[Step]) -> bool {
    steps.iter().any(|step| {
        step.id == id
            && step.action == Action::Replace
            && step.resource.replacement() == Replacement::DeleteFirst
    })
}

fn decide(desired: &Resource, observed: Option<&Value>) -> (Action, Changes) {
    let fields = desired.fields();
    let Some(state) = observed else {
        let changes = diff(&Value::Object(serde_json::Map::new()), &fields, &[]);
        return (Action::Create, changes);
    };
    let changes = diff(state, &fields, desired.replace_on());
    let action = if changes.is_empty() {
        Action::Keep
    } else if changes.replace() {
        Action::Replace
    } else {
        Action::Update
    };
    (action, changes)
}

/// The declared resources that must be there first: named ones, and those whose outputs AWS alone knows.
fn predecessors(declared: &Declared, stack: &Stack) -> Vec<String> {
    let mut after = declared.after.clone();
    for path in references(&declared.resource.fields()) {
        let id = path.rsplit_once('.').map_or("", |(id, _)| id);
        if stack
            .find(id)
            .is_some_and(|source| source.resource.named_by_aws())
        {
            after.insert(id.to_owned());
        }
    }
    after.into_iter().collect()
}

/// The plan that removes what exists of the stack and is ours, in reverse order.
pub fn down(stack: &Stack, account: Account<'_>) -> Result<Plan> {
    let Account {
        target,
        observations,
        orphans,
    } = account;
    let mut outputs = stack.known_names();
    let present: BTreeMap<&str, &Declared> = stack
        .declared
        .iter()
        .filter(|declared| {
            observations
                .get(&declared.id)
                .is_some_and(|found| found.ownership == Ownership::Ours)
        })
        .map(|declared| (declared.id.as_str(), declared))
        .collect();
    let mut steps = Vec::new();
    for declared in &stack.declared {
        let Declared { id, resource, .. } = declared;
        let desired = resource.with_fields(&outputs.resolve(&resource.fields()))?;
        outputs.learn(id, &desired.computed(target));
        let Some(observed) = observations
            .get(id)
            .filter(|_| present.contains_key(id.as_str()))
        else {
            continue;
        };
        outputs.learn(id, &observed.output);
        steps.push(Step {
            id: id.clone(),
            action: Action::Delete,
            changes: Changes::default(),
            drift: false,
            after: Vec::new(),
            resource: desired,
            observed: Some(observed.clone()),
            along_with: resource
                .container()
                .filter(|container| present.contains_key(container))
                .map(str::to_owned),
        });
    }
    order_deletions(&mut steps, stack);
    steps.reverse();
    let apis: Vec<String> = steps
        .iter()
        .filter(|step| matches!(step.resource, Resource::RestApi(_)))
        .map(|step| step.id.clone())
        .collect();
    // What is part of an API goes along with it; a plan goes when its stages are gone.
    for orphan in orphans.iter().filter(|orphan| orphan.within.is_none()) {
        let after = apis
            .iter()
            .cloned()
            .chain(apis_before(orphan, orphans))
            .collect();
        steps.push(deletion(orphan, after));
    }
    Ok(Plan {
        stack: stack.name.clone(),
        target: target.clone(),
        steps,
    })
}

/// Whoever needed a resource goes before it, except where AWS wants it the other way round. What goes along
/// with its container is gone when the container is.
fn order_deletions(steps: &mut [Step], stack: &Stack) {
    let gone_with: BTreeMap<String, String> = steps
        .iter()
        .map(|step| {
            (
                step.id.clone(),
                step.along_with.clone().unwrap_or_else(|| step.id.clone()),
            )
        })
        .collect();
    let mut waits: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for declared in &stack.declared {
        let Some(dependent) = gone_with.get(&declared.id) else {
            continue;
        };
        if *dependent != declared.id {
            continue;
        }
        let after_inputs = declared.resource.deleted_after();
        for needed in predecessors(declared, stack) {
            let Some(needed) = gone_with.get(&needed) else {
                continue;
            };
            if needed == dependent {
                continue;
            }
            let (first, then) = if after_inputs.contains(&needed.as_str()) {
                (needed, dependent)
            } else {
                (dependent, needed)
            };
            waits.entry(then.clone()).or_default().push(first.clone());
        }
    }
    for step in steps {
        let after = match &step.along_with {
            Some(container) => vec![container.clone()],
            None => waits.remove(&step.id).unwrap_or_default(),
        };
        step.after = after;
        step.after.sort();
        step.after.dedup();
    }
}
