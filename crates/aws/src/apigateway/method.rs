//! One method of a path, with the Lambda proxy integration behind it.

use anyhow::Result;
use aws_sdk_apigateway::types::{
    self, ConnectionType, ContentHandlingStrategy, IntegrationType, Op, PatchOperation,
    ResponseTransferMode, TlsConfig,
};
use provision_engine::aws::Aws;
use provision_engine::declaration::Declaration;
use provision_engine::diff::Changes;
use provision_engine::input::{Handle, Input, hex};
use provision_engine::look::Look;
use provision_engine::observe::Seen;
use provision_engine::operation::Operation;
use provision_engine::owner::Mark;
use provision_engine::refusals::Refusals;
use provision_engine::resource::{Act, HoldsData, Kind, Marked, Observed, Resource, gone_is_done};
use provision_engine::target::Target;
use provision_engine::warning::Warning;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::lists::{self, LIST_DEPLOYMENTS, LIST_PATHS, LIST_STAGES};
use super::patch::{escaped, operation, replace};
use super::path::lane_of;
use super::{API, API_GATEWAY, RestApi};
use crate::arn::{ApiId, Arn, PathId, Shape};
use crate::calls::Calls;
use crate::lambda::Function;
use crate::unusual::Unusual;

const PUT_METHOD: Operation =
    Operation::create(API_GATEWAY, "PutMethod", &[API.allow("apigateway:PUT")]);
const PUT_INTEGRATION: Operation = Operation::write(
    API_GATEWAY,
    "PutIntegration",
    &[API.allow("apigateway:PUT")],
);
const UPDATE: Operation = Operation::write(
    API_GATEWAY,
    "UpdateMethod",
    &[API.allow("apigateway:PATCH")],
);
const DELETE: Operation = Operation::write(
    API_GATEWAY,
    "DeleteMethod",
    &[API.allow("apigateway:DELETE")],
);

/// A method of a path, with its integration: `AWS::ApiGateway::Method`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Method {
    /// The API of the path.
    pub api: Input<ApiId>,
    /// The path that the method belongs to.
    pub path: Input<PathId>,
    /// The whole path from the root, as in [`Path::full`](super::Path::full). Part of the shape, and shown in plans.
    pub full_path: String,
    /// The HTTP method in capital letters, such as `POST`; `ANY` for all of them.
    pub http_method: String,
    /// True if callers have to send an API key as `x-api-key`; API Gateway answers others with 403.
    pub key_required: bool,
    /// `NONE` or `AWS_IAM`. The other types of API Gateway need an authorizer, which this kind does not declare.
    pub authorization: String,
    /// The mark, filled in by the stack: its name, the id and the digest of this declaration. It is kept in `operationName`,
    /// because AWS cannot tag methods.
    pub operation: String,
    /// The backend; `None` only as observed: a method that was left half made.
    pub integration: Option<Integration>,
    /// Settings that are not declared here, where somebody has changed them: none in a declaration.
    #[serde(default, skip_serializing_if = "Unusual::is_none")]
    pub unusual: Unusual,
}

/// The backend of a method, as `PutIntegration` sets it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Integration {
    /// The type: `AWS_PROXY` passes the whole request to a Lambda function, and its answer to the caller.
    #[serde(rename = "type")]
    pub kind: String,
    /// The HTTP method of the request to the backend. Lambda takes `POST` only, independent of the caller's method.
    pub http_method: String,
    /// The ARN that API Gateway calls: a function's [`invoke_arn`](crate::lambda::FunctionHandle::invoke_arn).
    pub uri: Input<Arn>,
    /// The time for an answer of the backend in milliseconds: 50 to 29,000 (AWS: "Amazon API Gateway quotas").
    pub timeout_ms: i32,
    /// Settings that are not declared here, where somebody has changed them: none in a declaration.
    #[serde(default, skip_serializing_if = "Unusual::is_none")]
    pub unusual: Unusual,
}

impl Integration {
    /// Passes the whole request to the function with this `invoke_arn`, and waits 29 s for its answer.
    pub fn lambda_proxy(invoke_arn: Input<Arn>) -> Self {
        Self {
            kind: IntegrationType::AwsProxy.to_string(),
            http_method: "POST".to_owned(),
            uri: invoke_arn,
            timeout_ms: 29_000,
            unusual: Unusual::default(),
        }
    }
}

