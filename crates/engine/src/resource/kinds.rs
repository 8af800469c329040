//! The kinds that a program knows, for what has no resource at hand: stored plans, and resources that are not declared.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use anyhow::{Context, Result};
use futures_util::future::{LocalBoxFuture, try_join_all};
use serde_json::Value;

use super::any::{erase, field_names, from_value};
use super::{AnyResource, Kind, Observation, Resource};
use crate::declaration::Declaration;
use crate::fault::Code;
use crate::look::Look;
use crate::observe::{Observations, Seen};

/// The kinds of a program: those of its stack, and those that its stack once had.
#[derive(Clone, Default)]
pub struct Kinds(BTreeMap<&'static str, &'static Entry>);

/// The functions of a kind that need no resource.
pub(crate) struct Entry {
    pub(crate) kind: Kind,
    pub(super) restore: fn(&Value) -> Result<AnyResource>,
    pub(crate) prefetch: for<'a> fn(&'a Look) -> LocalBoxFuture<'a, Result<()>>,
    pub(crate) marked: for<'a> fn(&'a Seen<'a>) -> LocalBoxFuture<'a, Result<Vec<Undeclared>>>,
    /// The names of the outputs that AWS gives.
    pub(super) outputs: fn() -> &'static [&'static str],
}

/// A resource that carries the stack's mark and is not declared.
#[derive(Clone, Debug)]
pub struct Undeclared {
    /// A word that tells it apart from others of its kind.
    pub label: String,
    /// The resource as it is.
    pub resource: AnyResource,
    /// The same as data.
    pub observed: Observation,
    /// The id of the declared resource that it is part of.
    pub within: Option<String>,
    /// Types and labels of undeclared parts that have to go first.
    pub after: Vec<(&'static str, String)>,
}

impl Undeclared {
    /// The id of its step in a plan, unless others have that label.
    pub fn id(&self) -> String {
        format!("undeclared {}", self.label)
    }
}

struct EntryOf<R>(R);

impl<R: Resource> EntryOf<R> {
    const ENTRY: &'static Entry = &Entry {
        kind: R::KIND,
        restore: |fields| Ok(from_value::<R>(fields)?.into()),
        prefetch: |look| {
            Box::pin(async move { R::prefetch(&look.for_kind(R::KIND.operations)).await })
        },
        marked: |seen| {
            Box::pin(async move {
                let look = seen.look.for_kind(R::KIND.operations);
                let seen = Seen {
                    look: &look,
                    ..*seen
                };
                let marked = R::marked(&seen).await?;
                Ok(marked
                    .into_iter()
                    .map(|marked| Undeclared {
                        label: marked.label,
                        resource: marked.observed.state.clone().into(),
                        observed: erase(marked.observed),
                        within: marked.within,
                        after: marked.after,
                    })
                    .collect())
            })
        },
        outputs: field_names::<R::Output>,
    };
}

impl Entry {
    pub(crate) fn of<R: Resource>() -> &'static Self {
        EntryOf::<R>::ENTRY
    }
}

impl Kinds {
    /// Adds a kind.
    #[must_use]
    pub fn with<R: Resource>(mut self) -> Self {
        self.0.insert(R::KIND.type_name, Entry::of::<R>());
        self
    }

    /// Adds the kind of `resource`.
    pub fn learn(&mut self, resource: &AnyResource) {
        self.0.insert(resource.type_name(), resource.entry());
    }

    /// All kinds, by their type names.
    pub fn all(&self) -> impl Iterator<Item = &'static Kind> + use<'_> {
        self.0.values().map(|entry| &entry.kind)
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = &'static Entry> + use<'_> {
        self.0.values().copied()
    }

    /// Returns the resources that carry the stack's mark, declared or not, of the kinds whose names may repeat.
    pub async fn repeatable(
        &self,
        declaration: &Declaration,
        look: &Look,
    ) -> Result<Vec<Undeclared>> {
        let observations = Observations::new();
        let look = &look.clone().declaring(&declaration.name, BTreeSet::new());
        let seen = Seen {
            declaration,
            look,
            observations: &observations,
        };
        let kinds = self.entries().filter(|entry| entry.kind.may_repeat);
        let marked = try_join_all(kinds.map(|entry| (entry.marked)(&seen))).await?;
        Ok(marked.into_iter().flatten().collect())
    }

    /// Reads a resource as it was serialised.
    ///
    /// # Errors
    ///
    /// `Code::NoPlanFile` for a kind that this program does not know, or fields that do not fit it.
    pub fn read(&self, value: &Value) -> Result<AnyResource> {
        let name = value["type"]
            .as_str()
            .with_context(|| Code::NoPlanFile.fault("a resource has no `type`"))?;
        let entry = self.0.get(name).with_context(|| {
            Code::NoPlanFile.fault(format!(
                "`{name}` is a kind that this program does not know; `App::kind` adds it"
            ))
        })?;
        let mut fields = value.as_object().cloned().unwrap_or_default();
        fields.shift_remove("type");
        (entry.restore)(&fields.into())
            .with_context(|| Code::NoPlanFile.fault(format!("reading a {}", entry.kind.noun)))
    }
}

impl fmt::Debug for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}
