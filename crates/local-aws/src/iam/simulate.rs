//! What the policies of a role would allow, without doing it.

use serde_json::{Value, json};

use super::authorize::Rights;
use super::document::{Document, Kind};
use super::evaluate::{Context, Decision};
use super::{Work, input, role};
use crate::answer::Refusal;

pub(super) fn principal_policy(work: &Work) -> Result<Value, Refusal> {
    let call = work.call;
    let arn = input::required(call, "PolicySourceArn")?;
    input::check_length(arn, "PolicySourceArn", 20, 2048)?;
    let Some((_, path)) = arn.split_once(":role/") else {
        let message = format!("Invalid Entity Arn: {arn}");
        return Err(Refusal::new(400, "InvalidInput", message));
    };
    let name = path.rsplit('/').next().unwrap_or(path);
    let role = role::find(work.tx, &work.place, name)?
        .filter(|role| role.arn == arn)
        .ok_or_else(|| role::unknown(name))?;
    let mut policies = Rights::of(work.cloud, work.tx, &work.place, &role.name, None)?.policies;
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
                    Decision::NotAllowed | Decision::OutOfBounds => "implicitDeny",
                    Decision::Denied | Decision::DeniedByBoundary => "explicitDeny",
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
