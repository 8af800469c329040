//! The Extensions API of one environment (AWS: "Using the Lambda Extensions API to create extensions"), with the
//! subscriptions of the Telemetry and Logs APIs, which extensions alone may make.
//!
//! External extensions are programs of a layer, started before the runtime; internal ones register from the runtime's own
//! process, until it first asks for an invocation.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode};
use http_body_util::Full;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::journal::Journal;
use super::runtime_api::{accepted, answer, refused, unknown};
use super::telemetry::Api;
use crate::clock::Moment;
use crate::ids;

/// AWS: "Lambda quotas": extensions that can be registered with a function.
const MOST: usize = 10;
/// AWS: "Shutdown phase": what extensions have, if there are internal ones only, and if there are external ones.
const GRACE: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(2)];

/// The facts that all extensions of a function learn about it.
#[derive(Debug)]
pub(super) struct About {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) handler: String,
    pub(super) account: String,
}

#[derive(Debug)]
pub(super) struct Extensions {
    about: About,
    journal: Arc<Journal>,
    /// There is at least one.
    is_used: AtomicBool,
    state: Mutex<State>,
    changes: watch::Sender<()>,
}

#[derive(Debug)]
struct State {
    all: Vec<Extension>,
    /// Internal ones may still register.
    is_open: bool,
    failure: Option<Failure>,
    is_shutting_down: bool,
    is_runtime_over: bool,
}

#[derive(Debug)]
struct Extension {
    name: String,
    /// Of the program that it is, if it is an external one.
    number: Option<u32>,
    id: String,
    wants: Vec<Event>,
    phase: Phase,
    queued: VecDeque<Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Started,
    Registered,
    /// Waits for an event.
    Ready,
    Running,
    InitError,
    ExitError,
    Exited,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Event {
    Invoke,
    Shutdown,
}

/// Why an environment cannot go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) kind: String,
    pub(super) why: String,
}

/// Why an environment ends, as extensions are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    Spindown,
    Timeout,
    Failure,
}

impl Extensions {
    /// External ones by their names, in the order of their numbers, which begin with 1.
    pub(super) fn new(about: About, journal: Arc<Journal>, external: &[String]) -> Self {
        let all = external.iter().zip(1..).map(|(name, number)| Extension {
            name: name.clone(),
            number: Some(number),
            id: String::new(),
            wants: Vec::new(),
            phase: Phase::Started,
            queued: VecDeque::new(),
        });
        Self {
            about,
            journal,
            is_used: AtomicBool::new(!external.is_empty()),
            state: Mutex::new(State {
                all: all.collect(),
                is_open: true,
                failure: None,
                is_shutting_down: false,
                is_runtime_over: false,
            }),
            changes: watch::Sender::new(()),
        }
    }

    /// Returns true if there is any.
    pub(super) fn are_there(&self) -> bool {
        self.is_used.load(Ordering::Acquire)
    }

    /// Answers one request below `/2020-01-01/extension/` (`path` is the rest), or a subscription.
    pub(super) async fn answer(
        &self,
        parts: &Parts,
        path: &str,
        body: &[u8],
    ) -> Response<Full<Bytes>> {
        match (&parts.method, path) {
            (&Method::POST, "register") => self.register(parts, body),
            (&Method::GET, "event/next") => match self.known(parts) {
                Ok(id) => self.next(&id).await,
                Err(refusal) => refusal,
            },
            (&Method::POST, "init/error") => self.fail(parts, Phase::InitError),
            (&Method::POST, "exit/error") => self.fail(parts, Phase::ExitError),
            _ => unknown(),
        }
    }

