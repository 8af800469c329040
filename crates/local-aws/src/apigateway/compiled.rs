//! An integration ready to be used: its templates parsed, its patterns compiled, its mappings read.

use std::collections::BTreeMap;

use regex_lite::Regex;

use super::integration::{Integration, IntegrationResponse, Templates};
use super::mapping::{Destination, Source};
use super::stage::Variables;
use super::vtl::Template;
use crate::place::Place;

pub(super) struct Compiled {
    pub(super) target: Target,
    pub(super) templates: Parsed,
    /// What is not of the form that was checked when it was put is left out.
    pub(super) parameters: Vec<(Destination, Source)>,
    /// By status.
    pub(super) responses: Vec<Response>,
}

/// Templates by content type, each with what is wrong with it if something is.
pub(super) type Parsed = BTreeMap<String, Result<Template, String>>;

pub(super) struct Response {
    pub(super) status: u16,
    /// `None` for the response that all that fit no other get.
    pub(super) pattern: Option<Regex>,
    pub(super) templates: Parsed,
    /// By header.
    pub(super) parameters: Vec<(String, Source)>,
    pub(super) content_handling: Option<String>,
}

/// The thing that an integration's URI names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Nothing,
    Function(Function),
    /// `arn:{partition}:apigateway:{region}:{service}:action/{action}`.
    Action {
        region: String,
        service: String,
        action: String,
    },
    /// With its path variables in braces.
    Url(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Function {
    pub(super) place: Place,
    pub(super) name: String,
    pub(super) arn: String,
}

impl Compiled {
    pub(super) fn of(integration: &Integration, variables: Option<&Variables>) -> Self {
        let uri = integration
            .uri
            .as_deref()
            .map(|uri| with_variables(uri, variables));
        let parameters = integration.request_parameters.iter().flatten();
        Self {
            target: uri.map_or(Target::Nothing, |uri| target(&integration.kind, uri)),
            templates: parsed(integration.request_templates.as_ref()),
            parameters: parameters
                .filter_map(|(to, from)| Some((Destination::read(to)?, Source::of_request(from)?)))
                .collect(),
            responses: integration
                .responses
                .iter()
                .filter_map(|(status, response)| Response::of(status, response))
                .collect(),
        }
    }
}

impl Response {
    fn of(status: &str, response: &IntegrationResponse) -> Option<Self> {
        let pattern = response
            .selection_pattern
            .as_deref()
            .filter(|pattern| !pattern.is_empty());
        let parameters = response.response_parameters.iter().flatten();
        Some(Self {
            status: status.parse().ok()?,
            pattern: match pattern {
                Some(pattern) => Some(Regex::new(&format!("^(?:{pattern})$")).ok()?),
                None => None,
            },
            templates: parsed(response.response_templates.as_ref()),
            parameters: parameters
                .filter_map(|(to, from)| {
                    let header = to.strip_prefix("method.response.header.")?;
                    Some((header.to_owned(), Source::of_response(from)?))
                })
                .collect(),
            content_handling: response.content_handling.clone(),
        })
    }
}

fn parsed(templates: Option<&Templates>) -> Parsed {
    templates
        .into_iter()
        .flatten()
        .filter_map(|(kind, template)| {
            let parsed = Template::parse(template.as_deref()?).map_err(|error| error.to_string());
            Some((kind.clone(), parsed))
        })
        .collect()
}

fn target(kind: &str, uri: String) -> Target {
    if kind.starts_with("HTTP") {
        return Target::Url(uri);
    }
    if let Some(function) = function(&uri) {
        return Target::Function(function);
    }
    let parts: Vec<&str> = uri.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", _, "apigateway", region, service, path] => match path.strip_prefix("action/") {
            Some(action) => Target::Action {
                region: (*region).to_owned(),
                service: (*service).to_owned(),
                action: action.split('&').next().unwrap_or_default().to_owned(),
            },
            None => Target::Nothing,
        },
        _ => Target::Nothing,
    }
}

/// `${stageVariables.name}` replaced; what there is no variable for becomes nothing.
pub(super) fn with_variables(uri: &str, variables: Option<&Variables>) -> String {
    let mut text = String::new();
    let mut rest = uri;
    while let Some((before, after)) = rest.split_once("${stageVariables.") {
        let Some((name, after)) = after.split_once('}') else {
            break;
        };
        text.push_str(before);
        text.push_str(
            variables
                .and_then(|variables| variables.get(name))
                .map_or("", String::as_str),
        );
        rest = after;
    }
    text + rest
}

/// The function in `…:lambda:path/2015-03-31/functions/{functionArn}/invocations`.
pub(super) fn function(uri: &str) -> Option<Function> {
    let (_, rest) = uri.split_once("/functions/")?;
    let arn = rest.strip_suffix("/invocations")?;
    let parts: Vec<&str> = arn.splitn(7, ':').collect();
    let ["arn", _, "lambda", region, account, "function", name] = parts.as_slice() else {
        return None;
    };
    if name.is_empty() {
        return None;
    }
    Some(Function {
        place: Place {
            account: (*account).to_owned(),
            region: (*region).to_owned(),
        },
        name: name.strip_suffix(":$LATEST").unwrap_or(name).to_owned(),
        arn: arn.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_name_functions() {
        let arn = "arn:aws:lambda:eu-west-1:000000000000:function:f";
        let uri = |arn: &str| {
            format!(
                "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/{arn}/invocations"
            )
        };
        let found = function(&uri(arn)).expect("a function");
        assert_eq!(
            (found.name.as_str(), found.place.region.as_str()),
            ("f", "eu-west-1")
        );
        assert_eq!(function(&uri("arn:aws:lambda:r:0:function:")), None);
        assert_eq!(
            function("arn:aws:apigateway:r:lambda:path/functions/x"),
            None
        );
        let variables = Variables::from([("name".to_owned(), "f".to_owned())]);
        let text = uri("arn:aws:lambda:r:0:function:${stageVariables.name}");
        let named = function(&with_variables(&text, Some(&variables))).expect("a function");
        assert_eq!(named.name, "f");
        assert_eq!(function(&with_variables(&text, None)), None);
    }

    #[test]
    fn uris_name_actions_and_urls() {
        let action = target(
            "AWS",
            "arn:aws:apigateway:r:dynamodb:action/PutItem".to_owned(),
        );
        assert_eq!(
            action,
            Target::Action {
                region: "r".to_owned(),
                service: "dynamodb".to_owned(),
                action: "PutItem".to_owned(),
            }
        );
        let url = "http://localhost/{proxy}".to_owned();
        assert_eq!(target("HTTP_PROXY", url.clone()), Target::Url(url));
        assert_eq!(
            target("AWS", "arn:aws:apigateway:r:s3:path/a".to_owned()),
            Target::Nothing
        );
    }
}
