//! One invocation in an environment, from its start to its report.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use serde_json::json;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::environment::{Environment, Process, Unmade, journal};
use super::environments::Turn;
use super::extensions::Reason;
use super::function::runtime_version;
use super::invoke::LARGEST_PAYLOAD;
use super::journal::{Journal, Report, Status};
use super::known::Target;
use super::outlet::{LARGEST_STREAM, Out, Outlet, Piece, Streamed};
use super::runtime_api::{Init, Job, Reply};
use super::{FunctionError, Invoked, Runner, tracing};
use crate::answer::Refusal;
use crate::cloud::Cloud;

/// AWS: "The Init phase is limited to 10 seconds".
const INIT: Duration = Duration::from_secs(10);

/// The end of a process is known so long after that of its connections at most.
const LAST_WORDS: Duration = Duration::from_millis(500);

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
        /// True if the log says already that the invocation has begun.
        is_told: bool,
    },
    /// The log says already that the invocation has begun.
    Failed {
        journal: Arc<Journal>,
        failed: Failed,
        spent: Duration,
    },
}

/// A process that did not start.
struct Failed {
    outcome: Outcome,
    /// Megabytes that it had at most.
    memory: u64,
}

/// The input of an invocation.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) payload: Bytes,
    pub(super) request_id: String,
    /// The function's trace header.
    pub(super) trace: String,
    /// JSON, if the caller sent any.
    pub(super) client_context: Option<String>,
}

impl Event {
    /// `trace` is the caller's trace header, or empty.
    pub(super) fn new(
        cloud: &Cloud,
        target: &Target,
        payload: Bytes,
        request_id: &str,
        trace: &str,
    ) -> Self {
        let sampler = &cloud.environments.sampler;
        Self {
            payload,
            request_id: request_id.to_owned(),
            trace: tracing::header(sampler, target, trace, cloud.now()),
            client_context: None,
        }
    }
}

