//! `plan --out FILE` and `up FILE`: exactly what was planned, or nothing.

use std::path::PathBuf;

use local_aws::Faults;
use provision_cli::exit::Exit;
use testkit::{Answer, Decision};

use crate::world::{PLAN_FILE, World, binary};
use testkit::mutation::Mutation;

fn file(name: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("engine");
    std::fs::create_dir_all(&folder).expect("the target folder can be written");
    let path = folder.join(format!("{name}-{}{PLAN_FILE}", std::process::id()));
    path.display().to_string()
}

async fn save(world: &World, path: &str, arguments: &[&str]) {
    let with_binary = ["plan", "--out", path, "--bootstrap", &binary(1)];
    let line = [&with_binary[..], arguments].concat();
    let ended = world.run(&line).await.expect(Exit::Done);
    assert_eq!(ended.writes(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_saved_plan_makes_what_a_plain_up_makes() {
    let (saved, plain) = (
        World::new(Faults::default()).await,
        World::deployed(Faults::default()).await,
    );
    let path = file("cold");
    save(&saved, &path, &[]).await;
    saved.run(&["up", &path, "--yes"]).await.expect(Exit::Done);
    let census = plain.census().await;
    census.assert_same(&saved.census().await, "`up` of a saved plan");
    let again = saved.run(&["up", "--yes"]).await.expect(Exit::Done);
    assert_eq!(again.writes(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_declared_values_are_the_files() {
    let world = World::deployed(Faults::default()).await;
    let path = file("rate");
    save(&world, &path, &["--rate", "7"]).await;
    world.run(&["up", &path]).await.expect(Exit::Done);
    let plan = world.run(&["plan", "--rate", "7", "--detailed-exitcode"]);
    plan.await.expect(Exit::Done);
}

#[tokio::test(start_paused = true)]
async fn an_account_that_has_moved_stops_it() {
    let path = file("moved");
    for mutation in [
        Mutation::ChangePlan,
        Mutation::ChangeMemory,
        Mutation::DeleteStatement,
        Mutation::DeleteTable,
    ] {
        let world = World::deployed(Faults::default()).await;
        save(&world, &path, &["--rate", "7"]).await;
        world.apply(mutation).await;
        let stopped = world.run(&["up", &path]).await.expect(Exit::Failed);
        assert_eq!(stopped.writes(), 0);
        let said = &stopped.printed.stderr;
        assert!(said.contains("P0045"), "{mutation:?}: {said}");
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_carried_out_once_and_in_its_place_only() {
    let world = World::new(Faults::default()).await;
    let path = file("once");
    save(&world, &path, &["--env", "dev"]).await;
    let elsewhere = world.run(&["up", &path, "--env", "prod"]).await;
    let said = elsewhere.expect(Exit::Failed).printed.stderr;
    assert!(said.contains("P0044"), "{said}");
    world.run(&["up", &path]).await.expect(Exit::Done);
    world
        .run(&["outputs", "--env", "dev"])
        .await
        .expect(Exit::Done);
    let again = world.run(&["up", &path]).await.expect(Exit::Failed);
    assert!(again.printed.stderr.contains("P0045"));
    assert_eq!(again.writes(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_damaged_file_is_refused() {
    let world = World::new(Faults::default()).await;
    let path = file("damaged");
    std::fs::write(&path, "{}").expect("the target folder can be written");
    let refused = world.run(&["up", &path]).await.expect(Exit::Failed);
    assert!(refused.printed.stderr.contains("P0043"));
    assert_eq!(refused.calls.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_was_begun_is_made_again() {
    let world = World::new(Faults::default()).await;
    let path = file("begun");
    save(&world, &path, &["--rate", "50"]).await;
    world.way.decide(|request| {
        if request.operation == "CreateFunction" {
            Decision::Answer(Answer::error(400, "InvalidRequest", "not like this"))
        } else {
            Decision::Forward
        }
    });
    let ended = world.run(&["up", &path]).await.expect(Exit::Partly);
    let said = ended.printed.stderr;
    let there = "--region eu-west-1";
    let again = format!(
        "`provision plan --rate 50 --bootstrap {} --out {path} {there}` and `provision up {path} {there}` go on from here.",
        binary(1)
    );
    assert!(said.contains(&again), "{said}");
}
