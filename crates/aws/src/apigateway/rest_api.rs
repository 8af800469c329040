//! An API Gateway REST API: found by its tags, since names may repeat.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result};
use aws_sdk_apigateway::primitives::DateTime;
use aws_sdk_apigateway::types::{self, EndpointConfiguration, EndpointType};
use provision_engine::aws::Aws;
use provision_engine::cost::Charge;
use provision_engine::declaration::Declaration;
use provision_engine::diff::Changes;
use provision_engine::fault::Code;
use provision_engine::input::{Handle, Input};
use provision_engine::look::Look;
use provision_engine::observe::Seen;
use provision_engine::operation::Operation;
use provision_engine::owner::{Mark, STACK, Tags};
use provision_engine::refusals::Refusals;
use provision_engine::resource::{
    Act, HoldsData, Kind, Marked, Observed, Resource, check_tags, gone_is_done,
};
use serde::{Deserialize, Serialize};

use super::lists::{
    self, LIST_APIS, LIST_DEPLOYMENTS, LIST_PATHS, LIST_STAGES, candidates, oldest,
};
use super::patch::{replace, stated};
use super::tags::{TAG, tag};
use super::{API, API_GATEWAY, APIS, Method, Stage, TAGS, UsagePlan};
use crate::arn::{ApiId, Arn, PathId};
use crate::calls::Calls;
use crate::connection::GET_CALLER_IDENTITY;
use crate::prices::prices;

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
            Act::Update(changes) => changes.calls(&[
                (
                    &["name", "description", "endpoint", "disable_execute_api"],
                    &UPDATE,
                ),
                (&["tags"], &TAG),
            ]),
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
    ) -> Result<Vec<String>> {
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
            found.extend(others.map(|(verb, _)| format!("method `{verb} {full}`")));
            let is_known = full == "/" || is_declared(&[("full", full)]);
            if !is_known && found.len() == before && path.resource_methods().is_none() {
                found.push(format!("path `{full}`"));
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
        found.extend(others.map(|name| format!("stage `{name}`")));
        found.sort();
        Ok(found)
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
            tags: Tags(tags.into_iter().collect()),
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
