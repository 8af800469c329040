//! Bodies of responses: whole, or in pieces that are sent as they come.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use hyper::body::{Frame, SizeHint};
use tokio::sync::mpsc;

/// The rest of a body does not come; the connection is closed in the middle of it.
#[derive(Debug, thiserror::Error)]
#[error("the body ended early")]
pub(crate) struct Broken;

pub(crate) type Pieces = mpsc::Receiver<Result<Bytes, Broken>>;

#[derive(Debug)]
pub(crate) enum Body {
    Whole(Bytes),
    Pieces(Pieces),
}

impl Body {
    /// Waits for the last piece.
    pub(crate) async fn whole(self) -> Result<Bytes, Broken> {
        let mut pieces = match self {
            Self::Whole(bytes) => return Ok(bytes),
            Self::Pieces(pieces) => pieces,
        };
        let mut whole = BytesMut::new();
        while let Some(piece) = pieces.recv().await {
            whole.extend_from_slice(&piece?);
        }
        Ok(whole.freeze())
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::Whole(bytes)
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match &mut *self {
            Self::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Pieces(pieces) => pieces
                .poll_recv(context)
                .map(|piece| piece.map(|piece| piece.map(Frame::data))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Pieces(_) => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn pieces_are_passed_on_as_they_come() {
        let (sender, pieces) = mpsc::channel(4);
        let mut body = Body::Pieces(pieces);
        for piece in [Ok(Bytes::from_static(b"a")), Err(Broken)] {
            sender.send(piece).await.expect("somebody listens");
        }
        let first = body.frame().await.expect("a frame").expect("a piece");
        assert_eq!(first.into_data().expect("data"), "a");
        assert!(body.frame().await.expect("an end").is_err());
    }

    #[tokio::test]
    async fn a_body_is_collected_up_to_its_end_only() {
        let (sender, pieces) = mpsc::channel(4);
        for piece in ["a", "b"] {
            let piece = Ok(Bytes::from_static(piece.as_bytes()));
            sender.send(piece).await.expect("somebody listens");
        }
        drop(sender);
        assert_eq!(Body::Pieces(pieces).whole().await.expect("a body"), "ab");
        let (sender, pieces) = mpsc::channel(4);
        sender.send(Err(Broken)).await.expect("somebody listens");
        assert!(Body::Pieces(pieces).whole().await.is_err());
    }
}
