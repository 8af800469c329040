//! Requests to `DynamoDB` as they are sent.

mod support;

use handler::{Config, DynamoDb, Handler, Level};
use support::ask;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

#[tokio::test]
async fn a_call_is_signed_with_the_functions_own_session() {
    let listener = TcpListener::bind(("127.0.0.1", 0))
        .await
        .expect("a loopback port is free");
    let address = listener
        .local_addr()
        .expect("a bound listener has an address");
    let request = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("the handler connects");
        let mut request = String::new();
        while !request.ends_with("\"Limit\": 1}") {
            let mut buffer = [0; 4096];
            let count = stream.read(&mut buffer).await.expect("the request arrives");
            request.push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            .await
            .expect("it is answered");
        request
    });
    let config = Config::read(|name| {
        Some(match name {
            "AWS_REGION" => "eu-west-1".to_owned(),
            "AWS_ACCESS_KEY_ID" => "AKIDEXAMPLE".to_owned(),
            "AWS_SECRET_ACCESS_KEY" => "top-secret".to_owned(),
            "AWS_SESSION_TOKEN" => "session".to_owned(),
            "AWS_ENDPOINT_URL" => format!("http://{address}"),
            _ => return None,
        })
    });
    let handler = Handler::new(config.and_then(DynamoDb::new), Level::Off);
    let event = r#"{"operation": "list", "tableName": "lab", "payload": {"Limit": 1}}"#;
    assert!(ask(&handler, event).await.is_ok());

    let request = request.await.expect("the endpoint ran");
    let header = |name: &str| {
        request
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
            .expect(name)
            .trim()
            .to_owned()
    };
    assert_eq!(request.lines().next(), Some("POST / HTTP/1.1"));
    assert_eq!(header("host"), address.to_string());
    assert_eq!(header("content-type"), "application/x-amz-json-1.0");
    assert_eq!(header("x-amz-target"), "DynamoDB_20120810.Scan");
    assert_eq!(header("x-amz-security-token"), "session");
    let date = header("x-amz-date");
    let authorization = header("authorization");
    assert!(
        authorization.starts_with(&format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/{}/eu-west-1/dynamodb/aws4_request, SignedHeaders=",
            &date[..8]
        )),
        "{authorization}"
    );
    for signed in [
        "content-type",
        "host",
        "x-amz-date",
        "x-amz-security-token",
        "x-amz-target",
    ] {
        assert!(authorization.contains(signed), "{authorization}");
    }
    assert!(!request.contains("top-secret"));
    assert!(request.ends_with(r#"{"TableName": "lab", "Limit": 1}"#));
}
