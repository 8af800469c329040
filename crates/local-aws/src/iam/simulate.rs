//! What the policies of a role or user would allow, without doing it.

use serde_json::{Value, json};

use super::authorize;
use super::document::{Document, Kind};
use super::evaluate::{Context, Decision, Policies};
use super::{Work, input, role, user};
use crate::answer::Refusal;
use crate::store::Record;

pub(super) fn principal_policy(work: &Work) -> Result<Value, Refusal> {
    let call = work.call;
    let arn = input::required(call, "PolicySourceArn")?;
    input::check_length(arn, "PolicySourceArn", 20, 2048)?;
    input::refuse(
        call,
        &[
            "CallerArn",
            "PermissionsBoundaryPolicyInputList",
            "ResourceHandlingOption",
            "ResourceOwner",
            "ResourcePolicy",
        ],
    )?;
    let mut policies = policies(work, arn)?;
    for (index, text) in input::strings(call, "PolicyInputList").iter().enumerate() {
        let at = format!("policyInputList.{}.member", index + 1);
        policies
            .identity
            .push(Document::read(text, &at, Kind::Inline)?);
    }
    let actions = input::strings(call, "ActionNames");
    if actions.is_empty() {
        input::required(call, "ActionNames")?;
    }
    let mut resources = input::strings(call, "ResourceArns");
    if resources.is_empty() {
        resources.push("*");
    }
    let context = entries(work);
    let mut results = Vec::new();
    for action in actions {
        for resource in &resources {
            let decision = policies.decide(action, &[resource], &context);
            let in_bounds = !matches!(decision, Decision::OutOfBounds | Decision::DeniedByBoundary);
            let boundary = policies
                .boundary
                .as_ref()
                .map(|_| json!({ "AllowedByPermissionsBoundary": in_bounds }));
            let result = json!({
                "EvalActionName": action,
                "EvalResourceName": resource,
                "EvalDecision": match decision {
                    Decision::Allowed => "allowed",
                    Decision::NotAllowed | Decision::OutOfBounds | Decision::OutOfSession => {
                        "implicitDeny"
                    }
                    Decision::Denied
                    | Decision::DeniedByBoundary
                    | Decision::DeniedBySession => "explicitDeny",
                },
                "MatchedStatements": [],
                "MissingContextValues": [],
                "PermissionsBoundaryDecisionDetail": boundary,
            });
            results.push((format!("{:08}", results.len()), result));
        }
    }
    input::page(call, "EvaluationResults", results)
}

/// Those of the role or user with this ARN.
fn policies(work: &Work, arn: &str) -> Result<Policies, Refusal> {
    let resource = arn.splitn(6, ':').nth(5).unwrap_or_default();
    let name = resource.rsplit('/').next().unwrap_or(resource);
    let (holder, boundary) = if resource.starts_with("role/") {
        let role = role::find(work.tx, &work.place, name)?
            .filter(|role| role.arn == arn)
            .ok_or_else(|| role::unknown(name))?;
        (role.key(), role.boundary)
    } else if resource.starts_with("user/") {
        let user = user::find(work.tx, &work.place, name)?
            .filter(|user| user.arn(&work.call.place) == arn)
            .ok_or_else(|| user::unknown(name))?;
        (user.policies_key(), user.boundary)
    } else {
        let message = format!("Invalid Entity Arn: {arn}");
        return Err(Refusal::new(400, "InvalidInput", message));
    };
    let boundary = boundary.as_deref();
    authorize::policies(work.cloud, work.tx, &work.place, &holder, boundary)
}

/// `ContextEntries.member.{n}.ContextKeyName` with `.ContextKeyValues.member.{m}`.
fn entries(work: &Work) -> Context {
    let mut context = Context::default();
    for entry in input::structures(work.call, "ContextEntries") {
        let Some(name) = entry.get("ContextKeyName") else {
            continue;
        };
        for (field, value) in &entry {
            if field.starts_with("ContextKeyValues.") {
                context = context.with(name, *value);
            }
        }
    }
    context
}
