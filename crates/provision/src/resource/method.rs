//! One method of a path, with the Lambda proxy integration behind it.

use anyhow::Result;
use aws_sdk_apigateway::types::{self, IntegrationType, PatchOperation};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::gone_is_done;
use super::path::lane_of;
use super::rest_api::replace;
use super::{ApiId, Arn, Look, Observed, PathId, Reconcile, Shape};
use crate::aws::Aws;
use crate::aws::call::Operation;
use crate::diff::Changes;
use crate::input::{Handle, Input, hex};
use crate::owner::Mark;
use crate::target::Target;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Method {
    pub api: Input<ApiId>,
    pub path: Input<PathId>,
    /// The path's text, for people and for telling deployments apart.
    pub full_path: String,
    pub http_method: String,
    pub key_required: bool,
    pub authorization: String,
    /// Stack, id and digest of this declaration: AWS cannot tag methods.
    pub operation: String,
    /// `None` only as observed: a method somebody left half made.
    pub integration: Option<Integration>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Integration {
    #[serde(rename = "type")]
    pub kind: String,
    /// Lambda takes nothing but POST, whatever the method in front is.
    pub http_method: String,
    pub uri: Input<Arn>,
    /// 50 to 29,000.
    pub timeout_ms: i32,
}

impl Integration {
    /// Hands the whole request to the function whose `invoke_arn` is given.
    pub fn lambda_proxy(invoke_arn: Input<Arn>) -> Self {
        Self {
            kind: IntegrationType::AwsProxy.to_string(),
            http_method: "POST".to_owned(),
            uri: invoke_arn,
            timeout_ms: 29_000,
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub struct MethodOutput {}

impl Handle<Method> {
    /// Changes exactly when the method has to be deployed again.
    pub fn shape(&self) -> Input<Shape> {
        self.output("shape")
    }
}

impl Reconcile for Method {
    type Output = MethodOutput;
    const TYPE: &'static str = "AWS::ApiGateway::Method";

    fn name(&self) -> String {
        format!("{} {}", self.http_method, self.full_path)
    }

    fn mark(&mut self, mark: &Mark<'_>) {
        self.operation = format!("{}.{}.{}", mark.stack, mark.id, mark.digest);
    }

    fn is_last_declared(&self, observed: &Observed<Self>) -> bool {
        self.operation == observed.state.operation
    }

    fn computed(&self, target: &Target) -> Value {
        let Some(Integration {
            uri: Input::Known(_),
            ..
        }) = &self.integration
        else {
            return Value::Null;
        };
        let deployed = json!([
            self.full_path,
            self.http_method,
            self.key_required,
            self.authorization,
            self.integration
        ]);
        // An API never moves to another account: without it, the same stack has the same shape everywhere.
        let deployed = deployed.to_string().replace(&target.account, "");
        json!({ "shape": hex(&Sha256::digest(deployed)) })
    }

    fn container(&self) -> Option<&str> {
        self.api.source()
    }

    fn lane(&self) -> Option<String> {
        lane_of(&self.api)
    }

    async fn observe(&self, look: &Look) -> Result<Option<Observed<Self>>> {
        let (Ok(api), Ok(path)) = (self.api.get(), self.path.get()) else {
            return Ok(None);
        };
        let contents = look.contents(api).await?;
        let found = contents
            .paths
            .iter()
            .find(|resource| resource.id.as_deref() == Some(&path.0))
            .and_then(|resource| resource.resource_methods()?.get(&self.http_method));
        let Some(method) = found else { return Ok(None) };
        let state = Self {
            key_required: method.api_key_required.unwrap_or_default(),
            authorization: method.authorization_type.clone().unwrap_or_default(),
            operation: method.operation_name.clone().unwrap_or_default(),
            integration: method.method_integration.as_ref().map(integration_of),
            ..self.clone()
        };
        Ok(Some(Observed::inherited(state, MethodOutput {})))
    }

    async fn create(&self, aws: &Aws) -> Result<MethodOutput> {
        const PUT_METHOD: Operation = Operation::look_first("PutMethod");
        let (api, path) = (self.api.get()?, self.path.get()?);
        aws.call(PUT_METHOD, || {
            aws.apigateway()
                .put_method()
                .rest_api_id(&api.0)
                .resource_id(&path.0)
                .http_method(&self.http_method)
                .authorization_type(&self.authorization)
                .api_key_required(self.key_required)
                .operation_name(&self.operation)
                .send()
        })
        .await?;
        self.put_integration(aws).await?;
        Ok(MethodOutput {})
    }

    async fn update(
        &self,
        aws: &Aws,
        observed: Observed<Self>,
        changes: &Changes,
    ) -> Result<MethodOutput> {
        const UPDATE: Operation = Operation::safe("UpdateMethod");
        let (api, path) = (self.api.get()?, self.path.get()?);
        if changes.touch("integration") {
            self.put_integration(aws).await?;
        }
        // With the mark, which comes last: a run that was cut off before is not taken for somebody else's change.
        let mut patch: Vec<PatchOperation> = Vec::new();
        if changes.touch("key_required") {
            patch.push(replace("/apiKeyRequired", &self.key_required.to_string()));
        }
        if changes.touch("authorization") {
            patch.push(replace("/authorizationType", &self.authorization));
        }
        if changes.touch("operation") {
            patch.push(replace("/operationName", &self.operation));
        }
        if !patch.is_empty() {
            aws.call(UPDATE, || {
                aws.apigateway()
                    .update_method()
                    .rest_api_id(&api.0)
                    .resource_id(&path.0)
                    .http_method(&self.http_method)
                    .set_patch_operations(Some(patch.clone()))
                    .send()
            })
            .await?;
        }
        Ok(observed.output)
    }

    async fn delete(&self, aws: &Aws, _: Observed<Self>) -> Result<()> {
        const DELETE: Operation = Operation::safe("DeleteMethod");
        let (api, path) = (self.api.get()?, self.path.get()?);
        let request = || {
            aws.apigateway()
                .delete_method()
                .rest_api_id(&api.0)
                .resource_id(&path.0)
                .http_method(&self.http_method)
                .send()
        };
        gone_is_done(aws.call(DELETE, request).await)
    }
}

impl Method {
    async fn put_integration(&self, aws: &Aws) -> Result<()> {
        const PUT: Operation = Operation::safe("PutIntegration");
        let (api, path) = (self.api.get()?, self.path.get()?);
        let Some(integration) = &self.integration else {
            return Ok(());
        };
        let uri = integration.uri.get()?;
        aws.call(PUT, || {
            aws.apigateway()
                .put_integration()
                .rest_api_id(&api.0)
                .resource_id(&path.0)
                .http_method(&self.http_method)
                .r#type(IntegrationType::from(integration.kind.as_str()))
                .integration_http_method(&integration.http_method)
                .uri(&uri.0)
                .timeout_in_millis(integration.timeout_ms)
                .send()
        })
        .await?;
        Ok(())
    }
}

fn integration_of(found: &types::Integration) -> Integration {
    Integration {
        kind: found
            .r#type()
            .map_or("", IntegrationType::as_str)
            .to_owned(),
        http_method: found.http_method.clone().unwrap_or_default(),
        uri: Arn(found.uri.clone().unwrap_or_default()).into(),
        timeout_ms: found.timeout_in_millis,
    }
}
