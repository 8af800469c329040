//! Labels of versions (AWS: "Working with parameter labels").

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value, json};

use super::parameter::{self, Parameter};
use super::refusal::{VALIDATION, no_version};
use super::{Work, name};
use crate::answer::Refusal;
use crate::constraints::Constraints;

const MOST_LABELS: usize = 10;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    name: Option<String>,
    parameter_version: Option<i64>,
    #[serde(default)]
    labels: Vec<String>,
}

impl Input {
    fn check(&self, needs_version: bool) -> Result<(), Refusal> {
        let mut constraints = Constraints::default();
        constraints.present(self.name.as_ref(), "name");
        if needs_version {
            constraints.present(self.parameter_version.as_ref(), "parameterVersion");
        }
        constraints.count(&self.labels, "labels", 1, MOST_LABELS);
        for label in &self.labels {
            constraints.length(label, "labels", 1, 100);
        }
        constraints.finish(VALIDATION)
    }

    fn parameter(&self, work: &Work) -> Result<Parameter, Refusal> {
        let name = name::checked(work.place, self.name.as_deref().unwrap_or_default())?;
        parameter::find(work.tx, work.place, name::key(name))
    }

    /// Returns the position of the named version, or of the latest if the request names none.
    fn index(&self, parameter: &Parameter) -> Result<usize, Refusal> {
        let Some(number) = self.parameter_version else {
            return Ok(parameter.versions.len().saturating_sub(1));
        };
        parameter
            .versions
            .iter()
            .position(|version| i64::try_from(version.number) == Ok(number))
            .ok_or_else(|| no_version(number, &parameter.name))
    }
}

fn is_valid(label: &str) -> bool {
    let lower = label.to_ascii_lowercase();
    !lower.starts_with("aws")
        && !lower.starts_with("ssm")
        && !label.starts_with(|c: char| c.is_ascii_digit())
        && label
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}

/// `LabelParameterVersion`: moves labels that another version has.
pub(super) fn add(work: &Work) -> Result<Value, Refusal> {
    let given: Input = work.input()?;
    given.check(false)?;
    let mut parameter = given.parameter(work)?;
    let at = given.index(&parameter)?;
    let (valid, invalid): (Vec<_>, Vec<_>) = given
        .labels
        .iter()
        .cloned()
        .partition(|label| is_valid(label));
    for version in &mut parameter.versions {
        version.labels.retain(|label| !valid.contains(label));
    }
    let Some(version) = parameter.versions.get_mut(at) else {
        return Err(no_version(0, &parameter.name));
    };
    version.labels.extend(valid);
    if version.labels.len() > MOST_LABELS {
        return Err(Refusal::new(
            400,
            "ParameterVersionLabelLimitExceeded",
            "A parameter version can have maximum 10 labels. Move one or more labels to another version and try again.",
        ));
    }
    let output = json!({ "InvalidLabels": invalid, "ParameterVersion": version.number });
    work.tx.put(work.place, &parameter)?;
    Ok(output)
}

/// `UnlabelParameterVersion`.
pub(super) fn remove(work: &Work) -> Result<Value, Refusal> {
    let given: Input = work.input()?;
    given.check(true)?;
    let mut parameter = given.parameter(work)?;
    let at = given.index(&parameter)?;
    let Some(version) = parameter.versions.get_mut(at) else {
        return Err(no_version(0, &parameter.name));
    };
    let asked: BTreeSet<String> = given.labels.into_iter().collect();
    let (removed, invalid): (Vec<_>, Vec<_>) = asked
        .into_iter()
        .partition(|label| version.labels.remove(label));
    work.tx.put(work.place, &parameter)?;
    Ok(json!({ "RemovedLabels": removed, "InvalidLabels": invalid }))
}
