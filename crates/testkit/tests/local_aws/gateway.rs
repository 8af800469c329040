//! A REST API as it is deployed: deployments, stages, and requests from outside.

use aws_sdk_apigateway::types::{IntegrationType, Op};
use testkit::{Account, request};

use crate::api;
use crate::harness::{create_function, function_role, patch, refused};

pub(crate) async fn story(account: &Account) {
    let (api, root) = api::create(account, "gateway").await;
    mock(account, &api, &root).await;
    let (first, second) = deployments(account, &api, &root).await;
    stages(account, &api, &first, &second).await;
    settings(account).await;
    let delete = account.apigateway.delete_rest_api().rest_api_id(&api);
    delete.send().await.expect("DeleteRestApi");
}

/// Lets `GET` of a resource answer by itself.
pub(crate) async fn mock(account: &Account, api: &str, resource: &str) {
    let gateway = &account.apigateway;
    gateway
        .put_method()
        .rest_api_id(api)
        .resource_id(resource)
        .http_method("GET")
        .authorization_type("NONE")
        .send()
        .await
        .expect("PutMethod");
    let early = gateway.create_deployment().rest_api_id(api).send().await;
    assert_eq!(
        refused(early),
        "BadRequestException",
        "a method without an integration"
    );
    gateway
        .put_integration()
        .rest_api_id(api)
        .resource_id(resource)
        .http_method("GET")
        .r#type(IntegrationType::Mock)
        .request_templates("application/json", r#"{"statusCode":200}"#)
        .send()
        .await
        .expect("PutIntegration");
}

/// Two of them; the second requires keys.
async fn deployments(account: &Account, api: &str, root: &str) -> (String, String) {
    let gateway = &account.apigateway;
    let create = |description: &str| {
        gateway
            .create_deployment()
            .rest_api_id(api)
            .description(description)
            .send()
    };
    let first = create("first").await.expect("CreateDeployment");
    gateway
        .update_method()
        .rest_api_id(api)
        .resource_id(root)
        .http_method("GET")
        .patch_operations(patch(Op::Replace, "/apiKeyRequired", "true"))
        .send()
        .await
        .expect("UpdateMethod");
    let second = create("second").await.expect("CreateDeployment");
    let ids = (
        first.id().expect("an id").to_owned(),
        second.id().expect("an id").to_owned(),
    );

    let mut requires = Vec::new();
    for id in [&ids.0, &ids.1] {
        let got = gateway
            .get_deployment()
            .rest_api_id(api)
            .deployment_id(id)
            .embed("apisummary")
            .send()
            .await
            .expect("GetDeployment");
        let summary = got.api_summary().expect("a summary");
        requires.push(summary["/"]["GET"].api_key_required());
    }
    assert_eq!(requires, [false, true], "each as the API was");
    gateway
        .update_deployment()
        .rest_api_id(api)
        .deployment_id(&ids.0)
        .patch_operations(patch(Op::Replace, "/description", "former"))
        .send()
        .await
        .expect("UpdateDeployment");
    let mut pages = gateway
        .get_deployments()
        .rest_api_id(api)
        .into_paginator()
        .page_size(1)
        .items()
        .send();
    let mut descriptions = Vec::new();
    while let Some(found) = pages.next().await {
        descriptions.extend(
            found
                .expect("GetDeployments")
                .description()
                .map(str::to_owned),
        );
    }
    descriptions.sort();
    assert_eq!(descriptions, ["former", "second"]);
    ids
}

async fn stages(account: &Account, api: &str, first: &str, second: &str) {
    let gateway = &account.apigateway;
    let create = |deployment: &str| {
        gateway
            .create_stage()
            .rest_api_id(api)
            .stage_name("Prod")
            .deployment_id(deployment)
            .variables("colour", "red")
            .tags("a", "1")
            .send()
    };
    assert_eq!(refused(create("none").await), "NotFoundException");
    let made = create(first).await.expect("CreateStage");
    assert_eq!(
        (made.stage_name(), made.deployment_id()),
        (Some("Prod"), Some(first))
    );
    assert_eq!(refused(create(first).await), "ConflictException");
    gateway
        .update_stage()
        .rest_api_id(api)
        .stage_name("Prod")
        .patch_operations(patch(Op::Replace, "/deploymentId", second))
        .patch_operations(patch(Op::Replace, "/variables/colour", "blue"))
        .patch_operations(patch(Op::Replace, "/*/*/throttling/rateLimit", "10"))
        .patch_operations(patch(Op::Replace, "/*/*/throttling/burstLimit", "5"))
        .send()
        .await
        .expect("UpdateStage");
    let got = gateway.get_stage().rest_api_id(api).stage_name("Prod");
    let got = got.send().await.expect("GetStage");
    assert_eq!(got.deployment_id(), Some(second));
    assert_eq!(
        got.variables()
            .and_then(|variables| variables.get("colour"))
            .map(String::as_str),
        Some("blue")
    );
    let settings = &got.method_settings().expect("settings")["*/*"];
    assert_eq!(settings.throttling_burst_limit(), 5);
    assert!((settings.throttling_rate_limit() - 10.0).abs() < f64::EPSILON);
    let of = |deployment: &str| {
        gateway
            .get_stages()
            .rest_api_id(api)
            .deployment_id(deployment)
            .send()
    };
    assert_eq!(of(second).await.expect("GetStages").item().len(), 1);
    assert!(of(first).await.expect("GetStages").item().is_empty());

    let delete = |deployment: &str| {
        gateway
            .delete_deployment()
            .rest_api_id(api)
            .deployment_id(deployment)
            .send()
    };
    assert_eq!(
        refused(delete(second).await),
        "BadRequestException",
        "a stage serves it"
    );
    delete(first).await.expect("DeleteDeployment");
    assert_eq!(refused(delete(first).await), "NotFoundException");
    gateway
        .delete_stage()
        .rest_api_id(api)
        .stage_name("Prod")
        .send()
        .await
        .expect("DeleteStage");
    let gone = gateway.get_stage().rest_api_id(api).stage_name("Prod");
    assert_eq!(refused(gone.send().await), "NotFoundException");
}

async fn settings(account: &Account) {
    let gateway = &account.apigateway;
    let role = format!("arn:aws:iam::{}:role/logs", account.id);
    gateway
        .update_account()
        .patch_operations(patch(Op::Replace, "/cloudwatchRoleArn", &role))
        .send()
        .await
        .expect("UpdateAccount");
    let got = gateway.get_account().send().await.expect("GetAccount");
    assert_eq!(got.cloudwatch_role_arn(), Some(role.as_str()));
    assert_eq!(
        got.throttle_settings()
            .map(aws_sdk_apigateway::types::ThrottleSettings::burst_limit),
        Some(5000)
    );
}

/// A function behind a greedy path, asked over HTTP.
pub(crate) async fn public(account: &Account, url: &str) {
    let gateway = &account.apigateway;
    let role = function_role(account, "public").await;
    let function = create_function(account, "public", &role).await;
    let (api, root) = api::create(account, "public").await;
    let resource = gateway
        .create_resource()
        .rest_api_id(&api)
        .parent_id(root)
        .path_part("{proxy+}")
        .send();
    let resource = resource.await.expect("CreateResource");
    let resource = resource.id().expect("an id");
    gateway
        .put_method()
        .rest_api_id(&api)
        .resource_id(resource)
        .http_method("ANY")
        .authorization_type("NONE")
        .send()
        .await
        .expect("PutMethod");
    gateway
        .put_integration()
        .rest_api_id(&api)
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
    gateway
        .create_deployment()
        .rest_api_id(&api)
        .stage_name("Prod")
        .send()
        .await
        .expect("CreateDeployment");

    let address = format!("{url}/restapis/{api}/Prod/_user_request_/a/b");
    let forbidden = request("PUT", &address, &[], "{}").await;
    assert_eq!(forbidden.status, 500, "{forbidden:?}");
    account
        .lambda
        .add_permission()
        .function_name("public")
        .statement_id("gateway")
        .action("lambda:InvokeFunction")
        .principal("apigateway.amazonaws.com")
        .source_arn(format!(
            "arn:aws:execute-api:eu-west-1:{}:{api}/*/*/*",
            account.id
        ))
        .send()
        .await
        .expect("AddPermission");
    let reply = request("PUT", &address, &[], "{}").await;
    assert_eq!((reply.status, reply.body.as_str()), (201, "/a/b"));
}
