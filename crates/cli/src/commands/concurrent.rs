//! `up` beside another `up` of the same stack: each creates an API, a key and a plan, since names may repeat. By one rule, the
//! same in every run, one of each counts; the run whose own do not count deletes them and goes on with those that do.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Error, Result, bail};
use futures_util::stream;
use provision_aws::apigateway::UsagePlan;
use provision_aws::lambda::Permission;
use provision_engine::aws::Aws;
use provision_engine::declaration::Declaration;
use provision_engine::execute::{ExecuteOptions, Report, Status, execute};
use provision_engine::fault::Code;
use provision_engine::input::Outputs;
use provision_engine::look::Look;
use provision_engine::observe::Snapshot;
use provision_engine::plan::{Action, Plan, Step};
use provision_engine::planner;
use provision_engine::resource::{AnyResource, Kinds, Undeclared};
use provision_package::Prepared;
use tokio::time::Instant;

/// Time for which the other run may make no progress.
const OTHERS_TURN: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Attempts of this run to finish the stack itself.
const TURNS: u32 = 5;

/// The resources that one run has created of kinds whose names may repeat, by their ids on AWS.
#[derive(Debug)]
pub(super) struct Created(BTreeSet<String>);

impl Created {
    /// The resources that `report` says were created.
    pub(super) fn by(plan: &Plan, report: &Report) -> Self {
        let created = plan.steps.iter().filter(|step| {
            let status = report.steps.get(&step.id).map(|(status, _)| *status);
            matches!(step.action, Action::Create { .. })
                && status == Some(Status::Done)
                && step.resource.kind().may_repeat
        });
        Self(
            created
                .filter_map(|step| id_of(&report.outputs, &step.id))
                .collect(),
        )
    }

    /// Returns true if one of them does not count, because another run was faster.
    pub(super) async fn is_beaten(
        &self,
        declaration: &Declaration,
        kinds: &Kinds,
        outputs: &Outputs,
        aws: &Aws,
    ) -> Result<bool> {
        if self.0.is_empty() {
            return Ok(false);
        }
        let look = Look::new(aws.clone());
        let marked = marked(declaration, kinds, &look).await?;
        for declared in &declaration.resources {
            let twins = twins(&marked, &declared.id, &declared.resource).count();
            if twins > 1 && !counts(&declared.id, &declared.resource, outputs, &look).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Returns true if another usage plan of this stack exists beside the one that this run uses, if it has one.
    pub(super) async fn has_rival(
        &self,
        declaration: &Declaration,
        kinds: &Kinds,
        outputs: &Outputs,
        aws: &Aws,
    ) -> Result<bool> {
        let look = Look::new(aws.clone());
        let marked = marked(declaration, kinds, &look).await?;
        Ok(declaration.resources.iter().any(|declared| {
            let used = id_of(outputs, &declared.id);
            declared.resource.is::<UsagePlan>()
                && twins(&marked, &declared.id, &declared.resource)
                    .any(|twin| twin.observed.output["id"].as_str() != used.as_deref())
        }))
    }

    /// Deletes what does not count, and ends when the stack is whole: finished by the other run, or where that makes no progress,
    /// by this one. Returns the outputs that are known then.
    pub(super) async fn give_way(
        &self,
        declaration: &Declaration,
        kinds: &Kinds,
        prepared: &[Prepared],
        aws: &Aws,
    ) -> Result<Outputs> {
        let mut since = Instant::now();
        let mut left_to_do = Vec::new();
        let mut turns = 0;
        loop {
            let (mut plan, known) = plan_again(declaration, kinds, prepared, aws).await?;
            let counting: BTreeSet<String> = declaration
                .resources
                .iter()
                .filter_map(|declared| id_of(&known, &declared.id))
                .collect();
            let lost: BTreeSet<&str> = self.0.difference(&counting).map(String::as_str).collect();
            // The other run deletes its own duplicates.
            plan.steps.retain(|step| {
                !matches!(step.action, Action::Delete { .. }) || is_part_of(&lost, step)
            });
            if plan.is_empty() {
                return Ok(known);
            }
            let differing: Vec<String> = plan
                .steps
                .iter()
                .filter(|step| !step.is_kept())
                .map(|step| step.id.clone())
                .collect();
            if differing != left_to_do {
                left_to_do = differing;
                since = Instant::now();
            }
            if plan.steps.iter().any(|step| is_part_of(&lost, step)) {
                plan.steps.retain(|step| is_part_of(&lost, step));
            } else if !self.has_counting_plan(declaration, &known) && since.elapsed() < OTHERS_TURN
            {
                let reason = format!(
                    "someone else is deploying: waiting for that run to make {}",
                    left_to_do.join(", ")
                );
                aws.waiting(reason, LOOK_EVERY, true);
                aws.pause(LOOK_EVERY).await;
                continue;
            }
            let report = carry_out(&plan, aws, known).await;
            turns += 1;
            match report.failures.into_iter().next() {
                Some(error) if turns >= TURNS || Code::of(&error) == Code::AccessDenied => {
                    return Err(error);
                }
                Some(_) => aws.pause(LOOK_EVERY).await,
                None if turns > TURNS => bail!(
                    Code::MadeMeanwhile
                        .fault(
                            "someone else is deploying the same stack, and does not come to an end"
                        )
                        .remedy("run it again later")
                ),
                None => {}
            }
        }
    }

    /// Returns true if the usage plan that counts is this run's: of two runs of which each has created something that counts, the one
    /// with the plan finishes the stack.
    fn has_counting_plan(&self, declaration: &Declaration, known: &Outputs) -> bool {
        declaration
            .all::<UsagePlan>()
            .any(|(id, _)| id_of(known, id).is_some_and(|id| self.0.contains(&id)))
    }
}

/// The resources with the stack's mark, of all kinds whose names may repeat.
async fn marked(declaration: &Declaration, kinds: &Kinds, look: &Look) -> Result<Vec<Undeclared>> {
    kinds.repeatable(declaration, look).await
}

/// The resources that carry the mark of this declaration.
fn twins<'a>(
    marked: &'a [Undeclared],
    id: &'a str,
    resource: &'a AnyResource,
) -> impl Iterator<Item = &'a Undeclared> {
    marked.iter().filter(move |found| {
        found.resource.type_name() == resource.type_name()
            && found.observed.state["tags"][provision_engine::owner::ID] == id
    })
}

