//! Failures of `DynamoDB` and the network, and the answers to the caller.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use handler::json::Json;
use handler::{Config, DynamoDb, Event, Handler, Level};
use support::{Lab, ask, handler_at, json, post};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket};

const LIST: &str = r#"{"operation": "list", "tableName": "lab", "payload": {}}"#;

/// Starts an endpoint that gives these answers in turn and repeats the last one; an empty answer closes the connection.
async fn endpoint(answers: Vec<String>) -> (Handler, Arc<AtomicUsize>) {
    let listener = TcpListener::bind(("127.0.0.1", 0))
        .await
        .expect("a loopback port is free");
    let port = listener
        .local_addr()
        .expect("a bound listener has an address")
        .port();
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (answers, calls) = (answers.clone(), Arc::clone(&counted));
            tokio::spawn(async move {
                let mut request = vec![0; 65_536];
                while matches!(stream.read(&mut request).await, Ok(count) if count > 0) {
                    let call = calls.fetch_add(1, Ordering::SeqCst);
                    let answer = &answers[call.min(answers.len() - 1)];
                    if answer.is_empty() || stream.write_all(answer.as_bytes()).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    (handler_at(&format!("http://127.0.0.1:{port}")), calls)
}

fn http(status: u16, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} X\r\nx-amzn-RequestId: id-1\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn refusal(status: u16, code: &str, message: &str) -> String {
    http(
        status,
        &format!(
            r#"{{"__type": "com.amazonaws.dynamodb.v20120810#{code}", "message": "{message}"}}"#
        ),
    )
}

fn envelope(body: &str) -> String {
    Json::object([
        ("requestContext", json("{}")),
        ("httpMethod", Json::text("POST")),
        ("body", Json::text(body)),
    ])
    .to_string()
}

#[tokio::test]
async fn each_refusal_has_its_status_and_class() {
    for (http_status, code, message, status, class) in [
        (400, "ValidationException", "bad", 400, "ClientError"),
        (400, "SerializationException", "bad", 400, "ClientError"),
        (
            400,
            "ValidationException",
            "Item size has exceeded the maximum allowed size",
            413,
            "ClientError",
        ),
        (400, "AccessDeniedException", "no", 403, "ClientError"),
        (
            400,
            "ResourceNotFoundException",
            "no table",
            404,
            "ResourceNotFoundException",
        ),
        (
            400,
            "ConditionalCheckFailedException",
            "no",
            409,
            "ConditionalCheckFailedException",
        ),
        (
            400,
            "TransactionConflictException",
            "busy",
            409,
            "TransactionConflictException",
        ),
        (
            400,
            "ItemCollectionSizeLimitExceededException",
            "full",
            413,
            "ItemCollectionSizeLimitExceededException",
        ),
        (413, "RequestEntityTooLarge", "large", 413, "ClientError"),
        (
            400,
            "UnrecognizedClientException",
            "who",
            500,
            "ClientError",
        ),
        (400, "ExpiredTokenException", "old", 500, "ClientError"),
    ] {
        let (handler, calls) = endpoint(vec![refusal(http_status, code, message)]).await;
        let (got, body) = post(&handler, &envelope(LIST)).await;
        let expected =
            format!("An error occurred ({code}) when calling the Scan operation: {message}");
        assert_eq!(got, status, "{code}");
        assert_eq!(
            body,
            Json::object([
                ("errorType", Json::text(class)),
                ("errorMessage", Json::text(expected))
            ])
        );
        assert_eq!(calls.load(Ordering::SeqCst), 1, "{code} is not retried");
    }
}

#[tokio::test]
async fn passing_faults_are_retried_three_times_in_all() {
    for (http_status, code, status) in [
        (500, "InternalServerError", 502),
        (503, "ServiceUnavailable", 503),
    ] {
        let (handler, calls) = endpoint(vec![refusal(http_status, code, "later")]).await;
        let (got, body) = post(&handler, &envelope(LIST)).await;
        assert_eq!((got, calls.load(Ordering::SeqCst)), (status, 3));
        let message = format!(
            "An error occurred ({code}) when calling the Scan operation (reached max retries: 2): later"
        );
        assert_eq!(body.get("errorMessage"), Some(&Json::text(message)));
    }
}

#[tokio::test]
async fn throttling_is_429_in_the_end() {
    let (handler, calls) = endpoint(vec![refusal(
        400,
        "ProvisionedThroughputExceededException",
        "slow down",
    )])
    .await;
    let (status, body) = post(&handler, &envelope(LIST)).await;
    assert_eq!((status, calls.load(Ordering::SeqCst)), (429, 3));
    assert_eq!(
        body.get("errorType"),
        Some(&Json::text("ProvisionedThroughputExceededException"))
    );
}

#[tokio::test]
async fn a_retry_that_succeeds_is_counted() {
    let answers = vec![
        refusal(500, "InternalServerError", "x"),
        http(200, r#"{"Count": 0}"#),
    ];
    let (handler, _) = endpoint(answers).await;
    let answer = ask(&handler, LIST)
        .await
        .expect("the second attempt succeeds");
    assert_eq!(
        answer.to_string(),
        r#"{"Count": 0, "ResponseMetadata": {"RequestId": "id-1", "HTTPStatusCode": 200, "HTTPHeaders": {"x-amzn-requestid": "id-1", "content-length": "12"}, "RetryAttempts": 1}}"#
    );
}

#[tokio::test]
async fn a_connection_closed_while_idle_is_replaced_unnoticed() {
    let closing = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}".to_owned();
    let (handler, calls) = endpoint(vec![closing, http(200, "{}")]).await;
    for _ in 0..3 {
        let answer = ask(&handler, LIST).await.expect("each request is answered");
        assert_eq!(
            answer
                .get("ResponseMetadata")
                .and_then(|m| m.get("RetryAttempts")),
            Some(&Json::number(0))
        );
    }
    assert_eq!(calls.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again() {
    let (handler, calls) = endpoint(vec![String::new(), http(200, "{}")]).await;
    assert!(ask(&handler, LIST).await.is_ok());
    assert_eq!(calls.load(Ordering::SeqCst), 2);
    let (handler, calls) = endpoint(vec![String::new()]).await;
    let (status, body) = post(&handler, &envelope(LIST)).await;
    assert_eq!((status, calls.load(Ordering::SeqCst)), (502, 3));
    assert_eq!(
        body.get("errorType"),
        Some(&Json::text("ConnectionClosedError"))
    );
}

#[tokio::test]
async fn answers_that_are_no_answers_are_ours_to_explain() {
    for (answer, status, error_type) in [
        (http(200, "<html>"), 502, "ResponseParserError"),
        (http(404, "<html>"), 400, "ClientError"),
        (http(400, "[]"), 400, "ClientError"),
    ] {
        let (handler, _) = endpoint(vec![answer]).await;
        let (got, body) = post(&handler, &envelope(LIST)).await;
        assert_eq!(
            (got, body.get("errorType")),
            (status, Some(&Json::text(error_type)))
        );
    }
}

#[tokio::test]
async fn an_endpoint_that_is_not_there_is_502() {
    // The bound socket reserves the port and never listens.
    let closed = TcpSocket::new_v4().expect("a socket");
    closed
        .bind(([127, 0, 0, 1], 0).into())
        .expect("a loopback port is free");
    let address = closed.local_addr().expect("it is bound");
    let handler = handler_at(&format!("http://{address}"));
    let (status, body) = post(&handler, &envelope(LIST)).await;
    assert_eq!(
        (status, body.get("errorType")),
        (502, Some(&Json::text("EndpointConnectionError")))
    );
}

#[tokio::test]
async fn silence_is_504_in_time() {
    let listener = TcpListener::bind(("127.0.0.1", 0))
        .await
        .expect("a loopback port is free");
    let handler = handler_at(&format!(
        "http://{}",
        listener.local_addr().expect("it has an address")
    ));
    let invocation = handler::Invocation {
        remaining: std::time::Duration::from_millis(50),
        ..support::invocation()
    };
    let answer = handler
        .handle(Event::read(&envelope(LIST)), invocation)
        .await
        .expect("an envelope is answered");
    assert_eq!(json(&answer).get("statusCode"), Some(&Json::number(504)));
}

#[tokio::test]
async fn without_configuration_echo_works_and_calls_say_what_is_missing() {
    let with = |names: &'static [&'static str]| {
        move |name: &str| names.contains(&name).then(|| "eu-west-1".to_owned())
    };
    for (names, error_type) in [
        (&[][..], "NoRegionError"),
        (&["AWS_REGION"], "NoCredentialsError"),
        (&["AWS_REGION", "AWS_ACCESS_KEY_ID"], "NoCredentialsError"),
        (&["AWS_REGION", "AWS_ENDPOINT_URL"], "ValueError"),
    ] {
        let handler = Handler::new(
            Config::read(with(names)).and_then(DynamoDb::new),
            Level::Off,
        );
        assert_eq!(
            ask(&handler, r#"{"operation": "ping"}"#).await,
            Ok(Json::text("pong"))
        );
        let (status, body) = post(&handler, &envelope(LIST)).await;
        assert_eq!(
            (status, body.get("errorType")),
            (500, Some(&Json::text(error_type)))
        );
    }
}

#[tokio::test]
async fn a_denial_names_no_arn_and_no_answer_a_secret() {
    let message = "User: arn:aws:sts::123456789012:assumed-role/lab/f is not authorized to perform: dynamodb:Scan on \
                   resource: arn:aws:dynamodb:us-east-1:123456789012:table/lab because no policy allows it";
    let (handler, _) = endpoint(vec![refusal(400, "AccessDeniedException", message)]).await;
    let (status, body) = post(&handler, &envelope(LIST)).await;
    let text = body.to_string();
    assert_eq!(status, 403);
    assert!(
        text.contains(
            "User: (arn) is not authorized to perform: dynamodb:Scan on resource: (arn) because"
        ),
        "{text}"
    );
    assert!(
        !text.contains("123456789012") && !text.contains("top-secret"),
        "{text}"
    );
}

#[tokio::test]
async fn the_databases_own_refusals() {
    let lab = Lab::start().await;
    for (event, status, error_type) in [
        (
            r#"{"operation": "list", "tableName": "missing", "payload": {}}"#,
            404,
            "ResourceNotFoundException",
        ),
        (
            r#"{"operation": "read", "tableName": "lab", "payload": {"Key": {"x": "1"}}}"#,
            400,
            "ClientError",
        ),
        (
            r#"{"operation": "create", "tableName": "lab", "payload": {"Item": {"id": "1"}, "ConditionExpression": "attribute_exists(id)"}}"#,
            409,
            "ConditionalCheckFailedException",
        ),
        (
            r#"{"operation": "create", "tableName": "lab", "payload": {"Item": {"id": "1", "n": 1.23456789012345678901234567890123456789}}}"#,
            400,
            "ClientError",
        ),
    ] {
        let (got, body) = lab.post(event).await;
        assert_eq!(
            (got, body.get("errorType")),
            (status, Some(&Json::text(error_type))),
            "{event}"
        );
        assert_eq!(lab.failure(event).await.error_type, error_type);
    }
}
