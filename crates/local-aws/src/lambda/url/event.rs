//! What a function gets of a request to its URL (AWS: "Invoking Lambda function URLs", payload format version 2.0).

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{
    CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, COOKIE, HeaderName, TRANSFER_ENCODING, USER_AGENT,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use serde::Serialize;
use time::OffsetDateTime;

use super::access::Identity;
use super::target::Target;
use crate::call::form;
use crate::clock::{Moment, seconds};
use crate::place::Place;
use crate::trace;

/// All requests come over loopback.
const SOURCE_IP: &str = "127.0.0.1";
const STAGE: &str = "$default";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    version: &'a str,
    route_key: &'a str,
    raw_path: &'a str,
    raw_query_string: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cookies: Vec<String>,
    headers: BTreeMap<&'a str, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    query_string_parameters: BTreeMap<String, String>,
    request_context: Context<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    is_base64_encoded: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Context<'a> {
    /// The function's; `anonymous` where nobody has to sign.
    account_id: &'a str,
    api_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorizer: Option<Authorizer<'a>>,
    domain_name: String,
    domain_prefix: &'a str,
    http: Http<'a>,
    request_id: &'a str,
    route_key: &'a str,
    stage: &'a str,
    time: String,
    time_epoch: Moment,
}

#[derive(Serialize)]
struct Authorizer<'a> {
    iam: Iam<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Iam<'a> {
    access_key: &'a str,
    account_id: &'a str,
    caller_id: &'a str,
    cognito_identity: Option<&'a str>,
    principal_org_id: Option<&'a str>,
    user_arn: &'a str,
    user_id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Http<'a> {
    method: &'a str,
    path: &'a str,
    protocol: &'a str,
    source_ip: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<String>,
}

/// A request that may pass.
pub(super) struct Incoming<'a> {
    pub(super) place: &'a Place,
    pub(super) target: &'a Target,
    pub(super) parts: &'a Parts,
    pub(super) body: &'a Bytes,
    pub(super) identity: Option<&'a Identity>,
    pub(super) request_id: &'a str,
    pub(super) trace: &'a str,
    pub(super) now: Moment,
}

impl Incoming<'_> {
    pub(super) fn event(&self) -> serde_json::Result<Bytes> {
        let headers = &self.parts.headers;
        let is_base64_encoded = !self.body.is_empty() && !is_text(headers, self.body);
        let body = if is_base64_encoded {
            STANDARD.encode(self.body)
        } else {
            String::from_utf8_lossy(self.body).into_owned()
        };
        let query = self.parts.uri.query().unwrap_or_default();
        let event = Event {
            version: "2.0",
            route_key: STAGE,
            raw_path: &self.target.path,
            raw_query_string: query,
            cookies: cookies(headers),
            headers: self.headers(),
            query_string_parameters: joined(form(query)),
            request_context: self.context(),
            body: Some(body).filter(|body| !body.is_empty()),
            is_base64_encoded,
        };
        serde_json::to_vec(&event).map(Bytes::from)
    }

    fn context(&self) -> Context<'_> {
        let id = self.target.id.as_str();
        let domain_name = self
            .target
            .host
            .clone()
            .unwrap_or_else(|| format!("{id}.lambda-url.{}.on.aws", self.place.region));
        Context {
            account_id: match self.identity {
                Some(_) => &self.place.account,
                None => "anonymous",
            },
            api_id: id,
            authorizer: self.identity.map(|identity| Authorizer {
                iam: Iam {
                    access_key: &identity.access_key,
                    account_id: &identity.account,
                    caller_id: &identity.id,
                    cognito_identity: None,
                    principal_org_id: None,
                    user_arn: &identity.arn,
                    user_id: &identity.id,
                },
            }),
            domain_name,
            domain_prefix: id,
            http: Http {
                method: self.parts.method.as_str(),
                path: &self.target.path,
                protocol: "HTTP/1.1",
                source_ip: SOURCE_IP,
                user_agent: self.parts.headers.get(USER_AGENT).map(text),
            },
            request_id: self.request_id,
            route_key: STAGE,
            stage: STAGE,
            time: access_log_time(self.now),
            time_epoch: self.now,
        }
    }

    /// The request's own with those that AWS adds, without those of the connection.
    fn headers(&self) -> BTreeMap<&str, String> {
        let headers = &self.parts.headers;
        let mut all: BTreeMap<&str, String> = headers
            .keys()
            .filter(|name| ![CONNECTION, TRANSFER_ENCODING, COOKIE].contains(name))
            .map(|name| (name.as_str(), values(headers, name, ",")))
            .collect();
        let forwarded = match all.get("x-forwarded-for") {
            Some(before) => format!("{before}, {SOURCE_IP}"),
            None => SOURCE_IP.to_owned(),
        };
        all.extend([
            (
                "x-amzn-tls-cipher-suite",
                "TLS_AES_128_GCM_SHA256".to_owned(),
            ),
            ("x-amzn-tls-version", "TLSv1.3".to_owned()),
            (trace::HEADER, self.trace.to_owned()),
            ("x-forwarded-for", forwarded),
            ("x-forwarded-port", "443".to_owned()),
            ("x-forwarded-proto", "https".to_owned()),
        ]);
        all
    }
}