/// The outputs of a [`Method`]: AWS gives it none. Its shape is computed from the declaration.
#[derive(Debug, Serialize, Deserialize)]
pub struct MethodOutput {}

/// The outputs of a declared [`Method`].
pub trait MethodHandle {
    /// Returns the method's shape, which changes exactly when the method has to be deployed again.
    fn shape(&self) -> Input<Shape>;
}

impl MethodHandle for Handle<Method> {
    fn shape(&self) -> Input<Shape> {
        self.output("shape")
    }
}

impl Resource for Method {
    type Output = MethodOutput;
    const KIND: Kind = Kind {
        // API Gateway does not look at what an integration names.
        by_name: &["integration"],
        marks: &["operation"],
        ..Kind::new(
            "AWS::ApiGateway::Method",
            "method",
            HoldsData::No,
            &[
                &LIST_PATHS,
                &LIST_DEPLOYMENTS,
                &LIST_STAGES,
                &PUT_METHOD,
                &PUT_INTEGRATION,
                &UPDATE,
                &DELETE,
            ],
        )
    };

    fn name(&self) -> String {
        format!("{} {}", self.http_method, self.full_path)
    }

    fn calls(&self, act: Act<'_>) -> Vec<&'static Operation> {
        match act {
            Act::Create => vec![&PUT_METHOD, &PUT_INTEGRATION],
            Act::Update(changes) => changes.calls(&[
                (
                    &["key_required", "authorization", "operation", "unusual"],
                    &UPDATE,
                ),
                (&["integration"], &PUT_INTEGRATION),
            ]),
            Act::Delete => vec![&DELETE],
        }
    }

    fn validate(&self, refusals: &mut Refusals) {
        const TIMEOUT_MS: std::ops::RangeInclusive<i32> = 50..=29_000;
        if let Some(Integration { timeout_ms, .. }) = &self.integration {
            refusals.ensure(
                TIMEOUT_MS.contains(timeout_ms),
                format!("an integration's timeout is 50 to 29000 ms, not {timeout_ms}"),
            );
        }
    }

    /// Methods of declared APIs whose `operationName` says that they are this stack's.
    async fn marked(seen: &Seen<'_>) -> Result<Vec<Marked<Self>>> {
        let mut found = Vec::new();
        for (id, output) in seen.all::<RestApi>() {
            let contents = lists::contents(seen.look, &output.id).await?;
            for path in &contents.paths {
                let full = path.path().unwrap_or_default();
                for verb in Self::undeclared_in(path, seen) {
                    let state = Self {
                        api: output.id.clone().into(),
                        path: PathId(path.id().unwrap_or_default().to_owned()).into(),
                        full_path: full.to_owned(),
                        http_method: verb.clone(),
                        key_required: false,
                        authorization: String::new(),
                        operation: String::new(),
                        integration: None,
                        unusual: Unusual::default(),
                    };
                    let label = format!("{verb} {full}");
                    let mut marked = Marked::new(label, Observed::ours(state, MethodOutput {}));
                    marked.within = Some(id.to_owned());
                    found.push(marked);
                }
            }
        }
        Ok(found)
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
            return json!({ "shape": null });
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

    fn warnings(&self, declaration: &Declaration) -> Vec<Warning> {
        let Some(integration) = &self.integration else {
            return Vec::new();
        };
        let function = declaration
            .all::<Function>()
            .find(|(id, _)| integration.uri.source() == Some(*id));
        let limit_s = integration.timeout_ms / 1000;
        match function {
            Some((id, function)) if function.timeout_s > limit_s => vec![Warning::new(
                "api-timeout",
                format!(
                    "API Gateway gives up after {limit_s} s; the function `{id}` may take {} s",
                    function.timeout_s
                ),
            )],
            _ => Vec::new(),
        }
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
        let contents = lists::contents(look, api).await?;
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
            unusual: unusual(method),
            ..self.clone()
        };
        Ok(Some(Observed::ours(state, MethodOutput {})))
    }

    async fn create(&self, aws: &Aws) -> Result<MethodOutput> {
        let (api, path) = (self.api.get()?, self.path.get()?);
        aws.call(&PUT_METHOD, || {
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
        if changes.touch("unusual") {
            let found = observed.state.unusual.iter();
            patch.extend(found.flat_map(|(name, found)| usual(name, found)));
        }
        if changes.touch("operation") {
            patch.push(replace("/operationName", &self.operation));
        }
        if !patch.is_empty() {
            aws.call(&UPDATE, || {
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
        let (api, path) = (self.api.get()?, self.path.get()?);
        let request = || {
            aws.apigateway()
                .delete_method()
                .rest_api_id(&api.0)
                .resource_id(&path.0)
                .http_method(&self.http_method)
                .send()
        };
        gone_is_done(aws.call(&DELETE, request).await)
    }
}

impl Method {
    /// Returns true if `method` is one of the stack whose name `prefix` begins with.
    pub(super) fn is_marked(method: &types::Method, prefix: &str) -> bool {
        let operation = method.operation_name();
        operation.is_some_and(|operation| operation.starts_with(prefix))
    }

    /// Returns true if callers need neither a key nor a signature.
    pub(super) fn is_open(method: &types::Method) -> bool {
        let authorization = method.authorization_type().unwrap_or("NONE");
        !method.api_key_required().unwrap_or_default() && authorization == "NONE"
    }

    /// The verbs of this stack's methods on `path` that are not declared.
    pub(super) fn undeclared_in(path: &types::Resource, seen: &Seen<'_>) -> Vec<String> {
        let id = path.id().unwrap_or_default();
        let prefix = format!("{}.", seen.stack());
        let is_declared = |verb: &str| {
            seen.declaration.all::<Self>().any(|(declared, _)| {
                seen.observations.get(declared).is_some_and(|observed| {
                    observed.state["path"] == id && observed.state["http_method"] == verb
                })
            })
        };
        let methods = path.resource_methods().into_iter().flatten();
        let mut verbs: Vec<String> = methods
            .filter(|(verb, method)| Self::is_marked(method, &prefix) && !is_declared(verb))
            .map(|(verb, _)| verb.clone())
            .collect();
        verbs.sort();
        verbs
    }

    async fn put_integration(&self, aws: &Aws) -> Result<()> {
        let (api, path) = (self.api.get()?, self.path.get()?);
        let Some(integration) = &self.integration else {
            return Ok(());
        };
        let uri = integration.uri.get()?;
        aws.call(&PUT_INTEGRATION, || {
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
        unusual: unusual_integration(found),
    }
}

fn unusual(method: &types::Method) -> Unusual {
    Unusual::default()
        .or_none("requestValidatorId", method.request_validator_id())
        .or_none("requestModels", json!(method.request_models()))
        .or_none("requestParameters", json!(method.request_parameters()))
}

/// Sets a setting back to what AWS gives.
fn usual(name: &str, found: &Value) -> Vec<PatchOperation> {
    match found.as_object() {
        None => vec![replace(&format!("/{name}"), "")],
        Some(entries) => entries
            .keys()
            .map(|entry| operation(Op::Remove, &format!("/{name}/{}", escaped(entry)), ""))
            .collect(),
    }
}

/// All of it goes with the next `PutIntegration`.
fn unusual_integration(found: &types::Integration) -> Unusual {
    let connection = found.connection_type().map(ConnectionType::as_str);
    let content = found
        .content_handling()
        .map(ContentHandlingStrategy::as_str);
    let transfer = found
        .response_transfer_mode()
        .map(ResponseTransferMode::as_str);
    let tls = found
        .tls_config()
        .map(TlsConfig::insecure_skip_verification);
    Unusual::default()
        .or_none("credentials", found.credentials())
        .or_none("requestParameters", json!(found.request_parameters()))
        .or_none("requestTemplates", json!(found.request_templates()))
        .or_usual(
            "passthroughBehavior",
            found.passthrough_behavior().unwrap_or("WHEN_NO_MATCH"),
            "WHEN_NO_MATCH",
        )
        .or_none("contentHandling", content)
        .or_usual(
            "connectionType",
            connection.unwrap_or("INTERNET"),
            "INTERNET",
        )
        .or_usual(
            "responseTransferMode",
            transfer.unwrap_or("BUFFERED"),
            "BUFFERED",
        )
        .or_none("cacheKeyParameters", json!(found.cache_key_parameters()))
        .or_usual("insecureSkipVerification", tls.unwrap_or_default(), false)
}
