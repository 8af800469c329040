//! Waiting for AWS: every wait has a name, a bound and a pace, and says so.

use std::time::Duration;

use anyhow::{Result, bail};
use tokio::time::Instant;

use crate::aws::Aws;
use crate::error::AwsError;
use crate::fault::Code;

/// One kind of wait.
#[derive(Clone, Copy, Debug)]
pub struct Wait {
    /// The condition, as the user reads it: "the function to become active".
    pub what: &'static str,
    /// The longest pause between two looks.
    pub every: Duration,
    /// The bound.
    pub at_most: Duration,
}

/// The pauses before each look for a resource that may have been created. Lists lag behind a create by about a second, at
/// times by more.
pub const LOOKS: [Duration; 4] = [
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];

/// Notices that a resource was deleted while it is waited for. Replicas may disagree for some looks.
#[derive(Debug, Default)]
pub struct Vanished {
    was_seen: bool,
    missing: u32,
}

impl Vanished {
    /// The number of looks in a row that may miss it.
    const LOOKS: u32 = 5;

    /// Notes that the resource was seen.
    pub fn is_there(&mut self) {
        self.was_seen = true;
        self.missing = 0;
    }

    /// Returns an error once the resource has been deleted by somebody else.
    pub fn is_missing(&mut self, what: impl FnOnce() -> String) -> Result<()> {
        self.missing += u32::from(self.was_seen);
        if self.missing == Self::LOOKS {
            bail!(
                Code::Stale
                    .fault(format!(
                        "{} was deleted while it was being made: someone else is at work",
                        what()
                    ))
                    .remedy("run it again")
            );
        }
        Ok(())
    }
}

impl Wait {
    /// A wait for `what`, with pauses of up to `every` and the bound `at_most`.
    pub const fn new(what: &'static str, every: Duration, at_most: Duration) -> Self {
        Self {
            what,
            every,
            at_most,
        }
    }

    /// Repeats `look` until it finds something. The first pauses are short, because most waits are.
    ///
    /// # Errors
    ///
    /// `Code::WaitedTooLong` at the bound, or the error of `look`.
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

    /// Repeats `act` while it is refused for a reason that `is_passing` recognises.
    ///
    /// # Errors
    ///
    /// `Code::WaitedTooLong` at the bound, or another error of `act`.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_and_stays_away_is_gone() {
        let mut table = Vanished::default();
        let name = || "table `t`".to_owned();
        assert!(
            (0..20).all(|_| table.is_missing(name).is_ok()),
            "not seen yet"
        );
        table.is_there();
        assert!((0..4).all(|_| table.is_missing(name).is_ok()));
        table.is_there();
        assert!((0..4).all(|_| table.is_missing(name).is_ok()));
        assert!(table.is_missing(name).is_err());
    }
}
