//! The two forms an event can have, and the answer each expects.

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::failure::Failure;
use crate::json::{self, Json};

/// Lambda's limit for an answer.
const MAX_ANSWER: usize = 6_291_556;

pub(crate) enum Event {
    /// Direct invocation, console test, non-proxy integration.
    Raw(Json),
    /// API Gateway's envelope with the body as it was sent; what it holds may be unreadable.
    Proxy(Result<Json, Failure>),
}

impl Event {
    /// An envelope is told by its form; an `operation` at the top level always means a raw event.
    pub(crate) fn read(text: &str) -> Result<Self, Failure> {
        let event = json::parse(text).map_err(Failure::unreadable)?;
        let has = |name| event.get(name).is_some();
        let is_envelope =
            has("requestContext") || has("httpMethod") || has("body") && has("isBase64Encoded");
        if is_envelope && !has("operation") {
            return Ok(Self::Proxy(body(&event)));
        }
        Ok(Self::Raw(event))
    }
}

/// A missing or empty body is `{}`, as a non-proxy integration passes it on.
fn body(envelope: &Json) -> Result<Json, Failure> {
    let text = match envelope.get("body") {
        Some(Json::String(text)) if !text.is_empty() => text,
        Some(Json::String(_) | Json::Null) | None => return Ok(Json::Object(json::Object::new())),
        Some(_) => return Err(Failure::unreadable("the body is not a string")),
    };
    if envelope.get("isBase64Encoded") != Some(&Json::Bool(true)) {
        return json::parse(text).map_err(Failure::unreadable);
    }
    let bytes = STANDARD
        .decode(text)
        .map_err(|_| Failure::unreadable("the body is not base64"))?;
    let text =
        String::from_utf8(bytes).map_err(|_| Failure::unreadable("the body is not UTF-8"))?;
    if text.is_empty() {
        return Ok(Json::Object(json::Object::new()));
    }
    json::parse(&text).map_err(Failure::unreadable)
}

pub(crate) fn raw_answer(outcome: Result<Json, Failure>) -> Result<String, Failure> {
    let answer = outcome?.to_string();
    if answer.len() > MAX_ANSWER {
        Err(Failure::too_large())
    } else {
        Ok(answer)
    }
}

/// The envelope's text, and the failure it tells of if it does.
pub(crate) fn proxy_answer(
    outcome: Result<Json, Failure>,
    request_id: &str,
) -> (String, Option<Failure>) {
    match outcome {
        Ok(value) => {
            let answer = envelope(200, value.to_string(), request_id);
            if answer.len() > MAX_ANSWER {
                proxy_answer(Err(Failure::too_large()), request_id)
            } else {
                (answer, None)
            }
        }
        Err(failure) => (
            envelope(failure.status, failure.to_json().to_string(), request_id),
            Some(failure),
        ),
    }
}

fn envelope(status: u16, body: String, request_id: &str) -> String {
    let headers = Json::object([
        ("Content-Type", Json::text("application/json")),
        ("x-request-id", Json::text(request_id)),
    ]);
    Json::object([
        ("statusCode", Json::number(status)),
        ("headers", headers),
        ("body", Json::String(body)),
        ("isBase64Encoded", Json::Bool(false)),
    ])
    .to_string()
}