/// Runs the function once. A response that the function streams goes through the outlet if there is one, and the
/// payload is empty then.
pub(super) async fn run(
    cloud: Arc<Cloud>,
    target: Arc<Target>,
    event: Event,
    outlet: Option<Outlet>,
) -> Result<Invoked, Refusal> {
    let turn = Turn::take(&cloud, &target)?;
    let Event {
        payload,
        request_id,
        trace,
        client_context,
    } = event;
    let invocation = Invocation {
        cloud,
        target,
        payload,
        request_id,
        trace,
        client_context,
        outlet,
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
    trace: String,
    client_context: Option<String>,
    outlet: Option<Outlet>,
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
            Ok(Ok(answer)) if answer.len() > LARGEST_PAYLOAD => too_large(LARGEST_PAYLOAD),
            Ok(Ok(answer)) => Outcome::Answered(answer),
            Ok(Err(error)) => Outcome::Failed {
                body: error_body(&error.error_type, &error.message),
                kind: error.error_type,
            },
            Err(_) => self.failed("Runtime.ExitError", "Runtime exited with error: panic"),
        };
        let journal = &environment.journal;
        let invoked = self.report(journal, outcome, began.elapsed(), None, 0, false);
        self.turn.give_back(environment);
        Ok(invoked)
    }

    async fn in_process(self, shim: Option<&Path>) -> Result<Invoked, Refusal> {
        let limit = Duration::from_secs(u64::from(self.target.function.settings.timeout));
        loop {
            let (environment, init, spent, is_told) = match self.environment(shim, limit).await? {
                Start::Ready {
                    environment,
                    init,
                    spent,
                    is_told,
                } => (environment, init, spent, is_told),
                Start::Failed {
                    journal,
                    failed,
                    spent,
                } => {
                    let Failed { outcome, memory } = failed;
                    return Ok(self.report(&journal, outcome, spent, None, memory, false));
                }
            };
            let Some(process) = &environment.process else {
                return Err(Refusal::internal("an environment without a process"));
            };
            let journal = &environment.journal;
            if !is_told {
                journal.start(&self.request_id, &self.target.function.version);
            }
            let began = Instant::now();
            let left = limit.saturating_sub(spent);
            let deadline = self.cloud.now() + u64::try_from(left.as_millis()).unwrap_or_default();
            let (reply, replied) = oneshot::channel();
            let extensions = &process.exchange.extensions;
            if extensions.are_there() {
                extensions.invoke(&self.request_id, &self.target.arn, deadline, &self.trace);
            }
            process.exchange.offer(Job {
                id: self.request_id.clone(),
                payload: self.payload.clone(),
                deadline,
                arn: self.target.arn.clone(),
                trace: self.trace.clone(),
                client_context: self.client_context.clone(),
                reply,
            });
            let until = began + left;
            let replied = process.within_memory(timeout_at(until, replied)).await;
            let outcome = match replied {
                Ok(Ok(Reply::Ended {
                    was_fetched: false, ..
                })) => continue,
                Ok(Ok(Reply::Response(answer))) => Outcome::Answered(answer),
                Ok(Ok(Reply::Streamed(streamed))) => self.relay(streamed, until, process).await,
                Ok(Ok(Reply::Error { body, kind })) => Outcome::Failed { body, kind },
                Ok(Ok(Reply::TooLarge)) => too_large(LARGEST_PAYLOAD),
                Ok(Ok(Reply::Stopped(failure))) => self.failed(&failure.kind, &failure.why),
                Ok(Ok(Reply::Ended { why, .. })) => self.ended(&why),
                Ok(Err(_)) => self.ended(""),
                Err(_) => {
                    process.end(Reason::Timeout).await;
                    Outcome::TimedOut
                }
            };
            let mut duration = spent + began.elapsed();
            process.output.drain();
            let mut is_over = matches!(outcome, Outcome::TimedOut);
            outcome.tell_done(journal, &self.request_id, duration);
            if extensions.are_there() && !is_over {
                // The function's answer stands, whatever they do; the environment is reset if they do not finish in time.
                let rest = left.saturating_sub(began.elapsed());
                let ready = process
                    .within_memory(timeout(rest, extensions.ready()))
                    .await;
                if ready.is_err() {
                    process.end(Reason::Timeout).await;
                    is_over = true;
                }
                duration = spent + began.elapsed();
                process.output.drain();
            }
            let is_alive = environment.is_alive() && !is_over;
            let memory = process.memory();
            let invoked = self.report(journal, outcome, duration, init, memory, is_over);
            if is_alive {
                self.turn.give_back(environment);
            }
            return Ok(invoked);
        }
    }

    /// Passes a streamed response on, or collects it if there is no outlet.
    async fn relay(&self, streamed: Streamed, deadline: Instant, process: &Process) -> Outcome {
        let Streamed {
            content_type,
            mut pieces,
        } = streamed;
        let mut whole = BytesMut::new();
        let mut is_too_large = false;
        let passing = async {
            self.pass(Out::Head(content_type)).await;
            while let Some(piece) = pieces.recv().await {
                match piece {
                    Piece::Data(data) if self.outlet.is_some() => self.pass(Out::Data(data)).await,
                    Piece::Data(data) => {
                        is_too_large |= whole.len() + data.len() > LARGEST_PAYLOAD;
                        if !is_too_large {
                            whole.extend_from_slice(&data);
                        }
                    }
                    last => return Some(last),
                }
            }
            None
        };
        match process.within_memory(timeout_at(deadline, passing)).await {
            Ok(Some(Piece::End | Piece::Data(_))) if !is_too_large => {
                Outcome::Answered(whole.freeze())
            }
            Ok(Some(Piece::Failed { body, kind })) => {
                self.pass(Out::Failed(kind.clone())).await;
                Outcome::Failed { body, kind }
            }
            Ok(Some(Piece::TooLarge)) => too_large(LARGEST_STREAM),
            Ok(Some(_)) => too_large(LARGEST_PAYLOAD),
            Ok(None) => self.truncated(process).await,
            Err(_) => {
                process.end(Reason::Timeout).await;
                Outcome::TimedOut
            }
        }
    }

    /// Whoever invoked the function may have stopped waiting; it goes on.
    async fn pass(&self, out: Out) {
        if let Some(outlet) = &self.outlet {
            let _ = outlet.send(out).await;
        }
    }

    /// The process has closed its connection in the middle of a response: at its end, most likely.
    async fn truncated(&self, process: &Process) -> Outcome {
        let until = Instant::now() + LAST_WORDS;
        loop {
            if let Some(why) = process.exchange.ending() {
                return self.ended(&why);
            }
            if Instant::now() >= until {
                return self.failed("Runtime.TruncatedResponse", "Response is truncated");
            }
            sleep(Duration::from_millis(5)).await;
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
                is_told: false,
            });
        }
        let began = Instant::now();
        let journal = journal(&self.cloud, &self.target);
        let runtime = &self.target.function.settings.runtime;
        journal.init_start(runtime, &runtime_version(&self.target.key.0, runtime));
        let failed = match self.start(&journal, shim, INIT).await? {
            Ok(environment) => {
                journal.init_done(began.elapsed());
                return Ok(Start::Ready {
                    environment,
                    init: Some(began.elapsed()),
                    spent: Duration::ZERO,
                    is_told: false,
                });
            }
            Err(failed) => failed,
        };
        let status = failed.outcome.status();
        journal.init_failed("init", began.elapsed(), status);
        journal.start(&self.request_id, &self.target.function.version);
        let began = Instant::now();
        Ok(match self.start(&journal, shim, limit).await? {
            Ok(environment) => {
                journal.init_done(began.elapsed());
                Start::Ready {
                    environment,
                    init: None,
                    spent: began.elapsed(),
                    is_told: true,
                }
            }
            Err(failed) => {
                let spent = began.elapsed();
                journal.init_failed("invoke", spent, failed.outcome.status());
                Start::Failed {
                    journal,
                    failed,
                    spent,
                }
            }
        })
    }

    async fn start(
        &self,
        journal: &Arc<Journal>,
        shim: Option<&Path>,
        limit: Duration,
    ) -> Result<Result<Arc<Environment>, Failed>, Refusal> {
        let journal = Arc::clone(journal);
        let made = Environment::start(&self.cloud, &self.target, journal, shim).await;
        let (environment, started) = match made {
            Ok(made) => made,
            Err(Unmade::Function { kind, message }) => {
                let outcome = self.failed(kind, &message);
                return Ok(Err(Failed { outcome, memory: 0 }));
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
        let Some(process) = &environment.process else {
            return Err(Refusal::internal("an environment without a process"));
        };
        let extensions = &process.exchange.extensions;
        let started = async {
            let started = started.await;
            if matches!(started, Ok(Init::Ready)) && extensions.are_there() {
                if let Err(failure) = extensions.ready().await {
                    return Ok(Init::Stopped(failure));
                }
                extensions.tell_ready();
            }
            started
        };
        let outcome = match process.within_memory(timeout(limit, started)).await {
            Ok(Ok(Init::Ready)) => {
                process.measure();
                return Ok(Ok(Arc::clone(&environment)));
            }
            Ok(Ok(Init::Failed { body, kind })) => Outcome::Failed { body, kind },
            Ok(Ok(Init::Ended(why))) => self.ended(&why),
            Ok(Ok(Init::Stopped(failure))) => self.failed(&failure.kind, &failure.why),
            Ok(Err(_)) => self.ended(""),
            Err(_) => Outcome::TimedOut,
        };
        let memory = process.memory();
        Ok(Err(Failed { outcome, memory }))
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
        is_overdue: bool,
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
                log_tail: journal.end(&if is_overdue {
                    report(Status::Timeout, duration)
                } else {
                    report(Status::Success, duration)
                }),
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

impl Outcome {
    fn status(&self) -> Status<'_> {
        match self {
            Self::Answered(_) => Status::Success,
            Self::Failed { kind, .. } => Status::Error(kind),
            Self::TimedOut => Status::Timeout,
        }
    }

    /// The runtime has done its part.
    fn tell_done(&self, journal: &Journal, request_id: &str, after: Duration) {
        let bytes = match self {
            Self::Answered(body) | Self::Failed { body, .. } => body.len(),
            Self::TimedOut => 0,
        };
        journal.runtime_done(request_id, after, bytes, self.status());
    }
}

fn error_body(kind: &str, message: &str) -> Bytes {
    json!({ "errorType": kind, "errorMessage": message })
        .to_string()
        .into()
}

/// A response that is larger than `most` bytes.
fn too_large(most: usize) -> Outcome {
    let kind = "Function.ResponseSizeTooLarge";
    let message =
        format!("Response payload size exceeded maximum allowed payload size ({most} bytes).");
    Outcome::Failed {
        body: error_body(kind, &message),
        kind: kind.to_owned(),
    }
}
