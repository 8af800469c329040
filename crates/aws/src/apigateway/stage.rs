//! A stage: the name under which a deployment is served.

use std::collections::BTreeMap;

use anyhow::Result;
use aws_sdk_apigateway::types::{self, MethodSetting, Op, PatchOperation};
use provision_engine::aws::Aws;
use provision_engine::diff::Changes;
use provision_engine::input::{Handle, Input};
use provision_engine::look::Look;
use provision_engine::observe::Seen;
use provision_engine::operation::Operation;
use provision_engine::owner::{Mark, STACK, Tags};
use provision_engine::refusals::Refusals;
use provision_engine::resource::{
    Act, HoldsData, Kind, Marked, Observed, Resource, check_name, check_tags, gone_is_done,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::deployment::{self, shape_of};
use super::lists::{self, LIST_DEPLOYMENTS, LIST_PATHS, LIST_STAGES};
use super::patch::{operation, replace, stated};
use super::path::lane_of;
use super::tags::{TAG, tag};
use super::{API, API_GATEWAY, RestApi, TAGS, Throttle};
use crate::arn::{ApiId, DeploymentId};
use crate::calls::Calls;
use crate::connection::GET_CALLER_IDENTITY;
use crate::unusual::Unusual;

const CREATE: Operation = Operation::create(
    API_GATEWAY,
    "CreateStage",
    &[
        API.allow("apigateway:POST"),
        TAGS.allow("apigateway:POST"),
        TAGS.allow("apigateway:PUT"),
    ],
);
const UPDATE: Operation =
    Operation::write(API_GATEWAY, "UpdateStage", &[API.allow("apigateway:PATCH")]);
const DELETE: Operation = Operation::write(
    API_GATEWAY,
    "DeleteStage",
    &[API.allow("apigateway:DELETE")],
);

/// A stage, which serves one deployment of an API under a URL of its own: `AWS::ApiGateway::Stage`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stage {
    /// The API of the stage.
    pub api: Input<ApiId>,
    /// The name, the first segment of the URL's path: 1 to 128 letters, digits, hyphens and underscores. Capital letters differ
    /// from small ones.
    pub name: String,
    /// The deployment to serve.
    pub deployment: Input<DeploymentId>,
    /// The description, for people; empty for none.
    pub description: String,
    /// Stage variables by name: `$stageVariables.name` in mapping templates.
    pub variables: BTreeMap<String, String>,
    /// True if requests are traced by X-Ray, which bills each trace.
    pub tracing: bool,
    /// The limit of each method's requests, all clients together; `None` for the account's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttle: Option<Throttle>,
    /// Settings that are not declared here, where somebody has changed them: none in a declaration.
    #[serde(default, skip_serializing_if = "Unusual::is_none")]
    pub unusual: Unusual,
    /// Deployments of ours that no stage serves, beside the one that is to be served: none, once all is in order.
    pub superseded: Vec<DeploymentId>,
    /// The tags that the declaration asks for; the stack adds its mark. Other tags of the resource are ignored.
    pub tags: Tags,
}

/// The outputs of a [`Stage`].
#[derive(Debug, Serialize, Deserialize)]
pub struct StageOutput {
    /// The URL without a trailing slash, such as `https://a1b2c3.execute-api.eu-west-1.amazonaws.com/Prod`.
    pub url: String,
    /// The stage's name, known to exist.
    pub served_as: String,
    /// The deployment it serves now, if that is ours to remove once no stage serves it.
    pub retires: Option<DeploymentId>,
    /// True if other stages serve that deployment too.
    #[serde(default)]
    pub is_shared: bool,
    /// All deployments of ours that no stage serves.
    pub unserved: Vec<DeploymentId>,
}

/// The outputs of a declared [`Stage`].
pub trait StageHandle {
    /// Returns the stage's URL, without a trailing slash.
    fn url(&self) -> Input<String>;

    /// Returns the stage's name, for resources that can only be made once the stage exists.
    fn served_as(&self) -> Input<String>;
}

impl StageHandle for Handle<Stage> {
    fn url(&self) -> Input<String> {
        self.output("url")
    }

    fn served_as(&self) -> Input<String> {
        self.output("served_as")
    }
}

impl Resource for Stage {
    type Output = StageOutput;
    const KIND: Kind = Kind {
        leftovers: &["superseded"],
        ..Kind::new(
            "AWS::ApiGateway::Stage",
            "stage",
            HoldsData::No,
            &[
                &LIST_PATHS,
                &LIST_DEPLOYMENTS,
                &LIST_STAGES,
                &CREATE,
                &TAG,
                &UPDATE,
                &DELETE,
                &deployment::DELETE,
                &GET_CALLER_IDENTITY,
            ],
        )
    };

