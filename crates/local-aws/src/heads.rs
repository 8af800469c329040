//! Header names as they are written, which `http::HeaderMap` does not keep: a copy of each request's, taken as it is read
//! from its connection, and those of answers, put in place as they are written to it.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// An answer that is no longer than this is written in one piece.
const ONE_PIECE: usize = 16 * 1024;
/// A head that is longer is not kept; the server refuses it anyway.
const LONGEST: usize = 512 * 1024;

/// Names of headers as they are written. A request that has them among its extensions is told with these names to
/// functions behind an API; an answer to one is written with them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderNames(Arc<[String]>);

impl HeaderNames {
    pub fn new<T: Into<String>>(names: impl IntoIterator<Item = T>) -> Self {
        Self(names.into_iter().map(Into::into).collect())
    }

    /// The names in a request's head.
    fn of(head: &[u8]) -> Self {
        let lines = head.split(|byte| *byte == b'\n').skip(1);
        Self::new(lines.filter_map(|line| {
            let end = line.iter().position(|byte| *byte == b':')?;
            std::str::from_utf8(&line[..end]).ok()
        }))
    }

    /// The last spelling of a name.
    pub(crate) fn written(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .rev()
            .find(|written| written.eq_ignore_ascii_case(name))
            .map(String::as_str)
    }
}

/// The names of a connection's heads, first come first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heads(Arc<Mutex<Names>>);

#[derive(Debug, Default)]
struct Names {
    /// Of requests that have been read and are not answered.
    read: VecDeque<HeaderNames>,
    /// Of the answer that is written next.
    answer: Option<HeaderNames>,
}

impl Heads {
    /// Those of the next request.
    pub(crate) fn next(&self) -> Option<HeaderNames> {
        self.names().read.pop_front()
    }

    /// Has the answer that is written next have these names.
    pub(crate) fn spell(&self, names: HeaderNames) {
        self.names().answer = Some(names);
    }

    fn names(&self) -> MutexGuard<'_, Names> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that keeps the heads of what is read from it, and spells those of what is written to it.
#[derive(Debug)]
pub(crate) struct Tap<S> {
    stream: S,
    scanner: Scanner,
    heads: Heads,
    /// What is to be written in the place of as many bytes that are given.
    spelled: Vec<u8>,
}

impl<S> Tap<S> {
    pub(crate) fn new(stream: S) -> (Self, Heads) {
        let heads = Heads::default();
        let tap = Self {
            stream,
            scanner: Scanner::default(),
            heads: heads.clone(),
            spelled: Vec::new(),
        };
        (tap, heads)
    }

