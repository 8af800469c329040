//! Random worlds: after `up` the plan is all keep and its writes were those it had said, after `down` nothing of the stack
//! is left, and nothing of others was touched.
//!
//! `PROVISION_CASES` says how many.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use local_aws::Faults;
use proptest::prelude::{Just, Strategy};
use proptest::prop_oneof;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};
use provision_cli::exit::Exit;
use serde_json::Value;
use tokio::time::timeout;

use crate::fault::Fault;
use crate::foreign::{foreign, ours};
use crate::world::World;
use testkit::mutation::{Effect, MANAGED, Mutation, THEIRS, Target, clear_the_way};

/// Where a run starts, and what goes wrong in it.
#[derive(Clone, Debug)]
struct Start {
    is_deployed: bool,
    mutations: Vec<Mutation>,
    fault: Option<(Fault, usize)>,
}

fn starts() -> impl Strategy<Value = Start> {
    let mutation = proptest::sample::select(Mutation::ALL.to_vec());
    let fault = (proptest::sample::select(Fault::ALL.to_vec()), 0..60_usize);
    (
        proptest::bool::weighted(0.85),
        proptest::collection::vec(mutation, 0..9),
        proptest::option::weighted(0.4, fault),
    )
        .prop_map(|(is_deployed, mutations, fault)| Start {
            is_deployed,
            mutations,
            fault,
        })
}

async fn holds(start: &Start) -> Result<(), String> {
    let world = if start.is_deployed {
        World::deployed(Faults::default()).await
    } else {
        World::new(Faults::default()).await
    };
    for mutation in &start.mutations {
        // What is not there cannot be changed.
        let _ = Box::pin(mutation.apply(&world.account, &Target::LAB)).await;
    }
    let before = foreign(&world.census().await);
    let planned = world.run(&["plan", "--json"]).await.expect(Exit::Done);
    let forecast = forecast_of(&planned.printed.stdout);
    let planned = writes_of(&planned.printed.stdout);
    if !planned.contains(&forecast) {
        return Err(format!("{forecast} writes are foretold, of {planned:?}"));
    }

    let is_disturbed = start.fault.is_some();
    if let Some((fault, at)) = start.fault {
        let (hands, _) = fault.arm(&world, at);
        world.run_by(&hands, &["up", "--yes"]).await;
        world.way.forward_all();
    }
    let up = world.run(&["up", "--yes"]).await;
    if up.exit != Some(Exit::Done) {
        return Err(format!(
            "`up` ended with {:?}: {}",
            up.exit, up.printed.stderr
        ));
    }
    if !is_disturbed && !planned.contains(&up.writes()) {
        let writes: Vec<_> = up.calls.iter().filter(|call| call.write).collect();
        return Err(format!(
            "the plan said {planned:?} writes, and there were {writes:#?}\n{}",
            up.printed.stderr
        ));
    }
    let again = world.run(&["plan", "--detailed-exitcode"]).await;
    if again.exit != Some(Exit::Done) {
        return Err(format!("after `up` the plan is {}", again.printed.stdout));
    }
    let after = foreign(&world.census().await);
    if after != before {
        return Err(format!("`up` made of {before:#?}\n{after:#?}"));
    }
    Box::pin(goes(&world, &after.alone)).await
}

/// `down` leaves what belongs to others, and what is in its way until somebody clears that.
async fn goes(world: &World, foreign_before: &[Value]) -> Result<(), String> {
    let down = world.run(&["down", "--yes"]).await;
    if down.exit != Some(Exit::Done) {
        let said = &down.printed.stderr;
        let is_named = [MANAGED, THEIRS, "protection from deletion"]
            .iter()
            .any(|obstacle| said.contains(obstacle));
        if down.writes() != 0 {
            return Err(format!("`down` deleted something before it ended: {said}"));
        }
        if !is_named {
            return Err(format!("`down` ended with {:?}: {said}", down.exit));
        }
        clear_the_way(&world.account, &Target::LAB).await;
        let down = world.run(&["down", "--yes"]).await;
        if down.exit != Some(Exit::Done) {
            return Err(format!(
                "`down` with its way cleared ended with {:?}: {}",
                down.exit, down.printed.stderr
            ));
        }
    }
    let census = world.census().await;
    let left = ours(&census);
    if !left.is_empty() {
        return Err(format!("`down` left {left:?}"));
    }
    let found = foreign(&census).alone;
    if found != foreign_before {
        return Err(format!("`down` made of {foreign_before:#?}\n{found:#?}"));
    }
    Ok(())
}

fn forecast_of(plan: &str) -> usize {
    let plan: Value = serde_json::from_str(plan).expect("a plan is JSON");
    let writes = plan["forecast"]["writes"].as_u64();
    usize::try_from(writes.expect("a number")).expect("a small one")
}

