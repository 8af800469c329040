//! Raw and API Gateway events, and the form of their answers.

use std::time::Instant;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::failure::Failure;
use crate::json::{self, Json};

/// Lambda's limit for an answer, in bytes.
pub(crate) const MAX_ANSWER: usize = 6_291_556;

/// The event of an invocation. An unreadable event is a failure that the handler reports.
pub struct Event {
    pub(crate) arrived: Instant,
    pub(crate) form: Result<Form, Failure>,
}

/// The two forms of an event.
pub(crate) enum Form {
    /// An event from a direct invocation, a console test or a non-proxy integration.
    Raw(Json),
    /// The body of an API Gateway proxy event, which may be unreadable.
    Proxy(Result<Json, Failure>),
}

impl Event {
    /// Reads an event from its text.
    pub fn read(text: &str) -> Self {
        Self {
            arrived: Instant::now(),
            form: Form::read(text),
        }
    }
}

/// Reads the text without copying it and never fails, because the handler reports unreadable events.
impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let arrived = Instant::now();
        let text = <&RawValue>::deserialize(deserializer).map_err(Failure::unreadable);
        let form = text.and_then(|text| Form::read(text.get()));
        Ok(Self { arrived, form })
    }
}

impl Form {
    /// Reads an event. The fields of a proxy event distinguish it; an event with `operation` is always raw.
    fn read(text: &str) -> Result<Self, Failure> {
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

/// Returns the body of a proxy event. A missing or empty body is `{}`, as in a non-proxy integration.
fn body(envelope: &Json) -> Result<Json, Failure> {
    let text = match envelope.get("body") {
        Some(Json::String(text)) if !text.is_empty() => text,
        Some(Json::String(_) | Json::Null) | None => {
            return Ok(Json::Object(json::Object::default()));
        }
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
        return Ok(Json::Object(json::Object::default()));
    }
    json::parse(&text).map_err(Failure::unreadable)
}

/// Returns the answer to a raw event. The limit applies to failures too: Python's messages quote the request, with up to
/// three times its length.
pub(crate) fn raw_answer(outcome: Result<Json, Failure>) -> Result<String, Failure> {
    let answer = outcome.map(|value| value.to_string());
    let length = match &answer {
        Ok(answer) => answer.len(),
        Err(failure) => failure.to_json().to_string().len(),
    };
    if length > MAX_ANSWER {
        return Err(Failure::too_large());
    }
    answer
}

/// Returns the answer to a proxy event, and the failure in it, if any.
pub(crate) fn proxy_answer(
    outcome: Result<Json, Failure>,
    request_id: &str,
) -> (String, Option<Failure>) {
    let (status, body, failure) = match outcome {
        Ok(value) => (200, value, None),
        Err(failure) => (failure.status, failure.to_json(), Some(failure)),
    };
    let answer = envelope(status, body.to_string(), request_id);
    if answer.len() > MAX_ANSWER {
        return proxy_answer(Err(Failure::too_large()), request_id);
    }
    (answer, failure)
}

fn envelope(status: u16, body: String, request_id: &str) -> String {
    let headers = Json::object([
        ("Content-Type", Json::text("application/json")),
        ("x-request-id", Json::text(request_id)),
    ]);
    Json::object([
        ("statusCode", Json::number(status)),
        ("headers", headers),
        ("body", Json::text(body)),
        ("isBase64Encoded", Json::Bool(false)),
    ])
    .to_string()
}
