//! What invocations need of a function, read once and again after every change.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

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
    /// As it was named.
    pub(super) arn: String,
    pub(super) reserved_concurrency: Option<u32>,
    /// Of the policy of what was named.
    pub(super) statements: Vec<Statement>,
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
        Ok(Target {
            key: Arc::new((place.clone(), named.name.clone())),
            arn: named.arn(place),
            reserved_concurrency: latest.reserved_concurrency,
            statements: policy.map(|policy| policy.statements).unwrap_or_default(),
            function,
        })
    })
}
