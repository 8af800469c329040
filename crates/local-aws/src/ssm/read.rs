//! Reads of values: by name, by path, and of the history.

use serde::Deserialize;
use serde_json::{Value, json};

use super::filter::{self, Filter};
use super::name::{self, Reference, Selector};
use super::parameter::{self, Parameter, Version};
use super::refusal::{VALIDATION, invalid, not_found};
use super::{Work, page};
use crate::answer::Refusal;
use crate::clock;
use crate::constraints::Constraints;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct One {
    name: Option<String>,
    #[serde(default)]
    with_decryption: bool,
}

pub(super) fn one(work: &Work) -> Result<Value, Refusal> {
    let given: One = work.input()?;
    let mut constraints = Constraints::default();
    constraints.present(given.name.as_ref(), "name");
    constraints.finish(VALIDATION)?;
    let name = given.name.unwrap_or_default();
    Ok(json!({ "Parameter": named(work, &name, given.with_decryption)? }))
}

/// The parameter that `text` refers to, as AWS shows it.
fn named(work: &Work, text: &str, with_decryption: bool) -> Result<Value, Refusal> {
    let reference = Reference::parse(work.place, text)?;
    let parameter = parameter::find(work.tx, work.place, &reference.key)?;
    let version = parameter.selected(reference.selector.as_ref())?;
    let name = reference.name.as_ref().unwrap_or(&parameter.name);
    let mut shown = shown(work, name, version, with_decryption)?;
    match reference.selector {
        Some(Selector::Version(number)) => shown["Selector"] = format!(":{number}").into(),
        Some(Selector::Label(label)) => shown["Selector"] = format!(":{label}").into(),
        None => {}
    }
    Ok(shown)
}

fn shown(
    work: &Work,
    name: &str,
    version: &Version,
    with_decryption: bool,
) -> Result<Value, Refusal> {
    Ok(json!({
        "Name": name,
        "Type": version.kind,
        "Value": version.shown_value(work.tx, work.place, with_decryption)?,
        "Version": version.number,
        "LastModifiedDate": clock::fractional_seconds(version.modified),
        "ARN": name::arn(work.place, name),
        "DataType": version.data_type,
    }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Many {
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    with_decryption: bool,
}

pub(super) fn many(work: &Work) -> Result<Value, Refusal> {
    let given: Many = work.input()?;
    let mut constraints = Constraints::default();
    constraints.count(&given.names, "names", 1, 10);
    constraints.finish(VALIDATION)?;
    let (mut found, mut invalid) = (Vec::new(), Vec::new());
    let mut names = given.names;
    names.sort_unstable();
    names.dedup();
    for name in names {
        match named(work, &name, given.with_decryption) {
            Ok(shown) => found.push(shown),
            Err(refusal)
                if ["ParameterNotFound", "ParameterVersionNotFound"]
                    .contains(&refusal.code.as_str()) =>
            {
                invalid.push(name);
            }
            Err(refusal) => return Err(refusal),
        }
    }
    Ok(json!({ "Parameters": found, "InvalidParameters": invalid }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ByPath {
    path: Option<String>,
    #[serde(default)]
    recursive: bool,
    #[serde(default)]
    parameter_filters: Vec<Filter>,
    #[serde(default)]
    with_decryption: bool,
    max_results: Option<i64>,
    next_token: Option<String>,
}

pub(super) fn by_path(work: &Work) -> Result<Value, Refusal> {
    let given: ByPath = work.input()?;
    let mut constraints = Constraints::default();
    constraints.present(given.path.as_ref(), "path");
    constraints.range(given.max_results, "maxResults", 1, 10);
    filter::constrain(&given.parameter_filters, &mut constraints);
    constraints.finish(VALIDATION)?;
    filter::check(&given.parameter_filters, filter::BY_PATH)?;
    let path = given.path.as_deref().unwrap_or_default();
    filter::check_path(path)?;
    let most = given
        .max_results
        .and_then(|most| usize::try_from(most).ok());
    let found: Vec<(String, Parameter)> = work
        .tx
        .list::<Parameter>(work.place, "")?
        .into_iter()
        .filter(|parameter| {
            filter::is_below(&parameter.name, path, given.recursive)
                && parameter.versions.last().is_some_and(|version| {
                    given
                        .parameter_filters
                        .iter()
                        .all(|filter| filter.fits(parameter, version))
                })
        })
        .map(|parameter| (name::key(&parameter.name).to_owned(), parameter))
        .collect();
    let (page, next) = page::page(found, given.next_token.as_ref(), most.unwrap_or(10))?;
    let shown: Vec<Value> = page
        .iter()
        .map(|parameter| {
            let version = parameter.latest()?;
            shown(work, &parameter.name, version, given.with_decryption)
        })
        .collect::<Result<_, _>>()?;
    let mut output = json!({ "Parameters": shown });
    if let Some(next) = next {
        output["NextToken"] = next.into();
    }
    Ok(output)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct History {
    name: Option<String>,
    #[serde(default)]
    with_decryption: bool,
    max_results: Option<i64>,
    next_token: Option<String>,
}

pub(super) fn history(work: &Work) -> Result<Value, Refusal> {
    let given: History = work.input()?;
    let mut constraints = Constraints::default();
    constraints.present(given.name.as_ref(), "name");
    constraints.range(given.max_results, "maxResults", 1, 50);
    constraints.finish(VALIDATION)?;
    let reference = Reference::parse(work.place, given.name.as_deref().unwrap_or_default())?;
    if reference.selector.is_some() {
        return Err(invalid(
            "The history of a parameter is read without a version or label.",
        ));
    }
    let parameter = work
        .tx
        .get::<Parameter>(work.place, &reference.key)?
        .ok_or_else(not_found)?;
    let name = reference.name.as_ref().unwrap_or(&parameter.name);
    let versions = parameter
        .versions
        .iter()
        // Numbers of equal length are in the order of their texts.
        .map(|version| (format!("{:020}", version.number), version))
        .collect();
    let most = given
        .max_results
        .and_then(|most| usize::try_from(most).ok());
    let (page, next) = page::page(versions, given.next_token.as_ref(), most.unwrap_or(50))?;
    let shown: Vec<Value> = page
        .into_iter()
        .map(|version| {
            let mut shown = version.metadata(name);
            shown["Value"] = version
                .shown_value(work.tx, work.place, given.with_decryption)?
                .into();
            shown["Labels"] = version.labels.iter().map(String::as_str).collect();
            Ok(shown)
        })
        .collect::<Result<_, Refusal>>()?;
    let mut output = json!({ "Parameters": shown });
    if let Some(next) = next {
        output["NextToken"] = next.into();
    }
    Ok(output)
}
