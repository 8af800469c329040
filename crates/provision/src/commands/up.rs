//! `up`: make the account match the declaration.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use futures_util::future::try_join_all;
use serde_json::json;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::rivals::{Made, are_rivalry};
use super::{Session, connect, goes_on, look, losses, may_lose, outputs};
use crate::artifact::{Artifact, Binary, build};
use crate::aws::{Aws, GRACE};
use crate::cli::{self, Wait};
use crate::config::Making;
use crate::deadline::Deadline;
use crate::declaration::{Check, Stack, learn_package, needs_package};
use crate::execute::{Course, Report, Status, execute};
use crate::exit::Exit;
use crate::fault::Code;
use crate::github::summary;
use crate::input::Outputs;
use crate::live;
use crate::observe::Observations;
use crate::plan::{Action, Plan};
use crate::plan_text;
use crate::planner;
use crate::render;
use crate::resource::Look;
use crate::saved::SavedPlan;
use crate::screen::Listener;
use crate::secret::Secret;
use crate::selection::Selection;
use crate::stack;
use crate::typed::Typed;

/// How long a build may keep everything waiting. A handler that does not compile fails within this time, before
/// anything is changed; a first build takes minutes, in which the rest can be made.
const BUILD_GRACE: Duration = Duration::from_secs(5);

pub async fn run(session: &Session, arguments: &cli::Up) -> Result<Exit> {
    let started = Instant::now();
    let deadline = Deadline::after(arguments.timeout);
    match deadline.or(Box::pin(prepare(session, arguments))).await? {
        Some(agreed) => deploy(session, arguments, agreed, deadline, started).await,
        None => Ok(Exit::Failed),
    }
}

/// A plan that nobody objects to, and what it is carried out with.
struct Agreed {
    aws: Aws,
    listener: Listener,
    stack: Stack,
    plan: Plan,
    known: Outputs,
    preparation: Preparation,
    is_whole: bool,
    /// What goes on from where this run ends.
    again: String,
}

/// Everything before the first write; `None` if the user declined.
async fn prepare(session: &Session, arguments: &cli::Up) -> Result<Option<Agreed>> {
    let Intent {
        saved,
        making,
        selection,
        mut preparation,
    } = Intent::of(arguments)?;
    let (aws, listener) = connect(session).await?;
    let stack = stack::lab(&making.settings(&session.config, aws.region()))?;
    stack.check()?;
    making.check(&stack)?;
    let reading = Look::new(aws.clone()).adopting(&making.adopt);
    let seen = look(session, &stack, &reading).await?;
    drop(reading);
    let strangers = planner::strangers(&stack, &seen.observations);
    if !strangers.is_empty() {
        let again = session.here(selection.typed(making.typed("up")));
        bail!(render::strangers(&strangers, again));
    }

    let mut known = stack.known_names();
    if saved.is_some() || is_package_compared(&stack, &seen.observations) {
        let artifact = session.interrupt.or(preparation.package_mut()).await?;
        learn_package(&mut known, &artifact.sha256);
        aws.set_artifact(artifact);
    } else {
        session
            .interrupt
            .or(preparation.checked_within(BUILD_GRACE))
            .await?;
    }
    let (mut plan, known) = planner::up(&stack, seen.account(), known)?;
    let left_out = selection.apply(&mut plan, &stack)?;
    session.say_left_out(&left_out, making.typed("up"));
    if let Some(saved) = &saved {
        saved.check(&plan)?;
    }
    if !plan.is_empty() && !agrees(session, &aws, &stack, &plan).await? {
        return Ok(None);
    }
    Ok(Some(Agreed {
        aws,
        listener,
        stack,
        plan,
        known,
        preparation,
        is_whole: left_out.is_empty(),
        again: again(session, arguments, &making, &selection),
    }))
}

