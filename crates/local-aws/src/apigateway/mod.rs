//! API Gateway (REST APIs, v1): the control plane in files named after what they keep, the data plane in `gateway`.

mod access_log;
mod account;
mod api_key;
mod api_key_import;
mod auth;
mod authorizer;
mod aws_backend;
mod caching;
mod compiled;
mod compression;
mod deployment;
mod documentation;
mod elsewhere;
mod event;
mod exchange;
mod execution_log;
pub(crate) mod gateway;
mod gateway_reply;
mod gateway_response;
mod http_backend;
mod integration;
mod invocation;
mod json_path;
mod mapping;
mod method;
mod model;
mod model_schema;
mod openapi;
mod page;
mod patch;
mod plan_key;
mod proxy;
mod refusal;
mod reply;
mod request_check;
mod request_validator;
mod resource;
mod rest_api;
mod schema;
mod serving;
mod shown;
mod stage;
mod stage_patch;
mod tags;
mod test_invoke;
#[cfg(test)]
mod tests;
mod throttle;
mod usage;
mod usage_plan;
mod usage_plan_patch;
mod vtl;

use std::sync::Arc;

use http::Method;

use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::cloud::Cloud;
use crate::routes::Route;

pub(crate) use elsewhere::{OTHERS, route};
pub(crate) use gateway::Gateway;
pub(crate) use refusal::malformed;
pub(crate) use tags::tagged;

