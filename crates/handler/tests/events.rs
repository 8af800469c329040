//! Raw and proxy events, and refusals of invalid ones.

mod support;

use handler::Event;
use handler::json::{Json, MAX_DEPTH};
use support::{Lab, json};

fn envelope(body: Json, is_base64: bool) -> Json {
    Json::object([
        ("resource", Json::text("/DynamoDBManager")),
        ("httpMethod", Json::text("POST")),
        (
            "requestContext",
            Json::object([("stage", Json::text("Prod"))]),
        ),
        ("body", body),
        ("isBase64Encoded", Json::Bool(is_base64)),
    ])
}

#[tokio::test]
async fn an_envelope_is_answered_with_status_and_body() {
    let lab = Lab::start().await;
    let create = r#"{"operation": "create", "tableName": "lab", "payload": {"Item": {"id": "1", "n": 0.1}}}"#;
    let (status, body) = lab.post(create).await;
    assert_eq!(
        (status, body.get("ResponseMetadata").is_some()),
        (200, true)
    );
    let (status, body) = lab
        .post(r#"{"operation": "read", "tableName": "lab", "payload": {"Key": {"id": "1"}}}"#)
        .await;
    assert_eq!(
        (status, body.get("Item")),
        (200, Some(&json(r#"{"id": "1", "n": 0.1}"#)))
    );
    assert_eq!(
        lab.post(r#"{"operation": "ping"}"#).await,
        (200, Json::text("pong"))
    );
    assert_eq!(
        lab.post(r#"{"operation": "echo"}"#).await,
        (200, Json::Null)
    );
}

#[tokio::test]
async fn a_base64_body_is_decoded() {
    let lab = Lab::start().await;
    let body = Json::text("eyJvcGVyYXRpb24iOiAicGluZyJ9");
    assert_eq!(
        lab.envelope(&envelope(body, true)).await,
        (200, Json::text("pong"))
    );
    for bad in ["???", "/w==", "eyJ"] {
        let (status, body) = lab.envelope(&envelope(Json::text(bad), true)).await;
        assert_eq!(
            (status, body.get("errorType")),
            (400, Some(&Json::text("Runtime.UnmarshalError"))),
            "{bad}"
        );
    }
}

#[tokio::test]
async fn the_envelope_of_an_http_api_is_one_too() {
    let lab = Lab::start().await;
    let event = r#"{"version": "2.0", "routeKey": "POST /", "requestContext": {"http": {"method": "POST"}},
        "body": "{\"operation\": \"ping\"}", "isBase64Encoded": false}"#;
    assert_eq!(lab.envelope(&json(event)).await, (200, Json::text("pong")));
}

#[tokio::test]
async fn an_operation_beside_a_body_is_a_raw_event() {
    let lab = Lab::start().await;
    let event =
        r#"{"operation": "ping", "body": "{}", "httpMethod": "POST", "requestContext": {}}"#;
    assert_eq!(lab.ask(event).await, Ok(Json::text("pong")));
}

#[tokio::test]
async fn bodies_that_ask_for_nothing_are_refused() {
    let lab = Lab::start().await;
    for (body, error_type, message) in [
        (Json::Null, "KeyError", "'operation'"),
        (Json::text(""), "KeyError", "'operation'"),
        (Json::text("{}"), "KeyError", "'operation'"),
        (
            Json::text("[]"),
            "TypeError",
            "list indices must be integers or slices, not str",
        ),
        (
            Json::text("5"),
            "TypeError",
            "'int' object is not subscriptable",
        ),
        (
            Json::text("1.5"),
            "TypeError",
            "'float' object is not subscriptable",
        ),
        (
            Json::text("null"),
            "TypeError",
            "'NoneType' object is not subscriptable",
        ),
        (
            Json::text("\"x\""),
            "TypeError",
            "string indices must be integers, not 'str'",
        ),
        (
            Json::number(7),
            "Runtime.UnmarshalError",
            "Unable to unmarshal input: the body is not a string",
        ),
    ] {
        let (status, answer) = lab.envelope(&envelope(body.clone(), false)).await;
        let expected = Json::object([
            ("errorType", Json::text(error_type)),
            ("errorMessage", Json::text(message)),
        ]);
        assert_eq!(
            (status, answer.to_string()),
            (400, expected.to_string()),
            "{body}"
        );
    }
}

#[tokio::test]
async fn malformed_json_is_refused_in_pythons_words() {
    let lab = Lab::start().await;
    for (text, problem) in [
        (
            "{",
            "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
        ),
        (
            "{\"a\"}",
            "Expecting ':' delimiter: line 1 column 5 (char 4)",
        ),
        (
            "{\"a\": 1 2}",
            "Expecting ',' delimiter: line 1 column 9 (char 8)",
        ),
        ("[1,\n x]", "Expecting value: line 2 column 2 (char 5)"),
        ("{} {}", "Extra data: line 1 column 4 (char 3)"),
        (
            "\"\u{e9}\u{1}\"",
            "Invalid control character at: line 1 column 3 (char 2)",
        ),
        (
            "\"abc",
            "Unterminated string starting at: line 1 column 1 (char 0)",
        ),
        ("\"\\x\"", "Invalid \\escape: line 1 column 2 (char 1)"),
        (
            "\"\\u12g4\"",
            "Invalid \\uXXXX escape: line 1 column 3 (char 2)",
        ),
        ("NaN", "Expecting value: line 1 column 1 (char 0)"),
        ("\"\\ud800\"", "Lone surrogate: line 1 column 2 (char 1)"),
        (
            "\"\\udc00\\ud800\"",
            "Lone surrogate: line 1 column 2 (char 1)",
        ),
    ] {
        let (status, answer) = lab.post(text).await;
        let message = format!("Unable to unmarshal input: {problem}");
        assert_eq!(
            (status, answer.get("errorMessage")),
            (400, Some(&Json::text(message))),
            "{text}"
        );
        assert_eq!(lab.failure(text).await.error_type, "Runtime.UnmarshalError");
    }
}

#[tokio::test]
async fn an_event_that_is_no_text_is_refused() {
    let handler = support::handler_at("http://127.0.0.1:9");
    for (bytes, problem) in [
        (
            &b"{\"operation\": \"\xff\"}"[..],
            "invalid unicode code point at line 1 column 16",
        ),
        (
            b"{\"operation\"",
            "EOF while parsing an object at line 1 column 12",
        ),
        (b"\"\\ud800\"", "Lone surrogate: line 1 column 2 (char 1)"),
        (b"", "EOF while parsing a value at line 1 column 0"),
    ] {
        let event: Event = serde_json::from_slice(bytes).expect("reading an event never fails");
        let failure = handler
            .handle(event, support::invocation())
            .await
            .expect_err("it is refused");
        assert_eq!(
            (failure.status, &*failure.error_type, &*failure.message),
            (
                400,
                "Runtime.UnmarshalError",
                &*format!("Unable to unmarshal input: {problem}")
            )
        );
    }
}

#[tokio::test]
async fn of_duplicate_keys_the_last_wins() {
    let lab = Lab::start().await;
    let event =
        r#"{"operation": "echo", "payload": {"a": 1, "b": 2, "a": 3}, "operation": "echo"}"#;
    assert_eq!(
        lab.ask(event).await.expect("it is answered").to_string(),
        r#"{"a": 3, "b": 2}"#
    );
}

#[tokio::test]
async fn depth_is_bounded() {
    let lab = Lab::start().await;
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let echo = |depth| format!(r#"{{"operation": "echo", "payload": {}}}"#, nested(depth));
    assert_eq!(lab.post(&echo(MAX_DEPTH - 1)).await.0, 200);
    for depth in [MAX_DEPTH, 5_000, 1_000_000] {
        let (status, answer) = lab.post(&echo(depth)).await;
        assert_eq!(
            (status, answer.get("errorType")),
            (400, Some(&Json::text("Runtime.UnmarshalError")))
        );
        assert_eq!(lab.failure(&echo(depth)).await.status, 400);
    }
    let item = |depth| {
        format!(
            r#"{{"operation": "create", "tableName": "lab", "payload": {{"Item": {{"id": "1", "x": {}}}}}}}"#,
            nested(depth)
        )
    };
    assert_eq!(lab.post(&item(30)).await.0, 200);
    assert_eq!(lab.post(&item(MAX_DEPTH - 3)).await.0, 400);
}

#[tokio::test]
async fn six_megabytes_are_answered() {
    let lab = Lab::start().await;
    let echo = |payload: &str| format!(r#"{{"operation": "echo", "payload": "{payload}"}}"#);
    let large = "x".repeat(6_000_000);
    assert_eq!(
        lab.post(&echo(&large)).await,
        (200, Json::text(large.as_str()))
    );
    let create = format!(
        r#"{{"operation": "create", "tableName": "lab", "payload": {{"Item": {{"id": "1", "x": "{large}"}}}}}}"#
    );
    assert_eq!(lab.post(&create).await.0, 413);

    let grows_when_escaped = "\\u0000".repeat(1_000_000);
    let (status, answer) = lab.post(&echo(&grows_when_escaped)).await;
    assert_eq!(
        (status, answer.get("errorType")),
        (413, Some(&Json::text("Function.ResponseSizeTooLarge")))
    );

    // Python's message quotes the value, with six bytes for three of it.
    let grows_when_quoted = format!(
        r#"{{"operation": "create", "tableName": "lab", "payload": {{"Item": ["{}"]}}}}"#,
        "\u{200b}".repeat(1_050_000)
    );
    let (status, answer) = lab.post(&grows_when_quoted).await;
    assert_eq!(
        (status, answer.get("errorType")),
        (413, Some(&Json::text("Function.ResponseSizeTooLarge")))
    );
    assert_eq!(lab.failure(&grows_when_quoted).await.status, 413);
}

#[tokio::test]
async fn refusals_before_any_call_are_pythons() {
    let lab = Lab::start().await;
    for (event, error_type, message) in [
        (
            r#"{"operation": "x"}"#,
            "ValueError",
            "Unrecognized operation \"x\"",
        ),
        (
            r#"{"operation": 1e22}"#,
            "ValueError",
            "Unrecognized operation \"1e+22\"",
        ),
        (
            r#"{"operation": 0.00001}"#,
            "ValueError",
            "Unrecognized operation \"1e-05\"",
        ),
        (
            r#"{"operation": null}"#,
            "ValueError",
            "Unrecognized operation \"None\"",
        ),
        (
            r#"{"operation": []}"#,
            "TypeError",
            "unhashable type: 'list'",
        ),
        (
            r#"{"operation": "ping", "tableName": null}"#,
            "ValueError",
            "Required parameter name not set",
        ),
        (
            r#"{"operation": "list"}"#,
            "NameError",
            "cannot access free variable 'dynamo' where it is not associated with a value in enclosing scope",
        ),
        (
            r#"{"operation": "list", "tableName": "lab"}"#,
            "TypeError",
            "boto3.resources.factory.ResourceFactory._create_action.<locals>.do_action() argument after ** must be a \
             mapping, not NoneType",
        ),
        (
            r#"{"operation": "list", "tableName": "lab", "payload": {"ExpressionAttributeNames": []}}"#,
            "AttributeError",
            "'list' object has no attribute 'update'",
        ),
        (
            r#"{"operation": "list", "tableName": 5, "payload": {}}"#,
            "EndpointResolutionError",
            "Value (ResourceArn) is the wrong type. Must be <class 'str'>.",
        ),
        (
            r#"{"operation": "create", "tableName": "lab", "payload": {"Item": {"id": 100000000000000000000000000000000000001}}}"#,
            "Inexact",
            "[<class 'decimal.Inexact'>, <class 'decimal.Rounded'>]",
        ),
    ] {
        let failure = lab.failure(event).await;
        assert_eq!(
            (failure.status, &*failure.error_type, &*failure.message),
            (400, error_type, message)
        );
    }
}