async fn deploy(
    session: &Session,
    arguments: &cli::Up,
    agreed: Agreed,
    deadline: Deadline,
    started: Instant,
) -> Result<Exit> {
    let Agreed {
        aws,
        listener,
        stack,
        plan,
        known,
        mut preparation,
        is_whole,
        again,
    } = agreed;
    let console = &session.console;
    let check = stack
        .check
        .as_ref()
        .filter(|_| arguments.wait == Wait::Live && is_whole);
    let proven: Vec<String> = match arguments.wait {
        Wait::None => plan.steps.iter().map(|step| step.id.clone()).collect(),
        Wait::Ready | Wait::Live => check.map(|check| check.proves.clone()).unwrap_or_default(),
    };
    let group = console.group("Execution");
    session.on_record(|record| record.planned(&plan));
    listener.name_steps(&plan);
    let package = async { preparation.package_mut().await };
    let interrupted = async {
        tokio::select! {
            _ = session.interrupt.wait() => {}
            () = deadline.wait() => {}
        }
    };
    let course = Course {
        proven: &proven,
        at_once: arguments.parallelism,
    };
    let mut report = execute(&plan, &aws, known, course, package, interrupted).await;
    let mut failures = Vec::new();
    if report.interrupted && session.interrupt.signal().is_none() {
        failures.push(
            deadline
                .passed("calls in flight were allowed to end")
                .into(),
        );
    }
    // A part of the plan has nothing to show for itself, and leaves the rest alone.
    let has_an_end = is_whole && arguments.wait != Wait::None;
    if has_an_end && !plan.is_empty() && !report.interrupted {
        let end = finish(check, &stack, &plan, &mut report, &aws, &mut preparation);
        failures.extend(in_time(session, deadline, &aws, end).await.err());
    }
    let report = of_what_exists(report, &plan);
    let shown_key = if report.is_success() && console.may_show_secrets() {
        outputs::key(session, &aws, &report.outputs).await.ok()
    } else {
        None
    };
    session.on_record(|record| {
        record.packaged(preparation.made.as_deref());
        let outputs = outputs::values(&stack, &report.outputs);
        record.carried_out(&plan, &report, outputs, &failures);
    });
    drop(aws);
    listener.finish().await;
    drop(group);
    let took = started.elapsed();
    pass_on(session, &stack, &plan, &report, &failures, took);
    if report.is_success() && failures.is_empty() {
        conclude(session, &stack, &plan, &report, shown_key.as_ref(), took);
        return Ok(Exit::Done);
    }
    Ok(ended_early(session, &plan, &report, &failures, &again))
}

/// What goes on from where a run ends. A saved plan cannot: the account has moved since.
fn again(session: &Session, arguments: &cli::Up, making: &Making, selection: &Selection) -> String {
    let command = |name: &str| selection.typed(making.typed(name));
    match &arguments.plan {
        None => goes_on(&session.command(command("up"))),
        Some(file) => {
            let file = file.display();
            let plan = session.command(command("plan").option("--out", Some(&file)));
            let up = session.command(Typed::from("up").word(&file.to_string()));
            format!("`{plan}` and `{up}` go on from here")
        }
    }
}

/// What is to be done, from a saved plan or the command line.
struct Intent {
    saved: Option<SavedPlan>,
    making: Making,
    selection: Selection,
    preparation: Preparation,
}

impl Intent {
    fn of(arguments: &cli::Up) -> Result<Self> {
        if let Some(path) = &arguments.plan {
            let saved = SavedPlan::read(path)?;
            return Ok(Self {
                making: saved.making.clone(),
                selection: saved.selection.clone(),
                preparation: Preparation::done(saved.artifact()?),
                saved: Some(saved),
            });
        }
        let making = Making::new(&arguments.make)?;
        Ok(Self {
            saved: None,
            preparation: Preparation::start(&making)?,
            selection: arguments.select.selection(),
            making,
        })
    }
}

/// Shows the plan, and asks if it would lose somebody's data.
async fn agrees(session: &Session, aws: &Aws, stack: &Stack, plan: &Plan) -> Result<bool> {
    let console = &session.console;
    let group = console.group("Plan");
    console.say(&plan_text::plan(
        plan,
        console.stderr_paint(),
        session.config.verbose,
    ));
    drop(group);
    let removed: Vec<&str> = plan.losing_data().map(|step| step.id.as_str()).collect();
    let lost = losses(aws, stack, |id| removed.contains(&id));
    let lost = session.interrupt.or(lost).await?;
    let lost: Vec<String> = lost.into_values().collect();
    let remedy = "`--yes` to go ahead";
    may_lose(session, plan, &lost, !removed.is_empty(), remedy).await
}

