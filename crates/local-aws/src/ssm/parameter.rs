//! A parameter as it is kept.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::name::{self, Selector};
use super::refusal::{no_version, not_found};
use super::secret;
use crate::answer::Refusal;
use crate::clock::{self, Moment};
use crate::place::Place;
use crate::store::{Record, Tx};
use crate::tagging::Tagged;

pub(super) type Tags = BTreeMap<String, String>;

pub(super) const STRING: &str = "String";
pub(super) const STRING_LIST: &str = "StringList";
pub(super) const SECURE_STRING: &str = "SecureString";

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Parameter {
    /// As the request that created it wrote it.
    pub(super) name: String,
    /// The oldest first; never empty.
    pub(super) versions: Vec<Version>,
    pub(super) tags: Tags,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Version {
    pub(super) number: u64,
    /// `String`, `StringList` or `SecureString`.
    pub(super) kind: String,
    /// Encrypted if it is a `SecureString`.
    pub(super) value: String,
    /// Of a `SecureString` only.
    pub(super) key_id: Option<String>,
    pub(super) description: Option<String>,
    pub(super) allowed_pattern: Option<String>,
    pub(super) tier: String,
    pub(super) data_type: String,
    pub(super) modified: Moment,
    /// The ARN of whoever made it.
    pub(super) user: String,
    pub(super) labels: BTreeSet<String>,
}

impl Record for Parameter {
    const KIND: &'static str = "ssm-parameter";

    fn key(&self) -> String {
        name::key(&self.name).to_owned()
    }
}

pub(super) fn find(tx: &Tx, place: &Place, key: &str) -> Result<Parameter, Refusal> {
    tx.get(place, key)?.ok_or_else(not_found)
}

/// Returns the ARN and tags of every parameter.
pub(crate) fn tagged(tx: &Tx, place: &Place) -> Result<Tagged, Refusal> {
    let all = tx.list::<Parameter>(place, "")?.into_iter();
    Ok(all
        .map(|parameter| (name::arn(place, &parameter.name), parameter.tags))
        .collect())
}

impl Parameter {
    pub(super) fn latest(&self) -> Result<&Version, Refusal> {
        self.versions.last().ok_or_else(not_found)
    }

    /// The version that a request selects; the latest without a selector.
    pub(super) fn selected(&self, selector: Option<&Selector>) -> Result<&Version, Refusal> {
        match selector {
            None => self.latest(),
            Some(Selector::Version(number)) => self
                .versions
                .iter()
                .find(|version| version.number == *number)
                .ok_or_else(|| no_version(number, &self.name)),
            Some(Selector::Label(label)) => self
                .versions
                .iter()
                .find(|version| version.labels.contains(label))
                .ok_or_else(|| {
                    let message = format!(
                        "Systems Manager could not find label {label} for parameter {}. Verify the label and try again.",
                        self.name
                    );
                    Refusal::new(400, "ParameterVersionNotFound", message)
                }),
        }
    }
}

impl Version {
    /// The value as `WithDecryption` asks for it.
    pub(super) fn shown_value(
        &self,
        tx: &Tx,
        place: &Place,
        with_decryption: bool,
    ) -> Result<String, Refusal> {
        if with_decryption && self.kind == SECURE_STRING {
            secret::open(tx, place, &self.value)
        } else {
            Ok(self.value.clone())
        }
    }

    /// The facts that `DescribeParameters` and `GetParameterHistory` have in common. The value is not among them.
    pub(super) fn metadata(&self, name: &str) -> Value {
        let mut shown = json!({
            "Name": name,
            "Type": self.kind,
            "LastModifiedDate": clock::fractional_seconds(self.modified),
            "LastModifiedUser": self.user,
            "Version": self.number,
            "Tier": self.tier,
            "Policies": [],
            "DataType": self.data_type,
        });
        for (member, value) in [
            ("KeyId", &self.key_id),
            ("Description", &self.description),
            ("AllowedPattern", &self.allowed_pattern),
        ] {
            if let Some(value) = value {
                shown[member] = value.as_str().into();
            }
        }
        shown
    }
}
