//! `AssumeRole`: who may, and for how long.

use serde_json::{Value, json};

use super::credentials;
use super::session::{self, Asked};
use crate::answer::Refusal;
use crate::call::{Call, Caller};
use crate::cloud::{Cloud, Grant};
use crate::iam::{self, Context, Principal, Role, input};
use crate::place::Place;

/// What a session lasts that one role's session opens for another.
const CHAINED_SECONDS: u64 = 3600;

pub(super) fn role(cloud: &Cloud, call: &Call) -> Result<Value, Refusal> {
    // There are no devices whose codes could be right.
    input::refuse(call, &["SerialNumber", "TokenCode", "ProvidedContexts"])?;
    let arn = input::required(call, "RoleArn")?;
    check_length(arn, "RoleArn", 20, 2048)?;
    let session = session_name(call)?;
    let seconds = input::number(call, "DurationSeconds", 900, 43_200)?.unwrap_or(3600);
    if let Some(id) = call.parameter("ExternalId") {
        check_length(id, "ExternalId", 2, 1224)?;
    }
    let from = cloud.grant(call).unwrap_or_default();
    let asked = Asked::read(call, &from)?;
    let (place, name) = named(call, arn)?;
    let (role, me) = cloud.store.transact(|tx| {
        let me = match &call.caller {
            Caller::Account => None,
            Caller::Role { name, .. } => iam::role(tx, &call.place, name)?,
        };
        Ok((iam::role(tx, &place, name)?, me))
    })?;
    let role = role.filter(|role| role.arn == arn);
    for action in asked.actions() {
        let context = context(call, me.as_ref(), &asked);
        let is_trusted = role
            .as_ref()
            .is_some_and(|role| is_trusted(call, me.as_ref(), role, action, &context));
        if !is_trusted {
            return Err(not_authorized(call, action, arn));
        }
    }
    let role = role.ok_or_else(|| not_authorized(call, "sts:AssumeRole", arn))?;
    if seconds > role.max_session {
        return Err(input::invalid(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        ));
    }
    if call.caller != Caller::Account && seconds > CHAINED_SECONDS {
        return Err(input::invalid(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
        ));
    }
    let grant = Grant {
        policies: cloud
            .store
            .transact(|tx| session::policies(tx, call, &place))?,
        ..asked.grant
    };
    let caller = Caller::Role {
        name: role.name.clone(),
        session: session.to_owned(),
    };
    let source_identity = grant.source_identity.clone();
    let opened = cloud.open(&place, caller, false, seconds, grant);
    Ok(json!({
        "Credentials": credentials(&opened),
        "AssumedRoleUser": {
            "AssumedRoleId": format!("{}:{session}", role.id),
            "Arn": opened.caller.arn(&place),
        },
        "PackedPolicySize": session::packed_size(call),
        "SourceIdentity": source_identity,
    }))
}

/// In the words of STS, which repeats the value.
pub(super) fn check_length(value: &str, at: &str, min: usize, max: usize) -> Result<(), Refusal> {
    let length = value.chars().count();
    let bound = if length < min {
        format!("greater than or equal to {min}")
    } else if length > max {
        format!("less than or equal to {max}")
    } else {
        return Ok(());
    };
    let constraint = format!("Member must have length {bound}");
    Err(input::broken_value(value, at, &constraint))
}

/// A name of two to 64 characters of `[\w+=,.@-]`.
pub(super) fn check_name(value: &str, at: &str) -> Result<(), Refusal> {
    check_length(value, at, 2, 64)?;
    if input::is_plain(value) {
        return Ok(());
    }
    Err(input::broken_value(
        value,
        at,
        r"Member must satisfy regular expression pattern: [\w+=,.@-]*",
    ))
}

fn session_name(call: &Call) -> Result<&str, Refusal> {
    let session = input::required(call, "RoleSessionName")?;
    check_name(session, "RoleSessionName")?;
    Ok(session)
}

/// The account and the name in a role's ARN.
fn named<'a>(call: &Call, arn: &'a str) -> Result<(Place, &'a str), Refusal> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", _, "iam", "", account, resource] = parts[..] else {
        return Err(input::invalid(format!("{arn} is invalid")));
    };
    let Some(path) = resource.strip_prefix("role/") else {
        return Err(not_authorized(call, "sts:AssumeRole", arn));
    };
    let name = path.rsplit('/').next().unwrap_or(path);
    Ok((call.place.of(account), name))
}

/// AWS: "IAM and AWS STS condition context keys".
fn context(call: &Call, me: Option<&Role>, asked: &Asked) -> Context {
    let own = me.map_or_else(|| call.caller.arn(&call.place), |me| me.arn.clone());
    let mut context = Context::default()
        .with("aws:PrincipalAccount", call.place.account.as_str())
        .with("aws:PrincipalArn", own)
        .with("aws:SourceIp", "127.0.0.1")
        .with("aws:SecureTransport", "true");
    for (parameter, key) in [
        ("ExternalId", "sts:ExternalId"),
        ("RoleSessionName", "sts:RoleSessionName"),
        ("SourceIdentity", "sts:SourceIdentity"),
    ] {
        if let Some(value) = call.parameter(parameter) {
            context = context.with(key, value);
        }
    }
    for (key, value) in &asked.tags {
        context = context
            .with(&format!("aws:RequestTag/{key}"), value.as_str())
            .with("aws:TagKeys", key.as_str());
    }
    for key in input::strings(call, "TransitiveTagKeys") {
        context = context.with("sts:TransitiveTagKeys", key);
    }
    context
}

fn is_trusted(
    call: &Call,
    me: Option<&Role>,
    role: &Role,
    action: &str,
    context: &Context,
) -> bool {
    let principal = Principal::Aws {
        account: &call.place.account,
        arns: [call.caller.arn(&call.place)]
            .into_iter()
            .chain(me.map(|me| me.arn.clone()))
            .collect(),
    };
    role.trusts(&principal, action, context)
}

/// AWS says the same of a role that is not there and of one that does not trust the caller.
fn not_authorized(call: &Call, action: &str, arn: &str) -> Refusal {
    let message = format!(
        "User: {} is not authorized to perform: {action} on resource: {arn}",
        call.caller.arn(&call.place)
    );
    Refusal::new(403, "AccessDenied", message)
}
