//! `up`: make the account match the declaration.

use std::path::PathBuf;
use std::pin::pin;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use futures_util::future::join_all;
use provision_aws::live;
use provision_engine::aws::{Aws, GRACE};
use provision_engine::declaration::Declaration;
use provision_engine::execute::{ExecuteOptions, Report, execute};
use provision_engine::fault::Code;
use provision_engine::input::{Outputs, references};
use provision_engine::look::Look;
use provision_engine::observe::{Observations, Snapshot};
use provision_engine::plan::Plan;
use provision_engine::planner;
use provision_engine::secret::Secret;
use provision_engine::selection::Selection;
use provision_engine::stack::Check;
use provision_package::{Preparation, Profile};
use serde_json::json;
use tokio::time::timeout;

use super::consent::{Question, losses, may_lose, refuse_protected};
use super::context::Context;
use super::end::End;
use super::execution::{ended_early, of_existing, show_plan};
use super::foreign;
use super::session::continues;
use super::{Session, outputs};
use crate::args::{self, Wait};
use crate::deadline::Deadline;
use crate::exit::Exit;
use crate::options::DeployOptions;
use crate::saved::SavedPlan;
use crate::ui::command_text::CommandText;
use crate::ui::render;
use crate::ui::summary;

/// Time for which a build may delay the first write. A function that does not compile fails within this time, before anything is
/// changed; a first build takes minutes, in which the rest can be created.
const BUILD_GRACE: Duration = Duration::from_secs(5);

/// Runs the command.
pub(crate) async fn run(session: &Session<'_>, arguments: &args::Up) -> Result<Exit> {
    let started = Instant::now();
    let deadline = Deadline::after(arguments.timeout);
    match deadline.or(Box::pin(prepare(session, arguments))).await? {
        Some(agreed) => deploy(session, arguments, agreed, deadline, started).await,
        None => Ok(Exit::Failed),
    }
}

/// A plan that the user agrees to, and everything it is carried out with.
struct Agreed {
    context: Context,
    plan: Plan,
    known: Outputs,
    preparation: Preparation,
    is_whole: bool,
    /// True if nothing differs, and all endpoints answer.
    is_live: bool,
    /// The sentence that says how to go on from where this run ends.
    again: String,
}

/// Does everything before the first write; `None` if the user declined.
async fn prepare(session: &Session<'_>, arguments: &args::Up) -> Result<Option<Agreed>> {
    let Intent {
        saved,
        options,
        selection,
        mut preparation,
    } = Intent::of(session, arguments)?;
    let is_asked = arguments.wait == Wait::Live && selection.is_all();
    let (context, keys) = if is_asked {
        let read = Context::read_with_keys(session, &options.declare, &options.adopt);
        Box::pin(read).await?
    } else {
        let context = Context::read(session, &options.declare, &options.adopt);
        (Box::pin(context).await?, Vec::new())
    };
    let declaration = &context.declaration;
    options.check(declaration)?;
    let up = || options.text(session.app, "up");
    context.refuse_conflicts(session.here(selected(&selection, up())))?;

    let mut known = declaration.known_names();
    if saved.is_some() || are_packages_compared(declaration, &context.snapshot.observations) {
        session
            .interrupt
            .or(async { preparation.all().await.map(|_| ()) })
            .await?;
        for prepared in preparation.prepared() {
            for built in prepared.built() {
                built.register(&mut known, &context.aws);
            }
        }
    } else {
        let checked = preparation.checked_within(BUILD_GRACE);
        session.interrupt.or(checked).await?;
    }
    let (mut plan, known) = planner::up(declaration, &context.snapshot, known)?;
    let left_out = selection.apply(&mut plan, declaration)?;
    session.warn_left_out(&left_out, up());
    if let Some(saved) = &saved {
        saved.check(&plan, &context.kinds)?;
    }
    refuse_protected(&plan, |step| {
        let name = step.resource.name();
        if declaration.find(&step.id).is_some() {
            format!(
                "`--skip {name}` to leave it, or take its protection out of the declaration alone and run `up` before"
            )
        } else {
            format!(
                "`--skip {name}` to leave it; if it was renamed, `stack.rename_ids` keeps it; to delete it, declare `{name}` \
                 once more without protection and run `up` before"
            )
        }
    })?;
    let look = Look::new(context.aws.clone());
    foreign::before_deletions(session, &context, &plan, &look).await?;
    drop(look);
    if !plan.is_empty() && !agrees(session, &context.aws, &plan).await? {
        return Ok(None);
    }
    // Not before: a function that is called leaves traces, such as logs where its log group is missing.
    let is_live = is_asked && plan.is_empty() && {
        let checks = declaration.checks.iter().zip(&keys);
        let asked =
            checks.map(|(check, key)| live::answers(check, key.as_ref(), &known, &context.aws));
        let asked = async { Ok(join_all(asked).await) };
        let answers = session.interrupt.or(asked).await?;
        answers.into_iter().all(|is_good| is_good)
    };
    Ok(Some(Agreed {
        again: again(session, arguments, &options, &selection),
        context,
        plan,
        known,
        preparation,
        is_whole: left_out.is_empty(),
        is_live,
    }))
}

