//! API Gateway's lists, each read once a pass.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use aws_sdk_apigateway::types;
use provision_engine::aws::Aws;
use provision_engine::error::AwsError;
use provision_engine::look::Look;
use provision_engine::operation::Operation;
use provision_engine::owner::Tags;
use tokio::try_join;

use super::{API, API_GATEWAY, APIS, KEYS, PLAN, PLANS};
use crate::arn::ApiId;
use crate::calls::Calls;

/// The largest page that API Gateway's lists offer.
const PAGE: i32 = 500;

/// An entry of a list. Names may repeat, so that tags decide.
pub(super) trait Listed {
    /// The name.
    fn name(&self) -> Option<&str>;

    /// The tags.
    fn tags(&self) -> Option<&HashMap<String, String>>;
}

macro_rules! listed {
    ($($kind:ident),*) => {
        $(impl Listed for types::$kind {
            fn name(&self) -> Option<&str> {
                self.name.as_deref()
            }

            fn tags(&self) -> Option<&HashMap<String, String>> {
                self.tags.as_ref()
            }
        })*
    };
}

listed!(RestApi, ApiKey, UsagePlan);

/// Returns the entries that may be the resource `name` with the declared `tags`: those with its mark, else those of its name that
/// were left by a renaming, else those of its name if it is to be adopted.
pub(super) fn candidates<'a, T: Listed>(
    all: &'a [T],
    name: &str,
    tags: &Tags,
    look: &Look,
) -> Vec<&'a T> {
    let chosen = |is_meant: &dyn Fn(&T) -> bool| -> Vec<&'a T> {
        all.iter().filter(|entry| is_meant(entry)).collect()
    };
    let is_named = |entry: &T| entry.name() == Some(name);
    let mut found = chosen(&|entry| tags.marks(entry.tags()));
    if found.is_empty() {
        found = chosen(&|entry| is_named(entry) && tags.may_rename(entry.tags(), look));
    }
    if found.is_empty() && look.adopts(name) {
        found = chosen(&is_named);
    }
    found
}

/// Lists REST APIs.
pub(crate) const LIST_APIS: Operation =
    Operation::read(API_GATEWAY, "GetRestApis", &[APIS.allow("apigateway:GET")]);
/// Lists API keys.
pub(crate) const LIST_KEYS: Operation =
    Operation::read(API_GATEWAY, "GetApiKeys", &[KEYS.allow("apigateway:GET")]);
/// Lists usage plans.
pub(crate) const LIST_PLANS: Operation = Operation::read(
    API_GATEWAY,
    "GetUsagePlans",
    &[PLANS.allow("apigateway:GET")],
);
pub(super) const LIST_PLAN_KEYS: Operation = Operation::read(
    API_GATEWAY,
    "GetUsagePlanKeys",
    &[PLAN.allow("apigateway:GET")],
);
pub(super) const LIST_PATHS: Operation =
    Operation::read(API_GATEWAY, "GetResources", &[API.allow("apigateway:GET")])
        .rate(5, Duration::from_millis(400));
pub(super) const LIST_DEPLOYMENTS: Operation = Operation::read(
    API_GATEWAY,
    "GetDeployments",
    &[API.allow("apigateway:GET")],
);
pub(super) const LIST_STAGES: Operation =
    Operation::read(API_GATEWAY, "GetStages", &[API.allow("apigateway:GET")]);

/// The contents of one REST API.
#[derive(Debug, Default)]
pub(super) struct ApiContents {
    /// Paths with their methods.
    pub(super) paths: Vec<types::Resource>,
    /// Deployments.
    pub(super) deployments: Vec<types::Deployment>,
    /// Stages.
    pub(super) stages: Vec<types::Stage>,
}

/// Collects all pages of a list.
macro_rules! all_pages {
    ($aws:expr, $operation:expr, $request:expr) => {{
        let mut items = Vec::new();
        let mut position: Option<String> = None;
        loop {
            let page = $aws
                .call($operation, || {
                    $request.limit(PAGE).set_position(position.clone()).send()
                })
                .await?;
            items.extend(page.items.unwrap_or_default());
            position = page.position.filter(|position| !position.is_empty());
            if position.is_none() {
                break;
            }
        }
        items
    }};
}

