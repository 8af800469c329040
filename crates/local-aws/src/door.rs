//! A call of a service's API, from its signature to its answer.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use tokio::time::sleep;

use crate::answer::{Answer, Refusal};
use crate::call::{Call, Caller, form};
use crate::cloud::Cloud;
use crate::faults::FaultKind;
use crate::place::Place;
use crate::response_body::Body;
use crate::routes::Routed;
use crate::server::Told;
use crate::service::{Protocol, Service};
use crate::signature::{Signature, Unsigned};
use crate::{
    Outcome, age, apigateway, body, dynamodb, iam, ids, lambda, logs, quotas, ssm, sts, tagging,
    unknown,
};

/// Where nothing else is said.
const ACCOUNT: &str = "000000000000";

pub(crate) async fn answer(cloud: &Arc<Cloud>, request: Request<Bytes>) -> Outcome<Body> {
    let request_id = ids::uuid();
    let call = match read(cloud, request, &request_id) {
        Ok(call) => call,
        Err((service, refusal)) => {
            return Outcome::Answered(refusal.into_response(service, &request_id));
        }
    };
    sleep_for(cloud.faults().latency()).await;
    let fault = cloud.with_faults(|faults| faults.hit(call.service.name(), call.operation));
    let outcome = match fault {
        Some(FaultKind::DropBefore) => return Outcome::Dropped,
        Some(FaultKind::DropAfter) => {
            let _ = carry_out(cloud, &call).await;
            return Outcome::Dropped;
        }
        Some(FaultKind::Delay(milliseconds)) => {
            sleep_for(Duration::from_millis(milliseconds)).await;
            carry_out(cloud, &call).await
        }
        Some(FaultKind::Status(status)) => Err(failed(call.service, status)),
        Some(FaultKind::Throttle(seconds)) => Err(quotas::throttled(
            call.service,
            u64::from(seconds.unwrap_or(1)) * 1000,
        )),
        Some(FaultKind::Conflict) => Err(conflict(call.service)),
        Some(FaultKind::Expired) => Err(expired(call.service)),
        Some(FaultKind::Denied) => Err(iam::denied(&call, "*")),
        None => carry_out(cloud, &call).await,
    };
    Outcome::Answered(respond(&call, outcome))
}

async fn sleep_for(time: Duration) {
    if !time.is_zero() {
        sleep(time).await;
    }
}

fn respond(call: &Call, outcome: Result<Answer, Refusal>) -> Response<Body> {
    let mut response = match outcome {
        Ok(answer) => answer.into_response(call.service, call.operation, &call.request_id),
        Err(refusal) => refusal.into_response(call.service, &call.request_id),
    };
    response
        .extensions_mut()
        .insert(Told(call.service.name(), call.operation));
    response
}

/// Carries out a call that another call's operation makes for its caller; boxed, because that other one came this way.
pub(crate) fn carry_out_within<'a>(
    cloud: &'a Arc<Cloud>,
    call: &'a Call,
) -> Pin<Box<dyn Future<Output = Result<Answer, Refusal>> + Send + 'a>> {
    Box::pin(carry_out(cloud, call))
}

async fn carry_out(cloud: &Arc<Cloud>, call: &Call) -> Result<Answer, Refusal> {
    if cloud.with_faults(|faults| faults.rates) {
        cloud
            .quotas
            .spend(&call.place, call.service, call.operation, cloud.now())?;
    }
    iam::authorize(cloud, call)?;
    let answer = match call.service {
        Service::Iam => iam::perform(cloud, call),
        Service::Sts => sts::perform(cloud, call),
        Service::Lambda => lambda::perform(cloud, call).await,
        Service::ApiGateway => apigateway::perform(cloud, call).await,
        Service::DynamoDb => dynamodb::perform(cloud, call).await,
        Service::Logs => logs::perform(cloud, call).await,
        Service::Ssm => ssm::perform(cloud, call),
        Service::Tagging => tagging::perform(cloud, call).await,
    }?;
    if tagging::is_changed_by(call.service, call.operation) {
        tagging::refresh(cloud, &call.place, call.service).await?;
    }
    Ok(answer)
}