async fn deploy(
    session: &Session<'_>,
    arguments: &args::Up,
    agreed: Agreed,
    deadline: Deadline,
    started: Instant,
) -> Result<Exit> {
    let Agreed {
        context,
        mut plan,
        known,
        mut preparation,
        is_whole,
        is_live,
        again,
    } = agreed;
    let Context {
        aws,
        listener,
        declaration,
        kinds,
        snapshot: Snapshot { target, .. },
    } = context;
    let console = &session.console;
    let checks: &[Check] = if arguments.wait == Wait::Live && is_whole {
        &declaration.checks
    } else {
        &[]
    };
    let unsettled: Vec<String> = match arguments.wait {
        Wait::None => plan.steps.iter().map(|step| step.id.clone()).collect(),
        Wait::Ready | Wait::Live => checks
            .iter()
            .flat_map(|check| check.proves.clone())
            .collect(),
    };
    let group = console.group("Execution");
    session.on_record(|record| record.planned(&plan));
    listener.name_steps(&plan);
    let interrupted = async {
        tokio::select! {
            _ = session.interrupt.wait() => {}
            () = deadline.wait() => {}
        }
    };
    let options = ExecuteOptions {
        unsettled: &unsettled,
        max_parallel: arguments.parallelism,
    };
    let packages = preparation.built();
    let mut report = execute(&plan, &aws, known, options, packages, interrupted).await;
    let mut failures = Vec::new();
    if report.interrupted && session.interrupt.signal().is_none() {
        failures.push(
            deadline
                .passed("calls in flight were allowed to end")
                .into(),
        );
    }
    // A part of the plan proves nothing about the stack, and leaves the rest alone.
    let has_an_end = is_whole && arguments.wait != Wait::None;
    let is_unchanged = plan.is_empty() && (is_live || checks.is_empty());
    if has_an_end && !is_unchanged && !report.interrupted {
        let end = End {
            checks,
            declaration: &declaration,
            kinds: &kinds,
            target: &target,
            aws: &aws,
        };
        let finishing = end.finish(&mut plan, &mut report, &mut preparation);
        failures.extend(in_time(session, deadline, &aws, finishing).await.err());
    }
    let report = of_existing(report, &plan);
    let secrets = if report.is_success() && console.may_show_secrets() {
        outputs::secrets(session, &declaration, &aws, &report.outputs)
            .await
            .unwrap_or_default()
    } else {
        outputs::Secrets::default()
    };
    session.on_record(|record| {
        record.packaged(preparation.prepared());
        let outputs = outputs::values(&declaration, &report.outputs);
        record.carried_out(&plan, &report, outputs, &failures);
    });
    drop(aws);
    listener.finish().await;
    drop(group);
    let ended = Ended {
        declaration: &declaration,
        plan: &plan,
        report: &report,
        took: started.elapsed(),
    };
    ended.pass_on(session, &failures);
    if report.is_success() && failures.is_empty() {
        ended.conclude(session, &secrets);
        return Ok(Exit::Done);
    }
    Ok(ended_early(session, &plan, &report, &failures, &again))
}

/// Returns `command` with the options of a selection.
pub(super) fn selected(selection: &Selection, command: CommandText) -> CommandText {
    command
        .options("--only", &selection.only)
        .options("--skip", &selection.skip)
}

/// Returns the sentence that says how to go on from where a run ends. A saved plan has to be made again: the account has moved.
fn again(
    session: &Session<'_>,
    arguments: &args::Up,
    options: &DeployOptions,
    selection: &Selection,
) -> String {
    let command = |name: &str| selected(selection, options.text(session.app, name));
    match &arguments.plan {
        None => continues(&session.command(command("up"))),
        Some(file) => {
            let file = file.display();
            let plan = session.command(command("plan").option("--out", Some(&file)));
            let up = session.command(CommandText::from("up").word(&file.to_string()));
            format!("`{plan}` and `{up}` go on from here")
        }
    }
}

/// The deployment to carry out, from a saved plan or the command line.
struct Intent {
    saved: Option<SavedPlan>,
    options: DeployOptions,
    selection: Selection,
    preparation: Preparation,
}

impl Intent {
    fn of(session: &Session<'_>, arguments: &args::Up) -> Result<Self> {
        if let Some(path) = &arguments.plan {
            let saved = SavedPlan::read(path)?;
            return Ok(Self {
                options: saved.options.clone(),
                selection: saved.selection.clone(),
                preparation: Preparation::done(saved.packages()?),
                saved: Some(saved),
            });
        }
        let options = DeployOptions::new(&arguments.deploy)?;
        Ok(Self {
            saved: None,
            preparation: start_packages(session, &options)?,
            selection: arguments.select.selection(),
            options,
        })
    }
}

