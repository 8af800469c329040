//! Chapter 5: tests of the notes.

use notes::notes;
use provision::testing::{
    FaultEvent, FaultKind, Faults, Local, assert_snapshot, declare, rights_of,
};
use provision::{Env, Table, apigateway, lambda};
use serde_json::json;

#[test]
fn every_route_asks_for_a_key() {
    let declaration = declare(notes, &Env::new(Some("prod"), "eu-west-1"));
    assert_eq!(declaration.all::<lambda::Function>().count(), 2);
    for (id, method) in declaration.all::<apigateway::Method>() {
        assert!(method.key_required, "{id}");
    }
}

#[test]
fn only_the_writer_writes() {
    let declaration = declare(notes, &Env::new(None, "eu-west-1"));
    let of_table = |id| rights_of(&declaration, id)[0].clone();
    assert_eq!(
        of_table("reader"),
        "dynamodb:GetItem, dynamodb:Scan on ${notes.arn}"
    );
    assert_eq!(of_table("writer"), "dynamodb:PutItem on ${notes.arn}");
}

#[test]
fn ids_and_names_are_as_they_were() {
    let declaration = declare(notes, &Env::new(None, "eu-west-1"));
    assert_snapshot!(declaration, "notes.txt");
}

#[test]
fn a_name_that_is_too_long_is_told() {
    let mut stack = notes(&Env::new(None, "eu-west-1"));
    stack.add("archive", Table::with_key("id").name(&"x".repeat(256)));
    let mistakes = stack.finish().unwrap_err().to_string();
    assert!(mistakes.contains("3 to 255 characters"), "{mistakes}");
}

#[tokio::test(start_paused = true)]
async fn notes_are_read_with_the_key_only() {
    let local = Local::new(notes::app());
    local.function(
        "notes-reader",
        |_| json!({ "statusCode": 200, "body": r#"{"notes":[]}"# }),
    );
    local.up().await;

    let (url, key) = (local.output("url").await, local.output("api_key").await);
    let answer = local.request("GET", &url, Some(&key), "").await;
    assert_eq!(answer.json(), json!({ "notes": [] }));
    let answer = local.request("GET", &url, None, "").await;
    assert_eq!(answer.status, 403);

    let again = local.up().await;
    assert!(again.stderr.contains("Nothing to do"), "{}", again.stderr);
    local.down().await;
}

#[tokio::test(start_paused = true)]
async fn a_bad_day_of_aws_is_survived() {
    let local = Local::new(notes::app());
    local.set_faults(Faults {
        role_propagation_ms: 8_000,
        events: vec![FaultEvent {
            operation: "CreateFunction".to_owned(),
            after: 0,
            times: 2,
            kind: FaultKind::Status(503),
        }],
        ..Faults::default()
    });
    local.up().await;
}