/// How many writes a plan (as JSON) comes to. What is known after `up` only may turn out to be as it was.
fn writes_of(plan: &str) -> RangeInclusive<usize> {
    let plan: Value = serde_json::from_str(plan).expect("a plan is JSON");
    let steps = plan["steps"].as_array().expect("a plan has steps");
    let each = steps.iter().map(writes_of_step);
    let (least, most) = each.fold((0, 0), |sum, step| {
        (sum.0 + step.start(), sum.1 + step.end())
    });
    least..=most
}

fn writes_of_step(step: &Value) -> RangeInclusive<usize> {
    let kind = step["type"].as_str().expect("a step has a type");
    match step["action"].as_str().expect("a step has an action") {
        "keep" => 0..=0,
        // Without a stage, it goes at once.
        "replace" if kind == "AWS::ApiGateway::Deployment" => 1..=2,
        "create" | "replace" => {
            // The retention, the inline policy, the integration and the key's link are calls of their own.
            let has_two = [
                "AWS::Logs::LogGroup",
                "AWS::IAM::Role",
                "AWS::ApiGateway::Method",
                "AWS::ApiGateway::UsagePlan",
            ];
            let count = 1 + usize::from(has_two.contains(&kind));
            count..=count
        }
        "delete" => 1..=1,
        _ => writes_of_update(kind, step["changes"].as_array().expect("changes")),
    }
}

fn writes_of_update(kind: &str, changes: &[Value]) -> RangeInclusive<usize> {
    let mut calls = BTreeSet::new();
    let (mut least, mut most) = (0, 0);
    let length = |value: &Value| value.as_array().map_or(0, Vec::len);
    for change in changes {
        let field = change["field"].as_str().expect("a change has a field");
        let mut parts = field.split('.');
        let field = match (kind, parts.next().unwrap_or_default()) {
            // Each setting of a table is changed by a call of its own.
            ("AWS::DynamoDB::Table", "unusual") => parts.next().unwrap_or_default(),
            (_, field) => field,
        };
        let is_known = change["to"] != "(known after up)" && change["to"] != "(none)";
        match (kind, field) {
            // Each statement is added and removed by a call of its own.
            ("AWS::Lambda::Permission", _) => {
                least += 1;
                most += 1 + length(&change["from"]);
                continue;
            }
            ("AWS::ApiGateway::UsagePlan", "keys") => {
                most += 1 + length(&change["from"]);
                continue;
            }
            ("AWS::ApiGateway::Stage", "superseded") => {
                most += length(&change["from"]);
                continue;
            }
            // The one it leaves is removed.
            ("AWS::ApiGateway::Stage", "deployment") => most += 1,
            _ => {}
        }
        let call = match (kind, field) {
            (_, "tags") => "tags",
            ("AWS::IAM::Role", "description" | "max_session_s") => "role",
            ("AWS::IAM::Role" | "AWS::DynamoDB::Table" | "AWS::Logs::LogGroup", field) => field,
            ("AWS::Lambda::Function", "code" | "architecture") => "code",
            ("AWS::Lambda::Function", "reserved_concurrency") => "concurrency",
            ("AWS::ApiGateway::Method", "integration") => "integration",
            _ => "patch",
        };
        if calls.insert(call.to_owned()) {
            most += 1;
            least += usize::from(is_known);
        }
    }
    least..=most
}

/// Runs `work` in a world whose time runs ahead.
fn in_paused_time<T>(work: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        timeout(Duration::from_hours(2), Box::pin(work))
            .await
            .unwrap_or_else(|_| Err("it hangs".to_owned()))
    })
}

#[expect(clippy::print_stdout, reason = "the line is what CI shows")]
#[test]
fn any_world_comes_to_what_is_declared() {
    let cases = std::env::var("PROVISION_CASES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(30);
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 100,
        ..Config::default()
    });
    let outcome = runner.run(&starts(), |start| {
        in_paused_time(holds(&start)).map_err(TestCaseError::fail)
    });
    match outcome {
        Ok(()) => println!("properties: {cases} worlds, 0 violations"),
        Err(TestError::Fail(why, start)) => panic!("{start:#?}: {why}"),
        Err(TestError::Abort(why)) => panic!("{why}"),
    }
}

/// An event between two runs that are left alone.
#[derive(Clone, Debug)]
enum Event {
    /// Somebody changes something by hand.
    ByHand(Mutation),
    /// The declaration asks for another rate.
    Declared(u32),
    /// A run is killed at a call.
    Killed(usize),
    /// A run.
    Up,
}

fn histories() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        4 => proptest::sample::select(Mutation::ALL.to_vec()).prop_map(Event::ByHand),
        1 => (1..200_u32).prop_map(Event::Declared),
        1 => (0..60_usize).prop_map(Event::Killed),
        2 => Just(Event::Up),
    ];
    proptest::collection::vec(event, 1..12)
}

