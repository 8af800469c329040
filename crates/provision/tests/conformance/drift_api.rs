//! The API, what is in it, its deployment and its stage, changed by hand.
//!
//! Not here: tags of an API, a stage, a key or a plan beside the ones that say whose it is, which stay.

use testkit::sdk::apigateway::types::{IntegrationType, PatchOperation};

use crate::names::{RESOURCE, STAGE};
use crate::world::{World, drifts, patch_remove, patch_replace};

pub(crate) fn path() -> String {
    format!("/{RESOURCE}")
}

async fn update_api(world: &World, patch: PatchOperation) {
    let update = world
        .account
        .apigateway
        .update_rest_api()
        .rest_api_id(world.rest_api_id().await);
    update
        .patch_operations(patch)
        .send()
        .await
        .expect("UpdateRestApi");
}

async fn update_method(world: &World, patch: PatchOperation) {
    let update = world
        .account
        .apigateway
        .update_method()
        .rest_api_id(world.rest_api_id().await);
    update
        .resource_id(world.resource_id(&path()).await)
        .http_method("POST")
        .patch_operations(patch)
        .send()
        .await
        .expect("UpdateMethod");
}

async fn update_integration(world: &World, patch: PatchOperation) {
    let update = world
        .account
        .apigateway
        .update_integration()
        .rest_api_id(world.rest_api_id().await);
    update
        .resource_id(world.resource_id(&path()).await)
        .http_method("POST")
        .patch_operations(patch)
        .send()
        .await
        .expect("UpdateIntegration");
}

async fn update_stage(world: &World, patch: PatchOperation) {
    let update = world
        .account
        .apigateway
        .update_stage()
        .rest_api_id(world.rest_api_id().await);
    let update = update.stage_name(STAGE).patch_operations(patch);
    update.send().await.expect("UpdateStage");
}

async fn delete_method(world: &World) {
    let delete = world
        .account
        .apigateway
        .delete_method()
        .rest_api_id(world.rest_api_id().await);
    let delete = delete
        .resource_id(world.resource_id(&path()).await)
        .http_method("POST");
    delete.send().await.expect("DeleteMethod");
}

async fn delete_resource(world: &World) {
    let delete = world
        .account
        .apigateway
        .delete_resource()
        .rest_api_id(world.rest_api_id().await);
    let delete = delete.resource_id(world.resource_id(&path()).await);
    delete.send().await.expect("DeleteResource");
}

pub(crate) async fn add_open_method(world: &World, resource: &str, verb: &str) {
    let gateway = &world.account.apigateway;
    let api = world.rest_api_id().await;
    let put = gateway.put_method().rest_api_id(&api).resource_id(resource);
    put.http_method(verb)
        .authorization_type("NONE")
        .send()
        .await
        .expect("PutMethod");
    let put = gateway
        .put_integration()
        .rest_api_id(&api)
        .resource_id(resource);
    put.http_method(verb)
        .r#type(IntegrationType::Mock)
        .send()
        .await
        .expect("PutIntegration");
}

async fn deploy(world: &World) {
    let create = world
        .account
        .apigateway
        .create_deployment()
        .rest_api_id(world.rest_api_id().await);
    create
        .stage_name(STAGE)
        .description("by hand")
        .send()
        .await
        .expect("CreateDeployment");
}

drifts! {
    the_description: async |world: &World| update_api(world, patch_replace("/description", "by hand")).await;

    the_endpoint_type: async |world: &World| {
        update_api(world, patch_replace("/endpointConfiguration/types/REGIONAL", "EDGE")).await;
    };

    the_default_endpoint: async |world: &World| {
        update_api(world, patch_replace("/disableExecuteApiEndpoint", "true")).await;
    };

    no_api: async |world: &World| world.delete_api().await;

    no_resource: delete_resource;

    no_method: delete_method;

    no_key_required: async |world: &World| update_method(world, patch_replace("/apiKeyRequired", "false")).await;

    no_key_required_and_deployed: async |world: &World| {
        update_method(world, patch_replace("/apiKeyRequired", "false")).await;
        deploy(world).await;
    };

    the_authorization: async |world: &World| {
        update_method(world, patch_replace("/authorizationType", "AWS_IAM")).await;
    };

    no_integration: async |world: &World| {
        let delete = world.account.apigateway.delete_integration().rest_api_id(world.rest_api_id().await);
        let delete = delete.resource_id(world.resource_id(&path()).await).http_method("POST");
        delete.send().await.expect("DeleteIntegration");
    };

    the_integration_s_function: async |world: &World| {
        let arn = format!("arn:aws:lambda:eu-west-1:{}:function:another", world.account.id);
        let uri = format!("arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/{arn}/invocations");
        update_integration(world, patch_replace("/uri", &uri)).await;
    };

    the_integration_s_timeout: async |world: &World| {
        update_integration(world, patch_replace("/timeoutInMillis", "50")).await;
    };

    the_integration_s_type: async |world: &World| {
        let put = world.account.apigateway.put_integration().rest_api_id(world.rest_api_id().await);
        put.resource_id(world.resource_id(&path()).await)
            .http_method("POST")
            .r#type(IntegrationType::Mock)
            .send()
            .await
            .expect("PutIntegration");
    };

    another_deployment: deploy;

    no_stage: async |world: &World| world.delete_stage().await;

    the_stage_s_description: async |world: &World| {
        update_stage(world, patch_replace("/description", "by hand")).await;
    };

    the_stage_s_variables: async |world: &World| {
        update_stage(world, patch_replace("/variables/by", "hand")).await;
    };

    the_stage_s_tracing: async |world: &World| {
        update_stage(world, patch_replace("/tracingEnabled", "true")).await;
    };

    the_plan_s_stage: async |world: &World| {
        let id = world.usage_plan().await.id.expect("a plan has an id");
        let value = format!("{}:{STAGE}", world.rest_api_id().await);
        let update = world.account.apigateway.update_usage_plan().usage_plan_id(id);
        update.patch_operations(patch_remove("/apiStages", &value)).send().await.expect("UpdateUsagePlan");
    };
}

/// A stage moved to a snapshot that is open to everybody: putting the method right is not enough.
#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn a_change_that_was_deployed_is_deployed_back() {
    let world = World::deployed().await;
    update_method(&world, patch_replace("/apiKeyRequired", "false")).await;
    deploy(&world).await;
    let api = world.rest_api_id().await;
    let live = async || {
        let stage = world
            .account
            .apigateway
            .get_stage()
            .rest_api_id(&api)
            .stage_name(STAGE)
            .send()
            .await;
        stage
            .expect("GetStage")
            .deployment_id
            .expect("a stage has a deployment")
    };
    let open = live().await;
    world.up().await;
    assert_ne!(live().await, open);
}
