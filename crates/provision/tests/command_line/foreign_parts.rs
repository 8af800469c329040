//! What others put into resources of ours goes along with them only when that was named and agreed to.

use local_aws::Faults;
use provision_cli::exit::Exit;

use crate::world::World;
use testkit::mutation::Mutation;

#[tokio::test(start_paused = true)]
async fn what_others_put_into_ours_is_named_before_it_goes_along() {
    for (mutation, named) in [
        (Mutation::ForeignMethod, "method `GET /"),
        (
            Mutation::ForeignStatement,
            "statement `apigateway-theirs-2`",
        ),
        (Mutation::ForeignKeyInPlan, "API key `"),
    ] {
        let world = World::deployed(Faults::default()).await;
        world.apply(mutation).await;
        refuses(&world, named).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_stage_of_others_in_our_api_is_named() {
    let world = World::deployed(Faults::default()).await;
    let gateway = &world.account.apigateway;
    let apis = gateway.get_rest_apis().send().await.expect("a list");
    let api = apis.items()[0].id().expect("an id");
    let deployments = gateway.get_deployments().rest_api_id(api).send().await;
    let deployments = deployments.expect("a list");
    let deployment = deployments.items()[0].id().expect("an id");
    let create = gateway.create_stage().rest_api_id(api).stage_name("theirs");
    let made = create.deployment_id(deployment).send().await;
    made.expect("a stage");
    refuses(&world, "stage `theirs` in REST API").await;
}

#[tokio::test(start_paused = true)]
async fn a_stack_without_foreign_parts_goes_unasked() {
    let world = World::deployed(Faults::default()).await;
    world.run(&["down"]).await.expect(Exit::Done);
}

async fn refuses(world: &World, named: &str) {
    let before = world.census().await;
    let refused = world.run(&["down"]).await.expect(Exit::Failed);
    assert_eq!(refused.writes(), 0);
    let said = &refused.printed.stderr;
    assert!(said.contains(named) && said.contains("--yes"), "{said}");
    assert_eq!(world.census().await.value(), before.value());
    world.run(&["down", "--yes"]).await.expect(Exit::Done);
}
