//! Carrying out a plan: each step as soon as those it waits for are done, everything else at the same time.

use std::collections::BTreeMap;
use std::future::Future;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::StreamExt;
use futures_util::future::{Fuse, FutureExt, LocalBoxFuture};
use futures_util::stream::FuturesUnordered;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::artifact::Artifact;
use crate::aws::error::{AwsError, Failure};
use crate::aws::{Aws, GRACE};
use crate::declaration::{learn_package, needs_package};
use crate::diff::diff;
use crate::events::Event;
use crate::fault::{Code, Concern, Fault};
use crate::input::Outputs;
use crate::owner::Ownership;
use crate::plan::{Action, Plan, Step};
use crate::resource::{Look, Observation, Replacement, Resource};
use crate::wait::LOOKS;

/// What became of a plan.
#[derive(Debug)]
pub struct Report {
    /// By step id.
    pub steps: BTreeMap<String, (Status, Duration)>,
    /// What is known of all outputs now.
    pub outputs: Outputs,
    /// Each step that failed, with its error; or the reason why the package could not be made.
    pub failures: Vec<anyhow::Error>,
    pub interrupted: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Done,
    Failed,
    NotRun,
}

impl Status {
    pub fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::NotRun => "not-run",
        }
    }
}

impl Report {
    pub fn is_success(&self) -> bool {
        self.failures.is_empty() && !self.interrupted
    }

    /// All of the plan is done after all, with these outputs.
    pub fn end_well(&mut self, outputs: Outputs) {
        self.outputs = outputs;
        self.failures.clear();
        for (status, _) in self.steps.values_mut() {
            *status = Status::Done;
        }
    }

    /// Whether any step changed something.
    pub fn did_something(&self) -> bool {
        self.steps
            .values()
            .any(|(status, _)| *status == Status::Done)
    }
}

/// How a plan is to be carried out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Course<'a> {
    /// Steps that need not settle: somebody else sees to it that they work.
    pub proven: &'a [String],
    /// How many steps may run at the same time; `None` is all that can.
    pub at_once: Option<NonZeroUsize>,
}

/// Once the first step has failed or the run is interrupted, no step is started any more; those that run may
/// end.
pub async fn execute(
    plan: &Plan,
    aws: &Aws,
    outputs: Outputs,
    course: Course<'_>,
    package: impl Future<Output = Result<Arc<Artifact>>>,
    interrupt: impl Future<Output = ()>,
) -> Report {
    let mut package = pin!(package.fuse());
    let mut interrupt = pin!(interrupt.fuse());
    let mut run = Run::new(plan, aws, outputs, course);
    let mut leave_by = pin!(Fuse::terminated());
    loop {
        run.start_what_can_be();
        if run.running.is_empty() && !run.awaits_package() {
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
            Some(progress) = run.running.next() => run.went_on(progress),
            packaged = &mut package => run.packaged(packaged),
        }
    }
    run.report()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting,
    Running,
    /// It exists, so that others may refer to it, but cannot be used yet.
    Settling,
    Ended(Status),
}

/// What a step's work came to.
struct Progress<'a> {
    step: &'a Step,
    resource: Resource,
    /// `None` once it has settled.
    outcome: Result<Option<Value>>,
    started: Instant,
    /// Whether no call was sent.
    is_untouched: bool,
}

struct Run<'a> {
    plan: &'a Plan,
    aws: &'a Aws,
    outputs: Outputs,
    states: BTreeMap<&'a str, State>,
    took: BTreeMap<&'a str, Duration>,
    /// Lanes in use, by step.
    lanes: BTreeMap<&'a str, String>,
    running: FuturesUnordered<LocalBoxFuture<'a, Progress<'a>>>,
    course: Course<'a>,
    failures: Vec<anyhow::Error>,
    interrupted: bool,
}

impl<'a> Run<'a> {
    fn new(plan: &'a Plan, aws: &'a Aws, outputs: Outputs, course: Course<'a>) -> Self {
        let mut run = Self {
            plan,
            aws,
            outputs,
            states: plan
                .steps
                .iter()
                .map(|step| (step.id.as_str(), State::Waiting))
                .collect(),
            took: BTreeMap::new(),
            lanes: BTreeMap::new(),
            running: FuturesUnordered::new(),
            course,
            failures: Vec::new(),
            interrupted: false,
        };
        for step in plan.steps.iter().filter(|step| step.action == Action::Keep) {
            let is_settled = step
                .observed
                .as_ref()
                .is_none_or(|observed| observed.settled);
            if !is_settled && !course.proven.contains(&step.id) {
                run.settle(step, step.resource.clone(), Instant::now());
            } else {
                run.states.insert(&step.id, State::Ended(Status::Done));
            }
        }
        run
    }

    fn is_stopping(&self) -> bool {
        self.interrupted || !self.failures.is_empty()
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
        self.course
            .at_once
            .is_some_and(|most| running >= most.get())
    }

    fn awaits_package(&self) -> bool {
        !self.is_stopping() && self.waiting().any(|step| self.lacks_package(step))
    }

    fn lacks_package(&self, step: &Step) -> bool {
        step.action != Action::Delete
            && needs_package(&self.outputs.resolve(&step.resource.fields()))
    }

