//! One of every kind of resource, from its creation to its end.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::Result;
use local_aws::Faults;
use provision::ssm::Parameter;
use provision::{App, Env, Stack, lab};
use provision_cli::exit::Exit;
use serde_json::Value;

use crate::world::World;

/// The lab's stack, and what it has none of.
fn every_kind(env: &Env) -> Result<Stack> {
    let mut stack = lab::lab(env)?;
    stack.add(
        "parameter",
        Parameter::string("/app/greeting", "hello".to_owned()),
    );
    Ok(stack)
}

fn app() -> App {
    lab::app().stack(every_kind)
}

/// A kind that is not here has no test of its life; one that is not registered is never found when it is not declared any more.
#[test]
fn every_kind_is_registered_and_declared_here() {
    let registered: BTreeSet<&str> = provision_aws::kinds()
        .all()
        .map(|kind| kind.type_name)
        .collect();
    let declaration = app().declare(&Env::new(None, "eu-west-1"));
    let declared = declaration.expect("it is sound").resources;
    let declared: BTreeSet<&str> = declared
        .iter()
        .map(|declared| declared.resource.type_name())
        .collect();
    assert_eq!(declared, registered);
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../aws/src");
    assert_eq!(implementations(&sources), registered.len());
}

/// Returns the number of kinds in a folder of sources.
fn implementations(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).expect("the sources are there");
    entries
        .map(|entry| {
            let path = entry.expect("the sources are there").path();
            if path.is_dir() {
                return implementations(&path);
            }
            let text = fs::read_to_string(&path).unwrap_or_default();
            text.matches("\nimpl Resource for ").count()
        })
        .sum()
}

#[tokio::test(start_paused = true)]
async fn every_kind_lives_and_goes() {
    let mut world = World::new(Faults::default()).await;
    world.app = app;
    world.run(&["up", "--yes"]).await.expect(Exit::Done);
    let again = world.run(&["up", "--yes"]).await.expect(Exit::Done);
    assert_eq!(again.writes(), 0);
    world.run(&["drift"]).await.expect(Exit::Done);
    world.app = lab::app;
    let plan = world.run(&["plan", "--json"]).await.expect(Exit::Done);
    let plan: Value = serde_json::from_str(&plan.printed.stdout).expect("JSON");
    let steps = plan["steps"].as_array().expect("a plan has steps");
    let deleted = steps.iter().filter(|step| step["action"] == "delete");
    let deleted: Vec<&Value> = deleted.map(|step| &step["type"]).collect();
    assert_eq!(deleted, ["AWS::SSM::Parameter"]);
    world.run(&["up", "--yes"]).await.expect(Exit::Done);
    world.app = app;
    world.run(&["up", "--yes"]).await.expect(Exit::Done);
    world.run(&["down", "--yes"]).await.expect(Exit::Done);
    let left = world.census().await;
    assert!(left.is_empty(), "{:#}", left.value());
}
