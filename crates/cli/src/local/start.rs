//! Starting the local AWS, beside others who may do the same at this moment.

use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use provision_engine::fault::{Code, Fault};
use tokio::process::{Child, Command};
use tokio::time::sleep;

use super::Settings;
use super::lease::Lease;
use super::program::{binary, program};
use super::server::{Server, is_locked};
use crate::ui::console::Console;

/// A start takes some milliseconds; a large state is checked by `SQLite` first.
const START: Duration = Duration::from_secs(20);
/// As every wait's.
const NOTICEABLE: Duration = Duration::from_secs(1);
const TOLD_EVERY: Duration = Duration::from_secs(5);
/// The program's exit code where another server has its folder.
const IN_USE: i32 = 75;
const PORT_VARIABLE: &str = "PROVISION_LOCAL_PORT";

/// Options of the start.
#[derive(Clone, Debug, Default)]
pub(crate) struct Start {
    /// Its port; the one it had before, else 4566, else a free one.
    pub(crate) port: Option<u16>,
    /// The faults to inject, as JSON.
    pub(crate) faults: Option<String>,
}

impl Start {
    /// Returns true if one that runs is not as this would start it, as far as that was said.
    pub(crate) fn differs_from(&self, server: &Server) -> bool {
        let is_elsewhere = |port: u16| {
            !server
                .url
                .trim_end_matches('/')
                .ends_with(&format!(":{port}"))
        };
        self.faults.is_some() || self.port.is_some_and(is_elsewhere)
    }
}

/// A server that answers.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) server: Server,
    /// True if this command started it.
    pub(crate) is_new: bool,
    /// No other command removes it while this is held.
    pub(crate) lease: Lease,
}

/// Returns the server of the folder, started in the background if none runs. One that another command starts or ends at this
/// moment is waited for.
pub(crate) async fn ready(
    settings: &Settings,
    sources: &Path,
    start: &Start,
    console: &Console,
) -> Result<Ready> {
    let folder = settings.folder.as_path();
    if Server::find(folder).await.is_none() {
        // No folder is made for a program that is missing.
        program(settings, sources)?;
    }
    let lease = Lease::of(folder).await?;
    let (server, is_new) = if let Some(server) = Server::find(folder).await {
        (server, false)
    } else {
        let binary = binary(settings, sources).await?;
        found_or_started(&binary, folder, start, console).await?
    };
    Ok(Ready {
        server,
        is_new,
        lease,
    })
}

/// Runs one in the foreground, each request shown, until it ends.
pub(crate) async fn run(settings: &Settings, sources: &Path, start: &Start) -> Result<bool> {
    let binary = binary(settings, sources).await?;
    let status = command(&binary, &settings.folder, start)
        .arg("--log-requests")
        .status()
        .await
        .with_context(|| Code::LocalDidNotStart.fault(format!("starting {}", binary.display())))?;
    Ok(status.success())
}

async fn found_or_started(
    binary: &Path,
    folder: &Path,
    start: &Start,
    console: &Console,
) -> Result<(Server, bool)> {
    let mut other = Other {
        folder,
        console,
        since: Instant::now(),
        told: None,
    };
    loop {
        if let Some(server) = started(binary, folder, start).await? {
            return Ok((server, true));
        }
        if let Some(server) = other.answers().await? {
            return Ok((server, false));
        }
    }
}

/// A server that another command starts or ends.
struct Other<'a> {
    folder: &'a Path,
    console: &'a Console,
    since: Instant,
    told: Option<Instant>,
}

