//! Lambda: functions, their code, their policy, and environments that run them.
//!
//! The control plane is a file for each kind of thing (`functions`, `update`, `versions`, `alias`, `policy`, `layer_versions`,
//! `event_config`, `tags`, `account`, …); packages are downloaded from `location`. An invocation goes from `invoke` through `known` (what is read once) and `environments` (whose turn it
//! is, and what is warm) to `run`, or by way of `background` if nobody waits for it; `run` talks to an `environment`'s process through its `runtime_api`; what is logged
//! goes from `output` and `journal` to `delivery`.

mod account;
mod alias;
mod archive;
mod background;
mod bootstrap;
mod checks;
mod client_context;
mod code;
mod code_signing;
mod delivery;
mod environment;
mod environments;
mod event_config;
mod event_queue;
mod event_sources;
mod eventstream;
mod extensions;
mod family;
mod function;
mod functions;
mod invoke;
mod journal;
mod known;
mod layer;
mod layer_policy;
mod layer_versions;
mod layers;
mod levels;
mod location;
mod management;
mod mounts;
mod name;
mod outlet;
mod output;
mod policy;
mod process_variables;
mod provisioned;
mod refusals;
mod role;
mod run;
mod runtime_api;
mod runtimes;
mod sandbox;
mod settings;
mod shutdown;
mod storage;
mod streaming;
mod supervisor;
mod tags;
mod telemetry;
mod tracing;
mod unsupported;
mod update;
pub(crate) mod url;
mod variables;
mod versions;

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;

use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::cloud::Cloud;
use crate::routes::Route;
use crate::store::Tx;

pub(crate) use background::resume;
pub(crate) use environments::Environments;
pub(crate) use invoke::{invoke, invoke_later, may_invoke};
pub(crate) use location::{PATH as CODE_PATH, answer as download};
pub use supervisor::{allow_files, run_hidden};
pub(crate) use tags::tagged;
pub(crate) use unsupported::{UNSUPPORTED, route};

