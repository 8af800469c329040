//! The supervisor: the process between the server and all processes of one execution environment.
//!
//! It starts programs when the server says so, reports their end, and ends everything that they have started, whatever
//! it did to get away (`setsid`, double fork, `nohup`), when the server says so or is gone. Both happen at the end of the
//! one socket between the two, which is the supervisor's standard input. On Linux it is the reaper of its descendants
//! (prctl(2), `PR_SET_CHILD_SUBREAPER`): no process leaves its tree. macOS has nothing like it: there it ends the process
//! group of each program, and a process that leaves the group outlives it.
//!
//! cgroups (`cgroup.kill`, `memory.max`) would do it too where they are writable, which they are for few users; but moving
//! a process into one waits for all processors to take notice: 8 to 25 ms on an idle machine, more than a cold start.

use std::collections::{BTreeMap, HashMap};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;
use std::{fmt, io};

use rustix::fs::Mode;
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::signal::unix::{SignalKind, signal};

use super::family;

/// The server's orders, a line of JSON each.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Order {
    Start(Box<Program>),
    /// SIGTERM to the program of this number.
    Terminate(u32),
    /// SIGKILL to the program of this number, and to nothing that it has started.
    Kill(u32),
}

/// A program to start.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Program {
    /// As the server counts them.
    pub(super) number: u32,
    pub(super) path: PathBuf,
    /// Its working directory.
    pub(super) folder: PathBuf,
    /// The folder that it is to have at `/opt`, if any.
    pub(super) opt: Option<PathBuf>,
    /// All of its environment.
    pub(super) variables: BTreeMap<String, String>,
    /// True if it writes to the supervisor's standard error, and not to its standard output.
    pub(super) is_extension: bool,
}

/// The supervisor's reports, a line of JSON each.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Report {
    Ended { number: u32, ending: Ending },
}

/// The way in which a process ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ending {
    pub(super) code: Option<i32>,
    pub(super) signal: Option<i32>,
    pub(super) dumped_core: bool,
}

/// Variable of a program that has not begun yet: its parent, with which it ends.
const PARENT: &str = "LOCAL_AWS_PARENT";
/// Hidden arguments of the program that both run in.
pub(super) const SUPERVISE: &str = "run-function";
const BECOME: &str = "start-program";

/// Does what the hidden arguments of a `shim` say (see [`Runner`](super::Runner)), and returns `None` if they are others.
pub fn run_hidden(arguments: &[std::ffi::OsString]) -> Option<Result<(), String>> {
    match arguments {
        [_, kind] if kind == SUPERVISE => Some(supervise().map_err(|error| error.to_string())),
        [_, kind, program] if kind == BECOME => Some(become_program(Path::new(program), None)),
        [_, kind, program, opt] if kind == BECOME => {
            Some(become_program(Path::new(program), Some(Path::new(opt))))
        }
        _ => None,
    }
}

fn supervise() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
        // A signal to all processes of the server's name is not for this one.
        let _ = std::fs::write("/proc/self/comm", "lambda-function");
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    let mut supervisor = Supervisor {
        server: UnixStream::from(own(io::stdin())?),
        programs: HashMap::new(),
    };
    let outcome = runtime.block_on(supervisor.follow());
    supervisor.end_everything();
    outcome
}

struct Supervisor {
    server: UnixStream,
    /// Those that run, by their process.
    programs: HashMap<i32, u32>,
}

impl Supervisor {
    /// Until the server is gone or has said that it is over.
    async fn follow(&mut self) -> io::Result<()> {
        let mut ended = signal(SignalKind::child())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut hangup = signal(SignalKind::hangup())?;
        let orders = self.server.try_clone()?;
        orders.set_nonblocking(true)?;
        let mut orders = BufReader::new(tokio::net::UnixStream::from_std(orders)?).lines();
        loop {
            tokio::select! {
                line = orders.next_line() => match line {
                    Ok(Some(line)) => self.obey(&line)?,
                    _ => return Ok(()),
                },
                _ = ended.recv() => {
                    self.reap();
                }
                _ = terminate.recv() => return Ok(()),
                _ = interrupt.recv() => return Ok(()),
                _ = hangup.recv() => return Ok(()),
            }
        }
    }

    fn obey(&mut self, line: &str) -> io::Result<()> {
        match serde_json::from_str(line)? {
            Order::Start(program) => self.start(&program),
            Order::Terminate(number) => {
                self.signal(number, Signal::TERM);
                Ok(())
            }
            Order::Kill(number) => {
                self.signal(number, Signal::KILL);
                Ok(())
            }
        }
    }

    fn signal(&self, number: u32, signal: Signal) {
        let found = self.programs.iter().find(|(_, other)| **other == number);
        if let Some(pid) = found.and_then(|(pid, _)| Pid::from_raw(*pid)) {
            // Not reaped, and so still there.
            let _ = rustix::process::kill_process(pid, signal);
        }
    }

