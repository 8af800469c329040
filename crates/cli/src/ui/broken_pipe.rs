//! When nobody reads standard output any more, as after `| head -1`.

use std::future::pending;

/// Ends when the reader has gone. A system that cannot tell leaves that to the next write.
#[cfg(unix)]
#[expect(
    deprecated,
    reason = "its successor is unsafe, for descriptors that others may close; this one is owned"
)]
pub(crate) async fn broken_pipe() {
    use std::io;
    use std::os::fd::AsFd;

    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    // A file cannot be watched, and needs no reader.
    let stdout = io::stdout().as_fd().try_clone_to_owned().ok();
    let watched = stdout.and_then(|stdout| AsyncFd::with_interest(stdout, Interest::ERROR).ok());
    if let Some(watched) = &watched
        && watched.ready(Interest::ERROR).await.is_ok()
    {
        return;
    }
    pending::<()>().await;
}

#[cfg(not(unix))]
pub(crate) async fn broken_pipe() {
    pending::<()>().await;
}
