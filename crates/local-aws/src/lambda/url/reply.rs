//! What a URL answers with: what the function returned, or said before its stream (AWS: "Invoking Lambda function URLs",
//! "Response payload format", and "Configuring a Lambda function to stream responses").

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, SET_COOKIE, TRANSFER_ENCODING,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Map, Value};

/// The type of a stream whose first bytes are status and headers.
const INTEGRATION: &str = "application/vnd.awslambda.http-integration-response";
/// What ends them.
const DELIMITER: [u8; 8] = [0; 8];

/// Status, headers and the first or only part of a body.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Reply {
    fn new(content_type: HeaderValue, body: Bytes) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, content_type);
        Self {
            status: StatusCode::OK,
            headers,
            body,
        }
    }

    fn json(body: Bytes) -> Self {
        Self::new(HeaderValue::from_static("application/json"), body)
    }

    /// What a function returned: an object with a status is a whole answer, everything else the body of one. `None`
    /// for an answer that is not of the form.
    pub(super) fn inferred(payload: &Bytes) -> Option<Self> {
        let Some(json) = std::str::from_utf8(payload)
            .ok()
            .filter(|text| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok())
        else {
            return Some(Self::json(payload.clone()));
        };
        match serde_json::from_str(json).ok()? {
            Value::String(text) => Some(Self::json(text.into())),
            Value::Object(members) if members.contains_key("statusCode") => Self::whole(&members),
            _ => Some(Self::json(compact(json).into())),
        }
    }

    fn whole(members: &Map<String, Value>) -> Option<Self> {
        let mut reply = Self::head(members)?;
        let body = match members.get("body") {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        let is_base64 = members.get("isBase64Encoded") == Some(&Value::Bool(true));
        reply.body = if is_base64 {
            STANDARD.decode(body).ok()?.into()
        } else {
            body.into()
        };
        if !reply.headers.contains_key(CONTENT_TYPE) {
            let json = HeaderValue::from_static("application/json");
            reply.headers.insert(CONTENT_TYPE, json);
        }
        Some(reply)
    }

    /// Status, headers and cookies.
    fn head(members: &Map<String, Value>) -> Option<Self> {
        let mut headers = HeaderMap::new();
        for cookie in list(members.get("cookies"))? {
            let cookie = HeaderValue::from_str(cookie.as_str()?).ok()?;
            headers.try_append(SET_COOKIE, cookie).ok()?;
        }
        for (name, value) in object(members.get("headers"))? {
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            for text in texts(value)? {
                let value = HeaderValue::from_bytes(text.as_bytes()).ok()?;
                // There may be more than a map of headers takes.
                headers.try_append(&name, value).ok()?;
            }
        }
        // Those of the connection are not the function's.
        for name in [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING] {
            headers.remove(name);
        }
        Some(Self {
            status: status(members.get("statusCode"))?,
            headers,
            body: Bytes::new(),
        })
    }

    /// The start of a stream. `None` for first bytes that are not of the form.
    pub(super) fn streamed(start: Start) -> Option<Self> {
        match start {
            Start::Plain { content_type, body } => {
                let octets = || HeaderValue::from_static("application/octet-stream");
                Some(Self::new(content_type.unwrap_or_else(octets), body))
            }
            Start::Prelude { json, body } => {
                let members: Map<String, Value> = serde_json::from_slice(&json).ok()?;
                let mut reply = Self::head(&members)?;
                if !reply.headers.contains_key(CONTENT_TYPE) {
                    let octets = HeaderValue::from_static("application/octet-stream");
                    reply.headers.insert(CONTENT_TYPE, octets);
                }
                reply.body = body;
                Some(reply)
            }
        }
    }
}

/// The first bytes of a stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// They are of the body.
    Plain {
        content_type: Option<HeaderValue>,
        body: Bytes,
    },
    /// Status and headers, and what has come of the body.
    Prelude { json: Bytes, body: Bytes },
}

/// Returns true if a stream of this type starts with status and headers.
pub(super) fn has_prelude(content_type: Option<&HeaderValue>) -> bool {
    content_type.is_some_and(|value| value.as_bytes().starts_with(INTEGRATION.as_bytes()))
}

/// Status and headers, and the rest; `None` before the end of the former has come.
pub(super) fn split(bytes: &Bytes) -> Option<Start> {
    let at = bytes
        .windows(DELIMITER.len())
        .position(|window| window == DELIMITER)?;
    Some(Start::Prelude {
        json: bytes.slice(..at),
        body: bytes.slice(at + DELIMITER.len()..),
    })
}

/// A number, or a text that is one; 200 without one.
fn status(value: Option<&Value>) -> Option<StatusCode> {
    let number = match value {
        None | Some(Value::Null) => return Some(StatusCode::OK),
        Some(Value::String(text)) => text.trim().parse().ok()?,
        Some(value) => value.as_u64()?,
    };
    let status = StatusCode::from_u16(u16::try_from(number).ok()?).ok()?;
    (200..600).contains(&status.as_u16()).then_some(status)
}

