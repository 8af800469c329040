//! STS: who one is, and temporary credentials.

mod assume;
mod session;

use std::sync::Arc;

use serde_json::{Value, json};

use crate::answer::{Answer, Refusal};
use crate::call::{Call, Caller};
use crate::clock;
use crate::cloud::{Cloud, Session};
use crate::iam::input;
use crate::{door, iam};

pub(crate) const OPERATIONS: &[&str] = &[
    "AssumeRole",
    "GetAccessKeyInfo",
    "GetCallerIdentity",
    "GetSessionToken",
];

/// Operations that nobody signs: a token of somebody else's vouches for the caller.
pub(crate) const UNSIGNED: &[&str] = &["AssumeRoleWithSAML", "AssumeRoleWithWebIdentity"];

pub(crate) fn perform(cloud: &Arc<Cloud>, call: &Call) -> Result<Answer, Refusal> {
    let output = match call.operation {
        "AssumeRole" => assume::role(cloud, call)?,
        "GetAccessKeyInfo" => access_key_info(cloud, call)?,
        "GetSessionToken" => session_token(cloud, call)?,
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

fn access_key_info(cloud: &Cloud, call: &Call) -> Result<Value, Refusal> {
    let key = input::required(call, "AccessKeyId")?;
    let account = match cloud.session(key) {
        Some(session) => session.place.account,
        None => door::account(key),
    };
    Ok(json!({ "Account": account }))
}

/// Temporary credentials of the account itself.
fn session_token(cloud: &Cloud, call: &Call) -> Result<Value, Refusal> {
    /// AWS: the account's own credentials get an hour at most.
    const MOST_SECONDS: u64 = 3600;
    input::refuse(call, &["SerialNumber", "TokenCode"])?;
    let seconds = input::number(call, "DurationSeconds", 900, 129_600)?;
    let is_temporary = crate::signature::access_key(call)
        .is_some_and(|access_key| cloud.session(&access_key).is_some());
    if is_temporary {
        return Err(Refusal::new(
            403,
            "AccessDenied",
            "Cannot call GetSessionToken with session credentials",
        ));
    }
    let seconds = seconds.unwrap_or(MOST_SECONDS).min(MOST_SECONDS);
    let opened = cloud.open(
        &call.place,
        call.caller.clone(),
        false,
        seconds,
        crate::cloud::Grant::default(),
    );
    Ok(json!({ "Credentials": credentials(&opened) }))
}

fn credentials(session: &Session) -> Value {
    json!({
        "AccessKeyId": session.access_key,
        "SecretAccessKey": session.secret,
        "SessionToken": session.token,
        "Expiration": clock::iso(session.expires),
    })
}
