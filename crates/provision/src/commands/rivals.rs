//! `up` beside another `up` of the same stack: each makes an API, a key and a plan, since names may repeat. By one rule, the same
//! in every run, one of each counts; the run whose own do not count takes them back and goes on with those that do.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Error, Result, bail};
use tokio::time::Instant;

use super::{Seen, see};
use crate::aws::Aws;
use crate::declaration::{Stack, learn_package};
use crate::execute::{Course, Report, Status, execute};
use crate::fault::Code;
use crate::input::Outputs;
use crate::plan::{Action, Plan, Step};
use crate::planner;
use crate::resource::{Look, Resource};

/// How long the other run may make no headway with what counts.
const OTHERS_TURN: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How often this run tries to bring the rest about.
const TURNS: u32 = 5;

/// What one run has made of the kinds whose names may repeat.
#[derive(Debug)]
pub(super) struct Made(BTreeSet<String>);

impl Made {
    pub(super) fn by(plan: &Plan, report: &Report) -> Self {
        let made = plan.steps.iter().filter(|step| {
            let status = report.steps.get(&step.id).map(|(status, _)| *status);
            step.action == Action::Create
                && status == Some(Status::Done)
                && is_repeatable(&step.resource)
        });
        Self(
            made.filter_map(|step| id_of(&report.outputs, &step.id))
                .collect(),
        )
    }

    /// Whether something of it does not count, because another run was faster.
    pub(super) async fn is_beaten(
        &self,
        stack: &Stack,
        outputs: &Outputs,
        aws: &Aws,
    ) -> Result<bool> {
        if self.0.is_empty() {
            return Ok(false);
        }
        let look = Look::new(aws.clone());
        let (apis, keys, plans) =
            tokio::try_join!(look.rest_apis(), look.api_keys(), look.usage_plans())?;
        for declared in &stack.declared {
            let twins = match &declared.resource {
                Resource::RestApi(api) => {
                    let found = apis.iter().filter(|found| api.tags.marks(found.tags()));
                    found.count()
                }
                Resource::ApiKey(key) => {
                    let found = keys.iter().filter(|found| key.tags.marks(found.tags()));
                    found.count()
                }
                Resource::UsagePlan(plan) => {
                    let found = plans.iter().filter(|found| plan.tags.marks(found.tags()));
                    found.count()
                }
                _ => continue,
            };
            if twins > 1
                && !self
                    .counts(&declared.id, &declared.resource, outputs, &look)
                    .await?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the resource `id` that this run uses is the one that counts.
    async fn counts(
        &self,
        id: &str,
        resource: &Resource,
        outputs: &Outputs,
        look: &Look,
    ) -> Result<bool> {
        let resolved = resource.with_fields(&outputs.resolve(&resource.fields()))?;
        let found = resolved.observe(look).await?;
        let used = id_of(outputs, id);
        Ok(found.is_none_or(|found| found.output["id"].as_str() == used.as_deref()))
    }

    /// Whether another plan of this stack stands beside the one that this run uses, if it has one.
    pub(super) async fn has_rival(
        &self,
        stack: &Stack,
        outputs: &Outputs,
        aws: &Aws,
    ) -> Result<bool> {
        let look = Look::new(aws.clone());
        let found = look.usage_plans().await?;
        Ok(stack.declared.iter().any(|declared| {
            let Resource::UsagePlan(plan) = &declared.resource else {
                return false;
            };
            let used = id_of(outputs, &declared.id);
            found
                .iter()
                .any(|found| plan.tags.marks(found.tags()) && found.id() != used.as_deref())
        }))
    }

    /// Takes back what does not count, and ends when the stack is whole: made so by the other run, or where that does not
    /// go on, by this one, for which `aws` has the package. Returns what is known then.
    pub(super) async fn give_way(&self, stack: &Stack, aws: &Aws) -> Result<Outputs> {
        let mut since = Instant::now();
        let mut left_to_do = Vec::new();
        let mut turns = 0;
        loop {
            let (mut plan, known) = plan_again(stack, aws).await?;
            let counting: BTreeSet<String> = stack
                .declared
                .iter()
                .filter_map(|declared| id_of(&known, &declared.id))
                .collect();
            let lost: BTreeSet<&str> = self.0.difference(&counting).map(String::as_str).collect();
            // What the other run has made is its own to take back.
            plan.steps
                .retain(|step| step.action != Action::Delete || is_part_of(&lost, step));
            if plan.is_empty() {
                return Ok(known);
            }
            let differing: Vec<String> = plan
                .steps
                .iter()
                .filter(|step| step.action != Action::Keep)
                .map(|step| step.id.clone())
                .collect();
            if differing != left_to_do {
                left_to_do = differing;
                since = Instant::now();
            }
            if plan.steps.iter().any(|step| is_part_of(&lost, step)) {
                plan.steps.retain(|step| is_part_of(&lost, step));
            } else if !self.has_counting_plan(stack, &known) && since.elapsed() < OTHERS_TURN {
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

    /// Of two runs of which each has made something that counts, the one with the plan brings all together.
    fn has_counting_plan(&self, stack: &Stack, known: &Outputs) -> bool {
        stack.declared.iter().any(|declared| {
            matches!(declared.resource, Resource::UsagePlan(_))
                && id_of(known, &declared.id).is_some_and(|id| self.0.contains(&id))
        })
    }
}

/// What is left to do, as another `up` would find it.
async fn plan_again(stack: &Stack, aws: &Aws) -> Result<(Plan, Outputs)> {
    let Seen {
        target,
        observations,
        orphans,
    } = see(stack, &Look::new(aws.clone()), |_| {}).await?;
    let account = planner::Account {
        target: &target,
        observations: &observations,
        orphans: &orphans,
    };
    let mut known = stack.known_names();
    if let Ok(artifact) = aws.artifact() {
        learn_package(&mut known, &artifact.sha256);
    }
    planner::up(stack, account, known)
}

/// Whether `step` removes something of `lost`, or the statement that was added for an API of it.
fn is_part_of(lost: &BTreeSet<&str>, step: &Step) -> bool {
    let Some(observed) = &step.observed else {
        return false;
    };
    match (&step.resource, step.action) {
        (_, Action::Delete) => {
            let id = observed.output["id"].as_str();
            id.is_some_and(|id| lost.contains(id))
        }
        (Resource::Permission(_), Action::Update) => {
            let sids = observed.output["sids"].as_array().into_iter().flatten();
            sids.filter_map(|sid| sid.as_str())
                .any(|sid| sid.split('-').any(|part| lost.contains(part)))
        }
        _ => false,
    }
}

async fn carry_out(plan: &Plan, aws: &Aws, known: Outputs) -> Report {
    let no_package = std::future::pending();
    let course = Course::default();
    // Whoever interrupts stops the calls themselves.
    execute(plan, aws, known, course, no_package, std::future::pending()).await
}

/// Whether all of `failures` come from another run that was faster.
pub(super) fn are_rivalry(failures: &[Error]) -> bool {
    !failures.is_empty()
        && failures
            .iter()
            .all(|error| Code::of(error) == Code::KeyElsewhere)
}

fn is_repeatable(resource: &Resource) -> bool {
    matches!(
        resource,
        Resource::RestApi(_) | Resource::ApiKey(_) | Resource::UsagePlan(_)
    )
}

fn id_of(outputs: &Outputs, step: &str) -> Option<String> {
    let id = outputs.lookup(&format!("{step}.id"))?.as_str()?;
    Some(id.to_owned())
}
