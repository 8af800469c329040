//! The data plane: requests to deployed APIs, and whether they may pass.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use http::header::{HOST, USER_AGENT};
use http::request::Parts;
use http::{HeaderMap, Request, Response};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::access_log::{self, Deliveries, Level};
use super::auth::{self, Granted};
use super::caching::{Cache, Lookup};
use super::compression;
use super::event::{SOURCE_IP, request_time};
use super::execution_log::Log;
use super::gateway_reply::{self, Situation};
use super::gateway_response::GatewayResponses;
use super::invocation::{self, Incoming, Measured};
use super::reply::{Denied, Ids, Reply};
use super::serving::{self, Key, Parameters, Route, Served, ServedStage, Version};
use super::throttle::Limiters;
use super::usage::{self, Usage};
use crate::answer::Refusal;
use crate::clock::Moment;
use crate::cloud::Cloud;
use crate::heads::HeaderNames;

/// "Amazon API Gateway quotas".
const LARGEST_BODY: usize = 10 * 1024 * 1024;
const LARGEST_HEADERS: usize = 10_240;

/// `ANY` is these ("Set up a method request in API Gateway").
const VERBS: [&str; 7] = ["GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "HEAD"];

/// What is served, kept in memory until the control plane changes something, and what is spent of each limit.
#[derive(Default)]
pub(crate) struct Gateway {
    /// Counts the control plane's changes.
    version: AtomicU64,
    served: RwLock<HashMap<String, (u64, Arc<Served>)>>,
    pub(super) limiters: Limiters,
    pub(super) usage: Usage,
    pub(super) authorizers: auth::Cache,
    pub(super) deliveries: Deliveries,
    cache: Cache,
    #[cfg(test)]
    pub(super) function: std::sync::OnceLock<invocation::TestFunction>,
}

impl Gateway {
    /// The control plane has changed something.
    pub(super) fn changed(&self) {
        self.version.fetch_add(1, Ordering::AcqRel);
    }

    fn served(&self, cloud: &Cloud, api: &str) -> Result<Option<Arc<Served>>, Refusal> {
        let version = self.version.load(Ordering::Acquire);
        let kept = self.served.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, served)) = kept.get(api)
            && *of == version
        {
            return Ok(Some(served.clone()));
        }
        drop(kept);
        let loaded = cloud.store.transact(|tx| serving::load(tx, self, api))?;
        let mut kept = self.served.write().unwrap_or_else(PoisonError::into_inner);
        let Some(served) = loaded.map(Arc::new) else {
            kept.remove(api);
            return Ok(None);
        };
        kept.insert(api.to_owned(), (version, served.clone()));
        Ok(Some(served))
    }
}

/// The API, stage and path that a request is for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Target {
    api: String,
    stage: String,
    /// As it was sent, without the stage.
    path: String,
}

/// `/restapis/{api}/{stage}/_user_request_/{path}`, or the host `{api}.execute-api.…` with `/{stage}/{path}`.
pub(crate) fn target(request: &Request<Bytes>) -> Option<Target> {
    let path = request.uri().path();
    if let Some(api) = api_of_host(request) {
        let (stage, rest) = split(path.trim_start_matches('/'));
        return Some(Target {
            api: api.to_owned(),
            stage: stage.to_owned(),
            path: rooted(rest),
        });
    }
    let (api, rest) = path.strip_prefix("/restapis/")?.split_once('/')?;
    let (stage, rest) = rest.split_once('/')?;
    let (marker, rest) = split(rest);
    (marker == "_user_request_").then(|| Target {
        api: api.to_owned(),
        stage: stage.to_owned(),
        path: rooted(rest),
    })
}

/// Several slashes at the beginning are one.
fn rooted(path: &str) -> String {
    format!("/{}", path.trim_start_matches('/'))
}

/// Up to the first slash, and from it on.
fn split(path: &str) -> (&str, &str) {
    match path.find('/') {
        Some(at) => path.split_at(at),
        None => (path, "/"),
    }
}

fn api_of_host(request: &Request<Bytes>) -> Option<&str> {
    let host = request
        .headers()
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .or_else(|| request.uri().host())?;
    let (api, _) = host.split_once(".execute-api.")?;
    (!api.is_empty() && !api.contains('.')).then_some(api)
}

pub(crate) async fn answer(
    cloud: &Arc<Cloud>,
    target: Target,
    request: Request<Bytes>,
) -> Response<Bytes> {
    let ids = Ids::new();
    let (parts, body) = request.into_parts();
    let mut reached = Reached::default();
    let reply = match pass(cloud, &target, &parts, body, &ids, &mut reached).await {
        Ok(reply) => reply,
        Err(denied) => reached.denied(denied, cloud, &target, &parts, &ids),
    };
    reply.into_response(&ids)
}

/// The stage of its way that a request reached.
#[derive(Default)]
struct Reached {
    served: Option<Arc<Served>>,
    deployment: String,
    responses: Arc<GatewayResponses>,
    route: Option<Arc<Route>>,
    parameters: Parameters,
}