#[rustfmt::skip]
pub(crate) const ROUTES: &[Route] = &[
    ("POST", "/2015-03-31/functions/{FunctionName}/invocations", "Invoke"),
    ("POST", "/2021-11-15/functions/{FunctionName}/response-streaming-invocations", "InvokeWithResponseStream"),
    ("POST", "/2015-03-31/functions", "CreateFunction"),
    ("GET", "/2015-03-31/functions", "ListFunctions"),
    ("GET", "/2015-03-31/functions/{FunctionName}", "GetFunction"),
    ("DELETE", "/2015-03-31/functions/{FunctionName}", "DeleteFunction"),
    ("GET", "/2015-03-31/functions/{FunctionName}/configuration", "GetFunctionConfiguration"),
    ("PUT", "/2015-03-31/functions/{FunctionName}/configuration", "UpdateFunctionConfiguration"),
    ("PUT", "/2015-03-31/functions/{FunctionName}/code", "UpdateFunctionCode"),
    ("POST", "/2015-03-31/functions/{FunctionName}/policy", "AddPermission"),
    ("GET", "/2015-03-31/functions/{FunctionName}/policy", "GetPolicy"),
    ("DELETE", "/2015-03-31/functions/{FunctionName}/policy/{StatementId}", "RemovePermission"),
    ("POST", "/2015-03-31/functions/{FunctionName}/versions", "PublishVersion"),
    ("GET", "/2015-03-31/functions/{FunctionName}/versions", "ListVersionsByFunction"),
    ("POST", "/2015-03-31/functions/{FunctionName}/aliases", "CreateAlias"),
    ("GET", "/2015-03-31/functions/{FunctionName}/aliases", "ListAliases"),
    ("GET", "/2015-03-31/functions/{FunctionName}/aliases/{Name}", "GetAlias"),
    ("PUT", "/2015-03-31/functions/{FunctionName}/aliases/{Name}", "UpdateAlias"),
    ("DELETE", "/2015-03-31/functions/{FunctionName}/aliases/{Name}", "DeleteAlias"),
    ("POST", "/2017-03-31/tags/{Resource}", "TagResource"),
    ("DELETE", "/2017-03-31/tags/{Resource}", "UntagResource"),
    ("GET", "/2017-03-31/tags/{Resource}", "ListTags"),
    ("PUT", "/2017-10-31/functions/{FunctionName}/concurrency", "PutFunctionConcurrency"),
    ("GET", "/2019-09-30/functions/{FunctionName}/concurrency", "GetFunctionConcurrency"),
    ("DELETE", "/2017-10-31/functions/{FunctionName}/concurrency", "DeleteFunctionConcurrency"),
    ("GET", "/2016-08-19/account-settings", "GetAccountSettings"),
    ("PUT", "/2019-09-25/functions/{FunctionName}/event-invoke-config", "PutFunctionEventInvokeConfig"),
    ("POST", "/2019-09-25/functions/{FunctionName}/event-invoke-config", "UpdateFunctionEventInvokeConfig"),
    ("GET", "/2019-09-25/functions/{FunctionName}/event-invoke-config", "GetFunctionEventInvokeConfig"),
    ("DELETE", "/2019-09-25/functions/{FunctionName}/event-invoke-config", "DeleteFunctionEventInvokeConfig"),
    ("GET", "/2019-09-25/functions/{FunctionName}/event-invoke-config/list", "ListFunctionEventInvokeConfigs"),
    ("PUT", "/2019-09-30/functions/{FunctionName}/provisioned-concurrency", "PutProvisionedConcurrencyConfig"),
    ("GET", "/2019-09-30/functions/{FunctionName}/provisioned-concurrency", "GetProvisionedConcurrencyConfig"),
    ("GET", "/2019-09-30/functions/{FunctionName}/provisioned-concurrency", "ListProvisionedConcurrencyConfigs"),
    ("DELETE", "/2019-09-30/functions/{FunctionName}/provisioned-concurrency", "DeleteProvisionedConcurrencyConfig"),
    ("POST", "/2018-10-31/layers/{LayerName}/versions", "PublishLayerVersion"),
    ("GET", "/2018-10-31/layers/{LayerName}/versions", "ListLayerVersions"),
    ("GET", "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}", "GetLayerVersion"),
    ("DELETE", "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}", "DeleteLayerVersion"),
    ("POST", "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}/policy", "AddLayerVersionPermission"),
    ("GET", "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}/policy", "GetLayerVersionPolicy"),
    ("DELETE", "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}/policy/{StatementId}", "RemoveLayerVersionPermission"),
    ("GET", "/2018-10-31/layers", "ListLayers"),
    ("GET", "/2018-10-31/layers", "GetLayerVersionByArn"),
    ("GET", "/2020-06-30/functions/{FunctionName}/code-signing-config", "GetFunctionCodeSigningConfig"),
    ("POST", "/2021-10-31/functions/{FunctionName}/url", "CreateFunctionUrlConfig"),
    ("PUT", "/2020-06-30/functions/{FunctionName}/code-signing-config", "PutFunctionCodeSigningConfig"),
    ("DELETE", "/2020-06-30/functions/{FunctionName}/code-signing-config", "DeleteFunctionCodeSigningConfig"),
    ("GET", "/2020-04-22/code-signing-configs", "ListCodeSigningConfigs"),
    ("GET", "/2020-04-22/code-signing-configs/{CodeSigningConfigArn}", "GetCodeSigningConfig"),
    ("PUT", "/2020-04-22/code-signing-configs/{CodeSigningConfigArn}", "UpdateCodeSigningConfig"),
    ("DELETE", "/2020-04-22/code-signing-configs/{CodeSigningConfigArn}", "DeleteCodeSigningConfig"),
    ("GET", "/2020-04-22/code-signing-configs/{CodeSigningConfigArn}/functions", "ListFunctionsByCodeSigningConfig"),
    ("PUT", "/2024-08-31/functions/{FunctionName}/recursion-config", "PutFunctionRecursionConfig"),
    ("GET", "/2024-08-31/functions/{FunctionName}/recursion-config", "GetFunctionRecursionConfig"),
    ("GET", "/2021-10-31/functions/{FunctionName}/url", "GetFunctionUrlConfig"),
    ("PUT", "/2021-10-31/functions/{FunctionName}/url", "UpdateFunctionUrlConfig"),
    ("DELETE", "/2021-10-31/functions/{FunctionName}/url", "DeleteFunctionUrlConfig"),
    ("GET", "/2021-10-31/functions/{FunctionName}/urls", "ListFunctionUrlConfigs"),
    ("GET", "/2021-07-20/functions/{FunctionName}/runtime-management-config", "GetRuntimeManagementConfig"),
    ("PUT", "/2021-07-20/functions/{FunctionName}/runtime-management-config", "PutRuntimeManagementConfig"),
    ("GET", "/2015-03-31/event-source-mappings", "ListEventSourceMappings"),
    ("POST", "/2015-03-31/event-source-mappings", "CreateEventSourceMapping"),
    ("GET", "/2015-03-31/event-source-mappings/{UUID}", "GetEventSourceMapping"),
    ("PUT", "/2015-03-31/event-source-mappings/{UUID}", "UpdateEventSourceMapping"),
    ("DELETE", "/2015-03-31/event-source-mappings/{UUID}", "DeleteEventSourceMapping"),
];

