//! REST APIs with their resources and stages, API keys, and usage plans.

use std::collections::HashMap;

use aws_sdk_apigateway::types::{
    ApiKey, IpAddressType, Method, QuotaSettings, RestApi, Stage, ThrottleSettings, UsagePlan,
};
use serde_json::{Map, Value, json};

use super::ids::Ids;
use super::value::map;
use crate::account::Account;

/// Lists REST APIs with their resources and stages.
pub(super) async fn rest_apis(account: &Account, ids: &mut Ids) -> Vec<Value> {
    let listed = account.apigateway.get_rest_apis().limit(500).send().await;
    let mut found = Vec::new();
    for api in listed.expect("GetRestApis").items.unwrap_or_default() {
        found.push(rest_api(account, &api, ids).await);
    }
    found
}

async fn rest_api(account: &Account, api: &RestApi, ids: &mut Ids) -> Value {
    let gateway = &account.apigateway;
    let id = api.id().expect("an API has an id");
    let name = api.name().unwrap_or_default();
    ids.label(id, &format!("api {name}"));

    let resources = gateway
        .get_resources()
        .rest_api_id(id)
        .embed("methods")
        .limit(500)
        .send()
        .await;
    let mut shape = Vec::new();
    for resource in resources.expect("GetResources").items.unwrap_or_default() {
        let path = resource.path().unwrap_or_default();
        ids.label(
            resource.id().unwrap_or_default(),
            &format!("resource {name}{path}"),
        );
        let methods = resource.resource_methods().into_iter().flatten();
        let methods: Map<String, Value> = methods
            .map(|(verb, method)| (verb.clone(), method_value(method)))
            .collect();
        shape.push(json!({ "path": path, "methods": methods }));
    }

    let deployments = gateway
        .get_deployments()
        .rest_api_id(id)
        .limit(500)
        .send()
        .await;
    let deployments = deployments
        .expect("GetDeployments")
        .items
        .unwrap_or_default();
    for deployment in &deployments {
        ids.label(
            deployment.id().unwrap_or_default(),
            &format!("deployment of {name}"),
        );
    }
    let stages = gateway.get_stages().rest_api_id(id).send().await;
    let stages: Vec<_> = stages
        .expect("GetStages")
        .item
        .unwrap_or_default()
        .iter()
        .map(|stage| {
            let live = deployments
                .iter()
                .find(|deployment| deployment.id() == stage.deployment_id());
            stage_value(
                stage,
                live.and_then(|deployment| deployment.description()),
                live.is_some(),
            )
        })
        .collect();
    let types = api.endpoint_configuration().map(|endpoint| {
        let types = endpoint.types().iter().map(ToString::to_string);
        types.collect::<Vec<_>>()
    });
    let endpoint = api.endpoint_configuration();
    let addresses = endpoint.and_then(|endpoint| endpoint.ip_address_type());
    let addresses = addresses.map_or("ipv4", IpAddressType::as_str);
    json!({
        "name": name,
        "id": id,
        "description": api.description().unwrap_or_default(),
        "endpoint": types,
        "addresses": addresses,
        "policy": api.policy().filter(|policy| !policy.is_empty()),
        "key_source": api.api_key_source().map(ToString::to_string),
        "binary": api.binary_media_types(),
        "compression": api.minimum_compression_size(),
        "default_endpoint_disabled": api.disable_execute_api_endpoint(),
        "tags": map(api.tags()),
        "resources": shape,
        "stages": stages,
    })
}

fn method_value(method: &Method) -> Value {
    let integration = method.method_integration().map(|integration| {
        json!({
            "type": integration.r#type().map(ToString::to_string),
            "method": integration.http_method(),
            "uri": integration.uri(),
            "credentials": integration.credentials(),
            "passthrough": integration.passthrough_behavior(),
            "content": integration.content_handling().map(ToString::to_string),
            "parameters": map(integration.request_parameters()),
            "timeout": integration.timeout_in_millis(),
            "templates": map(integration.request_templates()),
            "responses": integration.integration_responses().map(HashMap::len).unwrap_or_default(),
        })
    });
    json!({
        "authorization": method.authorization_type(),
        "key_required": method.api_key_required(),
        "validator": method.request_validator_id().filter(|id| !id.is_empty()),
        "models": map(method.request_models()),
        "parameters": method.request_parameters().map(HashMap::len).unwrap_or_default(),
        "responses": method.method_responses().map(HashMap::len).unwrap_or_default(),
        "integration": integration,
    })
}

