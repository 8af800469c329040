//! One pass over the account: what several resources are found in is read once.

use std::any::{Any, TypeId};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use tokio::sync::OnceCell;

use crate::aws::Aws;
use crate::operation::Operation;
use crate::owner::{Ownership, Tags};

type Cell = Arc<OnceCell<Arc<dyn Any + Send + Sync>>>;

/// Reads shared by all resources observed in one pass. A new pass starts with a new `Look`.
#[derive(Clone)]
pub struct Look {
    aws: Aws,
    adopt: Arc<BTreeSet<String>>,
    stack: Arc<str>,
    declared: Arc<BTreeSet<String>>,
    /// Type and name of the declared resources, which are observed by their names.
    named: Arc<BTreeSet<(&'static str, String)>>,
    cells: Arc<Mutex<HashMap<(TypeId, String), Cell>>>,
}

impl Look {
    /// A pass over the account that `aws` is connected to.
    pub fn new(aws: Aws) -> Self {
        Self {
            aws,
            adopt: Arc::default(),
            stack: Arc::from(""),
            declared: Arc::default(),
            named: Arc::default(),
            cells: Arc::default(),
        }
    }

    /// Takes resources of these names as ours although they do not carry our tags.
    #[must_use]
    pub fn adopting(mut self, names: &BTreeSet<String>) -> Self {
        self.adopt = Arc::new(names.clone());
        self
    }

    /// Knows the stack's name and the ids that it declares.
    #[must_use]
    pub(crate) fn declaring(mut self, stack: &str, ids: BTreeSet<String>) -> Self {
        self.stack = Arc::from(stack);
        self.declared = Arc::new(ids);
        self
    }

    /// Knows the declared resources by type and name, too.
    #[must_use]
    pub(crate) fn naming(mut self, named: BTreeSet<(&'static str, String)>) -> Self {
        self.named = Arc::new(named);
        self
    }

    #[must_use]
    pub(crate) fn for_kind(&self, operations: &'static [&'static Operation]) -> Self {
        Self {
            aws: self.aws.for_kind(operations),
            ..self.clone()
        }
    }

    /// The name of the stack that the pass reads.
    pub fn stack(&self) -> &str {
        &self.stack
    }

    /// The connection.
    pub fn aws(&self) -> &Aws {
        &self.aws
    }

    /// Returns true if the stack declares a resource with this id. What carries another id of the stack was renamed, or is left over.
    pub fn is_declared(&self, id: &str) -> bool {
        self.declared.contains(id)
    }

    /// Returns true if the stack declares a resource of this type and name, which is then observed as declared, and never left over.
    pub fn is_declared_name(&self, type_name: &'static str, name: &str) -> bool {
        self.named.contains(&(type_name, name.to_owned()))
    }

    /// Returns true if a resource of this name is to be adopted.
    pub fn adopts(&self, name: &str) -> bool {
        self.adopt.contains(name)
    }

    /// Returns the owner of the resource `name`, which carries the tags `actual`.
    pub fn ownership(
        &self,
        name: &str,
        declared: &Tags,
        actual: &BTreeMap<String, String>,
    ) -> Ownership {
        if self.adopts(name) {
            Ownership::Ours
        } else {
            declared.ownership(actual)
        }
    }

    /// Returns what `read` finds; whoever asks first for this type and name reads it for all.
    pub async fn once<T: Send + Sync + 'static>(
        &self,
        name: &str,
        read: impl AsyncFnOnce(&Aws) -> Result<T>,
    ) -> Result<Arc<T>> {
        let cell = {
            let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
            let key = (TypeId::of::<T>(), name.to_owned());
            cells.entry(key).or_default().clone()
        };
        let read = async || {
            let value: Arc<dyn Any + Send + Sync> = Arc::new(read(&self.aws).await?);
            anyhow::Ok(value)
        };
        let value = cell.get_or_try_init(read).await?.clone();
        Ok(value
            .downcast::<T>()
            .expect("values are kept by their type"))
    }
}

impl std::fmt::Debug for Look {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Look")
            .field("adopt", &self.adopt)
            .finish_non_exhaustive()
    }
}