fn text(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

fn values(headers: &HeaderMap, name: &HeaderName, separator: &str) -> String {
    let values: Vec<String> = headers.get_all(name).iter().map(text).collect();
    values.join(separator)
}

fn cookies(headers: &HeaderMap) -> Vec<String> {
    values(headers, &COOKIE, ";")
        .split(';')
        .map(|cookie| cookie.trim().to_owned())
        .filter(|cookie| !cookie.is_empty())
        .collect()
}

/// Values of the same name with commas between them.
fn joined(pairs: Vec<(String, String)>) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in pairs {
        all.entry(name)
            .and_modify(|values| {
                values.push(',');
                values.push_str(&value);
            })
            .or_insert(value);
    }
    all
}

/// Only these types are handed on as text: form data, for one, is not (recorded by localstack,
/// `test_lambda_url_form_payload`).
fn is_text(headers: &HeaderMap, body: &[u8]) -> bool {
    let media_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .map(|value| value.trim().to_ascii_lowercase())
        .unwrap_or_default();
    let is_text = media_type.starts_with("text/")
        || matches!(
            media_type.as_str(),
            "application/json" | "application/xml" | "application/javascript"
        );
    is_text && !headers.contains_key(CONTENT_ENCODING) && std::str::from_utf8(body).is_ok()
}

/// `24/Nov/2026:09:30:00 +0000`.
fn access_log_time(now: Moment) -> String {
    let seconds = i64::try_from(seconds(now)).unwrap_or_default();
    let at = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let month = at.month().to_string();
    format!(
        "{:02}/{}/{:04}:{:02}:{:02}:{:02} +0000",
        at.day(),
        month.get(..3).unwrap_or(&month),
        at.year(),
        at.hour(),
        at.minute(),
        at.second()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_some_types_are_text() {
        for (media_type, body, expected) in [
            ("text/plain; charset=utf-8", &b"a"[..], true),
            ("application/json", b"{}", true),
            ("Application/XML", b"<a/>", true),
            ("application/json", b"\xff", false),
            ("application/x-www-form-urlencoded", b"a=b", false),
            ("multipart/form-data; boundary=x", b"a", false),
            ("application/octet-stream", b"a", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, media_type.parse().expect("a header"));
            assert_eq!(is_text(&headers, body), expected, "{media_type}");
        }
        assert!(!is_text(&HeaderMap::new(), b"a"));
    }

    #[test]
    fn repeated_names_are_joined() {
        let pairs = form("a=1&b=%2Fx&a=2&c");
        let all = joined(pairs);
        assert_eq!(all["a"], "1,2");
        assert_eq!(all["b"], "/x");
        assert_eq!(all["c"], "");
    }
}
