//! Reading the whole stack from the account, everything independent at the same time.

use std::collections::BTreeMap;
use std::pin::pin;

use anyhow::Result;
use futures_util::future::{Either, select, try_join_all};
use serde_json::Value;
use tokio::sync::watch;

use crate::declaration::Declaration;
use crate::input::{Outputs, references};
use crate::look::Look;
use crate::owner::Ownership;
use crate::resource::{Kinds, Observation, Resource, Undeclared};
use crate::stack::Declared;
use crate::target::Target;

/// The resources that exist, by declaration id.
pub type Observations = BTreeMap<String, Observation>;

/// One observation, for those that wait for it: `None` until it is made.
type Made = Option<Option<Observation>>;

/// The account as one pass has read it so far, for kinds that look for more.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The stack.
    pub declaration: &'a Declaration,
    /// The pass.
    pub look: &'a Look,
    /// The declared resources that exist.
    pub observations: &'a Observations,
}

/// The observations of a pass, for work beside it that needs some of them.
#[derive(Clone, Debug)]
pub struct Arrivals {
    names: Outputs,
    made: BTreeMap<String, watch::Receiver<Made>>,
}

impl Arrivals {
    fn of(declaration: &Declaration) -> (Self, Vec<watch::Sender<Made>>) {
        let mut senders = Vec::new();
        let mut made = BTreeMap::new();
        for declared in &declaration.resources {
            let (sender, receiver) = watch::channel(None);
            senders.push(sender);
            made.insert(declared.id.clone(), receiver);
        }
        let names = declaration.known_names();
        (Self { names, made }, senders)
    }

    /// Returns `value` with its references resolved as soon as what it refers to is observed; `None` if a part of that does not
    /// exist, or belongs to somebody else.
    pub async fn resolve(&self, value: &Value) -> Option<Value> {
        let mut outputs = self.names.clone();
        for path in references(value) {
            let (id, _) = path.rsplit_once('.')?;
            let mut made = self.made.get(id)?.clone();
            let made = made.wait_for(Option::is_some).await.ok()?;
            let observation = made.as_ref()?.as_ref()?;
            if observation.ownership != Ownership::Ours {
                return None;
            }
            outputs.learn(id, &observation.output);
        }
        Some(outputs.resolve(value))
    }
}

impl Seen<'_> {
    /// The stack's name.
    pub fn stack(&self) -> &str {
        &self.declaration.name
    }

    /// The existing resources of one kind that are declared, with their ids and outputs.
    pub fn all<R: Resource>(&self) -> impl Iterator<Item = (&str, R::Output)> {
        self.declaration.all::<R>().filter_map(|(id, _)| {
            let output = self.observations.get(id)?.output.clone();
            Some((id, serde_json::from_value(output).ok()?))
        })
    }
}

/// The account, as far as a plan needs it.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The account.
    pub target: Target,
    /// The declared resources that exist.
    pub observations: Observations,
    /// The resources that carry the stack's mark and are not declared.
    pub undeclared: Vec<Undeclared>,
}

impl Snapshot {
    /// Reads the account. `located` is called as soon as the account is known, also if reading fails.
    pub async fn read(
        declaration: &Declaration,
        kinds: &Kinds,
        look: &Look,
        located: impl FnOnce(&Target),
    ) -> Result<Self> {
        let nothing = async |_: Arrivals| ();
        let read = Self::read_beside(declaration, kinds, look, located, nothing);
        Ok(Box::pin(read).await?.0)
    }

    /// Reads the account, and does `beside` at the same time, with the observations as they arrive.
    pub async fn read_beside<T>(
        declaration: &Declaration,
        kinds: &Kinds,
        look: &Look,
        located: impl FnOnce(&Target),
        beside: impl AsyncFnOnce(Arrivals) -> T,
    ) -> Result<(Self, T)> {
        let (arrivals, senders) = Arrivals::of(declaration);
        let reading = Self::read_sending(declaration, kinds, look, located, &arrivals, senders);
        let mut reading = pin!(reading);
        let mut beside = pin!(beside(arrivals.clone()));
        match select(reading.as_mut(), beside.as_mut()).await {
            Either::Left((snapshot, _)) => Ok((snapshot?, beside.await)),
            Either::Right((done, _)) => Ok((reading.await?, done)),
        }
    }