/// A stage with the description of its deployment. Older deployments are not part of a census.
fn stage_value(stage: &Stage, deployed: Option<&str>, exists: bool) -> Value {
    let settings: Map<String, Value> = stage
        .method_settings()
        .into_iter()
        .flatten()
        // A negative limit is none.
        .filter(|(_, setting)| setting.throttling_rate_limit() >= 0.0)
        .map(|(path, setting)| {
            let limits = json!([
                setting.throttling_rate_limit(),
                setting.throttling_burst_limit()
            ]);
            (path.clone(), limits)
        })
        .collect();
    json!({
        "name": stage.stage_name(),
        "description": stage.description().unwrap_or_default(),
        "variables": map(stage.variables()),
        "method_throttles": settings,
        "metrics": stage.method_settings().into_iter().flatten().any(|(_, one)| one.metrics_enabled()),
        "logs": stage.access_log_settings().and_then(|logs| logs.destination_arn()),
        "certificate": stage.client_certificate_id().filter(|id| !id.is_empty()),
        "tracing": stage.tracing_enabled(),
        "deployment_exists": exists,
        "deployment": deployed.unwrap_or_default(),
        "tags": map(stage.tags()),
    })
}

/// Lists API keys with their values.
pub(super) async fn api_keys(account: &Account, ids: &mut Ids) -> Vec<Value> {
    let listed = account
        .apigateway
        .get_api_keys()
        .include_values(true)
        .limit(500)
        .send()
        .await;
    let keys: Vec<ApiKey> = listed.expect("GetApiKeys").items.unwrap_or_default();
    keys.iter()
        .map(|key| {
            let name = key.name().unwrap_or_default();
            ids.label(key.id().unwrap_or_default(), &format!("key {name}"));
            ids.label(key.value().unwrap_or_default(), &format!("value of {name}"));
            json!({
                "name": name,
                "id": key.id(),
                "value": key.value(),
                "description": key.description().unwrap_or_default(),
                "enabled": key.enabled(),
                "tags": map(key.tags()),
            })
        })
        .collect()
}

/// Lists usage plans with their stages and keys.
pub(super) async fn usage_plans(account: &Account, ids: &mut Ids) -> Vec<Value> {
    let gateway = &account.apigateway;
    let listed = gateway.get_usage_plans().limit(500).send().await;
    let plans: Vec<UsagePlan> = listed.expect("GetUsagePlans").items.unwrap_or_default();
    let mut found = Vec::new();
    for plan in &plans {
        let id = plan.id().unwrap_or_default();
        let name = plan.name().unwrap_or_default();
        ids.label(id, &format!("plan {name}"));
        let keys = gateway
            .get_usage_plan_keys()
            .usage_plan_id(id)
            .limit(500)
            .send()
            .await;
        let keys = keys.expect("GetUsagePlanKeys").items.unwrap_or_default();
        let stages: Vec<_> = plan
            .api_stages()
            .iter()
            .map(|link| {
                let throttles = link.throttle().map(HashMap::len).unwrap_or_default();
                json!({ "api": link.api_id(), "stage": link.stage(), "throttles": throttles })
            })
            .collect();
        found.push(json!({
            "name": name,
            "id": id,
            "description": plan.description().unwrap_or_default(),
            "rate": plan.throttle().map(ThrottleSettings::rate_limit),
            "burst": plan.throttle().map(ThrottleSettings::burst_limit),
            "product": plan.product_code().filter(|code| !code.is_empty()),
            "quota": plan.quota().map(QuotaSettings::limit).filter(|limit| *limit != 0),
            "stages": stages,
            "keys": keys.iter().filter_map(|key| key.id()).collect::<Vec<_>>(),
            "tags": map(plan.tags()),
        }));
    }
    found
}
