//! Aliases: names for versions, one or two of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::checks::{Checks, is_word};
use super::event_config::EventConfig;
use super::function::{self, Function, key};
use super::functions::Page;
use super::name::{LATEST, Named, arn, is_number};
use super::policy::Policy;
use super::refusals::{conflict, invalid, no_alias, no_function, not_found, stale};
use super::{change, url};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::cloud::Cloud;
use crate::ids;
use crate::place::Place;
use crate::store::{Record, Tx};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Alias {
    pub(super) function: String,
    pub(super) name: String,
    pub(super) version: String,
    description: String,
    pub(super) revision: String,
    /// Another version, and the part of the invocations that it gets.
    #[serde(default)]
    pub(super) additional: Option<(String, f64)>,
}

impl Record for Alias {
    const KIND: &'static str = "lambda-alias";

    fn key(&self) -> String {
        key(&self.function, &self.name)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    name: Option<String>,
    function_version: Option<String>,
    description: Option<String>,
    routing_config: Option<Routing>,
    revision_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Routing {
    additional_version_weights: Option<BTreeMap<String, f64>>,
}

impl Input {
    fn weights(&self) -> Option<&BTreeMap<String, f64>> {
        self.routing_config
            .as_ref()?
            .additional_version_weights
            .as_ref()
    }

    /// Texts: localstack, `test_notfound_and_invalid_routingconfigs`.
    fn check(&self, mut checks: Checks) -> Result<(), Refusal> {
        if let Some(version) = &self.function_version {
            checks.length(version, "functionVersion", 1, 1024);
            let fits = version == LATEST || version == "$LATEST.PUBLISHED" || is_number(version);
            let pattern = r"(\$LATEST(\.PUBLISHED)?|[0-9]+)";
            checks.pattern(version, "functionVersion", pattern, fits);
        }
        if let Some(description) = &self.description {
            checks.length(description, "description", 0, 256);
        }
        if let Some(weights) = self.weights() {
            let member = "routingConfig.additionalVersionWeights";
            if !weights.keys().all(|version| is_number(version)) {
                checks.fail_whole(
                    shown(weights),
                    member,
                    "Map keys must satisfy constraint: [Member must have length less than or equal to 1024, Member must \
                     have length greater than or equal to 1, Member must satisfy regular expression pattern: [0-9]+]",
                );
            }
            if !weights.values().all(|weight| (0.0..=1.0).contains(weight)) {
                checks.fail_whole(
                    shown(weights),
                    member,
                    "Map value must satisfy constraint: [Member must have value less than or equal to 1.0, Member must \
                     have value greater than or equal to 0.0, Member must not be null]",
                );
            }
        }
        checks.finish()?;
        if self.weights().is_some_and(|weights| weights.len() > 1) {
            return Err(invalid(
                "Number of items in AdditionalVersionWeights cannot be greater than 1",
            ));
        }
        Ok(())
    }
}

/// A map as AWS writes it in its refusals.
fn shown(weights: &BTreeMap<String, f64>) -> String {
    let pairs: Vec<String> = weights
        .iter()
        .map(|(version, weight)| format!("{version}={weight:?}"))
        .collect();
    format!("{{{}}}", pairs.join(", "))
}

impl Alias {
    /// Returns true if it leads to the version, always or now and then.
    pub(super) fn uses(&self, version: &str) -> bool {
        self.version == version
            || self
                .additional
                .as_ref()
                .is_some_and(|(other, _)| other == version)
    }

    fn describe(&self, place: &Place) -> Value {
        let mut out = json!({
            "AliasArn": alias_arn(place, &self.function, &self.name),
            "Name": self.name,
            "FunctionVersion": self.version,
            "Description": self.description,
            "RevisionId": self.revision,
        });
        if let Some((version, weight)) = &self.additional {
            out["RoutingConfig"] = json!({ "AdditionalVersionWeights": { version: weight } });
        }
        out
    }

    /// Refuses versions that are not there or cannot be together.
    fn check(&self, tx: &Tx, place: &Place) -> Result<(), Refusal> {
        check_version(tx, place, &self.function, &self.version)?;
        let Some((other, _)) = &self.additional else {
            return Ok(());
        };
        if self.version == LATEST {
            return Err(invalid(
                "$LATEST is not supported for an alias pointing to more than 1 version",
            ));
        }
        if *other == self.version {
            return Err(invalid(format!(
                "Invalid function version {other}. Function version {other} is already included in routing configuration."
            )));
        }
        check_version(tx, place, &self.function, other)
    }
}

fn alias_arn(place: &Place, function: &str, name: &str) -> String {
    format!("{}:{name}", arn(place, function))
}

fn find(tx: &Tx, call: &Call, named: &Named) -> Result<Option<Alias>, Refusal> {
    tx.get::<Alias>(&call.place, &key(&named.name, call.label("Name")))
}

fn check_version(tx: &Tx, place: &Place, function: &str, version: &str) -> Result<(), Refusal> {
    if version != LATEST
        && tx
            .get::<Function>(place, &key(function, version))?
            .is_none()
    {
        return Err(no_function(&format!("{}:{version}", arn(place, function))));
    }
    Ok(())
}

pub(super) fn create(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let named = Named::of(call)?;
    let input: Input = call.input()?;
    let mut checks = Checks::default();
    match &input.name {
        None => checks.missing("name"),
        Some(name) => {
            checks.length(name, "name", 1, 128);
            let fits = is_word(name) && !is_number(name);
            checks.pattern(name, "name", "(?!^[0-9]+$)([a-zA-Z0-9-_]+)", fits);
        }
    }
    if input.function_version.is_none() {
        checks.missing("functionVersion");
    }
    input.check(checks)?;
    let alias = Alias {
        function: named.name.clone(),
        additional: input.weights().and_then(first),
        name: input.name.unwrap_or_default(),
        version: input.function_version.unwrap_or_default(),
        description: input.description.unwrap_or_default(),
        revision: ids::uuid(),
    };
    change(cloud, |tx| {
        if function::latest(cloud, tx, &call.place, &named.name)?.is_none() {
            let arn = arn(&call.place, &named.name);
            return Err(no_function(&format!("{arn}:{}", alias.version)));
        }
        alias.check(tx, &call.place)?;
        if tx.get::<Alias>(&call.place, &alias.key())?.is_some() {
            return Err(conflict(format!(
                "Alias already exists: {}",
                alias_arn(&call.place, &named.name, &alias.name)
            )));
        }
        tx.put(&call.place, &alias)
    })?;
    Ok(Answer::json(201, alias.describe(&call.place)))
}

fn first(weights: &BTreeMap<String, f64>) -> Option<(String, f64)> {
    let (version, weight) = weights.first_key_value()?;
    Some((version.clone(), *weight))
}

pub(super) fn update(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let named = Named::of(call)?;
    let input: Input = call.input()?;
    input.check(Checks::default())?;
    let alias = change(cloud, |tx| {
        function::to_change(cloud, tx, &call.place, &named)?;
        let mut alias = find(tx, call, &named)?.ok_or_else(|| {
            let arn = alias_arn(&call.place, &named.name, call.label("Name"));
            not_found(format!("Alias not found: {arn}"))
        })?;
        let asked = input.revision_id.as_ref().filter(|asked| !asked.is_empty());
        if asked.is_some_and(|asked| *asked != alias.revision) {
            return Err(stale("GetFunction/GetAlias"));
        }
        // An empty map takes the other version away; without one it stays.
        if let Some(weights) = input.weights() {
            alias.additional = first(weights);
        }
        if let Some(version) = input.function_version {
            alias.version = version;
        }
        if let Some(description) = input.description {
            alias.description = description;
        }
        alias.check(tx, &call.place)?;
        alias.revision = ids::uuid();
        tx.put(&call.place, &alias)?;
        Ok(alias)
    })?;
    Ok(Answer::ok(alias.describe(&call.place)))
}

pub(super) fn get(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let named = Named::of(call)?;
    let alias = cloud.store.transact(|tx| {
        find(tx, call, &named)?
            .ok_or_else(|| no_alias(&alias_arn(&call.place, &named.name, call.label("Name"))))
    })?;
    Ok(Answer::ok(alias.describe(&call.place)))
}

/// One that is not there is gone already.
pub(super) fn delete(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let named = Named::of(call)?;
    change(cloud, |tx| {
        function::to_change(cloud, tx, &call.place, &named)?;
        // AWS too deletes the URL with its alias (recorded by localstack, `test_lambda_url_persists_after_alias_delete`).
        url::remove(tx, &call.place, &named.name, call.label("Name"))?;
        let key = key(&named.name, call.label("Name"));
        tx.remove::<Policy>(&call.place, &key)?;
        tx.remove::<EventConfig>(&call.place, &key)?;
        tx.remove::<Alias>(&call.place, &key)
    })?;
    Ok(Answer::empty(204))
}

pub(super) fn list(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let named = Named::of(call)?;
    let page = Page::of(call, 10_000)?;
    let of = call.parameter("FunctionVersion");
    let aliases = cloud.store.transact(|tx| {
        function::read(cloud, tx, &call.place, &named.latest())?;
        tx.list::<Alias>(&call.place, &key(&named.name, ""))
    })?;
    let described = aliases
        .into_iter()
        .filter(|alias| of.is_none_or(|version| alias.uses(version)))
        .map(|alias| (alias.name.clone(), alias.describe(&call.place)));
    Ok(page.answer("Aliases", described.collect()))
}
