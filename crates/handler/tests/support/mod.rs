//! A handler with its own database, on loopback in this process.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::time::Duration;

use dynoxide::Database;
use handler::json::{Json, parse};
use handler::{Config, DynamoDb, Event, Failure, Handler, Invocation, Level};
use tokio::net::TcpListener;

/// A handler and its database.
pub(crate) struct Lab {
    handler: Handler,
    pub(crate) database: Database,
}

impl Lab {
    /// Creates the tables `lab`, with the key `id`, and `ranged`, with the key `pk` and `sk` and an index of each kind.
    pub(crate) async fn start() -> Self {
        let database = Database::memory().expect("an in-memory database opens");
        for table in [LAB_TABLE, RANGED_TABLE] {
            let request = serde_json::from_str(table).expect("the table's definition parses");
            database
                .create_table(request)
                .expect("the table is created");
        }
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .expect("a loopback port is free");
        let port = listener
            .local_addr()
            .expect("a bound listener has an address")
            .port();
        tokio::spawn(dynoxide::server::serve_on(listener, database.clone()));
        Self {
            handler: handler_at(&format!("http://127.0.0.1:{port}")),
            database,
        }
    }

    /// Handles a raw event.
    pub(crate) async fn ask(&self, event: &str) -> Result<Json, Failure> {
        ask(&self.handler, event).await
    }

    /// Returns the answer to a raw event that succeeds, without its metadata.
    pub(crate) async fn answer(&self, event: &str) -> Json {
        match self.ask(event).await {
            Ok(Json::Object(mut answer)) => {
                let metadata = answer
                    .remove("ResponseMetadata")
                    .expect("an answer has metadata");
                assert_eq!(metadata.get("HTTPStatusCode"), Some(&Json::number(200)));
                assert_eq!(metadata.get("RetryAttempts"), Some(&Json::number(0)));
                assert!(metadata.get("RequestId").is_some());
                Json::Object(answer)
            }
            other => panic!("{event}: {other:?}"),
        }
    }

    /// Returns the failure of a raw event that fails.
    pub(crate) async fn failure(&self, event: &str) -> Failure {
        self.ask(event).await.expect_err(event)
    }

    /// Handles a proxy event with this body; returns the status and body of the answer.
    pub(crate) async fn post(&self, body: &str) -> (u16, Json) {
        self.envelope(&Json::object([
            ("httpMethod", Json::text("POST")),
            (
                "requestContext",
                Json::object([("stage", Json::text("Prod"))]),
            ),
            ("body", Json::text(body)),
            ("isBase64Encoded", Json::Bool(false)),
        ]))
        .await
    }

    pub(crate) async fn envelope(&self, envelope: &Json) -> (u16, Json) {
        post(&self.handler, &envelope.to_string()).await
    }
}

pub(crate) fn handler_at(endpoint: &str) -> Handler {
    let config = Config::read(|name| {
        Some(match name {
            "AWS_REGION" => "us-east-1".to_owned(),
            "AWS_ACCESS_KEY_ID" => "key".to_owned(),
            "AWS_SECRET_ACCESS_KEY" => "top-secret".to_owned(),
            "AWS_ENDPOINT_URL_DYNAMODB" => endpoint.to_owned(),
            _ => return None,
        })
    });
    Handler::new(config.and_then(DynamoDb::new), Level::Off)
}

pub(crate) fn invocation() -> Invocation {
    Invocation {
        request_id: "request-1".to_owned(),
        remaining: Duration::from_secs(20),
    }
}

pub(crate) async fn ask(handler: &Handler, event: &str) -> Result<Json, Failure> {
    let answer = handler.handle(Event::read(event), invocation()).await?;
    Ok(parse(&answer).expect("an answer is JSON"))
}

/// Handles a proxy event; returns the status and body of the answer, and checks its other fields.
pub(crate) async fn post(handler: &Handler, envelope: &str) -> (u16, Json) {
    let answer = ask(handler, envelope)
        .await
        .expect("an envelope is always answered");
    let headers = answer.get("headers").expect("an answer has headers");
    assert_eq!(headers.get("x-request-id"), Some(&Json::text("request-1")));
    assert_eq!(
        headers.get("Content-Type"),
        Some(&Json::text("application/json"))
    );
    assert_eq!(answer.get("isBase64Encoded"), Some(&Json::Bool(false)));
    let Some(Json::Number(status)) = answer.get("statusCode") else {
        panic!("no status: {answer}")
    };
    let body = answer
        .get("body")
        .and_then(Json::as_str)
        .expect("the body is a string");
    (
        status.parse().expect("a status is a number"),
        parse(body).expect("the body is JSON"),
    )
}

pub(crate) fn json(text: &str) -> Json {
    parse(text).expect(text)
}

const LAB_TABLE: &str = r#"{"TableName": "lab", "BillingMode": "PAY_PER_REQUEST",
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}]}"#;

const RANGED_TABLE: &str = r#"{"TableName": "ranged", "BillingMode": "PAY_PER_REQUEST",
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    "AttributeDefinitions": [
        {"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "N"},
        {"AttributeName": "other", "AttributeType": "S"}, {"AttributeName": "local", "AttributeType": "N"}],
    "GlobalSecondaryIndexes": [{"IndexName": "by-other",
        "KeySchema": [{"AttributeName": "other", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}],
    "LocalSecondaryIndexes": [{"IndexName": "by-local",
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "local", "KeyType": "RANGE"}],
        "Projection": {"ProjectionType": "KEYS_ONLY"}}]}"#;
