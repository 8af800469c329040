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

/// Lists lag behind a create by about a second, at times by more: what may have been made is looked for after each of these
/// pauses before it counts as not made.
pub const LOOKS: [Duration; 4] = [
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];

/// Watches what is waited for: once seen, it does not go missing for longer than replicas disagree.
#[derive(Debug, Default)]
pub struct Vanished {
    was_seen: bool,
    missing: u32,
}

impl Vanished {
    /// How many looks in a row may miss it.
    const LOOKS: u32 = 5;

    pub fn is_there(&mut self) {
        self.was_seen = true;
        self.missing = 0;
    }

    /// An error once it has been deleted by somebody else.
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
