//! What callers of an API get: the integration's answer, or the gateway's own.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Response, StatusCode};
use serde_json::json;

use crate::ids;

/// The ids of one request.
#[derive(Debug)]
pub(super) struct Ids {
    pub(super) request: String,
    /// `x-amz-apigw-id`.
    pub(super) extended: String,
}

impl Ids {
    pub(super) fn new() -> Self {
        Self {
            request: ids::uuid(),
            extended: format!("{}=", ids::mixed(15)),
        }
    }
}

/// An answer by the integration.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// An answer by the gateway itself: its default gateway responses ("Gateway response types").
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Denied {
    pub(super) status: u16,
    /// `x-amzn-ErrorType`.
    pub(super) kind: &'static str,
    pub(super) message: String,
}

fn denied(status: u16, kind: &'static str, message: &str) -> Denied {
    Denied {
        status,
        kind,
        message: message.to_owned(),
    }
}

impl Denied {
    /// No key that opens this; no such stage.
    pub(super) fn forbidden() -> Self {
        denied(403, "ForbiddenException", "Forbidden")
    }

    /// No such path or method.
    pub(super) fn no_route() -> Self {
        denied(
            403,
            "MissingAuthenticationTokenException",
            "Missing Authentication Token",
        )
    }

    pub(super) fn throttled() -> Self {
        denied(429, "TooManyRequestsException", "Too Many Requests")
    }

    pub(super) fn quota_exceeded() -> Self {
        denied(429, "LimitExceededException", "Limit Exceeded")
    }

    pub(super) fn too_long() -> Self {
        denied(413, "RequestTooLargeException", "Request Too Long")
    }

    pub(super) fn headers_too_long() -> Self {
        denied(
            431,
            "BadRequestException",
            "Request Header Fields Too Large",
        )
    }

    pub(super) fn unsupported_media_type() -> Self {
        denied(415, "BadRequestException", "Unsupported Media Type")
    }

    pub(super) fn bad_body(why: &str) -> Self {
        denied(
            400,
            "BadRequestException",
            &format!("Could not parse request body into json: {why}"),
        )
    }

    /// The API is not put together right: no permission, no function, no fitting response.
    pub(super) fn configuration() -> Self {
        denied(500, "InternalServerErrorException", "Internal server error")
    }

    /// The function failed, or answered in another form than a proxy integration's.
    pub(super) fn bad_function() -> Self {
        denied(502, "InternalServerErrorException", "Internal server error")
    }

    pub(super) fn timed_out() -> Self {
        denied(
            504,
            "InternalServerErrorException",
            "Endpoint request timed out",
        )
    }
}

impl From<Denied> for Reply {
    fn from(denied: Denied) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert("x-amzn-errortype", HeaderValue::from_static(denied.kind));
        Self {
            status: StatusCode::from_u16(denied.status)
                .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            headers,
            body: json!({ "message": denied.message }).to_string().into(),
        }
    }
}

impl Reply {
    pub(super) fn into_response(self, ids: &Ids) -> Response<Bytes> {
        let mut response = Response::new(self.body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        for (name, value) in [
            ("x-amzn-requestid", &ids.request),
            ("x-amz-apigw-id", &ids.extended),
        ] {
            if let Ok(value) = HeaderValue::from_str(value) {
                response
                    .headers_mut()
                    .insert(HeaderName::from_static(name), value);
            }
        }
        response
    }
}
