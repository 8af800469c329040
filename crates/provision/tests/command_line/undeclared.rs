//! What was taken out of the declaration is found by its mark and deleted, whatever becomes of the calls that look for it.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

use local_aws::Faults;
use provision_cli::exit::Exit;
use provision_engine::interrupt::Signal;
use serde_json::Value;
use testkit::{Answer, Decision, Request};
use tokio::time::sleep;

use crate::application::{Application, LAB};
use crate::fault::Fault;
use crate::world::World;

/// The calls that look for it: no other call of a plan is about what is not declared.
const READS: [(&str, &str); 3] = [
    ("tagging", "GetResources"),
    ("iam", "ListRoles"),
    ("iam", "ListRoleTags"),
];

/// The names of what the larger stack has and the lab's has not, with their types.
const EXTRA: [(&str, &str); 4] = [
    ("AWS::DynamoDB::Table", "former-table"),
    ("AWS::IAM::Role", "former-role"),
    ("AWS::Lambda::Function", "former-function"),
    ("AWS::Logs::LogGroup", "/former/logs"),
];

/// An account that has the larger stack of the lab, for runs of the lab's.
pub(crate) async fn deployed(faults: Faults) -> World {
    deployed_of(&LAB, faults).await
}

/// An account that has the larger stack of the application, for runs of the application's.
pub(crate) async fn deployed_of(application: &'static Application, faults: Faults) -> World {
    let mut world = World::of(application, faults).await;
    world.app = application.larger;
    world.run(&["up", "--yes"]).await.expect(Exit::Done);
    world.app = application.app;
    world
}

/// What a plan is to delete: types and names.
fn deleted(plan: &str) -> BTreeSet<(String, String)> {
    let plan: Value = serde_json::from_str(plan).expect("a plan is JSON");
    let steps = plan["steps"].as_array().expect("a plan has steps");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let deleted = steps.iter().filter(|step| step["action"] == "delete");
    deleted
        .map(|step| (text(&step["type"]), text(&step["name"])))
        .collect()
}

fn extra() -> BTreeSet<(String, String)> {
    EXTRA
        .map(|(kind, name)| (kind.to_owned(), name.to_owned()))
        .into()
}

