//! The emulator behind the proxy, which corrects its differences from AWS.

#![expect(clippy::too_many_lines, reason = "a story is told in one piece")]

use aws_sdk_apigateway::types::{
    ApiStage, EndpointConfiguration, EndpointType, IntegrationType, Op, PatchOperation,
};
use testkit::{Account, Census, Emulator, Options, Proxy};

fn patch(op: Op, path: &str, value: &str) -> PatchOperation {
    PatchOperation::builder()
        .op(op)
        .path(path)
        .value(value)
        .build()
}

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn a_plan_a_key_and_tags_are_reported_as_aws_does() {
    let id = "700000000001";
    let options = Options {
        account: Some(id.to_owned()),
        strict: true,
        ..Options::default()
    };
    let proxy = Proxy::start(Emulator::shared().url(), options);
    let account = Account::connect(&proxy.url(), id).await;
    assert!(Census::take(&account).await.is_empty());

    let gateway = &account.apigateway;
    let endpoint = EndpointConfiguration::builder()
        .types(EndpointType::Regional)
        .build();
    let api = gateway
        .create_rest_api()
        .name("x")
        .endpoint_configuration(endpoint)
        .tags("a", "1")
        .send()
        .await;
    let api = api.expect("CreateRestApi");
    let (api, root) = (
        api.id().expect("an id"),
        api.root_resource_id().expect("a root"),
    );
    let early = gateway.create_deployment().rest_api_id(api).send().await;
    assert!(
        early
            .expect_err("AWS refuses an API without methods")
            .into_service_error()
            .is_bad_request_exception()
    );

    let put = || {
        gateway
            .put_method()
            .rest_api_id(api)
            .resource_id(root)
            .http_method("POST")
            .authorization_type("NONE")
            .send()
    };
    put().await.expect("PutMethod");
    let again = put()
        .await
        .expect_err("AWS refuses a second one")
        .into_service_error();
    assert!(again.is_conflict_exception(), "{again:?}");
    let integration = gateway
        .put_integration()
        .rest_api_id(api)
        .resource_id(root)
        .http_method("POST");
    integration
        .r#type(IntegrationType::Mock)
        .send()
        .await
        .expect("PutIntegration");
    gateway
        .update_method()
        .rest_api_id(api)
        .resource_id(root)
        .http_method("POST")
        .patch_operations(patch(Op::Replace, "/apiKeyRequired", "true"))
        .send()
        .await
        .expect("UpdateMethod");
    let deployment = gateway
        .create_deployment()
        .rest_api_id(api)
        .send()
        .await
        .expect("CreateDeployment");
    let deployment = deployment.id().expect("an id").to_owned();
    let stage = gateway
        .create_stage()
        .rest_api_id(api)
        .stage_name("Prod")
        .deployment_id(deployment);
    stage.send().await.expect("CreateStage");

    let link = |stage: &str| ApiStage::builder().api_id(api).stage(stage).build();
    let missing = gateway
        .create_usage_plan()
        .name("p")
        .api_stages(link("prod"))
        .send()
        .await;
    assert!(
        missing
            .expect_err("AWS knows no stage prod")
            .into_service_error()
            .is_not_found_exception()
    );
    let plan = gateway
        .create_usage_plan()
        .name("p")
        .send()
        .await
        .expect("CreateUsagePlan");
    let plan = plan.id().expect("an id");
    gateway
        .update_usage_plan()
        .usage_plan_id(plan)
        .patch_operations(patch(Op::Add, "/apiStages", &format!("{api}:Prod")))
        .patch_operations(patch(Op::Replace, "/throttle/rateLimit", "7.5"))
        .patch_operations(patch(Op::Replace, "/throttle/burstLimit", "3"))
        .send()
        .await
        .expect("UpdateUsagePlan");
    let key = gateway
        .create_api_key()
        .name("k")
        .enabled(true)
        .send()
        .await
        .expect("CreateApiKey");
    let key = key.id().expect("an id");
    let join = gateway
        .create_usage_plan_key()
        .usage_plan_id(plan)
        .key_id(key)
        .key_type("API_KEY");
    join.send().await.expect("CreateUsagePlanKey");
    gateway
        .update_api_key()
        .api_key(key)
        .patch_operations(patch(Op::Replace, "/enabled", "false"))
        .send()
        .await
        .expect("UpdateApiKey");
    for path in [
        format!("restapis/{api}"),
        format!("restapis/{api}/stages/Prod"),
        format!("usageplans/{plan}"),
    ] {
        let arn = format!("arn:aws:apigateway:{}::/{path}", Account::REGION);
        gateway
            .tag_resource()
            .resource_arn(&arn)
            .tags("b:c", "2")
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
    }

    let world = Census::take(&account).await.masked();
    let api_seen = &world["rest_apis"][0];
    assert_eq!(api_seen["tags"], serde_json::json!({ "b:c": "2" }));
    assert_eq!(
        api_seen["stages"][0]["tags"],
        serde_json::json!({ "b:c": "2" })
    );
    assert_eq!(
        api_seen["resources"][0]["methods"]["POST"]["key_required"],
        true
    );
    assert_eq!(world["api_keys"][0]["enabled"], false);
    let plan_seen = &world["usage_plans"][0];
    assert_eq!(plan_seen["tags"], serde_json::json!({ "b:c": "2" }));
    assert_eq!(
        (plan_seen["rate"].as_f64(), plan_seen["burst"].as_i64()),
        (Some(7.5), Some(3))
    );
    assert_eq!(plan_seen["stages"][0]["api"], "{api x}");
    assert_eq!(plan_seen["keys"], serde_json::json!(["{key k}"]));

    let refused = gateway.delete_usage_plan().usage_plan_id(plan).send().await;
    assert!(
        refused
            .expect_err("a stage is linked")
            .into_service_error()
            .is_bad_request_exception()
    );
    gateway
        .delete_api_key()
        .api_key(key)
        .send()
        .await
        .expect("DeleteApiKey");
    gateway
        .delete_rest_api()
        .rest_api_id(api)
        .send()
        .await
        .expect("DeleteRestApi");
    let world = Census::take(&account).await.masked();
    assert_eq!(world["usage_plans"][0]["keys"], serde_json::json!([]));
    assert_eq!(world["usage_plans"][0]["stages"], serde_json::json!([]));
    gateway
        .delete_usage_plan()
        .usage_plan_id(plan)
        .send()
        .await
        .expect("DeleteUsagePlan");
    assert!(Census::take(&account).await.is_empty());
}
