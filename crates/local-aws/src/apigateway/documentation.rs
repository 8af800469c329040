//! Documentation of an API: its parts, and versions of them that were published.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::patch::{self, Kind, REPLACE, Rule, Wording, rule};
use super::refusal::{Violations, bad_request, conflict, no_stage, not_found, null_member};
use super::rest_api;
use super::stage::Stage;
use super::{page, shown};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::clock::Moment;
use crate::cloud::Cloud;
use crate::ids;
use crate::store::{Record, Tx};

/// All of one API's.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Documentation {
    api: String,
    /// By id.
    pub(super) parts: BTreeMap<String, Part>,
    versions: BTreeMap<String, Version>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Part {
    id: String,
    pub(super) location: Location,
    /// JSON.
    pub(super) properties: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Location {
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) method: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    #[serde(rename = "version")]
    name: String,
    created_date: Moment,
    description: Option<String>,
    /// As they were then.
    snapshot: BTreeMap<String, Part>,
}

impl Record for Documentation {
    const KIND: &'static str = "rest-api-documentation";

    fn key(&self) -> String {
        self.api.clone()
    }
}

/// In the order of AWS's message.
const TYPES: &[&str] = &[
    "RESPONSE_BODY",
    "RESPONSE",
    "METHOD",
    "MODEL",
    "AUTHORIZER",
    "RESPONSE_HEADER",
    "RESOURCE",
    "PATH_PARAMETER",
    "REQUEST_BODY",
    "QUERY_PARAMETER",
    "API",
    "REQUEST_HEADER",
];

const PART_RULES: &[Rule] = &[rule("/properties", REPLACE, Kind::Text)];
const VERSION_RULES: &[Rule] = &[rule("/description", REPLACE, Kind::Text)];

/// The documentation of an API that is there.
pub(super) fn of(tx: &Tx, call: &Call, api: &str) -> Result<Documentation, Refusal> {
    let found = tx.get(&call.place, api)?;
    Ok(found.unwrap_or_else(|| Documentation {
        api: api.to_owned(),
        parts: BTreeMap::new(),
        versions: BTreeMap::new(),
    }))
}

impl Documentation {
    /// Adds parts, or puts them in the place of those with their locations; with `alone`, no others stay. Returns their ids.
    pub(super) fn import(
        &mut self,
        parts: Vec<(Location, String)>,
        alone: bool,
    ) -> Result<Vec<String>, Refusal> {
        let former = self.parts.clone();
        if alone {
            self.parts.clear();
        }
        let mut ids = Vec::new();
        for (location, properties) in parts {
            if !TYPES.contains(&location.kind.as_str()) {
                return Err(bad_request(format!(
                    "Invalid documentation part location type specified: {}",
                    location.kind
                )));
            }
            let same = former.values().find(|part| part.location == location);
            let id = same.map_or_else(|| ids::lower(6), |part| part.id.clone());
            ids.push(id.clone());
            let part = Part {
                id: id.clone(),
                location,
                properties,
            };
            self.parts.insert(id, part);
        }
        Ok(ids)
    }

    /// Refuses a version that has not been published.
    pub(super) fn check_version(&self, version: &str) -> Result<(), Refusal> {
        match self.versions.get(version) {
            Some(_) => Ok(()),
            None => Err(no_version()),
        }
    }
}

fn no_part() -> Refusal {
    not_found("Invalid Documentation part identifier specified")
}

fn no_version() -> Refusal {
    not_found("Invalid Documentation version specified")
}

fn check_properties(properties: &str) -> Result<(), Refusal> {
    match serde_json::from_str::<Map<String, Value>>(properties) {
        Ok(_) => Ok(()),
        Err(_) => Err(bad_request(
            "Documentation part properties must be a JSON object",
        )),
    }
}

impl Location {
    /// `type 'METHOD', path '/pets', method 'GET'`.
    fn told(&self) -> String {
        let kind = Some(self.kind.clone());
        let members = [
            ("type", &kind),
            ("path", &self.path),
            ("method", &self.method),
            ("statusCode", &self.status_code),
            ("name", &self.name),
        ];
        let told: Vec<String> = members
            .into_iter()
            .filter_map(|(name, value)| Some(format!("{name} '{}'", value.as_ref()?)))
            .collect();
        told.join(", ")
    }
}

