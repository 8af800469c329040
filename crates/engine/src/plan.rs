//! A plan: what will be done to each resource and why, as plain data.

use std::borrow::Cow;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::diff::{Changes, diff};
use crate::fault::Code;
use crate::owner::ID;
use crate::resource::{AnyResource, HoldsData, Kinds, Observation};
use crate::target::Target;

/// All steps for one stack. Steps come after those they wait for.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// The stack's name.
    pub stack: String,
    /// The account.
    pub target: Target,
    /// The steps.
    pub steps: Vec<Step>,
}

/// The work on one resource. `R` is plain data in a stored plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step<R = AnyResource> {
    /// The resource's id within the stack.
    pub id: String,
    /// The declaration; known references are resolved.
    pub resource: R,
    /// Ids of steps that have to be done first.
    pub after: Vec<String>,
    /// The action, with all that it needs.
    #[serde(flatten)]
    pub action: Action,
}

/// The action of a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "lowercase")]
pub enum Action {
    /// The resource is as declared.
    Keep {
        /// The resource.
        observed: Observation,
    },
    /// The resource does not exist.
    Create {
        /// The reason.
        cause: Cause,
    },
    /// The resource is changed in place.
    Update {
        /// The resource.
        observed: Observation,
        /// The fields that differ.
        changes: Changes,
        /// The reason.
        cause: Cause,
    },
    /// Another resource takes its place.
    Replace {
        /// The old resource.
        observed: Observation,
        /// The fields that differ.
        changes: Changes,
        /// The reason.
        cause: Cause,
    },
    /// The resource is deleted.
    Delete {
        /// The resource.
        observed: Observation,
        /// The way.
        how: Deletion,
    },
}

/// The author of a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cause {
    /// The declaration was changed.
    Declaration,
    /// Somebody changed the account since the last `up`.
    Drift,
}

/// The way of a deletion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deletion {
    /// By calls of its own.
    ByCalls,
    /// The deletion of the step with this id deletes it too.
    AlongWith(String),
}

/// The number of steps of each action.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Resources to create.
    pub create: usize,
    /// Resources to update.
    pub update: usize,
    /// Resources to replace.
    pub replace: usize,
    /// Resources to delete.
    pub delete: usize,
    /// Resources that stay as they are.
    pub keep: usize,
}

/// An undeclared resource and a new one of its kind, which may be one resource whose id was changed in the code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PossibleRename {
    /// The common noun of the kind.
    pub noun: &'static str,
    /// The id of the new resource.
    pub new: String,
    /// The id that the undeclared resource was declared with.
    pub old: String,
}

impl Plan {
    /// Counts the steps of each action.
    pub fn summary(&self) -> Summary {
        let mut summary = Summary::default();
        for step in &self.steps {
            *match step.action {
                Action::Keep { .. } => &mut summary.keep,
                Action::Create { .. } => &mut summary.create,
                Action::Update { .. } => &mut summary.update,
                Action::Replace { .. } => &mut summary.replace,
                Action::Delete { .. } => &mut summary.delete,
            } += 1;
        }
        summary
    }

    /// The counts by name, for the later steps of a pipeline.
    pub fn counts(&self) -> [(&'static str, String); 6] {
        let summary = self.summary();
        let drift = self.steps.iter().filter(|step| step.is_drift()).count();
        let changes = self.steps.len() - summary.keep;
        [
            ("create", summary.create),
            ("update", summary.update),
            ("replace", summary.replace),
            ("delete", summary.delete),
            ("drift", drift),
            ("changes", changes),
        ]
        .map(|(name, count)| (name, count.to_string()))
    }

    /// Returns true if there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.iter().all(Step::is_kept)
    }

    /// Puts the steps of `other` in the place of those with their ids.
    pub fn overlay(&mut self, other: Self) {
        for step in other.steps {
            match self.steps.iter_mut().find(|old| old.id == step.id) {
                Some(old) => *old = step,
                None => self.steps.push(step),
            }
        }
    }

