//! Two stacks of one declaration in one account.

use crate::names::{OWNER_TAG, STACK};
use crate::world::World;

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn an_environment_is_a_stack_of_its_own() {
    let world = World::deployed().await;
    let alone = world.census().await;
    world
        .cli
        .run(&["up", "--yes", "--env", "dev"])
        .await
        .expect(0);
    let both = world.census().await;
    for (kind, count) in both.counts() {
        assert_eq!(count, 2, "{kind}: {:#}", both.value());
    }
    let dev = format!("{STACK}-dev");
    for (kind, things) in both.value().as_object().expect("kinds") {
        let owners = things
            .as_array()
            .expect("things")
            .iter()
            .map(|thing| &thing["tags"][OWNER_TAG]);
        let mut owners: Vec<_> = owners.filter_map(|owner| owner.as_str()).collect();
        owners.sort_unstable();
        // The lab declares no parameters.
        let expected: &[&str] = match kind.as_str() {
            "parameters" => &[],
            _ => &[STACK, &dev],
        };
        assert_eq!(owners, expected, "{kind}");
    }
    world.proxy.take_calls();
    world.up().await;
    world
        .cli
        .run(&["up", "--yes", "--env", "dev"])
        .await
        .expect(0);
    assert_eq!(world.writes(), Vec::<String>::new());

    world
        .cli
        .run(&["down", "--yes", "--env", "dev"])
        .await
        .expect(0);
    assert_eq!(alone.value(), world.census().await.value());
    let by_variable = world.cli.run(&["plan", "--detailed-exitcode"]).await;
    assert_eq!(by_variable.code, Some(0));
    world.down().await;
    assert!(world.census().await.is_empty());
}
