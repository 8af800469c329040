//! Requests from API Gateway, answers to it, and a table: what the shop's functions share.
//!
//! The table is reached through the lab's small client, which is quick to build and to start; `aws-sdk-dynamodb` does as well.

use std::env;
use std::time::Duration;

use handler::{Config, DynamoDb, Event, Handler, Invocation, Level};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Map, Value, json};

/// A request that API Gateway passes on.
pub struct Request {
    /// `GET`, `POST` and so on.
    pub method: String,
    /// The route, as the stack declares it: `/orders/{id}`.
    pub route: String,
    /// The values of the route's parameters.
    pub parameters: Map<String, Value>,
    /// The body; `null` if it is not JSON.
    pub body: Value,
}

/// An answer: an HTTP status and a JSON body.
pub struct Answer(pub u16, pub Value);

/// A table, by its name.
pub struct Table {
    client: Handler,
    name: String,
}

impl Request {
    fn read(event: &Value) -> Self {
        let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        Self {
            method: text("httpMethod"),
            route: text("resource"),
            parameters: event["pathParameters"]
                .as_object()
                .cloned()
                .unwrap_or_default(),
            body: serde_json::from_str(&text("body")).unwrap_or_default(),
        }
    }

    /// Returns the value of a parameter of the route.
    pub fn parameter(&self, name: &str) -> &str {
        self.parameters
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }
}

impl Table {
    /// The table with this name.
    pub fn named(name: &str) -> Self {
        let database = Config::read(|name| env::var(name).ok()).and_then(DynamoDb::new);
        Self {
            client: Handler::new(database, Level::Warn),
            name: name.to_owned(),
        }
    }

    /// Puts an item.
    ///
    /// # Errors
    ///
    /// `DynamoDB`'s.
    pub async fn put(&self, item: Value) -> Result<(), Error> {
        self.call("create", json!({ "Item": item })).await.map(drop)
    }

    /// Returns the item with this key, if there is one.
    ///
    /// # Errors
    ///
    /// `DynamoDB`'s.
    pub async fn get(&self, key: Value) -> Result<Option<Value>, Error> {
        let answer = self.call("read", json!({ "Key": key })).await?;
        Ok(answer.get("Item").cloned())
    }

    /// Deletes the item with this key.
    ///
    /// # Errors
    ///
    /// `DynamoDB`'s.
    pub async fn delete(&self, key: Value) -> Result<(), Error> {
        self.call("delete", json!({ "Key": key })).await.map(drop)
    }

    /// Returns the items, as far as one page of `DynamoDB` goes: 1 MB.
    ///
    /// # Errors
    ///
    /// `DynamoDB`'s.
    pub async fn list(&self) -> Result<Vec<Value>, Error> {
        let mut answer = self.call("list", json!({})).await?;
        Ok(answer["Items"]
            .as_array_mut()
            .map(std::mem::take)
            .unwrap_or_default())
    }

    async fn call(&self, operation: &str, payload: Value) -> Result<Value, Error> {
        let event = json!({ "operation": operation, "tableName": self.name, "payload": payload });
        let invocation = Invocation {
            request_id: String::new(),
            remaining: Duration::from_secs(4),
        };
        let answer = self
            .client
            .handle(Event::read(&event.to_string()), invocation)
            .await;
        let answer =
            answer.map_err(|failure| format!("{}: {}", failure.error_type, failure.message))?;
        Ok(serde_json::from_str(&answer)?)
    }
}

/// Answers requests until Lambda ends the process.
///
/// # Errors
///
/// The runtime's. An error of `respond` is an answer with status 500 and a line in the log.
pub async fn serve(respond: impl AsyncFn(Request) -> Result<Answer, Error>) -> Result<(), Error> {
    let respond = &respond;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        let Answer(status, body) = match respond(Request::read(&event.payload)).await {
            Ok(answer) => answer,
            #[expect(
                clippy::print_stderr,
                reason = "Lambda keeps it in the function's log group"
            )]
            Err(error) => {
                eprintln!(
                    "{}",
                    json!({ "level": "ERROR", "message": error.to_string() })
                );
                Answer(500, json!({ "message": "internal error" }))
            }
        };
        Ok::<Value, Error>(json!({
            "statusCode": status,
            "headers": { "content-type": "application/json" },
            "body": body.to_string(),
        }))
    }))
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_from_the_event_of_api_gateway() {
        let request = Request::read(&json!({
            "httpMethod": "GET",
            "resource": "/orders/{id}",
            "pathParameters": { "id": "7" },
            "body": null,
        }));
        assert_eq!(
            (request.method.as_str(), request.route.as_str()),
            ("GET", "/orders/{id}")
        );
        assert_eq!(request.parameter("id"), "7");
        assert_eq!(request.parameter("other"), "");
        assert_eq!(request.body, Value::Null);
    }
}
