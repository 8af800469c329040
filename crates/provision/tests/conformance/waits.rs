//! What AWS refuses for a while: `up` and `down` wait, and get there in one run.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use testkit::{Answer, Decision, Request};

use crate::world::World;

/// Answers the first `times` requests that `matches` holds for, and forwards all others.
fn at_first(
    world: &World,
    times: usize,
    matches: impl Fn(&Request) -> bool + Send + Sync + 'static,
    answer: Answer,
) {
    let left = AtomicUsize::new(times);
    world.proxy.decide(move |request| {
        let take = |left: usize| left.checked_sub(1);
        let refused = matches(request)
            && left
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, take)
                .is_ok();
        if refused {
            Decision::Answer(answer.clone())
        } else {
            Decision::Forward
        }
    });
}

async fn up_gets_there(operation: &'static str, times: usize, answer: Answer) {
    let world = World::empty().await;
    at_first(
        &world,
        times,
        move |request| request.operation == operation,
        answer,
    );
    world.up().await;
    assert_whole(&world).await;
}

/// An `up` without any refusal finds nothing to do.
async fn assert_whole(world: &World) {
    world.proxy.forward_all();
    world.proxy.take_calls();
    world.up().await;
    assert_eq!(world.writes(), Vec::<String>::new());
    for (kind, count) in world.census().await.counts() {
        assert_eq!(count, 1, "{kind}");
    }
}

async fn down_gets_there(operation: &'static str, times: usize, answer: Answer) {
    let world = World::deployed().await;
    at_first(
        &world,
        times,
        move |request| request.operation == operation,
        answer,
    );
    world.down().await;
    assert!(
        world.census().await.is_empty(),
        "{:#}",
        world.census().await.value()
    );
}

fn concurrent() -> Answer {
    let message =
        "Unable to complete operation due to concurrent modification. Please try again later.";
    Answer::error(409, "ConflictException", message)
}

fn throttled() -> Answer {
    Answer::error(429, "TooManyRequestsException", "Too Many Requests")
        .with_header("retry-after", "1")
}

macro_rules! waits {
    ($($name:ident: $check:ident($operation:expr, $times:expr, $answer:expr);)*) => {
        $(
            #[tokio::test]
            #[ignore = "needs the emulator: just conformance"]
            async fn $name() {
                $check($operation, $times, $answer).await;
            }
        )*
    };
}

waits! {
    role_not_yet_assumable: up_gets_there("CreateFunction", 3, Answer::error(
        400,
        "InvalidParameterValueException",
        "The role defined for the function cannot be assumed by Lambda.",
    ));
    role_without_its_permissions_yet: up_gets_there("CreateFunction", 2, Answer::error(
        400,
        "InvalidParameterValueException",
        "The provided execution role does not have permissions to call CreateNetworkInterface on EC2",
    ));
    create_rest_api_throttled: up_gets_there("CreateRestApi", 2, throttled());
    create_deployment_throttled: up_gets_there("CreateDeployment", 2, throttled());
    put_method_in_conflict: up_gets_there("PutMethod", 2, concurrent());
    put_integration_in_conflict: up_gets_there("PutIntegration", 2, concurrent());
    create_resource_in_conflict: up_gets_there("CreateResource", 2, concurrent());
    stage_not_yet_known_to_plans: up_gets_there("CreateUsagePlan", 2, Answer::error(
        404,
        "NotFoundException",
        "Invalid API Stage specified",
    ));
    function_not_yet_found: up_gets_there("AddPermission", 1, Answer::error(
        409,
        "ResourceConflictException",
        "The operation cannot be performed at this time. An update is in progress for resource",
    ));
    log_group_busy: up_gets_there("PutRetentionPolicy", 1, Answer::error(
        400,
        "OperationAbortedException",
        "A conflicting operation is currently in progress against this resource. Please try again.",
    ));
    role_busy: up_gets_there("PutRolePolicy", 1, Answer::query_error(
        409,
        "ConcurrentModification",
        "Request was rejected because another change is in progress",
    ));
    looks_throttled: up_gets_there("GetRestApis", 1, throttled());
    delete_rest_api_throttled: down_gets_there("DeleteRestApi", 2, throttled());
    role_still_in_use: down_gets_there("DeleteRole", 2, Answer::query_error(
        409,
        "DeleteConflict",
        "Cannot delete entity, must delete policies first.",
    ));
    log_group_busy_at_the_end: down_gets_there("DeleteLogGroup", 1, Answer::error(
        400,
        "OperationAbortedException",
        "A conflicting operation is currently in progress against this resource. Please try again.",
    ));
}

async fn endpoint_gets_there(answer: Answer) {
    let world = World::empty().await;
    let with_key = |request: &Request| {
        request.service == "execute-api" && request.headers.contains_key("x-api-key")
    };
    at_first(&world, 2, with_key, answer);
    let run = world.up().await;
    assert!(run.elapsed < Duration::from_mins(1), "{:?}", run.elapsed);
    assert_whole(&world).await;
}

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn a_key_that_is_not_yet_known() {
    endpoint_gets_there(Answer::error(403, "ForbiddenException", "Forbidden")).await;
}

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn a_stage_that_is_not_yet_there() {
    let missing = "Missing Authentication Token";
    endpoint_gets_there(Answer::error(
        403,
        "MissingAuthenticationTokenException",
        missing,
    ))
    .await;
}

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn a_permission_that_is_not_yet_known() {
    let error = "Internal server error";
    endpoint_gets_there(Answer::error(500, "InternalServerErrorException", error)).await;
}
