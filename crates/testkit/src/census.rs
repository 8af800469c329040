//! Everything one account holds, as sorted JSON.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_apigateway::types::{
    ApiKey, QuotaSettings, RestApi, Stage, ThrottleSettings, UsagePlan,
};
use aws_sdk_lambda::error::ProvideErrorMetadata;
use aws_sdk_ssm::types::{ParameterMetadata, ResourceTypeForTagging};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use crate::account::Account;

/// What one account holds; two are equal if nobody could tell the accounts apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Census {
    value: Value,
    /// Ids that differ by run, and what they stand for.
    ids: BTreeMap<String, String>,
}

impl Census {
    /// Looks at everything.
    pub async fn take(account: &Account) -> Self {
        let mut ids = Ids::default();
        let (roles, tables, functions, groups, parameters) = tokio::join!(
            Box::pin(roles(account)),
            Box::pin(tables(account)),
            Box::pin(functions(account)),
            Box::pin(log_groups(account)),
            Box::pin(parameters(account)),
        );
        let apis = Box::pin(rest_apis(account, &mut ids)).await;
        let keys = Box::pin(api_keys(account, &mut ids)).await;
        let plans = Box::pin(usage_plans(account, &mut ids)).await;
        let mut value = json!({
            "api_keys": keys,
            "functions": functions,
            "log_groups": groups,
            "parameters": parameters,
            "rest_apis": apis,
            "roles": roles,
            "tables": tables,
            "usage_plans": plans,
        });
        ids.0.insert(account.id.clone(), "{account}".to_owned());
        sort(&mut value);
        Self { value, ids: ids.0 }
    }

    /// As it is.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// With every id that differs by run replaced by what it stands for.
    #[must_use]
    pub fn masked(&self) -> Value {
        let mut value = self.value.clone();
        mask(&mut value, &self.ids);
        sort(&mut value);
        value
    }

    /// Whether the account holds nothing at all.
    pub fn is_empty(&self) -> bool {
        self.value.as_object().is_some_and(|kinds| {
            kinds
                .values()
                .all(|kind| kind.as_array().is_some_and(Vec::is_empty))
        })
    }

    /// How many there are of each kind that there is any of.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        let kinds = self.value.as_object().into_iter().flatten();
        kinds
            .map(|(kind, things)| (kind.clone(), things.as_array().map_or(0, Vec::len)))
            .filter(|(_, count)| *count > 0)
            .collect()
    }

    /// Panics with the differing lines unless both are the same after masking.
    #[track_caller]
    pub fn assert_same(&self, other: &Self, what: &str) {
        let (left, right) = (lines(&self.masked()), lines(&other.masked()));
        let missing: Vec<_> = left.iter().filter(|line| !right.contains(line)).collect();
        let added: Vec<_> = right.iter().filter(|line| !left.contains(line)).collect();
        assert!(
            missing.is_empty() && added.is_empty() && left.len() == right.len(),
            "{what}: the worlds differ\nonly in the first: {missing:#?}\nonly in the second: {added:#?}"
        );
    }
}

#[derive(Default)]
struct Ids(BTreeMap<String, String>);

impl Ids {
    /// The label of `id`; things of one name are numbered.
    fn label(&mut self, id: &str, label: &str) {
        if id.is_empty() {
            return;
        }
        let taken =
            |ids: &BTreeMap<String, String>, label: &str| ids.values().any(|known| known == label);
        let mut name = format!("{{{label}}}");
        let mut number = 1;
        while taken(&self.0, &name) {
            number += 1;
            name = format!("{{{label} {number}}}");
        }
        self.0.insert(id.to_owned(), name);
    }
}

