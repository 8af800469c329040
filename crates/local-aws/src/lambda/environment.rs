//! One environment: a process of a function's code, with its Runtime API and its log stream.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use super::bootstrap::{self, Unstartable};
use super::code::TaskRoot;
use super::delivery::Stream;
use super::journal::Journal;
use super::known::Target;
use super::output::Output;
use super::role;
use super::runtime_api::{Exchange, Init};
use crate::clock::day;
use crate::cloud::Cloud;
use crate::ids;

/// A function's credentials; no environment gets as old.
const SESSION_SECONDS: u64 = 12 * 3600;
/// The memory of a process is looked at so often at most.
const MEMORY_PACE: Duration = Duration::from_millis(100);

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
    leader: Arc<Leader>,
    memory: Mutex<(Option<Instant>, u64)>,
    api: AbortHandle,
    access_key: String,
    cloud: Weak<Cloud>,
    _root: TaskRoot,
}

/// The first process of a group; `None` once it has ended and its id may be another's.
#[derive(Debug)]
struct Leader(Mutex<Option<Pid>>);

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
        let (reader, writer) = io::pipe()?;
        let mut command = match shim {
            Some(shim) => {
                let mut command = Command::new(shim);
                command.arg("run-function").arg(&program);
                command
            }
            None => Command::new(&program),
        };
        command
            .current_dir(&root.path)
            .env_clear()
            .envs(settings.environment.iter().flatten())
            .envs(variables)
            .env("LOCAL_AWS_PARENT", std::process::id().to_string())
            .stdin(Stdio::null())
            .stdout(writer.try_clone()?)
            .stderr(writer)
            .process_group(0);
        if shim.is_none() {
            command.env_remove("LOCAL_AWS_PARENT");
        }
        // Its end follows that of the thread which starts it (prctl(2), PR_SET_PDEATHSIG): here, one of the runtime's
        // own, which lives as long as the runtime; and not one that blocks, which goes after some idle seconds.
        let child = command.spawn();
        // The writers of the pipe are the process's alone from now on.
        drop(command);
        let child = child?;
        let (exchange, started) = Exchange::new();
        let output = Arc::new(Output::new(Arc::clone(&journal), reader)?);
        let pid = child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw);
        let leader = Arc::new(Leader(Mutex::new(pid)));
        let api = tokio::spawn(Arc::clone(&exchange).serve(listener)).abort_handle();
        tokio::spawn(Arc::clone(&output).follow());
        tokio::spawn(watch(
            child,
            Arc::clone(&leader),
            Arc::clone(&exchange),
            Arc::clone(&output),
        ));
        let process = Process {
            exchange,
            output,
            leader,
            memory: Mutex::default(),
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
    /// The most that it has had, in megabytes.
    pub(super) fn memory(&self) -> u64 {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        if memory.0.is_none_or(|at| at.elapsed() > MEMORY_PACE) {
            if let Some(found) = self.leader.memory() {
                memory.1 = found;
            }
            memory.0 = Some(Instant::now());
        }
        memory.1
    }

    /// With everything that it has started.
    pub(super) fn kill(&self) {
        self.leader.kill();
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

impl Leader {
    fn kill(&self) {
        let pid = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pid) = *pid {
            // None of the group is left, most likely.
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }

    fn memory(&self) -> Option<u64> {
        let pid = (*self.0.lock().unwrap_or_else(PoisonError::into_inner))?;
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
        Some(kilobytes.div_ceil(1024))
    }
}

/// Tells when the process has ended, and ends what it has left.
async fn watch(
    mut child: Child,
    leader: Arc<Leader>,
    exchange: Arc<Exchange>,
    output: Arc<Output>,
) {
    let status = child.wait().await;
    leader.kill();
    *leader.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    output.drain();
    exchange.end(&match status {
        Ok(status) => ending(status),
        Err(error) => error.to_string(),
    });
}

/// In the words of Go, which AWS's are.
fn ending(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(0), _) => String::new(),
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => {
            let core = if status.core_dumped() {
                " (core dumped)"
            } else {
                ""
            };
            format!("signal: {}{core}", signal_name(signal))
        }
        (None, None) => status.to_string(),
    }
}

fn signal_name(signal: i32) -> String {
    match signal {
        1 => "hangup".to_owned(),
        2 => "interrupt".to_owned(),
        4 => "illegal instruction".to_owned(),
        5 => "trace/breakpoint trap".to_owned(),
        6 => "aborted".to_owned(),
        7 => "bus error".to_owned(),
        8 => "floating point exception".to_owned(),
        9 => "killed".to_owned(),
        11 => "segmentation fault".to_owned(),
        13 => "broken pipe".to_owned(),
        15 => "terminated".to_owned(),
        other => format!("signal {other}"),
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
