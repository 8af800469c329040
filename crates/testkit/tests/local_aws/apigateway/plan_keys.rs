//! Keys of a usage plan, and their usage.

use aws_sdk_apigateway::operation::create_usage_plan_key::builders::CreateUsagePlanKeyFluentBuilder;
use aws_sdk_apigateway::operation::get_usage_plan_key::builders::GetUsagePlanKeyFluentBuilder;
use aws_sdk_apigateway::types::{QuotaPeriodType, QuotaSettings};
use testkit::Account;

use crate::harness::{account, refused};

const VALUE: &str = "a-value-of-twenty-characters-and-more";

/// A usage plan with a quota of 50 requests a day, and a key.
struct Ids {
    plan: String,
    key: String,
}

async fn create_plan_and_key(account: &Account) -> Ids {
    let quota = QuotaSettings::builder()
        .limit(50)
        .period(QuotaPeriodType::Day)
        .build();
    let plan = account.apigateway.create_usage_plan().name("plan");
    let plan = plan.quota(quota).send().await.expect("CreateUsagePlan");
    let key = account
        .apigateway
        .create_api_key()
        .name("key")
        .value(VALUE)
        .enabled(true)
        .send()
        .await
        .expect("CreateApiKey");
    Ids {
        plan: plan.id.expect("an id"),
        key: key.id.expect("an id"),
    }
}

fn add_key(account: &Account, ids: &Ids) -> CreateUsagePlanKeyFluentBuilder {
    account
        .apigateway
        .create_usage_plan_key()
        .usage_plan_id(&ids.plan)
        .key_id(&ids.key)
        .key_type("API_KEY")
}

fn get_key(account: &Account, ids: &Ids) -> GetUsagePlanKeyFluentBuilder {
    account
        .apigateway
        .get_usage_plan_key()
        .usage_plan_id(&ids.plan)
        .key_id(&ids.key)
}

/// Creates a plan and a key and adds one to the other.
async fn create_plan_with_key(account: &Account) -> Ids {
    let ids = create_plan_and_key(account).await;
    let added = add_key(account, &ids).send().await;
    added.expect("CreateUsagePlanKey");
    ids
}

#[tokio::test]
async fn a_key_is_added_to_a_plan_once() {
    let account = account().await;
    let ids = create_plan_and_key(&account).await;
    let added = add_key(&account, &ids).send().await;
    let added = added.expect("CreateUsagePlanKey");
    assert_eq!(
        (added.id(), added.value()),
        (Some(ids.key.as_str()), Some(VALUE))
    );
    let again = add_key(&account, &ids).send().await;
    assert_eq!(refused(again), "ConflictException");
}

#[tokio::test]
async fn a_plan_lists_its_keys() {
    let account = account().await;
    let ids = create_plan_with_key(&account).await;
    let got = get_key(&account, &ids).send().await;
    assert_eq!(got.expect("GetUsagePlanKey").name(), Some("key"));
    let listed = account.apigateway.get_usage_plan_keys();
    let listed = listed.usage_plan_id(&ids.plan).send().await;
    let listed = listed.expect("GetUsagePlanKeys");
    assert_eq!(listed.items()[0].id(), Some(ids.key.as_str()));
}

#[tokio::test]
async fn the_plans_of_a_key_are_listed() {
    let account = account().await;
    let ids = create_plan_with_key(&account).await;
    let plans = account.apigateway.get_usage_plans().key_id(&ids.key).send();
    let plans = plans.await.expect("GetUsagePlans");
    assert_eq!(plans.items()[0].id(), Some(ids.plan.as_str()));
}

#[tokio::test]
async fn usage_is_reported_by_key_and_day() {
    let account = account().await;
    let ids = create_plan_with_key(&account).await;
    let usage = account
        .apigateway
        .get_usage()
        .usage_plan_id(&ids.plan)
        .start_date("2026-01-01")
        .end_date("2026-01-02")
        .send()
        .await
        .expect("GetUsage");
    assert_eq!(
        usage.items().map(|items| items[&ids.key].clone()),
        Some(vec![vec![0, 50], vec![0, 50]])
    );
}

#[tokio::test]
async fn a_removed_key_is_not_found_in_the_plan() {
    let account = account().await;
    let ids = create_plan_with_key(&account).await;
    account
        .apigateway
        .delete_usage_plan_key()
        .usage_plan_id(&ids.plan)
        .key_id(&ids.key)
        .send()
        .await
        .expect("DeleteUsagePlanKey");
    let gone = get_key(&account, &ids).send().await;
    assert_eq!(refused(gone), "NotFoundException");
}
