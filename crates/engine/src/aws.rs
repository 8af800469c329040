//! The connection to one AWS account as the engine sees it: calls, packages and secrets of one run.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use futures_util::future::LocalBoxFuture;
use tokio::sync::{OnceCell, watch};
use tokio::time::timeout;

use crate::error::AwsError;
use crate::events::{Event, Events};
use crate::operation::Operation;
use crate::pace::Pace;
use crate::package::Packages;
use crate::secret::Secret;
use crate::target::Target;

/// The time that calls in flight get to end once no other call may begin.
pub const GRACE: Duration = Duration::from_secs(5);

/// A transport to an account: an SDK configuration, or a test's account in memory.
pub trait Connection: Any + Send + Sync {
    /// The region it is made for.
    fn region(&self) -> &str;

    /// The custom endpoint, if it does not reach AWS itself.
    fn endpoint(&self) -> Option<&str>;

    /// Asks which account this is.
    fn identify<'a>(&'a self, aws: &'a Aws) -> LocalBoxFuture<'a, Result<Target>>;
}

/// A connection, and the step that it works for. Cheap to clone.
#[derive(Clone)]
pub struct Aws {
    shared: Arc<Shared>,
    step: Option<Arc<str>>,
    has_called: Arc<AtomicBool>,
    /// The operations that the resource at work declares; empty outside of resources.
    operations: &'static [&'static Operation],
}

struct Shared {
    connection: Box<dyn Connection>,
    clients: Mutex<HashMap<TypeId, Box<dyn Any + Send>>>,
    target: OnceCell<Target>,
    packages: Packages,
    secrets: Mutex<HashMap<String, Secret>>,
    events: Events,
    pace: Pace,
    /// True if no further call may be sent.
    is_stopped: watch::Sender<bool>,
}

impl Aws {
    /// Works over `connection` and reports to `events`.
    pub fn new(connection: impl Connection, events: Events) -> Self {
        let keeps_pace = connection.endpoint().is_none();
        let shared = Shared {
            connection: Box::new(connection),
            clients: Mutex::default(),
            target: OnceCell::new(),
            packages: Packages::default(),
            secrets: Mutex::default(),
            events,
            pace: Pace::new(keeps_pace),
            is_stopped: watch::Sender::new(false),
        };
        Self {
            shared: Arc::new(shared),
            step: None,
            has_called: Arc::default(),
            operations: &[],
        }
    }

    /// The same connection, working for one step of a plan.
    #[must_use]
    pub fn for_step(&self, step: &str) -> Self {
        Self {
            shared: self.shared.clone(),
            step: Some(step.into()),
            has_called: Arc::default(),
            operations: &[],
        }
    }

    /// The same connection, restricted to the operations that a kind declares.
    #[must_use]
    pub(crate) fn for_kind(&self, operations: &'static [&'static Operation]) -> Self {
        Self {
            operations,
            ..self.clone()
        }
    }

    /// The transport, if it is a `C`.
    pub fn connection<C: Connection>(&self) -> Option<&C> {
        let connection: &dyn Any = self.shared.connection.as_ref();
        connection.downcast_ref()
    }

    /// Returns the client of a service, made once from what `configuration` finds in the transport.
    pub fn client<C: Clone + Send + 'static>(&self, make: impl FnOnce() -> C) -> C {
        let mut clients = self
            .shared
            .clients
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let client = clients
            .entry(TypeId::of::<C>())
            .or_insert_with(|| Box::new(make()));
        client
            .downcast_ref::<C>()
            .expect("clients are kept by their type")
            .clone()
    }

    /// Returns true if any call was sent for this step.
    pub fn has_called(&self) -> bool {
        self.has_called.load(Ordering::Relaxed)
    }

    pub(crate) fn note_call(&self) {
        self.has_called.store(true, Ordering::Relaxed);
    }

    pub(crate) fn step(&self) -> Option<Arc<str>> {
        self.step.clone()
    }

    pub(crate) fn pace(&self) -> &Pace {
        &self.shared.pace
    }

    /// Panics in debug builds if the kind at work does not declare `operation`: `policy` would not grant it.
    pub(crate) fn check_declared(&self, operation: &'static Operation) {
        debug_assert!(
            self.operations.is_empty() || self.operations.contains(&operation),
            "`{}` of {} is not among the operations of its kind",
            operation.name,
            operation.service.name
        );
    }

    /// The observers of this run.
    pub fn events(&self) -> &Events {
        &self.shared.events
    }

    /// The packages of this run.
    pub fn packages(&self) -> &Packages {
        &self.shared.packages
    }

    /// Keeps to AWS's rates from now on, as without a custom endpoint.
    pub fn keep_pace(&self) {
        self.shared.pace.keep();
    }

    /// Sends no further call, and says so; those in flight may end.
    pub fn stop(&self) {
        if !self.shared.is_stopped.send_replace(true) {
            let grace = GRACE.as_secs();
            self.events().note(format!(
                "stopping: nothing new is begun, and calls in flight get {grace} s to end"
            ));
        }
    }

    /// Returns an error if the run is stopping, so that `operation` must not begin.
    pub fn ensure_running(&self, operation: &'static str) -> Result<(), AwsError> {
        if self.is_stopped() {
            return Err(AwsError::stopped(operation));
        }
        Ok(())
    }

    pub(crate) fn is_stopped(&self) -> bool {
        *self.shared.is_stopped.borrow()
    }

    /// Sleeps for `time`, or until the run is stopping.
    pub async fn pause(&self, time: Duration) {
        let mut stopped = self.shared.is_stopped.subscribe();
        // It cannot fail: the sender is part of what is borrowed here.
        let _ = timeout(time, stopped.wait_for(|is_stopped| *is_stopped)).await;
    }

    /// The region.
    pub fn region(&self) -> &str {
        self.shared.connection.region()
    }

    /// The custom endpoint, if there is one.
    pub fn endpoint(&self) -> Option<&str> {
        self.shared.connection.endpoint()
    }

    /// Returns account, partition and region. Asks AWS once.
    pub async fn target(&self) -> Result<&Target> {
        let identify = || self.shared.connection.identify(self);
        self.shared.target.get_or_try_init(identify).await
    }

    /// Reports that this step waits; `is_noticeable` if that is worth a line on the screen.
    pub fn waiting(&self, reason: String, pause: Duration, is_noticeable: bool) {
        self.events().send(&Event::Waiting {
            step: self.step.clone(),
            reason,
            pause,
            is_noticeable,
        });
    }

    /// Keeps a secret that an answer contained, by the id of its resource.
    pub fn keep_secret(&self, id: &str, value: Secret) {
        self.events().send(&Event::Secret(value.clone()));
        if let Ok(mut secrets) = self.shared.secrets.lock() {
            secrets.insert(id.to_owned(), value);
        }
    }

    /// Returns a secret that was kept.
    pub fn kept_secret(&self, id: &str) -> Option<Secret> {
        let secrets = self.shared.secrets.lock().ok()?;
        secrets.get(id).cloned()
    }
}

impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aws")
            .field("region", &self.region())
            .field("step", &self.step)
            .finish_non_exhaustive()
    }
}
