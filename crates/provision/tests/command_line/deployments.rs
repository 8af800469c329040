//! Snapshots of an API: the one that is served and no other is left, whatever was cut off before.

use std::sync::atomic::Ordering;
use std::time::Duration;

use local_aws::Faults;
use provision_cli::exit::Exit;
use testkit::mutation::Mutation;
use testkit::sdk::apigateway::types::{Op, PatchOperation};
use tokio::time::sleep;

use crate::fault::Fault;
use crate::world::World;

async fn api(world: &World) -> String {
    let apis = world.account.apigateway.get_rest_apis().send().await;
    let apis = apis.expect("a list");
    apis.items()[0].id().expect("an id").to_owned()
}

/// The number of the API's deployments, which a census does not tell where no stage serves them.
async fn deployments(world: &World) -> usize {
    let gateway = &world.account.apigateway;
    let api = api(world).await;
    let deployments = gateway.get_deployments().rest_api_id(&api).send().await;
    deployments.expect("a list").items().len()
}

/// All deployments now count as of another shape than the declared one.
async fn outdate(world: &World, shape: char) {
    let gateway = &world.account.apigateway;
    let api = api(world).await;
    let deployments = gateway.get_deployments().rest_api_id(&api).send().await;
    for deployment in deployments.expect("a list").items() {
        let description = format!("provision {}", shape.to_string().repeat(64));
        let patch = PatchOperation::builder()
            .op(Op::Replace)
            .path("/description")
            .value(description)
            .build();
        let update = gateway.update_deployment().rest_api_id(&api);
        let update = update.deployment_id(deployment.id().expect("an id"));
        let updated = update.patch_operations(patch).send().await;
        updated.expect("the deployment is there");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_never_served_goes_with_the_next_shape() {
    let clean = World::deployed(Faults::default()).await.census().await;
    let world = World::deployed(Faults::default()).await;
    outdate(&world, '0').await;
    let calls = world.run(&["up", "--yes"]).await.expect(Exit::Done).calls;
    let at = calls
        .iter()
        .position(|call| call.operation == "CreateDeployment");

    let world = World::deployed(Faults::default()).await;
    outdate(&world, '0').await;
    let (hands, _) = Fault::KillAfter.arm(&world, at.expect("it is deployed anew"));
    world.run_by(&hands, &["up", "--yes"]).await;
    world.way.forward_all();
    outdate(&world, '1').await;
    world.run(&["up", "--yes"]).await.expect(Exit::Done);
    clean.assert_same(&world.census().await, "after two shapes");
    assert_eq!(deployments(&world).await, 1);
    let again = world.run(&["up", "--yes"]).await.expect(Exit::Done);
    assert_eq!(again.writes(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_served_no_more_goes_with_the_next_run() {
    let world = World::deployed(Faults::default()).await;
    // Of two deployments made in one second nobody knows the newer.
    sleep(Duration::from_mins(1)).await;
    outdate(&world, '0').await;
    let (hands, seen) = Fault::KillBefore.arm_at(&world, "apigateway", "DeleteDeployment");
    world.run_by(&hands, &["up", "--yes"]).await;
    world.way.forward_all();
    assert_eq!(seen.load(Ordering::Relaxed), 1);
    assert_eq!(deployments(&world).await, 2);
    world.run(&["up", "--yes"]).await.expect(Exit::Done);
    assert_eq!(deployments(&world).await, 1);
    let again = world.run(&["up", "--yes"]).await.expect(Exit::Done);
    assert_eq!(again.writes(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_lost_its_stage_goes_with_the_next_shape() {
    let world = World::deployed(Faults::default()).await;
    sleep(Duration::from_mins(1)).await;
    outdate(&world, '0').await;
    world.apply(Mutation::DeleteStage).await;
    world.run(&["up", "--yes"]).await.expect(Exit::Done);
    assert_eq!(deployments(&world).await, 1);
    let again = world.run(&["up", "--yes"]).await.expect(Exit::Done);
    assert_eq!(again.writes(), 0);
}
