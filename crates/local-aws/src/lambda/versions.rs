//! Published versions.

use serde::Deserialize;

use super::alias::Alias;
use super::change;
use super::function::{self, Function, View, key};
use super::functions::page;
use super::name::{LATEST, Named};
use super::refusals::{conflict, invalid};
use super::update::check_revision;
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::clock::Moment;
use crate::cloud::Cloud;
use crate::place::Place;
use crate::store::Tx;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Publish {
    code_sha256: Option<String>,
    description: Option<String>,
    revision_id: Option<String>,
}

pub(super) fn publish_version(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let named = Named::of(call)?;
    let input: Publish = call.input()?;
    let body = change(cloud, |tx| {
        let now = cloud.now();
        let function = function::to_change(cloud, tx, &call.place, &named)?;
        check_revision(&function, input.revision_id.as_deref())?;
        function.check_changeable(&call.place, now)?;
        if let Some(asked) = input.code_sha256
            && asked != function.code_sha256
        {
            return Err(invalid(format!(
                "CodeSHA256 ({asked}) is different from current CodeSHA256 in $LATEST ({}). Please try again with the \
                 CodeSHA256 in $LATEST.",
                function.code_sha256
            )));
        }
        let version = publish(tx, &call.place, function, input.description, now)?;
        Ok(version.describe(&call.place, None, View::At(now)))
    })?;
    Ok(Answer::json(201, body))
}

/// A version of `$LATEST` as it is, or the last one if nothing has changed since.
pub(super) fn publish(
    tx: &Tx,
    place: &Place,
    mut latest: Function,
    description: Option<String>,
    now: Moment,
) -> Result<Function, Refusal> {
    let last = latest.next_version - 1;
    if let Some(last) = tx.get::<Function>(place, &key(&latest.name, &last.to_string()))? {
        let is_same = last.code_sha256 == latest.code_sha256
            && last.architecture == latest.architecture
            && last.settings
                == (super::settings::Settings {
                    description: last.settings.description.clone(),
                    ..latest.settings.clone()
                });
        if is_same {
            return Ok(last);
        }
    }
    let mut version = Function {
        version: latest.next_version.to_string(),
        modified: now,
        made: now,
        ..latest.clone()
    };
    if let Some(description) = description {
        version.settings.description = description;
    }
    version.touch();
    latest.next_version += 1;
    latest.touch();
    tx.put(place, &version)?;
    tx.put(place, &latest)?;
    Ok(version)
}

pub(super) fn list(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let named = Named::of(call)?;
    let mut versions = cloud.store.transact(|tx| {
        function::read(cloud, tx, &call.place, &named)?;
        tx.list::<Function>(&call.place, &key(&named.name, ""))
    })?;
    // `$LATEST` is first, then they are in the order of their numbers.
    versions.sort_by_key(|function| function.version.parse::<u64>().unwrap_or(0));
    let described = versions.into_iter().map(|function| {
        let number = function.version.parse::<u64>().unwrap_or(0);
        let described = function.describe(&call.place, Some(&function.version), View::Listed);
        (format!("{number:020}"), described)
    });
    page(call, "Versions", described.collect())
}

/// Deletes one version; one that is not there is gone already.
pub(super) fn remove(tx: &Tx, place: &Place, name: &str, version: &str) -> Result<(), Refusal> {
    let is_number = version.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number || version == LATEST {
        return Err(invalid("Deletion of aliases is not currently supported."));
    }
    let aliases = tx.list::<Alias>(place, &key(name, ""))?;
    let using: Vec<&str> = aliases
        .iter()
        .filter(|alias| alias.version == version)
        .map(|alias| alias.name.as_str())
        .collect();
    if !using.is_empty() {
        return Err(conflict(format!(
            "Version {version} is referenced by alias(es): {}",
            using.join(", ")
        )));
    }
    tx.remove::<Function>(place, &key(name, version))?;
    Ok(())
}