/// Who asks what of which service, or why that cannot be told.
fn read(
    cloud: &Cloud,
    request: Request<Bytes>,
    request_id: &str,
) -> Result<Call, (Service, Refusal)> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let query = parts.uri.query().unwrap_or_default();
    let guess = guess(&parts.headers, query);
    let signature = Signature::of_request(query, &parts.headers).map_err(|unsigned| {
        without_signature(query, &body).unwrap_or_else(|| (guess, missing(guess, unsigned)))
    })?;
    let Some(service) = Service::named(&signature.service) else {
        let message = format!(
            "The local AWS does not support the service {}: it has iam, sts, lambda, apigateway, dynamodb, logs, ssm and \
             tagging",
            signature.service
        );
        return Err((guess, Refusal::new(501, "NotImplementedException", message)));
    };
    let refuse = |refusal| (service, refusal);
    let Signer {
        place,
        caller,
        is_function,
    } = signer(cloud, service, &signature, &parts, &body).map_err(refuse)?;
    // The signature is of the body as it was sent.
    let body = body::decoded(service, &parts.headers, body).map_err(refuse)?;
    let mut query = form(query);
    if service.protocol() == Protocol::Query {
        query.extend(form(&String::from_utf8_lossy(&body)));
    }
    let mut call = Call {
        service,
        place,
        caller,
        is_function,
        request_id: request_id.to_owned(),
        operation: "",
        labels: std::collections::BTreeMap::new(),
        query,
        method: parts.method,
        path,
        headers: parts.headers,
        body,
    };
    let Routed { operation, labels } = route(&call).map_err(refuse)?;
    call.operation = operation;
    call.labels = labels;
    Ok(call)
}

/// The caller by whose credentials a request is signed.
pub(crate) struct Signer {
    pub(crate) place: Place,
    pub(crate) caller: Caller,
    pub(crate) is_function: bool,
}

/// Refuses credentials that are not known, are expired, or did not make this signature.
pub(crate) fn signer(
    cloud: &Cloud,
    service: Service,
    signature: &Signature,
    parts: &Parts,
    body: &Bytes,
) -> Result<Signer, Refusal> {
    age::check(cloud, service, signature.time(&parts.headers))?;
    let Some(session) = cloud.session(&signature.access_key) else {
        return Ok(Signer {
            place: Place {
                account: account(&signature.access_key),
                region: signature.region.clone(),
            },
            caller: Caller::Account,
            is_function: false,
        });
    };
    if signature.token(&parts.headers) != Some(session.token.as_str()) {
        return Err(unknown_key(service));
    }
    if session.expires < cloud.now() {
        return Err(expired(service));
    }
    let query = parts.uri.query().unwrap_or_default();
    let path = parts.uri.path();
    if !signature.is_by(
        &session.secret,
        &parts.method,
        path,
        query,
        &parts.headers,
        body,
    ) {
        return Err(bad_signature(service));
    }
    Ok(Signer {
        place: Place {
            region: signature.region.clone(),
            ..session.place
        },
        caller: session.caller,
        is_function: session.is_function,
    })
}

/// The refusal of a call of STS that needs no signature.
fn without_signature(query: &str, body: &Bytes) -> Option<(Service, Refusal)> {
    let body = String::from_utf8_lossy(body);
    let mut parameters = form(query).into_iter().chain(form(&body));
    let (_, action) = parameters.find(|(name, _)| name == "Action")?;
    if sts::UNSIGNED.contains(&action.as_str()) {
        return Some((Service::Sts, unknown::operation(Service::Sts, &action)?));
    }
    None
}

