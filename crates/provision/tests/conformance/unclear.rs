//! A call that fails, or whose answer never comes: what was made is found again, and nothing is made twice.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use testkit::{Answer, Decision};

use crate::world::World;

/// The answer to the first `operation` is lost after the endpoint has carried it out.
async fn lost(operation: &'static str) {
    let world = World::empty().await;
    let dropped = AtomicBool::new(false);
    world.proxy.decide(move |request| {
        if request.operation == operation && !dropped.swap(true, Ordering::SeqCst) {
            Decision::DropAfter
        } else {
            Decision::Forward
        }
    });
    let first = world.cli.run(&["up", "--yes"]).await;
    assert!(
        matches!(first.code, Some(0 | 1 | 3)),
        "{:?}: {}",
        first.code,
        first.stderr
    );
    let second = world.up().await;
    let census = world.census().await;
    for (kind, count) in census.counts() {
        assert_eq!(
            count,
            1,
            "{kind} after {:?} and {:?}: {:#}",
            first.code,
            second.code,
            census.value()
        );
    }
    assert_eq!(census.counts().len(), 7);
    if operation == "CreateDeployment" {
        // One more snapshot than needed is no harm, one at each `up` would be.
        assert!(world.deployments().await <= 2);
    }
    world.proxy.take_calls();
    world.up().await;
    assert_eq!(world.writes(), Vec::<String>::new());
    world.down().await;
    assert!(world.census().await.is_empty());
}

macro_rules! lost {
    ($($name:ident: $operation:expr;)*) => {
        $(
            #[tokio::test]
            #[ignore = "needs the emulator: just conformance"]
            async fn $name() {
                lost($operation).await;
            }
        )*
    };
}

lost! {
    lost_create_role: "CreateRole";
    lost_create_table: "CreateTable";
    lost_create_log_group: "CreateLogGroup";
    lost_create_function: "CreateFunction";
    lost_add_permission: "AddPermission";
    lost_create_rest_api: "CreateRestApi";
    lost_create_resource: "CreateResource";
    lost_put_method: "PutMethod";
    lost_create_deployment: "CreateDeployment";
    lost_create_stage: "CreateStage";
    lost_create_api_key: "CreateApiKey";
    lost_create_usage_plan: "CreateUsagePlan";
    lost_create_usage_plan_key: "CreateUsagePlanKey";
}

/// Each write in turn is refused for good; the next `up` ends what that one began.
async fn each_write_fails(first: usize, stride: usize) {
    let world = World::deployed().await;
    let writes = world
        .proxy
        .take_calls()
        .iter()
        .filter(|call| call.write)
        .count();
    let clean = world.census().await;
    world.down().await;
    for number in (first..writes).step_by(stride) {
        let seen = AtomicUsize::new(0);
        world.proxy.decide(move |request| {
            if !request.is_write() || seen.fetch_add(1, Ordering::SeqCst) != number {
                return Decision::Forward;
            }
            let message = "User is not authorized to perform this action";
            Decision::Answer(match request.service.as_str() {
                "iam" => Answer::query_error(403, "AccessDenied", message),
                _ => Answer::error(403, "AccessDeniedException", message),
            })
        });
        let failed = world.cli.run(&["up", "--yes"]).await;
        assert!(
            matches!(failed.code, Some(1 | 3)),
            "write {number}: {:?}\n{}",
            failed.code,
            failed.stderr
        );
        assert!(
            failed.stderr.contains("not authorized"),
            "write {number}: {}",
            failed.stderr
        );
        world.up().await;
        clean.assert_same(
            &world.census().await,
            &format!("after write {number} was refused"),
        );
        world.down().await;
        assert!(world.census().await.is_empty());
    }
}

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn every_second_write_is_refused_in_turn() {
    each_write_fails(0, 2).await;
}

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn every_other_second_write_is_refused_in_turn() {
    each_write_fails(1, 2).await;
}

/// Each delete in turn is refused for good; the next `down` ends what that one began.
#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn each_delete_is_refused_in_turn() {
    for operation in [
        "DeleteRestApi",
        "DeleteUsagePlan",
        "DeleteApiKey",
        "DeleteFunction",
        "DeleteRolePolicy",
        "DeleteRole",
        "DeleteTable",
        "DeleteLogGroup",
    ] {
        let world = World::deployed().await;
        world.proxy.decide(move |request| {
            if request.operation != operation {
                return Decision::Forward;
            }
            let message = "User is not authorized to perform this action";
            Decision::Answer(match request.service.as_str() {
                "iam" => Answer::query_error(403, "AccessDenied", message),
                _ => Answer::error(403, "AccessDeniedException", message),
            })
        });
        let failed = world.cli.run(&["down", "--yes"]).await;
        assert!(
            matches!(failed.code, Some(1 | 3)),
            "{operation}: {:?}\n{}",
            failed.code,
            failed.stderr
        );
        assert!(
            failed.stderr.contains("not authorized"),
            "{operation}: {}",
            failed.stderr
        );
        world.proxy.forward_all();
        world.down().await;
        assert!(
            world.census().await.is_empty(),
            "{operation}: {:#}",
            world.census().await.value()
        );
    }
}