async fn roles(account: &Account) -> Vec<Value> {
    let iam = &account.iam;
    let mut found = Vec::new();
    for role in iam.list_roles().send().await.expect("ListRoles").roles {
        let name = role.role_name();
        let role = iam
            .get_role()
            .role_name(name)
            .send()
            .await
            .expect("GetRole")
            .role;
        let role = role.expect("GetRole answers with a role");
        let listed = iam.list_role_policies().role_name(name).send().await;
        let mut policies = Map::new();
        for policy in listed.expect("ListRolePolicies").policy_names {
            let read = iam
                .get_role_policy()
                .role_name(name)
                .policy_name(&policy)
                .send()
                .await;
            let read = read.expect("GetRolePolicy");
            policies.insert(policy, document(read.policy_document()));
        }
        let attached = iam
            .list_attached_role_policies()
            .role_name(name)
            .send()
            .await;
        let attached: Vec<_> = attached
            .expect("ListAttachedRolePolicies")
            .attached_policies()
            .iter()
            .filter_map(|policy| policy.policy_arn().map(str::to_owned))
            .collect();
        let tags = iam
            .list_role_tags()
            .role_name(name)
            .send()
            .await
            .expect("ListRoleTags")
            .tags;
        found.push(json!({
            "name": name,
            "arn": role.arn(),
            "description": role.description(),
            "max_session_duration": role.max_session_duration(),
            "permissions_boundary": role
                .permissions_boundary()
                .and_then(|boundary| boundary.permissions_boundary_arn()),
            "trust": document(role.assume_role_policy_document().unwrap_or_default()),
            "policies": policies,
            "attached": attached,
            "tags": pairs(tags.iter().map(|tag| (tag.key(), tag.value()))),
        }));
    }
    found
}

async fn tables(account: &Account) -> Vec<Value> {
    let dynamodb = &account.dynamodb;
    let mut found = Vec::new();
    let names = dynamodb
        .list_tables()
        .send()
        .await
        .expect("ListTables")
        .table_names;
    for name in names.unwrap_or_default() {
        let table = dynamodb.describe_table().table_name(&name).send().await;
        let table = table
            .expect("DescribeTable")
            .table
            .expect("DescribeTable answers with a table");
        let arn = table.table_arn().unwrap_or_default();
        let tags = dynamodb
            .list_tags_of_resource()
            .resource_arn(arn)
            .send()
            .await;
        let tags = tags.expect("ListTagsOfResource").tags.unwrap_or_default();
        let keys = |schema: &[aws_sdk_dynamodb::types::KeySchemaElement]| -> Vec<String> {
            schema
                .iter()
                .map(|key| format!("{} {}", key.attribute_name(), key.key_type()))
                .collect()
        };
        let attributes: Vec<_> = table
            .attribute_definitions()
            .iter()
            .map(|attribute| {
                format!(
                    "{} {}",
                    attribute.attribute_name(),
                    attribute.attribute_type()
                )
            })
            .collect();
        let indexes: Vec<_> = table
            .global_secondary_indexes()
            .iter()
            .map(|index| json!({ "name": index.index_name(), "keys": keys(index.key_schema()) }))
            .collect();
        found.push(json!({
            "name": name,
            "arn": arn,
            "status": table.table_status().map(ToString::to_string),
            "keys": keys(table.key_schema()),
            "attributes": attributes,
            "indexes": indexes,
            "billing": table
                .billing_mode_summary()
                .and_then(|billing| billing.billing_mode())
                .map(ToString::to_string),
            "deletion_protection": table.deletion_protection_enabled(),
            "tags": pairs(tags.iter().map(|tag| (tag.key(), tag.value()))),
        }));
    }
    found
}

async fn functions(account: &Account) -> Vec<Value> {
    let lambda = &account.lambda;
    let mut found = Vec::new();
    let listed = lambda
        .list_functions()
        .send()
        .await
        .expect("ListFunctions")
        .functions;
    for name in listed
        .unwrap_or_default()
        .iter()
        .filter_map(|function| function.function_name())
    {
        let function = lambda
            .get_function()
            .function_name(name)
            .send()
            .await
            .expect("GetFunction");
        let config = function
            .configuration()
            .expect("GetFunction answers with a configuration");
        let environment = config
            .environment()
            .and_then(|environment| environment.variables());
        let mut statements = match lambda.get_policy().function_name(name).send().await {
            Ok(policy) => document(policy.policy().unwrap_or_default())["Statement"].clone(),
            Err(error) if error.code() == Some("ResourceNotFoundException") => json!([]),
            Err(error) => panic!("GetPolicy: {error:?}"),
        };
        // A statement's id may be made of ids that differ by run; what it allows is what counts.
        for statement in statements.as_array_mut().into_iter().flatten() {
            statement.as_object_mut().map(|fields| fields.remove("Sid"));
        }
        let layers: Vec<_> = config
            .layers()
            .iter()
            .filter_map(|layer| layer.arn())
            .collect();
        found.push(json!({
            "name": name,
            "arn": config.function_arn(),
            "description": config.description().unwrap_or_default(),
            "runtime": config.runtime().map(ToString::to_string),
            "architectures": config.architectures().iter().map(ToString::to_string).collect::<Vec<_>>(),
            "handler": config.handler(),
            "role": config.role(),
            "memory": config.memory_size(),
            "timeout": config.timeout(),
            "environment": map(environment),
            "layers": layers,
            "tracing": config.tracing_config().and_then(|tracing| tracing.mode()).map(ToString::to_string),
            "code": config.code_sha256(),
            "statements": statements,
            "tags": map(function.tags()),
        }));
    }
    found
}

