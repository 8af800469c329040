//! Methods of a resource, and their responses.

use aws_sdk_apigateway::operation::get_method::GetMethodOutput;
use aws_sdk_apigateway::operation::get_method_response::builders::GetMethodResponseFluentBuilder;
use aws_sdk_apigateway::operation::put_method::builders::PutMethodFluentBuilder;
use aws_sdk_apigateway::types::Op;
use testkit::Account;

use super::{Api, create_api, create_deployment, patch, put_method};
use crate::harness::{account, refused};

fn put_post(account: &Account, api: &Api) -> PutMethodFluentBuilder {
    account
        .apigateway
        .put_method()
        .rest_api_id(&api.id)
        .resource_id(&api.root)
        .http_method("POST")
        .authorization_type("NONE")
        .request_parameters("method.request.querystring.q", true)
}

/// Creates an API whose root has the method `POST` and its response 200.
async fn api_with_response(account: &Account) -> Api {
    let api = create_api(account, "one").await;
    put_method(account, &api, &api.root, "POST").await;
    let response = account
        .apigateway
        .put_method_response()
        .rest_api_id(&api.id)
        .resource_id(&api.root)
        .http_method("POST")
        .status_code("200")
        .response_models("application/json", "Empty")
        .send()
        .await
        .expect("PutMethodResponse");
    assert_eq!(response.status_code(), Some("200"));
    api
}

async fn get_post(account: &Account, api: &Api) -> GetMethodOutput {
    account
        .apigateway
        .get_method()
        .rest_api_id(&api.id)
        .resource_id(&api.root)
        .http_method("POST")
        .send()
        .await
        .expect("GetMethod")
}

fn get_response(account: &Account, api: &Api) -> GetMethodResponseFluentBuilder {
    account
        .apigateway
        .get_method_response()
        .rest_api_id(&api.id)
        .resource_id(&api.root)
        .http_method("POST")
        .status_code("200")
}

#[tokio::test]
async fn a_method_requires_no_key_unless_asked_to() {
    let account = account().await;
    let api = create_api(&account, "one").await;
    let created = put_post(&account, &api).send().await.expect("PutMethod");
    assert_eq!(
        (created.http_method(), created.api_key_required()),
        (Some("POST"), Some(false))
    );
}

#[tokio::test]
async fn a_method_is_created_once() {
    let account = account().await;
    let api = create_api(&account, "one").await;
    put_post(&account, &api).send().await.expect("PutMethod");
    let again = put_post(&account, &api).send().await;
    assert_eq!(refused(again), "ConflictException");
}

#[tokio::test]
async fn a_method_is_updated() {
    let account = account().await;
    let api = create_api(&account, "one").await;
    put_post(&account, &api).send().await.expect("PutMethod");
    account
        .apigateway
        .update_method()
        .rest_api_id(&api.id)
        .resource_id(&api.root)
        .http_method("POST")
        .patch_operations(patch(Op::Replace, "/apiKeyRequired", "true"))
        .patch_operations(patch(Op::Replace, "/operationName", "PostThing"))
        .send()
        .await
        .expect("UpdateMethod");
    let got = get_post(&account, &api).await;
    assert_eq!(
        (
            got.api_key_required(),
            got.operation_name(),
            got.authorization_type()
        ),
        (Some(true), Some("PostThing"), Some("NONE"))
    );
}

#[tokio::test]
async fn a_method_lists_its_responses() {
    let account = account().await;
    let api = api_with_response(&account).await;
    assert!(
        get_post(&account, &api)
            .await
            .method_responses()
            .is_some_and(|responses| responses.contains_key("200"))
    );
}

#[tokio::test]
async fn a_method_response_is_updated() {
    let account = account().await;
    let api = api_with_response(&account).await;
    account
        .apigateway
        .update_method_response()
        .rest_api_id(&api.id)
        .resource_id(&api.root)
        .http_method("POST")
        .status_code("200")
        .patch_operations(patch(
            Op::Add,
            "/responseParameters/method.response.header.X-Kind",
            "true",
        ))
        .send()
        .await
        .expect("UpdateMethodResponse");
    let response = get_response(&account, &api).send().await;
    let response = response.expect("GetMethodResponse");
    assert_eq!(
        response
            .response_parameters()
            .and_then(|parameters| parameters.get("method.response.header.X-Kind").copied()),
        Some(true)
    );
}

#[tokio::test]
async fn a_deleted_method_response_is_not_found() {
    let account = account().await;
    let api = api_with_response(&account).await;
    account
        .apigateway
        .delete_method_response()
        .rest_api_id(&api.id)
        .resource_id(&api.root)
        .http_method("POST")
        .status_code("200")
        .send()
        .await
        .expect("DeleteMethodResponse");
    let gone = get_response(&account, &api).send().await;
    assert_eq!(refused(gone), "NotFoundException");
}

#[tokio::test]
async fn an_api_without_methods_cannot_be_deployed() {
    let account = account().await;
    let api = create_api(&account, "one").await;
    put_method(&account, &api, &api.root, "POST").await;
    account
        .apigateway
        .delete_method()
        .rest_api_id(&api.id)
        .resource_id(&api.root)
        .http_method("POST")
        .send()
        .await
        .expect("DeleteMethod");
    let empty = create_deployment(&account, &api).send().await;
    assert_eq!(refused(empty), "BadRequestException");
}
