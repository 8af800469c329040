//! A snapshot of an API, made anew exactly when what it would freeze has changed.

use anyhow::{Context, Result};
use aws_sdk_apigateway::primitives::DateTime;
use aws_sdk_apigateway::types;
use serde::{Deserialize, Serialize};

use super::path::lane_of;
use super::{ApiId, DeploymentId, Look, Observed, Reconcile, Replacement, Shape};
use crate::aws::Aws;
use crate::aws::call::Operation;
use crate::diff::Changes;
use crate::fault::Code;
use crate::input::{Handle, Input};

/// Every deployment of ours is described by this and the shape it froze, since AWS does not tell what it holds.
const DESCRIPTION: &str = "provision ";

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Deployment {
    pub api: Input<ApiId>,
    /// The digest of all that the snapshot holds.
    pub shape: Input<Shape>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct DeploymentOutput {
    pub id: DeploymentId,
}

impl Handle<Deployment> {
    pub fn deployment_id(&self) -> Input<DeploymentId> {
        self.output("id")
    }
}

impl Reconcile for Deployment {
    type Output = DeploymentOutput;
    const TYPE: &'static str = "AWS::ApiGateway::Deployment";
    const NAMED_BY_AWS: bool = true;
    const REPLACE_ON: &'static [&'static str] = &["shape"];
    /// The stage moves to the new one, and then removes the one it leaves.
    const REPLACEMENT: Replacement = Replacement::CreateFirst;

    fn name(&self) -> String {
        self.shape
            .get()
            .map_or_else(|_| "snapshot".into(), |shape| short(&shape.0).to_owned())
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
        let contents = look.contents(api).await?;
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
        Ok(Some(Observed::inherited(
            Self {
                api: self.api.clone(),
                shape: shape.into(),
            },
            DeploymentOutput {
                id: DeploymentId(id),
            },
        )))
    }

    async fn create(&self, aws: &Aws) -> Result<DeploymentOutput> {
        const CREATE: Operation = Operation::look_first("CreateDeployment");
        let (api, shape) = (self.api.get()?, self.shape.get()?);
        let created = aws
            .call(CREATE, || {
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
    const DELETE: Operation = Operation::safe("DeleteDeployment");
    let request = || {
        aws.apigateway()
            .delete_deployment()
            .rest_api_id(&api.0)
            .deployment_id(&id.0)
            .send()
    };
    super::gone_is_done(aws.call(DELETE, request).await)
}

fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}
