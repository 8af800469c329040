//! The lab from its first page to its clean-up.

use serde_json::{Value, json};
use testkit::post;

use crate::names::{
    API, FUNCTION, KEY, LOG_GROUP, OWNER_TAG, PLAN, RESOURCE, ROLE, STACK, STAGE, TABLE,
};
use crate::world::{World, text};

async fn outputs(world: &World) -> Value {
    let run = world
        .cli
        .run(&["outputs", "--json", "--show-secrets"])
        .await;
    run.expect(0).json()
}

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn the_lab_by_hand_of_a_person() {
    let world = World::empty().await;
    let empty = world
        .cli
        .run(&["plan", "--detailed-exitcode"])
        .await
        .expect(2);
    assert!(empty.stdout.contains(FUNCTION), "{}", empty.stdout);
    assert_eq!(world.writes(), Vec::<String>::new(), "a plan only reads");

    world.up().await;
    assert!(!world.writes().is_empty());
    let outputs = outputs(&world).await;
    let (url, key) = (text(&outputs, "invoke_url"), text(&outputs, "api_key"));
    assert!(
        url.ends_with(&format!("/{STAGE}/_user_request_/{RESOURCE}")),
        "{url}"
    );
    let ask = async |operation: &str, payload: Value| {
        let body = json!({ "operation": operation, "tableName": TABLE, "payload": payload });
        let reply = post(url, Some(key), &body).await;
        assert_eq!(reply.status, 200, "{operation}: {}", reply.body);
        reply.json()
    };

    ask(
        "create",
        json!({ "Item": { "id": "1234ABCD", "number": 5 } }),
    )
    .await;
    ask("create", json!({ "Item": { "id": "1", "name": "Bob" } })).await;
    let read = ask("read", json!({ "Key": { "id": "1234ABCD" } })).await;
    assert_eq!(read["Item"], json!({ "id": "1234ABCD", "number": 5 }));
    ask(
        "update",
        json!({
            "Key": { "id": "1" },
            "UpdateExpression": "SET #n = :n",
            "ExpressionAttributeNames": { "#n": "name" },
            "ExpressionAttributeValues": { ":n": "Alice" },
        }),
    )
    .await;
    let list = ask("list", json!({})).await;
    assert_eq!(list["Count"], 2, "{list}");
    let changed = list["Items"]
        .as_array()
        .expect("items")
        .iter()
        .find(|item| item["id"] == "1");
    assert_eq!(changed.expect("the item is there")["name"], "Alice");
    ask("delete", json!({ "Key": { "id": "1" } })).await;
    let gone = ask("read", json!({ "Key": { "id": "1" } })).await;
    assert!(gone.get("Item").is_none(), "{gone}");
    let echoed = ask(
        "echo",
        json!({ "somekey1": "somevalue1", "somekey2": "somevalue2" }),
    )
    .await;
    assert_eq!(
        echoed,
        json!({ "somekey1": "somevalue1", "somekey2": "somevalue2" })
    );
    assert_eq!(ask("ping", json!({})).await, json!("pong"));
    let unknown = post(url, Some(key), &json!({ "operation": "fly" })).await;
    assert!(
        unknown.body.contains("Unrecognized operation"),
        "{unknown:?}"
    );

    world.down().await;
    assert!(
        world.census().await.is_empty(),
        "{:#}",
        world.census().await.value()
    );
}

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn only_the_key_opens_the_one_path() {
    let world = World::deployed().await;
    let outputs = outputs(&world).await;
    let (url, key) = (text(&outputs, "invoke_url"), text(&outputs, "api_key"));
    let ping = json!({ "operation": "ping" });

    let without = post(url, None, &ping).await;
    assert_eq!(
        (without.status, text(&without.json(), "message")),
        (403, "Forbidden")
    );
    let wrong = post(url, Some("not-the-key-of-this-stack"), &ping).await;
    assert_eq!(
        (wrong.status, text(&wrong.json(), "message")),
        (403, "Forbidden")
    );
    for path in [
        url.replace(RESOURCE, "dynamodbmanager"),
        url.replace(&format!("/{RESOURCE}"), ""),
    ] {
        let reply = post(&path, Some(key), &ping).await;
        assert_eq!(
            (reply.status, text(&reply.json(), "message")),
            (403, "Missing Authentication Token"),
            "{path}"
        );
    }
    let stage = post(
        &url.replace(&format!("/{STAGE}/"), "/prod/"),
        Some(key),
        &ping,
    )
    .await;
    assert_eq!(stage.status, 403);
    let get = testkit::request("GET", url, &[("x-api-key", key)], "").await;
    assert_eq!(get.status, 403);
}

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn a_second_up_writes_nothing() {
    let world = World::deployed().await;
    let clean = world.census().await;
    let deployments = world.deployments().await;
    world.proxy.take_calls();

    world.up().await;
    assert_eq!(world.writes(), Vec::<String>::new());
    assert_eq!(world.deployments().await, deployments);
    assert_eq!(world.plan().await, Vec::<String>::new());
    world
        .cli
        .run(&["plan", "--detailed-exitcode"])
        .await
        .expect(0);
    clean.assert_same(&world.census().await, "a second up");
}

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn the_account_holds_what_the_lab_describes() {
    let world = World::deployed().await;
    let census = world.census().await.masked();

    let role = &census["roles"][0];
    assert_eq!(role["name"], ROLE);
    assert_eq!(
        role["trust"]["Statement"][0]["Principal"]["Service"],
        "lambda.amazonaws.com"
    );
    let policies = role["policies"].as_object().expect("inline policies");
    let statements: Vec<&Value> = policies
        .values()
        .filter_map(|policy| policy["Statement"].as_array())
        .flatten()
        .collect();
    let table = &census["tables"][0];
    let of_table: Vec<_> = statements
        .iter()
        .filter(|statement| statement["Resource"] == table["arn"])
        .collect();
    assert_eq!(of_table.len(), 1, "{statements:#?}");
    assert_eq!(of_table[0]["Action"].as_array().map(Vec::len), Some(6));
    assert!(!role["policies"].to_string().contains("CreateLogGroup"));
    assert!(
        statements
            .iter()
            .all(|statement| statement["Resource"] != "*")
    );

    assert_eq!(
        (text(table, "name"), text(table, "billing")),
        (TABLE, "PAY_PER_REQUEST")
    );
    assert_eq!(table["keys"], json!(["id HASH"]));
    assert_eq!(table["attributes"], json!(["id S"]));

    let group = &census["log_groups"][0];
    assert_eq!(
        (text(group, "name"), &group["retention"]),
        (LOG_GROUP, &json!(14))
    );

    let function = &census["functions"][0];
    assert_eq!(
        (text(function, "name"), text(function, "runtime")),
        (FUNCTION, "provided.al2023")
    );
    assert_eq!(function["role"], role["arn"]);
    let statements = function["statements"].as_array().expect("statements");
    assert_eq!(statements.len(), 1, "{statements:#?}");
    assert_eq!(
        statements[0]["Principal"]["Service"],
        "apigateway.amazonaws.com"
    );

    let api = &census["rest_apis"][0];
    assert_eq!(
        (text(api, "name"), &api["endpoint"]),
        (API, &json!(["REGIONAL"]))
    );
    let resources = api["resources"].as_array().expect("resources");
    let paths: Vec<_> = resources
        .iter()
        .map(|resource| text(resource, "path"))
        .collect();
    assert_eq!(paths.len(), 2, "{paths:?}");
    let manager = resources
        .iter()
        .find(|resource| text(resource, "path") == format!("/{RESOURCE}"))
        .expect("the lab's resource");
    let method = &manager["methods"]["POST"];
    assert_eq!(
        (text(method, "authorization"), &method["key_required"]),
        ("NONE", &json!(true))
    );
    assert_eq!(
        (
            text(&method["integration"], "type"),
            text(&method["integration"], "method")
        ),
        ("AWS_PROXY", "POST")
    );
    assert_eq!(text(&api["stages"][0], "name"), STAGE);

    let key = &census["api_keys"][0];
    assert_eq!((text(key, "name"), &key["enabled"]), (KEY, &json!(true)));
    let plan = &census["usage_plans"][0];
    assert_eq!(
        (
            text(plan, "name"),
            plan["rate"].as_f64(),
            plan["burst"].as_i64()
        ),
        (PLAN, Some(100.0), Some(20))
    );
    assert_eq!(
        plan["stages"],
        json!([{ "api": format!("{{api {API}}}"), "stage": STAGE, "throttles": 0 }])
    );
    assert_eq!(plan["keys"], json!([format!("{{key {KEY}}}")]));

    for tagged in [
        role,
        table,
        group,
        function,
        api,
        &api["stages"][0],
        key,
        plan,
    ] {
        assert_eq!(text(&tagged["tags"], OWNER_TAG), STACK, "{tagged:#}");
        assert_ne!(text(&tagged["tags"], "provision:id"), "", "{tagged:#}");
    }
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

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn down_leaves_nothing_and_a_second_one_does_nothing() {
    let world = World::deployed().await;
    world.down().await;
    assert!(
        world.census().await.is_empty(),
        "{:#}",
        world.census().await.value()
    );
    world.proxy.take_calls();
    world.down().await;
    assert_eq!(world.writes(), Vec::<String>::new());
    assert!(world.census().await.is_empty());
    world.up().await;
    world.down().await;
    assert!(world.census().await.is_empty());
}

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn down_without_a_yes_keeps_data() {
    let world = World::deployed().await;
    put_item(&world).await;
    let clean = world.census().await;
    world.proxy.take_calls();

    let refused = world.cli.run(&["down"]).await.expect(1);
    assert!(refused.stderr.contains("--yes"), "{}", refused.stderr);
    assert_eq!(world.writes(), Vec::<String>::new());
    clean.assert_same(&world.census().await, "a refused down");

    world
        .cli
        .run(&["down", "--yes", "--keep-data"])
        .await
        .expect(0);
    assert_eq!(
        world
            .census()
            .await
            .counts()
            .into_keys()
            .collect::<Vec<_>>(),
        ["tables"]
    );
    world.up().await;
    clean.assert_same(&world.census().await, "up over the kept table");
    world.down().await;
    assert!(world.census().await.is_empty());
}

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn down_without_a_yes_goes_ahead_when_nothing_is_lost() {
    let world = World::deployed().await;
    world.cli.run(&["down"]).await.expect(0);
    assert!(world.census().await.is_empty());
}

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn another_throttle_and_back() {
    let world = World::deployed().await;
    let clean = world.census().await;
    world
        .cli
        .run(&["up", "--yes", "--rate", "7.5", "--burst", "3"])
        .await
        .expect(0);
    let census = world.census().await.masked();
    let plan = &census["usage_plans"][0];
    assert_eq!(
        (plan["rate"].as_f64(), plan["burst"].as_i64()),
        (Some(7.5), Some(3))
    );
    world.up().await;
    clean.assert_same(&world.census().await, "the declared throttle again");
}

async fn put_item(world: &World) {
    let id = testkit::sdk::dynamodb::types::AttributeValue::S("1".to_owned());
    let put = world
        .account
        .dynamodb
        .put_item()
        .table_name(TABLE)
        .item("id", id);
    put.send().await.expect("PutItem");
}
