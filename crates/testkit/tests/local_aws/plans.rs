//! API keys, usage plans, which keys are in which, and what was used.

use aws_sdk_apigateway::types::{ApiStage, Op, QuotaPeriodType, QuotaSettings, ThrottleSettings};
use testkit::Account;

use crate::api;
use crate::gateway;
use crate::harness::{patch, refused};

const VALUE: &str = "a-value-of-twenty-characters-and-more";

pub(crate) async fn story(account: &Account) {
    let gateway = &account.apigateway;
    let (api, root) = api::create(account, "plans").await;
    gateway::mock(account, &api, &root).await;
    let deploy = gateway
        .create_deployment()
        .rest_api_id(&api)
        .stage_name("Prod");
    deploy.send().await.expect("CreateDeployment");

    let key = keys(account).await;
    let plan = plan(account, &api).await;
    links(account, &plan, &key).await;

    let held = gateway.delete_usage_plan().usage_plan_id(&plan).send();
    assert_eq!(refused(held.await), "BadRequestException");
    gateway
        .update_usage_plan()
        .usage_plan_id(&plan)
        .patch_operations(patch(Op::Remove, "/apiStages", &format!("{api}:Prod")))
        .send()
        .await
        .expect("UpdateUsagePlan");
    let delete = gateway.delete_usage_plan().usage_plan_id(&plan).send();
    delete.await.expect("DeleteUsagePlan");
    let gone = gateway.get_usage_plan().usage_plan_id(&plan).send();
    assert_eq!(refused(gone.await), "NotFoundException");
    let delete = gateway.delete_api_key().api_key(&key).send();
    delete.await.expect("DeleteApiKey");
    let gone = gateway.get_api_key().api_key(&key).send();
    assert_eq!(refused(gone.await), "NotFoundException");
    let delete = gateway.delete_rest_api().rest_api_id(&api).send();
    delete.await.expect("DeleteRestApi");
}

async fn keys(account: &Account) -> String {
    let gateway = &account.apigateway;
    let create = |name: &str, value: Option<&str>| {
        gateway
            .create_api_key()
            .name(name)
            .enabled(true)
            .set_value(value.map(str::to_owned))
            .send()
    };
    let made = create("story-key", Some(VALUE)).await;
    let made = made.expect("CreateApiKey");
    let id = made.id().expect("an id");
    assert_eq!((made.value(), made.enabled()), (Some(VALUE), true));
    assert_eq!(
        refused(create("other", Some(VALUE)).await),
        "ConflictException"
    );
    assert_eq!(
        refused(create("short", Some("short")).await),
        "BadRequestException"
    );
    let other = create("another", None).await.expect("CreateApiKey");
    assert_eq!(other.value().map(str::len), Some(40));

    let updated = gateway
        .update_api_key()
        .api_key(id)
        .patch_operations(patch(Op::Replace, "/description", "of a story"))
        .patch_operations(patch(Op::Replace, "/enabled", "false"))
        .send()
        .await
        .expect("UpdateApiKey");
    assert_eq!(
        (updated.description(), updated.enabled()),
        (Some("of a story"), false)
    );
    let get = |with_value| {
        gateway
            .get_api_key()
            .api_key(id)
            .include_value(with_value)
            .send()
    };
    assert_eq!(get(true).await.expect("GetApiKey").value(), Some(VALUE));
    assert_eq!(get(false).await.expect("GetApiKey").value(), None);

    let named = gateway.get_api_keys().name_query("story").send().await;
    let named = named.expect("GetApiKeys");
    let named: Vec<_> = named.items().iter().filter_map(|key| key.id()).collect();
    assert_eq!(named, [id]);
    let mut pages = gateway
        .get_api_keys()
        .include_values(true)
        .into_paginator()
        .page_size(1)
        .items()
        .send();
    let mut values = 0;
    while let Some(key) = pages.next().await {
        values += usize::from(key.expect("GetApiKeys").value().is_some());
    }
    assert_eq!(values, 2);
    let other = other.id().expect("an id");
    let delete = gateway.delete_api_key().api_key(other).send();
    delete.await.expect("DeleteApiKey");
    id.to_owned()
}

async fn plan(account: &Account, api: &str) -> String {
    let gateway = &account.apigateway;
    let quota = QuotaSettings::builder()
        .limit(100)
        .period(QuotaPeriodType::Day)
        .build();
    let throttle = ThrottleSettings::builder()
        .rate_limit(10.0)
        .burst_limit(5)
        .build();
    let stage = |name: &str| ApiStage::builder().api_id(api).stage(name).build();
    let create = |stage: ApiStage| {
        gateway
            .create_usage_plan()
            .name("story-plan")
            .quota(quota.clone())
            .throttle(throttle.clone())
            .api_stages(stage)
            .send()
    };
    assert_eq!(refused(create(stage("Nowhere")).await), "NotFoundException");
    let made = create(stage("Prod")).await.expect("CreateUsagePlan");
    let id = made.id().expect("an id");
    gateway
        .update_usage_plan()
        .usage_plan_id(id)
        .patch_operations(patch(Op::Replace, "/quota/limit", "50"))
        .patch_operations(patch(Op::Replace, "/throttle/rateLimit", "2.5"))
        .patch_operations(patch(Op::Replace, "/name", "renamed"))
        .send()
        .await
        .expect("UpdateUsagePlan");
    let got = gateway.get_usage_plan().usage_plan_id(id).send().await;
    let got = got.expect("GetUsagePlan");
    assert_eq!(
        (
            got.name(),
            got.quota().map(QuotaSettings::limit),
            got.api_stages()[0].stage()
        ),
        (Some("renamed"), Some(50), Some("Prod"))
    );
    assert_eq!(got.throttle().map(ThrottleSettings::rate_limit), Some(2.5));
    let listed = gateway.get_usage_plans().send().await;
    let listed = listed.expect("GetUsagePlans");
    assert_eq!(listed.items().len(), 1);
    id.to_owned()
}

async fn links(account: &Account, plan: &str, key: &str) {
    let gateway = &account.apigateway;
    let link = || {
        gateway
            .create_usage_plan_key()
            .usage_plan_id(plan)
            .key_id(key)
            .key_type("API_KEY")
            .send()
    };
    let made = link().await.expect("CreateUsagePlanKey");
    assert_eq!((made.id(), made.value()), (Some(key), Some(VALUE)));
    assert_eq!(refused(link().await), "ConflictException");
    let get = || {
        gateway
            .get_usage_plan_key()
            .usage_plan_id(plan)
            .key_id(key)
            .send()
    };
    assert_eq!(
        get().await.expect("GetUsagePlanKey").name(),
        Some("story-key")
    );
    let listed = gateway.get_usage_plan_keys().usage_plan_id(plan).send();
    let listed = listed.await.expect("GetUsagePlanKeys");
    assert_eq!(listed.items()[0].id(), Some(key));
    let of_key = gateway.get_usage_plans().key_id(key).send().await;
    let of_key = of_key.expect("GetUsagePlans");
    assert_eq!(of_key.items()[0].id(), Some(plan));

    let usage = gateway
        .get_usage()
        .usage_plan_id(plan)
        .start_date("2026-01-01")
        .end_date("2026-01-02")
        .send()
        .await
        .expect("GetUsage");
    assert_eq!(
        usage.items().map(|items| items[key].clone()),
        Some(vec![vec![0, 50], vec![0, 50]])
    );
    gateway
        .delete_usage_plan_key()
        .usage_plan_id(plan)
        .key_id(key)
        .send()
        .await
        .expect("DeleteUsagePlanKey");
    assert_eq!(refused(get().await), "NotFoundException");
}
