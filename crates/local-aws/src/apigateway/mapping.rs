//! Mapping expressions: where a parameter of an integration's request, or a header of the response, comes from
//! ("Parameter mapping reference").

use std::collections::BTreeMap;

use http::HeaderMap;
use serde_json::{Map, Value};

use super::integration::Templates;
use super::json_path::{self, Path};
use super::refusal::bad_request;
use super::vtl::{Body, Parameters};
use crate::answer::Refusal;

/// What is set: `integration.request.{place}.{name}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Destination {
    Header(String),
    Query(String),
    Path(String),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Source {
    Fixed(String),
    Path(String),
    Query(String),
    QueryAll(String),
    Header(String),
    HeaderAll(String),
    Body,
    BodyPath(Path),
    StageVariable(String),
    Context(Vec<String>),
}

/// The values that expressions are evaluated over.
pub(super) struct Values<'a> {
    pub(super) parameters: &'a Parameters,
    pub(super) query: &'a [(String, String)],
    /// Of the request, or of the integration's response.
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a Body<'a>,
    pub(super) context: &'a Map<String, Value>,
    pub(super) stage_variables: &'a Map<String, Value>,
}

impl Destination {
    pub(super) fn read(text: &str) -> Option<Self> {
        let (place, name) = text.strip_prefix("integration.request.")?.split_once('.')?;
        let name = Some(name.to_owned()).filter(|name| !name.is_empty())?;
        match place {
            "header" => Some(Self::Header(name)),
            "querystring" => Some(Self::Query(name)),
            "path" => Some(Self::Path(name)),
            _ => None,
        }
    }
}

impl Source {
    pub(super) fn of_request(text: &str) -> Option<Self> {
        let Some(rest) = text.strip_prefix("method.request.") else {
            return Self::common(text);
        };
        if let Some(source) = Self::body(rest) {
            return Some(source);
        }
        let (place, name) = rest.split_once('.')?;
        let name = Some(name.to_owned()).filter(|name| !name.is_empty())?;
        match place {
            "path" => Some(Self::Path(name)),
            "querystring" => Some(Self::Query(name)),
            "multivaluequerystring" => Some(Self::QueryAll(name)),
            "header" => Some(Self::Header(name)),
            "multivalueheader" => Some(Self::HeaderAll(name)),
            _ => None,
        }
    }

    pub(super) fn of_response(text: &str) -> Option<Self> {
        let Some(rest) = text.strip_prefix("integration.response.") else {
            return Self::common(text);
        };
        if let Some(source) = Self::body(rest) {
            return Some(source);
        }
        let (place, name) = rest.split_once('.')?;
        match place {
            "header" => Some(Self::Header(name.to_owned())),
            "multivalueheader" => Some(Self::HeaderAll(name.to_owned())),
            _ => None,
        }
    }

    fn body(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("body")?;
        if rest.is_empty() {
            return Some(Self::Body);
        }
        if !rest.starts_with(['.', '[']) {
            return None;
        }
        Path::parse(&format!("${rest}")).ok().map(Self::BodyPath)
    }

    fn common(text: &str) -> Option<Self> {
        if let Some(fixed) = fixed(text) {
            return Some(Self::Fixed(fixed.to_owned()));
        }
        if let Some(name) = text.strip_prefix("stageVariables.") {
            return Some(Self::StageVariable(name.to_owned()));
        }
        let path = text.strip_prefix("context.")?;
        Some(Self::Context(path.split('.').map(str::to_owned).collect()))
    }

    /// What is not there is nothing; a query's values are several.
    pub(super) fn values(&self, over: &Values) -> Vec<String> {
        let one: Option<String> = match self {
            Self::Fixed(text) => Some(text.clone()),
            Self::Path(name) => over.parameters.path.get(name).cloned(),
            Self::Query(name) => over.parameters.query.get(name).cloned(),
            Self::QueryAll(name) => {
                return over
                    .query
                    .iter()
                    .filter(|(key, _)| key == name)
                    .map(|(_, value)| value.clone())
                    .collect();
            }
            Self::Header(name) => over.headers.get_all(name).iter().next_back().map(text),
            Self::HeaderAll(name) => {
                let all: Vec<String> = over.headers.get_all(name).iter().map(text).collect();
                (!all.is_empty()).then(|| all.join(","))
            }
            Self::Body => Some(over.body.text().to_owned()),
            Self::BodyPath(path) => over.body.json().and_then(|json| {
                let mut work = json_path::WORK;
                path.select(json, &mut work)
                    .ok()?
                    .as_ref()
                    .and_then(written)
            }),
            Self::StageVariable(name) => over.stage_variables.get(name).and_then(written),
            Self::Context(path) => at(over.context, path).and_then(written),
        };
        one.into_iter().collect()
    }
}

