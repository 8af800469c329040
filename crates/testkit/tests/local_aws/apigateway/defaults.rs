//! Models and gateway responses of a new API.

use aws_sdk_apigateway::types::GatewayResponseType;

use super::create_api;
use crate::harness::{account, refused};

#[tokio::test]
async fn a_new_api_has_the_models_empty_and_error() {
    let account = account().await;
    let api = create_api(&account, "one").await;
    let models = account.apigateway.get_models().rest_api_id(&api.id).send();
    let models = models.await.expect("GetModels");
    let mut names: Vec<_> = models
        .items()
        .iter()
        .filter_map(|model| model.name())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["Empty", "Error"]);
    let model = account.apigateway.get_model().rest_api_id(&api.id);
    let model = model.model_name("Error").send().await.expect("GetModel");
    assert_eq!(model.content_type(), Some("application/json"));
}

#[tokio::test]
async fn a_missing_model_is_not_found() {
    let account = account().await;
    let api = create_api(&account, "one").await;
    let missing = account.apigateway.get_model().rest_api_id(&api.id);
    let missing = missing.model_name("None").send().await;
    assert_eq!(refused(missing), "NotFoundException");
}

#[tokio::test]
async fn a_new_api_answers_429_to_throttled_requests() {
    let account = account().await;
    let api = create_api(&account, "one").await;
    let responses = account
        .apigateway
        .get_gateway_responses()
        .rest_api_id(&api.id)
        .limit(100)
        .send();
    let responses = responses.await.expect("GetGatewayResponses");
    assert!(responses.items().iter().any(|response| {
        response.response_type() == Some(&GatewayResponseType::Throttled)
            && response.status_code() == Some("429")
            && response.default_response()
    }));
}
