//! The timeline of a run: events with their offsets from its beginning.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use provision_engine::events::Event;

/// Takes note of events. Cheap to clone; all clones write into one list.
#[derive(Clone, Debug)]
pub(crate) struct Timeline {
    began: Instant,
    entries: Arc<Mutex<Vec<Entry>>>,
}

/// One entry of the timeline. Times are in milliseconds, to the microsecond.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Entry {
    /// A step of the plan that was begun.
    Step {
        /// The step's id.
        step: String,
        /// The offset from the beginning of the run.
        at_ms: f64,
        /// The length; absent if the run ended first.
        ms: Option<f64>,
        /// True if the step ended with an error.
        failed: bool,
    },
    /// One attempt to call AWS; each repeat is an entry of its own.
    Call {
        /// The id of the step that sent it; absent outside of the execution.
        step: Option<String>,
        /// AWS's name of the operation, such as `CreateRole`.
        operation: String,
        /// The offset from the beginning of the run to the sending.
        at_ms: f64,
        /// The length from the sending to the answer.
        ms: f64,
        /// `ok`, AWS's error code, or the reason why there is no answer.
        answer: String,
    },
    /// A pause before AWS is asked again.
    Wait {
        /// The id of the step that waits; absent outside of the execution.
        step: Option<String>,
        /// The reason, and the event that ends the wait.
        reason: String,
        /// The offset from the beginning of the run.
        at_ms: f64,
        /// The length of the pause.
        ms: f64,
    },
    /// A message to the user.
    Note {
        /// The message, a sentence.
        text: String,
        /// The offset from the beginning of the run.
        at_ms: f64,
    },
}

impl Timeline {
    pub(crate) fn begin() -> Self {
        Self {
            began: Instant::now(),
            entries: Arc::default(),
        }
    }

    pub(crate) fn began(&self) -> Instant {
        self.began
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.entries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Adds an event.
    pub(crate) fn note(&self, event: &Event) {
        let now = milliseconds(self.began.elapsed());
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let owned = |step: &Option<Arc<str>>| step.as_deref().map(str::to_owned);
        match event {
            Event::Started { step } => entries.push(Entry::Step {
                step: step.to_string(),
                at_ms: now,
                ms: None,
                failed: false,
            }),
            Event::Finished { step, took } => end(&mut entries, step, *took, false),
            Event::Failed { step, took } => end(&mut entries, step, *took, true),
            Event::NotRun { step } => {
                entries.retain(
                    |entry| !matches!(entry, Entry::Step { step: begun, .. } if **step == **begun),
                );
            }
            Event::Called {
                step,
                operation,
                sent,
                took,
                answer,
                ..
            } => entries.push(Entry::Call {
                step: owned(step),
                operation: (*operation).to_owned(),
                at_ms: milliseconds(sent.duration_since(self.began)),
                ms: milliseconds(*took),
                answer: answer.clone(),
            }),
            Event::Waiting {
                step,
                reason,
                pause,
                ..
            } => entries.push(Entry::Wait {
                step: owned(step),
                reason: reason.clone(),
                at_ms: now,
                ms: milliseconds(*pause),
            }),
            Event::Secret(_) => {}
            Event::Note(text) => entries.push(Entry::Note {
                text: text.clone(),
                at_ms: now,
            }),
        }
    }
}

fn end(entries: &mut [Entry], ended: &str, took: Duration, has_failed: bool) {
    for entry in entries {
        if let Entry::Step {
            step, ms, failed, ..
        } = entry
            && step == ended
        {
            *ms = Some(milliseconds(took));
            *failed = has_failed;
        }
    }
}

/// To the microsecond.
pub(super) fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}
