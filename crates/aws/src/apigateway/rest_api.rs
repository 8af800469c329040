//! An API Gateway REST API: found by its tags, since names may repeat.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result};
use aws_sdk_apigateway::primitives::DateTime;
use aws_sdk_apigateway::types::{
    self, ApiKeySourceType, EndpointConfiguration, EndpointType, IpAddressType, Op, PatchOperation,
};
use provision_engine::aws::Aws;
use provision_engine::cost::Charge;
use provision_engine::declaration::Declaration;
use provision_engine::diff::Changes;
use provision_engine::fault::Code;
use provision_engine::input::{Handle, Input, hex};
use provision_engine::look::Look;
use provision_engine::observe::Seen;
use provision_engine::operation::Operation;
use provision_engine::owner::{Mark, STACK, Tags};
use provision_engine::refusals::Refusals;
use provision_engine::resource::{
    Act, ForeignPart, HoldsData, Kind, Marked, Observed, Resource, check_tags, gone_is_done,
};
use provision_engine::target::Target;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::lists::{
    self, LIST_APIS, LIST_DEPLOYMENTS, LIST_PATHS, LIST_STAGES, candidates, oldest,
};
use super::patch::{escaped, operation, replace, stated};
use super::tags::{TAG, tag};
use super::{API, API_GATEWAY, APIS, Method, Stage, TAGS, UsagePlan};
use crate::arn::{ApiId, Arn, PathId, Shape};
use crate::calls::Calls;
use crate::connection::GET_CALLER_IDENTITY;
use crate::prices::prices;
use crate::unusual::Unusual;

const CREATE: Operation = Operation::create(
    API_GATEWAY,
    "CreateRestApi",
    &[
        APIS.allow("apigateway:POST"),
        TAGS.allow("apigateway:POST"),
        TAGS.allow("apigateway:PUT"),
    ],
)
.rate(1, Duration::from_secs(3));
const UPDATE: Operation = Operation::write(
    API_GATEWAY,
    "UpdateRestApi",
    &[API.allow("apigateway:PATCH")],
);
const DELETE: Operation = Operation::write(
    API_GATEWAY,
    "DeleteRestApi",
    &[API.allow("apigateway:DELETE")],
)
.rate(1, Duration::from_secs(30))
.patient(Duration::from_mins(10));

/// A REST API: `AWS::ApiGateway::RestApi`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RestApi {
    /// The name. It may repeat in an account: the mark decides which API is meant.
    pub name: String,
    /// The description, for people; empty for none.
    pub description: String,
    /// The endpoint type: `REGIONAL`, `EDGE` or `PRIVATE`.
    pub endpoint: String,
    /// True if the host `ID.execute-api.REGION.amazonaws.com` is switched off, so that callers need a domain name of the API's own.
    pub disable_execute_api: bool,
    /// The media types that reach functions as base64, and that they answer with as base64; `*/*` for all. Sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub binary_media_types: Vec<String>,
    /// The size in bytes from which answers are compressed, if the caller accepts that: 0 to 10,485,760; `None` for no compression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compression_from: Option<i32>,
    /// Settings that are not declared here, where somebody has changed them: none in a declaration.
    #[serde(default, skip_serializing_if = "Unusual::is_none")]
    pub unusual: Unusual,
    /// The tags that the declaration asks for; the stack adds its mark. Other tags of the resource are ignored.
    pub tags: Tags,
}

/// The outputs of a [`RestApi`].
#[derive(Debug, Serialize, Deserialize)]
pub struct RestApiOutput {
    /// The id that API Gateway gave, the first part of the host name.
    pub id: ApiId,
    /// The id of the path `/`, which API Gateway makes along with the API.
    pub root: PathId,
    /// The ARN `arn:aws:execute-api:REGION:ACCOUNT:ID`, the beginning of the source ARNs that permissions name.
    pub execute_arn: Arn,
}

/// The outputs of a declared [`RestApi`].
pub trait RestApiHandle {
    /// Returns the API's id.
    fn api_id(&self) -> Input<ApiId>;

    /// Returns the id of the path `/`.
    fn root(&self) -> Input<PathId>;

    /// Returns the shape of those settings that a deployment freezes beside the methods: part of the deployment's, where any of
    /// them is declared.
    fn shape(&self) -> Input<Shape>;

    /// Returns `arn:aws:execute-api:REGION:ACCOUNT:ID`; `.join("/STAGE/METHOD/PATH")` is the source ARN of a permission.
    fn execute_arn(&self) -> Input<Arn>;
}