pub(super) fn create_part(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    #[derive(Deserialize)]
    struct Input {
        location: Option<SentLocation>,
        properties: Option<String>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct SentLocation {
        #[serde(rename = "type")]
        kind: Option<String>,
        path: Option<String>,
        method: Option<String>,
        status_code: Option<String>,
        name: Option<String>,
    }
    let input: Input = call.input()?;
    let input_of = |member: &str| format!("createDocumentationPartInput.{member}");
    let sent = input
        .location
        .ok_or_else(|| null_member(&input_of("location")))?;
    let kind = sent
        .kind
        .ok_or_else(|| null_member(&input_of("location.type")))?;
    let properties = input
        .properties
        .ok_or_else(|| null_member(&input_of("properties")))?;
    let mut violations = Violations::default();
    violations.one_of(&kind, &input_of("location.type"), TYPES);
    violations.refuse()?;
    let part = Part {
        id: ids::lower(6),
        location: Location {
            kind,
            path: sent.path,
            method: sent.method,
            status_code: sent.status_code,
            name: sent.name,
        },
        properties,
    };
    cloud.store.transact(|tx| {
        let api = rest_api::named(tx, call)?;
        check_properties(&part.properties)?;
        let mut documentation = of(tx, call, &api.id)?;
        let mut others = documentation.parts.values();
        if others.any(|other| other.location == part.location) {
            return Err(conflict(format!(
                "Documentation part already exists for the specified location: {}",
                part.location.told()
            )));
        }
        documentation.parts.insert(part.id.clone(), part.clone());
        tx.put(&call.place, &documentation)
    })?;
    let shown = shown::record(&part, shown::Tags::IfAny)?;
    Ok(Answer::json(201, shown.into()))
}

fn existing(tx: &Tx, call: &Call) -> Result<Option<Documentation>, Refusal> {
    tx.get(&call.place, call.label("restapi_id"))
}

pub(super) fn get_part(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let documentation = cloud.store.transact(|tx| existing(tx, call))?;
    let part = documentation
        .and_then(|mut documentation| documentation.parts.remove(call.label("part_id")))
        .ok_or_else(no_part)?;
    Ok(Answer::ok(shown::record(&part, shown::Tags::IfAny)?.into()))
}

/// `locationStatus` tells those that have been written from those that could be.
pub(super) fn list_parts(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let asked = |name: &str| call.parameter(name).filter(|value| !value.is_empty());
    if let Some(status) = asked("locationStatus") {
        let mut violations = Violations::default();
        violations.one_of(status, "locationStatus", &["UNDOCUMENTED", "DOCUMENTED"]);
        violations.refuse()?;
        if status == "UNDOCUMENTED" {
            return Err(super::refusal::unsupported(
                "the locationStatus UNDOCUMENTED",
            ));
        }
    }
    let documentation = cloud.store.transact(|tx| {
        let api = rest_api::named(tx, call)?;
        of(tx, call, &api.id)
    })?;
    let entries = documentation
        .parts
        .values()
        .filter(|part| {
            let Location {
                kind, path, name, ..
            } = &part.location;
            asked("type").is_none_or(|wanted| wanted == kind)
                && asked("path").is_none_or(|wanted| path.as_deref() == Some(wanted))
                && asked("name")
                    .is_none_or(|wanted| name.as_deref().unwrap_or_default().contains(wanted))
        })
        .map(|part| {
            let shown = shown::record(part, shown::Tags::IfAny)?;
            Ok((part.id.clone(), shown))
        })
        .collect::<Result<_, Refusal>>()?;
    page::answer(call, entries)
}

pub(super) fn update_part(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let operations = patch::operations(call)?;
    let part = cloud.store.transact(|tx| {
        let mut documentation = existing(tx, call)?.ok_or_else(no_part)?;
        let part = documentation.parts.get_mut(call.label("part_id"));
        let part = part.ok_or_else(no_part)?;
        for operation in &operations {
            operation.check_rule(PART_RULES, Wording::Listing)?;
            check_properties(operation.text())?;
            operation.apply(part, PART_RULES, Wording::Listing)?;
        }
        let part = part.clone();
        tx.put(&call.place, &documentation)?;
        Ok(part)
    })?;
    Ok(Answer::ok(shown::record(&part, shown::Tags::IfAny)?.into()))
}

pub(super) fn delete_part(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    cloud.store.transact(|tx| {
        let api = rest_api::named(tx, call)?;
        let mut documentation = of(tx, call, &api.id)?;
        documentation
            .parts
            .remove(call.label("part_id"))
            .ok_or_else(no_part)?;
        tx.put(&call.place, &documentation)
    })?;
    Ok(Answer::empty(202))
}

pub(super) fn create_version(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Input {
        documentation_version: Option<String>,
        stage_name: Option<String>,
        description: Option<String>,
    }
    let input: Input = call.input()?;
    let name = input
        .documentation_version
        .ok_or_else(|| null_member("createDocumentationVersionInput.documentationVersion"))?;
    if name.is_empty() {
        return Err(bad_request("Documentation version must be non-empty"));
    }
    let now = cloud.now();
    let version = cloud.store.transact(|tx| {
        let api = rest_api::named(tx, call)?;
        let mut documentation = of(tx, call, &api.id)?;
        if documentation.versions.contains_key(&name) {
            return Err(conflict("Documentation version already exists"));
        }
        let version = Version {
            name: name.clone(),
            created_date: now,
            description: input.description.filter(|text| !text.is_empty()),
            snapshot: documentation.parts.clone(),
        };
        if let Some(stage) = input.stage_name.filter(|stage| !stage.is_empty()) {
            let key = format!("{}/{stage}", api.id);
            let mut stage: Stage = tx.get(&call.place, &key)?.ok_or_else(no_stage)?;
            stage.documentation_version = Some(name.clone());
            tx.put(&call.place, &stage)?;
        }
        documentation.versions.insert(name, version.clone());
        tx.put(&call.place, &documentation)?;
        Ok(version)
    })?;
    let shown = shown::record(&version, shown::Tags::IfAny)?;
    Ok(Answer::json(201, shown.into()))
}

pub(super) fn get_version(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let documentation = cloud.store.transact(|tx| existing(tx, call))?;
    let version = documentation
        .and_then(|mut documentation| documentation.versions.remove(call.label("doc_version")))
        .ok_or_else(no_version)?;
    Ok(Answer::ok(
        shown::record(&version, shown::Tags::IfAny)?.into(),
    ))
}

pub(super) fn list_versions(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let documentation = cloud.store.transact(|tx| {
        let api = rest_api::named(tx, call)?;
        of(tx, call, &api.id)
    })?;
    let entries = documentation
        .versions
        .values()
        .map(|version| {
            let shown = shown::record(version, shown::Tags::IfAny)?;
            Ok((version.name.clone(), shown))
        })
        .collect::<Result<_, Refusal>>()?;
    page::answer(call, entries)
}

pub(super) fn update_version(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let operations = patch::operations(call)?;
    let version = cloud.store.transact(|tx| {
        let mut documentation = existing(tx, call)?.ok_or_else(no_version)?;
        let version = documentation.versions.get_mut(call.label("doc_version"));
        let version = version.ok_or_else(no_version)?;
        for operation in &operations {
            operation.apply(version, VERSION_RULES, Wording::Listing)?;
        }
        let version = version.clone();
        tx.put(&call.place, &documentation)?;
        Ok(version)
    })?;
    Ok(Answer::ok(
        shown::record(&version, shown::Tags::IfAny)?.into(),
    ))
}

/// Stages that had it have none then.
pub(super) fn delete_version(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let name = call.label("doc_version");
    cloud.store.transact(|tx| {
        let api = rest_api::named(tx, call)?;
        let mut documentation = of(tx, call, &api.id)?;
        documentation.versions.remove(name).ok_or_else(no_version)?;
        tx.put(&call.place, &documentation)?;
        for mut stage in tx.list::<Stage>(&call.place, &format!("{}/", api.id))? {
            if stage.documentation_version.as_deref() == Some(name) {
                stage.documentation_version = None;
                tx.put(&call.place, &stage)?;
            }
        }
        Ok(())
    })?;
    Ok(Answer::empty(202))
}
