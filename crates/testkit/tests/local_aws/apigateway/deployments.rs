//! Deployments of an API.

use aws_sdk_apigateway::types::Op;
use testkit::Account;

use super::{Api, create_api, create_deployment, create_mock_api, patch, put_method};
use crate::harness::{account, refused};

/// Deploys the API as it is and then with a required key; returns both ids.
async fn deploy_twice(account: &Account, api: &Api) -> [String; 2] {
    let first = create_deployment(account, api).description("first");
    let first = first.send().await.expect("CreateDeployment");
    account
        .apigateway
        .update_method()
        .rest_api_id(&api.id)
        .resource_id(&api.root)
        .http_method("GET")
        .patch_operations(patch(Op::Replace, "/apiKeyRequired", "true"))
        .send()
        .await
        .expect("UpdateMethod");
    let second = create_deployment(account, api).description("second");
    let second = second.send().await.expect("CreateDeployment");
    [first, second].map(|deployment| deployment.id.expect("an id"))
}

#[tokio::test]
async fn a_method_without_an_integration_cannot_be_deployed() {
    let account = account().await;
    let api = create_api(&account, "one").await;
    put_method(&account, &api, &api.root, "GET").await;
    let early = create_deployment(&account, &api).send().await;
    assert_eq!(refused(early), "BadRequestException");
}

#[tokio::test]
async fn a_deployment_keeps_the_api_as_it_was() {
    let account = account().await;
    let api = create_mock_api(&account).await;
    let mut requires_key = Vec::new();
    for id in deploy_twice(&account, &api).await {
        let got = account
            .apigateway
            .get_deployment()
            .rest_api_id(&api.id)
            .deployment_id(id)
            .embed("apisummary")
            .send()
            .await
            .expect("GetDeployment");
        let summary = got.api_summary().expect("a summary");
        requires_key.push(summary["/"]["GET"].api_key_required());
    }
    assert_eq!(requires_key, [false, true]);
}

#[tokio::test]
async fn deployments_are_updated_and_listed_page_by_page() {
    let account = account().await;
    let api = create_mock_api(&account).await;
    let [first, _] = deploy_twice(&account, &api).await;
    account
        .apigateway
        .update_deployment()
        .rest_api_id(&api.id)
        .deployment_id(first)
        .patch_operations(patch(Op::Replace, "/description", "former"))
        .send()
        .await
        .expect("UpdateDeployment");
    let mut pages = account
        .apigateway
        .get_deployments()
        .rest_api_id(&api.id)
        .into_paginator()
        .page_size(1)
        .items()
        .send();
    let mut descriptions = Vec::new();
    while let Some(found) = pages.next().await {
        let found = found.expect("GetDeployments");
        descriptions.extend(found.description().map(str::to_owned));
    }
    descriptions.sort();
    assert_eq!(descriptions, ["former", "second"]);
}

#[tokio::test]
async fn a_deployment_that_a_stage_serves_cannot_be_deleted() {
    let account = account().await;
    let api = create_mock_api(&account).await;
    let served = create_deployment(&account, &api).stage_name("Prod");
    let served = served.send().await.expect("CreateDeployment");
    let delete = account
        .apigateway
        .delete_deployment()
        .rest_api_id(&api.id)
        .deployment_id(served.id().expect("an id"))
        .send();
    assert_eq!(refused(delete.await), "BadRequestException");
}

#[tokio::test]
async fn an_unused_deployment_is_deleted_once() {
    let account = account().await;
    let api = create_mock_api(&account).await;
    let unused = create_deployment(&account, &api).send().await;
    let unused = unused.expect("CreateDeployment");
    let delete = || {
        account
            .apigateway
            .delete_deployment()
            .rest_api_id(&api.id)
            .deployment_id(unused.id().expect("an id"))
            .send()
    };
    delete().await.expect("DeleteDeployment");
    assert_eq!(refused(delete().await), "NotFoundException");
}
