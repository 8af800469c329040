//! Stages: which deployment is served under which name, and how.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::refusal::{Violations, bad_request, conflict, no_deployment, no_stage, unsupported};
use super::stage_patch::{self, MethodSetting};
use super::tags::{self, Tags};
use super::{deployment, documentation, patch, rest_api, shown, usage_plan};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::clock::Moment;
use crate::cloud::Cloud;
use crate::store::{Record, Tx};

pub(super) type Variables = BTreeMap<String, String>;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Stage {
    pub(super) api: String,
    #[serde(rename = "stageName")]
    pub(super) name: String,
    pub(super) deployment_id: String,
    /// What it served before, until callers see the move.
    pub(super) former: Option<String>,
    pub(super) deployed_at: Moment,
    description: Option<String>,
    client_certificate_id: Option<String>,
    pub(super) cache_cluster_enabled: bool,
    pub(super) cache_cluster_size: Option<String>,
    pub(super) cache_cluster_status: String,
    pub(super) method_settings: BTreeMap<String, MethodSetting>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) variables: Option<Variables>,
    pub(super) documentation_version: Option<String>,
    pub(super) access_log_settings: Option<AccessLogSettings>,
    tracing_enabled: bool,
    #[serde(default)]
    pub(super) tags: Tags,
    created_date: Moment,
    pub(super) last_updated_date: Moment,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AccessLogSettings {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) format: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) destination_arn: Option<String>,
}

impl Record for Stage {
    const KIND: &'static str = "api-stage";

    fn key(&self) -> String {
        format!("{}/{}", self.api, self.name)
    }
}

/// What `CreateDeployment` says of the stage that it makes or moves.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Deploying {
    pub(super) description: Option<String>,
    stage_name: Option<String>,
    stage_description: Option<String>,
    cache_cluster_enabled: Option<bool>,
    cache_cluster_size: Option<String>,
    variables: Option<Variables>,
    canary_settings: Option<Value>,
    tracing_enabled: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Creation {
    stage_name: Option<String>,
    deployment_id: Option<String>,
    description: Option<String>,
    cache_cluster_enabled: Option<bool>,
    cache_cluster_size: Option<String>,
    variables: Option<Variables>,
    documentation_version: Option<String>,
    canary_settings: Option<Value>,
    tracing_enabled: Option<bool>,
    tags: Option<Tags>,
}

const CACHE_SIZES: &[&str] = &["0.5", "1.6", "6.1", "13.5", "28.4", "58.2", "118", "237"];

impl Stage {
    fn new(api: &str, name: String, deployment: String, now: Moment) -> Self {
        Self {
            api: api.to_owned(),
            name,
            deployment_id: deployment,
            former: None,
            deployed_at: now,
            description: None,
            client_certificate_id: None,
            cache_cluster_enabled: false,
            cache_cluster_size: None,
            cache_cluster_status: "NOT_AVAILABLE".to_owned(),
            method_settings: BTreeMap::new(),
            variables: None,
            documentation_version: None,
            access_log_settings: None,
            tracing_enabled: false,
            tags: Tags::new(),
            created_date: now,
            last_updated_date: now,
        }
    }

    pub(super) fn move_to(&mut self, deployment: &str, now: Moment) {
        if self.deployment_id != deployment {
            let former = std::mem::replace(&mut self.deployment_id, deployment.to_owned());
            self.former = Some(former);
            self.deployed_at = now;
        }
    }

    pub(super) fn set_cache(&mut self, enabled: bool, size: Option<String>) {
        self.cache_cluster_enabled = enabled;
        self.cache_cluster_size = match size {
            None if enabled => Some("0.5".to_owned()),
            size => size,
        };
        let status = if enabled {
            "AVAILABLE"
        } else {
            "NOT_AVAILABLE"
        };
        status.clone_into(&mut self.cache_cluster_status);
    }
}

/// Refuses the canary of a deployment: in AWS's words one that could not be (recorded by localstack,
/// `test_create_canary_deployment_validation`), by its name any other.
fn refuse_canary(stage: Option<&str>, exists: bool) -> Refusal {
    const INVALID: &str = "Invalid deployment content specified.";
    match stage {
        None | Some("") => bad_request(format!(
            "{INVALID}Non null and non empty stageName must be provided for canary deployment. Provided value is {}",
            stage.unwrap_or("null")
        )),
        Some(name) if !exists => bad_request(format!(
            "{INVALID}Stage {name} must already be created before making a canary release deployment"
        )),
        Some(_) => unsupported("canarySettings of deployments"),
    }
}

