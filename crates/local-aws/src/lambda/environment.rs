//! One environment: a process of a function's code, with its Runtime API and its log stream.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::bootstrap::{self, Unstartable};
use super::code::TaskRoot;
use super::delivery::Stream;
use super::extensions::{About, Extensions, Reason};
use super::function::Function;
use super::journal::Journal;
use super::known::Target;
use super::layers::{Opt, is_executable};
use super::output::Output;
use super::process_variables::{Variables, of_extensions};
use super::role;
use super::runtime_api::{Exchange, Init};
use super::sandbox::{Event, MEMORY_PACE, RUNTIME, Reports, Sandbox};
use super::shutdown::shut_down;
use super::supervisor::{Order, Program};
use super::telemetry::Source;
use crate::clock::{Clock, day};
use crate::cloud::Cloud;
use crate::ids;

/// A function's credentials; no environment gets as old.
const SESSION_SECONDS: u64 = 12 * 3600;
/// A process that was killed is gone within milliseconds, unless the machine is very busy.
pub(super) const END_WITHIN: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(super) struct Environment {
    pub(super) version: String,
    pub(super) generation: String,
    pub(super) journal: Arc<Journal>,
    pub(super) made: tokio::time::Instant,
    /// None when functions run inside this process.
    pub(super) process: Option<Process>,
}

#[derive(Debug)]
pub(super) struct Process {
    pub(super) exchange: Arc<Exchange>,
    pub(super) output: Arc<Output>,
    sandbox: Arc<Sandbox>,
    journal: Arc<Journal>,
    clock: Clock,
    /// Until it is dropped.
    belongings: Option<Belongings>,
}

/// The things that a process has as long as it runs.
#[derive(Debug)]
struct Belongings {
    api: AbortHandle,
    access_key: String,
    cloud: Weak<Cloud>,
    _root: TaskRoot,
    _opt: Option<Opt>,
}

/// Why there is no environment.
#[derive(Debug)]
pub(super) enum Unmade {
    /// The function's fault: a type and a message.
    Function { kind: &'static str, message: String },
    /// This machine's.
    Machine(io::Error),
}

impl From<io::Error> for Unmade {
    fn from(error: io::Error) -> Self {
        Self::Machine(error)
    }
}

impl Environment {
    /// One without a process.
    pub(super) fn inline(cloud: &Arc<Cloud>, target: &Target) -> Self {
        Self::new(target, journal(cloud, target), None)
    }

    fn new(target: &Target, journal: Arc<Journal>, process: Option<Process>) -> Self {
        Self {
            version: target.function.version.clone(),
            generation: target.function.generation.clone(),
            journal,
            made: tokio::time::Instant::now(),
            process,
        }
    }

