//! `TagResources` and `UntagResources`: calls of the tag operations of the resources' own services, with the caller's
//! rights there.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use percent_encoding::utf8_percent_encode;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::index::Tags;
use super::resources::not_an_arn;
use super::{INVALID, invalid};
use crate::answer::{Body, Refusal};
use crate::call::Call;
use crate::cloud::Cloud;
use crate::constraints::Constraints;
use crate::door;
use crate::place::Place;
use crate::service::Service;
use crate::signature::UNRESERVED;

#[derive(Deserialize)]
struct Input {
    #[serde(rename = "ResourceARNList", default)]
    arns: Vec<String>,
    #[serde(rename = "Tags", default)]
    tags: Tags,
    #[serde(rename = "TagKeys", default)]
    keys: Vec<String>,
}

impl Input {
    fn check(&self, place: &Place) -> Result<(), Refusal> {
        let mut constraints = Constraints::default();
        constraints.count(&self.arns, "resourceARNList", 1, 20);
        constraints.finish(INVALID)?;
        match self.arns.iter().find(|arn| !is_of(place, arn)) {
            Some(arn) => Err(not_an_arn(arn)),
            None => Ok(()),
        }
    }
}

/// Returns true for ARNs of resources in the caller's region. IAM's have none, and AWS refuses a whole request for one of
/// them (boto/boto3#2760).
fn is_of(place: &Place, arn: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    matches!(parts[..], ["arn", partition, _, region, _, _]
        if partition == place.partition() && region == place.region)
}

/// The change that is made to each resource.
enum Change {
    Tag(Tags),
    Untag(Vec<String>),
}

pub(super) async fn tag(cloud: &Arc<Cloud>, call: &Call) -> Result<Value, Refusal> {
    let given: Input = call.input()?;
    given.check(&call.place)?;
    if given.tags.is_empty() || given.tags.len() > 50 {
        return Err(invalid("Tags must have between 1 and 50 tags"));
    }
    Ok(each(cloud, call, &given.arns, &Change::Tag(given.tags)).await)
}

pub(super) async fn untag(cloud: &Arc<Cloud>, call: &Call) -> Result<Value, Refusal> {
    let given: Input = call.input()?;
    given.check(&call.place)?;
    let mut constraints = Constraints::default();
    constraints.count(&given.keys, "tagKeys", 1, 50);
    constraints.finish(INVALID)?;
    Ok(each(cloud, call, &given.arns, &Change::Untag(given.keys)).await)
}

async fn each(cloud: &Arc<Cloud>, call: &Call, arns: &[String], change: &Change) -> Value {
    let mut failed = Map::new();
    for arn in arns {
        if let Err(refusal) = one(cloud, call, arn, change).await {
            let code = refusal.code.rsplit('#').next().unwrap_or_default();
            let info = json!({
                "StatusCode": refusal.status,
                "ErrorCode": code,
                "ErrorMessage": refusal.message,
            });
            failed.insert(arn.clone(), info);
        }
    }
    json!({ "FailedResourcesMap": failed })
}

async fn one(cloud: &Arc<Cloud>, call: &Call, arn: &str, change: &Change) -> Result<(), Refusal> {
    let call = own_call(call, arn, change)?;
    let answer = door::carry_out_within(cloud, &call).await?;
    if answer.status < 300 {
        return Ok(());
    }
    let body = match answer.body {
        Body::Json(value) => value,
        Body::Bytes(bytes) => serde_json::from_slice(&bytes).unwrap_or_default(),
    };
    let text = |name: &str| body[name].as_str().unwrap_or_default();
    Err(Refusal::new(answer.status, text("__type"), text("message")))
}

