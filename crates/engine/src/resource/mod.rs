//! Resources: the trait that each kind implements, and the same with its types erased.

mod any;
mod foreign;
mod kind;
mod kinds;
mod limits;

use std::time::Duration;

use anyhow::Result;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::any::{AnyResource, field_names};
pub use self::foreign::{AtDeletion, ForeignPart};
pub use self::kind::{Act, HoldsData, Kind, Replacement};
pub use self::kinds::{Kinds, Undeclared};
pub use self::limits::{check_name, check_tags};

use crate::aws::Aws;
use crate::cost::Charge;
use crate::declaration::Declaration;
use crate::diff::Changes;
use crate::error::AwsError;
use crate::look::Look;
use crate::observe::Seen;
use crate::operation::Operation;
use crate::owner::{Mark, Ownership};
use crate::refusals::Refusals;
use crate::secret::Secret;
use crate::target::Target;
use crate::warning::Warning;

/// A resource of one kind: its fields are the desired state.
///
/// Implementers promise that `observe` reports in the same shape as a declaration, so that equality is the whole
/// comparison; that `create`, `update` and `delete` never decide anything; that each of them may be cut off anywhere and the
/// next `observe` shows where; and that deleting what does not exist succeeds.
///
/// A field that is added later needs `skip_serializing_if`: the digest of a declaration is taken from its serialised fields,
/// and every deployed resource would be marked anew.
#[expect(
    async_fn_in_trait,
    reason = "the engine runs on one thread: no bound is wanted"
)]
pub trait Resource: Clone + std::fmt::Debug + Serialize + DeserializeOwned + 'static {
    /// Facts that exist only once the resource does: ids, ARNs, URLs. A struct, whose field names are the outputs' names.
    type Output: std::fmt::Debug + Serialize + DeserializeOwned;

    /// The facts that hold for every resource of the kind.
    const KIND: Kind;

    /// The name that people know this resource by.
    fn name(&self) -> String;

    /// Returns the calls of `act`, as far as they are certain.
    fn calls(&self, act: Act<'_>) -> Vec<&'static Operation>;

    /// Reads the resource. References to resources that exist are resolved in `self`.
    async fn observe(&self, look: &Look) -> Result<Option<Observed<Self>>>;

    /// Creates the resource. Others can refer to it from then on; `settle` waits for the rest.
    async fn create(&self, aws: &Aws) -> Result<Self::Output>;

    /// Changes the fields that differ.
    async fn update(
        &self,
        aws: &Aws,
        observed: Observed<Self>,
        changes: &Changes,
    ) -> Result<Self::Output>;

    /// Deletes the resource.
    async fn delete(&self, aws: &Aws, observed: Observed<Self>) -> Result<()>;

    /// Removes the resource that this one has just been created in the place of, where nothing else does.
    async fn retire(&self, _aws: &Aws, _observed: Observed<Self>) -> Result<()> {
        Ok(())
    }

    /// Waits until a created or changed resource can be used.
    async fn settle(&self, _aws: &Aws) -> Result<()> {
        Ok(())
    }

    /// Writes the declaration's mark into a field, where AWS has room for it.
    fn mark(&mut self, _mark: &Mark<'_>) {}

    /// Returns true if the existing resource was last created or changed by this very declaration: if it differs all the same,
    /// somebody else changed it.
    fn is_last_declared(&self, _observed: &Observed<Self>) -> bool {
        true
    }

    /// Tells all that AWS would refuse. References to names and ARNs are resolved as far as possible.
    fn validate(&self, _refusals: &mut Refusals) {}

    /// Tells all that AWS would refuse of this resource, the stack's `id`, together with others of the stack.
    fn validate_among(&self, _id: &str, _declaration: &Declaration, _refusals: &mut Refusals) {}

    /// Returns what AWS would take and is most likely not meant.
    fn warnings(&self, _declaration: &Declaration) -> Vec<Warning> {
        Vec::new()
    }

    /// Returns the outputs that follow from the declaration and the target alone, by name; `null` for one that will. Users of
    /// any other output wait until AWS has given it.
    fn computed(&self, _target: &Target) -> Value {
        Value::Null
    }

    /// The id of the resource whose deletion deletes this one too.
    fn container(&self) -> Option<&str> {
        None
    }

    /// The lane of this resource: changes in one lane are made one after another.
    fn lane(&self) -> Option<String> {
        None
    }

    /// The time that AWS typically takes until the resource can be used, beyond the calls. Observed, not promised.
    fn typical_wait(&self, _act: Act<'_>) -> Duration {
        Duration::ZERO
    }

    /// Returns what a million requests cost, by list prices.
    fn cost(&self, _region: &str) -> Vec<Charge> {
        Vec::new()
    }

    /// Reads what `marked` needs, beside the observation of the declared resources, so that it takes no time of its own.
    async fn prefetch(_look: &Look) -> Result<()> {
        Ok(())
    }

    /// Returns all resources of the kind that carry the stack's mark, declared or not. The engine leaves out what it
    /// observed in the same pass.
    async fn marked(seen: &Seen<'_>) -> Result<Vec<Marked<Self>>>;

    /// Returns what others have added to the resource. Asked by plans, `drift` and deletions; `up` without a deletion never asks.
    async fn foreign_parts(
        &self,
        _observed: &Observed<Self>,
        _seen: &Seen<'_>,
    ) -> Result<Vec<ForeignPart>> {
        Ok(Vec::new())
    }

    /// Returns what else keeps AWS from deleting the resource. Asked of resources that are about to be deleted.
    async fn obstacles(&self, _seen: &Seen<'_>) -> Result<Vec<ForeignPart>> {
        Ok(Vec::new())
    }

    /// Returns the data that a deletion would lose, in words; `None` if there is none. Asked of kinds that hold data.
    async fn losses(&self, _aws: &Aws) -> Result<Option<String>> {
        Ok(None)
    }

    /// Returns true if AWS refuses to delete the existing resource until a setting is changed.
    fn is_protected(_observed: &Observed<Self>) -> bool {
        false
    }

    /// Reads the resource's secret, for stacks that output it.
    async fn secret(&self, _aws: &Aws, _output: &Self::Output) -> Result<Option<Secret>> {
        Ok(None)
    }
}

/// A resource as AWS reports it.
#[derive(Debug)]
pub struct Observed<R: Resource> {
    /// In the shape of a declaration.
    pub state: R,
    /// The outputs.
    pub output: R::Output,
    /// The owner.
    pub ownership: Ownership,
    /// True if AWS has finished with it, so that `settle` has nothing to wait for.
    pub settled: bool,
}

impl<R: Resource> Observed<R> {
    /// A resource that belongs to the owner of its container, or that was found by our marks.
    pub fn ours(state: R, output: R::Output) -> Self {
        Self {
            state,
            output,
            ownership: Ownership::Ours,
            settled: true,
        }
    }
}

/// A resource that carries the stack's mark.
#[derive(Debug)]
pub struct Marked<R: Resource> {
    /// A word that tells it apart from others of its kind: a name or an id.
    pub label: String,
    /// The resource.
    pub observed: Observed<R>,
    /// The id of the declared resource that it is part of.
    pub within: Option<String>,
    /// Labels of parts that have to go first, with their types.
    pub after: Vec<(&'static str, String)>,
}

impl<R: Resource> Marked<R> {
    /// A resource that is no part of another one.
    pub fn new(label: impl Into<String>, observed: Observed<R>) -> Self {
        Self {
            label: label.into(),
            observed,
            within: None,
            after: Vec::new(),
        }
    }
}

/// [`Observed`] as plain data, whatever the kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// The fields, in the shape of a declaration.
    pub state: Value,
    /// The outputs.
    pub output: Value,
    /// The owner.
    pub ownership: Ownership,
    /// True if AWS has finished with it.
    pub settled: bool,
}

/// Turns a deletion that found nothing into a success.
///
/// # Errors
///
/// Every other error.
pub fn gone_is_done<T>(outcome: Result<T, AwsError>) -> Result<()> {
    match outcome {
        Err(error) if !error.is_not_found() => Err(error.into()),
        _ => Ok(()),
    }
}
