//! Carrying out a plan: each step as soon as those it waits for are done, everything else at the same time.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use futures_util::Stream;
use futures_util::StreamExt;
use futures_util::future::{Fuse, FutureExt, LocalBoxFuture};
use futures_util::stream::FuturesUnordered;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::aws::{Aws, GRACE};
use crate::declaration::listed;
use crate::diff::diff;
use crate::error::{AwsError, Failure};
use crate::events::Event;
use crate::fault::{Code, Fault};
use crate::input::{Outputs, references};
use crate::look::Look;
use crate::owner::Ownership;
use crate::package::Package;
use crate::plan::{Action, Plan, Step};
use crate::resource::{AnyResource, Observation, Replacement};
use crate::wait::LOOKS;

/// The outcome of a plan.
#[derive(Debug)]
pub struct Report {
    /// Status and time, by step id.
    pub steps: BTreeMap<String, (Status, Duration)>,
    /// All outputs that are known now.
    pub outputs: Outputs,
    /// The errors of the steps that failed, and of packages that could not be built.
    pub failures: Vec<anyhow::Error>,
    /// True if a signal ended the run early.
    pub interrupted: bool,
}

/// The package of one asset, as soon as it is built.
#[derive(Clone, Debug)]
pub struct Built {
    /// The asset's id.
    pub asset: String,
    /// The package.
    pub package: Arc<Package>,
}

impl Built {
    /// Adds the package's hash to the known outputs, and keeps the package for uploads.
    pub fn register(self, outputs: &mut Outputs, aws: &Aws) {
        let sha256 = &self.package.sha256;
        outputs.learn(&self.asset, &serde_json::json!({ "sha256": sha256 }));
        aws.packages().insert(self.package);
    }
}

/// The resource whose step failed, as context of an error: ``creating role `demo` ``.
#[derive(Clone, Debug)]
pub struct FailedStep {
    /// The resource's id within the stack.
    pub id: String,
    /// CloudFormation's name of its kind.
    pub type_name: &'static str,
    /// Its name.
    pub name: String,
    text: String,
}

impl FailedStep {
    fn of(step: &Step) -> Self {
        let verb = match step.action {
            Action::Keep { .. } => "keeping",
            Action::Create { .. } => "creating",
            Action::Update { .. } => "updating",
            Action::Replace { .. } => "replacing",
            Action::Delete { .. } => "deleting",
        };
        Self {
            id: step.id.clone(),
            type_name: step.resource.type_name(),
            name: step.resource.name(),
            text: format!("{verb} {}", step.resource.label()),
        }
    }
}

impl std::fmt::Display for FailedStep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// The outcome of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It succeeded.
    Done,
    /// It failed.
    Failed,
    /// Nothing was sent for it.
    NotRun,
}

impl Status {
    /// Its name in text and JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::NotRun => "not-run",
        }
    }
}

impl Report {
    /// Returns true if every step succeeded.
    pub fn is_success(&self) -> bool {
        self.failures.is_empty() && !self.interrupted
    }

    /// Adds what a later execution did.
    pub fn add(&mut self, later: Self) {
        self.steps.extend(later.steps);
        self.outputs = later.outputs;
        self.failures.extend(later.failures);
        self.interrupted |= later.interrupted;
    }

    /// Turns the report into a success with these outputs.
    pub fn succeed(&mut self, outputs: Outputs) {
        self.outputs = outputs;
        self.failures.clear();
        for (status, _) in self.steps.values_mut() {
            *status = Status::Done;
        }
    }

    /// Returns true if any step changed something.
    pub fn did_something(&self) -> bool {
        self.steps
            .values()
            .any(|(status, _)| *status == Status::Done)
    }
}

/// Options of an execution.
#[derive(Clone, Copy, Debug, Default)]
pub struct ExecuteOptions<'a> {
    /// Ids of steps that need not settle, because the caller checks that they work.
    pub unsettled: &'a [String],
    /// The number of steps that may run at the same time; `None` for no limit.
    pub max_parallel: Option<NonZeroUsize>,
}

