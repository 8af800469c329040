//! Standard input, read on a thread of its own: a read that waits for somebody cannot be ended, only left alone.

use std::io::{self, Read};
use std::thread;

use tokio::sync::oneshot;

/// The next line, with its end; nothing where there is no line any more.
pub(crate) async fn line() -> io::Result<String> {
    elsewhere(|text| io::stdin().read_line(text)).await
}

/// Everything up to the end.
pub(crate) async fn all() -> io::Result<String> {
    elsewhere(|text| io::stdin().read_to_string(text)).await
}

/// The runtime waits at its end for tasks of its own pool, and not for this thread.
async fn elsewhere(
    read: impl FnOnce(&mut String) -> io::Result<usize> + Send + 'static,
) -> io::Result<String> {
    let (sender, receiver) = oneshot::channel();
    thread::Builder::new().spawn(move || {
        let mut text = String::new();
        let outcome = read(&mut text).map(|_| text);
        let _ = sender.send(outcome);
    })?;
    receiver.await.map_err(io::Error::other)?
}