/// The URIs of botocore's model `apigateway/2015-07-09`.
#[rustfmt::skip]
pub(crate) const ROUTES: &[Route] = &[
    ("POST", "/restapis?mode=import", "ImportRestApi"),
    ("POST", "/restapis", "CreateRestApi"),
    ("GET", "/restapis", "GetRestApis"),
    ("GET", "/restapis/{restapi_id}", "GetRestApi"),
    ("PUT", "/restapis/{restapi_id}", "PutRestApi"),
    ("PATCH", "/restapis/{restapi_id}", "UpdateRestApi"),
    ("DELETE", "/restapis/{restapi_id}", "DeleteRestApi"),
    ("GET", "/restapis/{restapi_id}/resources", "GetResources"),
    ("POST", "/restapis/{restapi_id}/resources/{parent_id}", "CreateResource"),
    ("GET", "/restapis/{restapi_id}/resources/{resource_id}", "GetResource"),
    ("PATCH", "/restapis/{restapi_id}/resources/{resource_id}", "UpdateResource"),
    ("DELETE", "/restapis/{restapi_id}/resources/{resource_id}", "DeleteResource"),
    ("PUT", "/restapis/{restapi_id}/resources/{resource_id}/methods/{http_method}", "PutMethod"),
    ("GET", "/restapis/{restapi_id}/resources/{resource_id}/methods/{http_method}", "GetMethod"),
    ("PATCH", "/restapis/{restapi_id}/resources/{resource_id}/methods/{http_method}", "UpdateMethod"),
    ("DELETE", "/restapis/{restapi_id}/resources/{resource_id}/methods/{http_method}", "DeleteMethod"),
    ("POST", "/restapis/{restapi_id}/resources/{resource_id}/methods/{http_method}", "TestInvokeMethod"),
    ("PUT", "/restapis/{restapi_id}/resources/{resource_id}/methods/{http_method}/responses/{status_code}", "PutMethodResponse"),
    ("GET", "/restapis/{restapi_id}/resources/{resource_id}/methods/{http_method}/responses/{status_code}", "GetMethodResponse"),
    ("PATCH", "/restapis/{restapi_id}/resources/{resource_id}/methods/{http_method}/responses/{status_code}", "UpdateMethodResponse"),
    ("DELETE", "/restapis/{restapi_id}/resources/{resource_id}/methods/{http_method}/responses/{status_code}", "DeleteMethodResponse"),
    ("PUT", "/restapis/{restapi_id}/resources/{resource_id}/methods/{http_method}/integration", "PutIntegration"),
    ("GET", "/restapis/{restapi_id}/resources/{resource_id}/methods/{http_method}/integration", "GetIntegration"),
    ("PATCH", "/restapis/{restapi_id}/resources/{resource_id}/methods/{http_method}/integration", "UpdateIntegration"),
    ("DELETE", "/restapis/{restapi_id}/resources/{resource_id}/methods/{http_method}/integration", "DeleteIntegration"),
    ("PUT", "/restapis/{restapi_id}/resources/{resource_id}/methods/{http_method}/integration/responses/{status_code}", "PutIntegrationResponse"),
    ("GET", "/restapis/{restapi_id}/resources/{resource_id}/methods/{http_method}/integration/responses/{status_code}", "GetIntegrationResponse"),
    ("PATCH", "/restapis/{restapi_id}/resources/{resource_id}/methods/{http_method}/integration/responses/{status_code}", "UpdateIntegrationResponse"),
    ("DELETE", "/restapis/{restapi_id}/resources/{resource_id}/methods/{http_method}/integration/responses/{status_code}", "DeleteIntegrationResponse"),
    ("POST", "/restapis/{restapi_id}/deployments", "CreateDeployment"),
    ("GET", "/restapis/{restapi_id}/deployments", "GetDeployments"),
    ("GET", "/restapis/{restapi_id}/deployments/{deployment_id}", "GetDeployment"),
    ("PATCH", "/restapis/{restapi_id}/deployments/{deployment_id}", "UpdateDeployment"),
    ("DELETE", "/restapis/{restapi_id}/deployments/{deployment_id}", "DeleteDeployment"),
    ("POST", "/restapis/{restapi_id}/stages", "CreateStage"),
    ("GET", "/restapis/{restapi_id}/stages", "GetStages"),
    ("GET", "/restapis/{restapi_id}/stages/{stage_name}", "GetStage"),
    ("PATCH", "/restapis/{restapi_id}/stages/{stage_name}", "UpdateStage"),
    ("DELETE", "/restapis/{restapi_id}/stages/{stage_name}", "DeleteStage"),
    ("GET", "/restapis/{restapi_id}/stages/{stage_name}/exports/{export_type}", "GetExport"),
    ("DELETE", "/restapis/{restapi_id}/stages/{stage_name}/cache/authorizers", "FlushStageAuthorizersCache"),
    ("POST", "/restapis/{restapi_id}/authorizers", "CreateAuthorizer"),
    ("GET", "/restapis/{restapi_id}/authorizers", "GetAuthorizers"),
    ("GET", "/restapis/{restapi_id}/authorizers/{authorizer_id}", "GetAuthorizer"),
    ("PATCH", "/restapis/{restapi_id}/authorizers/{authorizer_id}", "UpdateAuthorizer"),
    ("DELETE", "/restapis/{restapi_id}/authorizers/{authorizer_id}", "DeleteAuthorizer"),
    ("POST", "/restapis/{restapi_id}/authorizers/{authorizer_id}", "TestInvokeAuthorizer"),
    ("GET", "/restapis/{restapi_id}/models", "GetModels"),
    ("POST", "/restapis/{restapi_id}/models", "CreateModel"),
    ("GET", "/restapis/{restapi_id}/models/{model_name}", "GetModel"),
    ("PATCH", "/restapis/{restapi_id}/models/{model_name}", "UpdateModel"),
    ("DELETE", "/restapis/{restapi_id}/models/{model_name}", "DeleteModel"),
    ("GET", "/restapis/{restapi_id}/models/{model_name}/default_template", "GetModelTemplate"),
    ("POST", "/restapis/{restapi_id}/requestvalidators", "CreateRequestValidator"),
    ("GET", "/restapis/{restapi_id}/requestvalidators", "GetRequestValidators"),
    ("GET", "/restapis/{restapi_id}/requestvalidators/{requestvalidator_id}", "GetRequestValidator"),
    ("PATCH", "/restapis/{restapi_id}/requestvalidators/{requestvalidator_id}", "UpdateRequestValidator"),
    ("DELETE", "/restapis/{restapi_id}/requestvalidators/{requestvalidator_id}", "DeleteRequestValidator"),
    ("GET", "/restapis/{restapi_id}/gatewayresponses", "GetGatewayResponses"),
    ("PUT", "/restapis/{restapi_id}/gatewayresponses/{response_type}", "PutGatewayResponse"),
    ("GET", "/restapis/{restapi_id}/gatewayresponses/{response_type}", "GetGatewayResponse"),
    ("PATCH", "/restapis/{restapi_id}/gatewayresponses/{response_type}", "UpdateGatewayResponse"),
    ("DELETE", "/restapis/{restapi_id}/gatewayresponses/{response_type}", "DeleteGatewayResponse"),
    ("POST", "/restapis/{restapi_id}/documentation/parts", "CreateDocumentationPart"),
    ("PUT", "/restapis/{restapi_id}/documentation/parts", "ImportDocumentationParts"),
    ("GET", "/restapis/{restapi_id}/documentation/parts", "GetDocumentationParts"),
    ("GET", "/restapis/{restapi_id}/documentation/parts/{part_id}", "GetDocumentationPart"),
    ("PATCH", "/restapis/{restapi_id}/documentation/parts/{part_id}", "UpdateDocumentationPart"),
    ("DELETE", "/restapis/{restapi_id}/documentation/parts/{part_id}", "DeleteDocumentationPart"),
    ("POST", "/restapis/{restapi_id}/documentation/versions", "CreateDocumentationVersion"),
    ("GET", "/restapis/{restapi_id}/documentation/versions", "GetDocumentationVersions"),
    ("GET", "/restapis/{restapi_id}/documentation/versions/{doc_version}", "GetDocumentationVersion"),
    ("PATCH", "/restapis/{restapi_id}/documentation/versions/{doc_version}", "UpdateDocumentationVersion"),
    ("DELETE", "/restapis/{restapi_id}/documentation/versions/{doc_version}", "DeleteDocumentationVersion"),
    ("POST", "/apikeys?mode=import", "ImportApiKeys"),
    ("POST", "/apikeys", "CreateApiKey"),
    ("GET", "/apikeys", "GetApiKeys"),
    ("GET", "/apikeys/{api_Key}", "GetApiKey"),
    ("PATCH", "/apikeys/{api_Key}", "UpdateApiKey"),
    ("DELETE", "/apikeys/{api_Key}", "DeleteApiKey"),
    ("POST", "/usageplans", "CreateUsagePlan"),
    ("GET", "/usageplans", "GetUsagePlans"),
    ("GET", "/usageplans/{usageplanId}", "GetUsagePlan"),
    ("PATCH", "/usageplans/{usageplanId}", "UpdateUsagePlan"),
    ("DELETE", "/usageplans/{usageplanId}", "DeleteUsagePlan"),
    ("GET", "/usageplans/{usageplanId}/usage", "GetUsage"),
    ("POST", "/usageplans/{usageplanId}/keys", "CreateUsagePlanKey"),
    ("GET", "/usageplans/{usageplanId}/keys", "GetUsagePlanKeys"),
    ("GET", "/usageplans/{usageplanId}/keys/{keyId}", "GetUsagePlanKey"),
    ("DELETE", "/usageplans/{usageplanId}/keys/{keyId}", "DeleteUsagePlanKey"),
    ("PATCH", "/usageplans/{usageplanId}/keys/{keyId}/usage", "UpdateUsage"),
    ("GET", "/tags/{resource_arn+}", "GetTags"),
    ("PUT", "/tags/{resource_arn+}", "TagResource"),
    ("DELETE", "/tags/{resource_arn+}", "UntagResource"),
    ("GET", "/account", "GetAccount"),
    ("PATCH", "/account", "UpdateAccount"),
];