impl Reached {
    /// The gateway's own answer, in the form that the deployment gives it.
    fn denied(
        &self,
        denied: Denied,
        cloud: &Cloud,
        target: &Target,
        parts: &Parts,
        ids: &Ids,
    ) -> Reply {
        let Some(served) = &self.served else {
            return denied.into();
        };
        let stage = served.stages.get(&target.stage);
        let situation = Situation {
            responses: &self.responses,
            variables: stage.and_then(|stage| stage.variables.as_ref()),
            parameters: &self.parameters,
            context: self.context(served, cloud.now(), target, parts, ids),
            parts,
        };
        gateway_reply::of(denied, situation)
    }

    /// `$context`, as far as it is known.
    fn context(
        &self,
        served: &Served,
        now: Moment,
        target: &Target,
        parts: &Parts,
        ids: &Ids,
    ) -> Value {
        let user_agent = parts.headers.get(USER_AGENT);
        let mut context = json!({
            "accountId": served.place.account,
            "apiId": target.api,
            "deploymentId": self.deployment,
            "domainName": format!("{}.execute-api.{}.amazonaws.com", target.api, served.place.region),
            "domainPrefix": target.api,
            "extendedRequestId": ids.extended,
            "httpMethod": parts.method.as_str(),
            "identity": {
                "sourceIp": SOURCE_IP,
                "userAgent": user_agent.map(|value| String::from_utf8_lossy(value.as_bytes())),
            },
            "path": format!("/{}{}", target.stage, target.path),
            "protocol": "HTTP/1.1",
            "requestId": ids.request,
            "requestTime": request_time(now),
            "requestTimeEpoch": now,
            "stage": target.stage,
        });
        if let Some(route) = &self.route {
            context["resourceId"] = route.resource_id.as_str().into();
            context["resourcePath"] = route.path.as_str().into();
        }
        context
    }
}

async fn pass(
    cloud: &Arc<Cloud>,
    target: &Target,
    parts: &Parts,
    body: Bytes,
    ids: &Ids,
    reached: &mut Reached,
) -> Result<Reply, Denied> {
    let served = cloud
        .gateway
        .served(cloud, &target.api)
        .map_err(|_| Denied::configuration())?
        .ok_or_else(Denied::forbidden)?;
    let stage = served
        .stages
        .get(&target.stage)
        .ok_or_else(Denied::forbidden)?;
    let now = cloud.now();
    let (key_lag, deployment_lag) =
        cloud.with_faults(|faults| (faults.key_propagation_ms, faults.deployment_propagation_ms));
    let version = stage
        .version(now, deployment_lag)
        .ok_or_else(Denied::no_route)?;
    if version.is_disabled {
        return Err(Denied::forbidden());
    }
    reached.served = Some(served.clone());
    reached.deployment.clone_from(&version.deployment);
    reached.responses = version.gateway_responses.clone();
    check_size(&parts.headers, &body)?;
    let (route, parameters) = Some(parts.method.as_str())
        .filter(|method| VERBS.contains(method))
        .and_then(|method| version.find(method, &target.path))
        .ok_or_else(|| auth::no_route(parts))?;
    reached.route = Some(route.clone());
    reached.parameters.clone_from(&parameters);
    let body = match version.compression_from {
        Some(_) => compression::decompressed(&parts.headers, &body)?.unwrap_or(body),
        None => body,
    };
    let measured = Measured::default();
    let log = (route.settings.logging.level != Level::Off)
        .then(|| Log::new(cloud, route.settings.logging.data));
    let mut incoming = Incoming {
        cloud,
        place: &served.place,
        api: &target.api,
        stage: &target.stage,
        deployment: &version.deployment,
        variables: stage.variables.as_ref(),
        binary_media_types: &version.binary_media_types,
        route,
        method: &parts.method,
        headers: &parts.headers,
        path: &target.path,
        query: parts.uri.query().unwrap_or_default(),
        parameters,
        body,
        ids,
        key: None,
        granted: Granted::default(),
        names: parts.extensions.get::<HeaderNames>(),
        log: log.as_ref(),
        measured: &measured,
    };
    let started = Instant::now();
    let outcome = match admit(&mut incoming, stage, version, parts, now, key_lag).await {
        Ok(()) => cached_or_run(&incoming).await,
        Err(denied) => Err(denied),
    };
    let role = served.log_role.as_deref();
    if let Some(log) = &stage.access_log {
        let latency = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        access_log::tell(log, role, &incoming, &outcome, latency);
    }
    if let Some(log) = &log {
        let is_error = outcome
            .as_ref()
            .map_or(true, |reply| reply.status.as_u16() >= 400);
        access_log::tell_execution(
            &incoming,
            role,
            route.settings.logging,
            is_error,
            log.lines(),
        );
    }
    let reply = outcome?;
    Ok(match version.compression_from {
        Some(minimum) => compression::compressed(reply, &parts.headers, minimum),
        None => reply,
    })
}

