//! What a proxy integration's function gets: the whole request (event version 1.0).

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_TYPE};
use serde::Serialize;
use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::invocation::Incoming;
use super::stage::Variables;
use crate::call::form;
use crate::clock::{Moment, seconds};

/// All requests come over loopback.
pub(super) const SOURCE_IP: &str = "127.0.0.1";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    resource: &'a str,
    path: &'a str,
    http_method: &'a str,
    headers: BTreeMap<String, String>,
    multi_value_headers: BTreeMap<String, Vec<String>>,
    query_string_parameters: Option<BTreeMap<&'a str, &'a str>>,
    multi_value_query_string_parameters: Option<BTreeMap<&'a str, Vec<&'a str>>>,
    path_parameters: Option<BTreeMap<&'a str, &'a str>>,
    stage_variables: Option<&'a Variables>,
    request_context: Context<'a>,
    body: Option<String>,
    is_base64_encoded: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Context<'a> {
    resource_id: &'a str,
    resource_path: &'a str,
    http_method: &'a str,
    extended_request_id: &'a str,
    request_time: String,
    path: String,
    account_id: &'a str,
    protocol: &'a str,
    stage: &'a str,
    domain_prefix: &'a str,
    request_time_epoch: Moment,
    request_id: &'a str,
    identity: Identity<'a>,
    domain_name: String,
    deployment_id: &'a str,
    api_id: &'a str,
    /// Of methods with a Lambda authorizer.
    #[serde(skip_serializing_if = "Option::is_none")]
    authorizer: Option<&'a Map<String, Value>>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Identity<'a> {
    cognito_identity_pool_id: Option<&'a str>,
    account_id: Option<&'a str>,
    cognito_identity_id: Option<&'a str>,
    caller: Option<&'a str>,
    source_ip: &'a str,
    principal_org_id: Option<&'a str>,
    access_key: Option<&'a str>,
    cognito_authentication_type: Option<&'a str>,
    cognito_authentication_provider: Option<&'a str>,
    user_arn: Option<&'a str>,
    user_agent: Option<String>,
    user: Option<&'a str>,
    /// Only of methods that require one.
    #[serde(skip_serializing_if = "Option::is_none")]
    api_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_key_id: Option<&'a str>,
}

pub(super) fn of(incoming: &Incoming, trace: &str) -> serde_json::Result<Vec<u8>> {
    let multi_value_headers = headers(incoming, trace);
    let query = form(incoming.query);
    let is_base64_encoded = is_binary(
        incoming.binary_media_types,
        first_media_type(incoming.headers, &CONTENT_TYPE).as_deref(),
    );
    let body = if incoming.body.is_empty() {
        None
    } else if is_base64_encoded {
        Some(STANDARD.encode(&incoming.body))
    } else {
        Some(String::from_utf8_lossy(&incoming.body).into_owned())
    };
    let event = Event {
        resource: &incoming.route.path,
        path: incoming.path,
        http_method: incoming.method.as_str(),
        headers: multi_value_headers
            .iter()
            .filter_map(|(name, values)| Some((name.clone(), values.last()?.clone())))
            .collect(),
        multi_value_headers,
        query_string_parameters: some(
            query
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect(),
        ),
        multi_value_query_string_parameters: some(query.iter().fold(
            BTreeMap::<&str, Vec<&str>>::new(),
            |mut all, (name, value)| {
                all.entry(name).or_default().push(value);
                all
            },
        )),
        path_parameters: some(
            incoming
                .parameters
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect(),
        ),
        stage_variables: incoming.variables.filter(|variables| !variables.is_empty()),
        request_context: context(incoming),
        is_base64_encoded: is_base64_encoded && body.is_some(),
        body,
    };
    serde_json::to_vec(&event)
}

/// What is empty is `null`.
fn some<K, V>(map: BTreeMap<K, V>) -> Option<BTreeMap<K, V>> {
    (!map.is_empty()).then_some(map)
}

fn context<'a>(incoming: &'a Incoming) -> Context<'a> {
    let now = incoming.cloud.now();
    let user_agent = incoming.headers.get(http::header::USER_AGENT);
    let signer = incoming.granted.identity.as_ref();
    Context {
        resource_id: &incoming.route.resource_id,
        resource_path: &incoming.route.path,
        http_method: incoming.method.as_str(),
        extended_request_id: &incoming.ids.extended,
        request_time: request_time(now),
        path: format!("/{}{}", incoming.stage, incoming.path),
        account_id: &incoming.place.account,
        protocol: "HTTP/1.1",
        stage: incoming.stage,
        domain_prefix: incoming.api,
        request_time_epoch: now,
        request_id: &incoming.ids.request,
        identity: Identity {
            account_id: signer.map(|signer| signer.account_id.as_str()),
            access_key: signer.map(|signer| signer.access_key.as_str()),
            caller: signer.map(|signer| signer.caller.as_str()),
            user: signer.map(|signer| signer.caller.as_str()),
            user_arn: signer.map(|signer| signer.user_arn.as_str()),
            source_ip: SOURCE_IP,
            user_agent: user_agent.map(text),
            api_key: incoming.key.map(|(_, value)| value),
            api_key_id: incoming.key.map(|(id, _)| id),
            ..Identity::default()
        },
        domain_name: domain_name(incoming),
        deployment_id: incoming.deployment,
        api_id: incoming.api,
        authorizer: incoming.granted.authorizer.as_ref(),
    }
}

