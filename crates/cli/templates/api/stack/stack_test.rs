//! The stack as it is declared, and as it answers.

use provision::testing::{Local, assert_snapshot, declare, rights_of};
use provision::{Env, dynamodb};
use serde_json::json;

use @crate@::{app, stack};

/// A changed id replaces what is deployed under the old one: here a review sees it. `UPDATE_EXPECT=1 cargo test` writes the file.
#[test]
fn ids_names_and_rights() {
    let declaration = declare(stack, &Env::new(Some("prod"), "eu-west-1"));
    assert_snapshot!(declaration, "declaration.txt");
}

#[test]
fn the_table_is_protected_in_prod() {
    let declaration = declare(stack, &Env::new(Some("prod"), "eu-west-1"));
    let (_, table) = declaration.all::<dynamodb::Table>().next().unwrap();
    assert!(table.deletion_protection && table.point_in_time_recovery);
}

#[test]
fn the_reader_does_not_write() {
    let declaration = declare(stack, &Env::new(None, "eu-west-1"));
    let rights = rights_of(&declaration, "reader").join("\n");
    assert!(!rights.contains("PutItem"), "{rights}");
}

/// On a local AWS inside of this test; functions are stand-ins that say who they are.
#[tokio::test(start_paused = true)]
async fn every_route_reaches_its_function() {
    let local = Local::new(app());
    for name in ["reader", "writer"] {
        let answer = move |_| json!({ "statusCode": 200, "body": name });
        local.function(&format!("@name@-{name}"), answer);
    }
    local.up().await;
    let (url, key) = (local.output("url").await, local.output("api_key").await);
    for (method, path, function) in [
        ("POST", "/notes", "writer"),
        ("GET", "/notes/1", "reader"),
        ("GET", "/authors/ada/notes", "reader"),
    ] {
        let url = format!("{url}{path}");
        let answer = local.request(method, &url, Some(&key), "{}").await;
        assert_eq!((answer.status, answer.body.as_str()), (200, function));
        let refused = local.request(method, &url, None, "{}").await;
        assert_eq!(refused.status, 403, "{path} without a key");
    }
    local.down().await;
}
