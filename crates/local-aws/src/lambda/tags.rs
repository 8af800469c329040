//! Tags of functions.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex_lite::Regex;
use serde::Deserialize;
use serde_json::json;

use super::change;
use super::checks::Checks;
use super::function::{self, Function};
use super::name::{LATEST, Named, arn};
use super::refusals::{invalid, not_found, not_here};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::cloud::Cloud;
use crate::place::Place;
use crate::store::Tx;
use crate::tagging::Tagged;

/// AWS: "Lambda: tags per function".
const MOST: usize = 50;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    tags: Option<BTreeMap<String, String>>,
}

pub(super) fn check(tags: &BTreeMap<String, String>) -> Result<(), Refusal> {
    let mut checks = Checks::default();
    for (key, value) in tags {
        checks.length(key, "tags", 1, 128);
        checks.length(value, "tags", 0, 256);
    }
    checks.finish()?;
    if tags
        .keys()
        .any(|key| key.to_lowercase().starts_with("aws:"))
    {
        return Err(invalid(
            "aws: prefixed tag key names are not allowed for external use.",
        ));
    }
    check_count(tags)
}

fn check_count(tags: &BTreeMap<String, String>) -> Result<(), Refusal> {
    if tags.len() > MOST {
        return Err(invalid("Number of tags exceeds resource tag limit."));
    }
    Ok(())
}

const PATTERN: &str = r"arn:(aws[a-zA-Z-]*):lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:(function:[a-zA-Z0-9-_]+(:(\$LATEST|[a-zA-Z0-9-_]+))?|layer:([a-zA-Z0-9-_]+)|code-signing-config:csc-[a-z0-9]{17}|event-source-mapping:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|capacity-provider:[a-zA-Z0-9-_]+)";

static FORM: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"^arn:aws[a-zA-Z-]*:lambda:(?:eusc-)?[a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-\d:\d{12}:(?:(function):[a-zA-Z0-9_-]+(?::(?:\$LATEST|[a-zA-Z0-9_-]+))?|(layer):[a-zA-Z0-9_-]+|(code-signing-config):csc-[a-z0-9]{17}|(event-source-mapping):[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|(capacity-provider):[a-zA-Z0-9_-]+)$",
    )
    .expect("the pattern is one")
});

/// The function whose tags a call is about; of the other kinds of things with tags there are none (texts: localstack,
/// `test_tag_exceptions`).
fn named(call: &Call) -> Result<Named, Refusal> {
    let resource = call.label("Resource");
    let mut checks = Checks::default();
    let parts = FORM.captures(resource);
    checks.pattern(resource, "resource", PATTERN, parts.is_some());
    checks.finish()?;
    let is = |at: usize| parts.as_ref().is_some_and(|parts| parts.get(at).is_some());
    if is(2) {
        return Err(not_here("tags of layers"));
    }
    for (at, kind) in [
        (3, "Code signing config"),
        (4, "Event source mapping"),
        (5, "Capacity provider"),
    ] {
        if is(at) {
            return Err(not_found(format!("{kind} not found: {resource}")));
        }
    }
    let named = Named::at(&call.place, resource)?;
    if named.qualifier.is_some() {
        return Err(invalid(
            "Tags on function aliases and versions are not supported. Please specify a function ARN.",
        ));
    }
    Ok(named)
}

/// Returns the ARN and tags of every function that is not being deleted.
pub(crate) fn tagged(tx: &Tx, place: &Place) -> Result<Tagged, Refusal> {
    let all = tx.list::<Function>(place, "")?.into_iter();
    Ok(all
        .filter(|function| function.version == LATEST && function.gone_at.is_none())
        .map(|function| (arn(place, &function.name), function.tags))
        .collect())
}

pub(super) fn add(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let named = named(call)?;
    let input: Input = call.input()?;
    let tags = input.tags.filter(|tags| !tags.is_empty());
    let Some(tags) = tags else {
        return Err(invalid(
            "An error occurred and the request cannot be processed.",
        ));
    };
    check(&tags)?;
    change(cloud, |tx| {
        let mut function = function::to_change(cloud, tx, &call.place, &named)?;
        function.tags.extend(tags);
        check_count(&function.tags)?;
        tx.put(&call.place, &function)
    })?;
    Ok(Answer::empty(204))
}

pub(super) fn remove(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let named = named(call)?;
    let keys: Vec<&str> = call.parameters("tagKeys").collect();
    if keys.is_empty() {
        let mut checks = Checks::default();
        checks.missing("tagKeys");
        checks.finish()?;
    }
    change(cloud, |tx| {
        let mut function = function::to_change(cloud, tx, &call.place, &named)?;
        function.tags.retain(|key, _| !keys.contains(&key.as_str()));
        tx.put(&call.place, &function)
    })?;
    Ok(Answer::empty(204))
}

pub(super) fn list(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let named = named(call)?;
    let function = cloud
        .store
        .transact(|tx| function::read(cloud, tx, &call.place, &named))?;
    Ok(Answer::ok(json!({ "Tags": function.tags })))
}
