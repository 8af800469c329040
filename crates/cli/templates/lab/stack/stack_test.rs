//! The stack as it is declared, and as it answers.

use provision::Env;
use provision::testing::{Local, assert_snapshot, declare};
use serde_json::json;

use @crate@::{app, stack};

/// A changed id replaces what is deployed under the old one: here a review sees it. `UPDATE_EXPECT=1 cargo test` writes the file.
#[test]
fn ids_names_and_rights() {
    let declaration = declare(stack, &Env::new(Some("prod"), "eu-west-1"));
    assert_snapshot!(declaration, "declaration.txt");
}

/// On a local AWS inside of this test; the function is a stand-in.
#[tokio::test(start_paused = true)]
async fn the_route_asks_for_a_key() {
    let local = Local::new(app());
    let answer = |_| json!({ "statusCode": 200, "body": "\"pong\"" });
    local.function("@name@-manager", answer);
    local.up().await;
    let (url, key) = (local.output("url").await, local.output("api_key").await);
    let answer = local.request("POST", &url, Some(&key), "{}").await;
    assert_eq!((answer.status, answer.json()), (200, json!("pong")));
    assert_eq!(local.request("POST", &url, None, "{}").await.status, 403);
    local.down().await;
}
