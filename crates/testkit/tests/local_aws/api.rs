//! A REST API as it is designed: resources, methods, integrations and what they answer.

use aws_sdk_apigateway::types::{EndpointConfiguration, EndpointType, IntegrationType, Op};
use testkit::Account;

use crate::harness::{patch, refused};

pub(crate) async fn story(account: &Account) {
    let gateway = &account.apigateway;
    let (api, root) = create(account, "story").await;
    apis(account, &api).await;
    tags(account, &api).await;
    let resource = resources(account, &api, &root).await;
    methods(account, &api, &resource).await;
    integrations(account, &api, &resource).await;
    models(account, &api).await;
    removed(account, &api, &resource).await;
    gateway
        .delete_rest_api()
        .rest_api_id(&api)
        .send()
        .await
        .expect("DeleteRestApi");
    let gone = gateway.get_rest_api().rest_api_id(&api).send().await;
    assert!(
        gone.expect_err("it is gone")
            .into_service_error()
            .is_not_found_exception()
    );
}

/// Its id and its root's.
pub(crate) async fn create(account: &Account, name: &str) -> (String, String) {
    let endpoint = EndpointConfiguration::builder()
        .types(EndpointType::Regional)
        .build();
    let made = account
        .apigateway
        .create_rest_api()
        .name(name)
        .description("of a story")
        .endpoint_configuration(endpoint)
        .tags("a", "1")
        .send()
        .await
        .expect("CreateRestApi");
    (
        made.id().expect("an id").to_owned(),
        made.root_resource_id().expect("a root").to_owned(),
    )
}

async fn apis(account: &Account, api: &str) {
    let gateway = &account.apigateway;
    let nameless = gateway.create_rest_api().name(" ").send().await;
    assert_eq!(refused(nameless), "BadRequestException");
    let (other, _) = create(account, "another").await;
    let mut pages = gateway
        .get_rest_apis()
        .into_paginator()
        .page_size(1)
        .items()
        .send();
    let mut ids = Vec::new();
    while let Some(found) = pages.next().await {
        ids.push(found.expect("GetRestApis").id().expect("an id").to_owned());
    }
    ids.sort();
    let mut expected = [api.to_owned(), other.clone()];
    expected.sort();
    assert_eq!(ids, expected);
    gateway
        .delete_rest_api()
        .rest_api_id(&other)
        .send()
        .await
        .expect("DeleteRestApi");

    gateway
        .update_rest_api()
        .rest_api_id(api)
        .patch_operations(patch(Op::Replace, "/description", "changed"))
        .patch_operations(patch(Op::Add, "/binaryMediaTypes/image~1png", ""))
        .send()
        .await
        .expect("UpdateRestApi");
    let got = gateway.get_rest_api().rest_api_id(api).send().await;
    let got = got.expect("GetRestApi");
    assert_eq!(
        (got.name(), got.description(), got.binary_media_types()),
        (
            Some("story"),
            Some("changed"),
            &["image/png".to_owned()][..]
        )
    );
    assert_eq!(
        got.endpoint_configuration().map(|it| it.types().to_vec()),
        Some(vec![EndpointType::Regional])
    );
    assert!(got.created_date().is_some_and(|date| date.secs() > 0));
    let wrong = gateway
        .update_rest_api()
        .rest_api_id(api)
        .patch_operations(patch(Op::Replace, "/nothing", "x"))
        .send();
    assert_eq!(refused(wrong.await), "BadRequestException");
}

async fn tags(account: &Account, api: &str) {
    let gateway = &account.apigateway;
    let arn = format!("arn:aws:apigateway:eu-west-1::/restapis/{api}");
    gateway
        .tag_resource()
        .resource_arn(&arn)
        .tags("b", "2")
        .send()
        .await
        .expect("TagResource");
    gateway
        .untag_resource()
        .resource_arn(&arn)
        .tag_keys("a")
        .send()
        .await
        .expect("UntagResource");
    let tags = gateway.get_tags().resource_arn(&arn).send().await;
    let tags = tags.expect("GetTags");
    assert_eq!(
        tags.tags()
            .map(|tags| (tags.len(), tags.get("b").map(String::as_str))),
        Some((1, Some("2")))
    );
}

