//! What a session is opened with: tags, policies and the identity of its source (AWS: "Passing session tags",
//! "Session policies", "Monitor and control actions taken with assumed roles").

use std::collections::BTreeMap;

use super::assume::check_name;
use crate::answer::Refusal;
use crate::call::Call;
use crate::cloud::Grant;
use crate::iam::document::{self, Kind};
use crate::iam::{self, Document, input, tags};
use crate::place::Place;
use crate::store::Tx;

/// Of the policy in the call, in characters other than white space.
const POLICY_SIZE: usize = 2048;
const MOST_ARNS: usize = 10;

/// What a call asks for, on top of what its caller's session hands on.
pub(super) struct Asked {
    /// Of the call.
    pub(super) tags: BTreeMap<String, String>,
    sets_source: bool,
    /// Without the policies.
    pub(super) grant: Grant,
}

impl Asked {
    /// `from` is the caller's session.
    pub(super) fn read(call: &Call, from: &Grant) -> Result<Self, Refusal> {
        let tags = tags::read(call, tags::Keys::AnyCase)?;
        let is_same = |one: &str, other: &str| one.to_lowercase() == other.to_lowercase();
        let transitive = input::strings(call, "TransitiveTagKeys");
        let is_asked = |key: &str| tags.keys().any(|own| is_same(own, key));
        if !transitive.iter().all(|key| is_asked(key)) {
            return Err(invalid(
                "The specified transitive tag key must be included in the requested tags.",
            ));
        }
        let conflicts = |key: &String| from.transitive.iter().any(|own| is_same(own, key));
        if tags.keys().any(conflicts) {
            return Err(invalid(
                "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from \
                 the calling session.",
            ));
        }
        let source = call.parameter("SourceIdentity");
        if let Some(source) = source {
            check_name(source, "SourceIdentity")?;
            if from
                .source_identity
                .as_ref()
                .is_some_and(|own| own != source)
            {
                return Err(Refusal::new(
                    403,
                    "AccessDenied",
                    "The source identity of the calling session cannot be changed.",
                ));
            }
        }
        let mut grant = Grant {
            source_identity: source
                .map(str::to_owned)
                .or_else(|| from.source_identity.clone()),
            ..Grant::default()
        };
        for key in &from.transitive {
            if let Some(value) = from.tags.get(key) {
                grant.tags.insert(key.clone(), value.clone());
                grant.transitive.insert(key.clone());
            }
        }
        for (key, value) in &tags {
            grant.tags.insert(key.clone(), value.clone());
            if transitive.iter().any(|wanted| is_same(wanted, key)) {
                grant.transitive.insert(key.clone());
            }
        }
        Ok(Self {
            tags,
            sets_source: source.is_some(),
            grant,
        })
    }

    /// What the role's trust policy has to allow.
    pub(super) fn actions(&self) -> Vec<&'static str> {
        let mut actions = vec!["sts:AssumeRole"];
        if !self.grant.tags.is_empty() {
            actions.push("sts:TagSession");
        }
        if self.sets_source {
            actions.push("sts:SetSourceIdentity");
        }
        actions
    }
}

fn invalid(message: &str) -> Refusal {
    Refusal::new(400, "InvalidParameterValue", message)
}

fn arns(call: &Call) -> Vec<&str> {
    input::structures(call, "PolicyArns")
        .iter()
        .filter_map(|member| member.get("arn").copied())
        .collect()
}

/// The session policies: that in the call, and those of the role's account that it names.
pub(super) fn policies(tx: &Tx, call: &Call, place: &Place) -> Result<Vec<Document>, Refusal> {
    let mut policies = Vec::new();
    if let Some(text) = call.parameter("Policy") {
        policies.push(Document::read(text, "Policy", Kind::Inline)?);
        if document::size(text) > POLICY_SIZE {
            return Err(input::invalid(format!(
                "1 validation error detected: Value '{text}' at 'policy' failed to satisfy constraint: Member must have \
                 length less than or equal to {POLICY_SIZE}"
            )));
        }
    }
    let arns = arns(call);
    if arns.len() > MOST_ARNS {
        return Err(input::invalid(format!(
            "1 validation error detected: Value at 'policyArns' failed to satisfy constraint: Member must have length less \
             than or equal to {MOST_ARNS}"
        )));
    }
    for arn in arns {
        let found = iam::managed_policy(tx, place, arn)?;
        let Some(policy) = found else {
            return Err(input::invalid(format!(
                "Policy {arn} does not exist or is not attachable."
            )));
        };
        policies.push(policy);
    }
    Ok(policies)
}

/// In per cent of what fits; `None` if nothing was packed.
pub(super) fn packed_size(call: &Call) -> Option<usize> {
    let policy = call.parameter("Policy").map_or(0, document::size);
    let arns: usize = arns(call).iter().map(|arn| arn.len()).sum();
    let tags: usize = input::structures(call, "Tags")
        .iter()
        .flat_map(|tag| tag.values().map(|text| text.len()).collect::<Vec<_>>())
        .sum();
    let size = policy + arns + tags;
    (size > 0).then(|| (size * 100).div_ceil(POLICY_SIZE).min(100))
}
