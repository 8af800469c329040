//! An API Gateway REST API: found by its tags, since names may repeat.

use std::time::Duration;

use anyhow::{Context, Result};
use aws_sdk_apigateway::primitives::DateTime;
use aws_sdk_apigateway::types::{self, EndpointConfiguration, EndpointType, Op, PatchOperation};
use serde::{Deserialize, Serialize};

use super::gone_is_done;
use super::look::oldest;
use super::{ApiId, Arn, Look, Observed, PathId, Reconcile};
use crate::aws::Aws;
use crate::aws::call::Operation;
use crate::aws::pace::API_GATEWAY;
use crate::diff::Changes;
use crate::fault::Code;
use crate::input::{Handle, Input};
use crate::owner::{Mark, Tags};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RestApi {
    pub name: String,
    pub description: String,
    /// `REGIONAL`, `EDGE` or `PRIVATE`.
    pub endpoint: String,
    /// Whether the default `execute-api` host is switched off.
    pub disable_execute_api: bool,
    pub tags: Tags,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct RestApiOutput {
    pub id: ApiId,
    /// The path `/`.
    pub root: PathId,
    /// What statements that let this API invoke something begin with.
    pub execute_arn: Arn,
}

impl Handle<RestApi> {
    pub fn api_id(&self) -> Input<ApiId> {
        self.output("id")
    }

    pub fn root(&self) -> Input<PathId> {
        self.output("root")
    }

    pub fn execute_arn(&self) -> Input<Arn> {
        self.output("execute_arn")
    }
}

impl Reconcile for RestApi {
    type Output = RestApiOutput;
    const TYPE: &'static str = "AWS::ApiGateway::RestApi";
    const NAMED_BY_AWS: bool = true;

    fn name(&self) -> String {
        self.name.clone()
    }

    fn mark(&mut self, mark: &Mark<'_>) {
        self.tags.mark(mark);
    }

    fn is_last_declared(&self, observed: &Observed<Self>) -> bool {
        self.tags.declare_alike(&observed.state.tags)
    }

    async fn observe(&self, look: &Look) -> Result<Option<Observed<Self>>> {
        let all = look.rest_apis().await?;
        let mut found: Vec<_> = all
            .iter()
            .filter(|api| self.tags.marks(api.tags.as_ref()))
            .collect();
        if found.is_empty() && look.adopts(&self.name) {
            found = all
                .iter()
                .filter(|api| api.name.as_deref() == Some(&self.name))
                .collect();
        }
        let one = oldest(found, |api| {
            (api.created_date().map(DateTime::as_nanos), api.id.clone())
        });
        let Some(api) = one else { return Ok(None) };
        let tags = api.tags.clone().unwrap_or_default().into_iter().collect();
        let endpoint = api
            .endpoint_configuration
            .as_ref()
            .and_then(|configuration| configuration.types().first())
            .map_or("EDGE", EndpointType::as_str);
        Ok(Some(Observed::inherited(
            Self {
                name: api.name.clone().unwrap_or_default(),
                description: api.description.clone().unwrap_or_default(),
                endpoint: endpoint.to_owned(),
                disable_execute_api: api.disable_execute_api_endpoint,
                tags: self.tags.declared_part(&tags),
            },
            output(look.aws(), api.id.clone(), api.root_resource_id.clone()).await?,
        )))
    }

    async fn create(&self, aws: &Aws) -> Result<RestApiOutput> {
        const CREATE: Operation = Operation::look_first("CreateRestApi");
        let types = EndpointType::from(self.endpoint.as_str());
        let endpoint = EndpointConfiguration::builder().types(types).build();
        let created = aws
            .call(CREATE, || {
                aws.apigateway()
                    .create_rest_api()
                    .name(&self.name)
                    .set_description(stated(&self.description))
                    .endpoint_configuration(endpoint.clone())
                    .set_disable_execute_api_endpoint(self.disable_execute_api.then_some(true))
                    .set_tags(Some(self.tags.to_map()))
                    .send()
            })
            .await?;
        output(aws, created.id, created.root_resource_id).await
    }

    async fn update(
        &self,
        aws: &Aws,
        observed: Observed<Self>,
        changes: &Changes,
    ) -> Result<RestApiOutput> {
        const UPDATE: Operation = Operation::safe("UpdateRestApi");
        let id = &observed.output.id.0;
        let mut patch = Vec::new();
        if changes.touch("name") {
            patch.push(replace("/name", &self.name));
        }
        if changes.touch("description") {
            patch.push(replace("/description", &self.description));
        }
        if changes.touch("endpoint") {
            let path = format!("/endpointConfiguration/types/{}", observed.state.endpoint);
            patch.push(replace(&path, &self.endpoint));
        }
        if changes.touch("disable_execute_api") {
            let disabled = self.disable_execute_api.to_string();
            patch.push(replace("/disableExecuteApiEndpoint", &disabled));
        }
        if !patch.is_empty() {
            aws.call(UPDATE, || {
                aws.apigateway()
                    .update_rest_api()
                    .rest_api_id(id)
                    .set_patch_operations(Some(patch.clone()))
                    .send()
            })
            .await?;
        }
        if changes.touch("tags") {
            tag(aws, &format!("/restapis/{id}"), &self.tags).await?;
        }
        Ok(observed.output)
    }

    async fn delete(&self, aws: &Aws, observed: Observed<Self>) -> Result<()> {
        // 1 per 30 s for the whole account.
        const DELETE: Operation = Operation::safe("DeleteRestApi").patient(Duration::from_mins(10));
        let id = &observed.output.id.0;
        let request = || aws.apigateway().delete_rest_api().rest_api_id(id).send();
        gone_is_done(aws.call(DELETE, request).await)
    }
}

async fn output(aws: &Aws, id: Option<String>, root: Option<String>) -> Result<RestApiOutput> {
    const GET_RESOURCES: Operation = Operation::safe("GetResources");
    let id = id.context(Code::Incomplete.fault("AWS returned a REST API without its id"))?;
    let root = match root {
        Some(root) => root,
        // Older endpoints answer without `rootResourceId`.
        None => aws
            .call(GET_RESOURCES, || {
                aws.apigateway()
                    .get_resources()
                    .rest_api_id(&id)
                    .limit(500)
                    .send()
            })
            .await?
            .items
            .unwrap_or_default()
            .into_iter()
            .find(|resource| resource.path.as_deref() == Some("/"))
            .and_then(|resource| resource.id)
            .context(Code::Incomplete.fault("the REST API has no root path"))?,
    };
    let execute_arn = Arn(aws.target().await?.arn("execute-api", &id));
    Ok(RestApiOutput {
        id: ApiId(id),
        root: PathId(root),
        execute_arn,
    })
}

/// A text that AWS takes only when there is one: empty descriptions are refused.
pub(super) fn stated(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// One patch operation that sets `path` to `value`.
pub(super) fn replace(path: &str, value: &str) -> PatchOperation {
    operation(Op::Replace, path, value)
}

pub(super) fn operation(op: Op, path: &str, value: &str) -> PatchOperation {
    PatchOperation::builder()
        .op(op)
        .path(path)
        .value(value)
        .build()
}

/// Tags the API Gateway resource at `path`, such as `/apikeys/{id}`.
pub(super) async fn tag(aws: &Aws, path: &str, tags: &Tags) -> Result<()> {
    const TAG: Operation = Operation::safe("TagResource").of(API_GATEWAY);
    let arn = aws.target().await?.apigateway_arn(path);
    aws.call(TAG, || {
        aws.apigateway()
            .tag_resource()
            .resource_arn(&arn)
            .set_tags(Some(tags.to_map()))
            .send()
    })
    .await?;
    Ok(())
}

/// Whether `api` carries the tag of the stack that `tags` belongs to.
pub(super) fn is_of_stack(api: &types::RestApi, tags: &Tags) -> bool {
    let stack = api
        .tags()
        .and_then(|actual| actual.get(crate::owner::STACK));
    stack.is_some_and(|stack| stack == tags.stack())
}
