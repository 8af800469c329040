//! Layers: archives that versions of functions are unpacked with.

use std::sync::LazyLock;

use regex_lite::Regex;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::archive;
use super::checks::Checks;
use super::layer_policy::Policy;
use super::refusals::{denied, invalid, not_here};
use crate::answer::Refusal;
use crate::call::Call;
use crate::clock::{Moment, lambda_time};
use crate::place::Place;
use crate::store::{Record, Tx};

/// AWS: "up to five layers".
const MOST: usize = 5;

const VERSION_PATTERN: &str = r"(arn:(aws[a-zA-Z-]*)?:lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+)|(arn:[a-zA-Z0-9-]+:lambda:::awslayer:[a-zA-Z0-9-_]+)";

static VERSION_ARN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"^arn:(?:aws[a-zA-Z-]*)?:lambda:((?:eusc-)?[a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-\d):(\d{12}):layer:([a-zA-Z0-9_-]+)(?::([0-9]+))?$",
    )
    .expect("the pattern is one")
});

static OWN_ARN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^arn:[a-zA-Z0-9-]+:lambda:::awslayer:[a-zA-Z0-9_-]+$").expect("the pattern is one")
});

/// A layer, whose versions are numbered on although some have been deleted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Layer {
    pub(super) name: String,
    pub(super) next_version: u64,
}

impl Record for Layer {
    const KIND: &'static str = "lambda-layer";

