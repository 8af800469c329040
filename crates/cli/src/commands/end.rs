//! The end of a deployment: its endpoints answer, and nothing of it is there twice.

use std::pin::pin;

use anyhow::Result;
use futures_util::future::{pending, try_join_all};
use futures_util::stream;
use provision_aws::live::{self, Patience};
use provision_engine::aws::Aws;
use provision_engine::declaration::Declaration;
use provision_engine::execute::{ExecuteOptions, Report, execute};
use provision_engine::fault::Code;
use provision_engine::input::Outputs;
use provision_engine::look::Look;
use provision_engine::observe::{Observations, Seen, observe};
use provision_engine::plan::Plan;
use provision_engine::planner;
use provision_engine::resource::Kinds;
use provision_engine::stack::Check;
use provision_engine::target::Target;
use provision_package::Preparation;

use super::concurrent::{Created, is_lost_race};
use super::foreign;

/// The end of a deployment: the checks, and the duplicates of a concurrent run.
pub(super) struct End<'a> {
    pub(super) checks: &'a [Check],
    pub(super) declaration: &'a Declaration,
    pub(super) kinds: &'a Kinds,
    pub(super) target: &'a Target,
    pub(super) aws: &'a Aws,
}

impl End<'_> {
    /// Waits for the endpoints, and removes duplicates made by a concurrent run. What is deployed anew becomes a part of the plan and
    /// of the report.
    pub(super) async fn finish(
        &self,
        plan: &mut Plan,
        report: &mut Report,
        preparation: &mut Preparation,
    ) -> Result<()> {
        let patience = if takes_snapshots(plan) {
            Patience::Full
        } else if plan.is_empty() {
            Patience::Unchanged
        } else {
            Patience::Changed
        };
        let mut ended = self.finish_once(plan, report, preparation, patience).await;
        if patience != Patience::Full
            && let Err(error) = &ended
            && Code::of(error) == Code::NotLive
        {
            let why = format!("{error:#}");
            ended = self.deploy_anew(plan, report, &why).await;
        }
        if ended
            .as_ref()
            .is_err_and(|error| Code::of(error) == Code::NotLive)
        {
            self.tell_of_others().await;
        }
        ended
    }

    /// Names what others have added: where all is as declared, it may be the reason why an endpoint does not answer.
    async fn tell_of_others(&self) {
        let look = &Look::new(self.aws.clone());
        let found = async {
            let observations = &observe(self.declaration, look).await?;
            let seen = Seen {
                declaration: self.declaration,
                look,
                observations,
            };
            foreign::all(&seen).await
        };
        for foreign in found.await.unwrap_or_default() {
            let words = foreign.words();
            self.aws
                .events()
                .note(format!("it may be for what others have added: {words}"));
        }
    }

    async fn finish_once(
        &self,
        plan: &Plan,
        report: &mut Report,
        preparation: &mut Preparation,
        patience: Patience,
    ) -> Result<()> {
        let has_lost = is_lost_race(&report.failures);
        if !report.is_success() && !has_lost {
            return Ok(());
        }
        let created = Created::by(plan, report);
        if has_lost {
            let outputs = &report.outputs;
            if !created
                .has_rival(self.declaration, self.kinds, outputs, self.aws)
                .await?
            {
                return Ok(());
            }
        } else {
            let mut asked = pin!(self.answer(plan, &report.outputs, patience));
            let mut beaten =
                pin!(created.is_beaten(self.declaration, self.kinds, &report.outputs, self.aws));
            tokio::select! {
                biased;
                is_beaten = &mut beaten => if !is_beaten? {
                    return asked.await;
                },
                outcome = &mut asked => if !beaten.await? {
                    return outcome;
                },
            }
        }
        self.aws.events().note(
            "someone else is deploying the same stack: this run deletes the duplicates it created",
        );
        // From here on only its outcome counts.
        report.failures.clear();
        preparation.all().await?;
        let outputs = created
            .give_way(
                self.declaration,
                self.kinds,
                preparation.prepared(),
                self.aws,
            )
            .await?;
        report.succeed(outputs);
        self.answer(plan, &report.outputs, patience).await
    }

    /// Takes the snapshots of the stack anew: a stage may serve one that was taken while a setting was another one, which nothing in
    /// the account tells.
    async fn deploy_anew(&self, plan: &mut Plan, report: &mut Report, why: &str) -> Result<()> {
        self.aws
            .events()
            .note(format!("{why}; all is as declared, so it is deployed anew"));
        let look = Look::new(self.aws.clone());
        let mut observations = Observations::new();
        for declared in planner::users_of_snapshots(self.declaration) {
            let fields = report.outputs.resolve(&declared.resource.fields());
            let observed = declared
                .resource
                .with_fields(&fields)?
                .observe(&look)
                .await?;
            observations.extend(observed.map(|observed| (declared.id.clone(), observed)));
        }
        let (anew, known) = planner::anew(
            self.declaration,
            self.target,
            &observations,
            &report.outputs,
        )?;
        let options = ExecuteOptions::default();
        let done = execute(&anew, self.aws, known, options, stream::empty(), pending()).await;
        report.add(done);
        plan.overlay(anew);
        if !report.is_success() {
            return Ok(());
        }
        self.answer(plan, &report.outputs, Patience::Full).await
    }

    /// Waits until all endpoints answer, unless a resource that has to answer turns out to be broken.
    async fn answer(&self, plan: &Plan, outputs: &Outputs, patience: Patience) -> Result<()> {
        if self.checks.is_empty() {
            return Ok(());
        }
        let proven = plan.steps.iter().filter(|step| {
            let mut checks = self.checks.iter();
            checks.any(|check| check.proves.contains(&step.id))
        });
        let settled = try_join_all(
            proven.map(async |step| step.resource.settle(&self.aws.for_step(&step.id)).await),
        );
        let checks = self.checks.iter();
        let mut live =
            pin!(try_join_all(checks.map(|check| {
                live::wait_until_live(check, outputs, self.aws, patience)
            })));
        tokio::select! {
            outcome = &mut live => outcome.map(|_| ()),
            settled = settled => {
                settled?;
                live.await.map(|_| ())
            }
        }
    }
}

/// Returns true if nothing can be deployed anew: this plan does so, or the stack has no snapshots.
fn takes_snapshots(plan: &Plan) -> bool {
    let mut steps = plan.steps.iter();
    steps.all(|step| !step.resource.kind().is_snapshot || !step.is_kept())
}