#[tokio::test(start_paused = true)]
async fn what_was_taken_out_goes_with_the_next_up() {
    let clean = World::deployed(Faults::default()).await.census().await;
    let world = deployed(Faults::default()).await;
    let plan = world.run(&["plan", "--json"]).await.expect(Exit::Done);
    assert_eq!(deleted(&plan.printed.stdout), extra());
    world.run(&["up", "--yes"]).await.expect(Exit::Done);
    clean.assert_same(&world.census().await, "after `up` of less");
    let again = world.run(&["up", "--yes"]).await.expect(Exit::Done);
    assert_eq!(again.writes(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_was_taken_out_goes_with_down_too() {
    let world = deployed(Faults::default()).await;
    world.run(&["down", "--yes"]).await.expect(Exit::Done);
    assert!(world.census().await.is_empty());
}

/// AWS would refuse it in the middle of the run, when functions use the new table already.
#[tokio::test(start_paused = true)]
async fn a_protected_table_that_was_taken_out_is_refused_before_the_first_write() {
    let world = deployed(Faults::default()).await;
    let protect = world.account.dynamodb.update_table();
    let protect = protect.table_name("former-table");
    protect
        .deletion_protection_enabled(true)
        .send()
        .await
        .expect("the table is there");
    for command in ["up", "down"] {
        let ended = world.run(&[command, "--yes"]).await.expect(Exit::Failed);
        assert_eq!(ended.writes(), 0, "{command}");
        let told = &ended.printed.stderr;
        for part in [
            "P0041",
            "former-table",
            "nothing was changed",
            "declare `former-table`",
        ] {
            assert!(told.contains(part), "{command}: {part}: {told}");
        }
    }
    let skipping = ["up", "--yes", "--skip", "former-table"];
    world.run(&skipping).await.expect(Exit::Done);
}

/// The tagging API tells of a change late: until then nothing is known of it, and then it goes.
#[tokio::test(start_paused = true)]
async fn what_is_listed_late_goes_late() {
    let lag = Duration::from_mins(10);
    let clean = World::deployed(Faults::default()).await.census().await;
    let world = deployed(Faults {
        tag_index_ms: 600_000,
        tag_index_deleted_ms: 600_000,
        ..Faults::default()
    })
    .await;
    world.run(&["up", "--yes"]).await.expect(Exit::Done);
    sleep(lag).await;
    world.run(&["up", "--yes"]).await.expect(Exit::Done);
    clean.assert_same(&world.census().await, "after all was listed");
    // What is listed and not there any more is no difference.
    let again = world.run(&["up", "--yes"]).await.expect(Exit::Done);
    assert_eq!(again.writes(), 0);
}

#[tokio::test(start_paused = true)]
async fn each_fault_at_a_call_that_looks_for_it_is_survived_or_told() {
    for (service, operation) in READS {
        for fault in Fault::ALL {
            let world = deployed(Faults::default()).await;
            let (hands, seen) = fault.arm_at(&world, service, operation);
            let ended = world.run_by(&hands, &["plan", "--json"]).await;
            world.way.forward_all();
            let case = format!("{operation}/{fault:?}: {ended:#?}");
            assert_eq!(ended.writes(), 0, "{case}");
            assert!(seen.load(Ordering::Relaxed) > 0, "{case}");
            match fault {
                Fault::KillBefore | Fault::KillAfter => assert_eq!(ended.exit, None, "{case}"),
                // Nothing else may be left to do when the signal comes.
                Fault::Interrupt => {
                    let by = Exit::Interrupted(Signal::Interrupt);
                    assert!([Some(Exit::Done), Some(by)].contains(&ended.exit), "{case}");
                }
                Fault::Terminate => {
                    let by = Exit::Interrupted(Signal::Terminate);
                    assert!([Some(Exit::Done), Some(by)].contains(&ended.exit), "{case}");
                }
                Fault::Expired | Fault::NetworkGone => {
                    assert_eq!(ended.exit, Some(Exit::Failed), "{case}");
                    let code = if fault == Fault::Expired {
                        "P0019"
                    } else {
                        "P0021"
                    };
                    let document: Value =
                        serde_json::from_str(&ended.printed.stdout).expect("one document");
                    assert_eq!(document["errors"][0]["code"], code, "{case}");
                }
                _ => {
                    assert_eq!(ended.exit, Some(Exit::Done), "{case}");
                    // Half a list would leave what is not on it where it is.
                    assert_eq!(deleted(&ended.printed.stdout), extra(), "{case}");
                }
            }
        }
    }
}

fn denied(request: &Request) -> Decision {
    Decision::Answer(match request.service.as_str() {
        "iam" => Answer::query_error(403, "AccessDenied", "not you"),
        _ => Answer::error(400, "AccessDeniedException", "not you"),
    })
}

/// Without the list nobody knows what is left, and nothing is changed.
#[tokio::test(start_paused = true)]
async fn a_look_that_is_refused_stops_the_run() {
    let world = deployed(Faults::default()).await;
    for (service, operation) in READS {
        for command in ["up", "plan", "drift", "down"] {
            world.way.decide(move |request| {
                if request.service == service && request.operation == operation {
                    denied(request)
                } else {
                    Decision::Forward
                }
            });
            let line = match command {
                "up" | "down" => vec![command, "--yes"],
                _ => vec![command],
            };
            let refused = world.run(&line).await.expect(Exit::Failed);
            let said = &refused.printed.stderr;
            assert_eq!(refused.writes(), 0, "{said}");
            assert!(said.contains("error[P0017]: "), "{said}");
            assert!(
                said.contains(&format!("{operation}: AccessDenied")),
                "{said}"
            );
        }
    }
}

/// Emulators know many services and not this one: what it would tell is not known there, and all else works.
#[tokio::test(start_paused = true)]
async fn an_emulator_without_the_tagging_api_works() {
    for (status, code) in [
        (404, "UnknownOperationException"),
        (501, "InternalFailure"),
        (400, "UnknownOperationException"),
    ] {
        let world = World::new(Faults::default()).await;
        world.way.decide(move |request| {
            if request.service == "tagging" {
                Decision::Answer(Answer::error(status, code, "not implemented"))
            } else {
                Decision::Forward
            }
        });
        world.run(&["up", "--yes"]).await.expect(Exit::Done);
        let again = world.run(&["up", "--yes"]).await.expect(Exit::Done);
        assert_eq!(again.writes(), 0, "{status} {code}");
        world.run(&["drift"]).await.expect(Exit::Done);
        world.run(&["down", "--yes"]).await.expect(Exit::Done);
        assert!(world.census().await.is_empty(), "{status} {code}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_role_that_vanishes_while_it_is_looked_at_is_gone() {
    let world = deployed(Faults::default()).await;
    world.way.decide(|request| {
        let is_its = String::from_utf8_lossy(&request.body).contains("former-role");
        let reads = ["ListRoleTags", "ListRolePolicies", "GetRole"];
        if is_its && reads.contains(&request.operation.as_str()) {
            Decision::Answer(Answer::query_error(404, "NoSuchEntity", "no such role"))
        } else {
            Decision::Forward
        }
    });
    let plan = world.run(&["plan", "--json"]).await.expect(Exit::Done);
    let mut wanted = extra();
    wanted.retain(|(kind, _)| kind != "AWS::IAM::Role");
    assert_eq!(deleted(&plan.printed.stdout), wanted);
}