    fn name(&self) -> String {
        self.name.clone()
    }

    fn calls(&self, act: Act<'_>) -> Vec<&'static Operation> {
        match act {
            Act::Create if self.throttle.is_some() => vec![&CREATE, &UPDATE],
            Act::Create => vec![&CREATE],
            Act::Update(changes) => changes.calls(&[
                (
                    &[
                        "deployment",
                        "description",
                        "variables",
                        "tracing",
                        "throttle",
                        "unusual",
                    ],
                    &UPDATE,
                ),
                (&["tags"], &TAG),
            ]),
            Act::Delete => vec![&DELETE],
        }
    }

    fn validate(&self, refusals: &mut Refusals) {
        refusals.check(check_name("a stage's name", &self.name, 1..=128, "-_"));
        refusals.check(check_tags(&self.tags));
    }

    /// Stages of declared APIs with the stack's tag.
    async fn marked(seen: &Seen<'_>) -> Result<Vec<Marked<Self>>> {
        let mut found = Vec::new();
        for (id, output) in seen.all::<RestApi>() {
            let contents = lists::contents(seen.look, &output.id).await?;
            let declared: Vec<&str> = seen
                .declaration
                .all::<Self>()
                .filter(|(_, stage)| stage.api.source() == Some(id))
                .map(|(_, stage)| stage.name.as_str())
                .collect();
            for stage in &contents.stages {
                let name = stage.stage_name().unwrap_or_default();
                let tags = stage.tags();
                let is_ours = tags
                    .is_some_and(|tags| tags.get(STACK).map(String::as_str) == Some(seen.stack()));
                if !is_ours || declared.contains(&name) {
                    continue;
                }
                let tags = stage.tags.clone().unwrap_or_default();
                let stage = Self {
                    api: output.id.clone().into(),
                    name: name.to_owned(),
                    deployment: DeploymentId(String::new()).into(),
                    description: String::new(),
                    variables: BTreeMap::new(),
                    tracing: false,
                    throttle: None,
                    unusual: Unusual::default(),
                    superseded: Vec::new(),
                    tags: Tags(tags.into_iter().collect()),
                };
                if let Some(observed) = stage.observe(seen.look).await? {
                    let mut marked = Marked::new(name, observed);
                    marked.within = Some(id.to_owned());
                    found.push(marked);
                }
            }
        }
        Ok(found)
    }

    fn mark(&mut self, mark: &Mark<'_>) {
        self.tags.mark(mark);
    }

    fn is_last_declared(&self, observed: &Observed<Self>) -> bool {
        self.tags.is_same_declaration(&observed.state.tags)
    }

    fn container(&self) -> Option<&str> {
        self.api.source()
    }

    fn lane(&self) -> Option<String> {
        lane_of(&self.api)
    }

    async fn observe(&self, look: &Look) -> Result<Option<Observed<Self>>> {
        let Ok(api) = self.api.get() else {
            return Ok(None);
        };
        let contents = lists::contents(look, api).await?;
        let found = contents
            .stages
            .iter()
            .find(|stage| stage.stage_name() == Some(&self.name));
        let Some(stage) = found else { return Ok(None) };
        let served = |id: &str| {
            contents
                .stages
                .iter()
                .any(|stage| stage.deployment_id() == Some(id))
        };
        let wanted = self.deployment.get().ok();
        let unserved: Vec<DeploymentId> = contents
            .deployments
            .iter()
            .filter(|deployment| shape_of(deployment).is_some())
            .filter_map(|deployment| deployment.id.clone())
            .filter(|id| !served(id))
            .map(DeploymentId)
            .collect();
        let superseded = unserved
            .iter()
            .filter(|id| wanted != Some(*id))
            .cloned()
            .collect();
        let current = stage.deployment_id.clone().unwrap_or_default();
        let is_ours = |deployment: &types::Deployment| {
            deployment.id.as_ref() == Some(&current) && shape_of(deployment).is_some()
        };
        let is_shared = contents.stages.iter().any(|other| {
            other.stage_name() != Some(&self.name) && other.deployment_id() == Some(&current)
        });
        let is_ours = contents.deployments.iter().any(is_ours);
        let retires = is_ours.then(|| DeploymentId(current.clone()));
        let tags = stage.tags.clone().unwrap_or_default().into_iter().collect();
        Ok(Some(Observed::ours(
            Self {
                api: self.api.clone(),
                name: self.name.clone(),
                deployment: DeploymentId(current).into(),
                description: stage.description.clone().unwrap_or_default(),
                variables: stage
                    .variables
                    .clone()
                    .unwrap_or_default()
                    .into_iter()
                    .collect(),
                tracing: stage.tracing_enabled,
                throttle: throttle_of(stage),
                unusual: unusual(stage),
                superseded,
                tags: self.tags.declared_part(&tags),
            },
            StageOutput {
                retires,
                is_shared,
                unserved,
                ..self.output(look.aws()).await?
            },
        )))
    }

    async fn create(&self, aws: &Aws) -> Result<StageOutput> {
        let (api, deployment) = (self.api.get()?, self.deployment.get()?);
        aws.call(&CREATE, || {
            aws.apigateway()
                .create_stage()
                .rest_api_id(&api.0)
                .stage_name(&self.name)
                .deployment_id(&deployment.0)
                .set_description(stated(&self.description))
                .set_variables(Some(self.variables.clone().into_iter().collect()))
                .tracing_enabled(self.tracing)
                .set_tags(Some(self.tags.to_map()))
                .send()
        })
        .await?;
        if let Some(throttle) = self.throttle {
            self.send_patch(aws, throttle_patch(throttle)).await?;
        }
        self.output(aws).await
    }

    async fn update(
        &self,
        aws: &Aws,
        observed: Observed<Self>,
        changes: &Changes,
    ) -> Result<StageOutput> {
        let (api, deployment) = (self.api.get()?, self.deployment.get()?);
        let mut unserved = observed.output.unserved.clone();
        let patch = self.patch(&observed, changes)?;
        if !patch.is_empty() {
            self.send_patch(aws, patch).await?;
        }
        if changes.touch("deployment") {
            let left = observed.output.retires.clone();
            match left {
                // The last of several stages that moves on removes it.
                Some(left) if observed.output.is_shared && is_served(aws, api, &left).await? => {}
                left => unserved.extend(left),
            }
        }
        for id in unserved.iter().filter(|id| *id != deployment) {
            deployment::delete(aws, api, id).await?;
        }
        if changes.touch("tags") {
            tag(
                aws,
                &format!("/restapis/{api}/stages/{}", self.name),
                &self.tags,
            )
            .await?;
        }
        Ok(observed.output)
    }

    async fn delete(&self, aws: &Aws, _: Observed<Self>) -> Result<()> {
        let api = self.api.get()?;
        let request = || {
            aws.apigateway()
                .delete_stage()
                .rest_api_id(&api.0)
                .stage_name(&self.name)
                .send()
        };
        gone_is_done(aws.call(&DELETE, request).await)
    }
}

impl Stage {
    async fn send_patch(&self, aws: &Aws, patch: Vec<PatchOperation>) -> Result<()> {
        let api = self.api.get()?;
        aws.call(&UPDATE, || {
            aws.apigateway()
                .update_stage()
                .rest_api_id(&api.0)
                .stage_name(&self.name)
                .set_patch_operations(Some(patch.clone()))
                .send()
        })
        .await?;
        Ok(())
    }

