//! A new API key in the place of the old one, with never a moment without a valid key.
//!
//! The new key is made, let into the plan and tried before the old one goes. It says in a tag which key it is to replace:
//! a rotation that was cut off goes on from where it was, and `up`, for which such a key does not count, takes it back.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use aws_sdk_apigateway::types;

use provision_engine::aws::Aws;
use provision_engine::error::{AwsError, Failure};
use provision_engine::fault::Code;
use provision_engine::input::Outputs;
use provision_engine::look::Look;
use provision_engine::stack::Check;
use provision_engine::wait::LOOKS;

use super::api_key::{ApiKey, REPLACES, first_made, replaced_by};
use super::{lists, usage_plan};
use crate::arn::KeyId;
use crate::live;

/// Attempts to create a key after an unclear answer; each follows a check that it does not exist.
const TRIES: u32 = 4;

/// The keys of a finished rotation.
#[derive(Debug)]
pub struct Rotated {
    /// The key that was deleted.
    pub old: KeyId,
    /// The key in its place.
    pub new: KeyId,
}

/// A key to be rotated.
#[derive(Clone, Copy, Debug)]
pub struct Rotation<'a> {
    /// The key's declaration.
    pub declared: &'a ApiKey,
    /// The ids of the usage plans that let it in.
    pub plans: &'a [String],
    /// A request that the key is sent with; without one, the new key is not tried.
    pub check: Option<&'a Check>,
    /// Time for which both keys are valid once the new one works.
    pub grace: Duration,
}

/// Replaces a key in its usage plans.
///
/// # Errors
///
/// `Code::Stale` or `Code::MadeMeanwhile` if somebody else deploys or rotates at the same time.
pub async fn rotate(aws: &Aws, rotation: Rotation<'_>, outputs: &Outputs) -> Result<Rotated> {
    let Rotation {
        declared,
        plans,
        check,
        grace,
    } = rotation;
    let pair = Pair::find(aws, declared).await?;
    let old = pair.old;
    let new = match pair.new {
        Some(new) => new,
        None => make(aws, declared, &old).await?,
    };
    for plan in plans {
        usage_plan::add_key(aws, plan, &new).await?;
    }
    if let Some(check) = check {
        live::wait_for_key(check, outputs, aws, &new).await?;
    }
    if !grace.is_zero() {
        let reason = format!(
            "both keys are valid for {} s, then the old one goes",
            grace.as_secs()
        );
        aws.waiting(reason, grace, true);
        aws.pause(grace).await;
    }
    // Meanwhile an `up` may have taken the new key back: without it the old one is all that callers have.
    for plan in plans {
        ensure!(
            usage_plan::is_linked(aws, plan, &new).await?,
            Code::Stale
                .fault("someone else is deploying: the new API key is not in the plan any more; the old one stays")
                .remedy("run it again")
        );
    }
    if is_beaten(aws, declared, &old, &new).await? {
        for plan in plans {
            usage_plan::remove_key(aws, plan, &new).await?;
        }
        ApiKey::delete_by_id(aws, &new).await?;
        bail!(
            Code::MadeMeanwhile
                .fault("someone else is deploying: another rotation was faster, and this one's key was taken back")
                .remedy("`outputs --show-secrets api_key`, with the same options, has the key that counts")
        );
    }
    for plan in plans {
        usage_plan::remove_key(aws, plan, &old).await?;
    }
    ApiKey::delete_by_id(aws, &old).await?;
    Ok(Rotated { old, new })
}

/// The stack's key, and the one that a rotation which was cut off has made.
struct Pair {
    old: KeyId,
    new: Option<KeyId>,
}

impl Pair {
    async fn find(aws: &Aws, declared: &ApiKey) -> Result<Self> {
        let look = Look::new(aws.clone());
        let all = lists::api_keys(&look).await?;
        let ours: Vec<&types::ApiKey> = all
            .iter()
            .filter(|key| declared.tags.marks(key.tags.as_ref()))
            .collect();
        let is_there = |id: &str| ours.iter().any(|key| key.id() == Some(id));
        let new = ours
            .iter()
            .find(|key| replaced_by(key).is_some_and(is_there));
        let rest: Vec<&str> = ours
            .iter()
            .filter(|key| new.is_none_or(|new| new.id != key.id))
            .filter_map(|key| key.id())
            .collect();
        match rest[..] {
            [old] => Ok(Self {
                old: KeyId(old.to_owned()),
                new: new.and_then(|new| new.id.clone()).map(KeyId),
            }),
            [] => bail!(
                Code::NotDeployed
                    .fault("the stack has no API key yet")
                    .remedy("`up` makes it")
            ),
            _ => bail!(Code::SeveralKeys.fault(format!("the stack has {} API keys", rest.len()))),
        }
    }
}

/// Returns true if another rotation of `old` was faster than the one that made `new`: by the rule that all of them go by.
async fn is_beaten(aws: &Aws, declared: &ApiKey, old: &KeyId, new: &KeyId) -> Result<bool> {
    let look = Look::new(aws.clone());
    let all = lists::api_keys(&look).await?;
    let ours = all
        .iter()
        .filter(|key| declared.tags.marks(key.tags.as_ref()));
    let (successors, rest): (Vec<_>, Vec<_>) =
        ours.partition(|key| replaced_by(key) == Some(old.0.as_str()));
    let is_old_there = rest.iter().any(|key| key.id() == Some(&old.0));
    let is_seen = successors.iter().any(|key| key.id() == Some(&new.0));
    let has_others = successors.len() > 1;
    let is_first = first_made(successors).is_some_and(|key| key.id() == Some(&new.0));
    Ok(is_seen && has_others && !(is_first && is_old_there))
}

/// Makes the key that is to replace `old`: creates take no client token, so that an unclear one is looked after first.
async fn make(aws: &Aws, declared: &ApiKey, old: &KeyId) -> Result<KeyId> {
    let mut successor = declared.clone();
    successor.tags = successor.tags.with(REPLACES, &old.0);
    let mut tries = 0;
    loop {
        tries += 1;
        let error = match successor.create_key(aws).await {
            Ok(new) => return Ok(new),
            Err(error) => error,
        };
        let is_unclear = error
            .downcast_ref::<AwsError>()
            .is_some_and(|cause| cause.failure == Failure::Unclear);
        if !is_unclear || tries == TRIES {
            return Err(error).context("making the new API key");
        }
        for pause in LOOKS {
            aws.pause(pause).await;
            if let Some(new) = Pair::find(aws, declared).await?.new {
                return Ok(new);
            }
        }
    }
}
