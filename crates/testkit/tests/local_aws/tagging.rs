//! Resources of all services by their tags.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_resourcegroupstagging::types::TagFilter;
use aws_sdk_ssm::types::{ParameterType, Tag};
use testkit::Account;

use crate::harness::{account, create_function};

/// Resources of every service, each with the tag `story`.
struct World {
    group: String,
    parameter: String,
    table: String,
    function: String,
    api: String,
    key: String,
    plan: String,
}

impl World {
    async fn new(account: &Account) -> Self {
        let arn = |service: &str, rest: &str| {
            format!(
                "arn:aws:{service}:{}:{}:{rest}",
                Account::REGION,
                account.id
            )
        };
        let api_arn = |rest: &str| format!("arn:aws:apigateway:{}::/{rest}", Account::REGION);
        let gateway = &account.apigateway;
        let api = gateway
            .create_rest_api()
            .name("t")
            .tags("story", "api")
            .send()
            .await;
        let api = api.expect("CreateRestApi").id.expect("an id");
        let key = gateway
            .create_api_key()
            .name("t")
            .tags("story", "key")
            .send()
            .await;
        let key = key.expect("CreateApiKey").id.expect("an id");
        let plan = gateway
            .create_usage_plan()
            .name("t")
            .tags("story", "plan")
            .send()
            .await;
        let plan = plan.expect("CreateUsagePlan").id.expect("an id");
        group(account, "t", "group").await;
        account
            .ssm
            .put_parameter()
            .name("/t/p")
            .value("v")
            .r#type(ParameterType::String)
            .tags(
                Tag::builder()
                    .key("story")
                    .value("parameter")
                    .build()
                    .expect("a tag"),
            )
            .send()
            .await
            .expect("PutParameter");
        let function = function(account).await;
        table(account).await;
        Self {
            group: arn("logs", "log-group:t"),
            parameter: arn("ssm", "parameter/t/p"),
            table: arn("dynamodb", "table/story"),
            function,
            api: api_arn(&format!("restapis/{api}")),
            key: api_arn(&format!("apikeys/{key}")),
            plan: api_arn(&format!("usageplans/{plan}")),
        }
    }

    async fn delete(self, account: &Account) {
        fn id(arn: &str) -> &str {
            arn.rsplit('/').next().unwrap_or_default()
        }
        let gateway = &account.apigateway;
        let api = gateway.delete_rest_api().rest_api_id(id(&self.api));
        api.send().await.expect("DeleteRestApi");
        let key = gateway.delete_api_key().api_key(id(&self.key));
        key.send().await.expect("DeleteApiKey");
        let plan = gateway.delete_usage_plan().usage_plan_id(id(&self.plan));
        plan.send().await.expect("DeleteUsagePlan");
        delete_group(account, "t").await;
        let parameter = account.ssm.delete_parameter().name("/t/p");
        parameter.send().await.expect("DeleteParameter");
        let function = account.lambda.delete_function().function_name("t");
        function.send().await.expect("DeleteFunction");
        let role = account.iam.delete_role().role_name("function-role");
        role.send().await.expect("DeleteRole");
        let table = account.dynamodb.delete_table().table_name("story");
        table.send().await.expect("DeleteTable");
    }
}

async fn group(account: &Account, name: &str, value: &str) {
    let group = account.logs.create_log_group().log_group_name(name);
    group
        .tags("story", value)
        .send()
        .await
        .expect("CreateLogGroup");
}

async fn delete_group(account: &Account, name: &str) {
    let group = account.logs.delete_log_group().log_group_name(name);
    group.send().await.expect("DeleteLogGroup");
}

async fn function(account: &Account) -> String {
    let arn = create_function(account, "t").await;
    let tags = aws_sdk_iam::types::Tag::builder()
        .key("story")
        .value("role");
    account
        .iam
        .tag_role()
        .role_name("function-role")
        .tags(tags.build().expect("a tag"))
        .send()
        .await
        .expect("TagRole");
    let tagged = account.lambda.tag_resource().resource(&arn);
    tagged
        .tags("story", "function")
        .send()
        .await
        .expect("TagResource");
    arn
}

async fn table(account: &Account) {
    use aws_sdk_dynamodb::types::{
        AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, Tag,
    };
    let attribute = AttributeDefinition::builder()
        .attribute_name("id")
        .attribute_type(ScalarAttributeType::S)
        .build();
    let key = KeySchemaElement::builder()
        .attribute_name("id")
        .key_type(KeyType::Hash)
        .build();
    let tag = Tag::builder().key("story").value("table").build();
    account
        .dynamodb
        .create_table()
        .table_name("story")
        .attribute_definitions(attribute.expect("an attribute"))
        .key_schema(key.expect("a key"))
        .billing_mode(BillingMode::PayPerRequest)
        .tags(tag.expect("a tag"))
        .send()
        .await
        .expect("CreateTable");
}

/// The ARNs of the resources that have the tag `story`, of these types if there are any.
async fn arns(account: &Account, types: &[&str]) -> BTreeSet<String> {
    let types = types.iter().map(ToString::to_string).collect();
    let mut found = BTreeSet::new();
    let mut pages = account
        .tagging
        .get_resources()
        .tag_filters(TagFilter::builder().key("story").build())
        .set_resource_type_filters(Some(types))
        .resources_per_page(2)
        .into_paginator()
        .items()
        .send();
    while let Some(mapping) = pages.next().await {
        found.extend(mapping.expect("GetResources").resource_arn);
    }
    found
}

