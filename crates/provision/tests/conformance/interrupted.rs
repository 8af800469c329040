//! A run that is stopped on its way.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use testkit::Decision;

use crate::world::World;

/// Stops `up` after its first `writes` writes; another one ends what it began.
async fn stopped(signal: &str, code: Option<i32>, writes: usize) {
    let world = World::empty().await;
    // What comes after those is held until the signal has come: for good, or for a part of the time that calls in flight get.
    let begun = AtomicUsize::new(0);
    world.proxy.decide(move |request| {
        if !request.is_write() || begun.fetch_add(1, Ordering::Relaxed) < writes {
            Decision::Delay(Duration::from_millis(20))
        } else if code.is_none() {
            Decision::Hang
        } else {
            Decision::Delay(Duration::from_secs(2))
        }
    });
    let reached = async {
        while world.proxy.writes_so_far() < writes {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let limit = Duration::from_secs(30);
    let reached = async {
        tokio::time::timeout(limit, reached)
            .await
            .expect("up writes");
    };
    let run = world.cli.run_until(&["up", "--yes"], signal, reached).await;
    assert_eq!(run.code, code, "{}\n{}", run.stdout, run.stderr);
    if code.is_some() {
        assert!(
            run.stderr.contains("up"),
            "the next command is not said: {}",
            run.stderr
        );
    }
    world.proxy.forward_all();
    world.up().await;
    let census = world.census().await;
    for (kind, count) in census.counts() {
        assert_eq!(count, 1, "{kind}: {:#}", census.value());
    }
    assert_eq!(census.counts().len(), 7);
    world.down().await;
    assert!(world.census().await.is_empty());
}

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn by_the_keyboard() {
    stopped("INT", Some(130), 1).await;
    stopped("INT", Some(130), 8).await;
}

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn by_the_pipeline() {
    stopped("TERM", Some(143), 4).await;
}

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn without_a_warning() {
    for writes in [1, 3, 5, 7, 9, 11, 13] {
        stopped("KILL", None, writes).await;
    }
}
