//! `key rotate`: a new key for the old one, whatever happens at whichever call, and always one that is valid.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use local_aws::Faults;
use provision_cli::exit::Exit;
use provision_engine::interrupt::Signal;
use serde_json::Value;
use testkit::Decision;
use tokio::time::{Instant, sleep};

use crate::fault::Fault;
use crate::world::{Hands, World};

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

/// Both keys are valid for an hour; an `up` that comes between takes the new one back.
#[tokio::test(start_paused = true)]
async fn an_up_during_the_grace_leaves_a_key_that_works() {
    let world = World::deployed(Faults::default()).await;
    // Of two keys made in one second nobody knows the older.
    sleep(Duration::from_mins(1)).await;
    let hands = Hands::new();
    let (rotated, up) = tokio::join!(
        world.run_by(&hands, &["key", "rotate", "--grace", "1h"]),
        async {
            sleep(Duration::from_mins(30)).await;
            world.run(&["up", "--yes"]).await
        }
    );
    up.expect(Exit::Done);
    let said = rotated.expect(Exit::Failed).printed.stderr;
    assert!(said.contains("someone else is deploying"), "{said}");
    let (linked, count) = keys(&world).await;
    assert_eq!((linked.len(), count), (1, 1));
    world.run(&["invoke"]).await.expect(Exit::Done);
}

#[tokio::test(start_paused = true)]
async fn of_two_rotations_at_once_one_gives_way() {
    for late in (0..300).step_by(30) {
        let world = World::deployed(Faults::default()).await;
        world
            .way
            .decide(|_| Decision::Delay(Duration::from_millis(20)));
        let (one, other) = tokio::join!(world.run(&["key", "rotate"]), async {
            sleep(Duration::from_millis(late)).await;
            world.run(&["key", "rotate"]).await
        });
        world.way.forward_all();
        for ended in [&one, &other] {
            let is_told = ended.printed.stderr.contains("deploying");
            assert!(
                ended.exit == Some(Exit::Done) || is_told,
                "{late}: {}",
                ended.printed.stderr
            );
        }
        let (linked, count) = keys(&world).await;
        assert_eq!((linked.len(), count), (1, 1), "{late}");
        world.run(&["invoke"]).await.expect(Exit::Done);
    }
}

/// The key that callers have stays, also where both were made in the same second.
#[tokio::test(start_paused = true)]
async fn up_takes_back_the_new_key_of_a_rotation_that_was_cut_off() {
    for _ in 0..8 {
        let world = World::deployed(Faults::default()).await;
        let (before, _) = keys(&world).await;
        let calls = world.run(&["key", "rotate"]).await.expect(Exit::Done).calls;
        let at = calls
            .iter()
            .position(|call| call.operation == "CreateUsagePlanKey");
        let world = World::deployed(Faults::default()).await;
        let (old, _) = keys(&world).await;
        assert_ne!(old, before);
        let (hands, _) = Fault::KillAfter.arm(&world, at.expect("it is linked"));
        world.run_by(&hands, &["key", "rotate"]).await;
        world.way.forward_all();
        world.run(&["up", "--yes"]).await.expect(Exit::Done);
        assert_eq!(keys(&world).await, (old, 1));
    }
}

/// A call that has been sent is waited for, and nothing comes after it.
#[tokio::test(start_paused = true)]
async fn a_signal_lets_the_call_in_flight_end() {
    for operation in ["CreateApiKey", "DeleteUsagePlanKey"] {
        let world = World::deployed(Faults::default()).await;
        let hands = Hands::new();
        let acting = hands.clone();
        let late = Arc::new(AtomicUsize::new(0));
        let counted = late.clone();
        world.way.decide(move |request| {
            if counted.load(Ordering::Relaxed) > 0 {
                counted.fetch_add(1, Ordering::Relaxed);
            }
            if request.operation != operation {
                return Decision::Forward;
            }
            counted.store(1, Ordering::Relaxed);
            acting.signal(Signal::Interrupt);
            Decision::Delay(Duration::from_secs(1))
        });
        let started = Instant::now();
        let ended = world.run_by(&hands, &["key", "rotate", "--json"]).await;
        let ended = ended.expect(Exit::Interrupted(Signal::Interrupt));
        let document: Value = serde_json::from_str(&ended.printed.stdout).expect("one document");
        assert_eq!(document["errors"][0]["code"], "P0028");
        assert!(started.elapsed() >= Duration::from_secs(1), "{operation}");
        assert_eq!(late.load(Ordering::Relaxed), 1, "{operation}");
        world.way.forward_all();
        assert!(!keys(&world).await.0.is_empty(), "{operation}");
        world.run(&["key", "rotate"]).await.expect(Exit::Done);
        let (linked, count) = keys(&world).await;
        assert_eq!((linked.len(), count), (1, 1), "{operation}");
    }
}

/// The old key is still in use then: it goes no sooner than was asked for.
#[tokio::test(start_paused = true)]
async fn a_signal_between_the_keys_keeps_the_time_to_come() {
    let world = World::deployed(Faults::default()).await;
    let hands = Hands::new();
    let acting = hands.clone();
    let later = async {
        tokio::time::sleep(Duration::from_mins(10)).await;
        acting.signal(Signal::Interrupt);
    };
    let line = ["key", "rotate", "--grace", "1h"];
    let (ended, ()) = tokio::join!(world.run_by(&hands, &line), later);
    let ended = ended.expect(Exit::Interrupted(Signal::Interrupt));
    let said = &ended.printed.stderr;
    let again = "`provision key rotate --grace 3600s` again goes on from here.";
    assert!(said.contains(again), "{said}");
    assert_eq!(keys(&world).await.1, 2);
}

#[tokio::test(start_paused = true)]
async fn without_a_stack_there_is_nothing_to_rotate() {
    let world = World::new(Faults::default()).await;
    let refused = world.run(&["key", "rotate"]).await.expect(Exit::Failed);
    assert!(refused.printed.stderr.contains("P0032"));
}