/// Starts building and zipping the packages of the stack.
pub(super) fn start_packages(
    session: &Session<'_>,
    options: &DeployOptions,
) -> Result<Preparation> {
    let region = session.config.region_offline();
    let declaration = session.declare(&options.declare, &region)?;
    let folder: PathBuf = session.app.folder()?;
    let is_local = session.config.local && !options.release;
    let profile = if is_local {
        Profile::Local
    } else {
        Profile::Release
    };
    Preparation::start(&declaration.assets, &options.overrides(), &folder, profile)
}

/// Shows the plan, and asks if it would lose somebody's data.
async fn agrees(session: &Session<'_>, aws: &Aws, plan: &Plan) -> Result<bool> {
    show_plan(session, plan);
    let lost = session.interrupt.or(losses(aws, plan)).await?;
    let lost: Vec<String> = lost.into_values().collect();
    let question = Question {
        plan,
        losses: &lost,
        always: plan.losing_data().next().is_some(),
        remedy: "`--yes` to go ahead",
    };
    may_lose(session, question).await
}

/// Runs `work` after all steps, unless a signal or the deadline ends it.
async fn in_time(
    session: &Session<'_>,
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
    // It may be deleting duplicates of a concurrent run: calls in flight end.
    aws.stop();
    let _ = timeout(GRACE, work).await;
    bail!(why)
}

/// A deployment that has ended.
struct Ended<'a> {
    declaration: &'a Declaration,
    plan: &'a Plan,
    report: &'a Report,
    took: Duration,
}

impl Ended<'_> {
    /// Tells machines how it ended, where they listen.
    fn pass_on(&self, session: &Session<'_>, failures: &[anyhow::Error]) {
        let values = outputs::values(self.declaration, &self.report.outputs);
        let errors = || self.report.failures.iter().chain(failures);
        session.console.pass_on(|github| {
            github.summarize(&summary::plan("up", self.plan, Some(self.report)))?;
            github.summarize(&summary::outputs(&values))?;
            github.summarize(&summary::failures(errors()))?;
            github.output(outputs::to_pass_on(self.declaration, &values))
        });
        if session.config.json {
            let mut document = render::plan_json(self.plan, Some(self.report));
            document["outputs"] = json!(values);
            document["errors"] = render::errors(errors());
            document["elapsed_ms"] = render::milliseconds(self.took).into();
            session.console.result(&document.to_string());
        }
    }

    /// Prints the outputs, and a request to try.
    fn conclude(&self, session: &Session<'_>, secrets: &outputs::Secrets) {
        let console = &session.console;
        if !session.config.json {
            let outputs = &self.report.outputs;
            console.result(&outputs::text(self.declaration, outputs, secrets));
        }
        let outcome = if self.plan.is_empty() {
            "Nothing to do"
        } else {
            "Done"
        };
        console.say(&format!("{outcome} in {}.", render::seconds(self.took)));
        let check = self.declaration.checks.first();
        let check = check.filter(|_| !self.plan.is_empty());
        if let Some(line) = check.and_then(|check| self.example(session, check, secrets)) {
            console.say(&line);
        }
    }

    /// Returns a line to paste, if there is a URL. Where the key must not be shown, the line asks for it when it is run.
    fn example(
        &self,
        session: &Session<'_>,
        check: &Check,
        secrets: &outputs::Secrets,
    ) -> Option<String> {
        let url = self.report.outputs.resolve(&check.url.to_value());
        let mut line = format!("Try it:\n  curl -s {}", url.as_str()?);
        if check.method != "POST" && check.method != "GET" {
            line = format!("{line} -X {}", check.method);
        }
        if let Some(key) = &check.key {
            let id = references(&key.to_value()).into_iter().next()?;
            let name = outputs::secret_named(self.declaration, id.rsplit_once('.')?.0)?;
            let value = secrets.get(name).map(Secret::reveal).map_or_else(
                || {
                    let outputs = session.here("outputs");
                    let program = session.console.program();
                    format!("$({program} -q {outputs} --show-secrets {name})")
                },
                str::to_owned,
            );
            line = format!("{line} -H \"x-api-key: {value}\"");
        }
        if check.body.is_empty() {
            return Some(line);
        }
        Some(format!("{line} -d '{}'", check.body))
    }
}

/// Returns true if a function exists that has to be compared with its package, so that no plan can be made without that.
fn are_packages_compared(declaration: &Declaration, observations: &Observations) -> bool {
    let assets: Vec<String> = declaration
        .assets
        .iter()
        .map(|asset| format!("{}.sha256", asset.id))
        .collect();
    declaration.resources.iter().any(|declared| {
        observations.contains_key(&declared.id)
            && references(&declared.resource.fields())
                .iter()
                .any(|path| assets.contains(path))
    })
}
