//! The events of a run, for those who show or record it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::secret::Secret;

/// One event. `step` is the id of the step it belongs to, if it belongs to one.
#[derive(Clone, Debug)]
pub enum Event {
    /// A step has started.
    Started {
        /// The step's id.
        step: Arc<str>,
    },
    /// A step waits for `pause`.
    Waiting {
        /// The step's id.
        step: Option<Arc<str>>,
        /// The reason, and until when it lasts.
        reason: String,
        /// The length of the pause.
        pause: Duration,
        /// True if it is long enough to be shown.
        is_noticeable: bool,
    },
    /// A step has succeeded.
    Finished {
        /// The step's id.
        step: Arc<str>,
        /// From its start.
        took: Duration,
    },
    /// A step has failed.
    Failed {
        /// The step's id.
        step: Arc<str>,
        /// From its start.
        took: Duration,
    },
    /// A step was stopped before anything was sent for it.
    NotRun {
        /// The step's id.
        step: Arc<str>,
    },
    /// One call to AWS has ended.
    Called {
        /// The step's id.
        step: Option<Arc<str>>,
        /// The time at which the request was sent.
        sent: Instant,
        /// The operation's name.
        operation: &'static str,
        /// From sending to the answer.
        took: Duration,
        /// `ok`, AWS's error code, or the reason why there is no answer.
        answer: String,
        /// From 1.
        attempt: u32,
        /// AWS's id of the request.
        request_id: Option<String>,
        /// The pause until it is sent again, if it is.
        pause: Option<Duration>,
    },
    /// A value that every log has to hide.
    Secret(Secret),
    /// A sentence for the user.
    Note(String),
}

type Observer = Arc<dyn Fn(&Event) + Send + Sync>;

/// The observers of a run. An observer that has gone never disturbs the run.
#[derive(Clone, Default)]
pub struct Events(Vec<Observer>);

impl Events {
    /// Adds an observer, which is called for each event.
    #[must_use]
    pub fn observed_by(mut self, observer: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.0.push(Arc::new(observer));
        self
    }

    /// Calls every observer.
    pub fn send(&self, event: &Event) {
        for observer in &self.0 {
            observer(event);
        }
    }

    /// Sends a sentence for the user.
    pub fn note(&self, text: impl Into<String>) {
        self.send(&Event::Note(text.into()));
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Events({})", self.0.len())
    }
}
