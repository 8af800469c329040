//! HTTP requests and the AWS operations they call.

mod apigateway;
mod lambda;

use std::time::Duration;

use hyper::body::Bytes;
use hyper::{HeaderMap, Method};

/// One request to an AWS endpoint.
#[derive(Clone, Debug)]
pub struct Request {
    /// HTTP method.
    pub method: Method,
    /// Path, still percent-encoded.
    pub path: String,
    /// Query without the question mark; empty if there is none.
    pub query: String,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
    /// Signing name of the service; `execute-api` for the public endpoint, empty for an unsigned request.
    pub service: String,
    /// Name of the operation; method and path if the operation is unknown.
    pub operation: String,
}

/// The record of one answered request.
#[derive(Clone, Debug)]
pub struct Call {
    /// Time of its arrival, since the start of the proxy.
    pub started: Duration,
    /// Time of its answer, since the start of the proxy.
    pub ended: Duration,
    /// Signing name of the service.
    pub service: String,
    /// Name of the operation.
    pub operation: String,
    /// Method and path.
    pub line: String,
    /// True if the operation changes the account.
    pub write: bool,
    /// HTTP status; `None` if the connection was closed without an answer.
    pub status: Option<u16>,
}

impl Call {
    /// Time from arrival to answer.
    pub fn took(&self) -> Duration {
        self.ended.saturating_sub(self.started)
    }
}

impl Request {
    pub(crate) fn new(
        method: Method,
        path: String,
        query: String,
        headers: HeaderMap,
        body: Bytes,
    ) -> Self {
        let service = service(&headers, &path);
        let operation = operation(&service, &method, &path, &headers, &body);
        Self {
            method,
            path,
            query,
            headers,
            body,
            service,
            operation,
        }
    }

    /// Returns true if the operation changes the account. Requests through the public endpoint never count as writes.
    pub fn is_write(&self) -> bool {
        const READS: [&str; 7] = [
            "Get", "List", "Describe", "Head", "Scan", "Query", "BatchGet",
        ];
        self.service != "execute-api"
            && self.operation != "Invoke"
            && self.operation != "FilterLogEvents"
            && !READS
                .iter()
                .any(|prefix| self.operation.starts_with(prefix))
    }
}

fn service(headers: &HeaderMap, path: &str) -> String {
    if path.contains("/_user_request_") {
        return "execute-api".to_owned();
    }
    // Format: AWS4-HMAC-SHA256 Credential=KEY/20260102/eu-west-1/iam/aws4_request, SignedHeaders=…
    headers
        .get("authorization")
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once("Credential="))
        .and_then(|(_, scope)| scope.split('/').nth(3))
        .unwrap_or_default()
        .to_owned()
}

fn operation(
    service: &str,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> String {
    if service == "execute-api" {
        return method.to_string();
    }
    if let Some(target) = headers
        .get("x-amz-target")
        .and_then(|value| value.to_str().ok())
    {
        return target.rsplit('.').next().unwrap_or(target).to_owned();
    }
    let table = match service {
        "lambda" => lambda::OPERATIONS,
        "apigateway" => apigateway::OPERATIONS,
        _ => &[],
    };
    let known = table
        .iter()
        .find(|(verb, pattern, _)| *verb == method.as_str() && matches(pattern, path));
    if let Some((_, _, name)) = known {
        return (*name).to_owned();
    }
    action(body).unwrap_or_else(|| format!("{method} {path}"))
}

/// Returns the operation of a query-protocol request.
fn action(body: &[u8]) -> Option<String> {
    std::str::from_utf8(body)
        .ok()?
        .split('&')
        .find_map(|pair| pair.strip_prefix("Action="))
        .map(str::to_owned)
}

/// Matches `path` against `pattern`, in which `*` stands for one segment and a final `**` for the rest.
fn matches(pattern: &str, path: &str) -> bool {
    let mut segments = path.trim_matches('/').split('/');
    for part in pattern.split('/') {
        if part == "**" {
            return segments.next().is_some();
        }
        match segments.next() {
            Some(segment) if part == "*" || part == segment => {}
            _ => return false,
        }
    }
    segments.next().is_none()
}

/// Method, path pattern and name of each operation.
type Table = &'static [(&'static str, &'static str, &'static str)];

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn signed(service: &str) -> HeaderMap {
        let value = format!(
            "AWS4-HMAC-SHA256 Credential=000000000001/20260102/eu-west-1/{service}/aws4_request, S=x"
        );
        let mut headers = HeaderMap::new();
        headers.insert(
            "authorization",
            HeaderValue::from_str(&value).expect("ASCII"),
        );
        headers
    }

    fn request(method: Method, path: &str, headers: HeaderMap, body: &'static str) -> Request {
        Request::new(
            method,
            path.to_owned(),
            String::new(),
            headers,
            Bytes::from_static(body.as_bytes()),
        )
    }

    #[test]
    fn names_the_operation_of_each_protocol() {
        let rest = request(
            Method::PUT,
            "/restapis/a1/resources/r1/methods/POST/integration",
            signed("apigateway"),
            "{}",
        );
        assert_eq!(
            (rest.operation.as_str(), rest.is_write()),
            ("PutIntegration", true)
        );

        let query = request(
            Method::POST,
            "/",
            signed("iam"),
            "Version=2010-05-08&Action=GetRole&RoleName=x",
        );
        assert_eq!(
            (query.operation.as_str(), query.is_write()),
            ("GetRole", false)
        );

        let mut headers = signed("dynamodb");
        headers.insert(
            "x-amz-target",
            HeaderValue::from_static("DynamoDB_20120810.CreateTable"),
        );
        let json = request(Method::POST, "/", headers, "{}");
        assert_eq!(
            (json.service.as_str(), json.operation.as_str()),
            ("dynamodb", "CreateTable")
        );
    }

    #[test]
    fn a_function_in_a_tag_path_is_one_resource() {
        let arn = "/2017-03-31/tags/arn%3Aaws%3Alambda%3Aeu-west-1%3A1%3Afunction%3Af";
        assert_eq!(
            request(Method::GET, arn, signed("lambda"), "").operation,
            "ListTags"
        );
        assert!(request(Method::POST, arn, signed("lambda"), "").is_write());
    }

    #[test]
    fn the_public_endpoint_is_its_own_service() {
        let call = request(
            Method::POST,
            "/restapis/a1/Prod/_user_request_/x",
            HeaderMap::new(),
            "{}",
        );
        assert_eq!(
            (call.service.as_str(), call.is_write()),
            ("execute-api", false)
        );
    }

    #[test]
    fn an_unknown_call_counts_as_a_write() {
        let call = request(Method::POST, "/2031-01-01/novelties", signed("lambda"), "");
        assert!(call.is_write());
        assert_eq!(call.operation, "POST /2031-01-01/novelties");
    }
}
