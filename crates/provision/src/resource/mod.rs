//! The kinds of AWS resources, each in a file of its own, and what every kind must be able to do.

pub mod api_key;
pub mod deployment;
pub mod function;
pub mod log_group;
pub mod look;
pub mod method;
pub mod path;
pub mod permission;
pub mod policy;
pub mod rest_api;
pub mod role;
pub mod stage;
pub mod table;
pub mod usage_plan;

use anyhow::{Context, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::aws::Aws;
use crate::aws::error::AwsError;
use crate::diff::Changes;
use crate::owner::{Mark, Ownership};
use crate::target::Target;

pub use self::api_key::ApiKey;
pub use self::deployment::Deployment;
pub use self::function::Function;
pub use self::log_group::LogGroup;
pub use self::look::Look;
pub use self::method::Method;
pub use self::path::Path;
pub use self::permission::Permission;
pub use self::rest_api::RestApi;
pub use self::role::Role;
pub use self::stage::Stage;
pub use self::table::Table;
pub use self::usage_plan::UsagePlan;

/// One kind of AWS resource: its fields are the desired state.
///
/// Implementers promise that `observe` reports in the same shape as a declaration, so that equality is the
/// whole comparison; that the three acts never decide anything; that each of them may be cut off anywhere
/// and the next `observe` will show where; and that deleting what is gone succeeds.
#[expect(
    async_fn_in_trait,
    reason = "the engine runs on one thread: no bound is wanted"
)]
pub trait Reconcile: Serialize + DeserializeOwned {
    /// Facts that exist only once the resource does: ids, ARNs, URLs.
    type Output: Serialize + DeserializeOwned;
    /// CloudFormation's name of the kind.
    const TYPE: &'static str;
    /// Fields that AWS cannot change in place.
    const REPLACE_ON: &'static [&'static str] = &[];
    const REPLACEMENT: Replacement = Replacement::DeleteFirst;
    /// Whether it is found without knowing the outputs of others, although it refers to them.
    const STANDS_ALONE: bool = false;
    /// Whether AWS alone knows the outputs (ids it gave), so that whoever refers to them has to wait.
    const NAMED_BY_AWS: bool = false;

    /// What a person calls this resource.
    fn name(&self) -> String;

    /// Notes in the declaration, where AWS has room for it, which one it is.
    fn mark(&mut self, _mark: &Mark<'_>) {}

    /// Whether what exists was last made or changed by this very declaration: if it differs all the same, somebody
    /// else did that. Only for kinds that have more to them than being there.
    fn is_last_declared(&self, _observed: &Observed<Self>) -> bool {
        true
    }

    /// Outputs that follow from the declaration and the target alone, so that waiting for them orders nothing.
    fn computed(&self, _target: &Target) -> Value {
        Value::Null
    }

    /// The declaration id of the resource whose deletion takes this one along.
    fn container(&self) -> Option<&str> {
        None
    }

    /// Declaration ids of resources that must be gone before this one can be deleted, although it refers to them.
    fn deleted_after(&self) -> Vec<&str> {
        Vec::new()
    }

    /// Changes that share a lane are made one after another.
    fn lane(&self) -> Option<String> {
        None
    }

    /// What exists now. References to resources that exist are resolved in `self`.
    async fn observe(&self, look: &Look) -> Result<Option<Observed<Self>>>;
    /// Makes it. What others refer to exists from then on; `settle` waits for the rest.
    async fn create(&self, aws: &Aws) -> Result<Self::Output>;
    async fn update(
        &self,
        aws: &Aws,
        observed: Observed<Self>,
        changes: &Changes,
    ) -> Result<Self::Output>;
    async fn delete(&self, aws: &Aws, observed: Observed<Self>) -> Result<()>;

    /// Waits until what was made or changed can be used.
    async fn settle(&self, _aws: &Aws) -> Result<()> {
        Ok(())
    }
}

/// In which order a resource is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replacement {
    /// Names are fixed: the old one has to make room.
    DeleteFirst,
    /// The new one stands beside the old one, which goes when nothing uses it any more.
    CreateFirst,
}

/// What AWS reports of one resource.
#[derive(Debug)]
pub struct Observed<R: Reconcile> {
    pub state: R,
    pub output: R::Output,
    pub ownership: Ownership,
    /// Whether AWS has finished with it, so that `settle` has nothing to wait for.
    pub settled: bool,
}

impl<R: Reconcile> Observed<R> {
    /// For kinds that belong to whoever owns their container.
    pub fn inherited(state: R, output: R::Output) -> Self {
        Self {
            state,
            output,
            ownership: Ownership::Ours,
            settled: true,
        }
    }
}

/// The same as plain data, whatever the kind.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Observation {
    pub state: Value,
    pub output: Value,
    pub ownership: Ownership,
    pub settled: bool,
}