    async fn read_sending(
        declaration: &Declaration,
        kinds: &Kinds,
        look: &Look,
        located: impl FnOnce(&Target),
        arrivals: &Arrivals,
        senders: Vec<watch::Sender<Made>>,
    ) -> Result<Self> {
        let ids = declaration.resources.iter();
        let ids = ids.map(|declared| declared.id.clone()).collect();
        let named = declaration.resources.iter().map(|declared| {
            let resource = &declared.resource;
            (resource.type_name(), resource.name())
        });
        let look = look.clone().declaring(&declaration.name, ids);
        let look = &look.naming(named.collect());
        let prefetched = try_join_all(kinds.entries().map(|entry| (entry.prefetch)(look)));
        let observed = observe_sending(declaration, look, arrivals, senders);
        let observed = async { tokio::try_join!(observed, prefetched) };
        let (target, observations) = match select(pin!(look.aws().target()), pin!(observed)).await {
            Either::Left((target, observing)) => {
                let target = target?;
                located(target);
                (target, observing.await?.0)
            }
            Either::Right((observations, asking)) => {
                let target = asking.await;
                if let Ok(target) = target {
                    located(target);
                }
                (target?, observations?.0)
            }
        };
        let seen = Seen {
            declaration,
            look,
            observations: &observations,
        };
        let undeclared = undeclared(kinds, &seen).await?;
        Ok(Self {
            target: target.clone(),
            observations,
            undeclared,
        })
    }
}

/// The resources with the stack's mark that were not observed. They are told apart by what they are and not by the id in
/// their mark: after a renaming in the code, the mark still has the old one.
async fn undeclared(kinds: &Kinds, seen: &Seen<'_>) -> Result<Vec<Undeclared>> {
    let marked = kinds.entries().map(|entry| (entry.marked)(seen));
    let marked = try_join_all(marked).await?.into_iter().flatten();
    let is_observed = |found: &Undeclared| {
        seen.observations.iter().any(|(id, observed)| {
            let declared = seen.declaration.find(id);
            declared.is_some_and(|declared| is_same(declared, observed, found))
        })
    };
    Ok(marked.filter(|found| !is_observed(found)).collect())
}

/// Returns true if `found` is the resource that was observed for `declared`.
fn is_same(declared: &Declared, observed: &Observation, found: &Undeclared) -> bool {
    let (state, other) = (&observed.state, &found.observed.state);
    if declared.resource.type_name() != found.resource.type_name()
        || observed.output != found.observed.output
        || state["name"] != other["name"]
    {
        return false;
    }
    let has_outputs = observed.output.as_object().is_some_and(|it| !it.is_empty());
    if has_outputs || !state["name"].is_null() {
        return true;
    }
    // A part without an id and a name of its own: its place tells it apart.
    let container = declared.resource.container();
    let is_elsewhere = found
        .within
        .as_deref()
        .is_some_and(|within| container.is_some_and(|container| container != within));
    let name = declared.resource.with_fields(state);
    !is_elsewhere && name.is_ok_and(|resource| resource.name() == found.resource.name())
}

/// Observes every declared resource. One that refers to outputs of another is observed after that one; one whose container
/// does not exist does not exist either.
pub async fn observe(declaration: &Declaration, look: &Look) -> Result<Observations> {
    let (arrivals, senders) = Arrivals::of(declaration);
    observe_sending(declaration, look, &arrivals, senders).await
}

async fn observe_sending(
    declaration: &Declaration,
    look: &Look,
    arrivals: &Arrivals,
    senders: Vec<watch::Sender<Made>>,
) -> Result<Observations> {
    let all = declaration
        .resources
        .iter()
        .zip(senders)
        .map(|(declared, sender)| {
            let sources = sources(declared, declaration, &arrivals.made);
            async move {
                let names = arrivals.names.clone();
                let observation = observe_one(declared, names, sources, look).await?;
                let _ = sender.send(Some(observation.clone()));
                anyhow::Ok(observation.map(|observation| (declared.id.clone(), observation)))
            }
        });
    Ok(try_join_all(all).await?.into_iter().flatten().collect())
}

async fn observe_one(
    declared: &Declared,
    mut outputs: Outputs,
    sources: Vec<(String, watch::Receiver<Made>)>,
    look: &Look,
) -> Result<Option<Observation>> {
    for (id, mut receiver) in sources {
        // A sender that is gone has failed; its error ends the whole observation.
        let Ok(made) = receiver.wait_for(Option::is_some).await else {
            return Ok(None);
        };
        if let Some(Some(observation)) = &*made {
            outputs.learn(&id, &observation.output);
        }
    }
    let fields = outputs.resolve(&declared.resource.fields());
    declared.resource.with_fields(&fields)?.observe(look).await
}

/// The resources that `declared` is found by: those of whose outputs it uses one that AWS gives. Computed outputs (an ARN in
/// a policy, say) are not waited for.
fn sources(
    declared: &Declared,
    declaration: &Declaration,
    receivers: &BTreeMap<String, watch::Receiver<Made>>,
) -> Vec<(String, watch::Receiver<Made>)> {
    if declared.resource.kind().stands_alone {
        return Vec::new();
    }
    let paths = references(&declared.resource.fields());
    let mut ids: Vec<&str> = paths
        .iter()
        .filter_map(|path| path.rsplit_once('.'))
        .filter(|(id, name)| {
            let source = declaration.find(id);
            source.is_some_and(|source| !source.is_computed(name))
        })
        .map(|(id, _)| id)
        .collect();
    ids.dedup();
    ids.into_iter()
        .filter_map(|id| Some((id.to_owned(), receivers.get(id)?.clone())))
        .collect()
}
