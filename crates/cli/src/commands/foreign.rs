//! Parts of others in resources of the stack: named by plans and `drift`, and before anything is deleted.

use std::fmt::Write;

use anyhow::{Result, bail};
use futures_util::future::try_join_all;
use provision_engine::fault::Code;
use provision_engine::look::Look;
use provision_engine::observe::Seen;
use provision_engine::owner::Ownership;
use provision_engine::plan::{Action, Deletion, Plan, Step};
use provision_engine::resource::{AnyResource, AtDeletion, ForeignPart};
use serde_json::{Value, json};

use super::Session;
use super::context::Context;
use crate::paint::Paint;

/// A part of somebody else, and where it is.
#[derive(Debug)]
pub(super) struct Foreign {
    id: String,
    type_name: &'static str,
    label: String,
    pub(super) part: ForeignPart,
}

impl Foreign {
    fn of(id: &str, resource: &AnyResource, part: ForeignPart) -> Self {
        Self {
            id: id.to_owned(),
            type_name: resource.type_name(),
            label: resource.label(),
            part,
        }
    }

    /// The part and its place: "method `GET /x` in REST API `shop`".
    pub(super) fn words(&self) -> String {
        format!("{} in {}", self.part.what, self.label)
    }
}

/// Reads what others have added to the declared resources that exist.
pub(super) async fn parts(
    session: &Session<'_>,
    context: &Context,
    look: &Look,
) -> Result<Vec<Foreign>> {
    let seen = seen(context, look);
    session.interrupt.or(Box::pin(all(&seen))).await
}

/// The same, of what was seen in any pass.
pub(super) async fn all(seen: &Seen<'_>) -> Result<Vec<Foreign>> {
    let found = seen.declaration.resources.iter().filter_map(|declared| {
        let observed = seen.observations.get(&declared.id)?;
        (observed.ownership == Ownership::Ours).then_some((declared, observed))
    });
    let found = found.map(async |(declared, observed)| {
        let parts = declared.resource.foreign_parts(observed, seen).await?;
        let of = |part| Foreign::of(&declared.id, &declared.resource, part);
        anyhow::Ok(parts.into_iter().map(of).collect::<Vec<_>>())
    });
    let found = try_join_all(found).await?;
    Ok(found.into_iter().flatten().collect())
}

/// Reads what others have added to the declared resources, beside what keeps those that `plan` deletes from going. Refuses the plan
/// if AWS would refuse it: before its first call, and with what to do.
pub(super) async fn before_down(
    session: &Session<'_>,
    context: &Context,
    plan: &Plan,
    look: &Look,
) -> Result<Vec<Foreign>> {
    let seen = seen(context, look);
    let is_undeclared = |step: &Step| context.declaration.find(&step.id).is_none();
    let reading = async { tokio::try_join!(all(&seen), of_deletions(plan, &seen, is_undeclared)) };
    let (declared, others) = session.interrupt.or(Box::pin(reading)).await?;
    let is_going = |foreign: &&Foreign| {
        let step = plan.find(&foreign.id);
        step.is_some_and(is_deletion)
    };
    refuse(declared.iter().filter(is_going).chain(&others))?;
    Ok(declared)
}

/// The same for a plan that deletes a few things, of which alone it reads.
pub(super) async fn before_deletions(
    session: &Session<'_>,
    context: &Context,
    plan: &Plan,
    look: &Look,
) -> Result<()> {
    let seen = seen(context, look);
    let reading = of_deletions(plan, &seen, |_| true);
    let found = session.interrupt.or(Box::pin(reading)).await?;
    refuse(found.iter())
}

/// Reads what keeps the resources that `plan` deletes from going, and of those that `is_read` chooses what others have added.
async fn of_deletions(
    plan: &Plan,
    seen: &Seen<'_>,
    is_read: impl Fn(&Step) -> bool,
) -> Result<Vec<Foreign>> {
    let deletions = plan.steps.iter().filter(|step| is_deletion(step));
    let found = deletions.map(async |step: &Step| {
        let parts = async {
            match step.observed().filter(|_| is_read(step)) {
                Some(observed) => step.resource.foreign_parts(observed, seen).await,
                None => Ok(Vec::new()),
            }
        };
        let (parts, obstacles) = tokio::try_join!(parts, step.resource.obstacles(seen))?;
        let all = parts.into_iter().chain(obstacles);
        let all = all.map(|part| Foreign::of(&step.id, &step.resource, part));
        anyhow::Ok(all.collect::<Vec<_>>())
    });
    Ok(try_join_all(found).await?.into_iter().flatten().collect())
}

fn refuse<'a>(found: impl Iterator<Item = &'a Foreign>) -> Result<()> {
    let blocking: Vec<(&Foreign, &str)> = found
        .filter_map(|foreign| match &foreign.part.at_deletion {
            AtDeletion::Blocks(remedy) => Some((foreign, remedy.as_str())),
            AtDeletion::Goes | AtDeletion::Stays => None,
        })
        .collect();
    if blocking.is_empty() {
        return Ok(());
    }
    let what: Vec<String> = blocking
        .iter()
        .map(|(foreign, _)| foreign.words())
        .collect();
    let remedies: Vec<&str> = blocking.iter().map(|(_, remedy)| *remedy).collect();
    bail!(
        Code::Obstructed
            .fault(format!(
                "AWS would refuse the deletion because of {}, which this stack did not make; nothing was changed",
                what.join(", ")
            ))
            .remedy(format!("{}, and run it again", remedies.join(", ")))
    )
}

fn seen<'a>(context: &'a Context, look: &'a Look) -> Seen<'a> {
    Seen {
        declaration: &context.declaration,
        look,
        observations: &context.snapshot.observations,
    }
}

fn is_deletion(step: &Step) -> bool {
    matches!(
        step.action,
        Action::Delete {
            how: Deletion::ByCalls,
            ..
        }
    )
}

/// The lines that name them; empty without any.
pub(super) fn text(found: &[Foreign], paint: Paint) -> String {
    let mut text = String::new();
    if found.is_empty() {
        return text;
    }
    text.push_str("Added by others, and left as it is:\n");
    for foreign in found {
        let words = foreign.words();
        if foreign.part.widens {
            let line = paint.drift(&format!("! {words}"));
            let _ = writeln!(text, "  {line}  lets somebody do more than the stack does");
        } else {
            let _ = writeln!(text, "    {words}");
        }
    }
    text.truncate(text.trim_end().len());
    text
}

/// The same as data.
pub(super) fn document(found: &[Foreign]) -> Value {
    let entries = found.iter().map(|foreign| {
        json!({
            "id": foreign.id,
            "type": foreign.type_name,
            "what": foreign.part.what,
            "widens": foreign.part.widens,
        })
    });
    Value::Array(entries.collect())
}