    pub(super) fn subscribe(&self, api: Api, parts: &Parts, body: &[u8]) -> Response<Full<Bytes>> {
        if parts.method != Method::PUT {
            return unknown();
        }
        let id = match self.known(parts) {
            Ok(id) => id,
            Err(refusal) => return refusal,
        };
        let (kind, title) = match api {
            Api::Telemetry => ("telemetry", "Telemetry"),
            Api::Logs => ("logs", "Logs"),
        };
        if self.journal.telemetry.is_closed() {
            return forbidden(
                &format!("{title}.SubscriptionClosed"),
                &format!("{title} API subscription is closed already"),
            );
        }
        match self.journal.telemetry.subscribe(api, body) {
            Ok(subscribed) => {
                let name = self.lock().by_id(&id).map(|found| found.name.clone());
                let name = name.unwrap_or_default();
                self.journal.subscription(kind, &name, &subscribed.types);
                answer(StatusCode::OK, "\"OK\"".to_owned())
            }
            Err(why) => refused(StatusCode::BAD_REQUEST, "ValidationError", &why),
        }
    }

    fn register(&self, parts: &Parts, body: &[u8]) -> Response<Full<Bytes>> {
        #[derive(Deserialize)]
        struct Request {
            #[serde(default)]
            events: Vec<String>,
        }
        let name = header(parts, "lambda-extension-name");
        if name.is_empty() {
            return forbidden("Extension.InvalidExtensionName", "Empty extension name");
        }
        let request: Request = match serde_json::from_slice(body) {
            Ok(request) => request,
            Err(error) => return forbidden("InvalidRequestFormat", &error.to_string()),
        };
        let mut state = self.lock();
        let external = state
            .all
            .iter()
            .position(|found| found.number.is_some() && found.name == name);
        let mut wants = Vec::new();
        for text in request.events {
            match serde_json::from_value(json!(text)) {
                Ok(Event::Shutdown) if external.is_none() => {
                    return forbidden(
                        "Extension.InvalidEventType",
                        &format!("{text}: event not supported for internal extensions"),
                    );
                }
                Ok(event) => wants.push(event),
                Err(_) => {
                    return forbidden(
                        "Extension.InvalidEventType",
                        &format!("{text}: unknown event"),
                    );
                }
            }
        }
        let at = match external {
            Some(at) if state.all[at].phase != Phase::Started => {
                let from = state.all[at].phase;
                return transition(from, Phase::Registered, name);
            }
            Some(at) => at,
            None if !state.is_open => {
                return forbidden(
                    "Extension.RegistrationClosed",
                    "Extension registration closed already",
                );
            }
            None if state.all.iter().any(|found| found.name == name) => {
                return forbidden(
                    "Extension.InvalidExtensionState",
                    "Extension with this name already registered",
                );
            }
            None if state.all.len() >= MOST => {
                return forbidden(
                    "Extension.TooManyExtensions",
                    &format!("Extension limit ({MOST}) reached"),
                );
            }
            None => {
                state.all.push(Extension {
                    name: name.to_owned(),
                    number: None,
                    id: String::new(),
                    wants: Vec::new(),
                    phase: Phase::Started,
                    queued: VecDeque::new(),
                });
                state.all.len() - 1
            }
        };
        let extension = &mut state.all[at];
        extension.id = ids::uuid();
        extension.wants = wants;
        extension.phase = Phase::Registered;
        let id = extension.id.clone();
        drop(state);
        self.is_used.store(true, Ordering::Release);
        self.changes.send_replace(());
        let mut told = json!({
            "functionName": self.about.name, "functionVersion": self.about.version, "handler": self.about.handler,
        });
        let features = header(parts, "lambda-extension-accept-feature");
        if features.split(',').any(|it| it.trim() == "accountId") {
            told["accountId"] = json!(self.about.account);
        }
        let answer = answer(StatusCode::OK, told.to_string());
        with_id(answer, "lambda-extension-identifier", &id)
    }

    /// The next event, once there is one.
    async fn next(&self, id: &str) -> Response<Full<Bytes>> {
        let mut changes = self.changes.subscribe();
        {
            let mut state = self.lock();
            let Some(extension) = state.by_id(id) else {
                return unknown();
            };
            match extension.phase {
                Phase::Registered | Phase::Running | Phase::Ready => {
                    extension.phase = Phase::Ready;
                }
                from => return transition(from, Phase::Ready, id),
            }
        }
        self.changes.send_replace(());
        loop {
            changes.mark_unchanged();
            if let Some(extension) = self.lock().by_id(id)
                && let Some(event) = extension.queued.pop_front()
            {
                extension.phase = Phase::Running;
                let event = answer(StatusCode::OK, event.to_string());
                return with_id(event, "lambda-extension-event-identifier", &ids::uuid());
            }
            if changes.changed().await.is_err() {
                return unknown();
            }
        }
    }

