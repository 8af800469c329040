//! Deployments: an API as it was at one moment, for stages to serve.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::authorizer::{self, Authorizer};
use super::patch::{self, Kind, REPLACE, Rule, Wording, rule};
use super::refusal::{bad_request, no_api, no_deployment};
use super::resource::Tree;
use super::rest_api::{self, RestApi};
use super::stage::{self, Stage};
use super::{page, shown};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::clock::Moment;
use crate::cloud::Cloud;
use crate::ids;
use crate::store::{Record, Tx};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Deployment {
    api: String,
    pub(super) id: String,
    description: Option<String>,
    created_date: Moment,
    pub(super) snapshot: Snapshot,
}

/// What does not change for callers until there is another deployment ("Updates to REST APIs that require redeployment").
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Snapshot {
    pub(super) tree: Tree,
    pub(super) binary_media_types: Vec<String>,
    /// True if the default endpoint answers nobody.
    pub(super) disabled: bool,
    pub(super) key_source: String,
    /// The resource policy.
    #[serde(default)]
    pub(super) policy: Option<String>,
    #[serde(default)]
    pub(super) authorizers: Vec<Authorizer>,
    #[serde(default)]
    pub(super) minimum_compression_size: Option<i64>,
}

impl Record for Deployment {
    const KIND: &'static str = "api-deployment";

    fn key(&self) -> String {
        format!("{}/{}", self.api, self.id)
    }
}

const RULES: &[Rule] = &[rule("/description", REPLACE, Kind::Text)];

impl Snapshot {
    pub(super) fn of(api: RestApi, tree: Tree) -> Self {
        Self {
            tree,
            binary_media_types: api.binary_media_types,
            disabled: api.disable_execute_api_endpoint,
            key_source: api.api_key_source,
            minimum_compression_size: api.minimum_compression_size,
            policy: api.policy,
            authorizers: Vec::new(),
        }
    }

    pub(super) fn with_authorizers(self, authorizers: Vec<Authorizer>) -> Self {
        Self {
            authorizers,
            ..self
        }
    }

    fn check(&self) -> Result<(), Refusal> {
        let mut methods = self
            .tree
            .resources
            .values()
            .flat_map(|resource| resource.methods.values())
            .peekable();
        if methods.peek().is_none() {
            return Err(bad_request("The REST API doesn't contain any methods"));
        }
        if methods.any(|method| method.integration.is_none()) {
            return Err(bad_request("No integration defined for method"));
        }
        Ok(())
    }

    /// What `embed=apisummary` shows.
    fn summary(&self) -> Value {
        let mut paths = Map::new();
        for resource in self.tree.resources.values() {
            let mut methods = Map::new();
            for (name, method) in &resource.methods {
                methods.insert(
                    name.clone(),
                    json!({
                        "authorizationType": method.authorization_type,
                        "apiKeyRequired": method.api_key_required,
                    }),
                );
            }
            if !methods.is_empty() {
                paths.insert(resource.path.clone(), methods.into());
            }
        }
        paths.into()
    }
}

/// The deployment `id` of the API `api`.
pub(super) fn named(
    tx: &Tx,
    call: &Call,
    api: &str,
    id: &str,
) -> Result<Option<Deployment>, Refusal> {
    tx.get(&call.place, &format!("{api}/{id}"))
}

pub(super) fn create(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let input: stage::Deploying = call.input()?;
    input.check()?;
    let now = cloud.now();
    let deployment = cloud.store.transact(|tx| {
        let api = rest_api::named(tx, call)?;
        let tree: Tree = tx.get(&call.place, &api.id)?.ok_or_else(|| no_api(call))?;
        let authorizers = authorizer::all(tx, call, &api.id)?;
        let deployment = Deployment {
            api: api.id.clone(),
            id: ids::lower(6),
            description: input.description.clone(),
            created_date: now,
            snapshot: Snapshot::of(api, tree).with_authorizers(authorizers),
        };
        deployment.snapshot.check()?;
        tx.put(&call.place, &deployment)?;
        stage::deploy(tx, call, &deployment.api, &deployment.id, input, now)?;
        Ok(deployment)
    })?;
    let shown = shown::record(&deployment, shown::Tags::IfAny)?;
    Ok(Answer::json(201, shown.into()))
}

fn wanted(tx: &Tx, call: &Call) -> Result<Deployment, Refusal> {
    let api = rest_api::named(tx, call)?;
    named(tx, call, &api.id, call.label("deployment_id"))?.ok_or_else(no_deployment)
}

pub(super) fn get(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let deployment = cloud.store.transact(|tx| wanted(tx, call))?;
    let mut shown = shown::record(&deployment, shown::Tags::IfAny)?;
    if call.parameters("embed").any(|embed| embed == "apisummary") {
        shown.insert("apiSummary".to_owned(), deployment.snapshot.summary());
    }
    Ok(Answer::ok(shown.into()))
}

pub(super) fn list(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let deployments: Vec<Deployment> = cloud.store.transact(|tx| {
        let api = rest_api::named(tx, call)?;
        tx.list(&call.place, &format!("{}/", api.id))
    })?;
    let entries = deployments
        .iter()
        .map(|deployment| {
            Ok((
                deployment.id.clone(),
                shown::record(deployment, shown::Tags::IfAny)?,
            ))
        })
        .collect::<Result<_, Refusal>>()?;
    page::answer(call, entries)
}

pub(super) fn update(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let operations = patch::operations(call)?;
    let deployment = cloud.store.transact(|tx| {
        let mut deployment = wanted(tx, call)?;
        for operation in &operations {
            operation.apply(&mut deployment, RULES, Wording::Listing)?;
        }
        tx.put(&call.place, &deployment)?;
        Ok(deployment)
    })?;
    Ok(Answer::ok(
        shown::record(&deployment, shown::Tags::IfAny)?.into(),
    ))
}

pub(super) fn delete(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    cloud.store.transact(|tx| {
        let deployment = wanted(tx, call)?;
        let stages: Vec<Stage> = tx.list(&call.place, &format!("{}/", deployment.api))?;
        if stages
            .iter()
            .any(|stage| stage.deployment_id == deployment.id)
        {
            return Err(bad_request(
                "Active stages pointing to this deployment must be moved or deleted",
            ));
        }
        tx.remove::<Deployment>(&call.place, &deployment.key())
    })?;
    Ok(Answer::empty(202))
}