/// The id of `/things/{id}`.
async fn resources(account: &Account, api: &str, root: &str) -> String {
    let gateway = &account.apigateway;
    let create = |parent: &str, part: &str| {
        gateway
            .create_resource()
            .rest_api_id(api)
            .parent_id(parent)
            .path_part(part)
            .send()
    };
    let items = create(root, "items").await.expect("CreateResource");
    let items = items.id().expect("an id");
    assert_eq!(refused(create(root, "items").await), "ConflictException");
    let item = create(items, "{id}").await.expect("CreateResource");
    assert_eq!(
        (item.path(), item.parent_id()),
        (Some("/items/{id}"), Some(items))
    );
    gateway
        .update_resource()
        .rest_api_id(api)
        .resource_id(items)
        .patch_operations(patch(Op::Replace, "/pathPart", "things"))
        .send()
        .await
        .expect("UpdateResource");
    let item = item.id().expect("an id");
    let got = gateway
        .get_resource()
        .rest_api_id(api)
        .resource_id(item)
        .send();
    let got = got.await.expect("GetResource");
    assert_eq!(
        (got.path(), got.path_part()),
        (Some("/things/{id}"), Some("{id}"))
    );
    let mut pages = gateway
        .get_resources()
        .rest_api_id(api)
        .into_paginator()
        .page_size(2)
        .items()
        .send();
    let mut paths = Vec::new();
    while let Some(found) = pages.next().await {
        paths.push(
            found
                .expect("GetResources")
                .path()
                .expect("a path")
                .to_owned(),
        );
    }
    assert_eq!(paths, ["/", "/things", "/things/{id}"]);
    item.to_owned()
}

async fn methods(account: &Account, api: &str, resource: &str) {
    let gateway = &account.apigateway;
    let put = || {
        gateway
            .put_method()
            .rest_api_id(api)
            .resource_id(resource)
            .http_method("POST")
            .authorization_type("NONE")
            .request_parameters("method.request.querystring.q", true)
            .send()
    };
    let made = put().await.expect("PutMethod");
    assert_eq!(
        (made.http_method(), made.api_key_required()),
        (Some("POST"), Some(false))
    );
    assert_eq!(refused(put().await), "ConflictException");
    gateway
        .update_method()
        .rest_api_id(api)
        .resource_id(resource)
        .http_method("POST")
        .patch_operations(patch(Op::Replace, "/apiKeyRequired", "true"))
        .patch_operations(patch(Op::Replace, "/operationName", "PostThing"))
        .send()
        .await
        .expect("UpdateMethod");

    let response = gateway
        .put_method_response()
        .rest_api_id(api)
        .resource_id(resource)
        .http_method("POST")
        .status_code("200")
        .response_models("application/json", "Empty")
        .send()
        .await
        .expect("PutMethodResponse");
    assert_eq!(response.status_code(), Some("200"));
    gateway
        .update_method_response()
        .rest_api_id(api)
        .resource_id(resource)
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
    let response = gateway
        .get_method_response()
        .rest_api_id(api)
        .resource_id(resource)
        .http_method("POST")
        .status_code("200")
        .send()
        .await
        .expect("GetMethodResponse");
    assert_eq!(
        response
            .response_parameters()
            .and_then(|parameters| parameters.get("method.response.header.X-Kind").copied()),
        Some(true)
    );
    let got = gateway
        .get_method()
        .rest_api_id(api)
        .resource_id(resource)
        .http_method("POST")
        .send()
        .await
        .expect("GetMethod");
    assert_eq!(
        (
            got.api_key_required(),
            got.operation_name(),
            got.authorization_type()
        ),
        (Some(true), Some("PostThing"), Some("NONE"))
    );
    assert!(
        got.method_responses()
            .is_some_and(|responses| responses.contains_key("200"))
    );
}