    fn fail(&self, parts: &Parts, to: Phase) -> Response<Full<Bytes>> {
        let id = match self.known(parts) {
            Ok(id) => id,
            Err(refusal) => return refusal,
        };
        let kind = header(parts, "lambda-extension-function-error-type");
        if kind.is_empty() {
            return forbidden(
                "Extension.MissingHeader",
                "Lambda-Extension-Function-Error-Type not found",
            );
        }
        let mut state = self.lock();
        let Some(extension) = state.by_id(&id) else {
            return unknown();
        };
        let from = extension.phase;
        let is_allowed = match to {
            Phase::InitError => matches!(from, Phase::Registered | Phase::InitError),
            _ => !matches!(from, Phase::InitError | Phase::Exited),
        };
        if !is_allowed {
            return transition(from, to, &id);
        }
        extension.phase = to;
        let failure = Failure {
            kind: match to {
                Phase::InitError => "Extension.InitError".to_owned(),
                _ => "Extension.ExitError".to_owned(),
            },
            why: kind.to_owned(),
        };
        if !state.is_shutting_down {
            state.failure.get_or_insert(failure);
        }
        drop(state);
        self.changes.send_replace(());
        accepted()
    }

    /// The id in a request's header, if an extension has it.
    fn known(&self, parts: &Parts) -> Result<String, Response<Full<Bytes>>> {
        let id = header(parts, "lambda-extension-identifier");
        if id.is_empty() {
            return Err(forbidden(
                "Extension.MissingExtensionIdentifier",
                "Missing Lambda-Extension-Identifier header",
            ));
        }
        if !is_uuid(id) {
            return Err(forbidden(
                "Extension.InvalidExtensionIdentifier",
                "Invalid Lambda-Extension-Identifier",
            ));
        }
        if self.lock().by_id(id).is_none() {
            return Err(forbidden(
                "Extension.UnknownExtensionIdentifier",
                &format!("Unknown extension {id}"),
            ));
        }
        Ok(id.to_owned())
    }

    /// The program of an external extension has ended.
    pub(super) fn ended(&self, number: u32, how: &str) {
        let mut state = self.lock();
        let is_shutting_down = state.is_shutting_down;
        if let Some(extension) = state
            .all
            .iter_mut()
            .find(|found| found.number == Some(number))
        {
            extension.phase = Phase::Exited;
            let failure = Failure {
                kind: "Extension.Crash".to_owned(),
                why: if how.is_empty() { "exit status 0" } else { how }.to_owned(),
            };
            if !is_shutting_down {
                state.failure.get_or_insert(failure);
            }
        }
        drop(state);
        self.changes.send_replace(());
    }

    /// The runtime has ended.
    pub(super) fn runtime_ended(&self) {
        self.lock().is_runtime_over = true;
        self.changes.send_replace(());
    }

    /// The runtime has asked for its first invocation.
    pub(super) fn close(&self) {
        self.lock().is_open = false;
    }

    /// Returns when all external ones have registered, or why that will not happen.
    pub(super) async fn registered(&self) -> Result<(), Failure> {
        self.until(|state| {
            state
                .all
                .iter()
                .all(|found| found.number.is_none() || found.phase != Phase::Started)
        })
        .await
    }

    /// Returns when all wait for an event.
    pub(super) async fn ready(&self) -> Result<(), Failure> {
        self.until(|state| {
            state
                .all
                .iter()
                .all(|found| found.phase == Phase::Ready && found.queued.is_empty())
        })
        .await
    }

    /// Why the environment cannot go on, if it cannot.
    pub(super) fn failure(&self) -> Option<Failure> {
        if !self.are_there() {
            return None;
        }
        self.lock().failure.clone()
    }

