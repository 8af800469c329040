//! What a call is answered with, in the form of each service's protocol.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use serde_json::{Map, Value, json};

use crate::response_body::{self, Pieces};
use crate::service::{Protocol, Service};
use crate::xml;

/// A call that succeeded.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Body,
    /// In the place of the body, if it is streamed.
    pub(crate) pieces: Option<Pieces>,
}

#[derive(Debug)]
pub(crate) enum Body {
    /// The operation's output; the query protocol makes XML of it.
    Json(Value),
    /// As it is.
    Bytes(Bytes),
}

impl Answer {
    /// 200 with the operation's output.
    pub(crate) fn ok(output: Value) -> Self {
        Self::json(200, output)
    }

    pub(crate) fn json(status: u16, output: Value) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Body::Json(output),
            pieces: None,
        }
    }

    /// A status without a body: 202 and 204.
    pub(crate) fn empty(status: u16) -> Self {
        Self::bytes(status, Bytes::new())
    }

    pub(crate) fn bytes(status: u16, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Body::Bytes(body.into()),
            pieces: None,
        }
    }

    /// 200 with a body that comes in pieces.
    pub(crate) fn pieces(pieces: Pieces) -> Self {
        Self {
            pieces: Some(pieces),
            ..Self::empty(200)
        }
    }

    pub(crate) fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn into_response(
        self,
        service: Service,
        operation: &str,
        request_id: &str,
    ) -> Response<response_body::Body> {
        let protocol = service.protocol();
        let whole: Bytes = match self.body {
            Body::Bytes(bytes) => bytes,
            Body::Json(output) => match protocol {
                Protocol::Query => {
                    xml::answer(operation, service.xml_namespace(), &output, request_id).into()
                }
                _ => output.to_string().into(),
            },
        };
        let body = match self.pieces {
            Some(pieces) => response_body::Body::Pieces(pieces),
            None => whole.into(),
        };
        response(protocol, self.status, self.headers, body, request_id)
    }
}

/// A call that was refused, in AWS's words.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    /// As on the wire.
    pub(crate) code: String,
    pub(crate) message: String,
    /// Members of the error's body beside the message.
    pub(crate) members: Map<String, Value>,
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl Refusal {
    pub(crate) fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.into(),
            members: Map::new(),
            headers: Vec::new(),
        }
    }

    pub(crate) fn with_member(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    pub(crate) fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// What is wrong on this side: a full disk, a corrupt store.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(500, "InternalFailure", message)
    }

    pub(crate) fn into_response(
        self,
        service: Service,
        request_id: &str,
    ) -> Response<response_body::Body> {
        let protocol = service.protocol();
        let mut headers = self.headers;
        let body = match protocol {
            Protocol::Query => xml::error(
                service.xml_namespace(),
                if self.status < 500 {
                    "Sender"
                } else {
                    "Receiver"
                },
                &self.code,
                &self.message,
                request_id,
            ),
            Protocol::Json10 | Protocol::Json11 => {
                let mut body = Map::from_iter([
                    ("__type".to_owned(), Value::from(self.code)),
                    ("message".to_owned(), Value::from(self.message)),
                ]);
                body.extend(self.members);
                Value::Object(body).to_string()
            }
            Protocol::RestJson => {
                headers.push(("x-amzn-errortype", self.code.clone()));
                let text = match service {
                    Service::Lambda => lambda_error(self.status, &self.code, self.message),
                    _ => json!({ "message": self.message }),
                };
                let mut body = match text {
                    Value::Object(body) => body,
                    _ => Map::new(),
                };
                body.extend(self.members);
                Value::Object(body).to_string()
            }
        };
        let body = Bytes::from(body).into();
        response(protocol, self.status, headers, body, request_id)
    }
}

/// Lambda says whose fault an error is, except where its input was not valid, and writes `Message` in some errors and
/// `message` in the others, as its API model has them.
fn lambda_error(status: u16, code: &str, message: String) -> Value {
    let name = match code {
        "ResourceNotFoundException" | "CodeSigningConfigNotFoundException" => "Message",
        _ => "message",
    };
    let mut body = Map::from_iter([(name.to_owned(), Value::from(message))]);
    if code != "ValidationException" {
        let fault = if status < 500 { "User" } else { "Service" };
        body.insert("Type".to_owned(), fault.into());
    }
    Value::Object(body)
}

fn response(
    protocol: Protocol,
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: response_body::Body,
    request_id: &str,
) -> Response<response_body::Body> {
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let content_type = HeaderValue::from_static(protocol.content_type());
    let own = response.headers_mut();
    own.insert(CONTENT_TYPE, content_type);
    if let Ok(id) = HeaderValue::from_str(request_id) {
        own.insert("x-amzn-requestid", id);
    }
    for (name, value) in headers {
        // A text that is no header value is left out rather than the answer lost.
        if let Ok(value) = HeaderValue::from_str(&value) {
            own.insert(HeaderName::from_static(name), value);
        }
    }
    response
}