async fn integrations(account: &Account, api: &str, resource: &str) {
    let gateway = &account.apigateway;
    let made = gateway
        .put_integration()
        .rest_api_id(api)
        .resource_id(resource)
        .http_method("POST")
        .r#type(IntegrationType::Mock)
        .request_templates("application/json", r#"{"statusCode":200}"#)
        .send()
        .await
        .expect("PutIntegration");
    assert_eq!(
        (made.r#type(), made.timeout_in_millis()),
        (Some(&IntegrationType::Mock), 29_000)
    );
    gateway
        .update_integration()
        .rest_api_id(api)
        .resource_id(resource)
        .http_method("POST")
        .patch_operations(patch(Op::Replace, "/timeoutInMillis", "5000"))
        .send()
        .await
        .expect("UpdateIntegration");
    gateway
        .put_integration_response()
        .rest_api_id(api)
        .resource_id(resource)
        .http_method("POST")
        .status_code("200")
        .response_templates("application/json", r#"{"is":"mocked"}"#)
        .send()
        .await
        .expect("PutIntegrationResponse");
    gateway
        .update_integration_response()
        .rest_api_id(api)
        .resource_id(resource)
        .http_method("POST")
        .status_code("200")
        .patch_operations(patch(
            Op::Add,
            "/responseParameters/method.response.header.X-Kind",
            "'mock'",
        ))
        .send()
        .await
        .expect("UpdateIntegrationResponse");
    let response = gateway
        .get_integration_response()
        .rest_api_id(api)
        .resource_id(resource)
        .http_method("POST")
        .status_code("200")
        .send()
        .await
        .expect("GetIntegrationResponse");
    assert_eq!(
        response
            .response_parameters()
            .and_then(|parameters| parameters.get("method.response.header.X-Kind"))
            .map(String::as_str),
        Some("'mock'")
    );
    let got = gateway
        .get_integration()
        .rest_api_id(api)
        .resource_id(resource)
        .http_method("POST")
        .send()
        .await
        .expect("GetIntegration");
    assert_eq!(got.timeout_in_millis(), 5000);
    assert!(
        got.integration_responses()
            .is_some_and(|responses| responses.contains_key("200"))
    );

    let tested = gateway
        .test_invoke_method()
        .rest_api_id(api)
        .resource_id(resource)
        .http_method("POST")
        .path_with_query_string("/things/1?q=x")
        .body("{}")
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

async fn models(account: &Account, api: &str) {
    let gateway = &account.apigateway;
    let models = gateway.get_models().rest_api_id(api).send().await;
    let models = models.expect("GetModels");
    let mut names: Vec<_> = models
        .items()
        .iter()
        .filter_map(|model| model.name())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["Empty", "Error"]);
    let model = gateway.get_model().rest_api_id(api).model_name("Error");
    let model = model.send().await.expect("GetModel");
    assert_eq!(model.content_type(), Some("application/json"));
    let missing = gateway.get_model().rest_api_id(api).model_name("None");
    assert_eq!(refused(missing.send().await), "NotFoundException");
    let responses = gateway
        .get_gateway_responses()
        .rest_api_id(api)
        .limit(100)
        .send();
    let responses = responses.await.expect("GetGatewayResponses");
    assert!(responses.items().iter().any(|response| {
        response.response_type() == Some(&aws_sdk_apigateway::types::GatewayResponseType::Throttled)
            && response.status_code() == Some("429")
            && response.default_response()
    }));
}

async fn removed(account: &Account, api: &str, resource: &str) {
    let gateway = &account.apigateway;
    gateway
        .delete_integration_response()
        .rest_api_id(api)
        .resource_id(resource)
        .http_method("POST")
        .status_code("200")
        .send()
        .await
        .expect("DeleteIntegrationResponse");
    gateway
        .delete_integration()
        .rest_api_id(api)
        .resource_id(resource)
        .http_method("POST")
        .send()
        .await
        .expect("DeleteIntegration");
    let gone = gateway
        .get_integration()
        .rest_api_id(api)
        .resource_id(resource)
        .http_method("POST");
    assert_eq!(refused(gone.send().await), "NotFoundException");
    gateway
        .delete_method_response()
        .rest_api_id(api)
        .resource_id(resource)
        .http_method("POST")
        .status_code("200")
        .send()
        .await
        .expect("DeleteMethodResponse");
    gateway
        .delete_method()
        .rest_api_id(api)
        .resource_id(resource)
        .http_method("POST")
        .send()
        .await
        .expect("DeleteMethod");
    let empty = gateway.create_deployment().rest_api_id(api).send().await;
    assert_eq!(
        refused(empty),
        "BadRequestException",
        "an API without methods"
    );
    gateway
        .delete_resource()
        .rest_api_id(api)
        .resource_id(resource)
        .send()
        .await
        .expect("DeleteResource");
    let gone = gateway
        .get_resource()
        .rest_api_id(api)
        .resource_id(resource);
    assert_eq!(refused(gone.send().await), "NotFoundException");
}
