//! What happens during a run, for whoever shows it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;

use crate::record::Timeline;
use crate::secret::Secret;

/// One thing that happened. `step` is a step's id, where one is concerned.
#[derive(Clone, Debug)]
pub enum Event {
    Started {
        step: Arc<str>,
    },
    /// A step waits for `pause`; `reason` says for what and until when.
    Waiting {
        step: Option<Arc<str>>,
        reason: String,
        pause: Duration,
        /// Whether it is long enough to be told of.
        is_felt: bool,
    },
    Finished {
        step: Arc<str>,
        took: Duration,
    },
    Failed {
        step: Arc<str>,
        took: Duration,
    },
    /// It was stopped before anything was sent for it.
    NotRun {
        step: Arc<str>,
    },
    /// One call to AWS has ended.
    Called {
        step: Option<Arc<str>>,
        sent: Instant,
        operation: &'static str,
        took: Duration,
        answer: String,
        /// From 1.
        attempt: u32,
        request_id: Option<String>,
        /// How long until it is sent again, if it is.
        pause: Option<Duration>,
    },
    /// A value that whatever keeps a log has to hide.
    Secret(Secret),
    /// Something the user should know.
    Note(String),
}

/// Where events go. Losing the listener never disturbs a run.
#[derive(Clone, Debug, Default)]
pub struct Events {
    listener: Option<UnboundedSender<Event>>,
    timeline: Option<Timeline>,
}

impl Events {
    pub fn to(listener: UnboundedSender<Event>) -> Self {
        Self {
            listener: Some(listener),
            timeline: None,
        }
    }

    /// The same, noted in `timeline` as well.
    pub fn noted_in(self, timeline: Option<Timeline>) -> Self {
        Self { timeline, ..self }
    }

    pub fn send(&self, event: Event) {
        if let Some(timeline) = &self.timeline {
            timeline.note(&event);
        }
        if let Some(listener) = &self.listener {
            let _ = listener.send(event);
        }
    }

    pub fn note(&self, text: impl Into<String>) {
        self.send(Event::Note(text.into()));
    }
}