/// Carries out `plan`. Steps that need a package wait until `packages` yields it. Once a step has failed or `interrupt` ends,
/// no further step is started; those that run may end.
pub async fn execute(
    plan: &Plan,
    aws: &Aws,
    outputs: Outputs,
    options: ExecuteOptions<'_>,
    packages: impl Stream<Item = Result<Built>>,
    interrupt: impl Future<Output = ()>,
) -> Report {
    let mut packages = pin!(packages.fuse());
    let mut interrupt = pin!(interrupt.fuse());
    let mut run = Run::new(plan, aws, outputs, options);
    let mut leave_by = pin!(Fuse::terminated());
    loop {
        run.start_ready_steps();
        if run.running.is_empty() && (packages.is_done() || !run.awaits_package()) {
            break;
        }
        tokio::select! {
            biased;
            () = &mut interrupt => {
                run.interrupted = true;
                aws.stop();
                leave_by.set(sleep(GRACE).fuse());
            }
            () = &mut leave_by => break,
            Some(progress) = run.running.next() => run.advance(progress),
            Some(built) = packages.next() => run.packaged(built),
        }
    }
    run.report()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting,
    Running,
    /// The resource exists, so that others may refer to it, but cannot be used yet.
    Settling,
    Ended(Status),
}

/// The result of one part of a step's work.
struct Progress<'a> {
    step: &'a Step,
    resource: AnyResource,
    /// The resource's outputs; `None` once it has settled.
    outcome: Result<Option<Value>>,
    started: Instant,
    /// True if no call was sent.
    is_untouched: bool,
}

struct Run<'a> {
    plan: &'a Plan,
    aws: &'a Aws,
    outputs: Outputs,
    states: BTreeMap<&'a str, State>,
    /// The assets that each step still waits for.
    unbuilt: BTreeMap<&'a str, BTreeSet<String>>,
    took: BTreeMap<&'a str, Duration>,
    /// Lanes in use, by step.
    lanes: BTreeMap<&'a str, String>,
    running: FuturesUnordered<LocalBoxFuture<'a, Progress<'a>>>,
    options: ExecuteOptions<'a>,
    /// The ids of all steps: resources with these marks belong to other declarations.
    ids: Arc<BTreeSet<String>>,
    failures: Vec<anyhow::Error>,
    interrupted: bool,
}

impl<'a> Run<'a> {
    fn new(plan: &'a Plan, aws: &'a Aws, outputs: Outputs, options: ExecuteOptions<'a>) -> Self {
        let mut run = Self {
            plan,
            aws,
            unbuilt: unbuilt(plan, &outputs),
            outputs,
            states: plan
                .steps
                .iter()
                .map(|step| (step.id.as_str(), State::Waiting))
                .collect(),
            took: BTreeMap::new(),
            lanes: BTreeMap::new(),
            running: FuturesUnordered::new(),
            options,
            ids: Arc::new(plan.steps.iter().map(|step| step.id.clone()).collect()),
            failures: Vec::new(),
            interrupted: false,
        };
        for step in plan.steps.iter().filter(|step| step.is_kept()) {
            let observed = step.observed();
            let is_settled = observed.is_none_or(|observed| observed.settled);
            if !is_settled && !options.unsettled.contains(&step.id) {
                run.settle(step, step.resource.clone(), Instant::now());
            } else {
                run.states.insert(&step.id, State::Ended(Status::Done));
            }
        }
        run
    }

    fn is_stopping(&self) -> bool {
        self.interrupted || self.aws.is_stopped() || !self.failures.is_empty()
    }