    /// Starts a process; it is ready when the second value says so.
    pub(super) async fn start(
        cloud: &Arc<Cloud>,
        target: &Target,
        journal: Arc<Journal>,
        shim: Option<&Path>,
    ) -> Result<(Self, oneshot::Receiver<Init>), Unmade> {
        let function = &target.function;
        let settings = &function.settings;
        if !settings.runtime.starts_with("provided") {
            return Err(Unmade::Function {
                kind: "Runtime.InvalidRuntime",
                message: format!(
                    "The local AWS runs provided.al2023, provided.al2 and provided, not {}",
                    settings.runtime
                ),
            });
        }
        let (root, opt) = unpacked(cloud, function).await?;
        let opt_path = opt.as_ref().map(|opt| opt.path.as_path());
        let program = bootstrap::find(&root.path, opt_path, &function.architecture)
            .map_err(|why| refused(why, &journal))?;
        let external = opt.as_ref().map(Opt::extensions).unwrap_or_default();
        check_extensions(&external, shim, &journal)?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let session = cloud.open_session(
            &target.key.0,
            role::name(&settings.role),
            &function.name,
            true,
            SESSION_SECONDS,
        );
        let variables = Variables {
            stream: &journal.stream,
            root: &root.path,
            opt: opt_path,
            api: listener.local_addr()?,
            session: &session,
        };
        let runtime = Program {
            number: RUNTIME,
            path: program,
            folder: root.path.clone(),
            opt: opt.as_ref().map(|opt| opt.path.clone()),
            variables: variables.all(cloud, target),
            is_extension: false,
        };
        let names: Vec<String> = external.iter().map(|path| name(path)).collect();
        let about = About {
            name: function.name.clone(),
            version: function.version.clone(),
            handler: settings.handler.clone(),
            account: target.key.0.account.clone(),
        };
        let extensions = Extensions::new(about, Arc::clone(&journal), &names);
        let (exchange, started) = Exchange::new(extensions);
        let limit = u64::from(settings.memory) << 20;
        let mark = format!("AWS_ACCESS_KEY_ID={}", session.access_key);
        let (reader, writer) = io::pipe()?;
        let output = Arc::new(Output::new(Arc::clone(&journal), Source::Function, reader)?);
        let (sandbox, reports) = match shim {
            Some(shim) => {
                let errors = if external.is_empty() {
                    writer.try_clone()?
                } else {
                    let (reader, writer) = io::pipe()?;
                    let journal = Arc::clone(&journal);
                    let output = Output::new(journal, Source::Extension, reader)?;
                    tokio::spawn(Arc::new(output).follow());
                    writer
                };
                Sandbox::open(shim, limit, mark, writer.into(), errors.into())?
            }
            None => Sandbox::bare(&runtime, limit, mark, writer.into())?,
        };
        let api = tokio::spawn(Arc::clone(&exchange).serve(listener)).abort_handle();
        if shim.is_some() {
            launch(external, runtime, &sandbox, &exchange)?;
        }
        tokio::spawn(Arc::clone(&output).follow());
        tokio::spawn(watch(
            reports,
            Arc::clone(&exchange),
            Arc::clone(&output),
            Arc::clone(&journal),
            cloud.clock,
        ));
        cloud.environments.watch(&sandbox);
        let process = Process {
            exchange,
            output,
            sandbox,
            journal: Arc::clone(&journal),
            clock: cloud.clock,
            belongings: Some(Belongings {
                api,
                access_key: session.access_key,
                cloud: Arc::downgrade(cloud),
                _root: root,
                _opt: opt,
            }),
        };
        Ok((Self::new(target, journal, Some(process)), started))
    }

    /// Returns true if it can take another invocation.
    pub(super) fn is_alive(&self) -> bool {
        self.process
            .as_ref()
            .is_none_or(|process| !process.exchange.is_over())
    }
}

impl Process {
    /// The most memory that it has had, in megabytes.
    pub(super) fn memory(&self) -> u64 {
        self.sandbox.memory()
    }

    /// Takes note of the memory that it has now.
    pub(super) fn measure(&self) {
        self.sandbox.measure();
    }

    /// Waits for something, and sees to it meanwhile that the function's memory is not exceeded.
    pub(super) async fn within_memory<T>(&self, what: impl Future<Output = T>) -> T {
        let mut what = std::pin::pin!(what);
        loop {
            match timeout(MEMORY_PACE, what.as_mut()).await {
                Ok(outcome) => return outcome,
                Err(_) => self.sandbox.measure(),
            }
        }
    }

    /// With everything that it has started, at once.
    pub(super) fn kill(&self) {
        self.sandbox.kill();
    }

    /// Ends it. Without extensions it is killed, and nothing is left when this returns; with them, the end takes its time.
    pub(super) async fn end(&self, reason: Reason) {
        if self.exchange.extensions.are_there() {
            tokio::spawn(self.shutdown(reason));
        } else {
            self.kill();
            self.sandbox.gone(END_WITHIN).await;
        }
    }