fn list(value: Option<&Value>) -> Option<&[Value]> {
    match value {
        None | Some(Value::Null) => Some(&[]),
        Some(value) => value.as_array().map(Vec::as_slice),
    }
}

fn object(value: Option<&Value>) -> Option<impl Iterator<Item = (&String, &Value)>> {
    let members = match value {
        None | Some(Value::Null) => None,
        Some(value) => Some(value.as_object()?),
    };
    Some(members.into_iter().flatten())
}

fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Null => Some(Vec::new()),
        Value::String(text) => Some(vec![text.clone()]),
        Value::Number(_) | Value::Bool(_) => Some(vec![value.to_string()]),
        Value::Array(values) => values
            .iter()
            .map(texts)
            .collect::<Option<Vec<_>>>()
            .map(|it| it.concat()),
        Value::Object(_) => None,
    }
}

/// JSON without the white space between its tokens: so AWS hands it on (recorded by localstack,
/// `test_lambda_url_invocation`).
fn compact(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut in_text = false;
    let mut is_escaped = false;
    for letter in json.chars() {
        if in_text {
            in_text = is_escaped || letter != '"';
            is_escaped = !is_escaped && letter == '\\';
        } else if letter.is_ascii_whitespace() {
            continue;
        } else {
            in_text = letter == '"';
        }
        out.push(letter);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inferred(payload: &str) -> Option<(u16, String)> {
        let reply = Reply::inferred(&Bytes::copy_from_slice(payload.as_bytes()))?;
        let body = String::from_utf8_lossy(&reply.body).into_owned();
        Some((reply.status.as_u16(), body))
    }

    #[test]
    fn answers_are_inferred() {
        for (payload, status, body) in [
            ("\"hello\"", 200, "hello"),
            ("3.1", 200, "3.1"),
            ("true", 200, "true"),
            ("null", 200, "null"),
            ("[\"hello\", 3, true]", 200, "[\"hello\",3,true]"),
            (
                "{\"b\": \"a \\\" b\", \"a\": 1}",
                200,
                "{\"b\":\"a \\\" b\",\"a\":1}",
            ),
            ("no JSON", 200, "no JSON"),
            ("{\"statusCode\": 201, \"body\": \"x\"}", 201, "x"),
            ("{\"statusCode\": \"418\", \"body\": \"x\"}", 418, "x"),
            ("{\"statusCode\": 204}", 204, ""),
            (
                "{\"statusCode\": 200, \"body\": {\"a\": 1}}",
                200,
                "{\"a\":1}",
            ),
            (
                "{\"statusCode\": 200, \"body\": \"AAEC\", \"isBase64Encoded\": true}",
                200,
                "\0\u{1}\u{2}",
            ),
        ] {
            assert_eq!(
                inferred(payload),
                Some((status, body.to_owned())),
                "{payload}"
            );
        }
        for payload in [
            "{\"statusCode\": \"x\"}",
            "{\"statusCode\": 1000}",
            "{\"statusCode\": 200, \"headers\": []}",
            "{\"statusCode\": 200, \"headers\": {\"a\\n\": \"b\"}}",
            "{\"statusCode\": 200, \"cookies\": \"a=b\"}",
            "{\"statusCode\": 200, \"isBase64Encoded\": true, \"body\": \"%\"}",
        ] {
            assert_eq!(inferred(payload), None, "{payload}");
        }
    }

    #[test]
    fn headers_and_cookies_are_the_functions() {
        let payload = "{\"statusCode\":200,\"headers\":{\"Set-Cookie\":\"c=3\",\"X-A\":1,\"Content-Length\":9},\
                       \"cookies\":[\"a=1\",\"b=2\"]}";
        let reply = Reply::inferred(&Bytes::from_static(payload.as_bytes())).expect("a reply");
        let cookies: Vec<_> = reply.headers.get_all(SET_COOKIE).iter().collect();
        assert_eq!(cookies, ["a=1", "b=2", "c=3"]);
        assert_eq!(reply.headers["x-a"], "1");
        assert_eq!(reply.headers[CONTENT_TYPE], "application/json");
        assert!(!reply.headers.contains_key(CONTENT_LENGTH));
    }

    #[test]
    fn a_prelude_ends_at_eight_zeros() {
        let bytes = Bytes::from_static(b"{\"statusCode\":202}\0\0\0\0\0\0\0");
        assert_eq!(split(&bytes), None);
        let bytes = Bytes::from_static(b"{\"statusCode\":202}\0\0\0\0\0\0\0\0ab");
        let reply = Reply::streamed(split(&bytes).expect("a prelude")).expect("a reply");
        assert_eq!(
            (reply.status.as_u16(), reply.body.as_ref()),
            (202, &b"ab"[..])
        );
        assert_eq!(reply.headers[CONTENT_TYPE], "application/octet-stream");
    }
}
