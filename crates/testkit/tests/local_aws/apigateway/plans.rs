//! Usage plans: created for a stage, updated, listed and deleted.

use aws_sdk_apigateway::operation::create_usage_plan::builders::CreateUsagePlanFluentBuilder;
use aws_sdk_apigateway::types::{ApiStage, Op, QuotaPeriodType, QuotaSettings, ThrottleSettings};
use testkit::Account;

use super::{Api, create_deployment, create_mock_api, patch};
use crate::harness::{account, refused};

/// A request for a plan of one stage with a quota and a throttle.
fn create_plan(account: &Account, api: &Api, stage: &str) -> CreateUsagePlanFluentBuilder {
    let quota = QuotaSettings::builder()
        .limit(100)
        .period(QuotaPeriodType::Day)
        .build();
    let throttle = ThrottleSettings::builder()
        .rate_limit(10.0)
        .burst_limit(5)
        .build();
    let stage = ApiStage::builder().api_id(&api.id).stage(stage).build();
    account
        .apigateway
        .create_usage_plan()
        .name("plan")
        .quota(quota)
        .throttle(throttle)
        .api_stages(stage)
}

/// Deploys an API to the stage `Prod`, creates a plan for it, and returns both.
async fn plan_of_a_stage(account: &Account) -> (Api, String) {
    let api = create_mock_api(account).await;
    let deployment = create_deployment(account, &api).stage_name("Prod");
    deployment.send().await.expect("CreateDeployment");
    let plan = create_plan(account, &api, "Prod").send().await;
    let plan = plan.expect("CreateUsagePlan").id.expect("an id");
    (api, plan)
}

#[tokio::test]
async fn a_plan_needs_an_existing_stage() {
    let account = account().await;
    let api = create_mock_api(&account).await;
    let nowhere = create_plan(&account, &api, "Nowhere").send().await;
    assert_eq!(refused(nowhere), "NotFoundException");
}

#[tokio::test]
async fn a_plan_is_updated() {
    let account = account().await;
    let (_, plan) = plan_of_a_stage(&account).await;
    account
        .apigateway
        .update_usage_plan()
        .usage_plan_id(&plan)
        .patch_operations(patch(Op::Replace, "/quota/limit", "50"))
        .patch_operations(patch(Op::Replace, "/throttle/rateLimit", "2.5"))
        .patch_operations(patch(Op::Replace, "/name", "renamed"))
        .send()
        .await
        .expect("UpdateUsagePlan");
    let got = account.apigateway.get_usage_plan().usage_plan_id(&plan);
    let got = got.send().await.expect("GetUsagePlan");
    assert_eq!(
        (
            got.name(),
            got.quota().map(QuotaSettings::limit),
            got.api_stages()[0].stage()
        ),
        (Some("renamed"), Some(50), Some("Prod"))
    );
    assert_eq!(got.throttle().map(ThrottleSettings::rate_limit), Some(2.5));
}

#[tokio::test]
async fn plans_are_listed() {
    let account = account().await;
    plan_of_a_stage(&account).await;
    let listed = account.apigateway.get_usage_plans().send().await;
    assert_eq!(listed.expect("GetUsagePlans").items().len(), 1);
}

#[tokio::test]
async fn a_plan_is_deleted_once_it_has_no_stages() {
    let account = account().await;
    let gateway = &account.apigateway;
    let (api, plan) = plan_of_a_stage(&account).await;
    let delete = || gateway.delete_usage_plan().usage_plan_id(&plan).send();
    assert_eq!(refused(delete().await), "BadRequestException");
    gateway
        .update_usage_plan()
        .usage_plan_id(&plan)
        .patch_operations(patch(Op::Remove, "/apiStages", &format!("{}:Prod", api.id)))
        .send()
        .await
        .expect("UpdateUsagePlan");
    delete().await.expect("DeleteUsagePlan");
    let gone = gateway.get_usage_plan().usage_plan_id(&plan).send();
    assert_eq!(refused(gone.await), "NotFoundException");
}
