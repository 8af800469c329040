//! One request's way through its method: to the integration by templates and mappings, and back.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};

use super::compiled::{Compiled, Parsed, Response};
use super::execution_log::java_map;
use super::integration::Integration;
use super::invocation::Incoming;
use super::mapping::{Destination, Source, Values, written};
use super::reply::{Denied, Reply};
use super::vtl::{Body, Inputs, Overrides, Parameters, Template};
use super::{event, proxy};
use crate::call::form;

pub(super) struct Exchange<'a> {
    incoming: &'a Incoming<'a>,
    pub(super) query: Vec<(String, String)>,
    parameters: Parameters,
    context: Map<String, Value>,
    stage_variables: Map<String, Value>,
    overrides: Overrides,
}

/// What the integration's request has by mappings and overrides.
#[derive(Debug, Default)]
pub(super) struct Mapped {
    pub(super) headers: Vec<(String, String)>,
    pub(super) query: Vec<(String, String)>,
    pub(super) path: BTreeMap<String, String>,
}

/// The answer of an integration.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// What selection patterns are held against; with `None` the response without a pattern is taken.
    pub(super) outcome: Option<String>,
}

/// The headers that no mapping may set, else the request fails (recorded by localstack,
/// `test_apigateway_header_remapping_http` and `_aws`).
const ILLEGAL: [&str; 4] = [
    "content-length",
    "transfer-encoding",
    "x-amzn-trace-id",
    "x-amzn-apigateway-api-id",
];
/// More of them for integrations with AWS.
const ILLEGAL_FOR_AWS: [&str; 5] = [
    "authorization",
    "connection",
    "expect",
    "proxy-authenticate",
    "te",
];

impl<'a> Exchange<'a> {
    pub(super) fn new(incoming: &'a Incoming<'a>) -> Self {
        let query = form(incoming.query);
        let parameters = Parameters {
            path: incoming.parameters.iter().cloned().collect(),
            query: query.iter().cloned().collect(),
            header: event::sent_headers(incoming)
                .into_iter()
                .filter_map(|(name, mut values)| Some((name, values.pop()?)))
                .collect(),
        };
        let variables = incoming.variables.into_iter().flatten();
        Self {
            incoming,
            query,
            parameters,
            context: event::context_object(incoming),
            stage_variables: variables
                .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
                .collect(),
            overrides: Overrides::default(),
        }
    }

    /// The body after the request's template, or as it is if the integration lets it through ("Integration passthrough
    /// behaviors").
    pub(super) fn request_body(
        &mut self,
        integration: &Integration,
        compiled: &Compiled,
    ) -> Result<Bytes, Denied> {
        let kind = content_type(self.incoming);
        let template = compiled
            .templates
            .get(&kind)
            .or_else(|| compiled.templates.get("$default"));
        let passes = match integration.passthrough_behavior.as_str() {
            "WHEN_NO_MATCH" => true,
            "WHEN_NO_TEMPLATES" => compiled.templates.is_empty(),
            _ => false,
        };
        if template.is_none() && !passes {
            return Err(Denied::unsupported_media_type());
        }
        let is_binary = event::is_binary(self.incoming.binary_media_types, Some(&kind));
        let body = self.incoming.body.clone();
        let body = match (is_binary, integration.content_handling.as_deref()) {
            (true, Some("CONVERT_TO_TEXT")) => STANDARD.encode(&body).into(),
            (false, Some("CONVERT_TO_BINARY")) => self.decoded(&body)?,
            _ => body,
        };
        let Some(template) = template else {
            return Ok(body);
        };
        if is_binary && std::str::from_utf8(&body).is_err() {
            self.incoming
                .tell("Execution failed due to configuration error: Unable to transform request");
            return Err(Denied::configuration());
        }
        self.rendered(template, &body, "request").map(Bytes::from)
    }

    fn decoded(&self, body: &Bytes) -> Result<Bytes, Denied> {
        // A Lambda function's text is a JSON string.
        let text = serde_json::from_slice::<String>(body)
            .unwrap_or_else(|_| String::from_utf8_lossy(body).into_owned());
        STANDARD.decode(text.trim()).map(Bytes::from).map_err(|_| {
            self.incoming.tell(
                "Execution failed due to configuration error: Unable to base64 decode the body.",
            );
            Denied::configuration()
        })
    }

