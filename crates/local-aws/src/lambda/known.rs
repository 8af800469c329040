//! What invocations need of a function, read once and again after every change.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use super::account::{CONCURRENT, total_reserved};
use super::alias::Alias;
use super::function::{self, Function};
use super::name::{LATEST, Named};
use super::policy::{Policy, Statement};
use crate::answer::Refusal;
use crate::cloud::Cloud;
use crate::place::Place;

/// A version of a function, to be invoked.
#[derive(Debug)]
pub(super) struct Target {
    /// Where it is and its name: what shares a concurrency.
    pub(super) key: Arc<(Place, String)>,
    pub(super) function: Function,
    pub(super) named: Named,
    /// As it was named.
    pub(super) arn: String,
    /// Another version that an alias leads to, and the part of the invocations that it gets.
    other: Option<(Arc<Target>, f64)>,
    /// What all functions that have reserved nothing may run at once.
    pub(super) unreserved: u32,
    pub(super) reserved_concurrency: Option<u32>,
    /// Of the policy of what was named.
    pub(super) statements: Vec<Statement>,
}

impl Target {
    /// One of the versions that it leads to, by their weights.
    pub(super) fn chosen(self: &Arc<Self>) -> Arc<Self> {
        match &self.other {
            Some((other, weight)) if fastrand::f64() < *weight => Arc::clone(other),
            _ => Arc::clone(self),
        }
    }

    /// The same version, named otherwise.
    pub(super) fn called(&self, place: &Place, qualifier: Option<String>) -> Self {
        let named = Named {
            name: self.named.name.clone(),
            qualifier,
        };
        Self {
            key: Arc::clone(&self.key),
            function: self.function.clone(),
            arn: named.arn(place),
            named,
            other: None,
            unreserved: self.unreserved,
            reserved_concurrency: self.reserved_concurrency,
            statements: self.statements.clone(),
        }
    }
}

type Asked = (Place, Named);

#[derive(Debug, Default)]
pub(super) struct Known {
    changes: AtomicU64,
    targets: RwLock<HashMap<Asked, (u64, Arc<Target>)>>,
}

impl Known {
    /// Functions are not as they were: to be said after the change is kept and before it is answered.
    pub(super) fn changed(&self) {
        self.changes.fetch_add(1, Ordering::AcqRel);
    }

    /// Another number after every change.
    pub(super) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    pub(super) fn target(
        &self,
        cloud: &Cloud,
        place: &Place,
        named: Named,
    ) -> Result<Arc<Target>, Refusal> {
        let asked = (place.clone(), named);
        let changes = self.changes.load(Ordering::Acquire);
        let found = self
            .targets
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&asked)
            .filter(|(read_at, _)| *read_at == changes)
            .map(|(_, target)| Arc::clone(target));
        if let Some(target) = found
            && !target.function.is_gone(cloud.now())
        {
            return Ok(target);
        }
        let target = Arc::new(read(cloud, place, &asked.1)?);
        let mut targets = self.targets.write().unwrap_or_else(PoisonError::into_inner);
        targets.retain(|_, (read_at, _)| *read_at == changes);
        targets.insert(asked, (changes, Arc::clone(&target)));
        Ok(target)
    }
}

fn read(cloud: &Cloud, place: &Place, named: &Named) -> Result<Target, Refusal> {
    cloud.store.transact(|tx| {
        let function = function::resolve(cloud, tx, place, named)?;
        let latest = function::to_change(cloud, tx, place, named)?;
        let qualifier = named.qualifier.as_deref().filter(|name| *name != LATEST);
        let key = function::key(&named.name, qualifier.unwrap_or_default());
        let policy = tx.get::<Policy>(place, &key)?;
        let shared = Arc::new((place.clone(), named.name.clone()));
        let statements = policy.map(|policy| policy.statements).unwrap_or_default();
        let unreserved = CONCURRENT.saturating_sub(total_reserved(tx, place)?);
        let target = |function: Function, other| Target {
            key: Arc::clone(&shared),
            named: named.clone(),
            arn: named.arn(place),
            reserved_concurrency: latest.reserved_concurrency,
            statements: statements.clone(),
            function,
            other,
            unreserved,
        };
        let alias = tx.get::<Alias>(place, &function::key(&named.name, named.version()))?;
        let other = match alias.and_then(|alias| alias.additional) {
            Some((version, weight)) => {
                let key = function::key(&named.name, &version);
                let found = tx.get::<Function>(place, &key)?;
                found.map(|function| (Arc::new(target(function, None)), weight))
            }
            None => None,
        };
        Ok(target(function, other))
    })
}
