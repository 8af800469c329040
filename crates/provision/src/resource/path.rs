//! One segment of an API's paths; AWS calls it a resource.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::gone_is_done;
use super::{ApiId, Look, Observed, PathId, Reconcile};
use crate::aws::Aws;
use crate::aws::call::Operation;
use crate::diff::Changes;
use crate::fault::Code;
use crate::input::{Handle, Input};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Path {
    pub api: Input<ApiId>,
    pub parent: Input<PathId>,
    /// This segment alone, without slashes; case matters to callers.
    pub part: String,
    /// The whole path from the root, with a leading slash.
    pub full: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct PathOutput {
    pub id: PathId,
}

impl Handle<Path> {
    pub fn path_id(&self) -> Input<PathId> {
        self.output("id")
    }
}

impl Reconcile for Path {
    type Output = PathOutput;
    const TYPE: &'static str = "AWS::ApiGateway::Resource";
    const NAMED_BY_AWS: bool = true;

    fn name(&self) -> String {
        self.full.clone()
    }

    fn container(&self) -> Option<&str> {
        self.api.source()
    }

    fn lane(&self) -> Option<String> {
        lane_of(&self.api)
    }

    async fn observe(&self, look: &Look) -> Result<Option<Observed<Self>>> {
        let (Ok(api), Ok(parent)) = (self.api.get(), self.parent.get()) else {
            return Ok(None);
        };
        let contents = look.contents(api).await?;
        let found = contents.paths.iter().find(|path| {
            path.parent_id.as_deref() == Some(&parent.0)
                && path.path_part.as_deref() == Some(&self.part)
        });
        let Some(id) = found.and_then(|path| path.id.clone()) else {
            return Ok(None);
        };
        Ok(Some(Observed::inherited(
            self.clone(),
            PathOutput { id: PathId(id) },
        )))
    }

    async fn create(&self, aws: &Aws) -> Result<PathOutput> {
        const CREATE: Operation = Operation::look_first("CreateResource");
        let (api, parent) = (self.api.get()?, self.parent.get()?);
        let created = aws
            .call(CREATE, || {
                aws.apigateway()
                    .create_resource()
                    .rest_api_id(&api.0)
                    .parent_id(&parent.0)
                    .path_part(&self.part)
                    .send()
            })
            .await?;
        Ok(PathOutput {
            id: PathId(
                created
                    .id
                    .context(Code::Incomplete.fault("AWS returned a path without its id"))?,
            ),
        })
    }

    /// There is nothing to change: another parent or part is another path.
    async fn update(&self, _: &Aws, observed: Observed<Self>, _: &Changes) -> Result<PathOutput> {
        Ok(observed.output)
    }

    async fn delete(&self, aws: &Aws, observed: Observed<Self>) -> Result<()> {
        const DELETE: Operation = Operation::safe("DeleteResource");
        let (api, id) = (self.api.get()?, &observed.output.id);
        gone_is_done(
            aws.call(DELETE, || {
                aws.apigateway()
                    .delete_resource()
                    .rest_api_id(&api.0)
                    .resource_id(&id.0)
                    .send()
            })
            .await,
        )
    }
}

/// Changes of one API collide ("concurrent modification"), so they are made one after another.
pub(super) fn lane_of(api: &Input<ApiId>) -> Option<String> {
    api.get().ok().map(|api| format!("REST API {api}"))
}