/// Without the outputs of what is not there: names are known from the declaration alone.
fn of_what_exists(report: Report, plan: &Plan) -> Report {
    let is_there = |id: &str| {
        let step = plan.steps.iter().find(|step| step.id == id);
        step.is_some_and(|step| match step.action {
            Action::Keep | Action::Update => step.observed.is_some(),
            Action::Create | Action::Replace => {
                let ended = report.steps.get(id);
                ended.is_some_and(|(status, _)| *status == Status::Done)
            }
            Action::Delete => false,
        })
    };
    Report {
        outputs: report.outputs.clone().of(is_there),
        ..report
    }
}

/// `work` after all steps, unless a signal or the deadline ends it.
async fn in_time(
    session: &Session,
    deadline: Deadline,
    aws: &Aws,
    work: impl Future<Output = Result<()>>,
) -> Result<()> {
    const STATE: &str = "all steps are done, and the endpoint has not answered yet";
    let mut work = pin!(work);
    let why = tokio::select! {
        outcome = &mut work => return outcome,
        _ = session.interrupt.wait() => Code::Interrupted.fault(format!("interrupted; {STATE}")),
        () = deadline.wait() => deadline.passed(STATE),
    };
    // It may be taking back what another run has made as well: calls in flight end.
    aws.stop();
    let _ = timeout(GRACE, work).await;
    bail!(why)
}

