//! `--only` and `--skip`: a part of a plan.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};

use crate::declaration::Declaration;
use crate::fault::Code;
use crate::plan::{Action, Plan, Step};
use crate::resource::AnyResource;

/// Resources by id or name.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Selection {
    /// Only these, unless it is empty.
    pub only: BTreeSet<String>,
    /// All but these.
    pub skip: BTreeSet<String>,
}

impl Selection {
    /// Returns true if nothing is left out.
    pub fn is_all(&self) -> bool {
        self.only.is_empty() && self.skip.is_empty()
    }

    /// Takes the steps out of `plan` that are not selected, and returns their labels.
    ///
    /// # Errors
    ///
    /// `Code::NoSuchStep` for an unknown name, `Code::NeededStep` if a selected step needs one that is left out.
    pub fn apply(&self, plan: &mut Plan, declaration: &Declaration) -> Result<Vec<String>> {
        if self.is_all() {
            return Ok(Vec::new());
        }
        self.check_names(plan, declaration)?;
        let left_out: BTreeSet<String> = plan
            .steps
            .iter()
            .filter(|step| !step.is_kept() && !self.selects(step))
            .map(|step| step.id.clone())
            .collect();
        for step in plan.steps.iter().filter(|step| self.selects(step)) {
            check_needs(step, &left_out, plan)?;
        }
        let mut labels = Vec::new();
        for step in &mut plan.steps {
            if left_out.contains(&step.id) {
                labels.push(step.resource.label());
                if let Some(observed) = step.observed().cloned() {
                    step.action = Action::Keep { observed };
                }
            }
        }
        // A resource that is not created is no part of the plan.
        plan.steps
            .retain(|step| step.is_kept() || !left_out.contains(&step.id));
        Ok(labels)
    }

    fn selects(&self, step: &Step) -> bool {
        let is_in = |names: &BTreeSet<String>| {
            names.contains(&step.id) || names.contains(&step.resource.name())
        };
        (self.only.is_empty() || is_in(&self.only)) && !is_in(&self.skip)
    }

    /// Declared resources can be named even where there is nothing to do for them.
    fn check_names(&self, plan: &Plan, declaration: &Declaration) -> Result<()> {
        let steps = plan.steps.iter().map(|step| (&step.id, &step.resource));
        let declared = declaration.resources.iter();
        let declared = declared.map(|declared| (&declared.id, &declared.resource));
        let known: BTreeMap<&String, &AnyResource> = declared.chain(steps).collect();
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

/// Refuses to leave out a resource that does not exist yet, or has to be gone first.
fn check_needs(step: &Step, left_out: &BTreeSet<String>, plan: &Plan) -> Result<()> {
    let along = plan.steps.iter().filter(|other| {
        matches!(step.action, Action::Delete { .. }) && other.along_with() == Some(&step.id)
    });
    let needed = step
        .after
        .iter()
        .chain(along.map(|other| &other.id))
        .filter(|id| !step.is_kept() && left_out.contains(*id));
    for id in needed {
        let is_missing = plan.find(id).is_some_and(|other| {
            matches!(
                other.action,
                Action::Create { .. } | Action::Replace { .. } | Action::Delete { .. }
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
