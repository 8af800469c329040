//! What callers of an API get: the integration's answer, or the gateway's own.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Response, StatusCode};
use serde_json::json;

use super::gateway_response;
use crate::heads::HeaderNames;
use crate::ids;

/// The ids of one request.
#[derive(Debug)]
pub(super) struct Ids {
    pub(super) request: String,
    /// `x-amz-apigw-id`.
    pub(super) extended: String,
    /// The names of the answer's headers as they are to be written.
    names: Mutex<Vec<String>>,
}

/// AWS's own headers as it writes them.
const NAMES: [&str; 7] = [
    "Content-Type",
    "Content-Length",
    "Date",
    "X-Amzn-Trace-Id",
    "x-amz-apigw-id",
    "x-amzn-RequestId",
    "x-amzn-ErrorType",
];

impl Ids {
    pub(super) fn new() -> Self {
        Self {
            request: ids::uuid(),
            extended: format!("{}=", ids::mixed(15)),
            names: Mutex::default(),
        }
    }

    /// Has the answer's header of this name be written so.
    pub(super) fn spell(&self, name: impl Into<String>) {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.push(name.into());
    }

    fn spelling(&self) -> HeaderNames {
        let own = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        HeaderNames::new(NAMES.iter().copied().chain(own.iter().map(String::as_str)))
    }
}

/// An answer by the integration.
#[derive(Clone, Debug)]
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
    /// The type of gateway response that it is.
    pub(super) response: &'static str,
    /// What exactly is wrong with the request (`$context.error.validationErrorString`).
    pub(super) why: Option<String>,
    /// In the place of `{"message":…}`.
    pub(super) body: Option<String>,
}

fn denied(status: u16, kind: &'static str, message: &str) -> Denied {
    Denied {
        status,
        kind,
        message: message.to_owned(),
        response: gateway_response::family(status),
        why: None,
        body: None,
    }
}

impl Denied {
    /// Of a type ("Gateway response types for API Gateway"); without one, only its family's settings count.
    pub(super) fn of_type(self, response: &'static str) -> Self {
        Self { response, ..self }
    }

    /// No such API or stage.
    pub(super) fn forbidden() -> Self {
        denied(403, "ForbiddenException", "Forbidden")
    }

    /// No key that opens this.
    pub(super) fn invalid_key() -> Self {
        Self::forbidden().of_type("INVALID_API_KEY")
    }

    pub(super) fn missing_parameters(names: &[&str]) -> Self {
        let message = format!(
            "Missing required request parameters: [{}]",
            names.join(", ")
        );
        denied(400, "BadRequestException", &message).of_type("BAD_REQUEST_PARAMETERS")
    }

    /// The body is not as its model says.
    pub(super) fn invalid_body(why: &str) -> Self {
        Self {
            why: Some(why.to_owned()),
            ..denied(400, "BadRequestException", "Invalid request body").of_type("BAD_REQUEST_BODY")
        }
    }

    /// No such path or method.
    pub(super) fn no_route() -> Self {
        denied(
            403,
            "MissingAuthenticationTokenException",
            "Missing Authentication Token",
        )
        .of_type("MISSING_AUTHENTICATION_TOKEN")
    }

    pub(super) fn throttled() -> Self {
        denied(429, "TooManyRequestsException", "Too Many Requests").of_type("THROTTLED")
    }

    pub(super) fn quota_exceeded() -> Self {
        denied(429, "LimitExceededException", "Limit Exceeded").of_type("QUOTA_EXCEEDED")
    }

    pub(super) fn too_long() -> Self {
        denied(413, "RequestTooLargeException", "Request Too Long").of_type("REQUEST_TOO_LARGE")
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
            .of_type("UNSUPPORTED_MEDIA_TYPE")
    }

    pub(super) fn bad_body(why: &str) -> Self {
        denied(
            400,
            "BadRequestException",
            &format!("Could not parse request body into json: {why}"),
        )
        .of_type("BAD_REQUEST_BODY")
    }

    /// The API is not put together right: no permission, no function, no fitting response.
    pub(super) fn configuration() -> Self {
        denied(500, "InternalServerErrorException", "Internal server error")
            .of_type("API_CONFIGURATION_ERROR")
    }

    /// The function failed, or answered in another form than a proxy integration's.
    pub(super) fn bad_function() -> Self {
        denied(502, "InternalServerErrorException", "Internal server error")
    }

    /// No server answers where the integration's is.
    pub(super) fn no_endpoint() -> Self {
        denied(
            504,
            "InternalServerErrorException",
            "Network error communicating with endpoint",
        )
        .of_type("INTEGRATION_FAILURE")
    }

    pub(super) fn timed_out() -> Self {
        denied(
            504,
            "InternalServerErrorException",
            "Endpoint request timed out",
        )
        .of_type("INTEGRATION_TIMEOUT")
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
            body: denied
                .body
                .unwrap_or_else(|| json!({ "message": denied.message }).to_string())
                .into(),
        }
    }
}

impl Reply {
    pub(super) fn into_response(self, ids: &Ids) -> Response<Bytes> {
        let mut response = Response::new(self.body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response.extensions_mut().insert(ids.spelling());
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
