//! One invocation in an environment, from its start to its report.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use super::environment::{Environment, Unmade, journal};
use super::environments::Turn;
use super::function::runtime_version;
use super::invoke::LARGEST_PAYLOAD;
use super::journal::{Journal, Report, Status};
use super::known::Target;
use super::runtime_api::{Init, Job, Reply};
use super::{FunctionError, Invoked, Runner};
use crate::answer::Refusal;
use crate::cloud::Cloud;

/// AWS: "The Init phase is limited to 10 seconds".
const INIT: Duration = Duration::from_secs(10);

/// How an invocation came to its end.
enum Outcome {
    Answered(Bytes),
    /// The function's own error, as it put it.
    Failed {
        body: Bytes,
        kind: String,
    },
    TimedOut,
}

/// An environment for an invocation.
enum Start {
    Ready {
        environment: Arc<Environment>,
        /// How long it took, if it was made for this one.
        init: Option<Duration>,
        /// What of it counts as time of the invocation.
        spent: Duration,
    },
    Failed {
        journal: Arc<Journal>,
        outcome: Outcome,
        spent: Duration,
    },
}

pub(super) async fn run(
    cloud: Arc<Cloud>,
    target: Arc<Target>,
    payload: Bytes,
    request_id: String,
) -> Result<Invoked, Refusal> {
    let turn = Turn::take(&cloud, &target)?;
    let invocation = Invocation {
        cloud,
        target,
        payload,
        request_id,
        turn,
    };
    match invocation.cloud.environments.runner.clone() {
        Runner::Inline(work) => {
            let payload = invocation.payload.clone();
            let name = invocation.target.key.1.clone();
            invocation.inline(move || work(&name, payload)).await
        }
        Runner::Processes { shim } => invocation.in_process(shim.as_deref()).await,
    }
}

struct Invocation {
    cloud: Arc<Cloud>,
    target: Arc<Target>,
    payload: Bytes,
    request_id: String,
    turn: Turn,
}

impl Invocation {
    async fn inline(
        self,
        work: impl FnOnce() -> Result<Bytes, FunctionError> + Send + 'static,
    ) -> Result<Invoked, Refusal> {
        let environment = self
            .turn
            .warm()
            .unwrap_or_else(|| Arc::new(Environment::inline(&self.cloud, &self.target)));
        environment
            .journal
            .start(&self.request_id, &self.target.function.version);
        let began = Instant::now();
        let outcome = match tokio::task::spawn_blocking(work).await {
            Ok(Ok(answer)) if answer.len() > LARGEST_PAYLOAD => too_large(),
            Ok(Ok(answer)) => Outcome::Answered(answer),
            Ok(Err(error)) => Outcome::Failed {
                body: error_body(&error.error_type, &error.message),
                kind: error.error_type,
            },
            Err(_) => self.failed("Runtime.ExitError", "Runtime exited with error: panic"),
        };
        let invoked = self.report(&environment.journal, outcome, began.elapsed(), None, 0);
        self.turn.give_back(environment);
        Ok(invoked)
    }

    async fn in_process(self, shim: Option<&Path>) -> Result<Invoked, Refusal> {
        let limit = Duration::from_secs(u64::from(self.target.function.settings.timeout));
        loop {
            let (environment, init, spent) = match self.environment(shim, limit).await? {
                Start::Ready {
                    environment,
                    init,
                    spent,
                } => (environment, init, spent),
                Start::Failed {
                    journal,
                    outcome,
                    spent,
                } => {
                    journal.start(&self.request_id, &self.target.function.version);
                    return Ok(self.report(&journal, outcome, spent, None, 0));
                }
            };
            let Some(process) = &environment.process else {
                return Err(Refusal::internal("an environment without a process"));
            };
            let journal = &environment.journal;
            journal.start(&self.request_id, &self.target.function.version);
            let began = Instant::now();
            let left = limit.saturating_sub(spent);
            let (reply, replied) = oneshot::channel();
            process.exchange.offer(Job {
                id: self.request_id.clone(),
                payload: self.payload.clone(),
                deadline: self.cloud.now() + u64::try_from(left.as_millis()).unwrap_or_default(),
                arn: self.target.arn.clone(),
                reply,
            });
            let replied = timeout(left, replied).await;
            let duration = spent + began.elapsed();
            process.output.drain();
            let outcome = match replied {
                Ok(Ok(Reply::Ended {
                    was_fetched: false, ..
                })) => continue,
                Ok(Ok(Reply::Response(answer))) => Outcome::Answered(answer),
                Ok(Ok(Reply::Error { body, kind })) => Outcome::Failed { body, kind },
                Ok(Ok(Reply::TooLarge)) => too_large(),
                Ok(Ok(Reply::Ended { why, .. })) => self.ended(&why),
                Ok(Err(_)) => self.ended(""),
                Err(_) => {
                    process.kill();
                    Outcome::TimedOut
                }
            };
            let is_alive = environment.is_alive() && !matches!(outcome, Outcome::TimedOut);
            let invoked = self.report(journal, outcome, duration, init, process.memory());
            if is_alive {
                self.turn.give_back(environment);
            }
            return Ok(invoked);
        }
    }

