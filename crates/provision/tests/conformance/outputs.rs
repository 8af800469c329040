//! What the commands print, and what they hide.

use serde_json::Value;

use crate::names::{FUNCTION, LOG_GROUP, ROLE, STACK, STAGE, TABLE};
use crate::world::{World, text};

/// What `outputs` says, secrets included.
pub(crate) async fn outputs(world: &World) -> Value {
    let run = world
        .cli
        .run(&["outputs", "--json", "--show-secrets"])
        .await;
    run.expect(0).json()
}

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn outputs_say_what_is_deployed_and_hide_the_key() {
    let world = World::empty().await;
    let up = world.up().await;
    let shown = outputs(&world).await;
    let key = text(&shown, "api_key").to_owned();
    assert!(key.len() >= 20, "{shown:#}");
    for (field, value) in [
        ("stage", STAGE),
        ("function_name", FUNCTION),
        ("table_name", TABLE),
        ("log_group", LOG_GROUP),
        ("stack", STACK),
    ] {
        assert_eq!(text(&shown, field), value);
    }
    assert_eq!(shown["schema"], 1);
    assert_eq!(text(&shown, "rest_api_id"), world.rest_api_id().await);
    assert_eq!(Some(text(&shown, "api_key_id")), world.api_key().await.id());
    let account = &world.account.id;
    assert_eq!(
        text(&shown, "role_arn"),
        format!("arn:aws:iam::{account}:role/{ROLE}")
    );
    assert_eq!(
        text(&shown, "table_arn"),
        format!("arn:aws:dynamodb:eu-west-1:{account}:table/{TABLE}")
    );
    assert_eq!(
        text(&shown, "function_arn"),
        format!("arn:aws:lambda:eu-west-1:{account}:function:{FUNCTION}")
    );

    let hidden = world.cli.run(&["outputs", "--json"]).await.expect(0);
    assert_eq!(text(&hidden.json(), "api_key"), "****");
    let written = world.cli.run(&["outputs"]).await.expect(0);
    assert!(
        written.stdout.contains(text(&shown, "invoke_url")),
        "{}",
        written.stdout
    );
    let plan = world.cli.run(&["plan", "-v"]).await.expect(0);
    for run in [&up, &hidden, &written, &plan] {
        assert!(
            !run.stdout.contains(&key) && !run.stderr.contains(&key),
            "`{}` shows the key",
            run.arguments
        );
    }
}

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn up_and_down_speak_json() {
    let world = World::empty().await;
    let up = world
        .cli
        .run(&["up", "--yes", "--json"])
        .await
        .expect(0)
        .json();
    assert_eq!(
        (up["schema"].as_i64(), text(&up, "stack")),
        (Some(1), STACK)
    );
    assert_eq!(text(&up["target"], "account"), world.account.id);
    assert_eq!(text(&up["target"], "region"), "eu-west-1");
    let steps = up["steps"].as_array().expect("steps");
    assert!(
        steps
            .iter()
            .all(|step| step["status"] == "done" && step["ms"].is_u64()),
        "{up:#}"
    );
    assert!(up["elapsed_ms"].is_u64());
    assert!(
        text(&up["outputs"], "invoke_url").starts_with("http://127.0.0.1:"),
        "{up:#}"
    );
    let key = text(&outputs(&world).await, "api_key").to_owned();
    assert!(
        !up.to_string().contains(&key),
        "the key's value is in `up --json`"
    );

    let down = world
        .cli
        .run(&["down", "--yes", "--json"])
        .await
        .expect(0)
        .json();
    assert_eq!(down["schema"], 1);
    assert!(down.get("outputs").is_none());
    assert!(world.census().await.is_empty());
}

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn the_first_line_says_where() {
    let world = World::empty().await;
    let run = world.cli.run(&["plan"]).await.expect(0);
    let first = run
        .stdout
        .lines()
        .chain(run.stderr.lines())
        .next()
        .unwrap_or_default();
    let somewhere = [&run.stdout, &run.stderr].iter().any(|text| {
        let first = text.lines().next().unwrap_or_default();
        first.contains(STACK) && first.contains(&world.account.id)
    });
    assert!(somewhere, "{first}");
}
