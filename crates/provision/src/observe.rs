//! Reading the whole stack from the account, everything independent at the same time.

use std::collections::BTreeMap;

use anyhow::Result;
use futures_util::future::try_join_all;
use tokio::sync::watch;

use crate::declaration::{Declared, Stack};
use crate::input::{Outputs, references};
use crate::resource::{Look, Observation};

/// What exists of a stack, by declaration id.
pub type Observations = BTreeMap<String, Observation>;

/// What one observation leaves for those that wait for it: `None` until it is made.
type Made = Option<Option<Observation>>;

/// Observes every declared resource. One that refers to outputs of another is observed after that one; one
/// whose container does not exist does not exist either.
pub async fn observe(stack: &Stack, look: &Look) -> Result<Observations> {
    let names = stack.known_names();
    let mut senders = Vec::new();
    let mut receivers: BTreeMap<&str, watch::Receiver<Made>> = BTreeMap::new();
    for declared in &stack.declared {
        let (sender, receiver) = watch::channel(None);
        senders.push(sender);
        receivers.insert(&declared.id, receiver);
    }
    let all = stack
        .declared
        .iter()
        .zip(senders)
        .map(|(declared, sender)| {
            let sources = sources(declared, stack, &receivers);
            let names = &names;
            async move {
                let observation = observe_one(declared, names.clone(), sources, look).await?;
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

/// The resources that `declared` must know to be found: those whose outputs it takes its place from.
/// Others (an ARN in a policy, say) follow from the declaration, and are not waited for.
fn sources(
    declared: &Declared,
    stack: &Stack,
    receivers: &BTreeMap<&str, watch::Receiver<Made>>,
) -> Vec<(String, watch::Receiver<Made>)> {
    if declared.resource.stands_alone() {
        return Vec::new();
    }
    let paths = references(&declared.resource.fields());
    let mut ids: Vec<&str> = paths
        .iter()
        .filter_map(|path| path.rsplit_once('.'))
        .map(|(id, _)| id)
        .collect();
    ids.dedup();
    ids.into_iter()
        .filter(|id| {
            stack
                .find(id)
                .is_some_and(|source| source.resource.named_by_aws())
        })
        .filter_map(|id| Some((id.to_owned(), receivers.get(id)?.clone())))
        .collect()
}
