//! From `DynamoDB`'s reply to what boto3 returns: known fields in its order, plain values, then the metadata.

use http::HeaderMap;

use crate::attribute::from_attribute;
use crate::dynamodb::Reply;
use crate::json::{Json, Object};
use crate::shape::{Members, Operation, Shape};

pub(crate) fn to_answer(operation: &Operation, reply: Reply) -> Json {
    let mut answer = match reply.body {
        Json::Object(fields) => known_fields(operation.output, fields),
        _ => Object::new(),
    };
    answer.insert(
        "ResponseMetadata".to_owned(),
        metadata(reply.status, &reply.headers, reply.retries),
    );
    Json::Object(answer)
}

fn known_fields(members: Members, mut fields: Object) -> Object {
    let known = members.iter().filter_map(|(name, shape)| {
        let value = fields
            .swap_remove(*name)
            .filter(|value| *value != Json::Null)?;
        Some(((*name).to_owned(), plain(shape, value)))
    });
    known.collect()
}

fn plain(shape: &Shape, value: Json) -> Json {
    match (shape, value) {
        (Shape::Attribute, value) => from_attribute(value),
        (Shape::List { of, .. }, Json::Array(items)) => {
            Json::Array(items.into_iter().map(|item| plain(of, item)).collect())
        }
        (Shape::Map(of), Json::Object(entries)) => Json::Object(
            entries
                .into_iter()
                .map(|(name, value)| (name, plain(of, value)))
                .collect(),
        ),
        (Shape::Structure { members, .. }, Json::Object(fields)) => {
            Json::Object(known_fields(members, fields))
        }
        (_, value) => value,
    }
}

fn metadata(status: u16, headers: &HeaderMap, retries: u32) -> Json {
    let text = |value: &http::HeaderValue| {
        Json::String(String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let mut metadata = Object::new();
    if let Some(id) = headers.get("x-amzn-requestid") {
        metadata.insert("RequestId".to_owned(), text(id));
    }
    metadata.insert("HTTPStatusCode".to_owned(), Json::number(status));
    let headers = headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), text(value)))
        .collect();
    metadata.insert("HTTPHeaders".to_owned(), Json::Object(headers));
    metadata.insert("RetryAttempts".to_owned(), Json::number(retries));
    Json::Object(metadata)
}
