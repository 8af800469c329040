//! What a proxy integration's function answers with: status, headers and a text.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};

use super::exchange::Endpoint;
use super::reply::{Denied, Reply};

const MEMBERS: [&str; 5] = [
    "statusCode",
    "headers",
    "multiValueHeaders",
    "body",
    "isBase64Encoded",
];

/// Headers of the connection or of the gateway, which integrations cannot set: they come under another name (recorded by
/// localstack, `test_apigateway_header_remapping_http`), in AWS's spelling.
const REMAPPED: [&str; 14] = [
    "Authorization",
    "Connection",
    "Content-Length",
    "Content-MD5",
    "Date",
    "Expect",
    "Host",
    "Max-Forwards",
    "Proxy-Authenticate",
    "Server",
    "Trailer",
    "Upgrade",
    "User-Agent",
    "WWW-Authenticate",
];

/// The name of a header in a response; `None` for one that cannot be set at all.
pub(super) fn header_name(name: &str) -> Option<HeaderName> {
    let lower = name.to_ascii_lowercase();
    if lower == "transfer-encoding" {
        return None;
    }
    let is_remapped = REMAPPED
        .iter()
        .any(|there| there.eq_ignore_ascii_case(&lower));
    let name = if is_remapped {
        format!("x-amzn-remapped-{lower}")
    } else {
        lower
    };
    HeaderName::from_bytes(name.as_bytes()).ok()
}

/// Sets a response's header; what is no header is left out.
pub(super) fn set(headers: &mut HeaderMap, name: &str, value: &str) {
    if let (Some(name), Ok(value)) = (header_name(name), HeaderValue::from_str(value)) {
        headers.insert(name, value);
    }
}

/// A header's name as AWS writes it: in execution logs and in the answer of `TestInvokeMethod`.
pub(super) fn usual_case(name: &str) -> &str {
    match name {
        "content-type" => "Content-Type",
        "x-amzn-trace-id" => "X-Amzn-Trace-Id",
        "x-amzn-requestid" => "x-amzn-RequestId",
        "x-amzn-errortype" => "x-amzn-ErrorType",
        name => name,
    }
}

/// What a server answered to an integration of the type `HTTP_PROXY`, as it is passed on (recorded by localstack,
/// `test_http_proxy_integration_request_data_mappings`).
pub(super) fn passed_on(endpoint: Endpoint) -> Option<Reply> {
    let mut headers = HeaderMap::new();
    for (name, value) in &endpoint.headers {
        let name = match name.as_str() {
            "x-amzn-requestid" | "x-amz-apigw-id" => {
                HeaderName::from_bytes(format!("x-amzn-remapped-{name}").as_bytes()).ok()
            }
            name => header_name(name),
        };
        if let Some(name) = name {
            headers.append(name, value.clone());
        }
    }
    headers
        .entry(CONTENT_TYPE)
        .or_insert(HeaderValue::from_static("application/json"));
    Some(Reply {
        status: StatusCode::from_u16(endpoint.status).ok()?,
        headers,
        body: endpoint.body,
    })
}

/// A header's name as it is written in the response, for the name that an integration gave it.
pub(super) fn written(name: &str) -> String {
    let remapped = REMAPPED
        .iter()
        .find(|there| there.eq_ignore_ascii_case(name));
    match remapped {
        Some(remapped) => format!("x-amzn-Remapped-{remapped}"),
        None => name.to_owned(),
    }
}

/// The reply that a function's answer is; one of another form is the function's fault. `spell` takes the headers' names.
pub(super) fn reply(
    payload: &[u8],
    decodes: bool,
    spell: impl FnMut(String),
) -> Result<Reply, Denied> {
    read(payload, decodes, spell).ok_or_else(Denied::bad_function)
}