    /// Returns the step with this id.
    pub fn find(&self, id: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.id == id)
    }

    /// The steps that delete a resource of which AWS keeps the only copy of somebody's data.
    pub fn losing_data(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.loses_data())
    }

    /// Pairs of a deleted and a created resource of one kind that look like one resource with a changed id.
    pub fn possible_renames(&self) -> Vec<PossibleRename> {
        let created = |gone: &Step| {
            self.steps
                .iter()
                .filter(|step| matches!(step.action, Action::Create { .. }))
                .filter(|step| step.resource.type_name() == gone.resource.type_name())
                .collect::<Vec<_>>()
        };
        let mut renames = Vec::new();
        for gone in &self.steps {
            let Action::Delete { observed, .. } = &gone.action else {
                continue;
            };
            let Some(old) = observed.state["tags"][ID].as_str() else {
                continue;
            };
            if let [new] = created(gone)[..] {
                renames.push(PossibleRename {
                    noun: gone.resource.noun(),
                    new: new.id.clone(),
                    old: old.to_owned(),
                });
            }
        }
        renames
    }
}

impl<R> Step<R> {
    /// The existing resource, if there is one.
    pub fn observed(&self) -> Option<&Observation> {
        match &self.action {
            Action::Create { .. } => None,
            Action::Keep { observed }
            | Action::Update { observed, .. }
            | Action::Replace { observed, .. }
            | Action::Delete { observed, .. } => Some(observed),
        }
    }

    /// Returns true if the resource stays as it is.
    pub fn is_kept(&self) -> bool {
        matches!(self.action, Action::Keep { .. })
    }

    /// Returns true if somebody else changed or deleted the resource since it was last declared.
    pub fn is_drift(&self) -> bool {
        matches!(
            self.action,
            Action::Create {
                cause: Cause::Drift
            } | Action::Update {
                cause: Cause::Drift,
                ..
            } | Action::Replace {
                cause: Cause::Drift,
                ..
            }
        )
    }

    /// The step whose deletion deletes this resource too.
    pub fn along_with(&self) -> Option<&str> {
        match &self.action {
            Action::Delete {
                how: Deletion::AlongWith(container),
                ..
            } => Some(container),
            _ => None,
        }
    }
}

impl Step {
    /// The fields that differ; of a new resource, all of them.
    pub fn changes(&self) -> Cow<'_, Changes> {
        match &self.action {
            Action::Create { .. } => {
                let nothing = Value::Object(serde_json::Map::new());
                Cow::Owned(diff(&nothing, &self.resource.fields(), &[]))
            }
            Action::Update { changes, .. } | Action::Replace { changes, .. } => {
                Cow::Borrowed(changes)
            }
            Action::Keep { .. } | Action::Delete { .. } => Cow::Owned(Changes::default()),
        }
    }

    /// Returns true if it deletes a resource of which AWS keeps the only copy of somebody's data.
    pub fn loses_data(&self) -> bool {
        let goes = matches!(self.action, Action::Replace { .. } | Action::Delete { .. });
        goes && self.resource.kind().holds_data == HoldsData::Yes
    }

    /// Reads steps as they were serialised; `kinds` are those that may occur.
    ///
    /// # Errors
    ///
    /// `Code::NoPlanFile` for data that are no steps, or a kind that is not known.
    pub fn read_all(steps: &Value, kinds: &Kinds) -> Result<Vec<Self>> {
        let steps: Vec<Step<Value>> = Vec::deserialize(steps)
            .with_context(|| Code::NoPlanFile.fault("the plan's steps cannot be read"))?;
        let steps = steps.into_iter().map(|step| {
            let resource = kinds.read(&step.resource);
            Ok(Self {
                resource: resource.with_context(|| format!("step `{}`", step.id))?,
                id: step.id,
                after: step.after,
                action: step.action,
            })
        });
        steps.collect()
    }
}

impl Action {
    /// The sign that stands for it in text.
    pub fn symbol(&self) -> &'static str {
        match self {
            Self::Keep { .. } => "=",
            Self::Create { .. } => "+",
            Self::Update { .. } => "~",
            Self::Replace { .. } => "±",
            Self::Delete { .. } => "-",
        }
    }

    /// Its name in text and JSON.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Keep { .. } => "keep",
            Self::Create { .. } => "create",
            Self::Update { .. } => "update",
            Self::Replace { .. } => "replace",
            Self::Delete { .. } => "delete",
        }
    }
}
