//! What the proxy does with one request.

use std::sync::Arc;
use std::time::Duration;

use hyper::body::Bytes;
use tokio::sync::Semaphore;

use crate::call::Request;

/// What becomes of one request.
#[derive(Clone, Debug)]
pub enum Decision {
    /// It goes to the endpoint.
    Forward,
    /// It goes to the endpoint after this time, on top of the proxy's own delay.
    Delay(Duration),
    /// It goes to the endpoint once this semaphore has a permit.
    Await(Arc<Semaphore>),
    /// The endpoint never sees it; the client gets this answer.
    Answer(Answer),
    /// The endpoint never sees it; the client's connection is closed.
    DropBefore,
    /// The endpoint carries it out; the client's connection is closed without an answer.
    DropAfter,
    /// The endpoint carries it out; the connection breaks in the middle of the answer's body. The proxy closes it without an
    /// answer instead.
    CutAfter,
    /// Nobody takes the connection: it is certain that the endpoint never sees the request. The proxy, which has a
    /// connection already, drops it instead.
    Refuse,
    /// Nothing ever comes back; the endpoint never sees it.
    Hang,
    /// The endpoint carries it out; nothing ever comes back.
    HangAfter,
}

/// A response made by the proxy.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers beside the content type.
    pub headers: Vec<(&'static str, String)>,
    /// The body as it goes out.
    pub body: Bytes,
}

impl Answer {
    /// An error in the form of the query protocol (IAM, STS).
    pub fn query_error(status: u16, code: &str, message: &str) -> Self {
        let body = format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
             <RequestId>made-by-the-proxy</RequestId></ErrorResponse>"
        );
        Self {
            status,
            headers: Vec::new(),
            body: Bytes::from(body),
        }
    }

    /// The same answer with one more header.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// An error in the form of the REST-JSON and JSON protocols.
    pub fn error(status: u16, code: &str, message: &str) -> Self {
        let body = serde_json::json!({ "__type": code, "message": message });
        Self {
            status,
            headers: vec![
                ("x-amzn-errortype", code.to_owned()),
                ("x-amzn-requestid", "made-by-the-proxy".to_owned()),
            ],
            body: Bytes::from(body.to_string()),
        }
    }
}

/// Decides for each request in turn; called before the delay, never while another decision is being made.
pub(crate) type Decide = Arc<dyn Fn(&Request) -> Decision + Send + Sync>;
