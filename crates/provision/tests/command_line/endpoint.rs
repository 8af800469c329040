//! The endpoint at the end of every `up`: success is not told while it answers otherwise than declared.

use std::time::Duration;

use local_aws::Faults;
use provision_cli::exit::Exit;
use testkit::mutation::Mutation;
use testkit::sdk::apigateway::types::{Op, PatchOperation};
use testkit::{Answer, Decision};
use tokio::time::sleep;

use crate::world::World;

/// The id of the stack's API.
async fn api(world: &World) -> String {
    let apis = world.account.apigateway.get_rest_apis().send().await;
    let apis = apis.expect("a list");
    apis.items()[0].id().expect("an id").to_owned()
}

/// The endpoint answers nobody, whatever the account holds.
fn shut(world: &World) {
    world.way.decide(|request| {
        if request.service == "execute-api" {
            Decision::Answer(Answer::error(403, "ForbiddenException", "Forbidden"))
        } else {
            Decision::Forward
        }
    });
}

async fn set_key_source(world: &World, source: &str) {
    let patch = PatchOperation::builder()
        .op(Op::Replace)
        .path("/apiKeySource")
        .value(source);
    let gateway = &world.account.apigateway;
    let update = gateway.update_rest_api().rest_api_id(api(world).await);
    let updated = update.patch_operations(patch.build()).send().await;
    updated.expect("the API is there");
}

/// A deployment that looks like one of the stack's was taken while the key's source was another one, and is served.
async fn serve_bad_snapshot(world: &World) {
    let gateway = &world.account.apigateway;
    let api = api(world).await;
    let ours = gateway.get_deployments().rest_api_id(&api).send().await;
    let ours = ours.expect("a list").items()[0].clone();
    // The newest is the one that counts, and there are seconds only.
    sleep(Duration::from_secs(5)).await;
    set_key_source(world, "AUTHORIZER").await;
    let create = gateway.create_deployment().rest_api_id(&api);
    let create = create.set_description(ours.description).stage_name("Prod");
    create.send().await.expect("a deployment");
    set_key_source(world, "HEADER").await;
    let delete = gateway.delete_deployment().rest_api_id(&api);
    let deleted = delete.set_deployment_id(ours.id).send().await;
    deleted.expect("no stage serves it");
}

async fn up(world: &World) -> crate::world::Ended {
    world.run(&["up", "--yes"]).await
}

#[tokio::test(start_paused = true)]
async fn a_run_without_changes_asks_the_endpoint() {
    let world = World::deployed(Faults::default()).await;
    let ended = up(&world).await.expect(Exit::Done);
    assert_eq!(ended.writes(), 0);
    assert!(ended.printed.stderr.contains("Nothing to do"));
    let asked = ended
        .calls
        .iter()
        .filter(|call| call.service == "execute-api");
    assert_eq!(
        asked.count(),
        2,
        "with the key and without: {:?}",
        ended.calls
    );
    let ended = world.run(&["up", "--yes", "--wait", "ready"]).await;
    let ended = ended.expect(Exit::Done);
    let asked = ended
        .calls
        .iter()
        .filter(|call| call.service == "execute-api");
    assert_eq!(asked.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_gave_up_is_not_followed_by_success() {
    let world = World::new(Faults::default()).await;
    shut(&world);
    let first = up(&world).await.expect(Exit::Partly);
    assert!(
        first.printed.stderr.contains("P0036"),
        "{}",
        first.printed.stderr
    );
    let again = up(&world).await;
    assert_ne!(again.exit, Some(Exit::Done), "{}", again.printed.stderr);
    assert!(!again.printed.stderr.contains("Nothing to do"));
    world.way.forward_all();
    up(&world).await.expect(Exit::Done);
    assert_eq!(up(&world).await.expect(Exit::Done).writes(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_bad_snapshot_is_deployed_anew() {
    let world = World::deployed(Faults::default()).await;
    let clean = world.census().await;
    serve_bad_snapshot(&world).await;
    let seen = world.run(&["drift"]).await.expect(Exit::Done);
    assert!(
        seen.printed.stdout.contains("No drift"),
        "nothing in the account tells"
    );
    let ended = up(&world).await.expect(Exit::Done);
    assert!(
        ended.printed.stderr.contains("deployed anew"),
        "{}",
        ended.printed.stderr
    );
    clean.assert_same(&world.census().await, "deployed anew");
    let again = up(&world).await.expect(Exit::Done);
    assert_eq!(again.writes(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_bad_snapshot_that_is_moved_back_to_is_deployed_anew() {
    let world = World::deployed(Faults::default()).await;
    let clean = world.census().await;
    serve_bad_snapshot(&world).await;
    // Somebody deploys by hand, and all is well until `up` takes that back.
    sleep(Duration::from_secs(5)).await;
    world.apply(Mutation::Deploy).await;
    up(&world).await.expect(Exit::Done);
    clean.assert_same(&world.census().await, "deployed anew");
}

#[tokio::test(start_paused = true)]
async fn a_setting_is_put_right_before_it_is_deployed() {
    let world = World::deployed(Faults::default()).await;
    let clean = world.census().await;
    set_key_source(&world, "AUTHORIZER").await;
    world.apply(Mutation::DeleteMethod).await;
    world.apply(Mutation::DeleteStage).await;
    up(&world).await.expect(Exit::Done);
    clean.assert_same(&world.census().await, "put right");
}

#[tokio::test(start_paused = true)]
async fn what_others_have_added_is_named_where_the_endpoint_is_silent() {
    let world = World::deployed(Faults::default()).await;
    world.apply(Mutation::BoundRole).await;
    shut(&world);
    let ended = up(&world).await;
    assert_ne!(ended.exit, Some(Exit::Done));
    let said = &ended.printed.stderr;
    assert!(said.contains("P0036"), "{said}");
    let named = "it may be for what others have added: permissions boundary";
    assert!(said.contains(named), "{said}");
}
