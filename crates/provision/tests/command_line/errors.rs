//! Errors as users meet them: the code, what happened, what to try, alike as text and as JSON.

use std::time::Duration;

use local_aws::Faults;
use provision::apigateway::ApiKey;
use provision::dynamodb::Table;
use provision::{App, Stack, Tags};
use provision_cli::exit::Exit;
use serde_json::{Value, json};
use testkit::{Answer, Cli, Decision};

use crate::world::{ACCOUNT, Ended, World, binary};

/// Ends with `exit`; the first error has `code` on stderr, and in the document too where there is one.
#[track_caller]
fn is_told(ended: Ended, exit: Exit, code: &str, about: &str) -> Ended {
    let ended = ended.expect(exit);
    let said = &ended.printed.stderr;
    assert!(said.contains(&format!("error[{code}]: ")), "{said}");
    assert!(said.contains(about), "{said}");
    if !ended.printed.stdout.is_empty() {
        let document: Value = serde_json::from_str(&ended.printed.stdout).expect("one document");
        assert_eq!(document["schema"], 1, "{document}");
        let error = &document["errors"][0];
        assert_eq!(error["code"], code, "{document}");
        assert!(error["message"].as_str().is_some(), "{document}");
    }
    ended
}

#[tokio::test(start_paused = true)]
async fn bad_input_is_told_by_its_code() {
    let world = World::new(Faults::default()).await;
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let cases: [(&[&str], &str, &str); 15] = [
        (&["plan", "--env", "a b"], "P0001", "`--env a b`"),
        (&["plan", "--rate=-1"], "P0002", "`--rate -1`"),
        (&["plan", "--rate", "0"], "P0002", "`--rate 0`"),
        (&["plan", "--burst", "0"], "P0002", "`--burst 0`"),
        (&["plan", "--rate", "-5"], "P0002", "`--rate -5`"),
        (&["up", "--burst=-1"], "P0002", "`--burst -1`"),
        (&["up", "--rate", "abc"], "P0029", "`abc`"),
        (&["plan", "--set", "burst=1.5"], "P0029", "`1.5`"),
        (&["plan", "--set", "speed=1"], "P0029", "`burst`, `rate`"),
        (&["invoke", "{"], "P0003", "provision invoke"),
        (&["explain", "P0117"], "P0005", "`provision explain P0017`"),
        (
            &["outputs", "--env", "a-name-of-20-letters"],
            "P0032",
            "`provision up --env a-name-of-20-letters`",
        ),
        (&["up", "--bootstrap", page], "P0013", page),
        (
            &["plan", "--bootstrap", "/nowhere/bootstrap"],
            "P0060",
            "/nowhere/bootstrap",
        ),
        (&["outputs"], "P0032", "`provision up`"),
    ];
    for (arguments, code, about) in cases {
        let exit = match code {
            "P0001" | "P0002" | "P0003" | "P0005" | "P0029" => Exit::Usage,
            _ => Exit::Failed,
        };
        let ended = is_told(world.run(arguments).await, exit, code, about);
        assert_eq!(ended.printed.stdout, "", "{arguments:?}");
        assert_eq!(ended.writes(), 0, "{arguments:?}");
        let arguments: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
        let ended = is_told(world.run(&arguments).await, exit, code, about);
        assert_ne!(ended.printed.stdout, "", "{arguments:?}");
    }
}

/// An application that is no lab: a table, and as many keys as it says.
fn app(keys: &'static [&'static str]) -> App {
    App::new("other").stack(move |env| {
        let mut stack = Stack::new("other", env);
        stack.add("notes", Table::on_demand(env.named("notes"), "id"));
        for id in keys {
            let key = ApiKey {
                name: env.named(id),
                description: String::new(),
                enabled: true,
                tags: Tags::default(),
            };
            stack.add(id, key);
        }
        Ok(stack)
    })
}

#[tokio::test(start_paused = true)]
async fn what_a_stack_has_not_or_has_twice_is_told_by_its_code() {
    let mut world = World::new(Faults::default()).await;
    world.app = || app(&[]);
    world.run(&["up"]).await.expect(Exit::Done);
    for (line, about) in [
        (&["key", "rotate"][..], "the stack has no API key"),
        (&["logs"], "the stack has no function"),
        (&["invoke", "--direct"], "the stack has no function"),
    ] {
        let ended = world.run(line).await;
        let ended = is_told(ended, Exit::Failed, "P0054", about);
        assert_eq!(ended.writes(), 0, "{line:?}");
        let line = [line, &["--json"]].concat();
        is_told(world.run(&line).await, Exit::Failed, "P0054", about);
    }
    world.app = || app(&["partners", "staff"]);
    world.run(&["up"]).await.expect(Exit::Done);
    let ended = world.run(&["key", "rotate"]).await;
    let ended = is_told(ended, Exit::Failed, "P0055", "partners");
    assert!(ended.printed.stderr.contains("staff"), "{ended:?}");
    assert_eq!(ended.writes(), 0);
    let ended = world.run(&["key", "rotate", "nosuch"]).await;
    is_told(ended, Exit::Failed, "P0046", "partners");
}

