//! A plan: what will be done to each resource and why, as plain data.

use serde::{Deserialize, Serialize};

use crate::diff::Changes;
use crate::resource::{Observation, Resource};
use crate::target::Target;

/// All steps for one stack. Steps come after those they wait for.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    pub stack: String,
    pub target: Target,
    pub steps: Vec<Step>,
}

/// What will be done to one resource.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Step {
    pub id: String,
    pub action: Action,
    /// Why: the fields that differ.
    pub changes: Changes,
    /// Whether somebody else changed or removed it since it was last declared, rather than the declaration changed.
    pub drift: bool,
    /// Steps that have to be done first.
    pub after: Vec<String>,
    /// The declaration; references that were known are resolved.
    pub resource: Resource,
    pub observed: Option<Observation>,
    /// The step whose deletion takes this resource along.
    pub along_with: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    Keep,
    Create,
    Update,
    Replace,
    Delete,
}

/// How many steps there are of each action.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    pub create: usize,
    pub update: usize,
    pub replace: usize,
    pub delete: usize,
    pub keep: usize,
}

impl Plan {
    pub fn summary(&self) -> Summary {
        let mut summary = Summary::default();
        for step in &self.steps {
            *match step.action {
                Action::Keep => &mut summary.keep,
                Action::Create => &mut summary.create,
                Action::Update => &mut summary.update,
                Action::Replace => &mut summary.replace,
                Action::Delete => &mut summary.delete,
            } += 1;
        }
        summary
    }

    /// How much there is to do, by the names that a pipeline's later steps know.
    pub fn counts(&self) -> [(&'static str, String); 6] {
        let summary = self.summary();
        let drift = self.steps.iter().filter(|step| step.drift).count();
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

    /// Whether there is anything to do.
    pub fn is_empty(&self) -> bool {
        self.steps.iter().all(|step| step.action == Action::Keep)
    }

    /// Steps that remove a resource of which AWS keeps the only copy of somebody's data.
    pub fn losing_data(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| {
            matches!(step.action, Action::Delete | Action::Replace)
                && matches!(step.resource, Resource::Table(_))
        })
    }
}

impl Action {
    /// The sign that stands for it in text.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Keep => "=",
            Self::Create => "+",
            Self::Update => "~",
            Self::Replace => "±",
            Self::Delete => "-",
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Create => "create",
            Self::Update => "update",
            Self::Replace => "replace",
            Self::Delete => "delete",
        }
    }
}
