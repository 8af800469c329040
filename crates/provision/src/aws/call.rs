//! Every call to AWS goes through here: repeated where that is safe, timed, and told of.

use std::future::Future;
use std::sync::atomic::Ordering;
use std::time::Duration;

use aws_sdk_sts::operation::RequestId;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use tokio::time::Instant;

use super::Aws;
use super::error::{AwsError, Failure};
use crate::events::Event;

/// One operation, with what may be done when it fails.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    pub name: &'static str,
    /// Whose it is, where several services have one of this name, as [`pace`](super::pace) calls them.
    pub service: Option<&'static str>,
    pub repeat: Repeat,
    /// For how long "slow down" and "somebody else is changing this" are waited out.
    pub patience: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// Reads, and writes that end in the same state however often they are sent.
    Safe,
    /// Creates without a client token: after an unclear failure the caller must look before it tries again.
    LookFirst,
}

impl Operation {
    pub const fn safe(name: &'static str) -> Self {
        Self {
            name,
            service: None,
            repeat: Repeat::Safe,
            patience: Duration::from_mins(2),
        }
    }

    pub const fn look_first(name: &'static str) -> Self {
        Self {
            name,
            service: None,
            repeat: Repeat::LookFirst,
            patience: Duration::from_mins(2),
        }
    }

    pub const fn of(self, service: &'static str) -> Self {
        Self {
            service: Some(service),
            ..self
        }
    }

    /// For operations whose own rate is far lower than the rest's (`DeleteRestApi`: 1 per 30 s).
    pub const fn patient(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }
}

/// How often a call is sent again when the network or a server failed.
const RESENDS: u32 = 5;

/// Shorter pauses are not worth a line on the screen.
const FELT: Duration = Duration::from_secs(1);

impl Aws {
    /// Sends `request` until it succeeds, is refused, or may not be repeated.
    pub async fn call<T, E, F>(
        &self,
        operation: Operation,
        request: impl Fn() -> F,
    ) -> Result<T, AwsError>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        T: RequestId,
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let mut started = Instant::now();
        let mut resends = 0;
        let mut waits = 0;
        let mut attempt = 0;
        loop {
            // Patience is for what others spend; our own pace is as long as it takes.
            started += self.my_turn(operation).await;
            self.goes_on(operation.name)?;
            self.has_called.store(true, Ordering::Relaxed);
            attempt += 1;
            let sent = Instant::now();
            let outcome = request().await;
            let error = match outcome {
                Ok(answer) => {
                    self.events().send(Event::Called {
                        step: self.step.clone(),
                        sent,
                        operation: operation.name,
                        took: sent.elapsed(),
                        answer: "ok".to_owned(),
                        attempt,
                        request_id: answer.request_id().map(str::to_owned),
                        pause: None,
                    });
                    return Ok(answer);
                }
                Err(error) => AwsError::from_sdk(operation.name, &error).at(self.endpoint()),
            };
            let took = sent.elapsed();
            let is_resend = matches!(error.failure, Failure::NotSent | Failure::Unclear);
            let pause = match error.failure {
                Failure::Throttled => {
                    waits += 1;
                    self.shared.pace.keep();
                    // Whoever was told the same does not come back at the same moment.
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
            self.events().send(Event::Called {
                step: self.step.clone(),
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
                pause > FELT,
            );
            self.pause(pause).await;
        }
    }

    /// Waits until AWS's rates allow another call of `operation`; says so where that is felt. Returns how long it was.
    async fn my_turn(&self, operation: Operation) -> Duration {
        let asked = Instant::now();
        while let Err(wait) =
            self.shared
                .pace
                .take(operation.name, operation.service, Instant::now())
        {
            let left = wait.time.as_secs_f64().ceil();
            self.waiting(
                format!("{}: {}, {left:.0} s left", wait.rate.service, wait.rate),
                wait.time,
                wait.time > FELT,
            );
            self.pause(wait.time).await;
            if self.is_stopped() {
                break;
            }
        }
        asked.elapsed()
    }
}

/// 0.1 s, doubled at each try up to 5 s, of which the upper half is left to chance.
fn backoff(tries: u32) -> Duration {
    let ceiling = Duration::from_millis(100 << tries.min(6)).min(Duration::from_secs(5));
    ceiling / 2 + (ceiling / 2).mul_f64(chance())
}

/// A number in 0..1 that differs from call to call; only pauses depend on it.
fn chance() -> f64 {
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
