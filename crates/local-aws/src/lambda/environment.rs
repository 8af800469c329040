//! One environment: a process of a function's code, with its Runtime API and its log stream.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::bootstrap::{self, Unstartable};
use super::code::TaskRoot;
use super::delivery::Stream;
use super::journal::Journal;
use super::known::Target;
use super::output::Output;
use super::role;
use super::runtime_api::{Exchange, Init};
use super::sandbox::{Event, MEMORY_PACE, RUNTIME, Reports, Sandbox};
use super::supervisor::{Order, Program};
use crate::clock::day;
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
    api: AbortHandle,
    access_key: String,
    cloud: Weak<Cloud>,
    _root: TaskRoot,
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
        let root = unpacked(cloud, &function.code_sha256).await?;
        let program = bootstrap::find(&root.path, &function.architecture)
            .map_err(|why| refused(why, &journal))?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let session = cloud.open_session(
            &target.key.0,
            role::name(&settings.role),
            &function.name,
            true,
            SESSION_SECONDS,
        );
        let mut variables = variables(cloud, target, &journal.stream, &root.path);
        variables.extend([
            ("AWS_LAMBDA_RUNTIME_API", listener.local_addr()?.to_string()),
            ("AWS_ACCESS_KEY_ID", session.access_key.clone()),
            ("AWS_SECRET_ACCESS_KEY", session.secret),
            ("AWS_SESSION_TOKEN", session.token),
        ]);
        let own = settings.environment.iter().flatten();
        let mut all: BTreeMap<String, String> = own
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        all.extend(
            variables
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value)),
        );
        let runtime = Program {
            number: RUNTIME,
            path: program,
            folder: root.path.clone(),
            variables: all,
            is_extension: false,
        };
        let limit = u64::from(settings.memory) << 20;
        let (reader, writer) = io::pipe()?;
        let (sandbox, reports) = match shim {
            Some(shim) => {
                let (sandbox, reports) =
                    Sandbox::open(shim, limit, writer.try_clone()?.into(), writer.into())?;
                sandbox.order(&Order::Start(Box::new(runtime)))?;
                (sandbox, reports)
            }
            None => Sandbox::bare(&runtime, limit, writer.into())?,
        };
        let (exchange, started) = Exchange::new();
        let output = Arc::new(Output::new(Arc::clone(&journal), reader)?);
        let api = tokio::spawn(Arc::clone(&exchange).serve(listener)).abort_handle();
        tokio::spawn(Arc::clone(&output).follow());
        tokio::spawn(watch(reports, Arc::clone(&exchange), Arc::clone(&output)));
        cloud.environments.watch(&sandbox);
        let process = Process {
            exchange,
            output,
            sandbox,
            api,
            access_key: session.access_key,
            cloud: Arc::downgrade(cloud),
            _root: root,
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

    /// With everything that it has started.
    pub(super) fn kill(&self) {
        self.sandbox.kill();
    }

    /// As [`Self::kill`]; returns when nothing is left, which no process can put off for long.
    pub(super) async fn end(&self) {
        self.kill();
        self.sandbox.gone(END_WITHIN).await;
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        self.api.abort();
        if let Some(cloud) = self.cloud.upgrade() {
            cloud.close_session(&self.access_key);
        }
    }
}

/// Tells when the runtime has ended, and ends what it has left.
async fn watch(mut reports: Reports, exchange: Arc<Exchange>, output: Arc<Output>) {
    loop {
        match reports.next().await {
            Event::Ended {
                number: RUNTIME,
                ending,
            } => {
                output.drain();
                reports.sandbox.kill();
                exchange.end(&ending.to_string());
            }
            Event::Ended { .. } => {}
            Event::Gone => {
                output.drain();
                exchange.end("signal: killed");
                return;
            }
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

async fn unpacked(cloud: &Arc<Cloud>, sha256: &str) -> io::Result<TaskRoot> {
    let cloud = Arc::clone(cloud);
    let sha256 = sha256.to_owned();
    tokio::task::spawn_blocking(move || cloud.environments.code.unpacked(&cloud, &sha256))
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
        function.settings.logging.format == "JSON",
    ))
}

/// AWS: "Defined runtime environment variables"; `AWS_EXECUTION_ENV` "is not defined for OS-only runtimes".
fn variables(
    cloud: &Cloud,
    target: &Target,
    stream: &Stream,
    root: &Path,
) -> BTreeMap<&'static str, String> {
    let function = &target.function;
    let settings = &function.settings;
    let region = &target.key.0.region;
    let root = root.display();
    let mut variables = BTreeMap::from([
        ("AWS_LAMBDA_FUNCTION_NAME", function.name.clone()),
        ("AWS_LAMBDA_FUNCTION_VERSION", function.version.clone()),
        (
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
            settings.memory.to_string(),
        ),
        ("AWS_LAMBDA_LOG_GROUP_NAME", stream.group.clone()),
        ("AWS_LAMBDA_LOG_STREAM_NAME", stream.name.clone()),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
        ("AWS_REGION", region.clone()),
        ("AWS_DEFAULT_REGION", region.clone()),
        ("LAMBDA_TASK_ROOT", root.to_string()),
        ("LAMBDA_RUNTIME_DIR", "/var/runtime".to_owned()),
        ("_HANDLER", settings.handler.clone()),
        ("TZ", ":UTC".to_owned()),
        ("LANG", "en_US.UTF-8".to_owned()),
        ("PATH", "/usr/local/bin:/usr/bin:/bin:/opt/bin".to_owned()),
        (
            "LD_LIBRARY_PATH",
            format!("/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:{root}:{root}/lib:/opt/lib"),
        ),
        ("TMPDIR", std::env::temp_dir().display().to_string()),
    ]);
    if let Some(endpoint) = cloud.endpoint.get() {
        variables.insert("AWS_ENDPOINT_URL", endpoint.clone());
    }
    if settings.logging.format == "JSON" {
        let level = settings.logging.application_level.as_deref();
        variables.insert("AWS_LAMBDA_LOG_FORMAT", "JSON".to_owned());
        variables.insert("AWS_LAMBDA_LOG_LEVEL", level.unwrap_or("INFO").to_owned());
    }
    // The function's own may say where to find programs and libraries.
    for own in settings.environment.iter().flatten() {
        variables.retain(|name, _| name != own.0);
    }
    variables
}
