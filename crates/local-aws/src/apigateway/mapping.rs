//! Mapping templates and parameters: the part that is understood here.

use std::collections::BTreeMap;

use super::integration::Templates;
use super::refusal::bad_request;
use crate::answer::Refusal;

/// Expressions that stand for the whole body.
const BODY: [&str; 5] = [
    "$input.json('$')",
    "$input.json(\"$\")",
    "$input.path('$')",
    "$input.path(\"$\")",
    "$input.body",
];

/// Refuses templates that would not be evaluated as on AWS.
pub(super) fn check_templates(templates: Option<&Templates>) -> Result<(), Refusal> {
    for (content_type, template) in templates.into_iter().flatten() {
        if !content_type.contains('/') {
            return Err(bad_request(format!(
                "Validation Result: warnings : [], errors : [Invalid content type specified: {content_type}]"
            )));
        }
        let text = BODY
            .iter()
            .fold(template.clone().unwrap_or_default(), |text, expression| {
                text.replace(expression, "")
            });
        let has_directive = text
            .split('#')
            .skip(1)
            .any(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic() || "#*{".contains(c)));
        if text.contains('$') || has_directive {
            return Err(bad_request(format!(
                "The local AWS evaluates nothing but $input.json('$') and $input.body in mapping templates; the one for \
                 {content_type} asks for more"
            )));
        }
    }
    Ok(())
}

pub(super) fn rendered(template: &str, body: &str) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some((at, expression)) = BODY
        .iter()
        .filter_map(|expression| Some((rest.find(expression)?, expression)))
        .min()
    {
        text.push_str(&rest[..at]);
        text.push_str(body);
        rest = &rest[at + expression.len()..];
    }
    text + rest
}

/// Response headers: of the mapping expressions, only fixed texts in quotes.
pub(super) fn check_parameters(
    parameters: Option<&BTreeMap<String, String>>,
) -> Result<(), Refusal> {
    for (name, value) in parameters.into_iter().flatten() {
        if header(name).is_none() {
            return Err(bad_request(format!(
                "Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping \
                 expression parameter specified: {name}]"
            )));
        }
        if fixed(value).is_none() {
            return Err(bad_request(format!(
                "The local AWS maps response headers from fixed texts in single quotes only, not from {value}"
            )));
        }
    }
    Ok(())
}

/// The header that `method.response.header.{name}` names.
pub(super) fn header(parameter: &str) -> Option<&str> {
    parameter.strip_prefix("method.response.header.")
}

/// The text in single quotes.
pub(super) fn fixed(value: &str) -> Option<&str> {
    value.strip_prefix('\'')?.strip_suffix('\'')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(template: &str) -> bool {
        let templates = Templates::from([("application/json".into(), Some(template.into()))]);
        check_templates(Some(&templates)).is_ok()
    }

    #[test]
    fn what_would_not_be_evaluated_is_refused() {
        assert!(checked("$input.json('$')"));
        assert!(checked("{\"statusCode\": 200, \"colour\": \"#123\"}"));
        assert!(checked("{ \"body\": $input.json('$') }"));
        assert!(!checked("$input.params('x')"));
        assert!(!checked("#set($x = 1)"));
        assert!(!checked("$context.requestId"));
    }

    #[test]
    fn the_body_takes_its_place() {
        assert_eq!(rendered("{\"b\":$input.json('$')}", "[1]"), "{\"b\":[1]}");
        assert_eq!(
            rendered("$input.body $input.body", "$input.body"),
            "$input.body $input.body"
        );
    }
}