    fn patch(&self, observed: &Observed<Self>, changes: &Changes) -> Result<Vec<PatchOperation>> {
        let old = &observed.state.variables;
        let tracing = self.tracing.to_string();
        let mut patch: Vec<PatchOperation> = [
            ("deployment", "/deploymentId", &self.deployment.get()?.0),
            ("description", "/description", &self.description),
            ("tracing", "/tracingEnabled", &tracing),
        ]
        .into_iter()
        .filter(|(field, _, _)| changes.touch(field))
        .map(|(_, path, value)| replace(path, value))
        .collect();
        for (name, value) in &self.variables {
            if old.get(name) != Some(value) {
                patch.push(replace(&format!("/variables/{name}"), value));
            }
        }
        for (name, value) in old
            .iter()
            .filter(|(name, _)| !self.variables.contains_key(*name))
        {
            patch.push(operation(Op::Remove, &format!("/variables/{name}"), value));
        }
        if changes.touch("unusual") {
            let found = observed.state.unusual.iter();
            patch.extend(found.flat_map(|(name, found)| usual(name, found)));
        }
        let is_reset = observed.state.unusual.has(ALL_METHODS);
        match self.throttle {
            None if changes.touch("throttle") && !is_reset => {
                patch.push(operation(Op::Remove, &format!("/{ALL_METHODS}"), ""));
            }
            Some(throttle) if changes.touch("throttle") || is_reset => {
                patch.extend(throttle_patch(throttle));
            }
            _ => {}
        }
        Ok(patch)
    }

