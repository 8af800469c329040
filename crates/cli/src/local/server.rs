//! A local AWS that runs: finding and stopping it.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use provision_engine::fault::Code;
use serde::Deserialize;
use tokio::time::sleep;

use super::client;
use super::lease::Alone;

const STOP: Duration = Duration::from_secs(10);

/// A running local AWS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) pid: u32,
    /// Number of resources that it holds: roles, tables, functions, APIs and others.
    pub(crate) records: u64,
}

/// The fate of a server that may hold nothing any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Emptied {
    /// It was stopped, and its folder removed.
    Removed,
    /// It holds nothing, and another command uses it, or removes it.
    Used,
    /// It holds something, or does not run.
    Left,
}

/// The description that a server writes into its folder.
#[derive(Deserialize)]
struct Announced {
    url: String,
    pid: u32,
}

impl Announced {
    fn read(folder: &Path) -> Option<Self> {
        let text = fs::read_to_string(folder.join("server.json")).ok()?;
        serde_json::from_str(&text).ok()
    }
}

impl Server {
    /// The one that uses `folder`, if it runs.
    pub(crate) async fn find(folder: &Path) -> Option<Self> {
        let Announced { url, pid } = Announced::read(folder)?;
        let health = client::health(&url).await?;
        // After a crash another server, of another folder, may have the port.
        let is_it = health["pid"].as_u64() == Some(pid.into());
        is_it.then(|| Self {
            url,
            pid,
            records: health["records"].as_u64().unwrap_or_default(),
        })
    }

    /// Stops it and waits until it has ended.
    pub(crate) async fn stop(&self, folder: &Path) -> Result<()> {
        client::stop(&self.url).await?;
        let asked = Instant::now();
        while !self.has_ended(folder) {
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

    /// Another one may have the folder by then.
    fn has_ended(&self, folder: &Path) -> bool {
        let is_followed = |other: Announced| other.pid != self.pid;
        !is_locked(folder) || Announced::read(folder).is_some_and(is_followed)
    }

    /// Stops it and removes `folder` if it holds nothing any more and no command uses it.
    pub(crate) async fn stop_if_empty(folder: &Path) -> Result<Emptied> {
        let alone = Alone::with(folder)?;
        let found = Self::find(folder).await;
        let Some(server) = found.filter(|server| server.records == 0) else {
            return Ok(Emptied::Left);
        };
        let Some(alone) = alone else {
            return Ok(Emptied::Used);
        };
        server.stop(folder).await?;
        alone
            .remove(folder)
            .with_context(|| format!("removing {}", folder.display()))?;
        // The folder that only held it, if it is ours and empty.
        if let Some(parent) = folder
            .parent()
            .filter(|parent| parent.ends_with(".provision"))
        {
            let _ = fs::remove_dir(parent);
        }
        Ok(Emptied::Removed)
    }
}

/// Returns true if a process holds the server's lock on `folder`.
pub(super) fn is_locked(folder: &Path) -> bool {
    File::options()
        .write(true)
        .open(folder.join("lock"))
        .is_ok_and(|lock| matches!(lock.try_lock(), Err(fs::TryLockError::WouldBlock)))
}
