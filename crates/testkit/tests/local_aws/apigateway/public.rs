//! Requests from outside to a deployed API, over HTTP.

use aws_sdk_apigateway::types::IntegrationType;
use testkit::{Account, request};

use super::{Api, create_api, create_deployment, create_resource, put_method};
use crate::harness::{Listener, create_function};

/// Deploys an API with a function behind the path `/{proxy+}`, which does not permit invocations yet.
async fn deploy_function(account: &Account) -> Api {
    let function = create_function(account, "public").await;
    let api = create_api(account, "public").await;
    let resource = create_resource(account, &api, &api.root, "{proxy+}").await;
    put_method(account, &api, &resource, "ANY").await;
    account
        .apigateway
        .put_integration()
        .rest_api_id(&api.id)
        .resource_id(resource)
        .http_method("ANY")
        .r#type(IntegrationType::AwsProxy)
        .integration_http_method("POST")
        .uri(format!(
            "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/{function}/invocations"
        ))
        .send()
        .await
        .expect("PutIntegration");
    let deployment = create_deployment(account, &api).stage_name("Prod");
    deployment.send().await.expect("CreateDeployment");
    api
}

#[tokio::test]
async fn a_function_answers_requests_once_it_permits_the_gateway() {
    let listener = Listener::start().await;
    let account = listener.account().await;
    let api = deploy_function(&account).await;
    let url = format!(
        "{}/restapis/{}/Prod/_user_request_/a/b",
        listener.url, api.id
    );
    let forbidden = request("PUT", &url, &[], "{}").await;
    assert_eq!(forbidden.status, 500, "{forbidden:?}");
    account
        .lambda
        .add_permission()
        .function_name("public")
        .statement_id("gateway")
        .action("lambda:InvokeFunction")
        .principal("apigateway.amazonaws.com")
        .source_arn(format!(
            "arn:aws:execute-api:eu-west-1:{}:{}/*/*/*",
            account.id, api.id
        ))
        .send()
        .await
        .expect("AddPermission");
    let reply = request("PUT", &url, &[], "{}").await;
    assert_eq!((reply.status, reply.body.as_str()), (201, "/a/b"));
    listener.stop().await;
}
