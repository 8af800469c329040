//! Integrations of a method: created, updated, deleted.

use aws_sdk_apigateway::operation::get_integration::builders::GetIntegrationFluentBuilder;
use aws_sdk_apigateway::types::{IntegrationType, Op};
use testkit::Account;

use super::{Api, create_api, create_mock_api, patch, put_method};
use crate::harness::{account, refused};

fn get_integration(account: &Account, api: &Api) -> GetIntegrationFluentBuilder {
    account
        .apigateway
        .get_integration()
        .rest_api_id(&api.id)
        .resource_id(&api.root)
        .http_method("GET")
}

#[tokio::test]
async fn an_integration_has_29_seconds_unless_set() {
    let account = account().await;
    let api = create_api(&account, "one").await;
    put_method(&account, &api, &api.root, "GET").await;
    let created = account
        .apigateway
        .put_integration()
        .rest_api_id(&api.id)
        .resource_id(&api.root)
        .http_method("GET")
        .r#type(IntegrationType::Mock)
        .send()
        .await
        .expect("PutIntegration");
    assert_eq!(
        (created.r#type(), created.timeout_in_millis()),
        (Some(&IntegrationType::Mock), 29_000)
    );
}

#[tokio::test]
async fn an_integration_is_updated() {
    let account = account().await;
    let api = create_mock_api(&account).await;
    account
        .apigateway
        .update_integration()
        .rest_api_id(&api.id)
        .resource_id(&api.root)
        .http_method("GET")
        .patch_operations(patch(Op::Replace, "/timeoutInMillis", "5000"))
        .send()
        .await
        .expect("UpdateIntegration");
    let got = get_integration(&account, &api).send().await;
    assert_eq!(got.expect("GetIntegration").timeout_in_millis(), 5000);
}

#[tokio::test]
async fn a_deleted_integration_is_not_found() {
    let account = account().await;
    let api = create_mock_api(&account).await;
    account
        .apigateway
        .delete_integration()
        .rest_api_id(&api.id)
        .resource_id(&api.root)
        .http_method("GET")
        .send()
        .await
        .expect("DeleteIntegration");
    let gone = get_integration(&account, &api).send().await;
    assert_eq!(refused(gone), "NotFoundException");
}
