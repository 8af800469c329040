//! `--timeout`: how long a run may take.

use std::future::{Future, pending};
use std::time::Duration;

use anyhow::{Result, bail};
use tokio::time::{Instant, sleep_until};

use provision_engine::fault::{Code, Fault};

/// The moment by which a run is to end, if there is one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Option<(Duration, Instant)>);

impl Deadline {
    /// `limit` from now.
    pub(crate) fn after(limit: Option<Duration>) -> Self {
        // One that no clock can tell is none.
        Self(limit.and_then(|limit| Some((limit, Instant::now().checked_add(limit)?))))
    }

    /// Ends when the time has passed.
    pub(crate) async fn wait(&self) {
        match self.0 {
            Some((_, at)) => sleep_until(at).await,
            None => pending().await,
        }
    }

    /// `work`, or an error when the time has passed: for work that changes nothing.
    pub(crate) async fn or<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            outcome = work => outcome,
            () = self.wait() => bail!(self.passed("nothing was changed")),
        }
    }

    /// The error of a run that the time was too short for; `state` says how far it came.
    pub(crate) fn passed(&self, state: &str) -> Fault {
        let seconds = self.0.map_or(0, |(limit, _)| limit.as_secs());
        Code::TimedOut.fault(format!("gave up after {seconds} s; {state}"))
    }
}