    /// A warm one, or a new one. One that does not start is started once more, as part of the invocation (AWS: "Lambda
    /// execution environment lifecycle", failures during the Init phase).
    async fn environment(&self, shim: Option<&Path>, limit: Duration) -> Result<Start, Refusal> {
        if let Some(environment) = self.turn.warm() {
            return Ok(Start::Ready {
                environment,
                init: None,
                spent: Duration::ZERO,
            });
        }
        let began = Instant::now();
        let journal = journal(&self.cloud, &self.target);
        let runtime = &self.target.function.settings.runtime;
        journal.init_start(runtime, &runtime_version(&self.target.key.0, runtime));
        let outcome = match self.start(&journal, shim, INIT).await? {
            Ok(environment) => {
                return Ok(Start::Ready {
                    environment,
                    init: Some(began.elapsed()),
                    spent: Duration::ZERO,
                });
            }
            Err(outcome) => outcome,
        };
        let status = match &outcome {
            Outcome::Failed { kind, .. } => Status::Error(kind),
            _ => Status::Timeout,
        };
        journal.init_failed(began.elapsed(), status);
        let began = Instant::now();
        Ok(match self.start(&journal, shim, limit).await? {
            Ok(environment) => Start::Ready {
                environment,
                init: None,
                spent: began.elapsed(),
            },
            Err(outcome) => Start::Failed {
                journal,
                outcome,
                spent: began.elapsed(),
            },
        })
    }

    async fn start(
        &self,
        journal: &Arc<Journal>,
        shim: Option<&Path>,
        limit: Duration,
    ) -> Result<Result<Arc<Environment>, Outcome>, Refusal> {
        let journal = Arc::clone(journal);
        let made = Environment::start(&self.cloud, &self.target, journal, shim).await;
        let (environment, started) = match made {
            Ok(made) => made,
            Err(Unmade::Function { kind, message }) => {
                return Ok(Err(self.failed(kind, &message)));
            }
            Err(Unmade::Machine(error)) => {
                return Err(Refusal::new(
                    500,
                    "ServiceException",
                    format!("The local AWS could not start the function: {error}"),
                ));
            }
        };
        let environment = Arc::new(environment);
        self.turn.register(&environment);
        Ok(match timeout(limit, started).await {
            Ok(Ok(Init::Ready)) => Ok(environment),
            Ok(Ok(Init::Failed { body, kind })) => Err(Outcome::Failed { body, kind }),
            Ok(Ok(Init::Ended(why))) => Err(self.ended(&why)),
            Ok(Err(_)) => Err(self.ended("")),
            Err(_) => Err(Outcome::TimedOut),
        })
    }

    /// `why` is empty for a process that ended by itself and well.
    fn ended(&self, why: &str) -> Outcome {
        let message = if why.is_empty() {
            "Runtime exited without providing a reason".to_owned()
        } else {
            format!("Runtime exited with error: {why}")
        };
        self.failed("Runtime.ExitError", &message)
    }

    fn failed(&self, kind: &str, message: &str) -> Outcome {
        Outcome::Failed {
            body: error_body(
                kind,
                &format!("RequestId: {} Error: {message}", self.request_id),
            ),
            kind: kind.to_owned(),
        }
    }

    fn report(
        &self,
        journal: &Journal,
        outcome: Outcome,
        duration: Duration,
        init: Option<Duration>,
        used: u64,
    ) -> Invoked {
        let settings = &self.target.function.settings;
        let report = |status, duration| Report {
            request_id: &self.request_id,
            duration,
            init,
            memory: settings.memory,
            used,
            status,
        };
        match outcome {
            Outcome::Answered(payload) => Invoked {
                payload,
                error: None,
                log_tail: journal.end(&report(Status::Success, duration)),
            },
            Outcome::Failed { body, kind } => Invoked {
                payload: body,
                error: Some("Unhandled"),
                log_tail: journal.end(&report(Status::Error(&kind), duration)),
            },
            Outcome::TimedOut => {
                let message = format!(
                    "Task timed out after {:.2} seconds",
                    f64::from(settings.timeout)
                );
                journal.write(format!(
                    "{} {} {message}\n\n",
                    crate::clock::iso(self.cloud.now()),
                    self.request_id
                ));
                let whole = Duration::from_secs(u64::from(settings.timeout));
                Invoked {
                    payload: error_body(
                        "Sandbox.Timedout",
                        &format!("RequestId: {} Error: {message}", self.request_id),
                    ),
                    error: Some("Unhandled"),
                    log_tail: journal.end(&report(Status::Timeout, whole)),
                }
            }
        }
    }
}

fn error_body(kind: &str, message: &str) -> Bytes {
    json!({ "errorType": kind, "errorMessage": message })
        .to_string()
        .into()
}

fn too_large() -> Outcome {
    let kind = "Function.ResponseSizeTooLarge";
    let message = format!(
        "Response payload size exceeded maximum allowed payload size ({LARGEST_PAYLOAD} bytes)."
    );
    Outcome::Failed {
        body: error_body(kind, &message),
        kind: kind.to_owned(),
    }
}