macro_rules! kinds {
    ($($kind:ident),+ $(,)?) => {
        /// The closed set of kinds.
        #[derive(Clone, Debug, Serialize, Deserialize)]
        #[serde(tag = "kind", rename_all = "kebab-case")]
        pub enum Resource { $($kind($kind)),+ }

        $(impl From<$kind> for Resource {
            fn from(resource: $kind) -> Self {
                Self::$kind(resource)
            }
        })+

        impl Resource {
            pub fn type_name(&self) -> &'static str {
                match self { $(Self::$kind(_) => $kind::TYPE),+ }
            }

            pub fn replace_on(&self) -> &'static [&'static str] {
                match self { $(Self::$kind(_) => $kind::REPLACE_ON),+ }
            }

            pub fn named_by_aws(&self) -> bool {
                match self { $(Self::$kind(_) => $kind::NAMED_BY_AWS),+ }
            }

            pub fn stands_alone(&self) -> bool {
                match self { $(Self::$kind(_) => $kind::STANDS_ALONE),+ }
            }

            pub fn replacement(&self) -> Replacement {
                match self { $(Self::$kind(_) => $kind::REPLACEMENT),+ }
            }

            pub fn name(&self) -> String {
                match self { $(Self::$kind(resource) => resource.name()),+ }
            }

            pub fn mark(&mut self, mark: &Mark<'_>) {
                match self { $(Self::$kind(resource) => resource.mark(mark)),+ }
            }

            pub fn is_last_declared(&self, observed: &Observation) -> bool {
                match self {
                    $(Self::$kind(resource) => {
                        restore(observed).is_ok_and(|observed| resource.is_last_declared(&observed))
                    }),+
                }
            }

            pub fn computed(&self, target: &Target) -> Value {
                match self { $(Self::$kind(resource) => resource.computed(target)),+ }
            }

            pub fn container(&self) -> Option<&str> {
                match self { $(Self::$kind(resource) => resource.container()),+ }
            }

            pub fn deleted_after(&self) -> Vec<&str> {
                match self { $(Self::$kind(resource) => resource.deleted_after()),+ }
            }

            pub fn lane(&self) -> Option<String> {
                match self { $(Self::$kind(resource) => resource.lane()),+ }
            }

            /// The kind as people call it, after its CloudFormation name.
            pub fn noun(&self) -> &'static str {
                match self {
                    Self::Role(_) => "role",
                    Self::Table(_) => "table",
                    Self::LogGroup(_) => "log group",
                    Self::Function(_) => "function",
                    Self::Permission(_) => "permission",
                    Self::RestApi(_) => "REST API",
                    Self::Path(_) => "path",
                    Self::Method(_) => "method",
                    Self::Deployment(_) => "deployment",
                    Self::Stage(_) => "stage",
                    Self::ApiKey(_) => "API key",
                    Self::UsagePlan(_) => "usage plan",
                }
            }

            /// The declaration's fields as data, references included.
            pub fn fields(&self) -> Value {
                match self { $(Self::$kind(resource) => to_value(resource)),+ }
            }

            /// The same kind with other fields, as after resolving references.
            pub fn with_fields(&self, fields: &Value) -> Result<Self> {
                match self { $(Self::$kind(_) => Ok(Self::$kind(from_value(fields)?))),+ }
            }

            pub async fn observe(&self, look: &Look) -> Result<Option<Observation>> {
                match self {
                    $(Self::$kind(resource) => Ok(Box::pin(resource.observe(look)).await?.map(erase))),+
                }
            }

            pub async fn create(&self, aws: &Aws) -> Result<Value> {
                match self { $(Self::$kind(resource) => Ok(to_value(&Box::pin(resource.create(aws)).await?))),+ }
            }

            pub async fn update(&self, aws: &Aws, observed: &Observation, changes: &Changes) -> Result<Value> {
                match self {
                    $(Self::$kind(resource) => {
                        let updated = resource.update(aws, restore(observed)?, changes);
                        Ok(to_value(&Box::pin(updated).await?))
                    }),+
                }
            }

            pub async fn settle(&self, aws: &Aws) -> Result<()> {
                match self { $(Self::$kind(resource) => Box::pin(resource.settle(aws)).await),+ }
            }

            pub async fn delete(&self, aws: &Aws, observed: &Observation) -> Result<()> {
                match self { $(Self::$kind(resource) => Box::pin(resource.delete(aws, restore(observed)?)).await),+ }
            }
        }
    };
}

kinds!(
    Role, Table, LogGroup, Function, Permission, RestApi, Path, Method, Deployment, Stage, ApiKey,
    UsagePlan,
);

/// A deletion that finds nothing is a deletion done.
fn gone_is_done<T>(outcome: Result<T, AwsError>) -> Result<()> {
    match outcome {
        Err(error) if !error.is_not_found() => Err(error.into()),
        _ => Ok(()),
    }
}

fn erase<R: Reconcile>(observed: Observed<R>) -> Observation {
    Observation {
        state: to_value(&observed.state),
        output: to_value(&observed.output),
        ownership: observed.ownership,
        settled: observed.settled,
    }
}

fn restore<R: Reconcile>(observation: &Observation) -> Result<Observed<R>> {
    Ok(Observed {
        state: from_value(&observation.state)?,
        output: from_value(&observation.output)?,
        ownership: observation.ownership.clone(),
        settled: observation.settled,
    })
}

fn to_value<T: Serialize>(value: &T) -> Value {
    serde_json::to_value(value).expect("resources serialise to JSON")
}

fn from_value<T: DeserializeOwned>(value: &Value) -> Result<T> {
    T::deserialize(value).context("a resource's fields do not have the declared types")
}

/// Text values that must not be mixed up with one another.
macro_rules! text_types {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        $($(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        })+
    };
}

text_types!(
    /// An Amazon Resource Name.
    Arn,
    /// The id of a REST API.
    ApiId,
    /// The id of an API Gateway resource: one segment of a path.
    PathId,
    /// The id of an API Gateway deployment.
    DeploymentId,
    /// The id of an API key; its value is a `Secret`.
    KeyId,
    /// Base64 of the SHA-256 of a deployment package, as Lambda reports it.
    CodeSha256,
    /// SHA-256 (hex) of what a deployment freezes.
    Shape,
);