/// Returns all REST APIs of the region.
pub async fn rest_apis(look: &Look) -> Result<Arc<Vec<types::RestApi>>> {
    let read = async |aws: &Aws| {
        let gateway = aws.apigateway();
        anyhow::Ok(all_pages!(aws, &LIST_APIS, gateway.get_rest_apis()))
    };
    look.once("REST APIs", read)
        .await
        .context("listing the REST APIs")
}

/// Returns all API keys of the region, without their values.
pub async fn api_keys(look: &Look) -> Result<Arc<Vec<types::ApiKey>>> {
    let read = async |aws: &Aws| {
        let gateway = aws.apigateway();
        let request = || gateway.get_api_keys().include_values(false);
        anyhow::Ok(all_pages!(aws, &LIST_KEYS, request()))
    };
    look.once("API keys", read)
        .await
        .context("listing the API keys")
}

/// Returns all usage plans of the region.
pub async fn usage_plans(look: &Look) -> Result<Arc<Vec<types::UsagePlan>>> {
    let read = async |aws: &Aws| {
        let gateway = aws.apigateway();
        anyhow::Ok(all_pages!(aws, &LIST_PLANS, gateway.get_usage_plans()))
    };
    look.once("usage plans", read)
        .await
        .context("listing the usage plans")
}

/// Returns paths with their methods, deployments and stages of one API.
pub(super) async fn contents(look: &Look, api: &ApiId) -> Result<Arc<ApiContents>> {
    let read = async |aws: &Aws| or_nothing(read_contents(aws, api).await);
    look.once(&format!("contents of {api}"), read)
        .await
        .with_context(|| format!("reading REST API `{api}`"))
}

/// Returns the ids of the keys of the usage plan `id`.
pub(super) async fn plan_keys(look: &Look, id: &str) -> Result<Arc<BTreeSet<String>>> {
    let read = async |aws: &Aws| {
        let gateway = aws.apigateway();
        let request = || gateway.get_usage_plan_keys().usage_plan_id(id);
        let keys = async || anyhow::Ok(all_pages!(aws, &LIST_PLAN_KEYS, request()));
        let keys: Vec<types::UsagePlanKey> = or_nothing(keys().await)?;
        Ok(keys.into_iter().filter_map(|key| key.id).collect())
    };
    look.once(&format!("keys of plan {id}"), read)
        .await
        .with_context(|| format!("reading the keys of usage plan `{id}`"))
}

async fn read_contents(aws: &Aws, api: &ApiId) -> Result<ApiContents> {
    let gateway = &aws.apigateway();
    let paths = async {
        let request = || gateway.get_resources().rest_api_id(&api.0).embed("methods");
        anyhow::Ok(all_pages!(aws, &LIST_PATHS, request()))
    };
    let deployments = async {
        let request = || gateway.get_deployments().rest_api_id(&api.0);
        anyhow::Ok(all_pages!(aws, &LIST_DEPLOYMENTS, request()))
    };
    let stages = async {
        let request = || gateway.get_stages().rest_api_id(&api.0).send();
        let answer = aws.call(&LIST_STAGES, request).await?;
        Ok(answer.item.unwrap_or_default())
    };
    let (paths, deployments, stages) = try_join!(paths, deployments, stages)?;
    Ok(ApiContents {
        paths,
        deployments,
        stages,
    })
}

/// Lists name for a moment what has just been deleted: its contents are empty.
fn or_nothing<T: Default>(read: Result<T>) -> Result<T> {
    match read {
        Err(error)
            if error
                .downcast_ref::<AwsError>()
                .is_some_and(AwsError::is_not_found) =>
        {
            Ok(T::default())
        }
        other => other,
    }
}

/// Returns the resource that counts where two runs at the same time have created several: the oldest, and of those of one age
/// the one whose id sorts first. Every run chooses the same; the others count as undeclared.
pub(super) fn oldest<T>(
    found: Vec<T>,
    created_and_id: impl Fn(&T) -> (Option<i128>, Option<String>),
) -> Option<T> {
    found.into_iter().min_by_key(created_and_id)
}