    async fn until(&self, is_so: impl Fn(&State) -> bool) -> Result<(), Failure> {
        let mut changes = self.changes.subscribe();
        loop {
            changes.mark_unchanged();
            {
                let state = self.lock();
                if let Some(failure) = &state.failure {
                    return Err(failure.clone());
                }
                if is_so(&state) {
                    return Ok(());
                }
            }
            if changes.changed().await.is_err() {
                return Ok(());
            }
        }
    }

    /// All that are there log that they are ready, as their environment is.
    pub(super) fn tell_ready(&self) {
        let state = self.lock();
        for extension in &state.all {
            let events: Vec<&str> = extension.wants.iter().map(|event| event.name()).collect();
            self.journal.extension(&extension.name, &events, None);
        }
    }

    /// Tells those who want to know of an invocation.
    pub(super) fn invoke(&self, request_id: &str, arn: &str, deadline: Moment, trace: &str) {
        let event = json!({
            "eventType": "INVOKE", "deadlineMs": deadline, "requestId": request_id, "invokedFunctionArn": arn,
            "tracing": { "type": "X-Amzn-Trace-Id", "value": trace },
        });
        self.tell(Event::Invoke, &event);
    }

    fn tell(&self, kind: Event, event: &Value) {
        let mut state = self.lock();
        for extension in &mut state.all {
            if extension.wants.contains(&kind) {
                extension.queued.push_back(event.clone());
            }
        }
        drop(state);
        self.changes.send_replace(());
    }

    /// The longest time that the end takes; `None` if it has begun already.
    pub(super) fn begin_shutdown(&self) -> Option<Duration> {
        let mut state = self.lock();
        if std::mem::replace(&mut state.is_shutting_down, true) {
            return None;
        }
        let has_external = state.all.iter().any(|found| found.number.is_some());
        Some(GRACE[usize::from(has_external)])
    }

    /// Tells those who want to know of the end, and returns the numbers of the external ones who do not.
    pub(super) fn shut_down(&self, reason: Reason, deadline: Moment) -> Vec<u32> {
        let reason = match reason {
            Reason::Spindown => "spindown",
            Reason::Timeout => "timeout",
            Reason::Failure => "failure",
        };
        let event = json!({
            "eventType": "SHUTDOWN", "deadlineMs": deadline, "shutdownReason": reason,
        });
        self.tell(Event::Shutdown, &event);
        let state = self.lock();
        let silent = state
            .all
            .iter()
            .filter(|found| !found.wants.contains(&Event::Shutdown));
        silent.filter_map(|found| found.number).collect()
    }

    /// Returns when the runtime and all external ones have ended.
    pub(super) async fn over(&self) {
        let mut changes = self.changes.subscribe();
        loop {
            changes.mark_unchanged();
            {
                let state = self.lock();
                let is_over =
                    |found: &Extension| found.number.is_none() || found.phase == Phase::Exited;
                if state.is_runtime_over && state.all.iter().all(is_over) {
                    return;
                }
            }
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn by_id(&mut self, id: &str) -> Option<&mut Extension> {
        self.all.iter_mut().find(|found| found.id == id)
    }
}

impl Event {
    fn name(self) -> &'static str {
        match self {
            Self::Invoke => "INVOKE",
            Self::Shutdown => "SHUTDOWN",
        }
    }
}

fn header<'a>(parts: &'a Parts, name: &str) -> &'a str {
    let value = parts.headers.get(name);
    value
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn with_id(
    mut response: Response<Full<Bytes>>,
    name: &'static str,
    id: &str,
) -> Response<Full<Bytes>> {
    if let Ok(value) = HeaderValue::from_str(id) {
        response.headers_mut().insert(name, value);
    }
    response
}

fn forbidden(kind: &str, message: &str) -> Response<Full<Bytes>> {
    refused(StatusCode::FORBIDDEN, kind, message)
}

fn transition(from: Phase, to: Phase, name: &str) -> Response<Full<Bytes>> {
    forbidden(
        "Extension.InvalidExtensionState",
        &format!(
            "State transition from {from:?} to {to:?} failed for extension {name}. Error: State transition is not allowed"
        ),
    )
}
