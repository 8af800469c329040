//! Runs that end before they are through, by a signal or by `--timeout`: what they say of what is done.

use local_aws::Faults;
use provision_cli::exit::Exit;
use provision_engine::interrupt::Signal;
use serde_json::Value;
use testkit::{Answer, Decision, Request};

use crate::world::{Ended, Hands, World, binary};

/// Nothing that `is_meant` is ever answered.
async fn silent_at(is_meant: impl Fn(&Request) -> bool + Send + Sync + 'static) -> World {
    let world = World::new(Faults::default()).await;
    world.way.decide(move |request| {
        if is_meant(request) {
            Decision::Hang
        } else {
            Decision::Forward
        }
    });
    world
}

fn is_public(request: &Request) -> bool {
    request.service == "execute-api"
}

#[track_caller]
fn document(ended: &Ended) -> Value {
    serde_json::from_str(&ended.printed.stdout).expect("one document")
}

#[tokio::test(start_paused = true)]
async fn the_time_is_over_while_all_is_read() {
    let world = silent_at(|_| true).await;
    let ended = world.run(&["up", "--timeout", "5s", "--json"]).await;
    let ended = ended.expect(Exit::Failed);
    let error = &document(&ended)["errors"][0];
    assert_eq!(error["code"], "P0037");
    assert_eq!(error["message"], "gave up after 5 s; nothing was changed");
}

#[tokio::test(start_paused = true)]
async fn the_time_is_over_in_the_middle() {
    let world = silent_at(|request| request.operation == "CreateRole").await;
    let ended = world.run(&["up", "--timeout", "10s", "--json"]).await;
    let ended = ended.expect(Exit::Partly);
    let document = document(&ended);
    assert_eq!(document["errors"][0]["code"], "P0037", "{document}");
    let steps = document["steps"].as_array().expect("the plan's fields");
    let is_done = |step: &&Value| step["status"] == "done";
    assert!(steps.iter().any(|step| is_done(&step)), "{document}");
    assert!(!steps.iter().all(|step| is_done(&step)), "{document}");
    let said = &ended.printed.stderr;
    let again = format!("`provision up --bootstrap {}` again goes on", binary(1));
    assert!(said.contains(&again), "{said}");
    world.way.forward_all();
    world.run(&["up"]).await.expect(Exit::Done);
}

#[tokio::test(start_paused = true)]
async fn what_to_run_again_makes_the_same() {
    const PLAN: &str = "Lambda-dynamoDB-usageplan";
    let world = World::new(Faults::default()).await;
    let file = binary(1);
    let up = ["up", "--rate", "50.5", "--skip", PLAN, "--bootstrap", &file];
    let again = refused_at(&world, "CreateFunction", &up).await;
    assert_eq!(
        again,
        format!("up --rate 50.5 --bootstrap {file} --skip {PLAN}")
    );
    run_line(&world, &again).await;
    world.run(&["up"]).await.expect(Exit::Done);

    let down = ["down", "--yes", "--only", "function,permission,table"];
    let again = refused_at(&world, "DeleteTable", &down).await;
    // The function is gone by then, and still has its name.
    assert_eq!(again, "down --only function --only permission --only table");
    run_line(&world, &format!("{again} --yes")).await;
    let left = world.census().await.counts();
    assert_eq!(left.get("tables"), None, "{left:?}");
    let down = ["down", "--yes", "--keep-data"];
    let again = refused_at(&world, "DeleteRole", &down).await;
    assert_eq!(again, "down --keep-data");
    run_line(&world, &format!("{again} --yes")).await;
}

/// The arguments of the command that goes on, after a run that was refused at `operation`.
async fn refused_at(world: &World, operation: &'static str, arguments: &[&str]) -> String {
    world.way.decide(move |request| {
        if request.operation == operation {
            Decision::Answer(Answer::error(400, "InvalidRequest", "not like this"))
        } else {
            Decision::Forward
        }
    });
    let said = world.run(arguments).await.expect(Exit::Partly);
    world.way.forward_all();
    let said = said.printed.stderr;
    let command = said
        .rsplit_once("; `provision ")
        .and_then(|(_, rest)| rest.split_once("` again goes on from here."));
    let (command, _) = command.unwrap_or_else(|| panic!("nobody knows how to go on:\n{said}"));
    command.to_owned()
}

async fn run_line(world: &World, line: &str) {
    let words: Vec<&str> = line.split(' ').collect();
    world.run(&words).await.expect(Exit::Done);
}

#[tokio::test(start_paused = true)]
async fn the_time_is_over_before_the_endpoint_has_answered() {
    let world = silent_at(is_public).await;
    let ended = world.run(&["up", "--timeout", "60s", "--json"]).await;
    let document = document(&ended.expect(Exit::Partly));
    assert_eq!(document["errors"][0]["code"], "P0037", "{document}");
    assert!(document["outputs"]["invoke_url"].is_string(), "{document}");
}

#[tokio::test(start_paused = true)]
async fn a_signal_after_the_last_step_does_not_undo_it() {
    let hands = Hands::new();
    let acting = hands.clone();
    let world = World::new(Faults::default()).await;
    world.way.decide(move |request| {
        if is_public(request) {
            acting.signal(Signal::Interrupt);
            return Decision::Hang;
        }
        Decision::Forward
    });
    let ended = world.run_by(&hands, &["up", "--json"]).await;
    let ended = ended.expect(Exit::Interrupted(Signal::Interrupt));
    let error = &document(&ended)["errors"][0];
    assert_eq!(error["code"], "P0028");
    let message = error["message"].as_str().expect("a text");
    assert!(message.contains("all steps are done"), "{message}");
    let all = format!("{}{}", ended.printed.stdout, ended.printed.stderr);
    assert!(!all.contains("nothing was changed"), "{all}");
}