    fn start_what_can_be(&mut self) {
        if self.is_stopping() {
            return;
        }
        // What goes along with its container ends without a call, which may make others ready.
        loop {
            let along = self
                .waiting()
                .find(|step| step.along_with.is_some() && self.is_ready(step));
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
                    self.failures.push(error.context(Concern::of(step)));
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

    fn start(&mut self, step: &'a Step, resource: Resource) {
        let aws = self.aws.for_step(&step.id);
        aws.events().send(Event::Started {
            step: step.id.as_str().into(),
        });
        self.states.insert(&step.id, State::Running);
        let started = Instant::now();
        let work = async move {
            let outcome = act(step, &resource, &aws).await.map(Some);
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

    fn settle(&mut self, step: &'a Step, resource: Resource, started: Instant) {
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

    fn packaged(&mut self, packaged: Result<Arc<Artifact>>) {
        match packaged {
            Ok(artifact) => {
                learn_package(&mut self.outputs, &artifact.sha256);
                self.aws.set_artifact(artifact);
            }
            Err(error) => self.failures.push(error),
        }
    }

    fn went_on(&mut self, progress: Progress<'a>) {
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
                if step.action == Action::Delete || self.course.proven.contains(&step.id) {
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
                self.failures.push(error.context(Concern::of(step)));
                self.ended(step, Status::Failed, started);
            }
        }
    }

    fn ended(&mut self, step: &'a Step, status: Status, started: Instant) {
        let took = started.elapsed();
        self.took.insert(&step.id, took);
        self.states.insert(&step.id, State::Ended(status));
        let id = Arc::from(step.id.as_str());
        self.aws.events().send(match status {
            Status::Failed => Event::Failed { step: id, took },
            Status::Done => Event::Finished { step: id, took },
            Status::NotRun => Event::NotRun { step: id },
        });
    }

    fn report(self) -> Report {
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
            interrupted: self.interrupted,
        }
    }
}

async fn act(step: &Step, resource: &Resource, aws: &Aws) -> Result<Value> {
    match (step.action, &step.observed) {
        (Action::Create, _) | (Action::Replace, None) => make(resource, aws).await,
        (Action::Update, Some(observed)) => bring_in_line(resource, observed, aws).await,
        (Action::Replace, Some(observed)) => {
            if resource.replacement() == Replacement::DeleteFirst {
                resource.delete(aws, observed).await?;
            }
            make(resource, aws).await
        }
        (Action::Delete, Some(observed)) => {
            resource.delete(aws, observed).await?;
            Ok(Value::Null)
        }
        (Action::Keep | Action::Update | Action::Delete, _) => Ok(Value::Null),
    }
}

/// How often what is unclear is tried, each time after a look.
const TRIES: usize = LOOKS.len();

/// Updates by what differs now that all references are known. Where it is unclear what an update has done, or it meets
/// what a lost answer or somebody else has done before, the next look says what is left to do.
async fn bring_in_line(resource: &Resource, observed: &Observation, aws: &Aws) -> Result<Value> {
    let mut observed = observed.clone();
    let mut tries = 0;
    loop {
        tries += 1;
        let changes = diff(&observed.state, &resource.fields(), resource.replace_on());
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
        match look(resource, aws, cause).await? {
            Some(found) => observed = found,
            None => return Err(error),
        }
    }
}

/// Creates, and where it is unclear whether that happened, or somebody else was faster, looks before it tries
/// again: creates take no client token, so that repeating one blindly makes a second resource.
async fn make(resource: &Resource, aws: &Aws) -> Result<Value> {
    /// For how long what AWS says exists may be missing where it is read.
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
            look_repeatedly(resource, aws, cause).await?
        } else {
            look(resource, aws, cause).await?
        };
        if let Some(found) = found {
            if let Ownership::Foreign(why) = &found.ownership {
                bail!(Code::MadeMeanwhile.fault(format!(
                    "`{}` was made by somebody else meanwhile: {why}",
                    resource.name()
                )));
            }
            return bring_in_line(resource, &found, aws).await;
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

/// One look is not enough to make a second one.
async fn look_repeatedly(
    resource: &Resource,
    aws: &Aws,
    cause: &AwsError,
) -> Result<Option<Observation>> {
    for pause in LOOKS {
        look_pause(aws, cause, pause).await;
        let found = look(resource, aws, cause).await?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// What there is after `cause`, unless it is what the new one is to stand in for.
async fn look(resource: &Resource, aws: &Aws, cause: &AwsError) -> Result<Option<Observation>> {
    let found = resource
        .observe(&Look::new(aws.clone()))
        .await
        .with_context(|| format!("looking after `{}` failed", cause.operation))?;
    Ok(found
        .filter(|found| !diff(&found.state, &resource.fields(), resource.replace_on()).replace()))
}

async fn look_pause(aws: &Aws, cause: &AwsError, pause: Duration) {
    aws.waiting(
        format!("{cause}; looking whether it was done"),
        pause,
        pause >= Duration::from_secs(1),
    );
    aws.pause(pause).await;
}

/// What AWS answered, unless one of us has said already what that means.
fn cause_of(error: &anyhow::Error) -> Option<&AwsError> {
    match error.downcast_ref::<Fault>() {
        Some(_) => None,
        None => error.downcast_ref(),
    }
}

/// Whether a call was not sent because the run was interrupted.
fn was_stopped(error: &anyhow::Error) -> bool {
    let cause = error.downcast_ref::<AwsError>();
    cause.is_some_and(|cause| cause.failure == Failure::Stopped)
}

/// Whether the failure of a call that changes something leaves open what there is now.
fn wants_a_look(error: &AwsError) -> bool {
    match error.failure {
        Failure::Unclear => true,
        Failure::Refused => {
            !error.is_concurrent_change()
                && matches!(
                    error.code.as_str(),
                    "EntityAlreadyExists"
                        | "ResourceInUseException"
                        | "ResourceAlreadyExistsException"
                        | "ResourceConflictException"
                        | "ConflictException"
                )
        }
        _ => false,
    }
}
