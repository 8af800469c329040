//! Removing everything, and asking first when data would be lost.

use crate::names::TABLE;
use crate::world::World;

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn down_leaves_nothing_and_a_second_one_does_nothing() {
    let world = World::deployed().await;
    world.down().await;
    assert!(
        world.census().await.is_empty(),
        "{:#}",
        world.census().await.value()
    );
    world.proxy.take_calls();
    world.down().await;
    assert_eq!(world.writes(), Vec::<String>::new());
    assert!(world.census().await.is_empty());
    world.up().await;
    world.down().await;
    assert!(world.census().await.is_empty());
}

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn down_without_a_yes_keeps_data() {
    let world = World::deployed().await;
    put_item(&world).await;
    let clean = world.census().await;
    world.proxy.take_calls();

    let refused = world.cli.run(&["down"]).await.expect(1);
    assert!(refused.stderr.contains("--yes"), "{}", refused.stderr);
    assert_eq!(world.writes(), Vec::<String>::new());
    clean.assert_same(&world.census().await, "a refused down");

    world
        .cli
        .run(&["down", "--yes", "--keep-data"])
        .await
        .expect(0);
    assert_eq!(
        world
            .census()
            .await
            .counts()
            .into_keys()
            .collect::<Vec<_>>(),
        ["tables"]
    );
    world.up().await;
    clean.assert_same(&world.census().await, "up over the kept table");
    world.down().await;
    assert!(world.census().await.is_empty());
}

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn down_without_a_yes_goes_ahead_when_nothing_is_lost() {
    let world = World::deployed().await;
    world.cli.run(&["down"]).await.expect(0);
    assert!(world.census().await.is_empty());
}

async fn put_item(world: &World) {
    let id = testkit::sdk::dynamodb::types::AttributeValue::S("1".to_owned());
    let put = world
        .account
        .dynamodb
        .put_item()
        .table_name(TABLE)
        .item("id", id);
    put.send().await.expect("PutItem");
}