/// Sees to it that the endpoint answers, and that of all that two runs at once have made one counts.
async fn finish(
    check: Option<&Check>,
    stack: &Stack,
    plan: &Plan,
    report: &mut Report,
    aws: &Aws,
    preparation: &mut Preparation,
) -> Result<()> {
    let is_rivalry = are_rivalry(&report.failures);
    if !report.is_success() && !is_rivalry {
        return Ok(());
    }
    let made = Made::by(plan, report);
    let ask = async |outputs: &Outputs| match check {
        Some(check) => answers(check, plan, outputs, aws).await,
        None => Ok(()),
    };
    if is_rivalry {
        if !made.has_rival(stack, &report.outputs, aws).await? {
            return Ok(());
        }
    } else {
        let mut asked = pin!(ask(&report.outputs));
        let mut beaten = pin!(made.is_beaten(stack, &report.outputs, aws));
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
    aws.events()
        .note("someone else is deploying the same stack: what this run made twice is taken back");
    // From here on its outcome is what there is to tell.
    report.failures.clear();
    if stack.needs_package() && aws.artifact().is_err() {
        aws.set_artifact(preparation.package_mut().await?);
    }
    let outputs = made.give_way(stack, aws).await?;
    report.end_well(outputs);
    ask(&report.outputs).await
}

/// Waits until the endpoint answers, unless what has to answer turns out to be broken.
async fn answers(check: &Check, plan: &Plan, outputs: &Outputs, aws: &Aws) -> Result<()> {
    let proven = plan
        .steps
        .iter()
        .filter(|step| check.proves.contains(&step.id));
    let settled =
        try_join_all(proven.map(async |step| step.resource.settle(&aws.for_step(&step.id)).await));
    let mut live = pin!(live::wait_until_live(check, outputs, aws));
    tokio::select! {
        outcome = &mut live => outcome,
        settled = settled => {
            settled?;
            live.await
        }
    }
}

/// Tells machines how it ended, where they listen.
fn pass_on(
    session: &Session,
    stack: &Stack,
    plan: &Plan,
    report: &Report,
    failures: &[anyhow::Error],
    took: Duration,
) {
    let values = outputs::values(stack, &report.outputs);
    session.console.pass_on(|github| {
        let errors = report.failures.iter().chain(failures);
        github.summarize(&summary::plan("up", plan, Some(report)))?;
        github.summarize(&summary::outputs(&values))?;
        github.summarize(&summary::failures(errors))?;
        github.output(outputs::to_pass_on(&values))
    });
    if session.config.json {
        let mut document = render::plan_json(plan, Some(report));
        document["outputs"] = json!(values);
        document["errors"] = render::errors(report.failures.iter().chain(failures));
        document["elapsed_ms"] = render::milliseconds(took).into();
        session.console.result(&document.to_string());
    }
}

/// Prints what has come of it, and what to try.
fn conclude(
    session: &Session,
    stack: &Stack,
    plan: &Plan,
    report: &Report,
    key: Option<&Secret>,
    took: Duration,
) {
    let console = &session.console;
    if !session.config.json {
        console.result(&outputs::text(stack, &report.outputs, key));
    }
    let what = if plan.is_empty() {
        "Nothing to do"
    } else {
        "Done"
    };
    console.say(&format!("{what} in {}.", render::seconds(took)));
    let check = stack.check.as_ref().filter(|_| !plan.is_empty());
    if let Some(line) = check.and_then(|check| try_it(session, check, &report.outputs, key)) {
        console.say(&line);
    }
}

/// A line to paste, if there is a URL. Where the key must not be shown, it is asked for when the line is run.
fn try_it(
    session: &Session,
    check: &Check,
    outputs: &Outputs,
    key: Option<&Secret>,
) -> Option<String> {
    let url = outputs.resolve(&check.url.to_value());
    let url = url.as_str()?;
    let outputs = session.here("outputs");
    let key = key.map_or_else(
        || {
            format!(
                "$({} -q {outputs} --show-secrets api_key)",
                session.console.program()
            )
        },
        |key| key.reveal().to_owned(),
    );
    Some(format!(
        "Try it:\n  curl -s {url} -H \"x-api-key: {key}\" -d '{}'",
        check.body
    ))
}

/// The exit code and the words of a run that did not get to its end.
pub(super) fn ended_early(
    session: &Session,
    plan: &Plan,
    report: &Report,
    failures: &[anyhow::Error],
    again: &str,
) -> Exit {
    let console = &session.console;
    let left = render::leftovers(plan, report);
    let again = format!("{left}; {again}");
    if let Some(signal) = session.interrupt.signal() {
        for error in &report.failures {
            console.error(error);
        }
        console.say(&format!("Interrupted: {again}."));
        return Exit::Interrupted(signal);
    }
    let did_something = report.steps.iter().any(|(id, (status, _))| {
        *status == Status::Done
            && plan
                .steps
                .iter()
                .any(|step| step.id == *id && step.action != Action::Keep)
    });
    for error in report.failures.iter().chain(failures) {
        console.error(error);
    }
    console.say(&format!("{again}."));
    if did_something {
        Exit::Partly
    } else {
        Exit::Failed
    }
}

/// Whether a resource exists that has to be compared with the package, so that no plan can be made without it.
fn is_package_compared(stack: &Stack, observations: &Observations) -> bool {
    stack.declared.iter().any(|declared| {
        observations.contains_key(&declared.id) && needs_package(&declared.resource.fields())
    })
}

/// The package in the making: given or built, checked, and zipped while AWS is asked.
pub(super) struct Preparation {
    checked: Option<oneshot::Receiver<()>>,
    making: JoinHandle<Result<Artifact>>,
    made: Option<Arc<Artifact>>,
}

impl Preparation {
    /// Checks a given binary at once; starts building one otherwise.
    pub(super) fn start(making: &Making) -> Result<Self> {
        let architecture = making.architecture().to_owned();
        let given = making
            .bootstrap
            .as_deref()
            .map(|path| Binary::read(path, &architecture))
            .transpose()?;
        let (sender, receiver) = oneshot::channel();
        let making = tokio::spawn(async move {
            let binary = match given {
                Some(binary) => binary,
                None => build::build(&architecture).await?,
            };
            let _ = sender.send(());
            tokio::task::spawn_blocking(move || binary.package()).await?
        });
        Ok(Self {
            checked: Some(receiver),
            making,
            made: None,
        })
    }

    /// Nothing is left to do.
    fn done(artifact: Artifact) -> Self {
        Self {
            checked: None,
            making: tokio::spawn(async { Ok(artifact) }),
            made: None,
        }
    }

    /// Waits until the binary is known to be fit, but no longer than `grace`.
    pub(super) async fn checked_within(&mut self, grace: Duration) -> Result<()> {
        let Some(checked) = self.checked.take() else {
            return Ok(());
        };
        match timeout(grace, checked).await {
            // The sender is gone before it sent: the build has failed.
            Ok(Err(_)) => self.package_mut().await.map(|_| ()),
            _ => Ok(()),
        }
    }

    pub(super) async fn package_mut(&mut self) -> Result<Arc<Artifact>> {
        if let Some(made) = &self.made {
            return Ok(made.clone());
        }
        let made = Arc::new(
            (&mut self.making)
                .await
                .context("packaging the function")??,
        );
        self.made = Some(made.clone());
        Ok(made)
    }

    pub(super) async fn package(mut self) -> Result<Arc<Artifact>> {
        self.package_mut().await
    }
}

impl Drop for Preparation {
    /// A build that nobody waits for any more is ended with its process.
    fn drop(&mut self) {
        self.making.abort();
    }
}
