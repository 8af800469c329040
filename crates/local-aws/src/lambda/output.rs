//! What a function's process writes to its standard output and error, line by line.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::unix::pipe;
use tokio::time::sleep;

use super::journal::Journal;
use super::telemetry::Source;

/// AWS: an event of a log is at most 256 KB.
const LONGEST_LINE: usize = 256 * 1024;
/// What is read at once at the end of an invocation, of a function that does not stop writing.
const MOST_DRAINED: usize = 4 << 20;

#[derive(Debug)]
pub(super) struct Output {
    journal: Arc<Journal>,
    source: Source,
    pipe: pipe::Receiver,
    partial: Mutex<Vec<u8>>,
}

impl Output {
    /// Of the pipe that the process writes both into.
    pub(super) fn new(
        journal: Arc<Journal>,
        source: Source,
        pipe: io::PipeReader,
    ) -> io::Result<Self> {
        let pipe = pipe::Receiver::from_owned_fd(pipe.into())?;
        Ok(Self {
            journal,
            source,
            pipe,
            partial: Mutex::default(),
        })
    }

    /// Reads until the last writer is gone.
    pub(super) async fn follow(self: Arc<Self>) {
        loop {
            if self.pipe.readable().await.is_err() {
                return;
            }
            // The pipe fills, and the process waits.
            while self.journal.is_full() {
                sleep(Duration::from_millis(10)).await;
            }
            let mut partial = self.partial.lock().unwrap_or_else(PoisonError::into_inner);
            let mut buffer = [0; 8192];
            match self.pipe.try_read(&mut buffer) {
                Ok(0) => {
                    self.finish(&mut partial);
                    return;
                }
                Ok(count) => self.take(&mut partial, &buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    }

    /// Takes what has been written so far, without waiting to be told that there is something.
    pub(super) fn drain(&self) {
        let mut partial = self.partial.lock().unwrap_or_else(PoisonError::into_inner);
        let mut buffer = [0; 8192];
        let mut total = 0;
        while total < MOST_DRAINED {
            match rustix::io::read(&self.pipe, &mut buffer[..]) {
                Ok(count) if count > 0 => {
                    total += count;
                    self.take(&mut partial, &buffer[..count]);
                }
                _ => break,
            }
        }
    }

    fn take(&self, partial: &mut Vec<u8>, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            partial.extend_from_slice(piece);
            if piece.ends_with(b"\n") || partial.len() >= LONGEST_LINE {
                self.finish(partial);
            }
        }
    }

    fn finish(&self, partial: &mut Vec<u8>) {
        if partial.is_empty() {
            return;
        }
        if !partial.ends_with(b"\n") {
            partial.push(b'\n');
        }
        let line = String::from_utf8_lossy(partial).into_owned();
        self.journal.line(self.source, line);
        partial.clear();
    }
}
