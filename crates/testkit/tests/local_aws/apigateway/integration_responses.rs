//! Responses of an integration, and test invocations, which show them.

use aws_sdk_apigateway::operation::get_integration_response::builders::GetIntegrationResponseFluentBuilder;
use aws_sdk_apigateway::types::Op;
use testkit::Account;

use super::{Api, create_mock_api, patch};
use crate::harness::{account, refused};

/// Creates an API whose root answers `GET` with a body and the header `X-Kind`.
async fn api_with_response(account: &Account) -> Api {
    let gateway = &account.apigateway;
    let api = create_mock_api(account).await;
    gateway
        .put_method_response()
        .rest_api_id(&api.id)
        .resource_id(&api.root)
        .http_method("GET")
        .status_code("200")
        .response_parameters("method.response.header.X-Kind", true)
        .send()
        .await
        .expect("PutMethodResponse");
    gateway
        .put_integration_response()
        .rest_api_id(&api.id)
        .resource_id(&api.root)
        .http_method("GET")
        .status_code("200")
        .response_templates("application/json", r#"{"is":"mocked"}"#)
        .send()
        .await
        .expect("PutIntegrationResponse");
    gateway
        .update_integration_response()
        .rest_api_id(&api.id)
        .resource_id(&api.root)
        .http_method("GET")
        .status_code("200")
        .patch_operations(patch(
            Op::Add,
            "/responseParameters/method.response.header.X-Kind",
            "'mock'",
        ))
        .send()
        .await
        .expect("UpdateIntegrationResponse");
    api
}

fn get_response(account: &Account, api: &Api) -> GetIntegrationResponseFluentBuilder {
    account
        .apigateway
        .get_integration_response()
        .rest_api_id(&api.id)
        .resource_id(&api.root)
        .http_method("GET")
        .status_code("200")
}

#[tokio::test]
async fn an_integration_response_is_updated() {
    let account = account().await;
    let api = api_with_response(&account).await;
    let response = get_response(&account, &api).send().await;
    let response = response.expect("GetIntegrationResponse");
    assert_eq!(
        response
            .response_parameters()
            .and_then(|parameters| parameters.get("method.response.header.X-Kind"))
            .map(String::as_str),
        Some("'mock'")
    );
}

#[tokio::test]
async fn an_integration_lists_its_responses() {
    let account = account().await;
    let api = api_with_response(&account).await;
    let got = account
        .apigateway
        .get_integration()
        .rest_api_id(&api.id)
        .resource_id(&api.root)
        .http_method("GET")
        .send()
        .await
        .expect("GetIntegration");
    assert!(
        got.integration_responses()
            .is_some_and(|responses| responses.contains_key("200"))
    );
}

#[tokio::test]
async fn a_test_invocation_answers_with_the_integrations_response() {
    let account = account().await;
    let api = api_with_response(&account).await;
    let tested = account
        .apigateway
        .test_invoke_method()
        .rest_api_id(&api.id)
        .resource_id(&api.root)
        .http_method("GET")
        .path_with_query_string("/?q=x")
        .send()
        .await
        .expect("TestInvokeMethod");
    assert_eq!(
        (tested.status(), tested.body()),
        (200, Some(r#"{"is":"mocked"}"#))
    );
    assert_eq!(
        tested
            .headers()
            .and_then(|headers| headers
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case("x-kind")))
            .map(|(_, value)| value.as_str()),
        Some("mock")
    );
}

#[tokio::test]
async fn a_deleted_integration_response_is_not_found() {
    let account = account().await;
    let api = api_with_response(&account).await;
    account
        .apigateway
        .delete_integration_response()
        .rest_api_id(&api.id)
        .resource_id(&api.root)
        .http_method("GET")
        .status_code("200")
        .send()
        .await
        .expect("DeleteIntegrationResponse");
    let gone = get_response(&account, &api).send().await;
    assert_eq!(refused(gone), "NotFoundException");
}
