//! The API key and the usage plan, changed by hand.

use testkit::sdk::apigateway::types::PatchOperation;

use crate::world::{World, drifts, patch_replace};

async fn update_key(world: &World, patch: PatchOperation) {
    let id = world.api_key().await.id.expect("a key has an id");
    let update = world.account.apigateway.update_api_key().api_key(id);
    update
        .patch_operations(patch)
        .send()
        .await
        .expect("UpdateApiKey");
}

async fn update_plan(world: &World, patch: PatchOperation) {
    let id = world.usage_plan().await.id.expect("a plan has an id");
    let update = world
        .account
        .apigateway
        .update_usage_plan()
        .usage_plan_id(id);
    update
        .patch_operations(patch)
        .send()
        .await
        .expect("UpdateUsagePlan");
}

async fn unlink_key(world: &World) {
    let plan = world.usage_plan().await.id.expect("a plan has an id");
    let key = world.api_key().await.id.expect("a key has an id");
    let delete = world.account.apigateway.delete_usage_plan_key();
    delete
        .usage_plan_id(plan)
        .key_id(key)
        .send()
        .await
        .expect("DeleteUsagePlanKey");
}

drifts! {
    a_disabled_key: async |world: &World| update_key(world, patch_replace("/enabled", "false")).await;

    the_key_s_name: async |world: &World| update_key(world, patch_replace("/name", "by-hand")).await;

    the_key_s_description: async |world: &World| update_key(world, patch_replace("/description", "by hand")).await;

    no_key: async |world: &World| world.delete_key().await;

    the_rate: async |world: &World| update_plan(world, patch_replace("/throttle/rateLimit", "1")).await;

    the_burst: async |world: &World| update_plan(world, patch_replace("/throttle/burstLimit", "1")).await;

    no_throttle: async |world: &World| {
        let remove = testkit::sdk::apigateway::types::Op::Remove;
        update_plan(world, PatchOperation::builder().op(remove).path("/throttle").build()).await;
    };

    a_quota: async |world: &World| {
        let id = world.usage_plan().await.id.expect("a plan has an id");
        let update = world.account.apigateway.update_usage_plan().usage_plan_id(id);
        update
            .patch_operations(patch_replace("/quota/limit", "5"))
            .patch_operations(patch_replace("/quota/period", "DAY"))
            .send()
            .await
            .expect("UpdateUsagePlan");
    };

    the_plan_s_name: async |world: &World| update_plan(world, patch_replace("/name", "by-hand")).await;

    the_plan_s_description: async |world: &World| update_plan(world, patch_replace("/description", "by hand")).await;

    no_plan: async |world: &World| world.delete_plan().await;

    a_key_out_of_its_plan: unlink_key;
}

/// The key that clients hold goes on working: nothing replaces it while its plan is put right.
#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn the_key_survives_the_repair_of_its_plan() {
    let world = World::deployed().await;
    let key = world.api_key().await;
    world.delete_plan().await;
    world.up().await;
    assert_eq!(world.api_key().await.id(), key.id());
}
