//! Aliases: names for versions.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::checks::{Checks, is_word};
use super::function::{self, Function, key};
use super::functions::page;
use super::name::{LATEST, Named, arn};
use super::refusals::{conflict, no_function, not_found, not_here, stale};
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
    revision: String,
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
    additional_version_weights: Option<std::collections::BTreeMap<String, f64>>,
}

impl Input {
    fn check_support(&self) -> Result<(), Refusal> {
        let weights = self
            .routing_config
            .as_ref()
            .and_then(|routing| routing.additional_version_weights.as_ref());
        if weights.is_some_and(|weights| !weights.is_empty()) {
            return Err(not_here("weighted aliases"));
        }
        Ok(())
    }
}

impl Alias {
    fn describe(&self, place: &Place) -> Value {
        json!({
            "AliasArn": alias_arn(place, &self.function, &self.name),
            "Name": self.name,
            "FunctionVersion": self.version,
            "Description": self.description,
            "RevisionId": self.revision,
        })
    }
}

fn alias_arn(place: &Place, function: &str, name: &str) -> String {
    format!("{}:{name}", arn(place, function))
}

fn find(tx: &Tx, call: &Call, named: &Named) -> Result<Alias, Refusal> {
    let name = call.label("Name");
    tx.get::<Alias>(&call.place, &key(&named.name, name))?
        .ok_or_else(|| {
            not_found(format!(
                "Cannot find alias arn: {}",
                alias_arn(&call.place, &named.name, name)
            ))
        })
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
    input.check_support()?;
    let mut checks = Checks::default();
    match &input.name {
        None => checks.missing("name"),
        Some(name) => {
            checks.length(name, "name", 1, 128);
            let is_number = name.bytes().all(|byte| byte.is_ascii_digit());
            let fits = is_word(name) && !is_number;
            checks.pattern(name, "name", "(?!^[0-9]+$)([a-zA-Z0-9-_]+)", fits);
        }
    }
    if input.function_version.is_none() {
        checks.missing("functionVersion");
    }
    checks.finish()?;
    let alias = Alias {
        function: named.name.clone(),
        name: input.name.unwrap_or_default(),
        version: input.function_version.unwrap_or_default(),
        description: input.description.unwrap_or_default(),
        revision: ids::uuid(),
    };
    change(cloud, |tx| {
        function::to_change(cloud, tx, &call.place, &named)?;
        check_version(tx, &call.place, &named.name, &alias.version)?;
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

pub(super) fn update(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let named = Named::of(call)?;
    let input: Input = call.input()?;
    input.check_support()?;
    let alias = change(cloud, |tx| {
        function::to_change(cloud, tx, &call.place, &named)?;
        let mut alias = find(tx, call, &named)?;
        if input
            .revision_id
            .is_some_and(|asked| asked != alias.revision)
        {
            return Err(stale("GetFunction/GetAlias"));
        }
        if let Some(version) = input.function_version {
            check_version(tx, &call.place, &named.name, &version)?;
            alias.version = version;
        }
        if let Some(description) = input.description {
            alias.description = description;
        }
        alias.revision = ids::uuid();
        tx.put(&call.place, &alias)?;
        Ok(alias)
    })?;
    Ok(Answer::ok(alias.describe(&call.place)))
}

pub(super) fn get(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let named = Named::of(call)?;
    let alias = cloud.store.transact(|tx| {
        function::to_change(cloud, tx, &call.place, &named)?;
        find(tx, call, &named)
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
        tx.remove::<Alias>(&call.place, &key(&named.name, call.label("Name")))
    })?;
    Ok(Answer::empty(204))
}

pub(super) fn list(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let named = Named::of(call)?;
    let aliases = cloud.store.transact(|tx| {
        function::read(cloud, tx, &call.place, &named)?;
        tx.list::<Alias>(&call.place, &key(&named.name, ""))
    })?;
    let of = call.parameter("FunctionVersion");
    let described = aliases
        .into_iter()
        .filter(|alias| of.is_none_or(|version| version == alias.version))
        .map(|alias| (alias.name.clone(), alias.describe(&call.place)));
    page(call, "Aliases", described.collect())
}
