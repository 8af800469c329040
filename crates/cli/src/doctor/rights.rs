//! The check of the caller's rights against those that `policy` prints, as IAM itself simulates it.

use std::collections::BTreeSet;

use aws_sdk_iam::types::{ContextEntry, ContextKeyTypeEnum, PolicyEvaluationDecisionType};
use futures_util::future::try_join_all;
use serde_json::Value;

use super::Check;
use provision_aws::Calls;
use provision_engine::aws::Aws;
use provision_engine::declaration::Declaration;
use provision_engine::error::{AwsError, Failure};
use provision_engine::operation::{Access, Operation, Service};
use provision_engine::resource::Kinds;
use provision_engine::rights::document;
use provision_engine::target::Target;

const NAME: &str = "rights";

/// `doctor` asks where it may, and says so where it may not: the policy does not grant it.
const SIMULATE: Operation =
    Operation::read(Service::new("IAM", &[]), "SimulatePrincipalPolicy", &[]);

/// The rights that the commands need on a stack.
pub(super) struct Rights<'a> {
    pub(super) declaration: &'a Declaration,
    pub(super) kinds: &'a Kinds,
    pub(super) target: &'a Target,
}

impl Rights<'_> {
    /// Checks that the caller has them.
    pub(super) async fn check(&self, aws: &Aws, caller: &str) -> Check {
        let Self {
            declaration,
            kinds,
            target,
        } = self;
        let document = document(declaration, kinds, target, Access::Write);
        check(aws, &document, caller).await
    }
}

async fn check(aws: &Aws, document: &Value, caller: &str) -> Check {
    let Some(principal) = principal(caller) else {
        return Check::ok(NAME, format!("{caller} may do everything"));
    };
    let statements = document["Statement"].as_array().into_iter().flatten();
    let asked = statements.map(|statement| denied(aws, &principal, statement));
    match try_join_all(asked).await {
        Ok(denied) => {
            let denied: BTreeSet<String> = denied.into_iter().flatten().collect();
            if denied.is_empty() {
                return Check::ok(NAME, "all that `up` and `down` need");
            }
            let denied: Vec<&str> = denied.iter().map(String::as_str).collect();
            Check::fail(NAME, format!("missing: {}", denied.join(", ")))
                .remedy("`provision policy` prints what is needed")
        }
        Err(error) if error.failure == Failure::Refused => Check::unknown(
            NAME,
            "IAM does not say: the caller may not simulate policies",
        )
        .remedy(
            "`iam:SimulatePrincipalPolicy` on itself; `provision policy` prints what is needed",
        ),
        Err(error) => Check::unknown(NAME, error.to_string()),
    }
}

/// Returns the principal whose policies count: the role of a session; `None` for an account's root user.
fn principal(caller: &str) -> Option<String> {
    let parts: Vec<&str> = caller.splitn(6, ':').collect();
    let [arn, partition, _, _, account, resource] = parts[..] else {
        return Some(caller.to_owned());
    };
    if resource == "root" {
        return None;
    }
    let Some(session) = resource.strip_prefix("assumed-role/") else {
        return Some(caller.to_owned());
    };
    let (role, _) = session.split_once('/').unwrap_or((session, ""));
    Some(format!("{arn}:{partition}:iam::{account}:role/{role}"))
}

/// Returns the actions of `statement` that are allowed on none of its resources.
async fn denied(
    aws: &Aws,
    principal: &str,
    statement: &Value,
) -> Result<BTreeSet<String>, AwsError> {
    let iam = aws.iam();
    let context: Vec<ContextEntry> = statement["Condition"]["StringEquals"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| {
            ContextEntry::builder()
                .context_key_name(key)
                .context_key_type(ContextKeyTypeEnum::String)
                .set_context_key_values(Some(texts(value)))
                .build()
        })
        .collect();
    let answer = aws
        .call(&SIMULATE, || {
            iam.simulate_principal_policy()
                .policy_source_arn(principal)
                .set_action_names(Some(texts(&statement["Action"])))
                .set_resource_arns(Some(texts(&statement["Resource"])))
                .set_context_entries(Some(context.clone()))
                .send()
        })
        .await?;
    let results = answer.evaluation_results();
    let is_allowed = |action: &str| {
        results.iter().any(|result| {
            result.eval_action_name() == action
                && *result.eval_decision() == PolicyEvaluationDecisionType::Allowed
        })
    };
    let actions = texts(&statement["Action"]).into_iter();
    Ok(actions.filter(|action| !is_allowed(action)).collect())
}

/// One text, or a list of them.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(list) => list.iter().flat_map(texts).collect(),
        Value::String(text) => vec![text.clone()],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_has_the_rights_of_its_role() {
        assert_eq!(
            principal("arn:aws:sts::111122223333:assumed-role/deploy/run-7").as_deref(),
            Some("arn:aws:iam::111122223333:role/deploy")
        );
        let user = "arn:aws:iam::111122223333:user/x";
        assert_eq!(principal(user).as_deref(), Some(user));
        assert_eq!(principal("arn:aws:iam::111122223333:root"), None);
    }
}
