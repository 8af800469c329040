//! `TestInvokeAuthorizer`: an authorizer as it is now, without a deployment.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, Method};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Granted;
use super::lambda::Lambda;
use crate::answer::{Answer, Refusal};
use crate::apigateway::authorizer;
use crate::apigateway::deployment::Snapshot;
use crate::apigateway::invocation::{Incoming, Measured};
use crate::apigateway::reply::Ids;
use crate::apigateway::resource::Tree;
use crate::apigateway::rest_api;
use crate::apigateway::serving::{Applied, Version};
use crate::apigateway::stage::Variables;
use crate::call::Call;
use crate::cloud::Cloud;

/// The stage's name in the method's ARN.
const STAGE: &str = "ESTestInvoke-stage";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    multi_value_headers: BTreeMap<String, Vec<String>>,
    path_with_query_string: Option<String>,
    body: Option<String>,
    stage_variables: Option<Variables>,
    #[serde(default)]
    additional_context: BTreeMap<String, String>,
}

pub(in crate::apigateway) async fn test_invoke(
    cloud: &Arc<Cloud>,
    call: &Call,
) -> Result<Answer, Refusal> {
    let input: Input = call.input()?;
    if !input.additional_context.is_empty() {
        return Err(crate::apigateway::refusal::bad_request(
            "The local AWS does not support additionalContext",
        ));
    }
    let (authorizer, snapshot) = cloud.store.transact(|tx| {
        let authorizer = authorizer::named(tx, call)?;
        let api = rest_api::named(tx, call)?;
        // The method of the root that the ARN names.
        let mut tree = Tree::new(&api.id, &api.root_resource_id);
        let method = json!({
            "httpMethod": "GET", "authorizationType": "NONE", "apiKeyRequired": false,
        });
        let method = serde_json::from_value(method)
            .map_err(|error| Refusal::internal(format!("a method cannot be made: {error}")))?;
        let root = api.root_resource_id.clone();
        tree.resource_mut(&root)?
            .methods
            .insert("GET".to_owned(), method);
        Ok((authorizer, Snapshot::of(api, tree)))
    })?;
    let variables = input.stage_variables.as_ref();
    let version = Version::new("", &snapshot, variables, |_, _| Applied::default());
    let (route, _) = version
        .find("GET", "/")
        .ok_or_else(|| Refusal::internal("the root has no method"))?;
    let sent = input.path_with_query_string.as_deref().unwrap_or("/");
    let (path, query) = sent.split_once('?').unwrap_or((sent, ""));
    let headers = headers(&input);
    let ids = Ids::new();
    let incoming = Incoming {
        cloud,
        place: &call.place,
        api: call.label("restapi_id"),
        stage: STAGE,
        deployment: "",
        variables,
        binary_media_types: &version.binary_media_types,
        route,
        method: &Method::GET,
        headers: &headers,
        path,
        query,
        parameters: Vec::new(),
        body: Bytes::from(input.body.clone().unwrap_or_default()),
        ids: &ids,
        key: None,
        granted: Granted::default(),
        names: None,
        log: None,
        measured: &Measured::default(),
    };
    let arn = super::method_arn(&incoming);
    let start = cloud.now();
    let answered = Lambda::new(authorizer.clone(), variables)
        .uncached()
        .answer(&incoming, &arn)
        .await;
    let mut log = format!(
        "Execution log for request {id}\nStarting authorizer: {} for request: {id}\n",
        authorizer.id,
        id = ids.request
    );
    let mut output = match answered {
        Ok(answered) => {
            let verdict = &answered.verdict;
            log.push_str("Using valid authorizer policy for principal: ");
            log.push_str(&verdict.principal);
            json!({
                "clientStatus": 0,
                "principalId": verdict.principal,
                "policy": verdict.policy,
                "authorization": {},
            })
        }
        Err(denied) => {
            log.push_str(if denied.status == 401 {
                "Unauthorized request: "
            } else {
                "Execution failed due to configuration error: Authorizer error, request: "
            });
            log.push_str(&ids.request);
            json!({ "clientStatus": denied.status })
        }
    };
    log.push('\n');
    output["log"] = log.into();
    output["latency"] = Value::from(cloud.now().saturating_sub(start));
    Ok(Answer::ok(output))
}

fn headers(input: &Input) -> HeaderMap {
    let single = input.headers.iter();
    let multiple = input
        .multi_value_headers
        .iter()
        .flat_map(|(name, values)| values.iter().map(move |value| (name, value)));
    let mut headers = HeaderMap::new();
    for (name, value) in single.chain(multiple) {
        if let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_str(value),
        ) {
            headers.append(name, value);
        }
    }
    headers
}