async fn log_groups(account: &Account) -> Vec<Value> {
    let logs = &account.logs;
    let mut found = Vec::new();
    let listed = logs
        .describe_log_groups()
        .send()
        .await
        .expect("DescribeLogGroups")
        .log_groups;
    for group in listed.unwrap_or_default() {
        let arn = group
            .arn()
            .unwrap_or_default()
            .trim_end_matches(":*")
            .to_owned();
        let tags = logs
            .list_tags_for_resource()
            .resource_arn(&arn)
            .send()
            .await;
        found.push(json!({
            "name": group.log_group_name(),
            "arn": arn,
            "retention": group.retention_in_days(),
            "tags": map(tags.expect("ListTagsForResource").tags()),
        }));
    }
    found
}

async fn parameters(account: &Account) -> Vec<Value> {
    let mut found = Vec::new();
    let mut pages = account.ssm.describe_parameters().into_paginator().send();
    while let Some(page) = pages.next().await {
        for facts in page.expect("DescribeParameters").parameters() {
            found.push(parameter(account, facts).await);
        }
    }
    found
}

/// A parameter without the number of its version, which counts changes and is no fact of what exists.
async fn parameter(account: &Account, facts: &ParameterMetadata) -> Value {
    let name = facts.name().unwrap_or_default();
    let read = account
        .ssm
        .get_parameter()
        .name(name)
        .with_decryption(true)
        .send()
        .await;
    let tags = account
        .ssm
        .list_tags_for_resource()
        .resource_type(ResourceTypeForTagging::Parameter)
        .resource_id(name)
        .send()
        .await;
    let tags = tags.expect("ListTagsForResource").tag_list;
    let tags = tags.unwrap_or_default();
    let read = read.expect("GetParameter").parameter;
    json!({
        "name": name,
        "arn": facts.arn(),
        "type": facts.r#type().map(ToString::to_string),
        "value": read.and_then(|parameter| parameter.value),
        "description": facts.description().unwrap_or_default(),
        "key": facts.key_id(),
        "tier": facts.tier().map(ToString::to_string),
        "data_type": facts.data_type(),
        "pattern": facts.allowed_pattern(),
        "tags": pairs(tags.iter().map(|tag| (tag.key(), tag.value()))),
    })
}

async fn rest_apis(account: &Account, ids: &mut Ids) -> Vec<Value> {
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
        let methods: Map<String, Value> = resource
            .resource_methods()
            .into_iter()
            .flatten()
            .map(|(verb, method)| {
                let integration = method.method_integration().map(|integration| {
                    json!({
                        "type": integration.r#type().map(ToString::to_string),
                        "method": integration.http_method(),
                        "uri": integration.uri(),
                        "credentials": integration.credentials(),
                        "passthrough": integration.passthrough_behavior(),
                        "timeout": integration.timeout_in_millis(),
                        "templates": map(integration.request_templates()),
                        "responses": integration.integration_responses().map(HashMap::len).unwrap_or_default(),
                    })
                });
                let method = json!({
                    "authorization": method.authorization_type(),
                    "key_required": method.api_key_required(),
                    "responses": method.method_responses().map(HashMap::len).unwrap_or_default(),
                    "integration": integration,
                });
                (verb.clone(), method)
            })
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
    json!({
        "name": name,
        "id": id,
        "description": api.description().unwrap_or_default(),
        "endpoint": types,
        "policy": api.policy(),
        "default_endpoint_disabled": api.disable_execute_api_endpoint(),
        "tags": map(api.tags()),
        "resources": shape,
        "stages": stages,
    })
}

