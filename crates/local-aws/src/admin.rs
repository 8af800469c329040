//! What is asked of the local AWS itself, below `/_local/`, and what it does by itself.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use serde_json::{Value, json};

use crate::cloud::Cloud;
use crate::faults::Faults;

/// What a person would call things of theirs.
const KINDS: &[&str] = &[
    "iam-role",
    "iam-policy",
    "table",
    "lambda-function",
    "lambda-layer",
    "log-group",
    "rest-api",
    "api-key",
    "usage-plan",
    "ssm-parameter",
];

fn is_json(request: &Request<Bytes>) -> bool {
    request
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/json"))
}

/// `GET health`, `POST stop`; `GET`, `PUT faults`.
pub(crate) fn answer(cloud: &Cloud, path: &str, request: &Request<Bytes>) -> Response<Bytes> {
    match (request.method(), path) {
        (&Method::GET, "health") => json_response(
            StatusCode::OK,
            &json!({
                "status": "running",
                "pid": std::process::id(),
                "version": env!("CARGO_PKG_VERSION"),
                "records": cloud.store.transact(|tx| tx.count(KINDS)).ok(),
            }),
        ),
        // No page that a browser shows may change anything here: it cannot send this type without asking first.
        (&Method::POST | &Method::PUT, _) if !is_json(request) => json_response(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            &json!({ "message": "content-type: application/json is needed" }),
        ),
        (&Method::POST, "stop") => {
            cloud.stop.notify_one();
            json_response(StatusCode::OK, &json!({ "status": "stopping" }))
        }
        (&Method::GET, "faults") => json_response(StatusCode::OK, &json!(cloud.faults())),
        (&Method::PUT, "faults") => match serde_json::from_slice::<Faults>(request.body()) {
            Ok(faults) => {
                cloud.with_faults(|current| *current = faults);
                json_response(StatusCode::OK, &json!(cloud.faults()))
            }
            Err(error) => json_response(
                StatusCode::BAD_REQUEST,
                &json!({ "message": error.to_string() }),
            ),
        },
        _ => json_response(StatusCode::NOT_FOUND, &json!({ "message": "not found" })),
    }
}

fn json_response(status: StatusCode, body: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Items whose time has come go, and idle functions end.
pub(crate) async fn housekeeping(cloud: Arc<Cloud>) {
    let mut pace = tokio::time::interval(Duration::from_secs(30));
    loop {
        pace.tick().await;
        cloud.databases.sweep().await;
        cloud.environments.end_idle();
    }
}
