//! `--only` and `--skip`: a part of a plan.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};

use crate::declaration::Stack;
use crate::diff::Changes;
use crate::fault::Code;
use crate::plan::{Action, Plan, Step};
use crate::resource::Resource;
use crate::typed::Typed;

/// Resources by id or name.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Selection {
    /// Nothing else, unless it is empty.
    pub only: BTreeSet<String>,
    pub skip: BTreeSet<String>,
}

impl Selection {
    /// Keeps all that is not selected as it is. Returns what was left out; refuses what cannot be done without it.
    pub fn apply(&self, plan: &mut Plan, stack: &Stack) -> Result<Vec<String>> {
        if self.only.is_empty() && self.skip.is_empty() {
            return Ok(Vec::new());
        }
        self.check_names(plan, stack)?;
        let left_out: BTreeSet<String> = plan
            .steps
            .iter()
            .filter(|step| step.action != Action::Keep && !self.selects(step))
            .map(|step| step.id.clone())
            .collect();
        for step in plan.steps.iter().filter(|step| self.selects(step)) {
            check_needs(step, &left_out, plan)?;
        }
        let mut names = Vec::new();
        for step in &mut plan.steps {
            if left_out.contains(&step.id) {
                names.push(format!(
                    "{} `{}`",
                    step.resource.noun(),
                    step.resource.name()
                ));
                step.action = Action::Keep;
                step.changes = Changes::default();
                step.drift = false;
                step.along_with = None;
            }
        }
        Ok(names)
    }

    /// `command` with the options for it.
    pub fn typed(&self, command: Typed) -> Typed {
        command
            .options("--only", &self.only)
            .options("--skip", &self.skip)
    }

    fn selects(&self, step: &Step) -> bool {
        let is_in = |names: &BTreeSet<String>| {
            names.contains(&step.id) || names.contains(&step.resource.name())
        };
        (self.only.is_empty() || is_in(&self.only)) && !is_in(&self.skip)
    }

    /// What is declared has a name even where there is nothing to do for it.
    fn check_names(&self, plan: &Plan, stack: &Stack) -> Result<()> {
        let steps = plan.steps.iter().map(|step| (&step.id, &step.resource));
        let declared = stack.declared.iter();
        let declared = declared.map(|declared| (&declared.id, &declared.resource));
        let known: BTreeMap<&String, &Resource> = declared.chain(steps).collect();
        for name in self.only.iter().chain(&self.skip) {
            let is_known = known
                .iter()
                .any(|(id, resource)| *id == name || resource.name() == *name);
            if !is_known {
                let ids: Vec<&str> = known.keys().map(|id| id.as_str()).collect();
                bail!(
                    Code::NoSuchStep
                        .fault(format!("the plan has nothing called `{name}`"))
                        .remedy(format!("one of {}", ids.join(", ")))
                );
            }
        }
        Ok(())
    }
}

/// What is not made yet, or has to be gone first, cannot be left out.
fn check_needs(step: &Step, left_out: &BTreeSet<String>, plan: &Plan) -> Result<()> {
    let along = plan.steps.iter().filter(|other| {
        step.action == Action::Delete && other.along_with.as_ref() == Some(&step.id)
    });
    let needed = step
        .after
        .iter()
        .chain(along.map(|other| &other.id))
        .filter(|id| step.action != Action::Keep && left_out.contains(*id));
    for id in needed {
        let other = plan.steps.iter().find(|other| other.id == *id);
        let is_missing = other.is_some_and(|other| {
            matches!(
                other.action,
                Action::Create | Action::Replace | Action::Delete
            )
        });
        if is_missing {
            bail!(Code::NeededStep.fault(format!(
                "`{}` cannot go without `{id}`, which was left out",
                step.id
            )));
        }
    }
    Ok(())
}
