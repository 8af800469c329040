//! Integrations of the type `AWS` with other services than Lambda: an action's call by the integration's role.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Method};

use super::exchange::{Endpoint, Mapped};
use super::invocation::Incoming;
use super::reply::Denied;
use crate::answer::{Answer, Refusal};
use crate::call::{Call, Caller};
use crate::cloud::Cloud;
use crate::iam::{self, Rights};
use crate::place::Place;
use crate::service::Service;
use crate::{Enforcement, door};

/// As API Gateway names its sessions.
const SESSION: &str = "BackplaneAssumeRoleSession";
const PRINCIPAL: &str = "apigateway.amazonaws.com";

/// The name of the integration's role, which has to trust API Gateway.
pub(super) fn role<'r>(incoming: &Incoming, arn: &'r str) -> Result<&'r str, Denied> {
    let name = arn.rsplit('/').next().unwrap_or_default();
    if incoming.cloud.enforcement == Enforcement::Off {
        return Ok(name);
    }
    let role = incoming
        .cloud
        .store
        .transact(|tx| iam::role(tx, incoming.place, name))
        .map_err(|_| Denied::configuration())?;
    let is_trusted = role.is_some_and(|role| {
        role.arn == arn && iam::is_assumable_by(incoming.cloud, &role, PRINCIPAL)
    });
    if is_trusted {
        return Ok(name);
    }
    incoming.tell(format!(
        "Execution failed due to configuration error: API Gateway does not have permission to assume the provided role {arn}"
    ));
    Err(Denied::configuration())
}

/// Returns true if the role may do `action` on `resource`.
pub(super) fn may(cloud: &Cloud, place: &Place, role: &str, action: &str, resource: &str) -> bool {
    if cloud.enforcement == Enforcement::Off {
        return true;
    }
    cloud
        .store
        .transact(|tx| {
            let rights = Rights::of(cloud, tx, place, role, Some(SESSION))?;
            Ok(rights.allow(action, resource, &[]))
        })
        .unwrap_or(false)
}

/// Calls the action; a service's refusal is its answer.
pub(super) async fn call(
    incoming: &Incoming<'_>,
    (region, service, action): (&str, &str, &str),
    credentials: Option<&str>,
    mapped: &Mapped,
    body: Bytes,
) -> Result<Endpoint, Denied> {
    let service = Service::named(service)
        .filter(|service| [Service::DynamoDb, Service::Logs, Service::Ssm].contains(service));
    let found = service.and_then(|service| Some((service, door::operation(service, action)?)));
    let (Some((service, operation)), Some(credentials)) = (found, credentials) else {
        incoming.tell(
            "Execution failed due to configuration error: The local AWS integrates with actions of dynamodb, logs and ssm by \
             a role",
        );
        return Err(Denied::configuration());
    };
    let role = role(incoming, credentials)?;
    incoming.tell(format!(
        "Sending request to https://{}.{region}.amazonaws.com/?Action={action}",
        service.name()
    ));
    let call = Call {
        service,
        place: Place {
            account: incoming.place.account.clone(),
            region: region.to_owned(),
        },
        caller: Caller::Role {
            name: role.to_owned(),
            session: SESSION.to_owned(),
        },
        is_function: true,
        request_id: incoming.ids.request.clone(),
        operation,
        labels: BTreeMap::new(),
        query: Vec::new(),
        method: Method::POST,
        path: "/".to_owned(),
        headers: headers(mapped),
        body,
    };
    let cloud: &Arc<Cloud> = incoming.cloud;
    let outcome = door::carry_out_within(cloud, &call).await;
    endpoint(&call, outcome)
        .await
        .ok_or_else(Denied::no_endpoint)
}

fn headers(mapped: &Mapped) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in &mapped.headers {
        if let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_str(value),
        ) {
            headers.append(name, value);
        }
    }
    headers
}

async fn endpoint(call: &Call, outcome: Result<Answer, Refusal>) -> Option<Endpoint> {
    let response = match outcome {
        Ok(answer) => answer.into_response(call.service, call.operation, &call.request_id),
        Err(refusal) => refusal.into_response(call.service, &call.request_id),
    };
    let (parts, body) = response.into_parts();
    let mut headers = parts.headers;
    headers
        .entry(CONTENT_TYPE)
        .or_insert(HeaderValue::from_static("application/x-amz-json-1.0"));
    Some(Endpoint {
        status: parts.status.as_u16(),
        headers,
        body: body.whole().await.ok()?,
        outcome: Some(parts.status.as_str().to_owned()),
    })
}