    fn shutdown(&self, reason: Reason) -> impl Future<Output = ()> + use<> {
        shut_down(
            Arc::clone(&self.sandbox),
            Arc::clone(&self.exchange),
            Arc::clone(&self.journal),
            self.clock,
            reason,
        )
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let belongings = self.belongings.take();
        match Handle::try_current() {
            Ok(runtime) if self.exchange.extensions.are_there() => {
                let shutdown = self.shutdown(Reason::Spindown);
                // They need the Runtime API, their code and their rights until then.
                runtime.spawn(async move {
                    shutdown.await;
                    drop(belongings);
                });
            }
            _ => self.kill(),
        }
    }
}

impl Drop for Belongings {
    fn drop(&mut self) {
        self.api.abort();
        if let Some(cloud) = self.cloud.upgrade() {
            cloud.close_session(&self.access_key);
        }
    }
}

/// The file's name, by which an extension registers.
fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn check_extensions(
    external: &[PathBuf],
    shim: Option<&Path>,
    journal: &Journal,
) -> Result<(), Unmade> {
    let failed = |message: String| Unmade::Function {
        kind: "Extension.LaunchError",
        message,
    };
    for path in external {
        if !is_executable(path) {
            let name = name(path);
            journal.extension(&name, &[], Some("PermissionDenied"));
            return Err(failed(format!(
                "fork/exec /opt/extensions/{name}: permission denied"
            )));
        }
    }
    if shim.is_none() && !external.is_empty() {
        return Err(failed(
            "The local AWS does not support extensions without its supervisor".to_owned(),
        ));
    }
    Ok(())
}

/// Starts the extensions, and the runtime once they have registered.
fn launch(
    external: Vec<PathBuf>,
    runtime: Program,
    sandbox: &Arc<Sandbox>,
    exchange: &Arc<Exchange>,
) -> io::Result<()> {
    if external.is_empty() {
        return sandbox.order(&Order::Start(Box::new(runtime)));
    }
    let variables = of_extensions(&runtime.variables);
    for (path, number) in external.into_iter().zip(RUNTIME + 1..) {
        let extension = Program {
            number,
            path,
            folder: PathBuf::from("/"),
            opt: runtime.opt.clone(),
            variables: variables.clone(),
            is_extension: true,
        };
        sandbox.order(&Order::Start(Box::new(extension)))?;
    }
    let (sandbox, exchange) = (Arc::downgrade(sandbox), Arc::clone(exchange));
    tokio::spawn(async move {
        // If one fails, whoever waits for the environment learns it from the exchange.
        if exchange.extensions.registered().await.is_ok()
            && let Some(sandbox) = sandbox.upgrade()
        {
            // Gone, it is told as such.
            let _ = sandbox.order(&Order::Start(Box::new(runtime)));
        }
    });
    Ok(())
}

/// Tells when the runtime or an extension has ended, and ends what they have left.
async fn watch(
    mut reports: Reports,
    exchange: Arc<Exchange>,
    output: Arc<Output>,
    journal: Arc<Journal>,
    clock: Clock,
) {
    loop {
        let extensions = &exchange.extensions;
        match reports.next().await {
            Event::Ended {
                number: RUNTIME,
                ending,
            } => {
                output.drain();
                extensions.runtime_ended();
                if !extensions.are_there() {
                    reports.sandbox.kill();
                }
                exchange.end(&ending.to_string());
            }
            Event::Ended { number, ending } => {
                extensions.ended(number, &ending.to_string());
                match extensions.failure() {
                    Some(failure) => exchange.stop(&failure),
                    None => continue,
                }
            }
            Event::Gone => {
                output.drain();
                // The first reason is the one that counts.
                if !exchange.is_over() {
                    exchange.end("signal: killed");
                }
                return;
            }
        }
        if extensions.are_there() {
            tokio::spawn(shut_down(
                Arc::clone(&reports.sandbox),
                Arc::clone(&exchange),
                Arc::clone(&journal),
                clock,
                Reason::Failure,
            ));
        }
    }
}

fn refused(why: Unstartable, journal: &Journal) -> Unmade {
    if let Some(hint) = why.hint {
        journal.write(format!("local-aws: {hint}\n"));
    }
    Unmade::Function {
        kind: "Runtime.InvalidEntrypoint",
        message: why.message,
    }
}

async fn unpacked(cloud: &Arc<Cloud>, function: &Function) -> io::Result<(TaskRoot, Option<Opt>)> {
    let cloud = Arc::clone(cloud);
    let function = function.clone();
    tokio::task::spawn_blocking(move || {
        let code = &cloud.environments.code;
        let root = code.unpacked(&cloud, &function.code_sha256)?;
        Ok((root, Opt::unpacked(&cloud, &function)?))
    })
    .await
    .map_err(io::Error::other)?
}

/// A new stream for a new environment.
pub(super) fn journal(cloud: &Arc<Cloud>, target: &Target) -> Arc<Journal> {
    let function = &target.function;
    let stream = Stream {
        place: target.key.0.clone(),
        role: role::name(&function.settings.role).to_owned(),
        group: function.settings.logging.group(&function.name),
        name: format!(
            "{}/[{}]{}",
            day(cloud.now()),
            function.version,
            ids::hex(32)
        ),
    };
    Arc::new(Journal::new(
        stream,
        cloud.clock,
        cloud.environments.delivery.sink(cloud),
        &function.settings.logging,
    ))
}
