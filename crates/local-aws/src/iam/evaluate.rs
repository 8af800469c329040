//! What policies allow (AWS: "Policy evaluation logic").

use std::collections::BTreeMap;

use super::document::{Document, Effect, Matching, Statement};
use super::pattern;
use super::principal::{Principal, Principals};

/// What is known about a call beside its action and resource; keys without regard to case.
#[derive(Clone, Debug, Default)]
pub(crate) struct Context(BTreeMap<String, Vec<String>>);

impl Context {
    /// Adds a value; a key may have several.
    pub(crate) fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        let values = self.0.entry(key.to_lowercase()).or_default();
        values.push(value.into());
        self
    }

    pub(crate) fn without(mut self, key: &str) -> Self {
        self.0.remove(&key.to_lowercase());
        self
    }

    pub(crate) fn values(&self, key: &str) -> &[String] {
        self.0
            .get(&key.to_lowercase())
            .map_or(&[][..], Vec::as_slice)
    }
}

/// All policies that decide about one role.
#[derive(Clone, Debug, Default)]
pub(crate) struct Policies {
    pub(crate) identity: Vec<Document>,
    pub(crate) boundary: Option<Document>,
    /// What a session was opened with, of which one has to allow; empty if nothing.
    pub(crate) session: Vec<Document>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    Allowed,
    /// No policy of the role says so.
    NotAllowed,
    /// The boundary does not say so.
    OutOfBounds,
    Denied,
    DeniedByBoundary,
    /// No policy of the session says so.
    OutOfSession,
    DeniedBySession,
}

impl Policies {
    /// Returns true if `action` is allowed on a thing, by all the ARNs that it goes by.
    pub(crate) fn decide(&self, action: &str, resources: &[&str], context: &Context) -> Decision {
        let effects = |documents: &[Document]| {
            let mut allowed = false;
            let mut denied = false;
            for statement in documents.iter().flat_map(|document| &document.statements) {
                if statement.is_about(action, resources, context) {
                    match statement.effect {
                        Effect::Allow => allowed = true,
                        Effect::Deny => denied = true,
                    }
                }
            }
            (allowed, denied)
        };
        let (allowed, denied) = effects(&self.identity);
        let (in_bounds, denied_by_boundary) = match &self.boundary {
            Some(boundary) => effects(std::slice::from_ref(boundary)),
            None => (true, false),
        };
        let (in_session, denied_by_session) = if self.session.is_empty() {
            (true, false)
        } else {
            effects(&self.session)
        };
        if denied {
            Decision::Denied
        } else if denied_by_boundary {
            Decision::DeniedByBoundary
        } else if denied_by_session {
            Decision::DeniedBySession
        } else if !allowed {
            Decision::NotAllowed
        } else if !in_bounds {
            Decision::OutOfBounds
        } else if !in_session {
            Decision::OutOfSession
        } else {
            Decision::Allowed
        }
    }
}

impl Document {
    /// Returns true if this trust policy lets `principal` do `action`.
    pub(crate) fn trusts(&self, principal: &Principal, action: &str, context: &Context) -> bool {
        let mut allowed = false;
        for statement in &self.statements {
            let is_about = statement.names(principal)
                && statement.has_action(action)
                && statement.holds_in(context);
            match statement.effect {
                Effect::Deny if is_about => return false,
                Effect::Allow => allowed |= is_about,
                Effect::Deny => {}
            }
        }
        allowed
    }

    /// What its statements say about `principal`, where they name principals, doing `action` on `resource`; `None` if they
    /// say nothing.
    pub(crate) fn effect_on(
        &self,
        principal: &Principal,
        action: &str,
        resource: &str,
        context: &Context,
    ) -> Option<Effect> {
        let mut effect = None;
        for statement in &self.statements {
            let names = statement.principals.is_none() || statement.names(principal);
            if names && statement.is_about(action, &[resource], context) {
                match statement.effect {
                    Effect::Deny => return Some(Effect::Deny),
                    Effect::Allow => effect = Some(Effect::Allow),
                }
            }
        }
        effect
    }

    /// The ARNs that its statements name as principals.
    pub(crate) fn principal_arns(&self) -> impl Iterator<Item = &str> {
        self.statements
            .iter()
            .filter_map(|statement| statement.principals.as_ref())
            .flat_map(|principals| match principals {
                Matching::In(listed) | Matching::NotIn(listed) => listed.arns(),
            })
    }
}

impl Statement {
    pub(super) fn is_about(&self, action: &str, resources: &[&str], context: &Context) -> bool {
        self.has_action(action)
            && self.resources.as_ref().is_some_and(|own| {
                own.matches(|own| {
                    own.iter().any(|pattern| {
                        resources
                            .iter()
                            .any(|arn| pattern::fits_in(pattern, arn, context))
                    })
                })
            })
            && self.holds_in(context)
    }

    fn has_action(&self, action: &str) -> bool {
        self.actions.matches(|own| {
            own.iter()
                .any(|pattern| pattern::fits_any_case(pattern, action))
        })
    }

    fn names(&self, principal: &Principal) -> bool {
        self.principals
            .as_ref()
            .is_some_and(|own| own.matches(|own: &Principals| own.include(principal)))
    }