fn route(call: &Call) -> Result<Routed, Refusal> {
    match call.service {
        Service::Iam => by_action(call, iam::OPERATIONS),
        Service::Sts => by_action(call, sts::OPERATIONS),
        Service::DynamoDb => by_target(call, dynamodb::TARGETS, dynamodb::OPERATIONS),
        Service::Logs => by_target(call, logs::TARGETS, logs::OPERATIONS),
        Service::Ssm => by_target(call, ssm::TARGETS, ssm::OPERATIONS),
        Service::Tagging => by_target(call, tagging::TARGETS, tagging::OPERATIONS),
        Service::Lambda => lambda::route(call),
        Service::ApiGateway => apigateway::route(call),
    }
}

/// Service and name of every operation that is carried out here.
pub fn operations() -> Vec<(&'static str, &'static str)> {
    let named = [
        (Service::Iam, iam::OPERATIONS),
        (Service::Sts, sts::OPERATIONS),
        (Service::DynamoDb, dynamodb::OPERATIONS),
        (Service::Logs, logs::OPERATIONS),
        (Service::Ssm, ssm::OPERATIONS),
        (Service::Tagging, tagging::OPERATIONS),
    ];
    let routed = [
        (Service::Lambda, lambda::ROUTES),
        (Service::ApiGateway, apigateway::ROUTES),
    ];
    let named = named
        .into_iter()
        .flat_map(|(service, names)| names.iter().map(move |name| (service.name(), *name)));
    let routed = routed
        .into_iter()
        .flat_map(|(service, routes)| routes.iter().map(move |route| (service.name(), route.2)));
    named.chain(routed).collect()
}

/// The operation of this name in a service whose calls name theirs in a header.
pub(crate) fn operation(service: Service, name: &str) -> Option<&'static str> {
    let operations = match service {
        Service::DynamoDb => dynamodb::OPERATIONS,
        Service::Logs => logs::OPERATIONS,
        Service::Ssm => ssm::OPERATIONS,
        _ => return None,
    };
    named(name, operations).map(|routed| routed.operation)
}

fn by_action(call: &Call, operations: &'static [&'static str]) -> Result<Routed, Refusal> {
    let Some(action) = call.parameter("Action") else {
        return Err(Refusal::new(
            400,
            "MissingAction",
            "The request must contain the parameter Action",
        ));
    };
    named(action, operations).ok_or_else(|| {
        if let Some(refusal) = unknown::operation(call.service, action) {
            return refusal;
        }
        let version = match call.service {
            Service::Sts => "2011-06-15",
            _ => "2010-05-08",
        };
        let message = format!("Could not find operation {action} for version {version}");
        Refusal::new(400, "InvalidAction", message)
    })
}

fn by_target(
    call: &Call,
    prefixes: &[&str],
    operations: &'static [&'static str],
) -> Result<Routed, Refusal> {
    let target = call
        .headers
        .get("x-amz-target")
        .and_then(|target| target.to_str().ok());
    let name = target.and_then(|target| {
        prefixes
            .iter()
            .find_map(|prefix| target.strip_prefix(prefix))
    });
    name.and_then(|name| named(name, operations))
        .ok_or_else(|| {
            name.and_then(|name| unknown::operation(call.service, name))
                .unwrap_or_else(|| Refusal::new(400, "UnknownOperationException", ""))
        })
}

fn named(name: &str, operations: &'static [&'static str]) -> Option<Routed> {
    let operation = operations.iter().find(|operation| **operation == name)?;
    Some(Routed {
        operation,
        labels: std::collections::BTreeMap::new(),
    })
}

/// An access key of twelve digits is an account of its own.
pub(crate) fn account(access_key: &str) -> String {
    let is_account = access_key.len() == 12 && access_key.bytes().all(|byte| byte.is_ascii_digit());
    if is_account { access_key } else { ACCOUNT }.to_owned()
}