    async fn output(&self, aws: &Aws) -> Result<StageOutput> {
        let url = aws
            .target()
            .await?
            .stage_url(&self.api.get()?.0, &self.name);
        Ok(StageOutput {
            url,
            served_as: self.name.clone(),
            retires: None,
            is_shared: false,
            unserved: Vec::new(),
        })
    }
}

/// The settings of all methods.
const ALL_METHODS: &str = "*/*";

/// What API Gateway reports for settings of which somebody set another one: the account's limits, as they are without an increase
/// (AWS: "Throttle requests to your REST APIs"). A negative number says that there is no limit.
const USUAL: Throttle = Throttle {
    rate: 10_000.0,
    burst: 5_000,
};

fn throttle_of(stage: &types::Stage) -> Option<Throttle> {
    let found = stage.method_settings()?.get(ALL_METHODS)?;
    let throttle = Throttle {
        rate: found.throttling_rate_limit,
        burst: found.throttling_burst_limit,
    };
    let is_limit = throttle.rate >= 0.0 || throttle.burst >= 0;
    Some(throttle).filter(|throttle| is_limit && *throttle != USUAL)
}

fn throttle_patch(Throttle { rate, burst }: Throttle) -> Vec<PatchOperation> {
    vec![
        replace("/*/*/throttling/rateLimit", &rate.to_string()),
        replace("/*/*/throttling/burstLimit", &burst.to_string()),
    ]
}

fn unusual(stage: &types::Stage) -> Unusual {
    let logs = stage
        .access_log_settings()
        .map(|logs| json!({ "destinationArn": logs.destination_arn(), "format": logs.format() }));
    let canary = stage.canary_settings().map(|canary| {
        json!({ "deploymentId": canary.deployment_id(), "percentTraffic": canary.percent_traffic() })
    });
    let mut found = Unusual::default()
        .or_usual("cacheClusterEnabled", stage.cache_cluster_enabled(), false)
        .or_none("accessLogSettings", logs)
        .or_none("canarySettings", canary)
        .or_none("clientCertificateId", stage.client_certificate_id());
    for (methods, setting) in stage.method_settings().into_iter().flatten() {
        found = found.or_none(methods, beyond_throttle(setting, methods != ALL_METHODS));
    }
    found
}

/// The settings of methods that differ from what API Gateway gives with any of them (AWS: `MethodSetting`).
fn beyond_throttle(found: &MethodSetting, with_throttle: bool) -> Value {
    let level = found.logging_level().unwrap_or("OFF");
    let throttle = Throttle {
        rate: found.throttling_rate_limit(),
        burst: found.throttling_burst_limit(),
    };
    let is_limited = with_throttle && throttle.rate >= 0.0 && throttle != USUAL;
    let settings = Unusual::default()
        .or_usual("loggingLevel", level, "OFF")
        .or_usual("metricsEnabled", found.metrics_enabled(), false)
        .or_usual("dataTraceEnabled", found.data_trace_enabled(), false)
        .or_usual("cachingEnabled", found.caching_enabled(), false)
        .or_usual("throttle", is_limited.then(|| json!(throttle)), Value::Null);
    json!(settings)
}

/// Sets a setting back to what AWS gives.
fn usual(name: &str, found: &Value) -> Vec<PatchOperation> {
    match name {
        "cacheClusterEnabled" => vec![replace("/cacheClusterEnabled", "false")],
        "clientCertificateId" => vec![replace("/clientCertificateId", "")],
        "accessLogSettings" => vec![operation(Op::Remove, "/accessLogSettings", "")],
        "canarySettings" => vec![operation(Op::Remove, "/canarySettings", "")],
        methods => {
            debug_assert!(found.is_object(), "the settings of methods");
            vec![operation(Op::Remove, &format!("/{methods}"), "")]
        }
    }
}

/// Returns true if a stage serves the deployment `id` now.
async fn is_served(aws: &Aws, api: &ApiId, id: &DeploymentId) -> Result<bool> {
    let gateway = aws.apigateway();
    let request = || gateway.get_stages().rest_api_id(&api.0).send();
    let stages = aws.call(&LIST_STAGES, request).await?.item;
    let mut stages = stages.unwrap_or_default().into_iter();
    Ok(stages.any(|stage| stage.deployment_id() == Some(&id.0)))
}
