//! An authorizer's function: when it is called, and what becomes of its answer.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use regex_lite::Regex;
use serde_json::{Map, Value};
use tokio::time::timeout;

use super::cache::Key;
use super::verdict::Verdict;
use super::{Granted, event};
use crate::answer::Refusal;
use crate::apigateway::authorizer::Authorizer;
use crate::apigateway::compiled::{self, Function};
use crate::apigateway::invocation::Incoming;
use crate::apigateway::reply::Denied;
use crate::apigateway::stage::Variables;
use crate::call::form;
use crate::cloud::Cloud;
use crate::lambda::{self, Invoked};
use crate::{ids, trace};

/// Longer than that, no authorizer is waited for.
const LONGEST: Duration = Duration::from_secs(29);

#[derive(Debug)]
pub(super) struct Lambda {
    authorizer: Authorizer,
    function: Option<Function>,
    /// The pattern of a whole token.
    pattern: Option<Regex>,
}

/// An answer, from the function or kept.
pub(super) struct Answered {
    pub(super) verdict: Arc<Verdict>,
    /// Milliseconds that the function took; 0 for a kept answer.
    latency: u64,
}

impl Answered {
    pub(super) fn granted(&self) -> Granted {
        let mut authorizer = self.verdict.context.clone();
        authorizer.insert(
            "principalId".to_owned(),
            self.verdict.principal.clone().into(),
        );
        authorizer.insert("integrationLatency".to_owned(), self.latency.into());
        Granted {
            authorizer: Some(authorizer),
            usage_key: self.verdict.usage_key.clone(),
            identity: None,
        }
    }
}

impl Lambda {
    pub(super) fn new(authorizer: Authorizer, variables: Option<&Variables>) -> Self {
        let uri = authorizer.uri.as_deref().unwrap_or_default();
        let pattern = authorizer
            .identity_validation_expression
            .as_ref()
            .filter(|pattern| authorizer.kind == "TOKEN" && !pattern.is_empty());
        Self {
            function: compiled::function(&compiled::with_variables(uri, variables)),
            pattern: pattern.and_then(|pattern| Regex::new(&format!("^(?:{pattern})$")).ok()),
            authorizer,
        }
    }

    /// The same, without a look at what is kept.
    pub(super) fn uncached(mut self) -> Self {
        self.authorizer.result_ttl = Some(0);
        self
    }

    /// What is kept for the caller, or what the function says. Who does not bring what identifies a caller is refused
    /// without asking it.
    pub(super) async fn answer(
        &self,
        incoming: &Incoming<'_>,
        arn: &str,
    ) -> Result<Answered, Denied> {
        let identity = self.identity(incoming).ok_or_else(Denied::unauthorized)?;
        if let (Some(pattern), Some(token)) = (&self.pattern, identity.first())
            && !pattern.is_match(token)
        {
            return Err(Denied::unauthorized());
        }
        let cloud = incoming.cloud;
        let key = Key {
            api: incoming.api.to_owned(),
            stage: incoming.stage.to_owned(),
            authorizer: self.authorizer.id.clone(),
            identity,
        };
        let start = cloud.now();
        let ttl = self.authorizer.ttl();
        if ttl > 0
            && let Some(verdict) = cloud.gateway.authorizers.get(&key, start)
        {
            let latency = 0;
            return Ok(Answered { verdict, latency });
        }
        let verdict = Arc::new(self.ask(incoming, arn, &key.identity).await?);
        let now = cloud.now();
        if ttl > 0 {
            let until = now.saturating_add(ttl * 1000);
            cloud
                .gateway
                .authorizers
                .put(key, verdict.clone(), now, until);
        }
        Ok(Answered {
            verdict,
            latency: now.saturating_sub(start),
        })
    }

    /// The values of the identity sources; `None` if one is missing or empty.
    fn identity(&self, incoming: &Incoming) -> Option<Vec<String>> {
        let mut event = None;
        self.authorizer
            .identity_sources()
            .map(|source| {
                let found = if let Some(name) = source.strip_prefix("method.request.header.") {
                    let value = incoming.headers.get(name)?;
                    String::from_utf8_lossy(value.as_bytes()).into_owned()
                } else if let Some(name) = source.strip_prefix("method.request.querystring.") {
                    let mut query = form(incoming.query).into_iter();
                    query.find(|(key, _)| key == name)?.1
                } else if let Some(name) = source.strip_prefix("stageVariables.") {
                    incoming.variables?.get(name)?.clone()
                } else {
                    let path = source.strip_prefix("context.")?;
                    let event = event.get_or_insert_with(|| event::of_request(incoming, "", ""));
                    let context = event.as_ref()?.get("requestContext")?;
                    text(context.pointer(&format!("/{}", path.replace('.', "/")))?)?
                };
                Some(found).filter(|value| !value.is_empty())
            })
            .collect()
    }

    async fn ask(
        &self,
        incoming: &Incoming<'_>,
        arn: &str,
        identity: &[String],
    ) -> Result<Verdict, Denied> {
        let trace = trace::of(incoming.headers, incoming.cloud.now());
        let event = if self.authorizer.kind == "TOKEN" {
            event::of_token(identity.first().map_or("", String::as_str), arn)
        } else {
            event::of_request(incoming, &trace, arn).ok_or_else(Denied::authorizer_configuration)?
        };
        let function = self
            .function
            .as_ref()
            .ok_or_else(Denied::authorizer_configuration)?;
        if self.authorizer.credentials.is_none() && !self.may_invoke(incoming, function) {
            return Err(Denied::authorizer_configuration());
        }
        let (cloud, function) = (incoming.cloud.clone(), function.clone());
        let payload = Bytes::from(event.to_string());
        // In a task of its own: a function goes on when the gateway has stopped waiting.
        let running = tokio::spawn(async move { call(&cloud, &function, payload, &trace).await });
        let invoked = match timeout(LONGEST, running).await {
            Ok(Ok(Ok(invoked))) => invoked,
            Ok(Ok(Err(refusal))) if refusal.status == 404 => {
                return Err(Denied::authorizer_configuration());
            }
            _ => return Err(Denied::authorizer_failure()),
        };
        if invoked.error.is_none() {
            return Verdict::read(&invoked.payload).ok_or_else(Denied::authorizer_configuration);
        }
        // This word alone is told to the caller.
        Err(match error_message(&invoked.payload).as_deref() {
            Some("Unauthorized") => Denied::unauthorized(),
            _ => Denied::authorizer_configuration(),
        })
    }

    fn may_invoke(&self, incoming: &Incoming, function: &Function) -> bool {
        let source = format!("{}/authorizers/{}", incoming.api, self.authorizer.id);
        lambda::may_invoke(
            incoming.cloud,
            &function.place,
            &function.name,
            "apigateway.amazonaws.com",
            &incoming.place.arn("execute-api", &source),
        )
        .unwrap_or(false)
    }
}

async fn call(
    cloud: &Arc<Cloud>,
    function: &Function,
    payload: Bytes,
    trace: &str,
) -> Result<Invoked, Refusal> {
    let id = ids::uuid();
    let (place, name) = (&function.place, &function.name);
    let (invoked, _) = lambda::invoke(cloud, place, name, payload, &id, trace).await?;
    Ok(invoked)
}

fn error_message(payload: &[u8]) -> Option<String> {
    let error: Map<String, Value> = serde_json::from_slice(payload).ok()?;
    text(error.get("errorMessage")?)
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}
