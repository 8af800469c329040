//! The gateway's own answers, as the API's gateway responses have them.

use http::StatusCode;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use http::request::Parts;
use serde_json::{Value, json};

use super::gateway_response::{self, GatewayResponse, GatewayResponses};
use super::reply::{Denied, Reply};
use super::serving::Parameters;
use super::stage::Variables;
use crate::call::form;

const JSON: &str = "application/json";

/// The facts that are known of a request that the gateway answers itself.
pub(super) struct Situation<'a> {
    pub(super) responses: &'a GatewayResponses,
    pub(super) variables: Option<&'a Variables>,
    pub(super) parameters: &'a Parameters,
    /// `$context`, without `error`.
    pub(super) context: Value,
    pub(super) parts: &'a Parts,
}

/// The answer: as the API has set it for its type or its family, or the default one.
pub(super) fn of(denied: Denied, mut situation: Situation) -> Reply {
    let Some(response) = gateway_response::set(situation.responses, denied.response, denied.status)
    else {
        return denied.into();
    };
    let (kind, template) = template(response, situation.parts);
    situation.context["error"] = json!({
        "message": denied.message,
        "messageString": Value::from(denied.message.as_str()).to_string(),
        "responseType": denied.response,
        "validationErrorString": denied.why.clone().unwrap_or_default(),
    });
    let status = response
        .status_code
        .as_deref()
        .and_then(|status| status.parse().ok())
        .and_then(|status| StatusCode::from_u16(status).ok());
    let body = template.map(|template| situation.rendered(template));
    let mut reply = Reply::from(denied);
    if let Some(status) = status {
        reply.status = status;
    }
    if let Some(body) = body {
        reply.body = body.into();
    }
    if let Ok(kind) = HeaderValue::from_str(kind) {
        reply.headers.insert(CONTENT_TYPE, kind);
    }
    for (name, source) in &response.response_parameters {
        let name = name
            .strip_prefix("gatewayresponse.header.")
            .and_then(|name| HeaderName::from_bytes(name.as_bytes()).ok());
        let value = situation.value(source);
        if let (Some(name), Some(value)) = (name, value)
            && let Ok(value) = HeaderValue::from_str(&value)
        {
            reply.headers.insert(name, value);
        }
    }
    reply
}

/// The template for the first media type that the caller accepts, for JSON, or the first one.
fn template<'a>(response: &'a GatewayResponse, parts: &Parts) -> (&'a str, Option<&'a str>) {
    let templates = &response.response_templates;
    let accepted = parts.headers.get_all(ACCEPT).iter();
    let accepted = accepted
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|kind| kind.split(';').next().unwrap_or_default().trim());
    accepted
        .chain([JSON])
        .find_map(|kind| templates.get_key_value(kind))
        .or_else(|| templates.iter().next())
        .map_or((JSON, None), |(kind, template)| (kind, Some(template)))
}

impl Situation<'_> {
    /// Variables replaced: these templates are no VTL (AWS, "Gateway responses for REST APIs in API Gateway").
    fn rendered(&self, template: &str) -> String {
        let mut text = String::new();
        let mut rest = template;
        while let Some(at) = rest.find('$') {
            text.push_str(&rest[..at]);
            let after = &rest[at + 1..];
            let is_braced = after.starts_with('{');
            let start = usize::from(is_braced);
            let length = after[start..]
                .find(|c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c)))
                .unwrap_or(after.len() - start);
            let name = after[start..start + length].trim_end_matches('.');
            let name = if is_braced { name } else { self.longest(name) };
            let end = start + name.len();
            let is_closed = !is_braced || after[end..].starts_with('}');
            if let Some(value) = self.variable(name).filter(|_| is_closed) {
                text.push_str(&value);
                rest = &after[end + usize::from(is_braced)..];
            } else {
                text.push('$');
                rest = after;
            }
        }
        text + rest
    }

    /// `context.stage` of `context.stage-x`: the longest part before a hyphen that has a value, or all of it.
    fn longest<'a>(&self, name: &'a str) -> &'a str {
        let hyphens = name.match_indices('-').map(|(at, _)| &name[..at]);
        let mut parts: Vec<&str> = hyphens.chain([name]).collect();
        parts.reverse();
        let found = parts.iter().find(|part| self.value(part).is_some());
        found.copied().unwrap_or(name)
    }

    /// None for what is no variable; one without a value is empty.
    fn variable(&self, name: &str) -> Option<String> {
        let is_known = ["context.", "stageVariables.", "method.request."]
            .iter()
            .any(|place| name.starts_with(place));
        is_known.then(|| self.value(name).unwrap_or_default())
    }

    /// What a parameter's source stands for, if there is such a thing.
    fn value(&self, source: &str) -> Option<String> {
        if let Some(fixed) = source.strip_prefix('\'') {
            return Some(fixed.strip_suffix('\'').unwrap_or(fixed).to_owned());
        }
        if let Some(path) = source.strip_prefix("context.") {
            let pointer = format!("/{}", path.replace('.', "/"));
            return match self.context.pointer(&pointer)? {
                Value::String(text) => Some(text.clone()),
                Value::Null => None,
                value => Some(value.to_string()),
            };
        }
        if let Some(name) = source.strip_prefix("stageVariables.") {
            return self.variables?.get(name).cloned();
        }
        let (place, name) = source.strip_prefix("method.request.")?.split_once('.')?;
        match place {
            "header" => self.headers(name).pop(),
            "multivalueheader" => joined(&self.headers(name)),
            "path" => self
                .parameters
                .iter()
                .find(|(own, _)| own == name)
                .map(|(_, value)| value.clone()),
            "querystring" => self.query(name).pop(),
            "multivaluequerystring" => joined(&self.query(name)),
            _ => None,
        }
    }

    fn headers(&self, name: &str) -> Vec<String> {
        let values = self.parts.headers.get_all(name).iter();
        values
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .collect()
    }

    fn query(&self, name: &str) -> Vec<String> {
        form(self.parts.uri.query().unwrap_or_default())
            .into_iter()
            .filter(|(own, _)| own == name)
            .map(|(_, value)| value)
            .collect()
    }
}