#[tokio::test]
async fn tagged_resources_of_every_service_are_listed() {
    let held = account().await;
    let account: &Account = &held;
    let world = World::new(account).await;
    let all = [
        &world.group,
        &world.parameter,
        &world.table,
        &world.function,
        &world.api,
        &world.key,
        &world.plan,
    ];
    let all: BTreeSet<String> = all.into_iter().cloned().collect();
    assert_eq!(arns(account, &[]).await, all, "roles are in no region");
    for (kind, arn) in [
        ("logs:log-group", &world.group),
        ("ssm:parameter", &world.parameter),
        ("dynamodb:table", &world.table),
        ("lambda:function", &world.function),
        ("apigateway:restapis", &world.api),
        ("apigateway:apikeys", &world.key),
        ("apigateway:usageplans", &world.plan),
    ] {
        let found = arns(account, &[kind]).await;
        assert_eq!(found, BTreeSet::from([arn.clone()]), "{kind}");
    }
    assert_eq!(arns(account, &["apigateway"]).await.len(), 3);
    world.delete(account).await;
    assert!(arns(account, &[]).await.is_empty());
}

#[tokio::test]
async fn filters_go_by_keys_and_values() {
    let held = account().await;
    let account: &Account = &held;
    let groups = [("a", "1"), ("b", "2"), ("c", "3")];
    for (name, value) in groups {
        group(account, name, value).await;
    }
    let count = async |filters: &[(&str, &[&str])]| {
        let filters = filters.iter().map(|(key, values)| {
            let values = values.iter().map(ToString::to_string).collect();
            TagFilter::builder()
                .key(*key)
                .set_values(Some(values))
                .build()
        });
        let found = account.tagging.get_resources();
        let found = found.set_tag_filters(Some(filters.collect())).send().await;
        found
            .expect("GetResources")
            .resource_tag_mapping_list()
            .len()
    };
    assert_eq!(count(&[("story", &[])]).await, 3);
    assert_eq!(count(&[("story", &["1", "3"])]).await, 2);
    assert_eq!(count(&[("story", &["1"]), ("other", &[])]).await, 0);
    for (name, _) in groups {
        delete_group(account, name).await;
    }
}

#[tokio::test]
async fn pages_end_with_an_empty_token() {
    let held = account().await;
    let account: &Account = &held;
    for name in ["a", "b"] {
        group(account, name, "1").await;
    }
    let page = async |token: Option<String>| {
        let page = account.tagging.get_resources().resources_per_page(1);
        let page = page.set_pagination_token(token).send().await;
        page.expect("GetResources")
    };
    let first = page(None).await;
    assert_eq!(first.resource_tag_mapping_list().len(), 1);
    let second = page(first.pagination_token().map(str::to_owned)).await;
    assert_eq!(second.resource_tag_mapping_list().len(), 1);
    assert_eq!(second.pagination_token(), Some(""));
    for name in ["a", "b"] {
        delete_group(account, name).await;
    }
}

#[tokio::test]
async fn some_resources_are_asked_for() {
    let held = account().await;
    let account: &Account = &held;
    group(account, "a", "1").await;
    group(account, "b", "2").await;
    let arn = |name: &str| {
        let (region, id) = (Account::REGION, &account.id);
        format!("arn:aws:logs:{region}:{id}:log-group:{name}")
    };
    let found = account
        .tagging
        .get_resources()
        .resource_arn_list(arn("b"))
        .resource_arn_list(arn("gone"))
        .send()
        .await
        .expect("GetResources");
    let found = found.resource_tag_mapping_list();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].resource_arn(), Some(arn("b").as_str()));
    delete_group(account, "a").await;
    delete_group(account, "b").await;
}

#[tokio::test]
async fn keys_and_values_are_listed() {
    let held = account().await;
    let account: &Account = &held;
    group(account, "a", "1").await;
    group(account, "b", "2").await;
    let keys = account.tagging.get_tag_keys().send().await;
    assert_eq!(keys.expect("GetTagKeys").tag_keys(), ["story"]);
    let values = account.tagging.get_tag_values().key("story").send().await;
    let values = values.expect("GetTagValues");
    assert_eq!(values.tag_values(), ["1", "2"]);
    delete_group(account, "a").await;
    delete_group(account, "b").await;
}

#[tokio::test]
async fn tags_are_changed_through_the_services() {
    let held = account().await;
    let account: &Account = &held;
    let world = World::new(account).await;
    let all = [
        &world.group,
        &world.parameter,
        &world.table,
        &world.function,
        &world.api,
        &world.key,
        &world.plan,
    ]
    .map(Clone::clone);
    let tagged = account
        .tagging
        .tag_resources()
        .set_resource_arn_list(Some(all.to_vec()))
        .tags("more", "1")
        .send()
        .await
        .expect("TagResources");
    let failed = tagged.failed_resources_map();
    assert!(failed.is_none_or(HashMap::is_empty), "{failed:?}");
    let untagged = account
        .tagging
        .untag_resources()
        .set_resource_arn_list(Some(all.to_vec()))
        .tag_keys("story")
        .send()
        .await
        .expect("UntagResources");
    let failed = untagged.failed_resources_map();
    assert!(failed.is_none_or(HashMap::is_empty), "{failed:?}");
    assert!(arns(account, &[]).await.is_empty());
    let own = account
        .lambda
        .list_tags()
        .resource(&world.function)
        .send()
        .await;
    let own = own.expect("ListTags").tags.unwrap_or_default();
    assert_eq!(own.get("more").map(String::as_str), Some("1"));
    assert_eq!(own.len(), 1);
    let found = account
        .tagging
        .get_resources()
        .tag_filters(TagFilter::builder().key("more").values("1").build())
        .send()
        .await
        .expect("GetResources");
    assert_eq!(found.resource_tag_mapping_list().len(), all.len());
    world.delete(account).await;
}
