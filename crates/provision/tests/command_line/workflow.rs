//! In a workflow of GitHub Actions: groups, annotations, masks, and the files that the runner reads.

use std::fs;
use std::path::PathBuf;

use local_aws::Faults;
use provision_cli::exit::Exit;
use provision_cli::github::GitHub;
use serde_json::Value;
use testkit::{Answer, Decision};

use crate::world::World;
use testkit::mutation::{Mutation, Target};

/// A world whose tool runs in a workflow with files of this name.
fn in_workflow(mut world: World, name: &str) -> World {
    let file = |kind: &str| {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{kind}"));
        let _ = fs::remove_file(&path);
        Some(path)
    };
    world.github = Some(GitHub {
        summary: file("summary"),
        output: file("output"),
    });
    world
}

fn files(world: &World) -> (String, String) {
    let read = |path: &Option<PathBuf>| {
        let path = path.as_ref().expect("the test names it");
        fs::read_to_string(path).unwrap_or_default()
    };
    let github = world.github.as_ref().expect("the test runs in a workflow");
    (read(&github.summary), read(&github.output))
}

#[tokio::test(start_paused = true)]
async fn a_plan_passes_on_its_table_and_its_counts() {
    let world = in_workflow(World::new(Faults::default()).await, "plan");
    let ended = world.run(&["plan", "--json"]).await.expect(Exit::Done);
    serde_json::from_str::<Value>(&ended.printed.stdout).expect("one document");
    let (summary, output) = files(&world);
    assert!(
        summary.contains("| `+` | create | AWS::IAM::Role | lambda-apigateway-role |"),
        "{summary}"
    );
    assert_eq!(
        output,
        "create=12\nupdate=0\nreplace=0\ndelete=0\ndrift=0\nchanges=12\n"
    );
}

#[tokio::test(start_paused = true)]
async fn a_plan_s_table_says_what_changes() {
    let world = in_workflow(World::deployed(Faults::default()).await, "changes");
    world.run(&["plan"]).await.expect(Exit::Done);
    let (summary, _) = files(&world);
    assert!(summary.ends_with("\nNothing to do.\n\n"), "{summary}");
    world.apply(Mutation::ChangeMemory).await;
    let put = world.account.iam.put_role_policy();
    let put = put.role_name("lambda-apigateway-role");
    let put = put.policy_name(Target::LAB.policy);
    let narrow = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"sts:*","Resource":"*"}]}"#;
    let put = put.policy_document(narrow).send().await;
    put.expect("the role is there");
    let plan = ["plan", "--rate", "50"];
    world.run(&plan).await.expect(Exit::Done);
    let (summary, _) = files(&world);
    for part in [
        "| ! changed outside of provision<br>memory\\_mb: 1024 → 256 |",
        "&nbsp;&nbsp;+ Allow dynamodb:",
        "(broadens rights)",
        "| throttle.rate: 100.0 → 50.0 |",
        " calls to make\n",
        "\nCost: US$ ",
    ] {
        assert!(summary.contains(part), "no {part} in {summary}");
    }
    assert!(!summary.contains("declaration"), "{summary}");
}

#[tokio::test(start_paused = true)]
async fn a_run_is_grouped_masked_and_passes_on_its_outputs() {
    let world = in_workflow(World::new(Faults::default()).await, "up");
    let ended = world.run(&["up"]).await.expect(Exit::Done);
    let keys = world
        .account
        .apigateway
        .get_api_keys()
        .include_values(true)
        .send()
        .await
        .expect("a list");
    let key = keys.items()[0].value().expect("a value").to_owned();
    let said = &ended.printed.stderr;
    let mask = format!("::add-mask::{key}\n");
    assert!(said.contains(&mask), "{said}");
    let all = format!("{}{}", ended.printed.stdout, said.replace(&mask, ""));
    assert!(!all.contains(&key), "{all}");
    assert!(!ended.printed.stdout.contains("\n::"), "results only");
    for group in ["::group::Plan\n", "::group::Execution\n"] {
        let (_, inside) = said.split_once(group).expect(group);
        let (inside, _) = inside.split_once("::endgroup::\n").expect(group);
        assert!(inside.contains("AWS::IAM::Role"), "{group}{inside}");
    }
    let (summary, output) = files(&world);
    assert!(summary.contains("| done | "), "{summary}");
    assert!(summary.contains("| invoke\\_url | "), "{summary}");
    assert!(output.contains("function_name=LambdaFunctionOverHttps\n"));
    assert!(!output.contains("api_key="), "{output}");
    for text in [summary, output] {
        assert!(!text.contains(&key), "{text}");
    }
    let down = world.run(&["down", "--yes"]).await.expect(Exit::Done);
    assert!(!down.printed.stderr.contains(&key));
    assert!(files(&world).0.contains("down"));
}

#[tokio::test(start_paused = true)]
async fn the_value_is_masked_before_it_is_shown() {
    let world = in_workflow(World::deployed(Faults::default()).await, "outputs");
    let ended = world
        .run(&["outputs", "api_key", "--show-secrets"])
        .await
        .expect(Exit::Done);
    let key = ended.printed.stdout.trim();
    assert!(
        ended
            .printed
            .stderr
            .contains(&format!("::add-mask::{key}\n"))
    );
}

#[tokio::test(start_paused = true)]
async fn failures_are_annotated_and_summarized() {
    let world = in_workflow(World::new(Faults::default()).await, "failure");
    world.way.decide(|request| {
        if request.operation == "CreateRole" {
            Decision::Answer(Answer::query_error(403, "AccessDenied", "100% no"))
        } else {
            Decision::Forward
        }
    });
    let ended = world.run(&["up", "-q"]).await.expect(Exit::Partly);
    let said = &ended.printed.stderr;
    assert!(
        said.contains("\n::error title=P0017::creating role"),
        "{said}"
    );
    assert!(said.contains("100%25 no"), "{said}");
    assert!(!said.contains("::group::"), "{said}");
    let (summary, _) = files(&world);
    assert!(summary.contains("| failed | "), "{summary}");
    assert!(summary.contains("- **P0017** creating role"), "{summary}");
}

#[tokio::test(start_paused = true)]
async fn files_that_cannot_be_written_fail_nothing() {
    let mut world = World::new(Faults::default()).await;
    world.github = Some(GitHub {
        summary: Some("/nowhere/summary".into()),
        output: None,
    });
    let ended = world.run(&["plan"]).await.expect(Exit::Done);
    assert!(ended.printed.stderr.contains("::warning title=provision::"));
}
