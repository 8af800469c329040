//! Every call to AWS goes through here: repeated where that is safe, paced, timed, and reported.

use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

use crate::aws::Aws;
use crate::error::{AwsError, Failure};
use crate::events::Event;
use crate::operation::{Operation, Repeat};

/// A successful answer.
#[derive(Clone, Debug)]
pub struct Answer<T> {
    /// The answer's content.
    pub value: T,
    /// AWS's id of the request.
    pub request_id: Option<String>,
}

/// The number of times a call is sent again when the network or a server failed.
const RESENDS: u32 = 5;

/// Shorter pauses are not worth a line on the screen.
const NOTICEABLE: Duration = Duration::from_secs(1);

impl Aws {
    /// Sends `request` until it succeeds, is refused, or may not be repeated.
    ///
    /// # Errors
    ///
    /// AWS's last answer, or the reason why there was none.
    pub async fn send<T, F>(
        &self,
        operation: &'static Operation,
        request: impl Fn() -> F,
    ) -> Result<T, AwsError>
    where
        F: Future<Output = Result<Answer<T>, AwsError>>,
    {
        self.check_declared(operation);
        let mut started = Instant::now();
        let mut resends = 0;
        let mut waits = 0;
        let mut attempt = 0;
        loop {
            // Patience is for what others spend; our own pace is as long as it takes.
            started += self.wait_for_rate(operation).await;
            self.ensure_running(operation.name)?;
            self.note_call();
            attempt += 1;
            let sent = Instant::now();
            let error = match request().await {
                Ok(Answer { value, request_id }) => {
                    self.events().send(&Event::Called {
                        step: self.step(),
                        sent,
                        operation: operation.name,
                        took: sent.elapsed(),
                        answer: "ok".to_owned(),
                        attempt,
                        request_id,
                        pause: None,
                    });
                    return Ok(value);
                }
                Err(error) => error.at(self.endpoint()),
            };
            let took = sent.elapsed();
            let is_resend = matches!(error.failure, Failure::NotSent | Failure::Unclear);
            let pause = match error.failure {
                Failure::Throttled => {
                    waits += 1;
                    self.pace().keep();
                    // Two runs that were throttled together must not return together.
                    let asked = error.retry_after.unwrap_or(Duration::ZERO);
                    Some(asked + backoff(waits))
                }
                Failure::Refused if error.is_concurrent_change() => {
                    waits += 1;
                    Some(backoff(waits))
                }
                Failure::NotSent if resends < RESENDS => {
                    resends += 1;
                    Some(backoff(resends))
                }
                Failure::Unclear if operation.repeat == Repeat::Safe && resends < RESENDS => {
                    resends += 1;
                    Some(backoff(resends))
                }
                _ => None,
            };
            // Resends are few, however long each of them took.
            let pause =
                pause.filter(|pause| is_resend || started.elapsed() + *pause <= operation.patience);
            self.events().send(&Event::Called {
                step: self.step(),
                sent,
                operation: operation.name,
                took,
                answer: answer_of(&error),
                attempt,
                request_id: error.request_id.clone(),
                pause,
            });
            let Some(pause) = pause else {
                return Err(error);
            };
            self.waiting(
                format!("{error}; next try in {:.0} s", pause.as_secs_f64().ceil()),
                pause,
                pause > NOTICEABLE,
            );
            self.pause(pause).await;
        }
    }

    /// Waits until AWS's rates allow another call of `operation`. Returns how long it waited.
    async fn wait_for_rate(&self, operation: &Operation) -> Duration {
        let asked = Instant::now();
        while let Err(early) = self.pace().take(operation, Instant::now()) {
            let left = early.time.as_secs_f64().ceil();
            self.waiting(
                format!("{}: {early}, {left:.0} s left", early.service),
                early.time,
                early.time > NOTICEABLE,
            );
            self.pause(early.time).await;
            if self.is_stopped() {
                break;
            }
        }
        asked.elapsed()
    }
}

/// 0.1 s, doubled at each try up to 5 s, of which the upper half is random.
fn backoff(tries: u32) -> Duration {
    let ceiling = Duration::from_millis(100 << tries.min(6)).min(Duration::from_secs(5));
    ceiling / 2 + (ceiling / 2).mul_f64(random())
}

/// A number in 0..1 that differs from call to call; only pauses depend on it.
fn random() -> f64 {
    use std::hash::{BuildHasher, RandomState};
    let bits = u32::try_from(RandomState::new().hash_one(0) >> 32).unwrap_or_default();
    f64::from(bits) / f64::from(u32::MAX)
}

fn answer_of(error: &AwsError) -> String {
    if error.code.is_empty() {
        error.message.clone()
    } else {
        error.code.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_are_bounded() {
        for tries in 1..50 {
            assert!(backoff(tries) <= Duration::from_secs(5));
            assert!(backoff(tries) >= Duration::from_millis(100));
        }
    }
}