    fn holds_in(&self, context: &Context) -> bool {
        self.conditions
            .iter()
            .all(|condition| condition.holds(context))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::document::Kind;
    use super::*;

    fn document(statements: &Value) -> Document {
        let text = json!({ "Version": "2012-10-17", "Statement": statements }).to_string();
        Document::parse(&text, Kind::Inline).expect("a policy")
    }

    fn allow(action: &str, resource: &str) -> Value {
        json!({ "Effect": "Allow", "Action": action, "Resource": resource })
    }

    const TABLE: &str = "arn:aws:dynamodb:eu-west-1:000000000000:table/t";

    fn decide(policies: &Policies, action: &str, resource: &str) -> Decision {
        policies.decide(action, &[resource], &Context::default())
    }

    #[test]
    fn only_what_is_allowed_is() {
        let policies = Policies {
            identity: vec![document(&json!([
                allow("dynamodb:Get*", TABLE),
                { "Effect": "Allow", "NotAction": ["iam:*", "dynamodb:*"], "Resource": "*" },
                { "Effect": "Allow", "Action": "sts:AssumeRole", "NotResource": "arn:aws:iam::*:role/admin" },
            ]))],
            ..Policies::default()
        };
        for (action, resource, allowed) in [
            ("dynamodb:GetItem", TABLE, true),
            ("DynamoDB:getitem", TABLE, true),
            ("dynamodb:PutItem", TABLE, false),
            (
                "dynamodb:GetItem",
                "arn:aws:dynamodb:eu-west-1:000000000000:table/T",
                false,
            ),
            ("logs:PutLogEvents", "*", true),
            ("iam:GetRole", "*", false),
            (
                "sts:AssumeRole",
                "arn:aws:iam::000000000000:role/other",
                true,
            ),
        ] {
            let decision = decide(&policies, action, resource);
            assert_eq!(
                decision == Decision::Allowed,
                allowed,
                "{action} {resource}"
            );
        }
        assert_eq!(
            decide(&Policies::default(), "s3:GetObject", "*"),
            Decision::NotAllowed
        );
    }

    #[test]
    fn a_denial_wins_and_a_boundary_limits() {
        let mut policies = Policies {
            identity: vec![document(&json!([
                allow("*", "*"),
                { "Effect": "Deny", "Action": "dynamodb:Delete*", "Resource": "*" },
            ]))],
            boundary: Some(document(&json!([allow("dynamodb:*", TABLE)]))),
            ..Policies::default()
        };
        assert_eq!(
            decide(&policies, "dynamodb:PutItem", TABLE),
            Decision::Allowed
        );
        assert_eq!(
            decide(&policies, "dynamodb:DeleteItem", TABLE),
            Decision::Denied
        );
        assert_eq!(
            decide(&policies, "logs:PutLogEvents", "*"),
            Decision::OutOfBounds
        );
        policies.boundary = Some(document(&json!([
            { "Effect": "Deny", "Action": "*", "Resource": "*" }
        ])));
        assert_eq!(
            decide(&policies, "dynamodb:PutItem", TABLE),
            Decision::DeniedByBoundary
        );
    }

    #[test]
    fn a_session_has_no_more_than_it_was_opened_with() {
        let policies = Policies {
            identity: vec![document(&json!([allow("dynamodb:*", TABLE)]))],
            session: vec![
                document(&json!([allow("dynamodb:GetItem", "*")])),
                document(&json!([
                    allow("dynamodb:PutItem", "*"),
                    { "Effect": "Deny", "Action": "dynamodb:Delete*", "Resource": "*" },
                ])),
            ],
            ..Policies::default()
        };
        for (action, decision) in [
            ("dynamodb:GetItem", Decision::Allowed),
            ("dynamodb:PutItem", Decision::Allowed),
            ("dynamodb:Query", Decision::OutOfSession),
            ("dynamodb:DeleteItem", Decision::DeniedBySession),
            ("iam:GetRole", Decision::NotAllowed),
        ] {
            assert_eq!(decide(&policies, action, TABLE), decision, "{action}");
        }
    }

    #[test]
    fn conditions_and_variables_use_the_context() {
        let policies = Policies {
            identity: vec![document(&json!([{
                "Effect": "Allow",
                "Action": "dynamodb:*",
                "Resource": "arn:aws:dynamodb:*:*:table/${aws:PrincipalTag/team}",
                "Condition": { "Bool": { "aws:SecureTransport": true } },
            }]))],
            ..Policies::default()
        };
        let context = Context::default()
            .with("aws:PrincipalTag/team", "t")
            .with("aws:SecureTransport", "true");
        assert_eq!(
            policies.decide("dynamodb:GetItem", &[TABLE], &context),
            Decision::Allowed
        );
        assert_eq!(
            decide(&policies, "dynamodb:GetItem", TABLE),
            Decision::NotAllowed
        );
    }

    #[test]
    fn trust_is_for_principals() {
        let text = json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow",
            "Principal": { "Service": "lambda.amazonaws.com" },
            "Action": "sts:AssumeRole",
        }] })
        .to_string();
        let trust = Document::parse(&text, Kind::Trust).expect("a trust policy");
        let trusts = |service| {
            trust.trusts(
                &Principal::Service(service),
                "sts:AssumeRole",
                &Context::default(),
            )
        };
        assert!(trusts("lambda.amazonaws.com"));
        assert!(!trusts("apigateway.amazonaws.com"));
    }
}
