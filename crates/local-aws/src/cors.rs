//! Calls of services' APIs by scripts of web pages: none may, except those of origins that are allowed.

use std::sync::OnceLock;

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, HeaderValue, ORIGIN, VARY,
};
use http::{HeaderMap, Method, Request, Response};

/// The headers of answers that SDKs read.
const EXPOSED: &str = "x-amzn-requestid,x-amzn-errortype,x-amzn-errormessage,x-amz-function-error,x-amz-log-result,\
                       x-amz-executed-version,x-amz-crc32,retry-after,date";
/// The value that AWS's services answer with, in seconds.
const MAX_AGE: &str = "172800";

/// The origins that may.
#[derive(Debug, Default)]
pub(crate) struct Cors(OnceLock<Vec<String>>);

impl Cors {
    pub(crate) fn allow(&self, origins: Vec<String>) {
        let _ = self.0.set(origins);
    }

    /// The origin of a request, if it is allowed.
    pub(crate) fn origin(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let allowed = self.0.get()?;
        let origin = headers.get(ORIGIN)?;
        let is_allowed = allowed
            .iter()
            .any(|allowed| allowed == "*" || allowed.as_bytes() == origin.as_bytes());
        is_allowed.then(|| origin.clone())
    }
}

/// Returns true if a browser asks what a script may send.
pub(crate) fn is_preflight(request: &Request<Bytes>) -> bool {
    request.method() == Method::OPTIONS
        && request
            .headers()
            .contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// A script of an allowed origin may send whatever it wants to.
pub(crate) fn preflight(origin: &HeaderValue, asked: &HeaderMap) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    let headers = response.headers_mut();
    let methods = HeaderValue::from_static("GET,HEAD,POST,PUT,PATCH,DELETE,OPTIONS");
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
    if let Some(wanted) = asked.get(ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
    }
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(MAX_AGE));
    allow(&mut response, origin);
    response
}

/// Lets the script read the answer.
pub(crate) fn allow<B>(response: &mut Response<B>, origin: &HeaderValue) {
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    headers.insert(
        ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static(EXPOSED),
    );
    headers.append(VARY, HeaderValue::from_static("Origin"));
}