    /// At the beginning of an answer that has names of its own, takes it up as it will be written.
    fn spell(&mut self, slices: &[io::IoSlice<'_>]) {
        if !self.spelled.is_empty() {
            return;
        }
        let Some(first) = slices.iter().find(|slice| !slice.is_empty()) else {
            return;
        };
        let end = first.windows(4).position(|window| window == b"\r\n\r\n");
        let Some(end) = end.filter(|_| first.starts_with(b"HTTP/1.")) else {
            return;
        };
        let Some(names) = self.heads.names().answer.take() else {
            return;
        };
        let length: usize = slices.iter().map(|slice| slice.len()).sum();
        if length <= ONE_PIECE {
            for slice in slices {
                self.spelled.extend_from_slice(slice);
            }
        } else {
            self.spelled.extend_from_slice(&first[..end]);
        }
        if let Some(head) = self.spelled.get_mut(..end) {
            spell(head, &names);
        }
    }
}

/// Puts names in the place of those in a head that differ in nothing but case.
fn spell(head: &mut [u8], names: &HeaderNames) {
    for line in head.split_mut(|byte| *byte == b'\n').skip(1) {
        let Some(end) = line.iter().position(|byte| *byte == b':') else {
            continue;
        };
        let there = std::str::from_utf8(&line[..end]).ok();
        if let Some(written) = there.and_then(|name| names.written(name)) {
            line[..end].copy_from_slice(written.as_bytes());
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tap<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let tap = self.get_mut();
        let before = buffer.filled().len();
        ready!(Pin::new(&mut tap.stream).poll_read(context, buffer))?;
        let read = buffer.filled().get(before..).unwrap_or_default();
        tap.scanner
            .scan(read, |names| tap.heads.names().read.push_back(names));
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tap<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[io::IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let tap = self.get_mut();
        tap.spell(slices);
        let stream = Pin::new(&mut tap.stream);
        if tap.spelled.is_empty() {
            return match slices {
                [bytes] => stream.poll_write(context, bytes),
                slices => stream.poll_write_vectored(context, slices),
            };
        }
        let written = ready!(stream.poll_write(context, &tap.spelled))?;
        tap.spelled.drain(..written);
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

/// The position of the next byte in the stream of requests.
#[derive(Debug, Default)]
struct Scanner {
    state: State,
    /// The head, or the line of a chunked body, so far.
    kept: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Head,
    /// So many bytes of a body are to come.
    Body(u64),
    /// A line with a chunk's size.
    Size,
    /// So many bytes of a chunk and its line end.
    Chunk(u64),
    /// Lines up to an empty one.
    Trailer,
    /// What comes is not understood; the server ends the connection most likely.
    Lost,
}

impl Scanner {
    fn scan(&mut self, mut bytes: &[u8], mut found: impl FnMut(HeaderNames)) {
        while !bytes.is_empty() {
            match self.state {
                State::Lost => return,
                State::Body(left) | State::Chunk(left) => {
                    let skipped = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                    bytes = &bytes[skipped..];
                    let left = left - u64::try_from(skipped).unwrap_or(left);
                    self.state = match (self.state, left) {
                        (State::Body(_), 0) => State::Head,
                        (State::Body(_), left) => State::Body(left),
                        (_, 0) => State::Size,
                        (_, left) => State::Chunk(left),
                    };
                }
                State::Head | State::Size | State::Trailer => {
                    let end = bytes.iter().position(|byte| *byte == b'\n');
                    let taken = end.map_or(bytes.len(), |end| end + 1);
                    if self.kept.len() + taken > LONGEST {
                        self.state = State::Lost;
                        self.kept = Vec::new();
                        return;
                    }
                    self.kept.extend_from_slice(&bytes[..taken]);
                    bytes = &bytes[taken..];
                    if end.is_some() {
                        self.line(&mut found);
                    }
                }
            }
        }
    }

    /// A line is complete.
    fn line(&mut self, found: &mut impl FnMut(HeaderNames)) {
        match self.state {
            State::Head => {
                let head = self.kept.strip_suffix(b"\n").unwrap_or(&self.kept);
                let head = head.strip_suffix(b"\r").unwrap_or(head);
                // Empty lines before a request are none of it.
                if head.is_empty() {
                    self.kept.clear();
                } else if head.ends_with(b"\n") {
                    found(HeaderNames::of(head));
                    self.state = after(head);
                    self.kept.clear();
                }
            }
            State::Size => {
                self.state = match size(&self.kept) {
                    Some(0) => State::Trailer,
                    // And its line end.
                    Some(size) => State::Chunk(size.saturating_add(2)),
                    None => State::Lost,
                };
                self.kept.clear();
            }
            State::Trailer => {
                if self.kept.trim_ascii().is_empty() {
                    self.state = State::Head;
                }
                self.kept.clear();
            }
            State::Body(_) | State::Chunk(_) | State::Lost => {}
        }
    }
}

/// What follows a head.
fn after(head: &[u8]) -> State {
    let mut length = 0;
    for line in head.split(|byte| *byte == b'\n').skip(1) {
        let Some(end) = line.iter().position(|byte| *byte == b':') else {
            continue;
        };
        let (name, value) = (&line[..end], line[end + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            return State::Size;
        }
        if name.eq_ignore_ascii_case(b"content-length") {
            let value = std::str::from_utf8(value)
                .ok()
                .and_then(|text| text.parse().ok());
            match value {
                Some(value) => length = value,
                None => return State::Lost,
            }
        }
    }
    if length == 0 {
        State::Head
    } else {
        State::Body(length)
    }
}

/// Of a chunk, without its extensions.
fn size(line: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(line).ok()?;
    let text = text.split(';').next()?.trim();
    u64::from_str_radix(text, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &[u8] = b"GET /a HTTP/1.1\r\ntEsT-HEADeR: a:b\r\nHost: x\r\n\r\n\
        \r\nPOST /b HTTP/1.1\r\nContent-LENGTH: 11\r\n\r\nX-Body: 1\r\n\
        POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\nX-C: 1\r\n\r\n\
        5;name=x\r\nA: b\n\r\n0\r\nX-Trailer: 1\r\n\r\n\
        GET /d HTTP/1.1\nX-d: 1\nx-D: 2\n\n";

    fn scanned(pieces: &mut dyn Iterator<Item = &[u8]>) -> Vec<HeaderNames> {
        let mut scanner = Scanner::default();
        let mut found = Vec::new();
        for piece in pieces {
            scanner.scan(piece, |names| found.push(names));
        }
        found
    }

    #[test]
    fn heads_are_found_however_they_come() {
        let expected = [
            HeaderNames::new(["tEsT-HEADeR", "Host"]),
            HeaderNames::new(["Content-LENGTH"]),
            HeaderNames::new(["Transfer-Encoding", "X-C"]),
            HeaderNames::new(["X-d", "x-D"]),
        ];
        for length in [1, 2, 3, 7, 64, STREAM.len()] {
            assert_eq!(scanned(&mut STREAM.chunks(length)), expected, "{length}");
        }
        assert_eq!(expected[3].written("X-D"), Some("x-D"));
        assert_eq!(expected[3].written("X-E"), None);
    }

    #[tokio::test]
    async fn answers_are_spelled() {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};

        for size in [1, 7, 1024] {
            let (near, mut far) = tokio::io::duplex(size);
            let (mut tap, heads) = Tap::new(near);
            let long = "x".repeat(2 * ONE_PIECE);
            let plain = "HTTP/1.1 200 OK\r\nx-own: 1\r\n\r\nx-own: body";
            let parts = [
                plain.to_owned(),
                plain.to_owned(),
                format!("HTTP/1.1 200 OK\r\nx-own: 1\r\n\r\n{long}"),
            ];
            let expected = [
                plain.to_owned(),
                plain.replacen("x-own", "X-oWn", 1),
                parts[2].replacen("x-own", "X-oWn", 1),
            ]
            .concat();
            let reading = tokio::spawn(async move {
                let mut read = String::new();
                far.read_to_string(&mut read).await.expect("a text");
                read
            });
            for (at, part) in parts.iter().enumerate() {
                if at > 0 {
                    heads.spell(HeaderNames::new(["X-oWn", "X-Other"]));
                }
                tap.write_all(part.as_bytes()).await.expect("it is written");
            }
            drop(tap);
            assert_eq!(reading.await.expect("no panic"), expected, "{size}");
        }
    }

    #[test]
    fn hostile_streams_are_let_go() {
        let endless = vec![b'a'; 3 * LONGEST];
        assert_eq!(scanned(&mut endless.chunks(1000)), []);
        let absurd = b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\nGET / HTTP/1.1\r\n\r\n";
        assert_eq!(scanned(&mut absurd.chunks(5)).len(), 1);
        let chunks = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nGET / HTTP/1.1\r\n\r\n";
        assert_eq!(scanned(&mut chunks.chunks(5)).len(), 1);
        let wrong =
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nGET / HTTP/1.1\r\n\r\n";
        assert_eq!(scanned(&mut wrong.chunks(5)).len(), 1);
    }
}