/// The service whose form an error takes before the signature has said which it is.
fn guess(headers: &http::HeaderMap, query: &str) -> Service {
    let header = |name| {
        headers
            .get(name)
            .and_then(|value: &http::HeaderValue| value.to_str().ok())
            .unwrap_or_default()
    };
    match (header("x-amz-target"), header("content-type")) {
        (target, _) if target.starts_with("Logs_") => Service::Logs,
        (target, _) if target.starts_with("AmazonSSM.") => Service::Ssm,
        (target, _) if target.starts_with("ResourceGroupsTaggingAPI_") => Service::Tagging,
        (target, _) if !target.is_empty() => Service::DynamoDb,
        (_, form) if form.starts_with("application/x-www-form-urlencoded") => Service::Iam,
        _ if query.split('&').any(|pair| pair.starts_with("Action=")) => Service::Sts,
        _ => Service::ApiGateway,
    }
}

fn missing(service: Service, unsigned: Unsigned) -> Refusal {
    match unsigned {
        Unsigned::Missing => Refusal::new(
            403,
            &service.code("MissingAuthenticationToken"),
            "Missing Authentication Token",
        ),
        Unsigned::Incomplete => Refusal::new(
            400,
            &service.code("IncompleteSignature"),
            "Authorization header requires 'Credential' parameter of the form \
             access-key/date/region/service/aws4_request, 'SignedHeaders' and 'Signature' parameters.",
        ),
    }
}

fn unknown_key(service: Service) -> Refusal {
    let code = match service.protocol() {
        Protocol::Query => "InvalidClientTokenId",
        _ => "UnrecognizedClientException",
    };
    Refusal::new(
        client_status(service),
        code,
        "The security token included in the request is invalid.",
    )
}

/// The refusal of a signature.
pub(crate) fn refused_signature(service: Service, message: impl Into<String>) -> Refusal {
    let code = match service.protocol() {
        Protocol::Query => "SignatureDoesNotMatch",
        _ => "InvalidSignatureException",
    };
    Refusal::new(client_status(service), code, message)
}

fn bad_signature(service: Service) -> Refusal {
    refused_signature(
        service,
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key \
         and signing method. Consult the service documentation for details.",
    )
}

fn expired(service: Service) -> Refusal {
    Refusal::new(
        client_status(service),
        &service.code("ExpiredToken"),
        "The security token included in the request is expired",
    )
}

/// Every client error of the services with a JSON protocol is a 400.
pub(crate) fn client_status(service: Service) -> u16 {
    match service {
        Service::DynamoDb | Service::Logs | Service::Ssm | Service::Tagging => 400,
        _ => 403,
    }
}

fn failed(service: Service, status: u16) -> Refusal {
    let code = match (service, status) {
        (_, 503) => "ServiceUnavailable",
        (Service::DynamoDb | Service::Ssm, _) => "InternalServerError",
        (Service::Tagging, _) => "InternalServiceException",
        (Service::Lambda, _) => "ServiceException",
        _ => "InternalFailure",
    };
    Refusal::new(
        status,
        code,
        "The request processing has failed because of an unknown error.",
    )
}

/// Somebody else is changing the same thing.
fn conflict(service: Service) -> Refusal {
    match service {
        Service::ApiGateway => Refusal::new(
            409,
            "ConflictException",
            "Unable to complete operation due to concurrent modification. Please try again later.",
        ),
        Service::Lambda => Refusal::new(
            409,
            "ResourceConflictException",
            "The operation cannot be performed at this time. There is a concurrent update operation in progress.",
        ),
        Service::Logs => Refusal::new(
            400,
            "OperationAbortedException",
            "A conflicting operation is currently in progress against this resource. Please try again.",
        ),
        Service::DynamoDb => Refusal::new(
            400,
            "LimitExceededException",
            "Subscriber limit exceeded: Only 500 tables can be created, updated, or deleted simultaneously",
        ),
        // Without a message (airbnb/streamalert#682).
        Service::Ssm => Refusal::new(400, "TooManyUpdates", ""),
        Service::Tagging => Refusal::new(
            400,
            "ConcurrentModificationException",
            "The request failed because the target of the operation is currently being modified by a different request. \
             Try again later.",
        ),
        Service::Iam | Service::Sts => Refusal::new(
            409,
            "ConcurrentModification",
            "The request was rejected because multiple requests to change this object were submitted simultaneously.",
        ),
    }
}
