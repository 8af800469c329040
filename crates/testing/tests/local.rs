//! A small stack, deployed inside of the test.

#![expect(clippy::needless_raw_string_hashes, reason = "`expect!` writes them")]

use std::time::Duration;

use anyhow::Result;
use expect_test::expect;
use provision_cli::App;
use provision_constructs::{ApiKey, Function, RestApi, Table, Throttle, UsagePlan};
use provision_engine::asset::Code;
use provision_engine::env::Env;
use provision_engine::stack::Stack;
use provision_link::{GetItem, Item, Query, Route};
use provision_testing::{FaultEvent, FaultKind, Faults, Local, declare, describe, plan, rights_of};
use serde::{Deserialize, Serialize};
use serde_json::json;

const ONE: Route = Route::get("/notes/{id}");

#[derive(Serialize, Deserialize, Item)]
struct Note {
    #[partition_key]
    id: String,
    #[index("by-day")]
    day: String,
}

#[expect(clippy::unnecessary_wraps, reason = "it is a stack function")]
fn notes(env: &Env) -> Result<Stack> {
    let mut stack = Stack::new("notes", env);
    let notes = stack.add("table", Table::of::<Note>().for_production(env.is("prod")));
    let reader = Function::new(Code::binary("reader")).allow(notes.grant::<(GetItem, Query)>());
    let reader = stack.add("reader", reader);
    let api = RestApi::new().require_key().route(ONE, &reader);
    let api = stack.add("api", api);
    let key = stack.add("key", ApiKey::new());
    let plan = UsagePlan::over(&api, Throttle::per_second(10.0)).key(&key);
    stack.add("plan", plan);
    stack.output("url", api.base_url());
    stack.output("key", key.value());
    stack.check(api.answers(ONE).key(&key).at("/notes/1"));
    Ok(stack)
}

fn app() -> App {
    App::new("notes").stack(notes)
}

#[test]
fn a_declaration_is_read() {
    let declaration = declare(notes, &Env::new(Some("prod"), "eu-west-1"));
    let (_, table) = declaration
        .all::<provision_aws::dynamodb::Table>()
        .next()
        .expect("a table");
    assert!(table.deletion_protection);
    assert_eq!(
        rights_of(&declaration, "reader"),
        [
            "dynamodb:Query on ${table.arn}/index/by-day",
            "dynamodb:GetItem, dynamodb:Query on ${table.arn}",
            "logs:CreateLogStream, logs:PutLogEvents on ${reader/logs.arn}:*",
        ]
    );
    expect![[r#"
        stack notes-prod

        table table
          notes-prod-table

        log group reader/logs
          /aws/lambda/notes-prod-reader

        role reader/role
          notes-prod-reader-eu-west-1
          may dynamodb:Query on ${table.arn}/index/by-day
          may dynamodb:GetItem, dynamodb:Query on ${table.arn}
          may logs:CreateLogStream, logs:PutLogEvents on ${reader/logs.arn}:*

        function reader
          notes-prod-reader

        REST API api
          notes-prod-api

        path api/path/notes
          /notes

        path api/path/notes/{id}
          /notes/{id}

        method api/GET/notes/{id}
          GET /notes/{id}

        permission api/permission/reader
          apigateway-api

        deployment api/deployment
          snapshot

        stage api/stage
          live

        API key key
          notes-prod-key

        usage plan plan
          notes-prod-plan
    "#]]
    .assert_eq(&describe(&declaration));
    assert!(plan(&declaration).contains("notes-prod-table"));
}

#[tokio::test(start_paused = true)]
async fn the_whole_stack_answers() {
    let local = Local::new(app());
    local.function("notes-reader", |event| {
        let id = &event["pathParameters"]["id"];
        json!({ "statusCode": 200, "body": json!({ "id": id }).to_string() })
    });
    let faults = Faults {
        visibility_ms: 2_000,
        role_propagation_ms: 5_000,
        events: vec![unavailable("CreateTable")],
        ..Faults::default()
    };
    local.set_faults(faults);
    local.up().await;
    let again = local.up().await;
    assert!(again.stderr.contains("Nothing to do"), "{}", again.stderr);

    let (url, key) = (local.output("url").await, local.output("key").await);
    let url = format!("{url}/notes/7");
    let answer = local.request("GET", &url, Some(&key), "").await;
    assert_eq!((answer.status, answer.json()), (200, json!({ "id": "7" })));
    let refused = local.request("GET", &url, None, "").await;
    assert_eq!(refused.status, 403);

    local.run(&["drift"]).await.expect(0);
    local.down().await;
    let left = local.run(&["outputs"]).await;
    assert_eq!(left.code, 1, "{}", left.stderr);
}

fn unavailable(operation: &str) -> FaultEvent {
    FaultEvent {
        operation: operation.to_owned(),
        after: 0,
        times: 2,
        kind: FaultKind::Status(503),
    }
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "there is no output `nmae`")]
async fn an_output_that_there_is_not_is_told() {
    let local = Local::new(app());
    local.up().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    local.output("nmae").await;
}