/// After every run that says it is done, the endpoint answers and nothing has drifted.
async fn is_told_truly(history: &[Event], runs: &AtomicUsize) -> Result<(), String> {
    let world = World::deployed(Faults::default()).await;
    let mut rate = "100".to_owned();
    for event in history.iter().chain([&Event::Up]) {
        let up = ["up", "--yes", "--rate", &rate];
        match event {
            Event::ByHand(mutation) => {
                let _ = Box::pin(mutation.apply(&world.account, &Target::LAB)).await;
            }
            Event::Declared(other) => rate = other.to_string(),
            Event::Killed(at) => {
                let (hands, _) = Fault::KillAfter.arm(&world, *at);
                world.run_by(&hands, &up).await;
                world.way.forward_all();
            }
            Event::Up => {
                let ended = world.run(&up).await;
                if ended.exit != Some(Exit::Done) {
                    return Err(format!(
                        "`up` ended with {:?}: {}",
                        ended.exit, ended.printed.stderr
                    ));
                }
                runs.fetch_add(1, Ordering::Relaxed);
                let asked = world.run(&["invoke"]).await;
                if asked.exit != Some(Exit::Done) {
                    return Err(format!(
                        "done, and the endpoint answers {}: {}",
                        asked.printed.stderr, ended.printed.stderr
                    ));
                }
                let drift = world.run(&["drift", "--rate", &rate, "--json"]).await;
                let told: Value = serde_json::from_str(&drift.printed.stdout)
                    .map_err(|error| error.to_string())?;
                if told["summary"]["drift"] != 0 {
                    return Err(format!("done, and {told:#}"));
                }
            }
        }
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the line is what CI shows")]
#[test]
fn what_up_says_is_true() {
    let cases = std::env::var("PROVISION_CASES");
    let cases = cases.ok().and_then(|text| text.parse().ok()).unwrap_or(30);
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 100,
        ..Config::default()
    });
    let runs = AtomicUsize::new(0);
    let outcome = runner.run(&histories(), |history| {
        in_paused_time(is_told_truly(&history, &runs)).map_err(TestCaseError::fail)
    });
    match outcome {
        Ok(()) => println!(
            "histories: {cases} sequences, {} runs, 0 violations",
            runs.load(Ordering::Relaxed)
        ),
        Err(TestError::Fail(why, history)) => panic!("{history:#?}: {why}"),
        Err(TestError::Abort(why)) => panic!("{why}"),
    }
}

/// The test above is about something: each mutation of a whole stack is seen in the account.
#[test]
fn every_mutation_changes_the_world() {
    let outcome = in_paused_time(async {
        for &mutation in Mutation::ALL {
            let world = World::deployed(Faults::default()).await;
            let before = world.census().await;
            world.apply(mutation).await;
            let after = world.census().await;
            let hangs_on_ours =
                matches!(mutation.effect(), Effect::Added(_)) || mutation == Mutation::ForeignTags;
            let is_inside = !foreign(&after).inside.is_empty();
            if after.value() == before.value() || is_inside != hangs_on_ours {
                return Err(format!("{mutation:?} makes {:#}", after.value()));
            }
        }
        Ok(())
    });
    assert_eq!(outcome, Ok(()));
}

/// A name that somebody else has is never taken: `up` says so before it changes anything, `down` leaves it.
#[expect(clippy::print_stdout, reason = "the line is what CI shows")]
#[test]
fn names_of_others_are_left_alone() {
    let names = [Target::LAB.role, Target::LAB.table, Target::LAB.log_group];
    for name in names {
        for is_deployed in [false, true] {
            let outcome = in_paused_time(Box::pin(taken(name, is_deployed)));
            assert_eq!(outcome, Ok(()), "{name}");
        }
    }
    println!("names of others: {} worlds, 0 violations", names.len() * 2);
}

async fn taken(name: &str, was_deployed: bool) -> Result<(), String> {
    let world = World::new(Faults::default()).await;
    world.take_name(name).await;
    if was_deployed {
        // Everything else is the stack's.
        world
            .run(&["up", "--yes", "--adopt", name])
            .await
            .expect(Exit::Done);
        world.run(&["down", "--yes"]).await.expect(Exit::Done);
        world.take_name(name).await;
    }
    let before = world.census().await;
    for arguments in [&["up", "--yes"][..], &["plan"], &["down", "--yes"]] {
        let ended = world.run(arguments).await;
        let wanted = if arguments[0] == "down" {
            Exit::Done
        } else {
            Exit::Failed
        };
        let is_named = ended.printed.stderr.contains(name);
        if ended.exit != Some(wanted) || ended.writes() != 0 || !is_named {
            return Err(format!(
                "{arguments:?} ended with {:?} after {} writes: {}",
                ended.exit,
                ended.writes(),
                ended.printed.stderr
            ));
        }
    }
    if world.census().await.value() != before.value() {
        return Err("it was changed".to_owned());
    }
    Ok(())
}