/// The answer that the stage's cache has, or the integration's.
async fn cached_or_run(incoming: &Incoming<'_>) -> Result<Reply, Denied> {
    let Some(caching) = &incoming.route.settings.caching else {
        return invocation::run(incoming).await;
    };
    let cache = &incoming.cloud.gateway.cache;
    match cache.look(caching, incoming)? {
        Lookup::Hit(reply) => Ok(reply),
        Lookup::Miss(key) => {
            let reply = invocation::run(incoming).await?;
            Ok(cache.keep(caching, incoming, key, reply))
        }
    }
}

/// Lets a request through: who calls, with which key, within which limits.
async fn admit<'a>(
    incoming: &mut Incoming<'a>,
    stage: &'a ServedStage,
    version: &Version,
    parts: &Parts,
    now: Moment,
    key_lag: u64,
) -> Result<(), Denied> {
    incoming.granted = auth::authorize(incoming, &version.access, parts).await?;
    if !incoming.route.method.api_key_required {
        return spend(incoming.cloud, incoming.route, None, now);
    }
    let value = key_value(version, incoming.headers, &incoming.granted);
    let key = opening_key(stage, value, now, key_lag)?;
    spend(incoming.cloud, incoming.route, Some(key), now)?;
    incoming.key = Some((key.id.as_str(), key.value.as_str()));
    Ok(())
}

fn check_size(headers: &HeaderMap, body: &Bytes) -> Result<(), Denied> {
    let size: usize = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    if size > LARGEST_HEADERS {
        return Err(Denied::headers_too_long());
    }
    if body.len() > LARGEST_BODY {
        return Err(Denied::too_long());
    }
    Ok(())
}

/// The value of the request's key, from the header or from the authorizer, as the API has it.
fn key_value<'a>(
    version: &Version,
    headers: &'a HeaderMap,
    granted: &'a Granted,
) -> Option<&'a str> {
    if version.takes_header_keys {
        headers
            .get("x-api-key")
            .and_then(|value| value.to_str().ok())
    } else {
        granted.usage_key.as_deref()
    }
}

/// The key of a request: enabled, in a plan that covers the stage, and that long enough for callers to see it.
fn opening_key<'a>(
    stage: &'a ServedStage,
    value: Option<&str>,
    now: Moment,
    lag: u64,
) -> Result<&'a Key, Denied> {
    value
        .and_then(|value| stage.key(value))
        .filter(|key| key.enabled && key.linked.saturating_add(lag) <= now)
        .ok_or_else(Denied::invalid_key)
}

/// The plan's limits, then the stage's, then the plan's quota: what is throttled does not count in the quota.
fn spend(cloud: &Arc<Cloud>, route: &Route, key: Option<&Key>, now: Moment) -> Result<(), Denied> {
    if key.is_some_and(|key| !key.admits(route))
        || route
            .settings
            .limiter
            .as_ref()
            .is_some_and(|limiter| !limiter.admits())
    {
        return Err(Denied::throttled());
    }
    if let Some(key) = key
        && !usage::count(cloud, &key.counter, now, key.quota.as_ref())
    {
        return Err(Denied::quota_exceeded());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(host: &str, path: &str) -> Option<(String, String, String)> {
        let request = Request::builder()
            .uri(path)
            .header(HOST, host)
            .body(Bytes::new())
            .expect("a request");
        target(&request).map(|target| (target.api, target.stage, target.path))
    }

    fn target_of(api: &str, stage: &str, path: &str) -> (String, String, String) {
        (api.into(), stage.into(), path.into())
    }

    #[test]
    fn targets_are_in_the_path_or_the_host() {
        let local = "127.0.0.1:4566";
        assert_eq!(
            found(local, "/restapis/abc/Prod/_user_request_/a/b?c=d"),
            Some(target_of("abc", "Prod", "/a/b"))
        );
        assert_eq!(
            found(local, "/restapis/abc/Prod/_user_request_"),
            Some(target_of("abc", "Prod", "/"))
        );
        assert_eq!(
            found("abc.execute-api.localhost:4566", "/Prod/a/"),
            Some(target_of("abc", "Prod", "/a/"))
        );
        assert_eq!(
            found("abc.execute-api.localhost", "//Prod//a//b"),
            Some(target_of("abc", "Prod", "/a//b"))
        );
        assert_eq!(
            found(local, "/restapis/abc/Prod/_user_request_///a"),
            Some(target_of("abc", "Prod", "/a"))
        );
        assert_eq!(
            found("abc.execute-api.eu-west-1.amazonaws.com", "/"),
            Some(target_of("abc", "", "/"))
        );
        assert_eq!(found(local, "/restapis/abc/resources/def"), None);
        assert_eq!(found(local, "/restapis/abc/stages/_user_request_x"), None);
        assert_eq!(found("execute-api.localhost", "/"), None);
    }
}
