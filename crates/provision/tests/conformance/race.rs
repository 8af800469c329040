//! Two runs at once: no lock, and one of everything.

use crate::world::World;

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn two_runs_at_once_leave_one_of_everything() {
    let clean = World::deployed().await.census().await;
    for round in 0..5 {
        let world = World::empty().await;
        let arguments = ["up", "--yes", "--wait", "ready"];
        let (one, other) = tokio::join!(world.cli.run(&arguments), world.cli.run(&arguments));
        for run in [&one, &other] {
            let is_told = run.stderr.contains("someone else is deploying");
            assert!(
                run.code == Some(0) || is_told && [Some(1), Some(3)].contains(&run.code),
                "round {round}: {}",
                run.stderr
            );
        }
        if one.code == Some(0) && other.code == Some(0) {
            clean.assert_same(&world.census().await, "two runs at once");
        }
        world.up().await;
        clean.assert_same(&world.census().await, "two runs at once and one more");
        assert_eq!(world.plan().await, Vec::<String>::new());
        world.down().await;
        let left = world.census().await;
        assert!(left.is_empty(), "{:#}", left.value());
    }
}
