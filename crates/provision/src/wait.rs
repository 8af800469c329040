//! Waiting for AWS: every wait has a name, a bound and a pace, and says so.

use std::time::Duration;

use anyhow::{Result, bail};
use tokio::time::Instant;

use crate::aws::Aws;
use crate::aws::error::AwsError;
use crate::fault::Code;

/// One kind of wait.
#[derive(Clone, Copy, Debug)]
pub struct Wait {
    /// What is waited for, as the user reads it: "the function to become active".
    pub what: &'static str,
    pub every: Duration,
    pub at_most: Duration,
}

impl Wait {
    pub const fn new(what: &'static str, every: Duration, at_most: Duration) -> Self {
        Self {
            what,
            every,
            at_most,
        }
    }

    /// Looks until `look` finds what is waited for. The first pauses are short, since most waits are.
    pub async fn until<T>(
        self,
        aws: &Aws,
        mut look: impl AsyncFnMut() -> Result<Option<T>>,
    ) -> Result<T> {
        let started = Instant::now();
        let mut pause = self.every.min(Duration::from_millis(100));
        loop {
            if let Some(found) = look().await? {
                return Ok(found);
            }
            self.pause(aws, started, pause, "not yet").await?;
            pause = (pause * 2).min(self.every);
        }
    }

    /// Repeats `act` while it is refused for the reason that `is_passing` recognises.
    pub async fn while_refused<T>(
        self,
        aws: &Aws,
        is_passing: impl Fn(&AwsError) -> bool,
        mut act: impl AsyncFnMut() -> Result<T, AwsError>,
    ) -> Result<T> {
        let started = Instant::now();
        let mut pause = self.every.min(Duration::from_millis(250));
        loop {
            match act().await {
                Ok(value) => return Ok(value),
                Err(error) if is_passing(&error) => {
                    self.pause(aws, started, pause, &error.to_string()).await?;
                    pause = (pause * 2).min(self.every);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn pause(self, aws: &Aws, started: Instant, pause: Duration, why: &str) -> Result<()> {
        let waited = started.elapsed();
        if waited + pause > self.at_most {
            bail!(
                Code::WaitedTooLong
                    .fault(format!(
                        "waited {} s for {}: {why}",
                        waited.as_secs(),
                        self.what
                    ))
                    .remedy("run it again, it goes on from here")
            );
        }
        let reason = format!(
            "waiting for {}, {} s of at most {} s",
            self.what,
            waited.as_secs(),
            self.at_most.as_secs()
        );
        aws.waiting(reason, pause, waited > Duration::from_secs(1));
        aws.pause(pause).await;
        Ok(())
    }
}
