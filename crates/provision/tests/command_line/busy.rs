//! What AWS is still busy with: a function that is being deleted, a usage plan that still has an API which is gone, a table
//! that is being changed, a statement that got lost.

use std::sync::atomic::{AtomicUsize, Ordering};

use local_aws::Faults;
use provision_cli::exit::Exit;
use testkit::{Answer, Decision};

use crate::fault::Fault;
use crate::world::World;

const DELETE: &str = "DeleteFunction";

/// A deployed stack whose `down` was killed right after `DeleteFunction`, which takes AWS some time.
async fn cut_off() -> World {
    let faults = Faults {
        function_deleting_ms: 20_000,
        ..Faults::default()
    };
    let world = World::deployed(faults.clone()).await;
    let calls = world.run(&["down", "--yes"]).await.expect(Exit::Done).calls;
    let at = calls.iter().position(|call| call.operation == DELETE);
    let world = World::deployed(faults).await;
    let (hands, _) = Fault::KillAfter.arm(&world, at.expect("it was called"));
    world.run_by(&hands, &["down", "--yes"]).await;
    world.way.forward_all();
    world
}

#[tokio::test(start_paused = true)]
async fn up_waits_for_a_dying_function_to_make_room() {
    let clean = World::deployed(Faults::default()).await.census().await;
    let world = cut_off().await;
    world.run(&["up", "--yes"]).await.expect(Exit::Done);
    clean.assert_same(&world.census().await, "after a `down` that was cut off");
    let again = world.run(&["up", "--yes"]).await.expect(Exit::Done);
    assert_eq!(again.writes(), 0);
}

/// Reads may say that it is gone while its name is still taken.
#[tokio::test(start_paused = true)]
async fn up_waits_for_the_name_of_a_function_that_is_hardly_gone() {
    let world = World::new(Faults::default()).await;
    let refused = AtomicUsize::new(0);
    world.way.decide(move |request| {
        if request.operation != "CreateFunction" || refused.fetch_add(1, Ordering::Relaxed) > 2 {
            return Decision::Forward;
        }
        Decision::Answer(Answer::error(
            409,
            "ResourceConflictException",
            "The operation cannot be performed at this time. The function is currently in the following state: Deleting",
        ))
    });
    world.run(&["up", "--yes"]).await.expect(Exit::Done);
    let again = world.run(&["up", "--yes"]).await.expect(Exit::Done);
    assert_eq!(again.writes(), 0);
}

#[tokio::test(start_paused = true)]
async fn down_goes_on_with_a_dying_function() {
    let world = cut_off().await;
    world.run(&["down", "--yes"]).await.expect(Exit::Done);
    assert!(world.census().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_plan_is_waited_for_that_still_has_a_stage_of_an_api_that_is_gone() {
    let world = World::deployed(Faults::default()).await;
    let refused = AtomicUsize::new(0);
    world.way.decide(move |request| {
        if request.operation != "DeleteUsagePlan" || refused.fetch_add(1, Ordering::Relaxed) > 5 {
            return Decision::Forward;
        }
        Decision::Answer(Answer::error(
            400,
            "BadRequestException",
            "Cannot delete Usage Plan a1b2c3 because there are API Stages associated with it",
        ))
    });
    let down = world.run(&["down", "--yes"]).await.expect(Exit::Done);
    let said = &down.printed.stderr;
    assert!(
        said.contains("waiting for the usage plan to lose its stages"),
        "{said}"
    );
    assert!(world.census().await.is_empty());
}

/// Nothing is waited for that AWS has done by itself.
#[tokio::test(start_paused = true)]
async fn a_stage_that_has_left_the_plan_meanwhile_is_as_good_as_taken_out() {
    let world = World::deployed(Faults::default()).await;
    // Somebody deletes the API in the moment in which its stage is to be taken out of the plan.
    let refused = AtomicUsize::new(0);
    world.way.decide(move |request| match request.operation.as_str() {
        "DeleteUsagePlan" if refused.fetch_add(1, Ordering::Relaxed) == 0 => {
            Decision::Answer(Answer::error(
                400,
                "BadRequestException",
                "Cannot delete Usage Plan a1b2c3 because there are API Stages associated with it",
            ))
        }
        "GetUsagePlan" => Decision::Answer(Answer {
            status: 200,
            headers: Vec::new(),
            body: r#"{"id":"a1b2c3","apiStages":[{"apiId":"gone000000","stage":"Prod"}]}"#.into(),
        }),
        "UpdateUsagePlan" => Decision::Answer(Answer::error(
            404,
            "NotFoundException",
            "API Stage not found: gone000000:Prod",
        )),
        _ => Decision::Forward,
    });
    let down = world.run(&["down", "--yes"]).await.expect(Exit::Done);
    let said = &down.printed.stderr;
    assert!(!said.contains("to be visible"), "{said}");
    assert!(world.census().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_table_that_is_being_changed_is_waited_for() {
    let world = World::deployed(Faults::default()).await;
    let table = world.account.dynamodb.update_table();
    let changed = table
        .table_name("lambda-apigateway")
        .deletion_protection_enabled(true);
    changed.send().await.expect("the table is there");
    let refused = AtomicUsize::new(0);
    world.way.decide(move |request| {
        if request.operation != "UpdateTable" || refused.fetch_add(1, Ordering::Relaxed) > 0 {
            return Decision::Forward;
        }
        Decision::Answer(Answer::error(
            400,
            "ResourceInUseException",
            "Attempt to change a resource which is still in use: Table is being updated",
        ))
    });
    world.run(&["up", "--yes"]).await.expect(Exit::Done);
    let again = world.run(&["up", "--yes"]).await.expect(Exit::Done);
    assert_eq!(again.writes(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_statement_that_got_lost_is_added_again() {
    let world = World::new(Faults::default()).await;
    let lost = AtomicUsize::new(0);
    world.way.decide(move |request| {
        if request.operation != "AddPermission" || lost.fetch_add(1, Ordering::Relaxed) > 0 {
            return Decision::Forward;
        }
        Decision::Answer(Answer {
            status: 201,
            headers: Vec::new(),
            body: r#"{"Statement":"{}"}"#.into(),
        })
    });
    world.run(&["up", "--yes"]).await.expect(Exit::Done);
    let again = world.run(&["up", "--yes"]).await.expect(Exit::Done);
    assert_eq!(again.writes(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_table_that_vanishes_between_two_reads_is_gone() {
    const DENIED: &str = "AccessDeniedException";
    let world = World::deployed(Faults::default()).await;
    let tags_are_refused = |is_gone: bool| {
        let asked = AtomicUsize::new(0);
        world
            .way
            .decide(move |request| match request.operation.as_str() {
                "ListTagsOfResource" => {
                    asked.fetch_add(1, Ordering::Relaxed);
                    Decision::Answer(Answer::error(400, DENIED, "not authorized"))
                }
                "DescribeTable" if is_gone && asked.load(Ordering::Relaxed) > 0 => {
                    let code = "ResourceNotFoundException";
                    Decision::Answer(Answer::error(400, code, "Requested resource not found"))
                }
                _ => Decision::Forward,
            });
    };
    tags_are_refused(true);
    let ended = world.run(&["plan"]).await.expect(Exit::Done);
    let made = "+ AWS::DynamoDB::Table";
    assert!(ended.printed.stdout.contains(made), "{ended:?}");
    tags_are_refused(false);
    let ended = world.run(&["plan"]).await.expect(Exit::Failed);
    assert!(ended.printed.stderr.contains(DENIED), "{ended:?}");
}