    fn waiting(&self) -> impl Iterator<Item = &'a Step> {
        self.plan
            .steps
            .iter()
            .filter(|step| self.states[step.id.as_str()] == State::Waiting)
    }

    fn is_ready(&self, step: &Step) -> bool {
        step.after.iter().all(|id| {
            let state = self.states.get(id.as_str());
            state.is_none_or(|state| matches!(state, State::Settling | State::Ended(Status::Done)))
        })
    }

    fn is_full(&self) -> bool {
        let running = self
            .states
            .values()
            .filter(|state| **state == State::Running);
        let running = running.count();
        self.options
            .max_parallel
            .is_some_and(|most| running >= most.get())
    }

    fn awaits_package(&self) -> bool {
        !self.is_stopping() && self.waiting().any(|step| self.lacks_package(step))
    }

    fn lacks_package(&self, step: &Step) -> bool {
        self.unbuilt.contains_key(step.id.as_str())
    }

    fn start_ready_steps(&mut self) {
        if self.is_stopping() {
            return;
        }
        // A part that goes along with its container ends without a call, which may make others ready.
        loop {
            let along = self
                .waiting()
                .find(|step| step.along_with().is_some() && self.is_ready(step));
            let Some(step) = along else { break };
            self.states.insert(&step.id, State::Ended(Status::Done));
        }
        let ready: Vec<&'a Step> = self.waiting().filter(|step| self.is_ready(step)).collect();
        for step in ready {
            if self.lacks_package(step) || self.is_full() {
                continue;
            }
            let fields = self.outputs.resolve(&step.resource.fields());
            let resource = match step.resource.with_fields(&fields) {
                Ok(resource) => resource,
                Err(error) => {
                    self.failures.push(error.context(FailedStep::of(step)));
                    return;
                }
            };
            if let Some(lane) = resource.lane() {
                if self.lanes.values().any(|busy| *busy == lane) {
                    continue;
                }
                self.lanes.insert(&step.id, lane);
            }
            self.start(step, resource);
        }
    }

    fn start(&mut self, step: &'a Step, resource: AnyResource) {
        let aws = self.aws.for_step(&step.id);
        aws.events().send(&Event::Started {
            step: step.id.as_str().into(),
        });
        self.states.insert(&step.id, State::Running);
        let started = Instant::now();
        let (stack, ids) = (self.plan.stack.as_str(), self.ids.clone());
        let work = async move {
            let new_look =
                || Look::new(aws.clone()).declaring(stack, ids.iter().cloned().collect());
            let outcome = act(step, &resource, &aws, &new_look).await.map(Some);
            Progress {
                step,
                resource,
                outcome,
                started,
                is_untouched: !aws.has_called(),
            }
        };
        self.running.push(work.boxed_local());
    }

    fn settle(&mut self, step: &'a Step, resource: AnyResource, started: Instant) {
        let aws = self.aws.for_step(&step.id);
        self.states.insert(&step.id, State::Settling);
        let work = async move {
            let outcome = resource.settle(&aws).await.map(|()| None);
            Progress {
                step,
                resource,
                outcome,
                started,
                is_untouched: false,
            }
        };
        self.running.push(work.boxed_local());
    }

    fn packaged(&mut self, built: Result<Built>) {
        match built {
            Ok(built) => {
                self.unbuilt.retain(|_, assets| {
                    assets.remove(&built.asset);
                    !assets.is_empty()
                });
                built.register(&mut self.outputs, self.aws);
            }
            Err(error) => self.failures.push(error),
        }
    }

    fn advance(&mut self, progress: Progress<'a>) {
        let Progress {
            step,
            resource,
            outcome,
            started,
            is_untouched,
        } = progress;
        self.lanes.remove(step.id.as_str());
        match outcome {
            Ok(Some(output)) => {
                self.outputs.learn(&step.id, &output);
                let is_deleted = matches!(step.action, Action::Delete { .. });
                if is_deleted || self.options.unsettled.contains(&step.id) {
                    self.ended(step, Status::Done, started);
                } else {
                    self.settle(step, resource, started);
                }
            }
            Ok(None) => self.ended(step, Status::Done, started),
            Err(error) if is_untouched && was_stopped(&error) => {
                self.ended(step, Status::NotRun, started);
            }
            Err(error) => {
                self.failures.push(error.context(FailedStep::of(step)));
                self.ended(step, Status::Failed, started);
            }
        }
    }

    fn ended(&mut self, step: &'a Step, status: Status, started: Instant) {
        let took = started.elapsed();
        self.took.insert(&step.id, took);
        self.states.insert(&step.id, State::Ended(status));
        let id = Arc::from(step.id.as_str());
        self.aws.events().send(&match status {
            Status::Failed => Event::Failed { step: id, took },
            Status::Done => Event::Finished { step: id, took },
            Status::NotRun => Event::NotRun { step: id },
        });
    }

    /// The steps that nothing will ever start, although the run was not stopped.
    fn stuck(&self) -> Vec<anyhow::Error> {
        let stuck: Vec<&Step> = self.waiting().filter(|_| !self.is_stopping()).collect();
        let lacking = stuck.iter().filter_map(|step| {
            let assets = self.unbuilt.get(step.id.as_str())?;
            let label = step.resource.label();
            let assets = listed(assets);
            Some(anyhow!(
                "{label} was not started: there is no package of {assets}"
            ))
        });
        let lacking: Vec<anyhow::Error> = lacking.collect();
        if lacking.is_empty() && !stuck.is_empty() {
            let ids = listed(stuck.iter().map(|step| &step.id));
            return vec![anyhow!("steps wait for one another: {ids}")];
        }
        lacking
    }

    fn report(mut self) -> Report {
        let stuck = self.stuck();
        self.failures.extend(stuck);
        let steps = self.plan.steps.iter().map(|step| {
            let status = match self.states[step.id.as_str()] {
                State::Ended(status) => status,
                State::Waiting => Status::NotRun,
                State::Running | State::Settling => Status::Failed,
            };
            let took = self.took.get(step.id.as_str()).copied().unwrap_or_default();
            (step.id.clone(), (status, took))
        });
        Report {
            steps: steps.collect(),
            outputs: self.outputs,
            failures: self.failures,
            interrupted: self.interrupted || self.aws.is_stopped(),
        }
    }
}

