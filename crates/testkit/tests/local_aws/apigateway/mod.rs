//! API Gateway: REST APIs with their resources, methods, integrations, deployments and stages, API keys and usage plans.

mod account;
mod apis;
mod defaults;
mod deployments;
mod integration_responses;
mod integrations;
mod keys;
mod methods;
mod plan_keys;
mod plans;
mod public;
mod resources;
mod stages;

use aws_sdk_apigateway::operation::create_deployment::builders::CreateDeploymentFluentBuilder;
use aws_sdk_apigateway::types::{
    EndpointConfiguration, EndpointType, IntegrationType, Op, PatchOperation,
};
use testkit::Account;

/// A REST API.
struct Api {
    id: String,
    /// Id of its resource `/`.
    root: String,
}

fn patch(op: Op, path: &str, value: &str) -> PatchOperation {
    PatchOperation::builder()
        .op(op)
        .path(path)
        .value(value)
        .build()
}

async fn create_api(account: &Account, name: &str) -> Api {
    let endpoint = EndpointConfiguration::builder()
        .types(EndpointType::Regional)
        .build();
    let created = account
        .apigateway
        .create_rest_api()
        .name(name)
        .description("of a test")
        .endpoint_configuration(endpoint)
        .tags("a", "1")
        .send()
        .await
        .expect("CreateRestApi");
    Api {
        id: created.id().expect("an id").to_owned(),
        root: created.root_resource_id().expect("a root").to_owned(),
    }
}

/// Creates a resource and returns its id.
async fn create_resource(account: &Account, api: &Api, parent: &str, part: &str) -> String {
    let created = account
        .apigateway
        .create_resource()
        .rest_api_id(&api.id)
        .parent_id(parent)
        .path_part(part)
        .send()
        .await;
    let created = created.expect("CreateResource");
    created.id().expect("an id").to_owned()
}

async fn put_method(account: &Account, api: &Api, resource: &str, verb: &str) {
    account
        .apigateway
        .put_method()
        .rest_api_id(&api.id)
        .resource_id(resource)
        .http_method(verb)
        .authorization_type("NONE")
        .send()
        .await
        .expect("PutMethod");
}

/// Lets the gateway itself answer a method.
async fn put_mock_integration(account: &Account, api: &Api, resource: &str, verb: &str) {
    account
        .apigateway
        .put_integration()
        .rest_api_id(&api.id)
        .resource_id(resource)
        .http_method(verb)
        .r#type(IntegrationType::Mock)
        .request_templates("application/json", r#"{"statusCode":200}"#)
        .send()
        .await
        .expect("PutIntegration");
}

/// Creates an API whose root answers `GET` by itself.
async fn create_mock_api(account: &Account) -> Api {
    let api = create_api(account, "mock").await;
    put_method(account, &api, &api.root, "GET").await;
    put_mock_integration(account, &api, &api.root, "GET").await;
    api
}

fn create_deployment(account: &Account, api: &Api) -> CreateDeploymentFluentBuilder {
    account.apigateway.create_deployment().rest_api_id(&api.id)
}
