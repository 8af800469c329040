//! The two forms an event can have, and the answer each expects.

use std::time::Instant;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::failure::Failure;
use crate::json::{self, Json};

/// Lambda's limit for an answer.
const MAX_ANSWER: usize = 6_291_556;

/// An invocation's event, or why it cannot be read.
pub struct Event {
    pub(crate) arrived: Instant,
    pub(crate) form: Result<Form, Failure>,
}

pub(crate) enum Form {
    /// Direct invocation, console test, non-proxy integration.
    Raw(Json),
    /// API Gateway's envelope with the body as it was sent; what it holds may be unreadable.
    Proxy(Result<Json, Failure>),
}

impl Event {
    pub fn read(text: &str) -> Self {
        Self {
            arrived: Instant::now(),
            form: Form::read(text),
        }
    }
}

/// Reads the text where it lies, and never fails: what is wrong with an event is the handler's to say.
impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let arrived = Instant::now();
        let text = <&RawValue>::deserialize(deserializer).map_err(Failure::unreadable);
        let form = text.and_then(|text| Form::read(text.get()));
        Ok(Self { arrived, form })
    }
}

impl Form {
    /// An envelope is told by its form; an `operation` at the top level always means a raw event.
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

/// A missing or empty body is `{}`, as a non-proxy integration passes it on.
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

/// A failure is an answer too: Python's messages quote what was sent, at up to thrice its length.
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

/// The envelope's text, and the failure it tells of if it does.
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
