//! Calls to `DynamoDB`: signed, sent, and retried as in boto3's standard mode.

use std::time::{Duration, SystemTime};

use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderMap, Request, Response, Uri};
use http_body_util::Full;
use tokio::time::{Instant, sleep, timeout_at};

use crate::config::Config;
use crate::connection::{Connection, ConnectionError};
use crate::failure::{Failure, is_throttling};
use crate::json::{self, Json};
use crate::shape::Operation;
use crate::tls;

/// Attempts at a call, including the first.
const ATTEMPTS: u32 = 3;
/// Scale of the backoff after throttling, in seconds.
const THROTTLING_SCALE: f64 = 1.0;
/// Scale of the backoff after other errors, in seconds.
const TRANSIENT_SCALE: f64 = 0.025;
/// Longest backoff in seconds.
const MAX_BACKOFF: f64 = 20.0;

/// A client with one connection.
pub struct DynamoDb {
    config: Config,
    connection: Connection,
}

/// A successful reply.
pub(crate) struct Reply {
    pub(crate) body: Json,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) retries: u32,
}

/// The error of an attempt.
struct AttemptError {
    failure: Failure,
    /// Scale of the backoff before another attempt; `None` if the call is not retried.
    backoff_scale: Option<f64>,
}

impl DynamoDb {
    /// Creates a client; fails for an invalid certificate bundle or host name.
    pub fn new(config: Config) -> Result<Self, Failure> {
        let tls = match config.endpoint.scheme_str() {
            Some("https") => Some(tls::config(config.ca_bundle.as_deref())),
            _ => None,
        };
        let connection = tls
            .transpose()
            .and_then(|tls| Connection::new(&config.endpoint, tls));
        let connection =
            connection.map_err(|error| Failure::internal(500, "SSLError", error.to_string()))?;
        Ok(Self { config, connection })
    }

    /// Connects before the first call.
    pub async fn open(&self) {
        self.connection.open().await;
    }

    /// Makes a call, with retries until `deadline`.
    pub(crate) async fn call(
        &self,
        operation: &Operation,
        body: String,
        deadline: Instant,
    ) -> Result<Reply, Failure> {
        let body = Bytes::from(body);
        let mut retries = 0;
        loop {
            let attempt = timeout_at(deadline, self.attempt(operation, &body, retries)).await;
            let error = match attempt {
                Ok(Ok(reply)) => return Ok(reply),
                Ok(Err(error)) => error,
                Err(_) => return Err(self.unreachable(504, "ReadTimeoutError", "Read timeout on")),
            };
            let Some(scale) = error.backoff_scale else {
                return Err(error.failure);
            };
            let pause = Duration::from_secs_f64(
                fastrand::f64() * (scale * f64::from(1 << retries)).min(MAX_BACKOFF),
            );
            if retries + 1 == ATTEMPTS || Instant::now() + pause >= deadline {
                return Err(error.failure);
            }
            sleep(pause).await;
            retries += 1;
        }
    }

    async fn attempt(
        &self,
        operation: &Operation,
        body: &Bytes,
        retries: u32,
    ) -> Result<Reply, AttemptError> {
        let signed = self.signed(operation, body).map_err(|error| AttemptError {
            failure: Failure::internal(500, "SigningError", error.to_string()),
            backoff_scale: None,
        })?;
        let response = self
            .connection
            .send(|| signed.clone())
            .await
            .map_err(|error| AttemptError {
                failure: match error {
                    ConnectionError::Connect => {
                        self.unreachable(502, "EndpointConnectionError", "Could not connect to the")
                    }
                    ConnectionError::Closed => self.unreachable(
                        502,
                        "ConnectionClosedError",
                        "Connection was closed before we received a valid response from",
                    ),
                },
                backoff_scale: Some(TRANSIENT_SCALE),
            })?;
        read(operation, response, retries)
    }

    fn signed(
        &self,
        operation: &Operation,
        body: &Bytes,
    ) -> Result<Request<Full<Bytes>>, Box<dyn std::error::Error>> {
        let endpoint = &self.config.endpoint;
        let mut request = Request::post(Uri::from_static("/"))
            .header(
                HOST,
                endpoint
                    .authority()
                    .map_or("", |authority| authority.as_str()),
            )
            .header(CONTENT_TYPE, "application/x-amz-json-1.0")
            .header(
                "x-amz-target",
                format!("DynamoDB_20120810.{}", operation.name),
            )
            .body(Full::new(body.clone()))?;
        let identity = self.config.credentials.clone().into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.config.region)
            .name("dynamodb")
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()?
            .into();
        let headers = request
            .headers()
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let url = format!(
            "{}://{}/",
            endpoint.scheme_str().unwrap_or("https"),
            endpoint.authority().map_or("", |a| a.as_str())
        );
        let signable = SignableRequest::new("POST", &url, headers, SignableBody::Bytes(body))?;
        let (instructions, _) = sign(signable, &parameters)?.into_parts();
        instructions.apply_to_request_http1x(&mut request);
        Ok(request)
    }

    fn unreachable(&self, status: u16, error_type: &str, problem: &str) -> Failure {
        Failure::internal(
            status,
            error_type,
            format!("{problem} endpoint URL: \"{}\"", self.config.endpoint),
        )
    }
}

fn read(
    operation: &Operation,
    response: Response<Bytes>,
    retries: u32,
) -> Result<Reply, AttemptError> {
    let (parts, body) = response.into_parts();
    let status = parts.status.as_u16();
    let text = String::from_utf8_lossy(&body);
    let parsed = json::parse(&text);
    if parts.status.is_success() {
        return match parsed {
            Ok(body) => Ok(Reply {
                body,
                status,
                headers: parts.headers,
                retries,
            }),
            Err(error) => Err(AttemptError {
                failure: Failure::internal(
                    502,
                    "ResponseParserError",
                    format!("Unable to parse response: {error}"),
                ),
                backoff_scale: None,
            }),
        };
    }
    let error = parsed.unwrap_or_else(|_| Json::object([("message", Json::text(&*text))]));
    let field = |names: [&str; 2]| names.into_iter().find_map(|name| error.get(name)?.as_str());
    let code = field(["__type", "code"]).map_or_else(|| status.to_string(), short_code);
    let message = field(["message", "Message"]).unwrap_or_default();
    let backoff_scale = if is_throttling(&code) {
        Some(THROTTLING_SCALE)
    } else {
        let is_transient =
            matches!(status, 500 | 502 | 503 | 504) || code == "TransactionInProgressException";
        is_transient.then_some(TRANSIENT_SCALE)
    };
    let is_last = backoff_scale.is_some() && retries + 1 == ATTEMPTS;
    Err(AttemptError {
        failure: Failure::service(
            operation.name,
            &code,
            message,
            status,
            is_last.then_some(retries),
        ),
        backoff_scale,
    })
}

/// Returns `Code` of `namespace#Code:details`.
fn short_code(code: &str) -> String {
    let code = code.split(':').next().unwrap_or(code);
    code.rsplit('#').next().unwrap_or(code).to_owned()
}
