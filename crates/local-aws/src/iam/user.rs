//! Users, of whom there are none, and what else the account has none of.

use serde_json::{Value, json};

use super::{Work, input, role};
use crate::answer::Refusal;
use crate::call::Caller;
use crate::clock;

pub(super) fn get(work: &Work) -> Result<Value, Refusal> {
    if work.call.parameter("UserName").is_some() {
        let name = input::name(work.call, "UserName", 128)?;
        let message = format!("The user with name {name} cannot be found.");
        return Err(role::no_such_entity(message));
    }
    match work.call.caller {
        Caller::Account => Ok(json!({ "User": {
            "Path": "/",
            "UserName": "root",
            "UserId": work.place.account,
            "Arn": work.call.caller.arn(&work.call.place),
            "CreateDate": clock::iso(0),
        } })),
        Caller::Role { .. } => Err(input::invalid(
            "Must specify userName when calling with non-User credentials",
        )),
    }
}

pub(super) fn list(work: &Work) -> Result<Value, Refusal> {
    input::path_prefix(work.call)?;
    input::page(work.call, "Users", Vec::new())
}

pub(super) fn list_account_aliases(work: &Work) -> Result<Value, Refusal> {
    input::page(work.call, "AccountAliases", Vec::new())
}