    fn start(&mut self, program: &Program) -> io::Result<()> {
        let output = if program.is_extension {
            own(io::stderr())?
        } else {
            own(io::stdout())?
        };
        let child = Command::new(this_program()?)
            .arg(BECOME)
            .arg(&program.path)
            .args(&program.opt)
            .current_dir(&program.folder)
            .env_clear()
            .envs(&program.variables)
            .env(PARENT, std::process::id().to_string())
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .process_group(0)
            .spawn()?;
        let pid = i32::try_from(child.id()).map_err(io::Error::other)?;
        self.programs.insert(pid, program.number);
        Ok(())
    }

    /// Takes note of all processes that have ended. Returns false if there is none left.
    fn reap(&mut self) -> bool {
        loop {
            match rustix::process::wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) => {
                    if let Some(number) = self.programs.remove(&pid.as_raw_nonzero().get()) {
                        let ending = Ending::from(status);
                        self.report(&Report::Ended { number, ending });
                    }
                }
                Ok(None) => return true,
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return false,
            }
        }
    }

    /// The server may be gone.
    fn report(&mut self, report: &Report) {
        if let Ok(mut line) = serde_json::to_vec(report) {
            line.push(b'\n');
            let _ = io::Write::write_all(&mut self.server, &line);
        }
    }

    /// Kills until there is no process left that anything here has started.
    fn end_everything(&mut self) {
        let own = rustix::process::getpid().as_raw_nonzero().get();
        let mut round: u32 = 0;
        while self.reap() {
            for pid in self.programs.keys().filter_map(|pid| Pid::from_raw(*pid)) {
                let _ = rustix::process::kill_process_group(pid, Signal::KILL);
            }
            let mut family = family::descendants(own);
            if family.is_empty() {
                family = family::scan(own);
            }
            for pid in family.into_iter().filter_map(Pid::from_raw) {
                let _ = rustix::process::kill_process(pid, Signal::KILL);
            }
            // The first ones are gone at once.
            thread::sleep(Duration::from_micros(200 << round.min(7)));
            round += 1;
        }
    }
}

impl From<WaitStatus> for Ending {
    fn from(status: WaitStatus) -> Self {
        Self {
            code: status.exit_status(),
            signal: status.terminating_signal(),
            // waitpid(2), WCOREDUMP.
            dumped_core: status.signaled() && status.as_raw() & 0x80 != 0,
        }
    }
}

impl From<ExitStatus> for Ending {
    fn from(status: ExitStatus) -> Self {
        Self {
            code: status.code(),
            signal: status.signal(),
            dumped_core: status.core_dumped(),
        }
    }
}

impl fmt::Display for Ending {
    /// In the words of Go, which AWS's are; nothing for a process that ended by itself and well.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code, self.signal) {
            (Some(0), _) => Ok(()),
            (Some(code), _) => write!(f, "exit status {code}"),
            (None, signal) => {
                write!(f, "signal: {}", signal_name(signal.unwrap_or_default()))?;
                f.write_str(if self.dumped_core {
                    " (core dumped)"
                } else {
                    ""
                })
            }
        }
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

/// The open file itself, whatever the standard library does with it.
fn own(stream: impl AsFd) -> io::Result<OwnedFd> {
    stream.as_fd().try_clone_to_owned()
}

/// The file that runs, even if another one has its name by now.
fn this_program() -> io::Result<PathBuf> {
    if cfg!(target_os = "linux") {
        return Ok(PathBuf::from("/proc/self/exe"));
    }
    std::env::current_exe()
}

/// Becomes a program that ends with its parent, within Lambda's own limits.
fn become_program(path: &Path, opt: Option<&Path>) -> Result<(), String> {
    if let Some(opt) = opt {
        // Without it the program finds its layers by its variables.
        let _ = super::mounts::show_at_opt(opt);
    }
    // Killed with the supervisor, should that be killed. macOS has nothing like it.
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|error| error.to_string())?;
    // The parent may have ended before that.
    if std::env::var(PARENT)
        .is_ok_and(|parent| parent != std::os::unix::process::parent_id().to_string())
    {
        return Err("the local AWS has ended".to_owned());
    }
    allow_files(1024);
    rustix::process::umask(Mode::from_raw_mode(0o022));
    let mut program = Command::new(path);
    program.env_remove(PARENT);
    // Linux refuses a file that is open for writing, which it still is in a process that was forked while it was unpacked
    // and has not begun its own program yet.
    for _ in 0..100 {
        let error = program.exec();
        if error.kind() != io::ErrorKind::ExecutableFileBusy {
            return Err(error.to_string());
        }
        thread::sleep(Duration::from_millis(10));
    }
    Err(program.exec().to_string())
}

/// The number of files that this process may have open, as far as the system allows it.
pub fn allow_files(wanted: u64) {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.unwrap_or(wanted);
    limit.current = Some(wanted.min(most));
    // It goes on with the limit that it has.
    let _ = setrlimit(Resource::Nofile, limit);
}