impl Other<'_> {
    /// Returns it once it answers; `None` once it has ended.
    async fn answers(&mut self) -> Result<Option<Server>> {
        loop {
            if let Some(server) = Server::find(self.folder).await {
                return Ok(Some(server));
            }
            let waited = self.since.elapsed();
            ensure!(waited <= START, never_answered(self.folder));
            if !is_locked(self.folder) {
                return Ok(None);
            }
            self.tell(waited);
            sleep(Duration::from_millis(10)).await;
        }
    }

    fn tell(&mut self, waited: Duration) {
        let is_due = self.told.is_none_or(|told| told.elapsed() > TOLD_EVERY);
        if waited > NOTICEABLE && is_due {
            self.told = Some(Instant::now());
            self.console.say(&format!(
                "    waiting for the local AWS that another command starts or ends, {} s of at most {} s",
                waited.as_secs(),
                START.as_secs()
            ));
        }
    }
}

/// Starts one and waits until it answers; `None` if another one has the folder.
async fn started(binary: &Path, folder: &Path, start: &Start) -> Result<Option<Server>> {
    // Of several that are started at once, only one may write the folder's log.
    let draft = folder.join(format!("server.log.{}", std::process::id()));
    let log = File::create(&draft).with_context(|| format!("making {}", draft.display()))?;
    let mut command = command(binary, folder, start);
    command
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    set_apart(&mut command);
    let outcome = match command.spawn() {
        Ok(child) => answering(child, folder, &draft).await,
        Err(error) => Err(error).with_context(|| {
            Code::LocalDidNotStart.fault(format!("starting {}", binary.display()))
        }),
    };
    let _ = match outcome {
        Ok(None) => fs::remove_file(draft),
        Ok(Some(_)) | Err(_) => fs::rename(draft, folder.join("server.log")),
    };
    outcome
}

async fn answering(mut child: Child, folder: &Path, log: &Path) -> Result<Option<Server>> {
    let spawned = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            if status.code() == Some(IN_USE) {
                return Ok(None);
            }
            let said = fs::read_to_string(log).unwrap_or_default();
            let said = said.trim().trim_start_matches("error: ");
            if said.is_empty() {
                bail!(
                    Code::LocalDidNotStart
                        .fault(format!("the local AWS ended with {status} at once"))
                );
            }
            bail!(Code::LocalDidNotStart.fault(format!("the local AWS did not start: {said}")));
        }
        let waited = spawned.elapsed();
        if let Some(server) = Server::find(folder).await {
            // Another command's, unless the program is a script that waits for the server; that one ends at once.
            let is_it = child.id() == Some(server.pid) || waited > NOTICEABLE;
            if is_it {
                return Ok(Some(server));
            }
        }
        if waited > START {
            bail!(
                Code::LocalDidNotStart
                    .fault(format!(
                        "the local AWS did not answer within {} s",
                        START.as_secs()
                    ))
                    .remedy(format!("read {}", folder.join("server.log").display()))
            );
        }
        sleep(Duration::from_millis(2)).await;
    }
}

fn command(binary: &Path, folder: &Path, start: &Start) -> Command {
    let mut command = Command::new(binary);
    command.arg("serve").arg("--folder").arg(folder);
    // A variable without a value is as good as none, and no port.
    if std::env::var_os(PORT_VARIABLE).is_some_and(|value| value.is_empty()) {
        command.env_remove(PORT_VARIABLE);
    }
    if let Some(port) = start.port {
        command.arg("--port").arg(port.to_string());
    }
    if let Some(faults) = &start.faults {
        command.arg("--faults").arg(faults);
    }
    command
}

/// Ctrl-C in this terminal is not meant for it.
fn set_apart(command: &mut Command) {
    #[cfg(unix)]
    command.process_group(0);
    #[cfg(windows)]
    {
        /// As in Windows' "Process Creation Flags".
        const CREATE_NEW_PROCESS_GROUP: u32 = 0x200;
        command.creation_flags(CREATE_NEW_PROCESS_GROUP);
    }
}

fn never_answered(folder: &Path) -> Fault {
    Code::LocalDidNotStart
        .fault(format!(
            "another process uses {}, and no local AWS has answered there within {} s",
            folder.display(),
            START.as_secs()
        ))
        .remedy("end that process, or choose another folder (`PROVISION_LOCAL_DIR`)")
}