    fn rendered(
        &mut self,
        template: &Result<Template, String>,
        body: &Bytes,
        what: &str,
    ) -> Result<String, Denied> {
        let text = String::from_utf8_lossy(body);
        let body = Body::new(text);
        let inputs = Inputs {
            body: &body,
            parameters: &self.parameters,
            context: &self.context,
            stage_variables: &self.stage_variables,
        };
        let outcome = match template {
            Ok(template) => template
                .render(&inputs, &mut self.overrides)
                .map_err(|failure| failure.to_string()),
            Err(why) => Err(why.clone()),
        };
        outcome.map_err(|why| {
            self.incoming.tell(format!(
                "Execution failed due to configuration error: Unable to transform {what} ({why})"
            ));
            Denied::configuration()
        })
    }

    /// What mappings and `requestOverride` say, in this order.
    pub(super) fn mapped(
        &self,
        integration: &Integration,
        compiled: &Compiled,
    ) -> Result<Mapped, Denied> {
        let mut mapped = Mapped::default();
        if !compiled.parameters.is_empty() {
            let text = String::from_utf8_lossy(&self.incoming.body);
            let body = Body::new(text);
            let values = self.values(self.incoming.headers, &body);
            for (to, from) in &compiled.parameters {
                for value in from.values(&values) {
                    match to {
                        Destination::Header(name) => mapped.headers.push((name.clone(), value)),
                        Destination::Query(name) => mapped.query.push((name.clone(), value)),
                        Destination::Path(name) => {
                            mapped.path.insert(name.clone(), value);
                        }
                    }
                }
            }
        }
        self.check_headers(integration, &mapped)?;
        for (name, values) in overridden(&self.overrides.request, "header") {
            mapped
                .headers
                .retain(|(there, _)| !there.eq_ignore_ascii_case(&name));
            mapped
                .headers
                .extend(values.into_iter().map(|value| (name.clone(), value)));
        }
        for (name, values) in overridden(&self.overrides.request, "querystring") {
            mapped.query.retain(|(there, _)| *there != name);
            mapped
                .query
                .extend(values.into_iter().map(|value| (name.clone(), value)));
        }
        for (name, values) in overridden(&self.overrides.request, "path") {
            mapped
                .path
                .extend(values.into_iter().next_back().map(|value| (name, value)));
        }
        Ok(mapped)
    }

    fn values<'v>(&'v self, headers: &'v HeaderMap, body: &'v Body<'v>) -> Values<'v> {
        Values {
            parameters: &self.parameters,
            query: &self.query,
            headers,
            body,
            context: &self.context,
            stage_variables: &self.stage_variables,
        }
    }

    fn check_headers(&self, integration: &Integration, mapped: &Mapped) -> Result<(), Denied> {
        let is_aws = integration.kind.starts_with("AWS");
        for (name, _) in &mapped.headers {
            let lower = name.to_ascii_lowercase();
            let lower = lower.as_str();
            if ILLEGAL.contains(&lower) || is_aws && ILLEGAL_FOR_AWS.contains(&lower) {
                self.incoming.tell(format!(
                    "Execution failed due to configuration error: {name} header already present"
                ));
                return Err(Denied::configuration());
            }
        }
        Ok(())
    }

    /// The response that the integration's outcome selects, after its template and mappings.
    pub(super) fn respond(
        &mut self,
        integration: &Integration,
        compiled: &Compiled,
        endpoint: &Endpoint,
    ) -> Result<Reply, Denied> {
        let Some(response) = selected(&compiled.responses, endpoint.outcome.as_deref()) else {
            self.incoming.tell(format!(
                "Execution failed due to configuration error: No match for output mapping and no default output mapping \
                 configured. Endpoint Response Status Code: {}",
                endpoint.status
            ));
            return Err(Denied::configuration());
        };
        let body = self.converted(response, endpoint)?;
        let (kind, body) = match self.response_template(&response.templates) {
            Some((kind, template)) => {
                let body = self.rendered(template, &body, "response")?;
                (kind.to_owned(), Bytes::from(body))
            }
            // A mock has no body of its own.
            None if integration.kind == "MOCK" => ("application/json".to_owned(), Bytes::new()),
            None => ("application/json".to_owned(), body),
        };
        let mut headers = HeaderMap::new();
        proxy::set(&mut headers, "content-type", &kind);
        self.set_headers(response, endpoint, &mut headers);
        let status = self
            .overrides
            .response
            .get("status")
            .and_then(Value::as_u64)
            .and_then(|status| u16::try_from(status).ok())
            .filter(|status| (100..600).contains(status))
            .unwrap_or(response.status);
        Ok(Reply {
            status: StatusCode::from_u16(status).map_err(|_| Denied::configuration())?,
            headers,
            body,
        })
    }

