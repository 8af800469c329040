//! Requests from API Gateway and answers to it: what the shop's functions share.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use provision_link::Route;
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

    /// Returns true if the request is one to this route.
    pub fn is(&self, route: Route) -> bool {
        self.method == route.method().as_str() && self.route == route.path()
    }

    /// Returns the value of a parameter of the route.
    pub fn parameter(&self, name: &str) -> &str {
        self.parameters
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
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
        assert!(request.is(Route::get("/orders/{id}")));
        assert!(!request.is(Route::delete("/orders/{id}")));
        assert!(!request.is(Route::get("/orders")));
        assert_eq!(request.parameter("id"), "7");
        assert_eq!(request.parameter("other"), "");
        assert_eq!(request.body, Value::Null);
    }
}
