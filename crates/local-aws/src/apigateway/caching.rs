//! A stage's cache of answers ("Cache settings for REST APIs in API Gateway").

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

use http::Method;
use http::header::{CACHE_CONTROL, HeaderValue};

use super::invocation::Incoming;
use super::mapping::Source;
use super::reply::{Denied, Reply};
use super::stage_patch::MethodSetting;
use crate::call::form;
use crate::clock::Moment;

/// AWS: "The maximum size of a response that can be cached is 1048576 bytes."
const LARGEST: usize = 1_048_576;
/// Of the whole cache: when it is full, it starts again.
const MOST: usize = 1000;
/// AWS's text for a caller that may not go past the cache.
const WARNING: &str = "199 Cache-control headers were ignored because the caller was unauthorized.";

/// The settings by which a method's answers are cached.
#[derive(Clone, Debug)]
pub(super) struct Caching {
    ttl_ms: u64,
    is_protected: bool,
    /// For callers that may not go past the cache.
    strategy: String,
}

#[derive(Default)]
pub(super) struct Cache(Mutex<HashMap<String, (Moment, Reply)>>);

/// The cache's answer to a request.
pub(super) enum Lookup {
    Hit(Reply),
    /// The key under which the answer is kept.
    Miss(String),
}

impl Caching {
    /// `None` where nothing is cached: the settings for all methods are about GET only.
    pub(super) fn of(setting: &MethodSetting, is_for_all: bool, method: &str) -> Option<Self> {
        let ttl_ms = u64::try_from(setting.cache_ttl_in_seconds).ok()? * 1000;
        let is_on = setting.caching_enabled && ttl_ms > 0 && (!is_for_all || method == "GET");
        is_on.then(|| Self {
            ttl_ms,
            is_protected: setting.require_authorization_for_cache_control,
            strategy: setting.unauthorized_cache_control_header_strategy.clone(),
        })
    }
}

impl Cache {
    /// What is cached for a request; an error for a caller that asks for more than it may.
    pub(super) fn look(&self, caching: &Caching, incoming: &Incoming) -> Result<Lookup, Denied> {
        let key = key(incoming);
        let goes_past = goes_past(incoming);
        if goes_past && !caching.is_protected {
            return Ok(Lookup::Miss(key));
        }
        if goes_past && caching.strategy == "FAIL_WITH_403" {
            return Err(Denied::forbidden());
        }
        let now = incoming.cloud.now();
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.get(&key).filter(|(until, _)| now < *until);
        Ok(match found {
            Some((_, reply)) => Lookup::Hit(warned(caching, goes_past, reply.clone())),
            None => Lookup::Miss(key),
        })
    }

    /// Keeps an answer of success, and gives it back for the caller.
    pub(super) fn keep(
        &self,
        caching: &Caching,
        incoming: &Incoming,
        key: String,
        reply: Reply,
    ) -> Reply {
        if reply.status.is_success() && reply.body.len() <= LARGEST {
            let until = incoming.cloud.now().saturating_add(caching.ttl_ms);
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() >= MOST {
                kept.clear();
            }
            kept.insert(key, (until, reply.clone()));
        }
        warned(caching, goes_past(incoming), reply)
    }
}

fn goes_past(incoming: &Incoming) -> bool {
    let values = incoming.headers.get_all(CACHE_CONTROL).iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|directive| ["max-age=0", "no-cache", "no-store"].contains(&directive.trim()))
}

fn warned(caching: &Caching, goes_past: bool, mut reply: Reply) -> Reply {
    if goes_past && caching.is_protected && caching.strategy == "SUCCEED_WITH_RESPONSE_HEADER" {
        let warning = HeaderValue::from_static(WARNING);
        reply.headers.insert(http::header::WARNING, warning);
    }
    reply
}

/// The method, and the parameters that the integration names for it.
fn key(incoming: &Incoming) -> String {
    let method = match incoming.method {
        // Answers to both are the same.
        &Method::HEAD => "GET",
        method => method.as_str(),
    };
    let integration = incoming.route.method.integration.as_ref();
    let namespace = integration.map_or("", |integration| integration.cache_namespace.as_str());
    let mut key = format!("{}/{}/{namespace}/{method}", incoming.api, incoming.stage);
    let parameters = integration.map_or(&[][..], |integration| &integration.cache_key_parameters);
    for parameter in parameters {
        // A length before each text keeps two texts from looking like two others.
        for value in values(incoming, parameter) {
            let _ = write!(key, "/{parameter}={}:{value}", value.len());
        }
    }
    key
}

fn values(incoming: &Incoming, parameter: &str) -> Vec<String> {
    let query = || form(incoming.query);
    match Source::of_request(parameter) {
        Some(Source::Path(name)) => {
            let all = incoming.parameters.iter();
            all.filter(|(there, _)| *there == name)
                .map(|(_, value)| value.clone())
                .collect()
        }
        Some(Source::Query(name) | Source::QueryAll(name)) => query()
            .into_iter()
            .filter(|(there, _)| *there == name)
            .map(|(_, value)| value)
            .collect(),
        Some(Source::Header(name) | Source::HeaderAll(name)) => {
            let all = incoming.headers.get_all(name).iter();
            all.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
                .collect()
        }
        _ => Vec::new(),
    }
}
