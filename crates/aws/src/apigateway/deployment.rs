//! A snapshot of an API, created again exactly when its shape has changed.

use std::time::Duration;

use anyhow::{Context, Result};
use aws_sdk_apigateway::primitives::DateTime;
use aws_sdk_apigateway::types;
use provision_engine::aws::Aws;
use provision_engine::diff::Changes;
use provision_engine::fault::Code;
use provision_engine::input::{Handle, Input};
use provision_engine::look::Look;
use provision_engine::observe::Seen;
use provision_engine::operation::Operation;
use provision_engine::resource::{
    Act, HoldsData, Kind, Marked, Observed, Replacement, Resource, gone_is_done,
};
use serde::{Deserialize, Serialize};

use super::lists::{self, LIST_DEPLOYMENTS, LIST_PATHS, LIST_STAGES};
use super::path::lane_of;
use super::{API, API_GATEWAY};
use crate::arn::{ApiId, DeploymentId, Shape};
use crate::calls::Calls;

const CREATE: Operation = Operation::create(
    API_GATEWAY,
    "CreateDeployment",
    &[API.allow("apigateway:POST")],
)
.rate(1, Duration::from_secs(5));
pub(super) const DELETE: Operation = Operation::write(
    API_GATEWAY,
    "DeleteDeployment",
    &[API.allow("apigateway:DELETE")],
);

/// Every deployment of ours is described by this and the shape it froze, since AWS does not tell what it holds.
const DESCRIPTION: &str = "provision ";

/// A deployment: `AWS::ApiGateway::Deployment`. It is a snapshot of an API's paths and methods, which a stage serves; another shape
/// is another deployment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Deployment {
    /// The API to take the snapshot of.
    pub api: Input<ApiId>,
    /// The digest of the shapes of all methods in the snapshot: `digest([method.shape()])`.
    pub shape: Input<Shape>,
}

/// The outputs of a [`Deployment`].
#[derive(Debug, Serialize, Deserialize)]
pub struct DeploymentOutput {
    /// The id that API Gateway gave.
    pub id: DeploymentId,
    /// True if the API has no stage, so that none will ever leave this deployment.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_alone: bool,
}

/// The outputs of a declared [`Deployment`].
pub trait DeploymentHandle {
    /// Returns the deployment's id, for the stage that serves it.
    fn deployment_id(&self) -> Input<DeploymentId>;
}

impl DeploymentHandle for Handle<Deployment> {
    fn deployment_id(&self) -> Input<DeploymentId> {
        self.output("id")
    }
}

impl Resource for Deployment {
    type Output = DeploymentOutput;
    const KIND: Kind = Kind {
        replace_on: &["shape"],
        // The stage moves to the new one, and then removes the one it leaves.
        replacement: Replacement::CreateFirst,
        is_snapshot: true,
        ..Kind::new(
            "AWS::ApiGateway::Deployment",
            "deployment",
            HoldsData::No,
            &[
                &LIST_PATHS,
                &LIST_DEPLOYMENTS,
                &LIST_STAGES,
                &CREATE,
                &DELETE,
            ],
        )
    };

    fn name(&self) -> String {
        self.shape
            .get()
            .map_or_else(|_| "snapshot".into(), |shape| short(&shape.0).to_owned())
    }

    fn calls(&self, act: Act<'_>) -> Vec<&'static Operation> {
        match act {
            Act::Create => vec![&CREATE],
            Act::Update(_) => Vec::new(),
            Act::Delete => vec![&DELETE],
        }
    }

    /// The stage removes deployments that no stage serves.
    async fn marked(_: &Seen<'_>) -> Result<Vec<Marked<Self>>> {
        Ok(Vec::new())
    }

    fn container(&self) -> Option<&str> {
        self.api.source()
    }

    fn lane(&self) -> Option<String> {
        lane_of(&self.api)
    }

    /// A shape is that of the declared methods.
    fn is_last_declared(&self, observed: &Observed<Self>) -> bool {
        self.shape == observed.state.shape
    }

    /// The newest of our deployments.
    async fn observe(&self, look: &Look) -> Result<Option<Observed<Self>>> {
        let Ok(api) = self.api.get() else {
            return Ok(None);
        };
        let contents = lists::contents(look, api).await?;
        let newest = contents
            .deployments
            .iter()
            .filter_map(|deployment| Some((deployment, shape_of(deployment)?)))
            .max_by_key(|(deployment, _)| {
                let made = deployment.created_date.as_ref().map(DateTime::as_nanos);
                (made, deployment.id.clone())
            });
        let Some((deployment, shape)) = newest else {
            return Ok(None);
        };
        let id = deployment
            .id
            .clone()
            .context(Code::Incomplete.fault("AWS returned a deployment without its id"))?;
        Ok(Some(Observed::ours(
            Self {
                api: self.api.clone(),
                shape: shape.into(),
            },
            DeploymentOutput {
                id: DeploymentId(id),
                is_alone: contents.stages.is_empty(),
            },
        )))
    }

    async fn create(&self, aws: &Aws) -> Result<DeploymentOutput> {
        let (api, shape) = (self.api.get()?, self.shape.get()?);
        let created = aws
            .call(&CREATE, || {
                aws.apigateway()
                    .create_deployment()
                    .rest_api_id(&api.0)
                    .description(format!("{DESCRIPTION}{shape}"))
                    .send()
            })
            .await?;
        let id = created
            .id
            .context(Code::Incomplete.fault("AWS returned a deployment without its id"))?;
        Ok(DeploymentOutput {
            id: DeploymentId(id),
            is_alone: false,
        })
    }

    /// Snapshots do not change: another shape is another deployment.
    async fn update(
        &self,
        _: &Aws,
        observed: Observed<Self>,
        _: &Changes,
    ) -> Result<DeploymentOutput> {
        Ok(observed.output)
    }

    async fn retire(&self, aws: &Aws, observed: Observed<Self>) -> Result<()> {
        if observed.output.is_alone {
            delete(aws, self.api.get()?, &observed.output.id).await?;
        }
        Ok(())
    }

    async fn delete(&self, aws: &Aws, observed: Observed<Self>) -> Result<()> {
        delete(aws, self.api.get()?, &observed.output.id).await
    }
}

/// The shape that a deployment of ours froze; absent for those of others.
pub(super) fn shape_of(deployment: &types::Deployment) -> Option<Shape> {
    let shape = deployment.description()?.strip_prefix(DESCRIPTION)?;
    let is_digest = shape.len() == 64 && shape.chars().all(|c| c.is_ascii_hexdigit());
    is_digest.then(|| Shape(shape.to_owned()))
}

pub(super) async fn delete(aws: &Aws, api: &ApiId, id: &DeploymentId) -> Result<()> {
    let request = || {
        aws.apigateway()
            .delete_deployment()
            .rest_api_id(&api.0)
            .deployment_id(&id.0)
            .send()
    };
    gone_is_done(aws.call(&DELETE, request).await)
}

fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}