fn check_name(name: &str) -> Result<(), Refusal> {
    let fits = name
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if name.is_empty() || !fits {
        return Err(bad_request("Stage name only allows a-zA-Z0-9_-"));
    }
    if name.len() > 128 {
        return Err(bad_request("Stage name can be at most 128 characters"));
    }
    Ok(())
}

/// "Amazon API Gateway important notes": names of letters, digits and `_`; values that could be part of a URL.
pub(super) fn check_variables(variables: &Variables) -> Result<(), Refusal> {
    if variables.len() > 100 {
        return Err(bad_request("A stage can have at most 100 variables"));
    }
    for (name, value) in variables {
        let fits = !name.is_empty()
            && name.len() <= 64
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !fits {
            return Err(bad_request(
                "Stage variable names can only contain alphanumeric characters and underscores",
            ));
        }
        let fits = value.len() <= 512
            && value
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-._~:/?#&=,".contains(c));
        if !fits {
            return Err(bad_request(format!(
                "Invalid value for stage variable {name}: it can only contain A-Za-z0-9-._~:/?#&=, and at most 512 characters"
            )));
        }
    }
    Ok(())
}

fn check_cache_size(size: Option<&String>, operation: &str) -> Result<(), Refusal> {
    let mut violations = Violations::default();
    if let Some(size) = size {
        let at = format!("{}.cacheClusterSize", patch::input_name(operation));
        violations.one_of(size, &at, CACHE_SIZES);
    }
    violations.refuse()
}

impl Deploying {
    pub(super) fn check(&self) -> Result<(), Refusal> {
        check_cache_size(self.cache_cluster_size.as_ref(), "CreateDeployment")?;
        self.variables.as_ref().map_or(Ok(()), check_variables)?;
        match self.stage_name.as_deref() {
            None | Some("") => Ok(()),
            Some(name) => check_name(name),
        }
    }
}

/// Makes the stage that a deployment names, or moves it; one that it makes has no tags.
pub(super) fn deploy(
    tx: &Tx,
    call: &Call,
    api: &str,
    deployment: &str,
    input: Deploying,
    now: Moment,
) -> Result<(), Refusal> {
    let name = input.stage_name;
    let found: Option<Stage> = match name.as_deref() {
        Some(name) => tx.get(&call.place, &format!("{api}/{name}"))?,
        None => None,
    };
    if input
        .canary_settings
        .is_some_and(|canary| !canary.is_null())
    {
        return Err(refuse_canary(name.as_deref(), found.is_some()));
    }
    let Some(name) = name.filter(|name| !name.is_empty()) else {
        return Ok(());
    };
    let mut stage = found.unwrap_or_else(|| Stage::new(api, name, deployment.to_owned(), now));
    stage.move_to(deployment, now);
    stage.last_updated_date = now;
    if input.stage_description.is_some() {
        stage.description = input.stage_description;
    }
    if input.variables.is_some() {
        stage.variables = input.variables;
    }
    if let Some(enabled) = input.cache_cluster_enabled {
        stage.set_cache(enabled, input.cache_cluster_size);
    }
    if let Some(tracing) = input.tracing_enabled {
        stage.tracing_enabled = tracing;
    }
    tx.put(&call.place, &stage)
}

