//! Decisions on single requests: forwarded, delayed, answered or lost.

use std::sync::Arc;
use std::time::Duration;

use hyper::body::Bytes;
use tokio::sync::Semaphore;

use crate::call::Request;

/// Treatment of one request by [`Proxy`](crate::Proxy) and [`InProcess`](crate::InProcess).
#[derive(Clone, Debug)]
pub enum Decision {
    /// Forwards it to the endpoint.
    Forward,
    /// Forwards it after this time, in addition to the proxy's own delay.
    Delay(Duration),
    /// Forwards it once this semaphore has a permit.
    Await(Arc<Semaphore>),
    /// Answers the client without forwarding.
    Answer(Answer),
    /// Closes the client's connection without forwarding.
    DropBefore,
    /// Forwards it, and closes the client's connection without an answer.
    DropAfter,
    /// Forwards it, and closes the client's connection in the middle of the answer's body. `Proxy` closes it without an
    /// answer.
    CutAfter,
    /// Refuses the connection, so that the client knows that the endpoint has not seen the request. `Proxy` has accepted
    /// the connection before, and closes it.
    Refuse,
    /// Never answers, without forwarding.
    Hang,
    /// Forwards it, and never answers.
    HangAfter,
}

/// A response that does not come from the endpoint.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers, without the content type.
    pub headers: Vec<(&'static str, String)>,
    /// Body.
    pub body: Bytes,
}

impl Answer {
    /// Creates an error of the query protocol (IAM, STS).
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

    /// Adds a header.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Creates an error of the REST JSON and JSON protocols.
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

/// Callback that decides on each request, before the delay.
pub(crate) type Decide = Arc<dyn Fn(&Request) -> Decision + Send + Sync>;
