//! What `up` and `down` may not do at once or in another order.

use testkit::Call;

use crate::world::World;

fn find<'a>(calls: &'a [Call], operation: &str) -> &'a Call {
    calls
        .iter()
        .find(|call| call.operation == operation)
        .unwrap_or_else(|| panic!("no {operation}"))
}

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn one_writer_an_api() {
    let world = World::deployed().await;
    let calls: Vec<_> = world
        .proxy
        .take_calls()
        .into_iter()
        .filter(|call| call.write && call.line.contains(" /restapis"))
        .collect();
    for pair in calls.windows(2) {
        assert!(
            pair[0].ended <= pair[1].started,
            "{} and {} at once",
            pair[0].operation,
            pair[1].operation
        );
    }
}

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn each_create_call_is_made_once_and_carries_the_tags() {
    let world = World::deployed().await;
    let calls = world.proxy.take_calls();
    for operation in [
        "CreateRole",
        "CreateTable",
        "CreateFunction",
        "CreateLogGroup",
        "CreateRestApi",
        "CreateDeployment",
        "CreateStage",
        "CreateApiKey",
        "CreateUsagePlan",
        "CreateUsagePlanKey",
    ] {
        assert_eq!(
            calls
                .iter()
                .filter(|call| call.operation == operation)
                .count(),
            1,
            "{operation}"
        );
    }
    let tagging = calls
        .iter()
        .filter(|call| call.operation.starts_with("Tag"));
    assert_eq!(tagging.count(), 0, "tags go along with the create calls");
    // One call every 20 seconds on AWS.
    assert!(calls.iter().all(|call| call.operation != "UpdateUsagePlan"));
}

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn down_goes_backwards() {
    let world = World::deployed().await;
    world.proxy.take_calls();
    world.down().await;
    let calls = world.proxy.take_calls();
    assert!(find(&calls, "DeleteFunction").ended <= find(&calls, "DeleteRole").started);
    assert!(find(&calls, "DeleteFunction").ended <= find(&calls, "DeleteLogGroup").started);
    assert!(find(&calls, "DeleteRolePolicy").ended <= find(&calls, "DeleteRole").started);
    assert!(
        calls
            .iter()
            .filter(|call| call.write)
            .all(|call| call.status.is_some_and(|status| status < 300))
    );
}