impl RestApiHandle for Handle<RestApi> {
    fn api_id(&self) -> Input<ApiId> {
        self.output("id")
    }

    fn root(&self) -> Input<PathId> {
        self.output("root")
    }

    fn shape(&self) -> Input<Shape> {
        self.output("shape")
    }

    fn execute_arn(&self) -> Input<Arn> {
        self.output("execute_arn")
    }
}

impl Resource for RestApi {
    type Output = RestApiOutput;
    const KIND: Kind = Kind {
        search: &[&LIST_APIS],
        may_repeat: true,
        ..Kind::new(
            "AWS::ApiGateway::RestApi",
            "REST API",
            HoldsData::No,
            &[
                &LIST_APIS,
                &LIST_PATHS,
                &LIST_DEPLOYMENTS,
                &LIST_STAGES,
                &CREATE,
                &TAG,
                &UPDATE,
                &DELETE,
                &GET_CALLER_IDENTITY,
            ],
        )
    };

    fn name(&self) -> String {
        self.name.clone()
    }

    fn calls(&self, act: Act<'_>) -> Vec<&'static Operation> {
        match act {
            Act::Create => vec![&CREATE],
            Act::Update(changes) => changes.calls(&[(&UPDATED, &UPDATE), (&["tags"], &TAG)]),
            Act::Delete => vec![&DELETE],
        }
    }

    fn cost(&self, region: &str) -> Vec<Charge> {
        vec![Charge {
            service: "API Gateway",
            usd: prices(region).api_million,
        }]
    }

    fn validate(&self, refusals: &mut Refusals) {
        refusals.ensure(
            self.compression_from
                .is_none_or(|bytes| (0..=10_485_760).contains(&bytes)),
            "an API's compression begins at 0 to 10485760 bytes",
        );
        refusals.check(check_tags(&self.tags));
    }

    fn validate_among(&self, id: &str, declaration: &Declaration, refusals: &mut Refusals) {
        let is_own = |api: &Input<ApiId>| api.source() == Some(id);
        let mut methods = declaration.all::<Method>();
        let needs_key = methods.any(|(_, method)| is_own(&method.api) && method.key_required);
        let mut plans = declaration.all::<UsagePlan>();
        let has_key = plans.any(|(_, plan)| {
            !plan.keys.is_empty() && plan.stages.iter().any(|stage| is_own(&stage.api))
        });
        refusals.ensure(
            !needs_key || has_key,
            "it asks for a key, and no usage plan with a key covers it, so every request would be refused: \
             `UsagePlan::over(&api, …).key(&key)`",
        );
    }

    async fn prefetch(look: &Look) -> Result<()> {
        lists::rest_apis(look).await.map(|_| ())
    }

    async fn marked(seen: &Seen<'_>) -> Result<Vec<Marked<Self>>> {
        let apis = lists::rest_apis(seen.look).await?;
        let ours = apis.iter().filter(|api| is_of_stack(api, seen.stack()));
        let mut found = Vec::new();
        for api in ours {
            let observed = Self::of(api, api.tags.clone().unwrap_or_default());
            let output = output(
                seen.look.aws(),
                api.id.clone(),
                api.root_resource_id.clone(),
            );
            let observed = Observed::ours(observed, output.await?);
            found.push(Marked::new(api.id().unwrap_or_default(), observed));
        }
        Ok(found)
    }

    /// Methods and stages that are neither declared nor marked as ours, and paths with nothing else.
    async fn foreign_parts(
        &self,
        observed: &Observed<Self>,
        seen: &Seen<'_>,
    ) -> Result<Vec<ForeignPart>> {
        let api = &observed.output.id;
        let contents = lists::contents(seen.look, api).await?;
        let states = || seen.observations.values().map(|observed| &observed.state);
        let is_declared = |fields: &[(&str, &str)]| {
            states().any(|state| {
                let mut fields = fields.iter();
                fields.all(|(field, value)| state[*field].as_str() == Some(value))
            })
        };
        let of_stack = format!("{}.", seen.stack());
        let own = observed.output.id.0.as_str();
        let mut methods = seen.declaration.all::<Method>();
        let is_closed = methods.any(|(id, method)| {
            let is_here = seen.observations.get(id);
            let is_here = is_here.is_some_and(|found| found.state["api"] == own);
            is_here && (method.key_required || method.authorization != "NONE")
        });
        let mut found = Vec::new();
        for path in &contents.paths {
            let (id, full) = (
                path.id().unwrap_or_default(),
                path.path().unwrap_or_default(),
            );
            let methods = path.resource_methods().into_iter().flatten();
            let others = methods.filter(|(verb, method)| {
                !Method::is_marked(method, &of_stack)
                    && !is_declared(&[("path", id), ("http_method", verb.as_str())])
            });
            let before = found.len();
            found.extend(others.map(|(verb, method)| {
                ForeignPart::going(format!("method `{verb} {full}`"))
                    .widening(is_closed && Method::is_open(method))
            }));
            let is_known = full == "/" || is_declared(&[("full", full)]);
            if !is_known && found.len() == before && path.resource_methods().is_none() {
                found.push(ForeignPart::going(format!("path `{full}`")));
            }
        }
        let declared: Vec<&str> = seen
            .declaration
            .all::<Stage>()
            .filter(|(id, _)| seen.observations.contains_key(*id))
            .map(|(_, stage)| stage.name.as_str())
            .collect();
        let stages = contents
            .stages
            .iter()
            .filter_map(|stage| stage.stage_name());
        let others = stages.filter(|name| !declared.contains(name));
        found.extend(others.map(|name| ForeignPart::going(format!("stage `{name}`"))));
        found.extend(walls(&contents.stages, &declared));
        found.sort_by(|one, other| one.what.cmp(&other.what));
        Ok(found)
    }

    fn computed(&self, _target: &Target) -> Value {
        let frozen = json!([self.binary_media_types, self.compression_from]);
        json!({ "shape": hex(&Sha256::digest(frozen.to_string())) })
    }

    fn mark(&mut self, mark: &Mark<'_>) {
        self.tags.mark(mark);
    }

    fn is_last_declared(&self, observed: &Observed<Self>) -> bool {
        self.tags.is_same_declaration(&observed.state.tags)
    }

    async fn observe(&self, look: &Look) -> Result<Option<Observed<Self>>> {
        let all = lists::rest_apis(look).await?;
        let found = candidates(&all, &self.name, &self.tags, look);
        let one = oldest(found, |api| {
            (api.created_date().map(DateTime::as_nanos), api.id.clone())
        });
        let Some(api) = one else { return Ok(None) };
        let tags: BTreeMap<_, _> = api.tags.clone().unwrap_or_default().into_iter().collect();
        let declared = self.tags.declared_part(&tags);
        Ok(Some(Observed::ours(
            Self::of(api, declared.0),
            output(look.aws(), api.id.clone(), api.root_resource_id.clone()).await?,
        )))
    }

    async fn create(&self, aws: &Aws) -> Result<RestApiOutput> {
        let types = EndpointType::from(self.endpoint.as_str());
        let endpoint = EndpointConfiguration::builder().types(types).build();
        let created = aws
            .call(&CREATE, || {
                aws.apigateway()
                    .create_rest_api()
                    .name(&self.name)
                    .set_description(stated(&self.description))
                    .endpoint_configuration(endpoint.clone())
                    .set_disable_execute_api_endpoint(self.disable_execute_api.then_some(true))
                    .set_binary_media_types(stated_all(&self.binary_media_types))
                    .set_minimum_compression_size(self.compression_from)
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
        if changes.touch("binary_media_types") {
            let found = &observed.state.binary_media_types;
            patch.extend(of_types(&Op::Remove, found, &self.binary_media_types));
            patch.extend(of_types(&Op::Add, &self.binary_media_types, found));
        }
        if changes.touch("compression_from") {
            let bytes = self.compression_from.map(|bytes| bytes.to_string());
            patch.push(replace(
                "/minimumCompressionSize",
                &bytes.unwrap_or_default(),
            ));
        }
        if changes.touch("unusual") {
            let found = observed.state.unusual.iter();
            patch.extend(found.flat_map(|(name, found)| usual(name, found)));
        }
        if !patch.is_empty() {
            aws.call(&UPDATE, || {
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
        let id = &observed.output.id.0;
        let request = || aws.apigateway().delete_rest_api().rest_api_id(id).send();
        gone_is_done(aws.call(&DELETE, request).await)
    }
}

impl RestApi {
    /// The API in the shape of a declaration, with these tags.
    fn of(api: &types::RestApi, tags: impl IntoIterator<Item = (String, String)>) -> Self {
        let endpoint = api
            .endpoint_configuration
            .as_ref()
            .and_then(|configuration| configuration.types().first())
            .map_or("EDGE", EndpointType::as_str);
        Self {
            name: api.name.clone().unwrap_or_default(),
            description: api.description.clone().unwrap_or_default(),
            endpoint: endpoint.to_owned(),
            disable_execute_api: api.disable_execute_api_endpoint,
            binary_media_types: sorted(api.binary_media_types()),
            compression_from: api.minimum_compression_size(),
            unusual: unusual(api),
            tags: Tags(tags.into_iter().collect()),
        }
    }
}

/// The fields that `UpdateRestApi` sets.
const UPDATED: [&str; 7] = [
    "name",
    "description",
    "endpoint",
    "disable_execute_api",
    "binary_media_types",
    "compression_from",
    "unusual",
];

/// The web ACLs in front of declared stages, which AWS WAF puts there.
fn walls(stages: &[types::Stage], declared: &[&str]) -> Vec<ForeignPart> {
    let ours = stages.iter().filter(|stage| {
        let name = stage.stage_name();
        name.is_some_and(|name| declared.contains(&name))
    });
    let walls = ours.filter_map(|stage| {
        let name = stage.stage_name().unwrap_or_default();
        let wall = stage.web_acl_arn().filter(|arn| !arn.is_empty())?;
        Some(format!("web ACL `{wall}` in front of stage `{name}`"))
    });
    walls.map(ForeignPart::staying).collect()
}

fn sorted(types: &[String]) -> Vec<String> {
    let mut types = types.to_vec();
    types.sort();
    types
}

/// API Gateway refuses an empty list of some settings.
fn stated_all(types: &[String]) -> Option<Vec<String>> {
    (!types.is_empty()).then(|| types.to_vec())
}

/// Adds or removes those media types that `others` has not.
fn of_types(op: &Op, types: &[String], others: &[String]) -> Vec<PatchOperation> {
    let differ = types.iter().filter(|kind| !others.contains(kind));
    differ
        .map(|kind| {
            let path = format!("/binaryMediaTypes/{}", escaped(kind));
            operation(op.clone(), &path, "")
        })
        .collect()
}

fn unusual(api: &types::RestApi) -> Unusual {
    let endpoint = api.endpoint_configuration();
    let addresses = endpoint.and_then(|endpoint| endpoint.ip_address_type());
    let addresses = addresses.map_or("ipv4", IpAddressType::as_str);
    let is_private =
        endpoint.is_some_and(|endpoint| endpoint.types().contains(&EndpointType::Private));
    let source = api
        .api_key_source()
        .map_or("HEADER", ApiKeySourceType::as_str);
    let vpc_endpoints = endpoint.map(|endpoint| endpoint.vpc_endpoint_ids().to_vec());
    Unusual::default()
        .or_usual("apiKeySource", source, "HEADER")
        .or_none("policy", api.policy())
        .or_usual(
            "ipAddressType",
            addresses,
            if is_private { "dualstack" } else { "ipv4" },
        )
        .or_none("vpcEndpointIds", vpc_endpoints.unwrap_or_default())
}

/// Sets a setting back to what AWS gives.
fn usual(name: &str, found: &Value) -> Vec<PatchOperation> {
    match name {
        "apiKeySource" => vec![replace("/apiKeySource", "HEADER")],
        "policy" => vec![replace("/policy", "")],
        "ipAddressType" => {
            let other = if *found == "ipv4" {
                "dualstack"
            } else {
                "ipv4"
            };
            vec![replace("/endpointConfiguration/ipAddressType", other)]
        }
        _ => {
            let ids = found.as_array().into_iter().flatten();
            let ids = ids.filter_map(Value::as_str);
            let path = "/endpointConfiguration/vpcEndpointIds";
            ids.map(|id| operation(Op::Remove, path, id)).collect()
        }
    }
}

/// Returns true if `api` carries the tag of the stack `stack`.
pub(super) fn is_of_stack(api: &types::RestApi, stack: &str) -> bool {
    let tags = api.tags();
    tags.is_some_and(|tags| tags.get(STACK).map(String::as_str) == Some(stack))
}

async fn output(aws: &Aws, id: Option<String>, root: Option<String>) -> Result<RestApiOutput> {
    let id = id.context(Code::Incomplete.fault("AWS returned a REST API without its id"))?;
    let root = match root {
        Some(root) => root,
        // Older endpoints answer without `rootResourceId`.
        None => aws
            .call(&LIST_PATHS, || {
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
