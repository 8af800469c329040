//! Finding, starting and stopping the local AWS.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use tokio::process::{Child, Command};
use tokio::time::sleep;

use super::{Settings, client};
use crate::sources::own_workspace;
use provision_engine::fault::Code;
use provision_package::{Program, Workspace, build_program};

const LOCAL_AWS: Program = Program {
    package: "local-aws",
    binary: "local-aws",
    title: "the local AWS",
};

/// A start takes some milliseconds; a large state is checked by `SQLite` first.
const START: Duration = Duration::from_secs(20);
const STOP: Duration = Duration::from_secs(10);

/// A running local AWS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) pid: u32,
    /// Number of resources that it holds: roles, tables, functions, APIs and others.
    pub(crate) records: u64,
}

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

/// The description that a server writes into its folder.
#[derive(Deserialize)]
struct Announced {
    url: String,
    pid: u32,
}

impl Server {
    /// The one that uses `folder`, if it runs.
    pub(crate) async fn find(folder: &Path) -> Option<Self> {
        let text = fs::read_to_string(folder.join("server.json")).ok()?;
        let Announced { url, pid } = serde_json::from_str(&text).ok()?;
        let health = client::health(&url).await?;
        // After a crash another server, of another folder, may have the port.
        let is_it = health["pid"].as_u64() == Some(pid.into());
        is_it.then(|| Self {
            url,
            pid,
            records: health["records"].as_u64().unwrap_or_default(),
        })
    }

    /// The one that uses `folder`, started in the background if it does not run. The second part says whether it
    /// was.
    pub(crate) async fn ensure(
        settings: &Settings,
        sources: &Path,
        start: &Start,
    ) -> Result<(Self, bool)> {
        let folder = settings.folder.as_path();
        if let Some(server) = Self::find(folder).await {
            return Ok((server, false));
        }
        let binary = binary(settings, sources).await?;
        fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        let log_path = folder.join("server.log");
        let log =
            File::create(&log_path).with_context(|| format!("making {}", log_path.display()))?;
        let mut command = command(&binary, folder, start);
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        set_apart(&mut command);
        let child = command.spawn().with_context(|| {
            Code::LocalDidNotStart.fault(format!("starting {}", binary.display()))
        })?;
        let server = started(child, folder, &log_path).await?;
        Ok((server, true))
    }

    /// Runs one in the foreground, each request shown, until it ends.
    pub(crate) async fn run(settings: &Settings, sources: &Path, start: &Start) -> Result<bool> {
        let binary = binary(settings, sources).await?;
        let status = command(&binary, &settings.folder, start)
            .arg("--log-requests")
            .status()
            .await
            .with_context(|| {
                Code::LocalDidNotStart.fault(format!("starting {}", binary.display()))
            })?;
        Ok(status.success())
    }

    /// Stops it and waits until it has ended.
    pub(crate) async fn stop(&self, folder: &Path) -> Result<()> {
        client::stop(&self.url).await?;
        let asked = Instant::now();
        while is_locked(folder) {
            if asked.elapsed() > STOP {
                bail!(Code::LocalDidNotEnd.fault(format!(
                    "the local AWS (process {}) did not end within {} s",
                    self.pid,
                    STOP.as_secs()
                )));
            }
            sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// Stops it and removes `folder` if it holds nothing any more. Says whether it did.
    pub(crate) async fn stop_if_empty(folder: &Path) -> Result<bool> {
        let Some(server) = Self::find(folder).await else {
            return Ok(false);
        };
        if server.records > 0 {
            return Ok(false);
        }
        server.stop(folder).await?;
        fs::remove_dir_all(folder).with_context(|| format!("removing {}", folder.display()))?;
        // The folder that only held it, if it is ours and empty.
        if let Some(parent) = folder
            .parent()
            .filter(|parent| parent.ends_with(".provision"))
        {
            let _ = fs::remove_dir(parent);
        }
        Ok(true)
    }
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

/// Returns true if a process holds the server's lock on `folder`.
fn is_locked(folder: &Path) -> bool {
    File::options()
        .write(true)
        .open(folder.join("lock"))
        .is_ok_and(|lock| matches!(lock.try_lock(), Err(fs::TryLockError::WouldBlock)))
}

const PORT_VARIABLE: &str = "PROVISION_LOCAL_PORT";

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

async fn started(mut child: Child, folder: &Path, log: &Path) -> Result<Server> {
    let spawned = Instant::now();
    loop {
        if let Some(server) = Server::find(folder).await {
            return Ok(server);
        }
        if let Some(status) = child.try_wait()? {
            // Another one may have been started at the same moment, and be the one that counts.
            if let Some(server) = Server::find(folder).await {
                return Ok(server);
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
        if spawned.elapsed() > START {
            bail!(
                Code::LocalDidNotStart
                    .fault(format!(
                        "the local AWS did not answer within {} s",
                        START.as_secs()
                    ))
                    .remedy(format!("read {}", log.display()))
            );
        }
        sleep(Duration::from_millis(2)).await;
    }
}

/// The origin of the program.
#[derive(Debug)]
pub(crate) enum Source {
    Workspace(PathBuf),
    Binary(PathBuf),
}

/// Finds the program: as given, as a package of the workspace around `sources` or of the one that this crate was compiled in,
/// beside this program, or in the `PATH`.
///
/// # Errors
///
/// `Code::NoLocalAws`.
pub(crate) fn program(settings: &Settings, sources: &Path) -> Result<Source> {
    if let Some(given) = &settings.program {
        return Ok(Source::Binary(given.clone()));
    }
    let workspace = Workspace::around(sources).ok().flatten();
    if let Some(workspace) = workspace.filter(|workspace| workspace.has(LOCAL_AWS.package)) {
        return Ok(Source::Workspace(workspace.root));
    }
    if let Some(root) = own_workspace() {
        return Ok(Source::Workspace(root));
    }
    let beside = std::env::current_exe()?.with_file_name(LOCAL_AWS.binary);
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let installed = std::env::split_paths(&paths).map(|folder| folder.join(LOCAL_AWS.binary));
    if let Some(found) = std::iter::once(beside.clone())
        .chain(installed)
        .find(|path| path.is_file())
    {
        return Ok(Source::Binary(found));
    }
    bail!(
        Code::NoLocalAws
            .fault(format!(
                "the local AWS was not found: neither its sources nor {}",
                beside.display()
            ))
            .remedy("run it inside the project, `cargo install local-aws`, or `PROVISION_LOCAL_AWS=PATH`")
    )
}

async fn binary(settings: &Settings, sources: &Path) -> Result<PathBuf> {
    match program(settings, sources)? {
        Source::Workspace(root) => {
            let target = Workspace::around(sources).ok().flatten();
            let target = target.map(|workspace| workspace.target);
            build_program(&root, target.as_deref(), LOCAL_AWS).await
        }
        Source::Binary(path) => Ok(path),
    }
}