fn read(payload: &[u8], decodes: bool, mut spell: impl FnMut(String)) -> Option<Reply> {
    let answer: Map<String, Value> = serde_json::from_slice(payload).ok()?;
    if answer
        .keys()
        .any(|member| !MEMBERS.contains(&member.as_str()))
    {
        return None;
    }
    let status = answer
        .get("statusCode")
        .map_or(Some(StatusCode::OK), status)?;
    // AWS ("Output format of a Lambda function for proxy integration") merges both into one list; a pair that is in both counts once.
    let several = object(answer.get("multiValueHeaders"))?;
    for (name, _) in object(answer.get("headers"))?.chain(several) {
        spell(written(name));
    }
    let mut headers = HeaderMap::new();
    for (name, values) in object(answer.get("multiValueHeaders"))? {
        for value in values.as_array()? {
            add(&mut headers, name, value)?;
        }
    }
    let mut single = HeaderMap::new();
    for (name, value) in object(answer.get("headers"))? {
        add(&mut single, name, value)?;
    }
    for (name, value) in &single {
        if !headers.get_all(name).iter().any(|there| there == value) {
            headers.append(name, value.clone());
        }
    }
    if !headers.contains_key(CONTENT_TYPE) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    let text = match answer.get("body") {
        None | Some(Value::Null) => "",
        Some(Value::String(text)) => text,
        Some(_) => return None,
    };
    let is_base64 = match answer.get("isBase64Encoded") {
        None | Some(Value::Null) => false,
        Some(flag) => flag.as_bool()?,
    };
    let body = if is_base64 && decodes {
        Bytes::from(STANDARD.decode(text).ok()?)
    } else {
        Bytes::from(text.to_owned())
    };
    Some(Reply {
        status,
        headers,
        body,
    })
}

/// A number, or a text that is one.
fn status(value: &Value) -> Option<StatusCode> {
    let number = match value {
        Value::String(text) => text.parse().ok()?,
        value => value.as_u64()?,
    };
    let status = StatusCode::from_u16(u16::try_from(number).ok()?).ok()?;
    (status.as_u16() >= 200 && status.as_u16() < 600).then_some(status)
}

fn object(value: Option<&Value>) -> Option<impl Iterator<Item = (&String, &Value)>> {
    let members = match value {
        None | Some(Value::Null) => None,
        Some(value) => Some(value.as_object()?),
    };
    Some(members.into_iter().flatten())
}

fn add(headers: &mut HeaderMap, name: &str, value: &Value) -> Option<()> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        Value::Null => return Some(()),
        Value::Array(_) | Value::Object(_) => return None,
    };
    headers.append(header_name(name)?, HeaderValue::from_str(&text).ok()?);
    Some(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reply(payload: &[u8], decodes: bool) -> Result<Reply, Denied> {
        super::reply(payload, decodes, |_| {})
    }

    #[test]
    fn answers_of_another_form_are_the_functions_fault() {
        for answer in [
            json!("pong"),
            json!(null),
            json!([]),
            json!({ "statusCode": 200, "body": { "a": 1 } }),
            json!({ "statusCode": 200, "Item": {} }),
            json!({ "statusCode": "x" }),
            json!({ "statusCode": 99 }),
            json!({ "statusCode": 200, "headers": [] }),
            json!({ "statusCode": 200, "headers": { "a": {} } }),
            json!({ "statusCode": 200, "headers": { "a\n": "b" } }),
            json!({ "statusCode": 200, "isBase64Encoded": true, "body": "%" }),
        ] {
            let denied = reply(answer.to_string().as_bytes(), true).expect_err("it is refused");
            assert_eq!(denied.status, 502, "{answer}");
        }
        assert!(reply(b"{", false).is_err());
    }

    #[test]
    fn an_answer_becomes_the_reply() {
        let answer = json!({
            "statusCode": "201",
            "headers": { "X-A": 1, "Content-Length": 3, "x-b": "3", "x-c": "1" },
            "multiValueHeaders": { "X-B": ["1", "2"], "X-C": ["1"] },
            "body": "AAEC",
            "isBase64Encoded": true,
        })
        .to_string();
        let binary = reply(answer.as_bytes(), true).expect("a reply");
        assert_eq!(binary.status, StatusCode::CREATED);
        assert_eq!(binary.body.as_ref(), [0, 1, 2]);
        assert_eq!(binary.headers["x-a"], "1");
        assert_eq!(binary.headers["x-amzn-remapped-content-length"], "3");
        assert_eq!(binary.headers["content-type"], "application/json");
        let values: Vec<_> = binary.headers.get_all("x-b").iter().collect();
        assert_eq!(values, ["1", "2", "3"]);
        assert_eq!(binary.headers.get_all("x-c").iter().count(), 1);
        let text = reply(answer.as_bytes(), false).expect("a reply");
        assert_eq!(text.body.as_ref(), b"AAEC");
        let empty = reply(b"{\"statusCode\":204}", false).expect("a reply");
        assert!(empty.body.is_empty());
        for answer in [&b"{}"[..], b"{\"body\":\"\"}"] {
            let usual = reply(answer, false).expect("a reply");
            assert_eq!(usual.status, StatusCode::OK);
        }
    }
}
