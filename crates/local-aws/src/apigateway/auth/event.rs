//! What an authorizer's function gets ("Input to an API Gateway Lambda authorizer").

use serde_json::{Map, Value, json};

use crate::apigateway::event;
use crate::apigateway::invocation::Incoming;

/// The members of a proxy's event that an authorizer of type REQUEST gets too; what is not there is an empty object.
const MEMBERS: [&str; 10] = [
    "resource",
    "path",
    "httpMethod",
    "headers",
    "multiValueHeaders",
    "queryStringParameters",
    "multiValueQueryStringParameters",
    "pathParameters",
    "stageVariables",
    "requestContext",
];

pub(super) fn of_token(token: &str, arn: &str) -> Value {
    json!({ "type": "TOKEN", "methodArn": arn, "authorizationToken": token })
}

/// The request, without its body.
pub(super) fn of_request(incoming: &Incoming, trace: &str, arn: &str) -> Option<Value> {
    let event = event::of(incoming, trace).ok()?;
    let mut event: Map<String, Value> = serde_json::from_slice(&event).ok()?;
    let mut members = Map::new();
    members.insert("type".to_owned(), "REQUEST".into());
    members.insert("methodArn".to_owned(), arn.into());
    for name in MEMBERS {
        let value = event
            .get_mut(name)
            .map(Value::take)
            .filter(|value| !value.is_null());
        members.insert(name.to_owned(), value.unwrap_or_else(|| json!({})));
    }
    Some(members.into())
}