/// A stand-in for functions: it takes a function's name and an event, and returns its answer.
pub type Work = dyn Fn(&str, Bytes) -> Result<Bytes, FunctionError> + Send + Sync;

/// How functions run.
#[derive(Clone)]
pub enum Runner {
    /// As processes, below a supervisor for each execution environment.
    Processes {
        /// A program that gives its arguments to [`run_hidden`] first, such as this crate's own. With `None` a function
        /// runs without a supervisor: what leaves its process's tree outlives it, and it has no extensions.
        shim: Option<PathBuf>,
    },
    /// Inside this process: the function's name and the event in, its answer out.
    Inline(Arc<Work>),
}

/// A function's failure, as Lambda reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionError {
    /// Such as `Runtime.ExitError`.
    pub error_type: String,
    /// What the function said.
    pub message: String,
}

impl std::fmt::Debug for Runner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Processes { shim } => f.debug_struct("Processes").field("shim", shim).finish(),
            Self::Inline(_) => f.write_str("Inline"),
        }
    }
}

/// What an invocation came to.
#[derive(Debug)]
pub(crate) struct Invoked {
    /// The answer, or the error as JSON.
    pub(crate) payload: Bytes,
    /// `Unhandled` or `Handled`, if the function failed.
    pub(crate) error: Option<&'static str>,
    /// The last 4 KB of its log.
    pub(crate) log_tail: String,
}