fn text(value: &http::HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

/// The member at a path of names.
pub(super) fn at<'a>(members: &'a Map<String, Value>, path: &[String]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    rest.iter()
        .try_fold(members.get(first)?, |value, name| value.get(name))
}

/// As a parameter's value; nothing for null.
pub(super) fn written(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        value => Some(value.to_string()),
    }
}

/// The text in single quotes.
fn fixed(value: &str) -> Option<&str> {
    value.strip_prefix('\'')?.strip_suffix('\'')
}

/// Refuses templates that belong to no content type. What they say is not looked at before it is needed, as on AWS.
pub(super) fn check_templates(templates: Option<&Templates>) -> Result<(), Refusal> {
    for content_type in templates.into_iter().flatten().map(|(kind, _)| kind) {
        if !content_type.contains('/') && content_type != "$default" {
            return Err(bad_request(format!(
                "Validation Result: warnings : [], errors : [Invalid content type specified: {content_type}]"
            )));
        }
    }
    Ok(())
}

pub(super) fn check_request_parameters(
    parameters: Option<&BTreeMap<String, String>>,
) -> Result<(), Refusal> {
    for (to, from) in parameters.into_iter().flatten() {
        if Destination::read(to).is_none() {
            return Err(no_parameter(to));
        }
        if Source::of_request(from).is_none() {
            return Err(no_expression(from));
        }
    }
    Ok(())
}

pub(super) fn check_response_parameters(
    parameters: Option<&BTreeMap<String, String>>,
) -> Result<(), Refusal> {
    for (to, from) in parameters.into_iter().flatten() {
        if to
            .strip_prefix("method.response.header.")
            .is_none_or(str::is_empty)
        {
            return Err(no_parameter(to));
        }
        if Source::of_response(from).is_none() {
            return Err(no_expression(from));
        }
    }
    Ok(())
}

fn no_parameter(name: &str) -> Refusal {
    bad_request(format!(
        "Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression \
         parameter specified: {name}]"
    ))
}

fn no_expression(expression: &str) -> Refusal {
    bad_request(format!(
        "Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression \
         specified: {expression}]"
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn expressions_are_evaluated() {
        let parameters = Parameters {
            path: [("id".to_owned(), "7".to_owned())].into(),
            query: [("q".to_owned(), "2".to_owned())].into(),
            ..Parameters::default()
        };
        let query = [
            ("q".to_owned(), "1".to_owned()),
            ("q".to_owned(), "2".to_owned()),
        ];
        let mut headers = HeaderMap::new();
        headers.append("x-a", http::HeaderValue::from_static("1"));
        headers.append("x-a", http::HeaderValue::from_static("2"));
        let (Value::Object(context), Value::Object(variables)) = (
            json!({ "stage": "Prod", "identity": { "sourceIp": "127.0.0.1", "user": null } }),
            json!({ "v": "w" }),
        ) else {
            panic!("objects")
        };
        let over = Values {
            parameters: &parameters,
            query: &query,
            headers: &headers,
            body: &Body::new("{\"a\":{\"b\":[1,\"x\"]}}"),
            context: &context,
            stage_variables: &variables,
        };
        for (expression, expected) in [
            ("'it is'", vec!["it is"]),
            ("method.request.path.id", vec!["7"]),
            ("method.request.querystring.q", vec!["2"]),
            ("method.request.multivaluequerystring.q", vec!["1", "2"]),
            ("method.request.header.X-A", vec!["2"]),
            ("method.request.multivalueheader.X-A", vec!["1,2"]),
            ("method.request.header.none", vec![]),
            ("method.request.body", vec!["{\"a\":{\"b\":[1,\"x\"]}}"]),
            ("method.request.body.a.b[1]", vec!["x"]),
            ("method.request.body.a.b", vec!["[1,\"x\"]"]),
            ("method.request.body.none", vec![]),
            ("stageVariables.v", vec!["w"]),
            ("context.identity.sourceIp", vec!["127.0.0.1"]),
            ("context.identity.user", vec![]),
        ] {
            let source = Source::of_request(expression).expect(expression);
            assert_eq!(source.values(&over), expected, "{expression}");
        }
        for expression in [
            "x",
            "method.request.cookie.a",
            "method.request.",
            "integration.response.header.a",
            "",
        ] {
            assert_eq!(Source::of_request(expression), None, "{expression}");
        }
        let source = Source::of_response("integration.response.header.x-a").expect("a source");
        assert_eq!(source.values(&over), ["2"]);
        assert_eq!(Source::of_response("method.request.header.a"), None);
    }

    #[test]
    fn destinations_are_read() {
        let read = Destination::read;
        assert_eq!(
            read("integration.request.header.A-b"),
            Some(Destination::Header("A-b".into()))
        );
        assert_eq!(read("integration.request.body.a"), None);
        assert_eq!(read("integration.request.path."), None);
    }
}