pub(super) fn create(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let input: Creation = call.input()?;
    check_cache_size(input.cache_cluster_size.as_ref(), call.operation)?;
    let name = input.stage_name.unwrap_or_default();
    check_name(&name)?;
    if input
        .canary_settings
        .is_some_and(|canary| !canary.is_null())
    {
        return Err(unsupported("canarySettings of stages"));
    }
    input.variables.as_ref().map_or(Ok(()), check_variables)?;
    let tags = input.tags.unwrap_or_default();
    tags::check(&tags)?;
    let deployment = input.deployment_id.unwrap_or_default();
    let now = cloud.now();
    let stage = cloud.store.transact(|tx| {
        let api = rest_api::named(tx, call)?;
        deployment::named(tx, call, &api.id, &deployment)?.ok_or_else(no_deployment)?;
        let mut stage = Stage::new(&api.id, name, deployment, now);
        if tx.get::<Stage>(&call.place, &stage.key())?.is_some() {
            return Err(conflict("Stage already exists"));
        }
        if let Some(version) = &input.documentation_version {
            documentation::of(tx, call, &api.id)?.check_version(version)?;
        }
        stage.description = input.description;
        stage.variables = input.variables;
        stage.documentation_version = input.documentation_version;
        stage.tracing_enabled = input.tracing_enabled.unwrap_or(false);
        stage.tags = tags;
        stage.set_cache(
            input.cache_cluster_enabled.unwrap_or(false),
            input.cache_cluster_size,
        );
        tx.put(&call.place, &stage)?;
        Ok(stage)
    })?;
    let shown = shown::record(&stage, shown::Tags::IfAny)?;
    Ok(Answer::json(201, shown.into()))
}

fn wanted(tx: &Tx, call: &Call) -> Result<Stage, Refusal> {
    let api = rest_api::named(tx, call)?;
    let key = format!("{}/{}", api.id, call.label("stage_name"));
    tx.get(&call.place, &key)?.ok_or_else(no_stage)
}

pub(super) fn get(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let stage = cloud.store.transact(|tx| wanted(tx, call))?;
    Ok(Answer::ok(
        shown::record(&stage, shown::Tags::IfAny)?.into(),
    ))
}

/// All at once: this list has no pages.
pub(super) fn list(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let stages: Vec<Stage> = cloud.store.transact(|tx| {
        let api = rest_api::named(tx, call)?;
        tx.list(&call.place, &format!("{}/", api.id))
    })?;
    let deployment = call
        .parameter("deploymentId")
        .filter(|deployment| !deployment.is_empty());
    let items = stages
        .iter()
        .filter(|stage| deployment.is_none_or(|deployment| stage.deployment_id == deployment))
        .map(|stage| Ok(shown::record(stage, shown::Tags::IfAny)?.into()))
        .collect::<Result<Vec<Value>, Refusal>>()?;
    Ok(Answer::ok(json!({ "item": items })))
}

pub(super) fn update(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let operations = patch::operations(call)?;
    let now = cloud.now();
    let stage = cloud.store.transact(|tx| {
        let mut stage = wanted(tx, call)?;
        for operation in &operations {
            let is_replacement = operation.op == patch::Op::Replace;
            match operation.path.as_str() {
                "/deploymentId" if operation.op != patch::Op::Copy => {
                    operation.only(patch::REPLACE)?;
                    check_deployment(tx, call, &stage, operation.text())?;
                    stage.move_to(operation.text(), now);
                }
                "/canarySettings/deploymentId" if is_replacement => {
                    check_deployment(tx, call, &stage, operation.text())?;
                    return Err(unsupported("canarySettings of stages"));
                }
                "/documentationVersion" if is_replacement && !operation.text().is_empty() => {
                    documentation::of(tx, call, &stage.api)?.check_version(operation.text())?;
                    stage_patch::apply(&mut stage, operation)?;
                }
                _ => stage_patch::apply(&mut stage, operation)?,
            }
        }
        check_cache_size(stage.cache_cluster_size.as_ref(), call.operation)?;
        stage.variables.as_ref().map_or(Ok(()), check_variables)?;
        stage.last_updated_date = now;
        tx.put(&call.place, &stage)?;
        Ok(stage)
    })?;
    Ok(Answer::ok(
        shown::record(&stage, shown::Tags::IfAny)?.into(),
    ))
}

fn check_deployment(tx: &Tx, call: &Call, stage: &Stage, id: &str) -> Result<(), Refusal> {
    match deployment::named(tx, call, &stage.api, id)? {
        Some(_) => Ok(()),
        None => Err(bad_request("Deployment id does not exist")),
    }
}

/// Its link to a usage plan goes without notice (TF `apigateway/stage.go`).
pub(super) fn delete(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    cloud.store.transact(|tx| {
        let stage = wanted(tx, call)?;
        tx.remove::<Stage>(&call.place, &stage.key())?;
        usage_plan::unlink(tx, &call.place, |linked| {
            linked.api_id == stage.api && linked.stage == stage.name
        })
    })?;
    Ok(Answer::empty(202))
}