/// Returns true if the resource `id` that this run uses is the one that counts.
async fn counts(id: &str, resource: &AnyResource, outputs: &Outputs, look: &Look) -> Result<bool> {
    let resolved = resource.with_fields(&outputs.resolve(&resource.fields()))?;
    let found = resolved.observe(look).await?;
    let used = id_of(outputs, id);
    Ok(found.is_none_or(|found| found.output["id"].as_str() == used.as_deref()))
}

/// Makes the plan of what is left to do, as another `up` would.
async fn plan_again(
    declaration: &Declaration,
    kinds: &Kinds,
    prepared: &[Prepared],
    aws: &Aws,
) -> Result<(Plan, Outputs)> {
    let look = Look::new(aws.clone());
    let snapshot = Snapshot::read(declaration, kinds, &look, |_| {}).await?;
    let mut known = declaration.known_names();
    for built in prepared.iter().flat_map(Prepared::built) {
        built.register(&mut known, aws);
    }
    planner::up(declaration, &snapshot, known)
}

/// Returns true if `step` deletes one of `lost`, or the statement that was added for an API among them.
fn is_part_of(lost: &BTreeSet<&str>, step: &Step) -> bool {
    match &step.action {
        Action::Delete { observed, .. } => {
            let id = observed.output["id"].as_str();
            id.is_some_and(|id| lost.contains(id))
        }
        Action::Update { observed, .. } if step.resource.is::<Permission>() => {
            let sids = observed.output["sids"].as_array().into_iter().flatten();
            sids.filter_map(|sid| sid.as_str())
                .any(|sid| sid.split('-').any(|part| lost.contains(part)))
        }
        _ => false,
    }
}

async fn carry_out(plan: &Plan, aws: &Aws, known: Outputs) -> Report {
    let options = ExecuteOptions::default();
    // An interrupt stops the calls themselves.
    let interrupt = std::future::pending();
    execute(plan, aws, known, options, stream::empty(), interrupt).await
}

/// Returns true if all of `failures` come from another run that was faster.
pub(super) fn is_lost_race(failures: &[Error]) -> bool {
    !failures.is_empty()
        && failures
            .iter()
            .all(|error| Code::of(error) == Code::KeyElsewhere)
}

fn id_of(outputs: &Outputs, step: &str) -> Option<String> {
    let id = outputs.lookup(&format!("{step}.id"))?.as_str()?;
    Some(id.to_owned())
}