/// A stage with what its deployment says; how many older deployments are kept is not part of the world.
fn stage_value(stage: &Stage, deployed: Option<&str>, exists: bool) -> Value {
    let settings: Map<String, Value> = stage
        .method_settings()
        .into_iter()
        .flatten()
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
        "tracing": stage.tracing_enabled(),
        "deployment_exists": exists,
        "deployment": deployed.unwrap_or_default(),
        "tags": map(stage.tags()),
    })
}

async fn api_keys(account: &Account, ids: &mut Ids) -> Vec<Value> {
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

async fn usage_plans(account: &Account, ids: &mut Ids) -> Vec<Value> {
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
            "quota": plan.quota().map(QuotaSettings::limit).filter(|limit| *limit != 0),
            "stages": stages,
            "keys": keys.iter().filter_map(|key| key.id()).collect::<Vec<_>>(),
            "tags": map(plan.tags()),
        }));
    }
    found
}

/// A policy as JSON; IAM answers percent-encoded, Lambda does not.
fn document(text: &str) -> Value {
    let decoded = percent_decode_str(text).decode_utf8_lossy();
    serde_json::from_str(&decoded).unwrap_or_else(|_| Value::from(decoded))
}

fn pairs<'a>(tags: impl Iterator<Item = (&'a str, &'a str)>) -> Value {
    tags.map(|(key, value)| (key.to_owned(), Value::from(value)))
        .collect::<Map<_, _>>()
        .into()
}

fn map(values: Option<&HashMap<String, String>>) -> Value {
    let values = values.into_iter().flatten();
    pairs(values.map(|(key, value)| (key.as_str(), value.as_str())))
}

/// Sorts keys and lists; no list in a census has an order that means something.
fn sort(value: &mut Value) {
    match value {
        Value::Array(items) => {
            items.iter_mut().for_each(sort);
            items.sort_by_key(ToString::to_string);
        }
        Value::Object(fields) => {
            fields.values_mut().for_each(sort);
            fields.sort_keys();
        }
        _ => {}
    }
}

fn mask(value: &mut Value, ids: &BTreeMap<String, String>) {
    match value {
        Value::String(text) => {
            for (id, label) in ids {
                if text.contains(id.as_str()) {
                    *text = text.replace(id.as_str(), label);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| mask(item, ids)),
        Value::Object(fields) => fields.values_mut().for_each(|field| mask(field, ids)),
        _ => {}
    }
}

/// One line a leaf, so that a difference can be named.
fn lines(value: &Value) -> Vec<String> {
    fn walk(path: &str, value: &Value, lines: &mut Vec<String>) {
        match value {
            Value::Object(fields) if !fields.is_empty() => {
                for (name, field) in fields {
                    walk(&format!("{path}/{name}"), field, lines);
                }
            }
            Value::Array(items) if !items.is_empty() => {
                for item in items {
                    let name = item["name"]
                        .as_str()
                        .or(item["path"].as_str())
                        .unwrap_or("-");
                    walk(&format!("{path}/{name}"), item, lines);
                }
            }
            leaf => lines.push(format!("{path} = {leaf}")),
        }
    }
    let mut found = Vec::new();
    walk("", value, &mut found);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn census(id: &str, value: Value) -> Census {
        let ids = BTreeMap::from([(id.to_owned(), "{api x}".to_owned())]);
        Census { value, ids }
    }

    #[test]
    fn worlds_that_differ_by_ids_are_the_same() {
        let left = census(
            "a1b2",
            json!({ "rest_apis": [{ "name": "x", "uri": "…/a1b2/*" }] }),
        );
        let right = census(
            "c3d4",
            json!({ "rest_apis": [{ "name": "x", "uri": "…/c3d4/*" }] }),
        );
        left.assert_same(&right, "ids are masked");
    }

    #[test]
    #[should_panic(expected = "/roles/r/memory = 2")]
    fn a_difference_is_named() {
        let left = census("-", json!({ "roles": [{ "name": "r", "memory": 1 }] }));
        let right = census("-", json!({ "roles": [{ "name": "r", "memory": 2 }] }));
        left.assert_same(&right, "");
    }

    #[test]
    fn of_one_name_the_second_is_numbered() {
        let mut ids = Ids::default();
        ids.label("1", "key k");
        ids.label("2", "key k");
        assert_eq!(ids.0["2"], "{key k 2}");
    }
}
