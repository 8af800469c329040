//! `key rotate`: a new key for the old one, whatever happens at whichever call, and always one that is valid.

use local_aws::Faults;
use provision::exit::Exit;
use serde_json::Value;

use crate::fault::Fault;
use crate::world::World;

/// What is tried without `PROVISION_FAULTS=all`.
const SAMPLE: [Fault; 2] = [Fault::DropAfter, Fault::KillAfter];

/// The ids of the keys that are in the plan, and how many keys there are.
async fn keys(world: &World) -> (Vec<String>, usize) {
    let gateway = &world.account.apigateway;
    let all = gateway.get_api_keys().send().await.expect("a list");
    let plans = gateway.get_usage_plans().send().await.expect("a list");
    let plan = plans.items()[0].id().expect("an id");
    let linked = gateway.get_usage_plan_keys().usage_plan_id(plan).send();
    let linked = linked.await.expect("a list");
    let ids = linked.items().iter().filter_map(|key| key.id());
    (ids.map(str::to_owned).collect(), all.items().len())
}

#[tokio::test(start_paused = true)]
async fn the_new_key_takes_the_place_of_the_old() {
    let world = World::deployed(Faults::default()).await;
    let (before, _) = keys(&world).await;
    let rotated = world.run(&["key", "rotate", "--json"]).await;
    let rotated = rotated.expect(Exit::Done).printed.stdout;
    let rotated: Value = serde_json::from_str(&rotated).expect("one document");
    assert_eq!(rotated["replaced_api_key_id"], before[0].as_str());
    assert_eq!(rotated["api_key"], "****");
    let (after, count) = keys(&world).await;
    assert_eq!(rotated["api_key_id"], after[0].as_str());
    assert_eq!((after.len(), count), (1, 1));
    assert_ne!(after, before);
    world.run(&["invoke"]).await.expect(Exit::Done);
    let up = world.run(&["up", "--yes"]).await.expect(Exit::Done);
    assert_eq!(up.writes(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_key_is_valid_whatever_happens_and_both_commands_end_with_one() {
    let world = World::deployed(Faults::default()).await;
    let calls = world.run(&["key", "rotate"]).await.expect(Exit::Done).calls;
    let first_write = calls.iter().position(|call| call.write);
    let first_write = first_write.expect("it changes something");
    let is_all = std::env::var("PROVISION_FAULTS").is_ok_and(|faults| faults == "all");
    for fault in Fault::ALL {
        if !is_all && !SAMPLE.contains(&fault) {
            continue;
        }
        for at in first_write..calls.len() {
            for next in [&["key", "rotate"][..], &["up", "--yes"]] {
                let world = World::deployed(Faults::default()).await;
                let (hands, _) = fault.arm(&world, at);
                let ended = world.run_by(&hands, &["key", "rotate"]).await;
                world.way.forward_all();
                if fault.is_absorbed() {
                    assert_eq!(
                        ended.exit,
                        Some(Exit::Done),
                        "{fault:?}/{at}: {}",
                        ended.printed.stderr
                    );
                }
                let (linked, _) = keys(&world).await;
                assert!(!linked.is_empty(), "{fault:?}/{at} left no valid key");
                world.run(next).await.expect(Exit::Done);
                let (linked, count) = keys(&world).await;
                assert_eq!((linked.len(), count), (1, 1), "{fault:?}/{at} {next:?}");
                world.run(&["invoke"]).await.expect(Exit::Done);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_stack_there_is_nothing_to_rotate() {
    let world = World::new(Faults::default()).await;
    let refused = world.run(&["key", "rotate"]).await.expect(Exit::Failed);
    assert!(refused.printed.stderr.contains("P0032"));
}
