//! Whatever `--json` prints is one document, and as `docs/schema` says.

mod check;

use std::fs;
use std::path::Path;

use local_aws::Faults;
use provision_cli::exit::Exit;
use serde_json::Value;
use testkit::Cli;

use self::check::violations;
use crate::fault::Fault;
use crate::world::{Ended, World, binary};

fn schema(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema");
    let text = fs::read_to_string(folder.join(format!("{name}.json"))).expect(name);
    serde_json::from_str(&text).expect(name)
}

#[track_caller]
fn is_as(name: &str, ended: &Ended) -> Value {
    let printed = &ended.printed.stdout;
    let document: Value = serde_json::from_str(printed).expect(printed);
    let schema = schema(name);
    assert_eq!(
        violations(&schema, &schema, &document, ""),
        Vec::<String>::new(),
        "{document:#}"
    );
    document
}

#[tokio::test(start_paused = true)]
async fn successes_are_as_their_schemas_say() {
    let world = World::new(Faults::default()).await;
    let run = async |arguments: &[&str]| world.run(arguments).await.expect(Exit::Done);
    is_as("plan", &run(&["plan", "--json"]).await);
    is_as("up", &run(&["up", "--json"]).await);
    is_as("plan", &run(&["plan", "--json", "--rate", "50"]).await);
    is_as(
        "up",
        &run(&["up", "--json", "--bootstrap", &binary(2)]).await,
    );
    is_as("outputs", &run(&["outputs", "--json"]).await);
    is_as(
        "outputs",
        &run(&["outputs", "--json", "--show-secrets"]).await,
    );
    let one = is_as("output", &run(&["outputs", "--json", "table_name"]).await);
    assert_eq!(one["table_name"], "lambda-apigateway");
    assert_eq!(one.as_object().map(serde_json::Map::len), Some(3));
    is_as("invoke", &run(&["invoke", "--json"]).await);
    is_as("invoke", &run(&["invoke", "--json", "--direct"]).await);
    is_as("logs", &run(&["logs", "--json"]).await);
    is_as("drift", &run(&["drift", "--json"]).await);
    is_as("graph", &run(&["graph", "--json"]).await);
    is_as("policy", &run(&["policy", "--json"]).await);
    let trust = ["policy", "--json", "--trust", "owner/repository"];
    is_as("policy", &run(&trust).await);
    is_as("explain", &run(&["explain", "--json"]).await);
    is_as("explain", &run(&["explain", "P0017", "--json"]).await);
    is_as("key-rotate", &run(&["key", "rotate", "--json"]).await);
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path().to_str().expect("its path is text");
    let line = [
        "ci",
        "init",
        "--json",
        "--repo",
        "owner/name",
        "--dir",
        folder,
    ];
    is_as("ci-init", &run(&line).await);
    // Whether all is well depends on the machine.
    let line = ["doctor", "--json", "--bootstrap", &binary(1)];
    is_as("doctor", &world.run(&line).await);
    is_as("local", &run(&["local", "status", "--json"]).await);
    is_as("local", &run(&["local", "stop", "--json"]).await);
    is_as("down", &run(&["down", "--json", "--yes"]).await);
    is_as("down", &run(&["down", "--json", "--yes"]).await);
}

#[tokio::test(start_paused = true)]
async fn a_report_is_as_its_schema_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut world = World::new(Faults::default()).await;
    world.runs = Some(folder.path().to_owned());
    world.run(&["up"]).await.expect(Exit::Done);
    let page = folder.path().join("page.html").display().to_string();
    let report = world.run(&["report", &page, "--json"]).await;
    let document = is_as("report", &report.expect(Exit::Done));
    assert_eq!(document["file"], page);
}

#[tokio::test(start_paused = true)]
async fn drift_is_as_its_schema_says() {
    let world = World::deployed(Faults::default()).await;
    world
        .account
        .iam
        .delete_role_policy()
        .role_name("lambda-apigateway-role")
        .policy_name(testkit::mutation::Target::LAB.policy)
        .send()
        .await
        .expect("the policy is there");
    let ended = world.run(&["drift", "--json"]).await;
    let document = is_as("drift", &ended.expect(Exit::Differences));
    assert_eq!(document["summary"]["drift"], 1);
    let plan = world.run(&["plan", "--json"]).await;
    let document = is_as("plan", &plan.expect(Exit::Done));
    assert_eq!(document["summary"]["update"], 1);
}

#[tokio::test(start_paused = true)]
async fn failures_are_as_their_schemas_say() {
    for (command, schema) in [("up", "up"), ("down", "down"), ("plan", "errors")] {
        for fault in [Fault::Expired, Fault::NetworkGone, Fault::Interrupt] {
            for at in [0, 20] {
                let world = match command {
                    "up" => World::new(Faults::default()).await,
                    _ => World::deployed(Faults::default()).await,
                };
                let (hands, seen) = fault.arm(&world, at);
                let ended = world.run_by(&hands, &[command, "--yes", "--json"]).await;
                world.way.forward_all();
                if seen.load(std::sync::atomic::Ordering::Relaxed) <= at {
                    continue;
                }
                let document: Value =
                    serde_json::from_str(&ended.printed.stdout).expect("one document");
                // What fails before there is a plan has nothing but errors to show.
                let name = if document["steps"].is_null() {
                    "errors"
                } else {
                    schema
                };
                is_as(name, &ended);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_has_no_document_says_so_in_one() {
    let world = World::new(Faults::default()).await;
    for line in [
        &["dev", "--json"][..],
        &["man", "--json"],
        &["man", "--out", "/nowhere", "--json"],
        &["completions", "bash", "--json"],
    ] {
        let ended = world.run(line).await.expect(Exit::Usage);
        let document = is_as("errors", &ended);
        assert_eq!(document["errors"][0]["code"], "P0029");
    }
}

#[tokio::test]
async fn wrong_usage_is_as_its_schema_says() {
    let program = env!("CARGO_BIN_EXE_provision");
    let cli = Cli::new(program, "http://127.0.0.1:9", "000000000000");
    let run = cli.run(&["up", "--wait", "long", "--json"]).await;
    let document = run.expect(64).json();
    let schema = schema("errors");
    assert_eq!(
        violations(&schema, &schema, &document, ""),
        Vec::<String>::new(),
        "{document:#}"
    );
    assert_eq!(
        document["errors"][0]["message"],
        "invalid value 'long' for '--wait <WAIT>' [possible values: none, ready, live]"
    );
}

#[test]
fn every_schema_is_of_the_draft_and_has_a_title() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema");
    let mut count = 0;
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("it can be read").path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let name = path.file_stem().and_then(|name| name.to_str());
        let schema = schema(name.expect("a name"));
        assert_eq!(
            schema["$schema"],
            "https://json-schema.org/draft/2020-12/schema"
        );
        assert!(schema["title"].is_string(), "{}", path.display());
        count += 1;
    }
    assert!(count >= 17, "{count}");
}