    fn set_headers(&self, response: &Response, endpoint: &Endpoint, headers: &mut HeaderMap) {
        if !response.parameters.is_empty() {
            let text = String::from_utf8_lossy(&endpoint.body);
            let body = Body::new(text);
            let values = self.values(&endpoint.headers, &body);
            for (name, source) in &response.parameters {
                self.incoming.ids.spell(proxy::written(name));
                for value in Source::values(source, &values) {
                    proxy::set(headers, name, &value);
                }
            }
        }
        for (name, values) in overridden(&self.overrides.response, "header") {
            self.incoming.ids.spell(proxy::written(&name));
            for (at, value) in values.iter().enumerate() {
                if at == 0 {
                    proxy::set(headers, &name, value);
                } else if let (Some(name), Ok(value)) =
                    (proxy::header_name(&name), HeaderValue::from_str(value))
                {
                    headers.append(name, value);
                }
            }
        }
    }

    /// "Content type conversions in API Gateway".
    fn converted(&self, response: &Response, endpoint: &Endpoint) -> Result<Bytes, Denied> {
        let types = self.incoming.binary_media_types;
        let kind = media_type(&endpoint.headers, &CONTENT_TYPE);
        let is_binary = event::is_binary(types, kind.as_deref());
        let body = endpoint.body.clone();
        Ok(match (response.content_handling.as_deref(), is_binary) {
            (Some("CONVERT_TO_TEXT"), true) => STANDARD.encode(&body).into(),
            (None, true) if !event::accepts_binary(self.incoming) => STANDARD.encode(&body).into(),
            (Some("CONVERT_TO_BINARY"), false) => self.decoded(&body)?,
            _ => body,
        })
    }

    /// The template of a type which the caller accepts, else the one for JSON, else the first.
    fn response_template<'t>(
        &self,
        templates: &'t Parsed,
    ) -> Option<(&'t str, &'t Result<Template, String>)> {
        let accepted = self
            .incoming
            .headers
            .get(ACCEPT)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let accepted = accepted
            .split(',')
            .map(|kind| kind.split(';').next().unwrap_or_default().trim());
        accepted
            .chain(["application/json"])
            .find_map(|kind| templates.get_key_value(kind))
            .or_else(|| templates.first_key_value())
            .map(|(kind, template)| (kind.as_str(), template))
    }
}

/// By name, with each value.
fn overridden(overrides: &Map<String, Value>, place: &str) -> Vec<(String, Vec<String>)> {
    let Some(Value::Object(members)) = overrides.get(place) else {
        return Vec::new();
    };
    members
        .iter()
        .map(|(name, value)| {
            let values = match value {
                Value::Array(items) => items.iter().filter_map(written).collect(),
                value => written(value).into_iter().collect(),
            };
            (name.clone(), values)
        })
        .collect()
}

fn selected<'r>(responses: &'r [Response], outcome: Option<&str>) -> Option<&'r Response> {
    let matching = outcome.and_then(|outcome| {
        responses.iter().find(|response| {
            let pattern = response.pattern.as_ref();
            pattern.is_some_and(|pattern| pattern.is_match(outcome))
        })
    });
    matching.or_else(|| responses.iter().find(|response| response.pattern.is_none()))
}

/// The request's media type; JSON is what is assumed.
pub(super) fn content_type(incoming: &Incoming) -> String {
    media_type(incoming.headers, &CONTENT_TYPE).unwrap_or_else(|| "application/json".to_owned())
}

/// Without its parameters, in small letters.
fn media_type(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?;
    let kind = value.split(';').next()?.trim().to_ascii_lowercase();
    Some(kind).filter(|kind| !kind.is_empty())
}

/// As the execution log shows headers.
pub(super) fn shown(headers: &HeaderMap) -> String {
    java_map(headers.keys().map(|name| {
        let values: Vec<_> = headers
            .get_all(name)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()))
            .collect();
        (proxy::usual_case(name.as_str()), values.join(","))
    }))
}