pub(crate) async fn perform(cloud: &Arc<Cloud>, call: &Call) -> Result<Answer, Refusal> {
    match call.operation {
        "Invoke" => invoke::perform(cloud, call).await,
        "InvokeWithResponseStream" => streaming::perform(cloud, call).await,
        "CreateFunction" => functions::create(cloud, call).await,
        "ListFunctions" => functions::list(cloud, call),
        "GetFunction" => functions::get(cloud, call),
        "GetFunctionConfiguration" => functions::configuration(cloud, call),
        "DeleteFunction" => functions::delete(cloud, call),
        "UpdateFunctionCode" => update::code(cloud, call).await,
        "UpdateFunctionConfiguration" => update::configuration(cloud, call),
        "AddPermission" => policy::add(cloud, call),
        "RemovePermission" => policy::remove(cloud, call),
        "GetPolicy" => policy::get(cloud, call),
        "PublishVersion" => versions::publish_version(cloud, call),
        "ListVersionsByFunction" => versions::list(cloud, call),
        "CreateAlias" => alias::create(cloud, call),
        "UpdateAlias" => alias::update(cloud, call),
        "GetAlias" => alias::get(cloud, call),
        "DeleteAlias" => alias::delete(cloud, call),
        "ListAliases" => alias::list(cloud, call),
        "TagResource" => tags::add(cloud, call),
        "UntagResource" => tags::remove(cloud, call),
        "ListTags" => tags::list(cloud, call),
        "PutFunctionConcurrency" => account::put_concurrency(cloud, call),
        "GetFunctionConcurrency" => account::get_concurrency(cloud, call),
        "DeleteFunctionConcurrency" => account::delete_concurrency(cloud, call),
        "GetAccountSettings" => account::settings(cloud, call),
        "CreateFunctionUrlConfig" => url::create(cloud, call),
        "GetFunctionUrlConfig" => url::get(cloud, call),
        "UpdateFunctionUrlConfig" => url::update(cloud, call),
        "DeleteFunctionUrlConfig" => url::delete(cloud, call),
        "ListFunctionUrlConfigs" => url::list(cloud, call),
        "PutFunctionEventInvokeConfig" => event_config::put(cloud, call),
        "UpdateFunctionEventInvokeConfig" => event_config::update(cloud, call),
        "GetFunctionEventInvokeConfig" => event_config::get(cloud, call),
        "DeleteFunctionEventInvokeConfig" => event_config::delete(cloud, call),
        "ListFunctionEventInvokeConfigs" => event_config::list(cloud, call),
        "PutProvisionedConcurrencyConfig" => provisioned::put(cloud, call),
        "GetProvisionedConcurrencyConfig" => provisioned::get(cloud, call),
        "ListProvisionedConcurrencyConfigs" => provisioned::list(cloud, call),
        "DeleteProvisionedConcurrencyConfig" => provisioned::delete(cloud, call),
        "PublishLayerVersion" => layer_versions::publish(cloud, call).await,
        "GetLayerVersion" => layer_versions::get(cloud, call),
        "GetLayerVersionByArn" => layer_versions::get_by_arn(cloud, call),
        "DeleteLayerVersion" => layer_versions::delete(cloud, call),
        "ListLayers" => layer_versions::list(cloud, call),
        "ListLayerVersions" => layer_versions::list_versions(cloud, call),
        "AddLayerVersionPermission" => layer_policy::add(cloud, call),
        "RemoveLayerVersionPermission" => layer_policy::remove(cloud, call),
        "GetLayerVersionPolicy" => layer_policy::get(cloud, call),
        "GetFunctionCodeSigningConfig" => code_signing::get_of_function(cloud, call),
        "PutFunctionCodeSigningConfig" => code_signing::put_of_function(call),
        "DeleteFunctionCodeSigningConfig" => code_signing::delete_of_function(cloud, call),
        "ListCodeSigningConfigs" => Ok(code_signing::list()),
        "GetCodeSigningConfig"
        | "UpdateCodeSigningConfig"
        | "DeleteCodeSigningConfig"
        | "ListFunctionsByCodeSigningConfig" => Err(code_signing::missing(call)),
        "PutFunctionRecursionConfig" => management::put_recursion(cloud, call),
        "GetFunctionRecursionConfig" => management::get_recursion(cloud, call),
        "GetRuntimeManagementConfig" => management::get_runtime(cloud, call),
        "PutRuntimeManagementConfig" => management::put_runtime(cloud, call),
        "ListEventSourceMappings" => Ok(event_sources::list()),
        "CreateEventSourceMapping" => event_sources::create(cloud, call),
        "GetEventSourceMapping" | "UpdateEventSourceMapping" | "DeleteEventSourceMapping" => {
            Err(event_sources::missing())
        }
        other => Err(Refusal::new(501, "NotImplementedException", other)),
    }
}

/// A transaction after which functions are not as they were.
fn change<T>(cloud: &Cloud, work: impl FnOnce(&Tx) -> Result<T, Refusal>) -> Result<T, Refusal> {
    let outcome = cloud.store.transact(work)?;
    cloud.environments.known.changed();
    Ok(outcome)
}
