//! Stages of an API.

use aws_sdk_apigateway::operation::create_stage::builders::CreateStageFluentBuilder;
use aws_sdk_apigateway::types::Op;
use testkit::Account;

use super::{Api, create_deployment, create_mock_api, patch};
use crate::harness::{account, refused};

/// A request for the stage `Prod`.
fn create_stage(account: &Account, api: &Api, deployment: &str) -> CreateStageFluentBuilder {
    account
        .apigateway
        .create_stage()
        .rest_api_id(&api.id)
        .stage_name("Prod")
        .deployment_id(deployment)
        .variables("colour", "red")
        .tags("a", "1")
}

/// Deploys the API and returns the deployment's id.
async fn deploy(account: &Account, api: &Api) -> String {
    let deployment = create_deployment(account, api).send().await;
    let deployment = deployment.expect("CreateDeployment");
    deployment.id().expect("an id").to_owned()
}

#[tokio::test]
async fn a_stage_needs_a_deployment() {
    let account = account().await;
    let api = create_mock_api(&account).await;
    let created = create_stage(&account, &api, "none").send().await;
    assert_eq!(refused(created), "NotFoundException");
}

#[tokio::test]
async fn a_stage_name_is_taken_once() {
    let account = account().await;
    let api = create_mock_api(&account).await;
    let deployment = deploy(&account, &api).await;
    let created = create_stage(&account, &api, &deployment).send().await;
    let created = created.expect("CreateStage");
    assert_eq!(
        (created.stage_name(), created.deployment_id()),
        (Some("Prod"), Some(deployment.as_str()))
    );
    let again = create_stage(&account, &api, &deployment).send().await;
    assert_eq!(refused(again), "ConflictException");
}

#[tokio::test]
async fn a_stage_is_updated() {
    let account = account().await;
    let api = create_mock_api(&account).await;
    let first = deploy(&account, &api).await;
    let second = deploy(&account, &api).await;
    let created = create_stage(&account, &api, &first).send().await;
    created.expect("CreateStage");
    account
        .apigateway
        .update_stage()
        .rest_api_id(&api.id)
        .stage_name("Prod")
        .patch_operations(patch(Op::Replace, "/deploymentId", &second))
        .patch_operations(patch(Op::Replace, "/variables/colour", "blue"))
        .patch_operations(patch(Op::Replace, "/*/*/throttling/rateLimit", "10"))
        .patch_operations(patch(Op::Replace, "/*/*/throttling/burstLimit", "5"))
        .send()
        .await
        .expect("UpdateStage");
    let got = account.apigateway.get_stage().rest_api_id(&api.id);
    let got = got.stage_name("Prod").send().await.expect("GetStage");
    assert_eq!(got.deployment_id(), Some(second.as_str()));
    assert_eq!(
        got.variables()
            .and_then(|variables| variables.get("colour"))
            .map(String::as_str),
        Some("blue")
    );
    let settings = &got.method_settings().expect("settings")["*/*"];
    assert_eq!(settings.throttling_burst_limit(), 5);
    assert!((settings.throttling_rate_limit() - 10.0).abs() < f64::EPSILON);
}

#[tokio::test]
async fn stages_are_listed_by_their_deployment() {
    let account = account().await;
    let api = create_mock_api(&account).await;
    let unused = deploy(&account, &api).await;
    let served = deploy(&account, &api).await;
    let created = create_stage(&account, &api, &served).send().await;
    created.expect("CreateStage");
    let of = |deployment: &str| {
        account
            .apigateway
            .get_stages()
            .rest_api_id(&api.id)
            .deployment_id(deployment)
            .send()
    };
    assert_eq!(of(&served).await.expect("GetStages").item().len(), 1);
    assert!(of(&unused).await.expect("GetStages").item().is_empty());
}

#[tokio::test]
async fn a_deleted_stage_is_not_found() {
    let account = account().await;
    let api = create_mock_api(&account).await;
    let deployment = deploy(&account, &api).await;
    let created = create_stage(&account, &api, &deployment).send().await;
    created.expect("CreateStage");
    let delete = account.apigateway.delete_stage().rest_api_id(&api.id);
    let deleted = delete.stage_name("Prod").send().await;
    deleted.expect("DeleteStage");
    let gone = account.apigateway.get_stage().rest_api_id(&api.id);
    let gone = gone.stage_name("Prod").send().await;
    assert_eq!(refused(gone), "NotFoundException");
}
