//! Deletion of parameters, with all versions and tags.

use serde::Deserialize;
use serde_json::{Value, json};

use super::parameter::Parameter;
use super::refusal::{VALIDATION, not_found};
use super::{Work, name};
use crate::answer::Refusal;
use crate::constraints::Constraints;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct One {
    name: Option<String>,
}

pub(super) fn one(work: &Work) -> Result<Value, Refusal> {
    let given: One = work.input()?;
    let mut constraints = Constraints::default();
    constraints.present(given.name.as_ref(), "name");
    constraints.finish(VALIDATION)?;
    if delete(work, given.name.as_deref().unwrap_or_default())? {
        Ok(json!({}))
    } else {
        Err(not_found())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Many {
    #[serde(default)]
    names: Vec<String>,
}

pub(super) fn many(work: &Work) -> Result<Value, Refusal> {
    let given: Many = work.input()?;
    let mut constraints = Constraints::default();
    constraints.count(&given.names, "names", 1, 10);
    constraints.finish(VALIDATION)?;
    let (mut deleted, mut invalid) = (Vec::new(), Vec::new());
    for name in given.names {
        if delete(work, &name)? {
            deleted.push(name);
        } else {
            invalid.push(name);
        }
    }
    Ok(json!({ "DeletedParameters": deleted, "InvalidParameters": invalid }))
}

/// Returns whether there was one.
fn delete(work: &Work, name: &str) -> Result<bool, Refusal> {
    let name = name::checked(work.place, name)?;
    work.tx.remove::<Parameter>(work.place, name::key(name))
}