pub(crate) async fn perform(cloud: &Arc<Cloud>, call: &Call) -> Result<Answer, Refusal> {
    match call.operation {
        "TestInvokeMethod" => return test_invoke::perform(cloud, call).await,
        "TestInvokeAuthorizer" => return auth::test_invoke(cloud, call).await,
        _ => {}
    }
    let outcome = control(cloud, call);
    if call.method != Method::GET {
        cloud.gateway.changed();
    }
    outcome
}

fn control(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    match call.operation {
        "CreateRestApi" => rest_api::create(cloud, call),
        "GetRestApi" => rest_api::get(cloud, call),
        "GetRestApis" => rest_api::list(cloud, call),
        "UpdateRestApi" => rest_api::update(cloud, call),
        "DeleteRestApi" => rest_api::delete(cloud, call),
        "ImportRestApi" => openapi::import(cloud, call),
        "PutRestApi" => openapi::put(cloud, call),
        "GetExport" => openapi::export(cloud, call),
        "ImportDocumentationParts" => openapi::import_documentation(cloud, call),
        "CreateAuthorizer" => authorizer::create(cloud, call),
        "GetAuthorizer" => authorizer::get(cloud, call),
        "GetAuthorizers" => authorizer::list(cloud, call),
        "UpdateAuthorizer" => authorizer::update(cloud, call),
        "DeleteAuthorizer" => authorizer::delete(cloud, call),
        "FlushStageAuthorizersCache" => auth::flush(cloud, call),
        "CreateResource" => resource::create(cloud, call),
        "GetResource" => resource::get(cloud, call),
        "GetResources" => resource::list(cloud, call),
        "UpdateResource" => resource::update(cloud, call),
        "DeleteResource" => resource::delete(cloud, call),
        "PutMethod" => method::put(cloud, call),
        "GetMethod" => method::get(cloud, call),
        "UpdateMethod" => method::update(cloud, call),
        "DeleteMethod" => method::delete(cloud, call),
        "PutMethodResponse" => method::put_response(cloud, call),
        "GetMethodResponse" => method::get_response(cloud, call),
        "UpdateMethodResponse" => method::update_response(cloud, call),
        "DeleteMethodResponse" => method::delete_response(cloud, call),
        "PutIntegration" => integration::put(cloud, call),
        "GetIntegration" => integration::get(cloud, call),
        "UpdateIntegration" => integration::update(cloud, call),
        "DeleteIntegration" => integration::delete(cloud, call),
        "PutIntegrationResponse" => integration::put_response(cloud, call),
        "GetIntegrationResponse" => integration::get_response(cloud, call),
        "UpdateIntegrationResponse" => integration::update_response(cloud, call),
        "DeleteIntegrationResponse" => integration::delete_response(cloud, call),
        "CreateDeployment" => deployment::create(cloud, call),
        "GetDeployment" => deployment::get(cloud, call),
        "GetDeployments" => deployment::list(cloud, call),
        "UpdateDeployment" => deployment::update(cloud, call),
        "DeleteDeployment" => deployment::delete(cloud, call),
        "CreateStage" => stage::create(cloud, call),
        "GetStage" => stage::get(cloud, call),
        "GetStages" => stage::list(cloud, call),
        "UpdateStage" => stage::update(cloud, call),
        "DeleteStage" => stage::delete(cloud, call),
        "GetModels" => model::list(cloud, call),
        "CreateModel" => model::create(cloud, call),
        "GetModel" => model::get(cloud, call),
        "UpdateModel" => model::update(cloud, call),
        "DeleteModel" => model::delete(cloud, call),
        "GetModelTemplate" => model::template(cloud, call),
        "CreateRequestValidator" => request_validator::create(cloud, call),
        "GetRequestValidator" => request_validator::get(cloud, call),
        "GetRequestValidators" => request_validator::list(cloud, call),
        "UpdateRequestValidator" => request_validator::update(cloud, call),
        "DeleteRequestValidator" => request_validator::delete(cloud, call),
        "GetGatewayResponses" => gateway_response::list(cloud, call),
        "PutGatewayResponse" => gateway_response::put(cloud, call),
        "GetGatewayResponse" => gateway_response::get(cloud, call),
        "UpdateGatewayResponse" => gateway_response::update(cloud, call),
        "DeleteGatewayResponse" => gateway_response::delete(cloud, call),
        "CreateDocumentationPart" => documentation::create_part(cloud, call),
        "GetDocumentationPart" => documentation::get_part(cloud, call),
        "GetDocumentationParts" => documentation::list_parts(cloud, call),
        "UpdateDocumentationPart" => documentation::update_part(cloud, call),
        "DeleteDocumentationPart" => documentation::delete_part(cloud, call),
        "CreateDocumentationVersion" => documentation::create_version(cloud, call),
        "GetDocumentationVersion" => documentation::get_version(cloud, call),
        "GetDocumentationVersions" => documentation::list_versions(cloud, call),
        "UpdateDocumentationVersion" => documentation::update_version(cloud, call),
        "DeleteDocumentationVersion" => documentation::delete_version(cloud, call),
        "ImportApiKeys" => api_key_import::import(cloud, call),
        "CreateApiKey" => api_key::create(cloud, call),
        "GetApiKey" => api_key::get(cloud, call),
        "GetApiKeys" => api_key::list(cloud, call),
        "UpdateApiKey" => api_key::update(cloud, call),
        "DeleteApiKey" => api_key::delete(cloud, call),
        "CreateUsagePlan" => usage_plan::create(cloud, call),
        "GetUsagePlan" => usage_plan::get(cloud, call),
        "GetUsagePlans" => usage_plan::list(cloud, call),
        "UpdateUsagePlan" => usage_plan::update(cloud, call),
        "DeleteUsagePlan" => usage_plan::delete(cloud, call),
        "GetUsage" => usage::get(cloud, call),
        "UpdateUsage" => usage::update(cloud, call),
        "CreateUsagePlanKey" => plan_key::create(cloud, call),
        "GetUsagePlanKeys" => plan_key::list(cloud, call),
        "GetUsagePlanKey" => plan_key::get(cloud, call),
        "DeleteUsagePlanKey" => plan_key::delete(cloud, call),
        "GetTags" => tags::get(cloud, call),
        "TagResource" => tags::tag(cloud, call),
        "UntagResource" => tags::untag(cloud, call),
        "GetAccount" => account::get(cloud, call),
        "UpdateAccount" => account::update(cloud, call),
        operation => Err(Refusal::new(501, "NotImplementedException", operation)),
    }
}
