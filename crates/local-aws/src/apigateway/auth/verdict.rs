//! What an authorizer's function answers ("Output from an API Gateway Lambda authorizer").

use serde_json::{Map, Value};

use super::INVOKE;
use crate::iam::document::{Effect, Kind};
use crate::iam::{Context, Document, Principal};

#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) principal: String,
    /// As it was answered.
    pub(super) policy: String,
    document: Document,
    /// Texts only.
    pub(super) context: Map<String, Value>,
    pub(super) usage_key: Option<String>,
}

impl Verdict {
    /// `None` for an answer of another form.
    pub(super) fn read(payload: &[u8]) -> Option<Self> {
        let answer: Map<String, Value> = serde_json::from_slice(payload).ok()?;
        let principal = text(answer.get("principalId")?)?;
        let policy = answer.get("policyDocument").filter(|it| it.is_object())?;
        let policy = policy.to_string();
        let document = Document::parse(&policy, Kind::Inline).ok()?;
        let context = match answer.get("context") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(context)) => context
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| Some((name.clone(), text(value)?.into())))
                .collect::<Option<_>>()?,
            Some(_) => return None,
        };
        let usage_key = match answer.get("usageIdentifierKey") {
            None | Some(Value::Null) => None,
            Some(key) => Some(text(key)?),
        };
        Some(Self {
            principal,
            policy,
            document,
            context,
            usage_key,
        })
    }

    /// Of the policy on a method; `None` if it says nothing.
    pub(super) fn effect(&self, arn: &str) -> Option<Effect> {
        let context = Context::default();
        self.document
            .effect_on(&Principal::Anonymous, INVOKE, arn, &context)
    }
}

/// Texts, numbers and truth values become texts; nothing else can be told.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(effect: &str, resource: &str, context: &Value) -> Option<Verdict> {
        let answer = json!({
            "principalId": "me",
            "policyDocument": { "Version": "2012-10-17", "Statement": [
                { "Effect": effect, "Action": "execute-api:Invoke", "Resource": resource },
            ] },
            "context": context,
        });
        Verdict::read(answer.to_string().as_bytes())
    }

    #[test]
    fn a_policy_is_about_methods() {
        let arn = "arn:aws:execute-api:eu-west-1:000000000000:api/Prod/GET/a/b";
        for (effect, resource, expected) in [
            ("Allow", "*", Some(Effect::Allow)),
            (
                "Allow",
                "arn:aws:execute-api:*:*:api/*/GET/*",
                Some(Effect::Allow),
            ),
            ("Deny", arn, Some(Effect::Deny)),
            ("Allow", "arn:aws:execute-api:*:*:api/*/POST/*", None),
        ] {
            let verdict = answer(effect, resource, &Value::Null).expect("an answer");
            assert_eq!(verdict.effect(arn), expected, "{resource}");
        }
    }

    #[test]
    fn a_context_has_plain_values() {
        let verdict = answer(
            "Allow",
            "*",
            &json!({ "a": "b", "n": 1, "t": true, "z": null }),
        );
        let context = verdict.expect("an answer").context;
        assert_eq!(
            Value::from(context),
            json!({ "a": "b", "n": "1", "t": "true" })
        );
        for context in [json!({ "a": {} }), json!({ "a": [] }), json!("a")] {
            assert!(answer("Allow", "*", &context).is_none(), "{context}");
        }
        for payload in ["null", "{}", "\"me\"", "{\"principalId\":\"me\"}"] {
            assert!(Verdict::read(payload.as_bytes()).is_none(), "{payload}");
        }
    }
}
