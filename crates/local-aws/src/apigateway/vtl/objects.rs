//! `$input` and `$util` ("Mapping template variable reference for API Gateway").

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::OnceLock;

use base64::Engine;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::Value as Json;

use super::Failure;
use super::evaluate::Scope;
use super::value::Value;
use crate::apigateway::json_path;

/// The payload: read as JSON once, if at all.
pub(in crate::apigateway) struct Body<'a> {
    text: Cow<'a, str>,
    json: OnceLock<Option<Json>>,
}

/// A request's parameters, by name.
#[derive(Clone, Debug, Default)]
pub(in crate::apigateway) struct Parameters {
    pub(in crate::apigateway) path: BTreeMap<String, String>,
    pub(in crate::apigateway) query: BTreeMap<String, String>,
    pub(in crate::apigateway) header: BTreeMap<String, String>,
}

impl<'a> Body<'a> {
    pub(in crate::apigateway) fn new(text: impl Into<Cow<'a, str>>) -> Self {
        Self {
            text: text.into(),
            json: OnceLock::new(),
        }
    }

    pub(in crate::apigateway) fn text(&self) -> &str {
        &self.text
    }

    /// An empty body is an empty object; `None` for one that is no JSON.
    pub(in crate::apigateway) fn json(&self) -> Option<&Json> {
        self.json
            .get_or_init(|| {
                if self.text.trim().is_empty() {
                    return Some(Json::Object(serde_json::Map::new()));
                }
                serde_json::from_str(&self.text).ok()
            })
            .as_ref()
    }
}

impl Parameters {
    /// By AWS's order: path, query, header. A header's name may differ in case.
    pub(in crate::apigateway) fn find(&self, name: &str) -> Option<&str> {
        self.path
            .get(name)
            .or_else(|| self.query.get(name))
            .map(String::as_str)
            .or_else(|| self.header(name))
    }

    pub(in crate::apigateway) fn header(&self, name: &str) -> Option<&str> {
        let exact = self.header.get(name);
        exact
            .or_else(|| {
                self.header
                    .iter()
                    .find(|(there, _)| there.eq_ignore_ascii_case(name))
                    .map(|(_, value)| value)
            })
            .map(String::as_str)
    }
}

/// `$input.body`: `{}` for an empty one (recorded by localstack, `test_input_body_formatting`).
pub(super) fn body(scope: &mut Scope) -> Result<Value, Failure> {
    let text = scope.inputs.body.text();
    scope.arena.spend(text.len() / 4)?;
    Ok(Value::text(if text.is_empty() { "{}" } else { text }))
}

pub(super) fn input(scope: &mut Scope, name: &str, arguments: &[Value]) -> Result<Value, Failure> {
    match (name, arguments) {
        ("path", [path]) => {
            let path = scope.printed(path)?;
            match selected(scope, &path)? {
                Some(found) => scope.arena.of_json(&found),
                None => Ok(Value::Null),
            }
        }
        ("json", [path]) => {
            let path = scope.printed(path)?;
            let text = match selected(scope, &path)? {
                Some(found) => found.to_string(),
                None => "\"\"".to_owned(),
            };
            scope.arena.spend(text.len() / 4)?;
            Ok(Value::text(text))
        }
        ("params", []) => {
            let parameters = scope.inputs.parameters;
            let path = map(scope, &parameters.path)?;
            let query = map(scope, &parameters.query)?;
            let header = map(scope, &parameters.header)?;
            scope.arena.new_map([
                ("path".into(), path),
                ("querystring".into(), query),
                ("header".into(), header),
            ])
        }
        ("params", [name]) => {
            let name = scope.printed(name)?;
            let parameters = scope.inputs.parameters;
            if let Some(value) = parameters.find(&name) {
                return Ok(Value::text(value));
            }
            match &*name {
                "path" => map(scope, &parameters.path),
                "querystring" => map(scope, &parameters.query),
                "header" => map(scope, &parameters.header),
                _ => Ok(Value::text("")),
            }
        }
        ("body" | "getBody", []) => body(scope),
        _ => Ok(Value::Null),
    }
}

fn map(scope: &mut Scope, of: &BTreeMap<String, String>) -> Result<Value, Failure> {
    scope.arena.new_map(
        of.iter()
            .map(|(name, value)| (name.as_str().into(), Value::text(value))),
    )
}

fn selected(scope: &mut Scope, path: &str) -> Result<Option<Json>, Failure> {
    let Some(json) = scope.inputs.body.json() else {
        return Ok(None);
    };
    let Ok(path) = json_path::Path::parse(path) else {
        return Ok(None);
    };
    let mut work = json_path::WORK;
    let found = path.select(json, &mut work);
    scope.arena.spend(json_path::WORK - work)?;
    found.map_err(|json_path::TooMuch| Failure::Limit("a path selects too much"))
}

/// What `java.net.URLEncoder` leaves as it is, beside letters and digits.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'.')
    .remove(b'-')
    .remove(b'*')
    .remove(b'_')
    .remove(b' ');

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

pub(super) fn util(scope: &mut Scope, name: &str, arguments: &[Value]) -> Result<Value, Failure> {
    let [argument] = arguments else {
        return Ok(Value::Null);
    };
    if matches!(argument, Value::Null) {
        return Ok(Value::Null);
    }
    let text = scope.printed(argument)?;
    scope.arena.spend(1 + text.len())?;
    let made = match name {
        "escapeJavaScript" => escaped(&text),
        "parseJson" => {
            return match serde_json::from_str::<Json>(&text) {
                Ok(json) => scope.arena.of_json(&json),
                Err(_) => Ok(Value::Null),
            };
        }
        "urlEncode" => utf8_percent_encode(&text, KEPT)
            .to_string()
            .replace(' ', "+"),
        "urlDecode" => percent_decode_str(&text.replace('+', " "))
            .decode_utf8_lossy()
            .into_owned(),
        "base64Encode" => STANDARD.encode(text.as_bytes()),
        "base64Decode" => match LENIENT.decode(text.trim().as_bytes()) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(_) => return Ok(Value::Null),
        },
        _ => return Ok(Value::Null),
    };
    Ok(Value::text(made))
}

/// As Apache Commons Lang's `escapeEcmaScript`.
pub(in crate::apigateway) fn escaped(text: &str) -> String {
    use std::fmt::Write;

    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\'' | '"' | '\\' | '/' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(c),
            c => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    let _ = write!(out, "\\u{unit:04X}");
                }
            }
        }
    }
    out
}
