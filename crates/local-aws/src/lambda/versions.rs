//! Published versions.

use serde::Deserialize;
use serde_json::Value;

use super::alias::Alias;
use super::checks::Checks;
use super::event_config::EventConfig;
use super::function::{self, Function, View, key};
use super::functions::Page;
use super::name::Named;
use super::policy::Policy;
use super::refusals::{conflict, invalid};
use super::settings::refuse_any;
use super::update::check_revision;
use super::{change, storage};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::clock::Moment;
use crate::cloud::Cloud;
use crate::ids;
use crate::place::Place;
use crate::store::Tx;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Publish {
    code_sha256: Option<String>,
    description: Option<String>,
    revision_id: Option<String>,
    #[serde(rename = "PublishTo")]
    to: Option<Value>,
}

pub(super) fn publish_version(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let named = Named::of(call)?;
    let input: Publish = call.input()?;
    let mut checks = Checks::default();
    if let Some(description) = &input.description {
        checks.length(description, "description", 0, 256);
    }
    checks.finish()?;
    refuse_any(&[("PublishTo", &input.to)])?;
    let body = change(cloud, |tx| {
        let now = cloud.now();
        let function = function::to_change(cloud, tx, &call.place, &named)?;
        check_revision(&function, input.revision_id.as_deref(), now)?;
        function.check_changeable(&call.place, now)?;
        if let Some(asked) = input.code_sha256.filter(|asked| !asked.is_empty())
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

/// The version of a function that is being created or changed: it is pending as long as that is.
pub(super) fn publish_with_change(
    tx: &Tx,
    place: &Place,
    latest: Function,
    now: Moment,
) -> Result<Function, Refusal> {
    let ready_at = latest.active_at.max(latest.updated_at);
    let number = latest.next_version.to_string();
    let mut version = publish(tx, place, latest, None, now)?;
    if version.version != number {
        return Ok(version);
    }
    version.active_at = ready_at;
    version.touch_twice();
    tx.put(place, &version)?;
    Ok(version)
}

/// A version of `$LATEST` as it is, or the last one if nothing has changed since.
pub(super) fn publish(
    tx: &Tx,
    place: &Place,
    mut latest: Function,
    description: Option<String>,
    now: Moment,
) -> Result<Function, Refusal> {
    let contents = latest.contents();
    let last = key(&latest.name, &(latest.next_version - 1).to_string());
    if let Some(last) = tx.get::<Function>(place, &last)? {
        // Earlier state does not say what was published; the version does, but for its description.
        let published = latest.published.clone().unwrap_or_else(|| {
            let mut as_latest = last.clone();
            as_latest
                .settings
                .description
                .clone_from(&latest.settings.description);
            as_latest.contents()
        });
        if published == contents {
            return Ok(last);
        }
    }
    storage::check(tx, place, latest.code_size)?;
    let mut version = Function {
        version: latest.next_version.to_string(),
        modified: now,
        made: now,
        published: None,
        ..latest.clone()
    };
    if let Some(description) = description {
        version.settings.description = description;
    }
    version.touch();
    latest.next_version += 1;
    latest.published = Some(contents);
    // What is under way keeps its revision until its end.
    latest.revision = ids::uuid();
    if now >= latest.active_at.max(latest.updated_at) {
        latest.passing_revision.clone_from(&latest.revision);
    }
    tx.put(place, &version)?;
    tx.put(place, &latest)?;
    Ok(version)
}

pub(super) fn list(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let named = Named::of(call)?.latest();
    let page = Page::of(call, 10_000)?;
    let now = cloud.now();
    let mut versions = cloud.store.transact(|tx| {
        function::read(cloud, tx, &call.place, &named)?;
        tx.list::<Function>(&call.place, &key(&named.name, ""))
    })?;
    // `$LATEST` is first, then they are in the order of their numbers.
    versions.sort_by_key(|function| function.version.parse::<u64>().unwrap_or(0));
    let described = versions.into_iter().map(|function| {
        let number = function.version.parse::<u64>().unwrap_or(0);
        let described = function.describe(&call.place, Some(&function.version), View::Listed(now));
        (format!("{number:020}"), described)
    });
    Ok(page.answer("Versions", described.collect()))
}

/// Deletes one version; one that is not there is gone already.
pub(super) fn remove(tx: &Tx, place: &Place, name: &str, version: &str) -> Result<(), Refusal> {
    let aliases = tx.list::<Alias>(place, &key(name, ""))?;
    let using: Vec<&str> = aliases
        .iter()
        .filter(|alias| alias.uses(version))
        .map(|alias| alias.name.as_str())
        .collect();
    if !using.is_empty() {
        // As in karl-cardenas-coding/go-lambda-cleanup#45.
        return Err(conflict(format!(
            "Unable to delete version because the following aliases reference it: [{}]",
            using.join(", ")
        )));
    }
    let key = key(name, version);
    tx.remove::<Function>(place, &key)?;
    tx.remove::<Policy>(place, &key)?;
    tx.remove::<EventConfig>(place, &key)?;
    Ok(())
}