    fn key(&self) -> String {
        self.name.clone()
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Version {
    pub(super) layer: String,
    pub(super) number: u64,
    pub(super) description: String,
    /// Base64 of the SHA-256 of its zip.
    pub(super) code_sha256: String,
    pub(super) code_size: u64,
    /// Bytes of what the zip unpacks to.
    pub(super) unzipped_size: u64,
    pub(super) runtimes: Option<Vec<String>>,
    pub(super) architectures: Option<Vec<String>>,
    pub(super) license: Option<String>,
    pub(super) made: Moment,
    pub(super) policy: Option<Policy>,
}

impl Record for Version {
    const KIND: &'static str = "lambda-layer-version";

    fn key(&self) -> String {
        key(&self.layer, self.number)
    }
}

/// Keys are in the order of the versions.
pub(super) fn key(layer: &str, version: u64) -> String {
    format!("{layer}/{version:020}")
}

pub(super) fn arn(place: &Place, layer: &str) -> String {
    place.arn("lambda", &format!("layer:{layer}"))
}

impl Version {
    pub(super) fn arn(&self, place: &Place) -> String {
        format!("{}:{}", arn(place, &self.layer), self.number)
    }

    /// As lists have it: without its content.
    pub(super) fn listed(&self, place: &Place) -> Value {
        let mut out = json!({
            "LayerVersionArn": self.arn(place),
            "Version": self.number,
            "Description": self.description,
            "CreatedDate": lambda_time(self.made),
        });
        if let Some(runtimes) = &self.runtimes {
            out["CompatibleRuntimes"] = json!(runtimes);
        }
        if let Some(architectures) = &self.architectures {
            out["CompatibleArchitectures"] = json!(architectures);
        }
        if let Some(license) = &self.license {
            out["LicenseInfo"] = json!(license);
        }
        out
    }

    pub(super) fn describe(&self, place: &Place, location: &str) -> Value {
        let mut out = self.listed(place);
        out["LayerArn"] = json!(arn(place, &self.layer));
        out["Content"] = json!({
            "Location": location,
            "CodeSha256": self.code_sha256,
            "CodeSize": self.code_size,
        });
        out
    }

    /// Refuses a caller of another account that the version's policy does not name.
    pub(super) fn check_access(&self, place: &Place, call: &Call) -> Result<(), Refusal> {
        let policy = self.policy.as_ref();
        if place.account == call.place.account
            || policy.is_some_and(|policy| policy.allows(&call.place.account))
        {
            return Ok(());
        }
        Err(denied(call, "lambda:GetLayerVersion", &self.arn(place)))
    }
}

/// A layer's version as a version of a function has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Used {
    pub(super) arn: String,
    /// Base64 of the SHA-256 of its zip, which stays as long as the function has it.
    pub(super) code_sha256: String,
    pub(super) code_size: u64,
    pub(super) unzipped_size: u64,
}

impl Used {
    pub(super) fn describe(&self) -> Value {
        json!({ "Arn": self.arn, "CodeSize": self.code_size })
    }
}

/// Where a layer's ARN, with or without a version, says that it is.
pub(super) struct Reference {
    pub(super) place: Place,
    pub(super) name: String,
    pub(super) version: Option<u64>,
}

pub(super) fn read(arn: &str) -> Option<Reference> {
    let parts = VERSION_ARN.captures(arn)?;
    let part = |at: usize| parts.get(at).map(|part| part.as_str().to_owned());
    Some(Reference {
        place: Place {
            region: part(1)?,
            account: part(2)?,
        },
        name: part(3)?,
        // What is no number of a version is the version of none.
        version: part(4).map(|number| number.parse().unwrap_or(u64::MAX)),
    })
}

fn is_version_arn(arn: &str) -> bool {
    OWN_ARN.is_match(arn) || read(arn).is_some_and(|reference| reference.version.is_some())
}

/// The ARN of one version, as `GetLayerVersionByArn` takes it.
pub(super) fn version_arn(arn: &str, member: &str) -> Result<Reference, Refusal> {
    let mut checks = Checks::default();
    checks.pattern(arn, member, VERSION_PATTERN, is_version_arn(arn));
    checks.finish()?;
    read(arn).ok_or_else(|| not_here("AWS's own layers"))
}

/// Checks the form of a function's layers.
pub(super) fn check_arns(arns: &[String], checks: &mut Checks) {
    if !arns.iter().all(|arn| is_version_arn(arn)) {
        let constraint = format!(
            "satisfy constraint: [Member must have length less than or equal to 2048, Member must have length greater than \
             or equal to 1, Member must satisfy regular expression pattern: {VERSION_PATTERN}, Member must not be null]"
        );
        checks.fail(format!("[{}]", arns.join(", ")), "layers", &constraint);
    }
}

/// The layers that a function is to have (texts: localstack, `test_layer_function_exceptions` and
/// `test_layer_function_quota_exception`).
pub(super) fn resolve(tx: &Tx, call: &Call, arns: &[String]) -> Result<Vec<Used>, Refusal> {
    if arns.len() > MOST {
        return Err(invalid(format!(
            "Cannot reference more than {MOST} layers."
        )));
    }
    let mut seen: Vec<(String, &str)> = Vec::new();
    let mut used = Vec::new();
    for arn in arns {
        let reference = version_arn(arn, "layers")?;
        if reference.place.region != call.place.region {
            return Err(invalid(format!(
                "Layers are not in the same region as the function. Layers are expected to be in region {}.",
                call.place.region
            )));
        }
        let version = reference.version.unwrap_or_default();
        let found = tx
            .get::<Version>(&reference.place, &key(&reference.name, version))?
            .ok_or_else(|| invalid(format!("Layer version {arn} does not exist.")))?;
        found.check_access(&reference.place, call)?;
        let layer = self::arn(&reference.place, &reference.name);
        if let Some((_, other)) = seen.iter().find(|(seen, _)| *seen == layer) {
            return Err(invalid(format!(
                "Two different versions of the same layer are not allowed to be referenced in the same function. {other} \
                 and {arn} are versions of the same layer."
            )));
        }
        seen.push((layer, arn));
        used.push(Used {
            arn: arn.clone(),
            code_sha256: found.code_sha256,
            code_size: found.code_size,
            unzipped_size: found.unzipped_size,
        });
    }
    Ok(used)
}

/// Refuses a function whose code and layers together unpack to more than Lambda allows
/// (serverlesspub/ffmpeg-aws-lambda-layer#23).
pub(super) fn check_size(unzipped_size: u64, layers: &[Used]) -> Result<(), Refusal> {
    let total = unzipped_size + layers.iter().map(|layer| layer.unzipped_size).sum::<u64>();
    if total <= archive::LARGEST {
        return Ok(());
    }
    Err(invalid(format!(
        "Function code combined with layers exceeds the maximum allowed size of {} bytes. The actual size is {total} \
         bytes.",
        archive::LARGEST
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_are_of_layers_or_of_versions() {
        let layer = "arn:aws:lambda:eu-west-1:000000000000:layer:l-1";
        let found = read(layer).expect("a layer");
        assert_eq!((found.name.as_str(), found.version), ("l-1", None));
        let found = read(&format!("{layer}:7")).expect("a version");
        assert_eq!(found.version, Some(7));
        assert!(read("arn:aws:lambda:eu-west-1:0:layer:l").is_none());
        assert!(is_version_arn("arn:aws:lambda:::awslayer:AmazonLinux1703"));
        assert!(!is_version_arn(layer));
    }

    #[test]
    fn code_and_layers_share_a_size() {
        let layer = |unzipped_size| Used {
            arn: String::new(),
            code_sha256: String::new(),
            code_size: 1,
            unzipped_size,
        };
        assert_eq!(check_size(1, &[layer(archive::LARGEST - 1)]), Ok(()));
        let refusal = check_size(1, &[layer(archive::LARGEST)]).expect_err("a byte too much");
        assert!(
            refusal
                .message
                .ends_with("The actual size is 262144001 bytes.")
        );
    }
}
