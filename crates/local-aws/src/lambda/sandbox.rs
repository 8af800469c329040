//! All processes of one execution environment, as the server has them: below one supervisor.

use std::io::{self, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::timeout;

use super::family;
use super::supervisor::{self, Ending, Order, Program, Report};

/// Memory is measured so often while something is under way: a function of 128 MB that takes more does so at some
/// gigabytes a second at most, and one measurement costs less than a tenth of a millisecond.
pub(super) const MEMORY_PACE: Duration = Duration::from_millis(20);
/// A warm environment's invocations are not measured more often than that at their end.
const LAST_MEASURE: Duration = Duration::from_millis(100);

/// The number of the runtime; extensions have higher ones.
pub(super) const RUNTIME: u32 = 0;

#[derive(Debug)]
pub(super) struct Sandbox {
    /// Bytes that its processes may have.
    limit: u64,
    /// A variable, as `NAME=VALUE`, that all its processes have and no others.
    mark: String,
    is_supervised: bool,
    state: Mutex<State>,
    gone: watch::Sender<bool>,
}

#[derive(Debug)]
struct State {
    /// The supervisor, or the runtime where there is none; `None` once it has ended and its id may be another's.
    root: Option<i32>,
    /// To the supervisor.
    orders: Option<UnixStream>,
    measured: Option<Instant>,
    /// Bytes.
    peak: u64,
    is_exceeded: bool,
}

/// An event of a sandbox.
pub(super) struct Reports {
    child: Child,
    lines: Option<Lines<BufReader<tokio::net::UnixStream>>>,
    pub(super) sandbox: Arc<Sandbox>,
}

/// The way in which a program ended.
#[derive(Debug)]
pub(super) enum Event {
    Ended {
        number: u32,
        ending: Ending,
    },
    /// With everything that it had.
    Gone,
}

impl Sandbox {
    /// A supervisor without programs.
    pub(super) fn open(
        shim: &Path,
        limit: u64,
        mark: String,
        output: OwnedFd,
        extensions: OwnedFd,
    ) -> io::Result<(Arc<Self>, Reports)> {
        let (ours, theirs) = UnixStream::pair()?;
        let child = Command::new(shim)
            .arg(supervisor::SUPERVISE)
            .env_clear()
            .stdin(OwnedFd::from(theirs))
            .stdout(output)
            .stderr(extensions)
            .process_group(0)
            .spawn()?;
        let reports = ours.try_clone()?;
        ours.set_nonblocking(true)?;
        let reports = BufReader::new(tokio::net::UnixStream::from_std(reports)?).lines();
        Ok(Self::of(child, limit, mark, Some(ours), Some(reports)))
    }

    /// A runtime without a supervisor.
    pub(super) fn bare(
        program: &Program,
        limit: u64,
        mark: String,
        output: OwnedFd,
    ) -> io::Result<(Arc<Self>, Reports)> {
        let child = Command::new(&program.path)
            .current_dir(&program.folder)
            .env_clear()
            .envs(&program.variables)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .process_group(0)
            .spawn()?;
        Ok(Self::of(child, limit, mark, None, None))
    }

    fn of(
        child: Child,
        limit: u64,
        mark: String,
        orders: Option<UnixStream>,
        lines: Option<Lines<BufReader<tokio::net::UnixStream>>>,
    ) -> (Arc<Self>, Reports) {
        let sandbox = Arc::new(Self {
            limit,
            mark,
            is_supervised: orders.is_some(),
            state: Mutex::new(State {
                root: child.id().and_then(|id| i32::try_from(id).ok()),
                orders,
                measured: None,
                peak: 0,
                is_exceeded: false,
            }),
            gone: watch::Sender::new(false),
        });
        let reports = Reports {
            child,
            lines,
            sandbox: Arc::clone(&sandbox),
        };
        (sandbox, reports)
    }

    /// Says something to the supervisor.
    pub(super) fn order(&self, order: &Order) -> io::Result<()> {
        let mut line = serde_json::to_vec(order).map_err(io::Error::other)?;
        line.push(b'\n');
        match &mut self.lock().orders {
            Some(orders) => orders.write_all(&line),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Kills all that there is. It takes some milliseconds: see [`Self::gone`].
    pub(super) fn kill(&self) {
        let mut state = self.lock();
        match (state.orders.take(), state.root) {
            // It may be gone already.
            (Some(orders), _) => drop(orders.shutdown(Shutdown::Write)),
            (None, Some(root)) if !self.is_supervised => kill_tree(root),
            (None, _) => {}
        }
    }

    /// Returns when no process is left, or after `limit`.
    pub(super) async fn gone(&self, limit: Duration) {
        let mut gone = self.gone.subscribe();
        let _ = timeout(limit, gone.wait_for(|gone| *gone)).await;
    }

    pub(super) fn is_gone(&self) -> bool {
        *self.gone.borrow()
    }

    /// Measures the memory, and kills all if it is more than the function may have.
    pub(super) fn measure(&self) {
        let mut state = self.lock();
        let Some(root) = state.root else { return };
        let usage = family::usage(root, !self.is_supervised);
        state.measured = Some(Instant::now());
        state.peak = state.peak.max(usage.peak);
        // Pages that processes share are counted for each of them first.
        let is_exceeded = usage.charged > self.limit
            && family::charged_once(root, !self.is_supervised) > self.limit;
        if is_exceeded {
            state.is_exceeded = true;
            drop(state);
            self.kill();
        }
    }

    /// The most that it has had, in megabytes.
    pub(super) fn memory(&self) -> u64 {
        let is_recent = |at: Instant| at.elapsed() < LAST_MEASURE;
        if !self.lock().measured.is_some_and(is_recent) {
            self.measure();
        }
        let state = self.lock();
        let bytes = if state.is_exceeded {
            self.limit
        } else {
            state.peak.min(self.limit)
        };
        bytes.div_ceil(1 << 20)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reports {
    /// The next event; after [`Event::Gone`] there is none.
    pub(super) async fn next(&mut self) -> Event {
        if let Some(lines) = &mut self.lines {
            if let Ok(Some(line)) = lines.next_line().await
                && let Ok(Report::Ended { number, ending }) = serde_json::from_str(&line)
            {
                return Event::Ended { number, ending };
            }
            // A supervisor that was killed has left what it was to end.
            if !self.child.wait().await.is_ok_and(|status| status.success()) {
                let sandbox = Arc::clone(&self.sandbox);
                let _ = tokio::task::spawn_blocking(move || kill_marked(&sandbox.mark)).await;
            }
            self.lines = None;
            self.end();
            return Event::Gone;
        }
        if self.sandbox.lock().root.is_none() {
            return Event::Gone;
        }
        let status = self.child.wait().await;
        if let Some(root) = self.sandbox.lock().root {
            kill_tree(root);
        }
        self.end();
        Event::Ended {
            number: RUNTIME,
            ending: status.map(Ending::from).unwrap_or_default(),
        }
    }

    fn end(&self) {
        let mut state = self.sandbox.lock();
        state.root = None;
        state.orders = None;
        drop(state);
        self.sandbox.gone.send_replace(true);
    }
}

/// Processes that are nobody's descendants here, by their mark, until there is none.
fn kill_marked(mark: &str) {
    for _ in 0..20 {
        let found = family::with_variable(mark);
        if found.is_empty() {
            return;
        }
        for pid in found.into_iter().filter_map(Pid::from_raw) {
            let _ = kill_process(pid, Signal::KILL);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A process, its descendants, and its group.
fn kill_tree(root: i32) {
    for pid in family::descendants(root) {
        if let Some(pid) = Pid::from_raw(pid) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
    if let Some(root) = Pid::from_raw(root) {
        // None of the group is left, most likely.
        let _ = kill_process_group(root, Signal::KILL);
    }
}