fn joined(values: &[String]) -> Option<String> {
    (!values.is_empty()).then(|| values.join(","))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use http::Request;

    use super::*;

    fn reply(response: &Value, denied: Denied) -> Reply {
        let response: GatewayResponse =
            serde_json::from_value(response.clone()).expect("a response");
        let (parts, ()) = Request::builder()
            .uri("/a?q=1&q=2")
            .header("accept", "text/html, application/xml;q=0.9")
            .header("x-own", "mine")
            .body(())
            .expect("a request")
            .into_parts();
        let kind = denied.response.to_owned();
        of(
            denied,
            Situation {
                responses: &BTreeMap::from([(kind, response)]),
                variables: Some(&Variables::from([("a".to_owned(), "b".to_owned())])),
                parameters: &vec![("id".to_owned(), "7".to_owned())],
                context: json!({ "stage": "Prod", "identity": { "sourceIp": "127.0.0.1" }, "requestTimeEpoch": 1 }),
                parts: &parts,
            },
        )
    }

    fn text(reply: &Reply) -> &str {
        std::str::from_utf8(&reply.body).expect("a text")
    }

    #[test]
    fn variables_are_replaced() {
        let template = "{\"m\":$context.error.messageString,\"t\":\"$context.error.responseType\",\"s\":\"${context.stage}\",\
                        \"e\":$context.requestTimeEpoch,\"a\":\"$stageVariables.a\",\"n\":\"$context.none\",\"v\":\"$10 $input.x\",\
                        \"h\":\"$context.stage-$method.request.header.x-own\"}";
        let denied = Denied::invalid_body("[no \"a\"]");
        let response = json!({ "responseTemplates": { "application/json": template } });
        let reply = reply(&response, denied);
        assert_eq!(
            text(&reply),
            "{\"m\":\"Invalid request body\",\"t\":\"BAD_REQUEST_BODY\",\"s\":\"Prod\",\"e\":1,\"a\":\"b\",\"n\":\"\",\
             \"v\":\"$10 $input.x\",\"h\":\"Prod-mine\"}"
        );
        assert_eq!(reply.status, 400);
        let why = json!({ "responseTemplates": { "application/json": "$context.error.validationErrorString." } });
        let reply = self::reply(&why, Denied::invalid_body("[no \"a\"]"));
        assert_eq!(text(&reply), "[no \"a\"].");
    }

    #[test]
    fn headers_come_from_all_over() {
        let response = json!({
            "statusCode": "418",
            "responseParameters": {
                "gatewayresponse.header.Access-Control-Allow-Origin": "'*'",
                "gatewayresponse.header.x-a": "method.request.header.X-Own",
                "gatewayresponse.header.x-b": "method.request.path.id",
                "gatewayresponse.header.x-c": "method.request.querystring.q",
                "gatewayresponse.header.x-d": "context.identity.sourceIp",
                "gatewayresponse.header.x-e": "stageVariables.a",
                "gatewayresponse.header.x-f": "method.request.header.none",
                "gatewayresponse.header.x-g": "method.request.multivaluequerystring.q",
            },
        });
        let reply = reply(&response, Denied::throttled());
        assert_eq!(reply.status, 418);
        assert_eq!(text(&reply), r#"{"message":"Too Many Requests"}"#);
        for (name, value) in [
            ("access-control-allow-origin", "*"),
            ("x-a", "mine"),
            ("x-b", "7"),
            ("x-c", "2"),
            ("x-d", "127.0.0.1"),
            ("x-e", "b"),
            ("x-g", "1,2"),
            ("x-amzn-errortype", "TooManyRequestsException"),
            ("content-type", "application/json"),
        ] {
            assert_eq!(reply.headers[name], value, "{name}");
        }
        assert!(!reply.headers.contains_key("x-f"));
    }

    #[test]
    fn the_caller_chooses_among_the_templates() {
        let response = json!({ "responseTemplates": {
            "application/json": "{}",
            "application/xml": "<a>$context.error.message</a>",
        } });
        let reply = reply(&response, Denied::no_route());
        assert_eq!(text(&reply), "<a>Missing Authentication Token</a>");
        assert_eq!(reply.headers["content-type"], "application/xml");
    }
}
