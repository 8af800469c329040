//! Who may call a method: by the API's resource policy, by a signature, and by a Lambda authorizer.

mod cache;
mod denials;
mod event;
mod lambda;
pub(super) mod policy;
mod signed;
mod test_invoke;
mod verdict;

use std::collections::HashMap;

use http::request::Parts;
use serde_json::{Map, Value};

use super::authorizer::Authorizer;
use super::deployment::Snapshot;
use super::invocation::Incoming;
use super::refusal::no_stage;
use super::reply::Denied;
use super::rest_api;
use super::stage::{Stage, Variables};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::cloud::Cloud;
use crate::iam::document::Effect;
use crate::iam::{Decision, Document, Principal};

pub(super) use cache::Cache;
use lambda::Lambda;
pub(super) use signed::Identity;
pub(super) use test_invoke::test_invoke;

const INVOKE: &str = "execute-api:Invoke";

/// The facts that are known of a caller who may pass.
#[derive(Clone, Debug, Default)]
pub(super) struct Granted {
    /// Of a signed request.
    pub(super) identity: Option<Identity>,
    /// `requestContext.authorizer`.
    pub(super) authorizer: Option<Map<String, Value>>,
    /// The API key that the authorizer told.
    pub(super) usage_key: Option<String>,
}

/// The rules of a deployment about who may call it.
#[derive(Debug, Default)]
pub(super) struct Access {
    /// The resource policy; of one that cannot be read, nothing is allowed.
    policy: Option<Document>,
    authorizers: HashMap<String, Lambda>,
}

impl Access {
    pub(super) fn of(snapshot: &Snapshot, variables: Option<&Variables>) -> Self {
        let nothing = Document { statements: vec![] };
        Self {
            policy: snapshot
                .policy
                .as_deref()
                .map(|text| policy::read(text).unwrap_or(nothing)),
            authorizers: snapshot
                .authorizers
                .iter()
                .map(|authorizer: &Authorizer| {
                    let lambda = Lambda::new(authorizer.clone(), variables);
                    (authorizer.id.clone(), lambda)
                })
                .collect(),
        }
    }
}

/// Whether the request may pass ("How API Gateway resource policies affect authorization workflow"). The request's body is
/// in `incoming`.
pub(super) async fn authorize(
    incoming: &Incoming<'_>,
    access: &Access,
    parts: &Parts,
) -> Result<Granted, Denied> {
    let kind = incoming.route.method.authorization_type.as_str();
    if kind == "NONE" && access.policy.is_none() {
        return Ok(Granted::default());
    }
    let arn = method_arn(incoming);
    match kind {
        "AWS_IAM" => by_signature(incoming, access, parts, &arn),
        "CUSTOM" => by_authorizer(incoming, access, &arn).await,
        _ => match effect(incoming, access, &Principal::Anonymous, &arn) {
            Some(Effect::Allow) => Ok(Granted::default()),
            Some(Effect::Deny) => Err(Denied::to_user("anonymous", &arn, true)),
            None => Err(Denied::to_user("anonymous", &arn, false)),
        },
    }
}

/// `arn:{partition}:execute-api:{region}:{account}:{api}/{stage}/{verb}/{path}`, with the path as it was sent.
fn method_arn(incoming: &Incoming) -> String {
    let path = if incoming.path.is_empty() {
        "/"
    } else {
        incoming.path
    };
    incoming.place.arn(
        "execute-api",
        &format!(
            "{}/{}/{}{path}",
            incoming.api, incoming.stage, incoming.method
        ),
    )
}

/// What the resource policy says about the request; nothing if there is none.
fn effect(
    incoming: &Incoming,
    access: &Access,
    principal: &Principal,
    arn: &str,
) -> Option<Effect> {
    let policy = access.policy.as_ref()?;
    let context = policy::context(incoming.cloud, incoming.headers);
    policy.effect_on(principal, INVOKE, arn, &context)
}

/// The caller's rights and the resource policy: within an account, one that allows is enough; across accounts, both must.
fn by_signature(
    incoming: &Incoming,
    access: &Access,
    parts: &Parts,
    arn: &str,
) -> Result<Granted, Denied> {
    let signer = signed::verify(incoming, parts)?;
    let own = signer
        .decision(incoming.cloud, INVOKE, arn)
        .map_err(|_| Denied::configuration())?;
    let user_arn = signer.identity.user_arn.as_str();
    let principal = Principal::Aws {
        account: &signer.place.account,
        arns: signer.arns(),
    };
    let by_policy = effect(incoming, access, &principal, arn);
    let is_denied = by_policy == Some(Effect::Deny)
        || matches!(own, Decision::Denied | Decision::DeniedByBoundary);
    if is_denied {
        return Err(Denied::to_user(user_arn, arn, true));
    }
    let by_policy = by_policy == Some(Effect::Allow);
    let by_rights = own == Decision::Allowed;
    let is_allowed = if signer.place.account == incoming.place.account {
        by_policy || by_rights
    } else {
        by_policy && by_rights
    };
    if !is_allowed {
        return Err(Denied::to_user(user_arn, arn, false));
    }
    Ok(Granted {
        identity: Some(signer.identity),
        ..Granted::default()
    })
}

/// The resource policy's denials first, then what the authorizer answers; either may allow.
async fn by_authorizer(
    incoming: &Incoming<'_>,
    access: &Access,
    arn: &str,
) -> Result<Granted, Denied> {
    let by_policy = effect(incoming, access, &Principal::Anonymous, arn);
    if by_policy == Some(Effect::Deny) {
        return Err(Denied::to_user("anonymous", arn, true));
    }
    let lambda = incoming
        .route
        .method
        .authorizer_id
        .as_ref()
        .and_then(|id| access.authorizers.get(id))
        .ok_or_else(Denied::authorizer_configuration)?;
    let answered = lambda.answer(incoming, arn).await?;
    match answered.verdict.effect(arn) {
        Some(Effect::Deny) => Err(Denied::by_authorizer(true)),
        None if by_policy != Some(Effect::Allow) => Err(Denied::by_authorizer(false)),
        _ => Ok(answered.granted()),
    }
}

/// No such path or method. AWS takes the request for a call of its own then, and reads what the header says of a signature.
pub(super) fn no_route(parts: &Parts) -> Denied {
    signed::unsigned(&parts.headers).unwrap_or_else(Denied::no_route)
}

/// `FlushStageAuthorizersCache`.
pub(super) fn flush(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let stage = call.label("stage_name");
    let api = cloud.store.transact(|tx| {
        let api = rest_api::named(tx, call)?;
        let key = format!("{}/{stage}", api.id);
        tx.get::<Stage>(&call.place, &key)?.ok_or_else(no_stage)?;
        Ok(api.id)
    })?;
    cloud.gateway.authorizers.flush(&api, stage);
    Ok(Answer::empty(202))
}
