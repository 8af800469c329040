//! The way of functions' log lines to `CloudWatch` Logs: queued, and delivered by the batch.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use crate::clock::Moment;
use crate::cloud::Cloud;
use crate::place::Place;

/// Lines wait so long for others to go with.
const PACE: Duration = Duration::from_millis(100);
/// With more bytes than that on their way, functions that write more have to wait.
const MOST_QUEUED: usize = 32 << 20;
const MOST_LINES: usize = 10_000;

/// Where the lines of one environment go.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) place: Place,
    /// The function's role, by name: its rights decide.
    pub(super) role: String,
    pub(super) group: String,
    pub(super) name: String,
}

enum Message {
    Line(Arc<Stream>, Moment, String),
    /// Answered when everything before it is delivered.
    Flush(oneshot::Sender<()>),
}

/// Where lines are put.
#[derive(Clone, Debug)]
pub(super) struct Sink {
    sender: mpsc::UnboundedSender<Message>,
    queued: Arc<AtomicUsize>,
}

/// The one queue of an AWS.
#[derive(Debug, Default)]
pub(super) struct Delivery(OnceLock<Sink>);

impl Delivery {
    pub(super) fn sink(&self, cloud: &Arc<Cloud>) -> Sink {
        let sink = self.0.get_or_init(|| {
            let (sender, receiver) = mpsc::unbounded_channel();
            let queued = Arc::new(AtomicUsize::new(0));
            let carrier = Carrier {
                cloud: Arc::downgrade(cloud),
                receiver,
                queued: Arc::clone(&queued),
            };
            tokio::spawn(carrier.run());
            Sink { sender, queued }
        });
        sink.clone()
    }

    /// Returns when everything so far is delivered.
    pub(super) async fn flush(&self) {
        let Some(sink) = self.0.get() else { return };
        let (done, is_done) = oneshot::channel();
        if sink.sender.send(Message::Flush(done)).is_ok() {
            let _ = is_done.await;
        }
    }
}

impl Sink {
    pub(super) fn put(&self, stream: &Arc<Stream>, moment: Moment, line: String) {
        self.queued.fetch_add(line.len(), Ordering::Relaxed);
        // Nobody receives once the AWS has ended.
        let _ = self
            .sender
            .send(Message::Line(Arc::clone(stream), moment, line));
    }

    pub(super) fn is_full(&self) -> bool {
        self.queued.load(Ordering::Relaxed) > MOST_QUEUED
    }
}

type Batch = Vec<(Arc<Stream>, Vec<(Moment, String)>)>;

struct Carrier {
    cloud: Weak<Cloud>,
    receiver: mpsc::UnboundedReceiver<Message>,
    queued: Arc<AtomicUsize>,
}

impl Carrier {
    async fn run(mut self) {
        while let Some(first) = self.receiver.recv().await {
            let mut batch = Batch::new();
            let mut flushed = Vec::new();
            let mut count = 0;
            let mut next = Some(first);
            let until = Instant::now() + PACE;
            while let Some(message) = next {
                match message {
                    Message::Line(stream, moment, line) => {
                        count += 1;
                        self.queued.fetch_sub(line.len(), Ordering::Relaxed);
                        add(&mut batch, stream, (moment, line));
                    }
                    Message::Flush(done) => flushed.push(done),
                }
                if count >= MOST_LINES || !flushed.is_empty() {
                    break;
                }
                next = timeout_at(until, self.receiver.recv()).await.ok().flatten();
            }
            self.deliver(batch).await;
            for done in flushed {
                let _ = done.send(());
            }
        }
    }

    async fn deliver(&self, batch: Batch) {
        let Some(cloud) = self.cloud.upgrade() else {
            return;
        };
        let work = tokio::task::spawn_blocking(move || {
            for (stream, lines) in batch {
                // A role without the right has no logs, and nobody is told: as on AWS.
                let _ = crate::logs::deliver(
                    &cloud,
                    &stream.place,
                    &stream.role,
                    &stream.group,
                    &stream.name,
                    &lines,
                );
            }
        });
        let _ = work.await;
    }
}

fn add(batch: &mut Batch, stream: Arc<Stream>, line: (Moment, String)) {
    match batch
        .iter_mut()
        .find(|(other, _)| Arc::ptr_eq(other, &stream))
    {
        Some((_, lines)) => lines.push(line),
        None => batch.push((stream, vec![line])),
    }
}
