//! Mapping templates: the Velocity Template Language 1.7 as API Gateway runs it.
//!
//! A template is parsed once (`parse`) into a tree (`syntax`) and rendered (`evaluate`) for each request over the
//! objects `$input`, `$util`, `$context` and `$stageVariables` (`objects`). Values live in an arena (`value`) that ends
//! with the rendering, because lists and maps are shared and can contain themselves. Work, output, loops and nesting
//! are bounded.

mod evaluate;
mod methods;
mod objects;
mod parse;
mod syntax;
#[cfg(test)]
mod tests;
mod value;

use serde_json::{Map, Value as Json};

pub(super) use objects::{Body, Parameters};

/// A parsed template.
#[derive(Debug)]
pub(super) struct Template(syntax::Block);

/// A template that does not follow the grammar, or that needs more than it may use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failure {
    #[error("at character {at}: {why}")]
    Syntax { at: usize, why: String },
    #[error("{0}")]
    Limit(&'static str),
}

/// The objects that a template is rendered over.
pub(super) struct Inputs<'a> {
    pub(super) body: &'a Body<'a>,
    pub(super) parameters: &'a Parameters,
    /// `$context` without its overrides.
    pub(super) context: &'a Map<String, Json>,
    pub(super) stage_variables: &'a Map<String, Json>,
}

/// `$context.requestOverride` and `$context.responseOverride`, which a response template sees as the request template
/// left them (recorded by localstack, `test_integration_mock_with_response_override_in_request_template`).
#[derive(Clone, Debug)]
pub(super) struct Overrides {
    pub(super) request: Map<String, Json>,
    pub(super) response: Map<String, Json>,
}

impl Default for Overrides {
    fn default() -> Self {
        let members = |names: &[&str]| {
            names
                .iter()
                .map(|name| ((*name).to_owned(), Json::Object(Map::new())))
                .collect()
        };
        Self {
            request: members(&["header", "path", "querystring"]),
            response: members(&["header"]),
        }
    }
}

impl Template {
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        parse::template(text).map(Self)
    }

    pub(super) fn render(
        &self,
        inputs: &Inputs,
        overrides: &mut Overrides,
    ) -> Result<String, Failure> {
        evaluate::render(&self.0, inputs, overrides)
    }
}
