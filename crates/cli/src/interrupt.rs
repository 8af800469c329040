//! SIGINT and SIGTERM: the first asks for an orderly end, the second SIGINT ends at once.

use std::future::Future;
use std::pin::pin;
use std::sync::mpsc;
use std::time::Duration;

use anyhow::Result;
use tokio::sync::watch;
use tokio::time::timeout;

use provision_engine::aws::{Aws, GRACE};
use provision_engine::interrupt::{Interrupted, Signal};

/// A receiver of SIGINT and SIGTERM. After the first signal no further call is sent, and the calls in flight may end.
#[derive(Clone, Debug)]
pub struct Interrupt(watch::Receiver<Option<Signal>>);

impl Interrupt {
    /// Listens from now on. `last_words` are said before the process ends at once, unless that takes long.
    pub(crate) fn listen(last_words: impl FnOnce() + Send + 'static) -> Self {
        let (sender, receiver) = watch::channel(None);
        let signals = Signals::catch();
        tokio::spawn(async move {
            let Some(mut signals) = signals else { return };
            let mut last_words = Some(last_words);
            let mut seen = 0;
            while let Some(signal) = signals.next().await {
                seen += 1;
                if seen > 1 && signal == Signal::Interrupt {
                    leave_at_once(last_words.take());
                }
                sender.send_replace(Some(signal));
            }
        });
        Self(receiver)
    }

    /// Takes signals from `receiver` instead of the process.
    pub fn by(receiver: watch::Receiver<Option<Signal>>) -> Self {
        Self(receiver)
    }

    /// Ends when the first signal comes.
    pub(crate) async fn wait(&self) -> Signal {
        let mut receiver = self.0.clone();
        loop {
            if let Some(signal) = *receiver.borrow_and_update() {
                return signal;
            }
            if receiver.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    pub(crate) fn signal(&self) -> Option<Signal> {
        *self.0.borrow()
    }

    /// `work`, of which no further call is sent once a signal comes; those in flight may end.
    pub(crate) async fn orderly<T>(
        &self,
        aws: &Aws,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let mut work = pin!(work);
        tokio::select! {
            outcome = &mut work => outcome,
            signal = self.wait() => {
                aws.stop();
                match timeout(GRACE, work).await {
                    Ok(Ok(done)) => Ok(done),
                    // What was stopped says that it was.
                    Ok(Err(_)) | Err(_) => Err(Interrupted(signal).into()),
                }
            }
        }
    }

    /// `work`, or an error as soon as a signal comes: for work that changes nothing.
    pub(crate) async fn or<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            outcome = work => outcome,
            signal = self.wait() => Err(Interrupted(signal).into()),
        }
    }
}

#[expect(clippy::exit, reason = "a second Ctrl-C asks for exactly this")]
fn leave_at_once(last_words: Option<impl FnOnce() + Send + 'static>) {
    // Whoever reads them may be stuck.
    let (said, are_said) = mpsc::channel();
    std::thread::spawn(move || {
        if let Some(say) = last_words {
            say();
        }
        let _ = said.send(());
    });
    let _ = are_said.recv_timeout(Duration::from_secs(2));
    std::process::exit(130);
}

/// The process's signals, caught from the moment that this exists until it goes.
#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn catch() -> Option<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Some(Self {
            interrupt: signal(SignalKind::interrupt()).ok()?,
            terminate: signal(SignalKind::terminate()).ok()?,
        })
    }

    async fn next(&mut self) -> Option<Signal> {
        tokio::select! {
            seen = self.interrupt.recv() => seen.map(|()| Signal::Interrupt),
            seen = self.terminate.recv() => seen.map(|()| Signal::Terminate),
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn catch() -> Option<Self> {
        Some(Self)
    }

    async fn next(&mut self) -> Option<Signal> {
        let seen = tokio::signal::ctrl_c().await;
        seen.ok().map(|()| Signal::Interrupt)
    }
}