/// Returns the call of the resource's own service that makes the change.
fn own_call(call: &Call, arn: &str, change: &Change) -> Result<Call, Refusal> {
    let service = arn.split(':').nth(2).and_then(Service::named);
    let list = |tags: &Tags| -> Value {
        tags.iter()
            .map(|(key, value)| json!({ "Key": key, "Value": value }))
            .collect()
    };
    let own = match (service, change) {
        (Some(Service::DynamoDb), Change::Tag(tags)) => of_json(
            "TagResource",
            &json!({ "ResourceArn": arn, "Tags": list(tags) }),
        ),
        (Some(Service::DynamoDb), Change::Untag(keys)) => of_json(
            "UntagResource",
            &json!({ "ResourceArn": arn, "TagKeys": keys }),
        ),
        (Some(Service::Logs), Change::Tag(tags)) => {
            of_json("TagResource", &json!({ "resourceArn": arn, "tags": tags }))
        }
        (Some(Service::Logs), Change::Untag(keys)) => of_json(
            "UntagResource",
            &json!({ "resourceArn": arn, "tagKeys": keys }),
        ),
        (Some(Service::Ssm), change) => of_parameter(call, arn, change)?,
        (Some(Service::Lambda), change) => {
            of_rest(Method::POST, "/2017-03-31/tags/", "Resource", arn, change)
        }
        (Some(Service::ApiGateway), change) => {
            of_rest(Method::PUT, "/tags/", "resource_arn", arn, change)
        }
        _ => return Err(unsupported()),
    };
    Ok(Call {
        service: service.ok_or_else(unsupported)?,
        place: call.place.clone(),
        caller: call.caller.clone(),
        is_function: call.is_function,
        request_id: call.request_id.clone(),
        headers: call.headers.clone(),
        ..own
    })
}

/// AWS: `FailureInfo`, "It can also mean that the resource type in the request is not supported".
fn unsupported() -> Refusal {
    Refusal::new(
        500,
        "InternalServiceException",
        "The resource type in the request is not supported by the local AWS",
    )
}

fn of_parameter(call: &Call, arn: &str, change: &Change) -> Result<Call, Refusal> {
    let name = arn
        .strip_prefix(&call.place.arn("ssm", "parameter"))
        .ok_or_else(unsupported)?;
    let resource = json!({ "ResourceType": "Parameter", "ResourceId": name });
    let (operation, member, value) = match change {
        Change::Tag(tags) => (
            "AddTagsToResource",
            "Tags",
            tags.iter()
                .map(|(key, value)| json!({ "Key": key, "Value": value }))
                .collect(),
        ),
        Change::Untag(keys) => ("RemoveTagsFromResource", "TagKeys", json!(keys)),
    };
    let mut body = resource;
    body[member] = value;
    Ok(of_json(operation, &body))
}

fn of_json(operation: &'static str, body: &Value) -> Call {
    plain(operation, Method::POST, "/".to_owned(), body.to_string())
}

fn of_rest(tagging: Method, path: &str, label: &'static str, arn: &str, change: &Change) -> Call {
    let path = format!("{path}{}", utf8_percent_encode(arn, UNRESERVED));
    let mut call = match change {
        // Each of the two services reads its own spelling and passes over the other's.
        Change::Tag(tags) => plain(
            "TagResource",
            tagging,
            path,
            json!({ "Tags": tags, "tags": tags }).to_string(),
        ),
        Change::Untag(_) => plain("UntagResource", Method::DELETE, path, String::new()),
    };
    if let Change::Untag(keys) = change {
        let pairs = keys.iter().map(|key| ("tagKeys".to_owned(), key.clone()));
        call.query = pairs.collect();
    }
    call.labels.insert(label, arn.to_owned());
    call
}

/// Returns a call without caller and service, which the caller of this function fills in.
fn plain(operation: &'static str, method: Method, path: String, body: String) -> Call {
    Call {
        service: Service::Tagging,
        place: Place {
            account: String::new(),
            region: String::new(),
        },
        caller: crate::call::Caller::Account,
        is_function: false,
        request_id: String::new(),
        operation,
        labels: BTreeMap::new(),
        query: Vec::new(),
        method,
        path,
        headers: http::HeaderMap::new(),
        body: Bytes::from(body),
    }
}
