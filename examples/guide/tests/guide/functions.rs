//! Tests of `functions.rs`.

use provision::testing::{Local, declare};
use provision::{Env, lambda};
use serde_json::json;

use guide::functions::{add_report, app, hello};

#[tokio::test(start_paused = true)]
async fn the_stack_answers() {
    let local = Local::new(app());
    local.function("hello-hello", |event| {
        let name = &event["pathParameters"]["name"];
        json!({ "statusCode": 200, "body": json!({ "text": name }).to_string() })
    });
    local.up().await;
    let (url, key) = (local.output("url").await, local.output("key").await);
    let ask = async |path: &str, key| local.request("GET", &format!("{url}{path}"), key, "").await;
    assert_eq!(
        ask("/hello/ada", Some(&*key)).await.json(),
        json!({ "text": "ada" })
    );
    assert_eq!(ask("/hello/ada", None).await.status, 403);
    assert_eq!(ask("/status", None).await.status, 200);
}

#[test]
fn other_runtimes_are_declared_beside_programs() {
    let with_report = |env: &Env| {
        let mut stack = hello(env);
        add_report(&mut stack);
        stack
    };
    let declaration = declare(with_report, &Env::new(None, "eu-west-1"));
    assert!(declaration.warnings.is_empty());
    let (_, report) = declaration
        .all::<lambda::Function>()
        .find(|(id, _)| *id == "report")
        .unwrap();
    assert_eq!(report.runtime, "python3.13");
}
