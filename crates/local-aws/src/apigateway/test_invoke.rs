//! `TestInvokeMethod`: a method as it is now, without deployment, key or limits.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Method};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::auth::Granted;
use super::deployment::Snapshot;
use super::execution_log::{self, Log};
use super::invocation::{self, Incoming, Measured};
use super::proxy;
use super::refusal::no_resource;
use super::reply::{Ids, Reply};
use super::resource::Tree;
use super::rest_api;
use super::serving::{Applied, Version};
use super::stage::Variables;
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::cloud::Cloud;
use crate::heads::HeaderNames;

/// The stage's name in the function's event and in the source ARN.
const STAGE: &str = "test-invoke-stage";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    path_with_query_string: Option<String>,
    body: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    multi_value_headers: BTreeMap<String, Vec<String>>,
    stage_variables: Option<Variables>,
}

pub(super) async fn perform(cloud: &Arc<Cloud>, call: &Call) -> Result<Answer, Refusal> {
    let input: Input = call.input()?;
    let snapshot = cloud.store.transact(|tx| {
        let api = rest_api::named(tx, call)?;
        let tree: Tree = tx.get(&call.place, &api.id)?.ok_or_else(no_resource)?;
        Ok(Snapshot::of(api, tree))
    })?;
    let resource = snapshot.tree.resource(call.label("resource_id"))?;
    let declared = resource.method(call)?;
    // Without a path, the resource's own, its variables standing for themselves.
    let sent = input
        .path_with_query_string
        .as_deref()
        .filter(|path| !path.is_empty())
        .unwrap_or(&resource.path);
    let (path, query) = sent.split_once('?').unwrap_or((sent, ""));
    let method = match declared.name.as_str() {
        "ANY" => Method::POST,
        name => Method::from_bytes(name.as_bytes()).unwrap_or(Method::GET),
    };
    let version = Version::new("", &snapshot, input.stage_variables.as_ref(), |_, _| {
        Applied::default()
    });
    let route = version.route(&resource.path, &declared.name);
    let route = route.ok_or_else(no_resource)?;
    // A path of another resource gives no parameters (recorded by localstack, `test_invoke_test_method`).
    let parameters = version
        .find(method.as_str(), path)
        .filter(|(found, _)| found.resource_id == resource.id)
        .map(|(_, parameters)| parameters)
        .unwrap_or_default();
    let ids = Ids::new();
    let headers = headers(&input);
    let names = HeaderNames::new(input.headers.keys().chain(input.multi_value_headers.keys()));
    let log = Log::new(cloud, true);
    let start = cloud.now();
    let outcome = invocation::run(&Incoming {
        cloud,
        place: &call.place,
        api: call.label("restapi_id"),
        stage: STAGE,
        deployment: "",
        variables: input.stage_variables.as_ref(),
        binary_media_types: &version.binary_media_types,
        route,
        method: &method,
        headers: &headers,
        path,
        query,
        parameters,
        body: Bytes::from(input.body.clone().unwrap_or_default()),
        ids: &ids,
        key: None,
        granted: Granted::default(),
        names: Some(&names),
        log: Some(&log),
        measured: &Measured::default(),
    })
    .await;
    let reply = match outcome {
        Ok(reply) => reply,
        Err(denied) => {
            let mut reply = Reply::from(denied);
            // As recorded (localstack, `test_failed_invoke_test_method`).
            reply.headers.remove(CONTENT_TYPE);
            reply
        }
    };
    let log = execution_log::text(&ids.request, &log.lines());
    Ok(Answer::ok(shown(&reply, &log, cloud.now() - start)))
}

fn headers(input: &Input) -> HeaderMap {
    let single = input
        .headers
        .iter()
        .filter(|(name, _)| !input.multi_value_headers.contains_key(*name));
    let multiple = input
        .multi_value_headers
        .iter()
        .flat_map(|(name, values)| values.iter().map(move |value| (name, value)));
    single
        .chain(multiple)
        .filter_map(|(name, value)| {
            Some((
                HeaderName::from_bytes(name.as_bytes()).ok()?,
                HeaderValue::from_str(value).ok()?,
            ))
        })
        .fold(HeaderMap::new(), |mut headers, (name, value)| {
            headers.append(name, value);
            headers
        })
}

fn shown(reply: &Reply, log: &str, latency: u64) -> Value {
    let mut single = Map::new();
    let mut multiple = Map::new();
    for name in reply.headers.keys() {
        let values: Vec<String> = reply
            .headers
            .get_all(name)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .collect();
        let name = proxy::usual_case(name.as_str());
        single.insert(name.to_owned(), json!(values.last()));
        multiple.insert(name.to_owned(), json!(values));
    }
    json!({
        "status": reply.status.as_u16(),
        "body": String::from_utf8_lossy(&reply.body),
        "headers": single,
        "multiValueHeaders": multiple,
        "log": log,
        "latency": latency,
    })
}