/// The assets that each step of `plan` needs and `outputs` does not know: references to ids that are no steps.
fn unbuilt<'a>(plan: &'a Plan, outputs: &Outputs) -> BTreeMap<&'a str, BTreeSet<String>> {
    let ids: BTreeSet<&str> = plan.steps.iter().map(|step| step.id.as_str()).collect();
    let waiting = plan
        .steps
        .iter()
        .filter(|step| !matches!(step.action, Action::Keep { .. } | Action::Delete { .. }));
    let unbuilt = waiting.map(|step| {
        let fields = outputs.resolve(&step.resource.fields());
        let assets = references(&fields).into_iter().filter_map(|path| {
            let (id, name) = path.rsplit_once('.')?;
            (name == "sha256" && !ids.contains(id)).then(|| id.to_owned())
        });
        (step.id.as_str(), assets.collect::<BTreeSet<_>>())
    });
    unbuilt.filter(|(_, assets)| !assets.is_empty()).collect()
}

/// Starts a new pass over the account, which knows the declared ids.
type NewLook<'a> = &'a dyn Fn() -> Look;

async fn act(
    step: &Step,
    resource: &AnyResource,
    aws: &Aws,
    new_look: NewLook<'_>,
) -> Result<Value> {
    match &step.action {
        Action::Create { .. } => create(resource, aws, new_look).await,
        Action::Update { observed, .. } => update(resource, observed, aws, new_look).await,
        Action::Replace { observed, .. } => {
            if resource.kind().replacement == Replacement::DeleteFirst {
                resource.delete(aws, observed).await?;
                return create(resource, aws, new_look).await;
            }
            let created = create(resource, aws, new_look).await?;
            resource.retire(aws, observed).await?;
            Ok(created)
        }
        Action::Delete { observed, .. } => {
            resource.delete(aws, observed).await?;
            Ok(Value::Null)
        }
        Action::Keep { .. } => Ok(Value::Null),
    }
}

/// The number of times an unclear change is tried, each time after a look.
const TRIES: usize = LOOKS.len();

