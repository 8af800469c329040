//! Which statements of which policies decide, as `SimulatePrincipalPolicy` shows them.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::document::{Document, Effect, Kind};
use super::evaluate::Context;
use super::{Work, attached, inline, managed};
use crate::answer::Refusal;

/// A policy with the name that answers call it by.
pub(super) struct Source {
    name: String,
    text: String,
    document: Document,
}

impl Source {
    pub(super) fn read(name: String, text: &str, kind: Kind) -> Result<Self, Refusal> {
        Ok(Self {
            name,
            text: text.to_owned(),
            document: Document::parse(text, kind)?,
        })
    }
}

/// The policies of the role or user with the key `holder`.
pub(super) fn sources(work: &Work, holder: &str) -> Result<Vec<Source>, Refusal> {
    let mut sources = Vec::new();
    let now = work.cloud.now();
    let lag = work.cloud.faults().policy_propagation_ms;
    for policy in inline::of(work.tx, &work.place, holder)? {
        if let Some(text) = policy.in_force(now, lag) {
            sources.push(Source::read(policy.name.clone(), text, Kind::Inline)?);
        }
    }
    for attachment in attached::of(work.tx, &work.place, holder)? {
        if attachment.since.saturating_add(lag) > now {
            continue;
        }
        if let Some(policy) = managed::find(work.tx, &work.place, &attachment.arn)? {
            let name = managed::name_in(&attachment.arn).to_owned();
            sources.push(Source::read(name, policy.text(), Kind::Managed)?);
        }
    }
    Ok(sources)
}

/// The statements with `effect` that are about `action` on `resource`.
pub(super) fn statements(
    sources: &[Source],
    effect: Effect,
    action: &str,
    resource: &str,
    context: &Context,
) -> Vec<Value> {
    let mut matched = Vec::new();
    for source in sources {
        let places = places(&source.text);
        for (at, statement) in source.document.statements.iter().enumerate() {
            if statement.effect != effect || !statement.is_about(action, &[resource], context) {
                continue;
            }
            let (start, end) = places.get(at).copied().unwrap_or_default();
            matched.push(json!({
                "SourcePolicyId": source.name,
                "SourcePolicyType": "IAM Policy",
                // After the brace that opens the statement, and after the one that closes it (recorded by localstack,
                // `test_simulate_principle_policy`).
                "StartPosition": position(&source.text, start + 1),
                "EndPosition": position(&source.text, end),
            }));
        }
    }
    matched
}

/// Line and column, from 1, of a place in a text.
fn position(text: &str, at: usize) -> Value {
    let before = text.get(..at).unwrap_or(text);
    let line = before.rsplit('\n').next().unwrap_or(before);
    json!({
        "Line": before.matches('\n').count() + 1,
        "Column": line.chars().count() + 1,
    })
}

#[derive(Deserialize)]
struct Outline<'a> {
    #[serde(rename = "Statement", borrow)]
    statements: &'a RawValue,
}

/// The beginning and the end of each statement, in bytes.
fn places(text: &str) -> Vec<(usize, usize)> {
    let Ok(outline) = serde_json::from_str::<Outline>(text) else {
        return Vec::new();
    };
    let listed = serde_json::from_str::<Vec<&RawValue>>(outline.statements.get());
    let statements = listed.unwrap_or_else(|_| vec![outline.statements]);
    let mut places = Vec::new();
    // Statements follow each other, so each is the first of its text after the one before. The first is looked for where
    // all of them are.
    let mut from = text.rfind(outline.statements.get()).unwrap_or(0);
    for statement in statements {
        let part = statement.get();
        let Some(start) = text.get(from..).and_then(|rest| rest.find(part)) else {
            break;
        };
        let start = from + start;
        from = start + part.len();
        places.push((start, from));
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_have_places() {
        let text = r#"{"Version": "2012-10-17", "Statement": {"Sid": "", "Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}}"#;
        let source = Source::read("p".to_owned(), text, Kind::Managed).expect("a policy");
        let found = |action| {
            statements(
                std::slice::from_ref(&source),
                Effect::Allow,
                action,
                "arn:aws:s3:::bucket",
                &Context::default(),
            )
        };
        assert_eq!(
            found("s3:PutObject"),
            [json!({
                "SourcePolicyId": "p",
                "SourcePolicyType": "IAM Policy",
                "StartPosition": { "Line": 1, "Column": 41 },
                "EndPosition": { "Line": 1, "Column": 113 },
            })]
        );
        assert!(found("s3:GetObjectVersion").is_empty());
        assert_eq!(places("{\"Statement\": [{},\n {}]}"), [(15, 17), (20, 22)]);
        assert_eq!(position("{\n {", 3), json!({ "Line": 2, "Column": 2 }));
    }
}