/// `24/Nov/2026:09:30:00 +0000`.
pub(super) fn request_time(now: Moment) -> String {
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

fn text(value: &http::HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

/// Headers that go no further than the gateway (recorded by localstack, `test_apigateway_header_remapping_aws`).
const DROPPED: [&str; 12] = [
    "connection",
    "content-length",
    "content-md5",
    "expect",
    "max-forwards",
    "proxy-authenticate",
    "server",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "www-authenticate",
];

/// The request's headers by the names that the client wrote, as far as they go further.
pub(super) fn sent_headers(incoming: &Incoming) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in incoming.headers {
        if DROPPED.contains(&name.as_str()) {
            continue;
        }
        let name = match incoming
            .names
            .and_then(|names| names.written(name.as_str()))
        {
            // Of these, AWS has its own spelling.
            Some(written) if !["authorization", "host", "user-agent"].contains(&name.as_str()) => {
                written.to_owned()
            }
            _ => usual_case(name.as_str()),
        };
        all.entry(name).or_default().push(text(value));
    }
    all
}

/// The request's headers with those that the gateway adds.
fn headers(incoming: &Incoming, trace: &str) -> BTreeMap<String, Vec<String>> {
    let mut all = sent_headers(incoming);
    let mut forwarded = SOURCE_IP.to_owned();
    all.retain(|name, values| {
        let lower = name.to_ascii_lowercase();
        if lower == "x-forwarded-for"
            && let Some(before) = values.last()
        {
            forwarded = format!("{before}, {SOURCE_IP}");
        }
        !lower.starts_with("x-forwarded-") && lower != "x-amzn-trace-id"
    });
    if !incoming.headers.contains_key(http::header::HOST) {
        all.insert("Host".to_owned(), vec![domain_name(incoming)]);
    }
    for (name, value) in [
        ("X-Forwarded-For", forwarded),
        ("X-Forwarded-Port", "443".to_owned()),
        ("X-Forwarded-Proto", "https".to_owned()),
        ("X-Amzn-Trace-Id", trace.to_owned()),
    ] {
        all.insert(name.to_owned(), vec![value]);
    }
    all
}

/// `$context`, but for what templates override.
pub(super) fn context_object(incoming: &Incoming) -> Map<String, Value> {
    match serde_json::to_value(context(incoming)) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    }
}

fn domain_name(incoming: &Incoming) -> String {
    format!(
        "{}.execute-api.{}.amazonaws.com",
        incoming.api, incoming.place.region
    )
}

/// AWS hands names on as clients write them. Where they come in small letters, the names that clients write in one way
/// only get that one back.
fn usual_case(name: &str) -> String {
    const USUAL: [&str; 16] = [
        "Accept",
        "Accept-Encoding",
        "Accept-Language",
        "Authorization",
        "Cache-Control",
        "Content-Encoding",
        "Content-Type",
        "Cookie",
        "Host",
        "If-None-Match",
        "Origin",
        "Referer",
        "User-Agent",
        "X-Amzn-Trace-Id",
        "X-Forwarded-For",
        "X-Requested-With",
    ];
    USUAL
        .iter()
        .find(|usual| usual.eq_ignore_ascii_case(name))
        .copied()
        .unwrap_or(name)
        .to_owned()
}

/// The first media type of a header, without its parameters.
fn first_media_type(headers: &HeaderMap, name: &http::HeaderName) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?;
    let first = value.split([',', ';']).next()?;
    Some(first.trim().to_ascii_lowercase())
}

/// Returns true if the caller accepts what the API has as a binary type.
pub(super) fn accepts_binary(incoming: &Incoming) -> bool {
    is_binary(
        incoming.binary_media_types,
        first_media_type(incoming.headers, &ACCEPT).as_deref(),
    )
}

pub(super) fn is_binary(binary_media_types: &[String], media_type: Option<&str>) -> bool {
    binary_media_types.iter().any(|binary| {
        if binary == "*/*" {
            return true;
        }
        let Some(media_type) = media_type else {
            return false;
        };
        match binary.strip_suffix("/*") {
            Some(family) => media_type
                .strip_prefix(family)
                .is_some_and(|rest| rest.starts_with('/')),
            None => binary.eq_ignore_ascii_case(media_type),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binary_types_are_matched_with_their_families() {
        let types = ["image/png".to_owned(), "audio/*".to_owned()];
        for (media_type, expected) in [
            (Some("image/png"), true),
            (Some("image/gif"), false),
            (Some("audio/ogg"), true),
            (Some("audio"), false),
            (None, false),
        ] {
            assert_eq!(is_binary(&types, media_type), expected, "{media_type:?}");
        }
        assert!(is_binary(&["*/*".to_owned()], None));
    }

    #[test]
    fn times_are_those_of_access_logs() {
        assert_eq!(
            request_time(1_795_512_600_123),
            "24/Nov/2026:09:30:00 +0000"
        );
    }
}