/// A binary that no function runs would be left out in silence, and another one be deployed.
#[tokio::test(start_paused = true)]
async fn a_binary_is_given_for_a_function_of_the_stack() {
    let world = World::new(Faults::default()).await;
    let given = format!("bootstrapp={}", binary(1));
    for command in ["plan", "up"] {
        let ended = world.run(&[command, "--bootstrap", &given]).await;
        let ended = is_told(ended, Exit::Failed, "P0046", "`bootstrapp`");
        assert!(ended.printed.stderr.contains("bootstrap"), "{ended:?}");
        assert_eq!(ended.writes(), 0);
    }
    let given = format!("bootstrap={}", binary(1));
    world
        .run(&["up", "--bootstrap", &given])
        .await
        .expect(Exit::Done);
}

/// A mistake in a declaration is told with the application's line, before any call.
#[tokio::test(start_paused = true)]
async fn what_aws_would_refuse_is_told_by_its_line() {
    let mut world = World::new(Faults::default()).await;
    world.app = || app(&["an id with spaces"]);
    for command in ["plan", "up", "down", "outputs", "graph", "policy"] {
        let ended = world.run(&[command]).await;
        let ended = is_told(
            ended,
            Exit::Failed,
            "P0009",
            "tests/command_line/errors.rs:",
        );
        assert_eq!(ended.writes(), 0, "{command}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_aws_refuses_is_told_with_resource_answer_and_remedy() {
    let world = World::new(Faults::default()).await;
    world.way.decide(|request| {
        if request.operation == "CreateRole" {
            Decision::Answer(Answer::query_error(403, "AccessDenied", "not you"))
        } else {
            Decision::Forward
        }
    });
    let ended = world.run(&["up", "--json"]).await;
    let ended = is_told(
        ended,
        Exit::Partly,
        "P0017",
        "creating role `lambda-apigateway-role`: CreateRole: AccessDenied: not you",
    );
    assert!(ended.printed.stderr.contains("\n  try: "));
    let document: Value = serde_json::from_str(&ended.printed.stdout).expect("one document");
    let error = &document["errors"][0];
    assert_eq!(
        error["resource"],
        json!({ "id": "role", "type": "AWS::IAM::Role", "name": "lambda-apigateway-role" })
    );
    assert_eq!(error["aws"]["operation"], "CreateRole");
    assert_eq!(error["aws"]["code"], "AccessDenied");
    assert_eq!(error["aws"]["message"], "not you");
    assert_eq!(error["aws"]["status"], 403);
    assert!(error["try"].is_string(), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_comes_after_the_account_that_it_is_about() {
    let world = World::new(Faults::default()).await;
    world
        .way
        .decide(|request| match request.operation.as_str() {
            "GetCallerIdentity" => Decision::Delay(Duration::from_secs(1)),
            "GetRole" => Decision::Answer(Answer::query_error(403, "AccessDenied", "not you")),
            _ => Decision::Forward,
        });
    for command in ["up", "plan", "down", "drift", "outputs"] {
        let ended = world.run(&[command]).await;
        let ended = is_told(ended, Exit::Failed, "P0017", "`provision policy`");
        let said = &ended.printed.stderr;
        assert!(said.starts_with("serverless-lab · account "), "{said}");
    }
}

#[tokio::test(start_paused = true)]
async fn losses_and_unknown_names_are_told_by_their_codes() {
    let world = World::deployed(Faults::default()).await;
    let ended = world.run(&["outputs", "nothing"]).await;
    is_told(ended, Exit::Failed, "P0004", "invoke_url");
    for line in [
        &["invoke", "nosuch", "{}"][..],
        &["logs", "nosuch"],
        &["key", "rotate", "nosuch"],
    ] {
        let ended = is_told(world.run(line).await, Exit::Failed, "P0046", "`nosuch`");
        assert_eq!(ended.writes(), 0, "{line:?}");
    }
    world
        .account
        .dynamodb
        .put_item()
        .table_name("lambda-apigateway")
        .item(
            "id",
            aws_sdk_dynamodb::types::AttributeValue::S("1".to_owned()),
        )
        .send()
        .await
        .expect("an item");
    let ended = world.run(&["down", "--json"]).await;
    let ended = is_told(ended, Exit::Failed, "P0033", "--keep-data");
    assert_eq!(ended.writes(), 0);
}

#[tokio::test(start_paused = true)]
async fn explain_tells_one_or_all() {
    let world = World::new(Faults::default()).await;
    let one = world.run(&["explain", "p17"]).await.expect(Exit::Done);
    assert!(one.printed.stdout.starts_with("P0017  "));
    assert!(one.printed.stdout.contains("\nTry:\n- "));
    for line in one.printed.stdout.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    let all = world.run(&["explain"]).await.expect(Exit::Done);
    assert!(all.printed.stdout.lines().count() > 40);
    let json = world.run(&["explain", "P0017", "--json"]).await;
    let document: Value =
        serde_json::from_str(&json.expect(Exit::Done).printed.stdout).expect("one document");
    assert_eq!(document["codes"][0]["code"], "P0017");
    assert_eq!(document["codes"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn an_endpoint_that_is_no_url_is_refused_before_the_first_call() {
    for (name, value) in [
        ("AWS_ENDPOINT_URL", "nonsense"),
        ("AWS_ENDPOINT_URL_LAMBDA", "127.0.0.1:4566"),
    ] {
        let run = Cli::new(
            env!("CARGO_BIN_EXE_provision"),
            "http://127.0.0.1:9",
            ACCOUNT,
        )
        .env(name, value)
        .run(&["outputs"])
        .await
        .expect(1);
        assert!(
            run.stderr
                .contains(&format!("error[P0007]: `{name}={value}`")),
            "{}",
            run.stderr
        );
    }
}
