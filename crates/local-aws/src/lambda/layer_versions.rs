//! Versions of layers published, read, listed and deleted.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::checks::{Checks, is_word};
use super::code::Kept;
use super::functions::{Page, code_sweep, no_bucket};
use super::layer::{self, Layer, Version, key};
use super::refusals::{invalid, nothing_there};
use super::settings::refuse_any;
use super::{change, location, runtimes, storage};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::cloud::Cloud;
use crate::place::Place;

const ARCHITECTURES: [&str; 2] = ["x86_64", "arm64"];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Publish {
    content: Option<Content>,
    description: Option<String>,
    compatible_runtimes: Option<Vec<String>>,
    compatible_architectures: Option<Vec<String>>,
    license_info: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Content {
    zip_file: Option<String>,
    s3_bucket: Option<String>,
    s3_object_storage_mode: Option<Value>,
}

impl Publish {
    fn check(&self) -> Result<(), Refusal> {
        let mut checks = Checks::default();
        if self.content.is_none() {
            checks.missing("content");
        }
        if let Some(description) = &self.description {
            checks.length(description, "description", 0, 256);
        }
        if let Some(license) = &self.license_info {
            checks.length(license, "licenseInfo", 0, 512);
        }
        if let Some(list) = &self.compatible_runtimes {
            let shown = format!("[{}]", list.join(", "));
            if list.len() > 15 {
                checks.fail(
                    &shown,
                    "compatibleRuntimes",
                    "have length less than or equal to 15",
                );
            }
            if !list.iter().all(|runtime| runtimes::is_known(runtime)) {
                let constraint = format!("satisfy enum value set: [{}]", runtimes::listed());
                checks.fail(&shown, "compatibleRuntimes", &constraint);
            }
        }
        if let Some(list) = &self.compatible_architectures {
            if list.len() > 2 {
                let shown = format!("[{}]", list.join(", "));
                let constraint = "have length less than or equal to 2";
                checks.fail(shown, "compatibleArchitectures", constraint);
            }
            let member = "compatibleArchitectures";
            checks.each_of(list, member, &ARCHITECTURES, ", Member must not be null");
        }
        checks.finish()?;
        let mode = self
            .content
            .as_ref()
            .and_then(|content| content.s3_object_storage_mode.clone());
        refuse_any(&[("S3ObjectStorageMode", &mode)])
    }
}

impl Content {
    async fn keep(self, cloud: &Arc<Cloud>, call: &Call) -> Result<Kept, Refusal> {
        let Some(zip) = self.zip_file else {
            return Err(match self.s3_bucket {
                Some(_) => no_bucket(),
                None => invalid("Please provide a source for layer code."),
            });
        };
        let zip = STANDARD
            .decode(zip)
            .map_err(|_| call.malformed("ZipFile is not valid base64"))?;
        let cloud = Arc::clone(cloud);
        tokio::task::spawn_blocking(move || cloud.environments.code.keep(&cloud, zip))
            .await
            .map_err(|error| Refusal::internal(error.to_string()))?
    }
}

/// The place of the layer that the path names, and its name.
pub(super) fn named(call: &Call) -> Result<(Place, String), Refusal> {
    let text = call.label("LayerName");
    let mut checks = Checks::default();
    checks.length(text, "layerName", 1, 140);
    let found = if is_word(text) {
        Some((call.place.clone(), text.to_owned()))
    } else {
        layer::read(text)
            .filter(|reference| reference.version.is_none())
            .map(|reference| (reference.place, reference.name))
    };
    checks.pattern(
        text,
        "layerName",
        r"(arn:(aws[a-zA-Z-]*)?:lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:layer:[a-zA-Z0-9-_]+)|[a-zA-Z0-9-_]+",
        found.is_some(),
    );
    checks.finish()?;
    found.ok_or_else(nothing_there)
}

/// The version's number in the path.
pub(super) fn number(call: &Call) -> Result<u64, Refusal> {
    let text = call.label("VersionNumber");
    match text.parse::<i64>() {
        Ok(number) if number < 1 => Err(invalid("Layer Version Cannot be less than 1")),
        Ok(number) => Ok(number.unsigned_abs()),
        Err(_) => Err(Refusal::new(
            400,
            "SerializationException",
            format!("Unable to parse {text} as a Long"),
        )),
    }
}

pub(super) async fn publish(cloud: &Arc<Cloud>, call: &Call) -> Result<Answer, Refusal> {
    super::functions::check_size(call)?;
    let (place, name) = named(call)?;
    let input: Publish = call.input()?;
    input.check()?;
    if place != call.place {
        return Err(super::refusals::denied(
            call,
            "lambda:PublishLayerVersion",
            call.label("LayerName"),
        ));
    }
    let code = match input.content {
        Some(content) => content.keep(cloud, call).await?,
        None => return Err(invalid("Please provide a source for layer code.")),
    };
    let version = change(cloud, |tx| {
        storage::check(tx, &place, code.size)?;
        let mut layer = tx.get::<Layer>(&place, &name)?.unwrap_or(Layer {
            name,
            next_version: 1,
        });
        let version = Version {
            layer: layer.name.clone(),
            number: layer.next_version,
            description: input.description.unwrap_or_default(),
            code_sha256: code.sha256.clone(),
            code_size: code.size,
            unzipped_size: code.unzipped_size,
            runtimes: input.compatible_runtimes,
            architectures: input.compatible_architectures,
            license: input.license_info,
            made: cloud.now(),
            policy: None,
        };
        layer.next_version += 1;
        tx.put(&place, &layer)?;
        tx.put(&place, &version)?;
        Ok(version)
    })?;
    let location = location::url(cloud, &version.code_sha256)?;
    Ok(Answer::json(201, version.describe(&place, &location)))
}

fn described(
    cloud: &Cloud,
    call: &Call,
    place: &Place,
    name: &str,
    number: u64,
) -> Result<Answer, Refusal> {
    let version = cloud
        .store
        .transact(|tx| tx.get::<Version>(place, &key(name, number)))?
        .ok_or_else(nothing_there)?;
    version.check_access(place, call)?;
    let location = location::url(cloud, &version.code_sha256)?;
    Ok(Answer::ok(version.describe(place, &location)))
}

pub(super) fn get(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let (place, name) = named(call)?;
    described(cloud, call, &place, &name, number(call)?)
}

pub(super) fn get_by_arn(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let Some(arn) = call.parameter("Arn") else {
        let mut checks = Checks::default();
        checks.missing("arn");
        return Err(checks.finish().err().unwrap_or_else(nothing_there));
    };
    let reference = layer::version_arn(arn, "arn")?;
    let number = reference.version.unwrap_or_default();
    described(cloud, call, &reference.place, &reference.name, number)
}

/// Functions that have it keep it.
pub(super) fn delete(cloud: &Arc<Cloud>, call: &Call) -> Result<Answer, Refusal> {
    let (place, name) = named(call)?;
    let number = number(call)?;
    if place != call.place {
        return Err(super::refusals::denied(
            call,
            "lambda:DeleteLayerVersion",
            call.label("LayerName"),
        ));
    }
    let was_there = change(cloud, |tx| {
        tx.remove::<Version>(&place, &key(&name, number))
    })?;
    if was_there {
        tokio::spawn(code_sweep(Arc::clone(cloud)));
    }
    Ok(Answer::empty(204))
}

/// What a list is asked for by compatibility.
struct Compatible<'a> {
    runtime: Option<&'a str>,
    architecture: Option<&'a str>,
}

