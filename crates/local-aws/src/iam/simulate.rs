//! What the policies of a role, user or group would allow, without doing it.

use serde_json::{Value, json};

use super::authorize;
use super::document::{Document, Effect, Kind};
use super::evaluate::{Context, Decision, Policies};
use super::matched::{self, Source};
use super::{Work, group, input, role, user};
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
    let (mut policies, mut sources) = policies(work, arn)?;
    for (text, number) in input::strings(call, "PolicyInputList").iter().zip(1..) {
        let at = format!("policyInputList.{number}.member");
        policies
            .identity
            .push(Document::read(text, &at, Kind::Inline)?);
        let name = format!("PolicyInputList.{number}");
        sources.push(Source::read(name, text, Kind::Inline)?);
    }
    let actions = input::strings(call, "ActionNames");
    if actions.is_empty() {
        input::required(call, "ActionNames")?;
    }
    let mut resources = input::strings(call, "ResourceArns");
    let is_of_resources = !resources.is_empty();
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
            let (told, effect) = match decision {
                Decision::Allowed => ("allowed", Some(Effect::Allow)),
                Decision::NotAllowed | Decision::OutOfBounds | Decision::OutOfSession => {
                    ("implicitDeny", None)
                }
                Decision::Denied => ("explicitDeny", Some(Effect::Deny)),
                Decision::DeniedByBoundary | Decision::DeniedBySession => ("explicitDeny", None),
            };
            let statements = effect.map_or_else(Vec::new, |effect| {
                matched::statements(&sources, effect, action, resource, &context)
            });
            let of_resource = is_of_resources.then(|| {
                json!([{
                    "EvalResourceName": resource,
                    "EvalResourceDecision": told,
                    "MatchedStatements": statements,
                    "MissingContextValues": [],
                }])
            });
            let result = json!({
                "EvalActionName": action,
                "EvalResourceName": resource,
                "EvalDecision": told,
                "EvalDecisionDetails": {},
                "MatchedStatements": statements,
                "MissingContextValues": [],
                "OrganizationsDecisionDetail": { "AllowedByOrganizations": true },
                "PermissionsBoundaryDecisionDetail": boundary,
                "ResourceSpecificResults": of_resource,
            });
            results.push((format!("{:08}", results.len()), result));
        }
    }
    input::page(call, "EvaluationResults", results)
}

/// Those of the role, user or group with this ARN; a user has those of its groups too.
fn policies(work: &Work, arn: &str) -> Result<(Policies, Vec<Source>), Refusal> {
    let resource = arn.splitn(6, ':').nth(5).unwrap_or_default();
    let name = resource.rsplit('/').next().unwrap_or(resource);
    let mut groups = Vec::new();
    let (holder, boundary) = if resource.starts_with("role/") {
        let role = role::find(work.tx, &work.place, name)?
            .filter(|role| role.arn == arn)
            .ok_or_else(|| role::unknown(name))?;
        (role.key(), role.boundary)
    } else if resource.starts_with("user/") {
        let user = user::find(work.tx, &work.place, name)?
            .filter(|user| user.arn(&work.call.place) == arn)
            .ok_or_else(|| user::unknown(name))?;
        groups = group::of(work.tx, &work.place, &user)?;
        (user.policies_key(), user.boundary)
    } else if resource.starts_with("group/") {
        let group = group::find(work.tx, &work.place, name)?
            .filter(|group| group.arn(&work.call.place) == arn)
            .ok_or_else(|| group::unknown(name))?;
        (group.policies_key(), None)
    } else {
        let message = format!("Invalid Entity Arn: {arn}");
        return Err(Refusal::new(400, "InvalidInput", message));
    };
    let boundary = boundary.as_deref();
    let of_holder = |holder: &str, boundary| {
        authorize::policies(work.cloud, work.tx, &work.place, holder, boundary)
    };
    let mut policies = of_holder(&holder, boundary)?;
    let mut sources = matched::sources(work, &holder)?;
    for group in groups {
        let key = group.policies_key();
        policies.identity.extend(of_holder(&key, None)?.identity);
        sources.extend(matched::sources(work, &key)?);
    }
    Ok((policies, sources))
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
