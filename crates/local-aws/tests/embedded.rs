//! A local AWS inside of a program that uses it as a library.

use std::net::TcpStream;

use bytes::Bytes;
use http::Request;
use local_aws::{Account, FaultEvent, FaultKind, Faults, LocalAws, Outcome, Running};

async fn groups(aws: &Running, account: &Account, operation: &str, body: &str) -> Option<String> {
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={}/20261124/eu-west-1/logs/aws4_request, SignedHeaders=host, Signature=00",
        account.id()
    );
    let request = Request::post("/")
        .header("authorization", authorization)
        .header("x-amz-target", format!("Logs_20140328.{operation}"))
        .body(Bytes::from(body.to_owned()))
        .expect("a request");
    match aws.aws().handle(request).await {
        Outcome::Answered(answer) => {
            Some(String::from_utf8(answer.into_body().to_vec()).expect("text"))
        }
        Outcome::Dropped => None,
    }
}

#[tokio::test]
async fn fresh_accounts_are_apart() {
    let aws = LocalAws::builder().start().await.expect("it starts");
    let (one, other) = (aws.fresh_account(), aws.fresh_account());
    assert_ne!(one.id(), other.id());
    groups(&aws, &one, "CreateLogGroup", r#"{"logGroupName":"a"}"#).await;
    let there = groups(&aws, &one, "DescribeLogGroups", "{}").await;
    assert!(there.is_some_and(|text| text.contains("\"logGroupName\":\"a\"")));
    let there = groups(&aws, &other, "DescribeLogGroups", "{}").await;
    assert!(there.is_some_and(|text| !text.contains("logGroupName")));
}

#[tokio::test]
async fn what_was_kept_is_there_again() {
    let folder = tempfile::tempdir().expect("a folder");
    for operation in ["CreateLogGroup", "DescribeLogGroups"] {
        let aws = LocalAws::builder().folder(folder.path()).start().await;
        let aws = aws.expect("it starts");
        let account = aws.account("123456789012");
        let there = groups(&aws, &account, operation, r#"{"logGroupName":"a"}"#).await;
        let is_told = there.is_some_and(|text| text.contains("log-group:a"));
        assert_eq!(is_told, operation == "DescribeLogGroups");
        aws.stop().await.expect("it stops");
    }
}

#[tokio::test]
async fn it_listens_until_it_is_stopped() {
    let aws = LocalAws::builder().listen(0).start().await;
    let aws = aws.expect("it starts");
    let url = aws.url().expect("it listens");
    let address = url.strip_prefix("http://").expect("HTTP").to_owned();
    TcpStream::connect(&address).expect("it listens");
    let taken = LocalAws::builder().listen(
        address
            .rsplit(':')
            .next()
            .and_then(|port| port.parse().ok())
            .expect("a port"),
    );
    assert!(taken.start().await.is_err(), "the port is taken");
    aws.stop().await.expect("it stops");
    assert!(TcpStream::connect(&address).is_err());
}

#[tokio::test]
async fn faults_begin_with_it_and_end_when_told() {
    let faults = Faults {
        events: vec![FaultEvent {
            operation: "CreateLogGroup".to_owned(),
            after: 0,
            times: 9,
            kind: FaultKind::DropBefore,
        }],
        ..Faults::default()
    };
    let aws = LocalAws::builder().faults(faults).start().await;
    let aws = aws.expect("it starts");
    let account = aws.fresh_account();
    let body = r#"{"logGroupName":"a"}"#;
    assert_eq!(groups(&aws, &account, "CreateLogGroup", body).await, None);
    aws.set_faults(Faults::default());
    assert!(
        groups(&aws, &account, "CreateLogGroup", body)
            .await
            .is_some()
    );
}
