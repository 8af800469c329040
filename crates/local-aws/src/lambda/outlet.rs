//! The way of a streamed response from an environment to whoever invoked it.

use bytes::Bytes;
use http::HeaderValue;
use tokio::sync::mpsc;

/// Bytes (AWS: "Lambda quotas", 200 MB of a streamed response).
pub(super) const LARGEST_STREAM: usize = 200 * 1024 * 1024;
/// So many pieces wait for a reader that is slower than the function, which waits from then on.
const QUEUED: usize = 16;

/// A part of a response as the runtime sends it.
#[derive(Debug)]
pub(super) enum Piece {
    Data(Bytes),
    /// The last one.
    End,
    /// The last one: the function failed in the middle, as its trailers say.
    Failed {
        kind: String,
        body: Bytes,
    },
    /// The last one: there is more than may be streamed.
    TooLarge,
}

/// A response under way. Its pieces stop without a last one if the process ends.
#[derive(Debug)]
pub(super) struct Streamed {
    pub(super) content_type: Option<HeaderValue>,
    pub(super) pieces: mpsc::Receiver<Piece>,
}

impl Streamed {
    pub(super) fn new(content_type: Option<HeaderValue>) -> (mpsc::Sender<Piece>, Self) {
        let (sender, pieces) = mpsc::channel(QUEUED);
        let streamed = Self {
            content_type,
            pieces,
        };
        (sender, streamed)
    }
}

/// A part of a response for whoever invoked the function.
#[derive(Debug)]
pub(super) enum Out {
    /// The first one.
    Head(Option<HeaderValue>),
    Data(Bytes),
    /// The function failed in the middle, with an error of this type.
    Failed(String),
}

/// Takes a response as it comes; without one, it is collected.
pub(super) type Outlet = mpsc::Sender<Out>;

pub(super) fn outlet() -> (Outlet, mpsc::Receiver<Out>) {
    mpsc::channel(QUEUED)
}

/// The way of bytes into the body of an answer.
pub(super) fn body<T>() -> (mpsc::Sender<T>, mpsc::Receiver<T>) {
    mpsc::channel(QUEUED)
}
