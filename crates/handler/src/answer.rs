//! Conversion of `DynamoDB`'s reply to boto3's return value: known fields in order, with plain or typed values, and the metadata.

use compact_str::CompactString;
use http::{HeaderMap, HeaderValue};

use crate::attribute::{AttributeFormat, from_attribute};
use crate::dynamodb::Reply;
use crate::json::{Json, Object};
use crate::shape::{Members, Operation, Shape};

/// Converts a reply.
pub(crate) fn to_answer(operation: &Operation, format: AttributeFormat, reply: Reply) -> Json {
    let fields = match reply.body {
        Json::Object(fields) => fields,
        _ => Object::default(),
    };
    let metadata = metadata(reply.status, &reply.headers, reply.retries);
    Json::Object(
        known_fields(operation.output, format, fields)
            .chain([("ResponseMetadata".into(), metadata)])
            .collect(),
    )
}

fn known_fields(
    members: Members,
    format: AttributeFormat,
    mut fields: Object,
) -> impl Iterator<Item = (CompactString, Json)> {
    members.iter().filter_map(move |(name, shape)| {
        let value = fields.remove(name).filter(|value| *value != Json::Null)?;
        Some(((*name).into(), converted(shape, format, value)))
    })
}

fn converted(shape: &Shape, format: AttributeFormat, value: Json) -> Json {
    match (shape, value) {
        (Shape::Attribute, value) => match format {
            AttributeFormat::Plain => from_attribute(value),
            AttributeFormat::Typed => value,
        },
        (Shape::List { of, .. }, Json::Array(items)) => Json::Array(
            items
                .into_iter()
                .map(|item| converted(of, format, item))
                .collect(),
        ),
        (Shape::Map(of), Json::Object(entries)) => Json::Object(
            entries
                .into_iter()
                .map(|(name, value)| (name, converted(of, format, value)))
                .collect(),
        ),
        (Shape::Structure { members, .. }, Json::Object(fields)) => {
            Json::Object(known_fields(members, format, fields).collect())
        }
        (_, value) => value,
    }
}

fn metadata(status: u16, headers: &HeaderMap, retries: u32) -> Json {
    let text = |value: &HeaderValue| Json::text(String::from_utf8_lossy(value.as_bytes()));
    let id = headers
        .get("x-amzn-requestid")
        .map(|id| ("RequestId".into(), text(id)));
    let headers = headers.keys().filter_map(|name| {
        let last = headers.get_all(name).iter().next_back()?;
        Some((name.as_str().into(), text(last)))
    });
    let rest = [
        ("HTTPStatusCode".into(), Json::number(status)),
        ("HTTPHeaders".into(), Json::Object(headers.collect())),
        ("RetryAttempts".into(), Json::number(retries)),
    ];
    Json::Object(id.into_iter().chain(rest).collect())
}