/// Updates the fields that differ now that all references are known. Where the effect of an update is unclear, or it meets
/// the effect of a lost answer or of somebody else, the next look says what is left to do.
async fn update(
    resource: &AnyResource,
    observed: &Observation,
    aws: &Aws,
    new_look: NewLook<'_>,
) -> Result<Value> {
    let mut observed = observed.clone();
    let mut tries = 0;
    loop {
        tries += 1;
        let changes = diff(
            &observed.state,
            &resource.fields(),
            resource.kind().replace_on,
        );
        if changes.is_empty() {
            return Ok(observed.output);
        }
        let error = match resource.update(aws, &observed, &changes).await {
            Ok(output) => return Ok(output),
            Err(error) => error,
        };
        let cause = cause_of(&error).filter(|cause| wants_a_look(cause) || cause.is_not_found());
        let Some(cause) = cause.filter(|_| tries < TRIES) else {
            return Err(error);
        };
        look_pause(aws, cause, LOOKS[tries - 1]).await;
        match look(resource, new_look, cause).await? {
            Some(found) => observed = found,
            None => return Err(error),
        }
    }
}

/// Creates, and where it is unclear whether that happened, or somebody else was faster, looks before it tries
/// again: creates take no client token, so that repeating one blindly creates a second resource.
async fn create(resource: &AnyResource, aws: &Aws, new_look: NewLook<'_>) -> Result<Value> {
    /// The time for which a resource that exists may be missing from reads.
    const SHOWN_WITHIN: Duration = Duration::from_mins(1);
    let (mut unclear, mut taken) = (0, 0);
    let started = Instant::now();
    loop {
        let error = match resource.create(aws).await {
            Ok(output) => return Ok(output),
            Err(error) => error,
        };
        let Some(cause) = cause_of(&error).filter(|cause| wants_a_look(cause)) else {
            return Err(error);
        };
        let is_unclear = cause.failure == Failure::Unclear;
        let found = if is_unclear {
            unclear += 1;
            look_repeatedly(resource, aws, new_look, cause).await?
        } else {
            look(resource, new_look, cause).await?
        };
        if let Some(found) = found {
            if let Ownership::Foreign(why) = &found.ownership {
                bail!(Code::MadeMeanwhile.fault(format!(
                    "`{}` was made by somebody else meanwhile: {why}",
                    resource.name()
                )));
            }
            return update(resource, &found, aws, new_look).await;
        }
        let is_over = if is_unclear {
            unclear == TRIES
        } else {
            started.elapsed() > SHOWN_WITHIN
        };
        if is_over {
            return Err(error);
        }
        if !is_unclear {
            look_pause(aws, cause, LOOKS[taken.min(LOOKS.len() - 1)]).await;
            taken += 1;
        }
    }
}

/// Looks several times before the create counts as lost, because a retry would duplicate the resource.
async fn look_repeatedly(
    resource: &AnyResource,
    aws: &Aws,
    new_look: NewLook<'_>,
    cause: &AwsError,
) -> Result<Option<Observation>> {
    for pause in LOOKS {
        look_pause(aws, cause, pause).await;
        let found = look(resource, new_look, cause).await?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Observes the resource after `cause`. The old resource of a replacement does not count.
async fn look(
    resource: &AnyResource,
    new_look: NewLook<'_>,
    cause: &AwsError,
) -> Result<Option<Observation>> {
    let found = resource
        .observe(&new_look())
        .await
        .with_context(|| format!("looking after `{}` failed", cause.operation))?;
    Ok(found.filter(|found| {
        !diff(&found.state, &resource.fields(), resource.kind().replace_on).replace()
    }))
}

async fn look_pause(aws: &Aws, cause: &AwsError, pause: Duration) {
    aws.waiting(
        format!("{cause}; looking whether it was done"),
        pause,
        pause >= Duration::from_secs(1),
    );
    aws.pause(pause).await;
}

/// Returns AWS's answer, unless it was interpreted already.
fn cause_of(error: &anyhow::Error) -> Option<&AwsError> {
    match error.downcast_ref::<Fault>() {
        Some(_) => None,
        None => error.downcast_ref(),
    }
}

/// Returns true if a call was not sent because the run was interrupted.
fn was_stopped(error: &anyhow::Error) -> bool {
    let cause = error.downcast_ref::<AwsError>();
    cause.is_some_and(|cause| cause.failure == Failure::Stopped)
}

/// Returns true if the failure of a call that changes something leaves open what exists now.
fn wants_a_look(error: &AwsError) -> bool {
    match error.failure {
        Failure::Unclear => true,
        Failure::Refused => error.is_existing(),
        _ => false,
    }
}