impl<'a> Compatible<'a> {
    fn of(call: &'a Call) -> Result<Self, Refusal> {
        let wanted = Self {
            runtime: call.parameter("CompatibleRuntime"),
            architecture: call.parameter("CompatibleArchitecture"),
        };
        let mut checks = Checks::default();
        if let Some(runtime) = wanted.runtime
            && let Some(known) = runtimes::unknown_to_layers(runtime)
        {
            let constraint = format!("satisfy enum value set: [{known}]");
            checks.fail(runtime, "compatibleRuntime", &constraint);
        }
        if let Some(architecture) = wanted.architecture {
            checks.one_of(architecture, "compatibleArchitecture", &ARCHITECTURES);
        }
        checks.finish()?;
        Ok(wanted)
    }

    fn fits(&self, version: &Version) -> bool {
        let has = |list: &Option<Vec<String>>, wanted: Option<&str>| {
            wanted.is_none_or(|wanted| {
                list.as_ref()
                    .is_some_and(|list| list.iter().any(|one| one == wanted))
            })
        };
        has(&version.runtimes, self.runtime) && has(&version.architectures, self.architecture)
    }
}

/// Each layer with its latest version of those that fit.
pub(super) fn list(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let page = Page::of(call, 50)?;
    let wanted = Compatible::of(call)?;
    let versions: Vec<Version> = cloud.store.transact(|tx| tx.list(&call.place, ""))?;
    let mut layers: Vec<(String, Value)> = Vec::new();
    for version in versions.iter().filter(|version| wanted.fits(version)) {
        // Versions of a layer follow each other, the latest last.
        if layers
            .last()
            .is_some_and(|(name, _)| *name == version.layer)
        {
            layers.pop();
        }
        let described = json!({
            "LayerName": version.layer,
            "LayerArn": layer::arn(&call.place, &version.layer),
            "LatestMatchingVersion": version.listed(&call.place),
        });
        layers.push((version.layer.clone(), described));
    }
    Ok(page.answer("Layers", layers))
}

/// The latest first.
pub(super) fn list_versions(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let page = Page::of(call, 50)?;
    let (place, name) = named(call)?;
    let wanted = Compatible::of(call)?;
    let versions: Vec<Version> = cloud
        .store
        .transact(|tx| tx.list(&place, &format!("{name}/")))?;
    if let Some(version) = versions.first() {
        version.check_access(&place, call)?;
    }
    let listed = versions
        .iter()
        .rev()
        .filter(|version| wanted.fits(version))
        .map(|version| {
            let key = format!("{:020}", u64::MAX - version.number);
            (key, version.listed(&place))
        });
    Ok(page.answer("LayerVersions", listed.collect()))
}
