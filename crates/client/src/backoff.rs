//! Pauses between attempts at what a batch left unprocessed.

use std::time::Duration;

use tokio::time::sleep;

/// Attempts in a row that may process nothing.
const FRUITLESS_ATTEMPTS: u32 = 8;
const FIRST: Duration = Duration::from_millis(25);
const LONGEST: Duration = Duration::from_secs(1);

/// Counts the attempts in a row that processed nothing.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    fruitless: u32,
}

impl Backoff {
    /// Waits before another attempt, with full jitter. Returns false if the attempts are used up.
    pub(crate) async fn wait(&mut self, has_progressed: bool) -> bool {
        self.fruitless = if has_progressed {
            0
        } else {
            self.fruitless + 1
        };
        if self.fruitless == FRUITLESS_ATTEMPTS {
            return false;
        }
        let longest = (FIRST * (1 << self.fruitless)).min(LONGEST);
        sleep(longest.mul_f64(fastrand::f64())).await;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn attempts_without_progress_end() {
        let mut backoff = Backoff::default();
        for _ in 1..FRUITLESS_ATTEMPTS {
            assert!(backoff.wait(false).await);
        }
        assert!(!backoff.wait(false).await);
        assert!(backoff.wait(true).await);
        assert!(backoff.wait(false).await);
    }
}
