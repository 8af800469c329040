//! `DescribeParameters`: facts about parameters without their values.

use serde::Deserialize;
use serde_json::{Value, json};

use super::filter::{self, Filter, Former};
use super::parameter::{Parameter, Version};
use super::refusal::{VALIDATION, invalid};
use super::{Work, name, page};
use crate::answer::Refusal;
use crate::constraints::Constraints;
use crate::unknown::unsupported;

/// The most parameters that are looked at for one page. AWS filters what a page looks at, so a page may have no parameters
/// and still a token (minamijoyo/myaws#31).
const LOOKED_AT: usize = 50;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    #[serde(default)]
    filters: Vec<Former>,
    #[serde(default)]
    parameter_filters: Vec<Filter>,
    max_results: Option<i64>,
    next_token: Option<String>,
    #[serde(default)]
    shared: bool,
}

pub(super) fn describe(work: &Work) -> Result<Value, Refusal> {
    let given: Input = work.input()?;
    if given.shared {
        return Err(unsupported(
            work.call.service,
            "the Shared of DescribeParameters",
        ));
    }
    let mut constraints = Constraints::default();
    constraints.range(given.max_results, "maxResults", 1, 50);
    filter::constrain(&given.parameter_filters, &mut constraints);
    constraints.finish(VALIDATION)?;
    if !given.filters.is_empty() && !given.parameter_filters.is_empty() {
        return Err(invalid(
            "You can use either Filters or ParameterFilters in a single request.",
        ));
    }
    let mut filters = given.parameter_filters;
    filters.extend(given.filters.into_iter().map(Filter::from));
    filter::check(&filters, filter::DESCRIBE)?;
    let most = given
        .max_results
        .and_then(|most| usize::try_from(most).ok())
        .unwrap_or(10);
    let after = page::after(given.next_token.as_ref())?;
    let mut rest = work
        .tx
        .list::<Parameter>(work.place, "")?
        .into_iter()
        .filter(|parameter| {
            after
                .as_ref()
                .is_none_or(|after| name::key(&parameter.name) > after.as_str())
        })
        .peekable();
    let (mut shown, mut last) = (Vec::new(), None);
    for parameter in rest.by_ref().take(LOOKED_AT) {
        let fitting = visible(work, &parameter).filter(|version| {
            filters
                .iter()
                .all(|filter| filter.fits(&parameter, version))
        });
        if let Some(version) = fitting {
            let mut facts = version.metadata(&parameter.name);
            facts["ARN"] = name::arn(work.place, &parameter.name).into();
            shown.push(facts);
        }
        last = Some(name::key(&parameter.name).to_owned());
        if shown.len() == most {
            break;
        }
    }
    let mut output = json!({ "Parameters": shown });
    if let Some(last) = last.filter(|_| rest.peek().is_some()) {
        output["NextToken"] = page::token(&last).into();
    }
    Ok(output)
}

/// The newest version that a list shows by now. Reads of values are never late.
fn visible<'a>(work: &Work, parameter: &'a Parameter) -> Option<&'a Version> {
    let mut versions = parameter.versions.iter().rev();
    versions.find(|version| work.cloud.is_visible(version.modified))
}
