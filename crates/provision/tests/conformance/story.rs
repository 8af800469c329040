//! The lab from its first page to its clean-up.

use serde_json::{Value, json};
use testkit::post;

use crate::names::{FUNCTION, RESOURCE, STAGE, TABLE};
use crate::outputs::outputs;
use crate::world::{World, text};

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
