//! STS: who one is, and roles to assume.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::answer::{Answer, Refusal};
use crate::call::{Call, Caller};
use crate::clock;
use crate::cloud::Cloud;
use crate::iam::document::{self, Kind};
use crate::iam::{self, Context, Document, Principal, Role, input};
use crate::place::Place;

pub(crate) const OPERATIONS: &[&str] = &["AssumeRole", "GetCallerIdentity"];

/// What a session lasts that one role's session opens for another.
const CHAINED_SECONDS: u64 = 3600;

pub(crate) fn perform(cloud: &Arc<Cloud>, call: &Call) -> Result<Answer, Refusal> {
    let output = match call.operation {
        "AssumeRole" => assume_role(cloud, call)?,
        _ => caller_identity(cloud, call)?,
    };
    Ok(Answer::ok(output))
}

fn caller_identity(cloud: &Cloud, call: &Call) -> Result<Value, Refusal> {
    let user_id = match &call.caller {
        Caller::Account => call.place.account.clone(),
        Caller::Role { name, session } => {
            let role = cloud
                .store
                .transact(|tx| iam::role(tx, &call.place, name))?
                .ok_or_else(|| {
                    Refusal::new(
                        403,
                        "InvalidClientTokenId",
                        "The security token included in the request is invalid",
                    )
                })?;
            format!("{}:{session}", role.id)
        }
    };
    Ok(json!({
        "UserId": user_id,
        "Account": call.place.account,
        "Arn": call.caller.arn(&call.place),
    }))
}

fn assume_role(cloud: &Cloud, call: &Call) -> Result<Value, Refusal> {
    let arn = input::required(call, "RoleArn")?;
    input::check_length(arn, "RoleArn", 20, 2048)?;
    let session = session_name(call)?;
    let seconds = input::number(call, "DurationSeconds", 900, 43_200)?.unwrap_or(3600);
    let external_id = call.parameter("ExternalId");
    if let Some(id) = external_id {
        input::check_length(id, "ExternalId", 2, 1224)?;
    }
    if let Some(policy) = call.parameter("Policy") {
        Document::read(policy, "Policy", Kind::Inline)?;
    }
    let (place, name) = named(call, arn)?;
    let (role, me) = cloud.store.transact(|tx| {
        let me = match &call.caller {
            Caller::Account => None,
            Caller::Role { name, .. } => iam::role(tx, &call.place, name)?,
        };
        Ok((iam::role(tx, &place, name)?, me))
    })?;
    let role = role
        .filter(|role| role.arn == arn && is_trusted(call, me.as_ref(), role, external_id))
        .ok_or_else(|| not_authorized(call, arn))?;
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
    let opened = cloud.open_session(&place, &role.name, session, false, seconds);
    Ok(json!({
        "Credentials": {
            "AccessKeyId": opened.access_key,
            "SecretAccessKey": opened.secret,
            "SessionToken": opened.token,
            "Expiration": clock::iso(opened.expires),
        },
        "AssumedRoleUser": {
            "AssumedRoleId": format!("{}:{session}", role.id),
            "Arn": opened.caller.arn(&place),
        },
        "PackedPolicySize": call.parameter("Policy").map(packed_size),
    }))
}

/// In per cent of what fits.
fn packed_size(policy: &str) -> usize {
    (document::size(policy) * 100).div_ceil(2048)
}

fn session_name(call: &Call) -> Result<&str, Refusal> {
    let session = input::required(call, "RoleSessionName")?;
    input::check_length(session, "RoleSessionName", 2, 64)?;
    if input::is_plain(session) {
        return Ok(session);
    }
    Err(input::broken(
        session,
        "RoleSessionName",
        r"Member must satisfy regular expression pattern: [\w+=,.@-]*",
    ))
}

/// The account and the name in a role's ARN.
fn named<'a>(call: &Call, arn: &'a str) -> Result<(Place, &'a str), Refusal> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", _, "iam", "", account, resource] = parts[..] else {
        return Err(input::invalid(format!("{arn} is invalid")));
    };
    let Some(path) = resource.strip_prefix("role/") else {
        return Err(not_authorized(call, arn));
    };
    let place = Place {
        account: account.to_owned(),
        region: call.place.region.clone(),
    };
    Ok((place, path.rsplit('/').next().unwrap_or(path)))
}

fn is_trusted(call: &Call, me: Option<&Role>, role: &Role, external_id: Option<&str>) -> bool {
    let own = me.map(|me| me.arn.clone());
    let principal = Principal::Aws {
        account: &call.place.account,
        arns: [call.caller.arn(&call.place)]
            .into_iter()
            .chain(own.clone())
            .collect(),
    };
    let mut context = Context::default()
        .with("aws:PrincipalAccount", call.place.account.as_str())
        .with(
            "aws:PrincipalArn",
            own.unwrap_or_else(|| call.caller.arn(&call.place)),
        )
        .with("aws:SourceIp", "127.0.0.1")
        .with("aws:SecureTransport", "true");
    if let Some(id) = external_id {
        context = context.with("sts:ExternalId", id);
    }
    if let Some(name) = call.parameter("RoleSessionName") {
        context = context.with("sts:RoleSessionName", name);
    }
    role.trusts(&principal, "sts:AssumeRole", &context)
}

/// AWS says the same of a role that is not there and of one that does not trust the caller.
fn not_authorized(call: &Call, arn: &str) -> Refusal {
    let message = format!(
        "User: {} is not authorized to perform: sts:AssumeRole on resource: {arn}",
        call.caller.arn(&call.place)
    );
    Refusal::new(403, "AccessDenied", message)
}
