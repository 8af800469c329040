//! Patch operations: their form, the paths that a kind of thing allows, and their effect.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::refusal::{Violations, bad_request, not_found};
use crate::answer::Refusal;
use crate::call::Call;

/// One operation, read.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) op: Op,
    /// As it was sent.
    pub(super) path: String,
    /// The parts of the path, `~1` and `~0` decoded.
    pub(super) segments: Vec<String>,
    pub(super) value: Option<String>,
    /// Of a copy.
    pub(super) from: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    Add,
    Remove,
    Replace,
    Move,
    Copy,
    Test,
}

/// In the order of AWS's message.
const OPS: [(&str, Op); 6] = [
    ("add", Op::Add),
    ("remove", Op::Remove),
    ("move", Op::Move),
    ("test", Op::Test),
    ("replace", Op::Replace),
    ("copy", Op::Copy),
];

pub(super) const REPLACE: &[Op] = &[Op::Replace];
pub(super) const REPLACE_REMOVE: &[Op] = &[Op::Replace, Op::Remove];
pub(super) const ADD_REMOVE_REPLACE: &[Op] = &[Op::Add, Op::Remove, Op::Replace];

impl Op {
    pub(super) fn name(self) -> &'static str {
        OPS.iter()
            .find_map(|(name, op)| (*op == self).then_some(*name))
            .unwrap_or("replace")
    }
}

/// A path that may be patched: `{}` is any one part.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    path: &'static str,
    ops: &'static [Op],
    kind: Kind,
    /// What is said when there is nothing to remove.
    missing: Option<&'static str>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Text,
    Flag,
    Integer,
}

pub(super) const fn rule(path: &'static str, ops: &'static [Op], kind: Kind) -> Rule {
    Rule {
        path,
        ops,
        kind,
        missing: None,
    }
}

impl Rule {
    pub(super) const fn missing(self, text: &'static str) -> Self {
        Self {
            missing: Some(text),
            ..self
        }
    }

    fn fits(&self, operation: &Operation) -> bool {
        let mut parts = self.path.trim_start_matches('/').split('/');
        operation.segments.iter().all(|segment| {
            parts
                .next()
                .is_some_and(|part| part == "{}" || part == segment)
        }) && parts.next().is_none()
    }
}

/// How a path or operation that is not allowed is refused; AWS's kinds of things differ (recorded by localstack,
/// `test_apigateway_api`).
#[derive(Clone, Copy, Debug)]
pub(super) enum Wording {
    /// REST APIs, methods, integrations and their responses.
    Plain,
    /// Resources, deployments, keys and plans: with the paths that would do.
    Listing,
}

/// The operations of a call. One of no known kind is refused whatever else is wrong.
pub(super) fn operations(call: &Call) -> Result<Vec<Operation>, Refusal> {
    checked_operations(call, Violations::default())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    #[serde(default)]
    patch_operations: Vec<Sent>,
}

#[derive(Deserialize)]
struct Sent {
    op: Option<String>,
    path: Option<String>,
    value: Option<String>,
    from: Option<String>,
}

/// The operations of a call that are of no known kind.
pub(super) fn violations(call: &Call) -> Result<Violations, Refusal> {
    Ok(of_no_kind(call, &call.input()?))
}

fn of_no_kind(call: &Call, input: &Input) -> Violations {
    let names: Vec<&str> = OPS.iter().map(|(name, _)| *name).collect();
    let mut violations = Violations::default();
    for (index, sent) in input.patch_operations.iter().enumerate() {
        if let Some(op) = &sent.op {
            let at = format!(
                "{}.patchOperations.{}.member.op",
                input_name(call.operation),
                index + 1
            );
            violations.one_of(op, &at, &names);
        }
    }
    violations
}

/// As [`operations`], with what else is wrong with the call.
pub(super) fn checked_operations(
    call: &Call,
    others: Violations,
) -> Result<Vec<Operation>, Refusal> {
    let input: Input = call.input()?;
    of_no_kind(call, &input).and(others).refuse()?;
    input
        .patch_operations
        .into_iter()
        .map(|sent| {
            let op = OPS
                .iter()
                .find(|(name, _)| sent.op.as_deref() == Some(name))
                .map(|(_, op)| *op)
                .ok_or_else(|| bad_request("Invalid patch operation specified"))?;
            // Java's text for what is not there.
            let path = sent.path.unwrap_or_else(|| "null".to_owned());
            let segments =
                segments(&path).ok_or_else(|| bad_request(format!("Invalid patch path {path}")))?;
            Ok(Operation {
                op,
                path,
                segments,
                value: sent.value,
                from: sent.from,
            })
        })
        .collect()
}

/// `updateRestApiInput` for `UpdateRestApi`.
pub(super) fn input_name(operation: &str) -> String {
    let mut letters = operation.chars();
    let first = letters.next().map(|letter| letter.to_ascii_lowercase());
    first.into_iter().chain(letters).collect::<String>() + "Input"
}

fn segments(path: &str) -> Option<Vec<String>> {
    let rest = path.strip_prefix('/')?;
    Some(rest.split('/').map(decoded).collect())
}

/// RFC 6901's escapes.
pub(super) fn decoded(segment: &str) -> String {
    segment.replace("~1", "/").replace("~0", "~")
}

impl Operation {
    /// The parts, to match on.
    pub(super) fn parts(&self) -> Vec<&str> {
        self.segments.iter().map(String::as_str).collect()
    }

    /// The value as a whole number.
    pub(super) fn integer(&self) -> Result<i64, Refusal> {
        self.text()
            .parse()
            .map_err(|_| self.unfit("must be an integer"))
    }

    /// The value as a number that is one.
    pub(super) fn number(&self) -> Result<f64, Refusal> {
        self.text()
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite())
            .ok_or_else(|| self.unfit("must be a number"))
    }

    /// Anything but `true` is false (recorded by localstack, `test_update_method_validation`: `wrong-value-type`).
    pub(super) fn flag(&self) -> bool {
        self.text().eq_ignore_ascii_case("true")
    }

    pub(super) fn text(&self) -> &str {
        self.value.as_deref().unwrap_or_default()
    }

    fn unfit(&self, why: &str) -> Refusal {
        bad_request(format!(
            "Invalid patch value '{}' specified for path '{}': it {why}",
            self.text(),
            self.path
        ))
    }

    pub(super) fn invalid_path(&self) -> Refusal {
        bad_request(format!("Invalid patch path {}", self.path))
    }

    /// Refuses operations other than `ops`, in the words of those that take all three.
    pub(super) fn only(&self, ops: &[Op]) -> Result<(), Refusal> {
        if ops.contains(&self.op) {
            return Ok(());
        }
        let names: Vec<&str> = ops.iter().map(|op| op.name()).collect();
        Err(bad_request(format!(
            "Invalid patch operation specified. Must be one of: [{}]",
            names.join(", ")
        )))
    }

    /// Refuses what the rules do not allow.
    pub(super) fn check_rule(&self, rules: &[Rule], wording: Wording) -> Result<(), Refusal> {
        self.rule(rules, wording).map(|_| ())
    }

    /// Changes `record`, or says why its rules do not allow that.
    pub(super) fn apply<T: Serialize + DeserializeOwned>(
        &self,
        record: &mut T,
        rules: &[Rule],
        wording: Wording,
    ) -> Result<(), Refusal> {
        let rule = self.rule(rules, wording)?;
        let Ok(Value::Object(mut members)) = serde_json::to_value(&*record) else {
            return Err(Refusal::internal("a record is no object"));
        };
        if self.op == Op::Remove {
            remove(&mut members, &self.segments, rule.missing)?;
        } else {
            let value = match rule.kind {
                Kind::Flag => self.flag().into(),
                Kind::Integer => self.integer()?.into(),
                Kind::Text => self.value.clone().map_or(Value::Null, Value::from),
            };
            set(&mut members, &self.segments, value);
        }
        *record = serde_json::from_value(Value::Object(members))
            .map_err(|_| self.unfit("does not fit"))?;
        Ok(())
    }

    fn rule<'a>(&self, rules: &'a [Rule], wording: Wording) -> Result<&'a Rule, Refusal> {
        let fitting = rules.iter().find(|rule| rule.fits(self));
        if let Some(rule) = fitting
            && rule.ops.contains(&self.op)
        {
            return Ok(rule);
        }
        Err(match (wording, fitting) {
            (Wording::Plain, None) => self.invalid_path(),
            (Wording::Plain, Some(rule)) => match self.only(rule.ops) {
                Err(refusal) => refusal,
                Ok(()) => self.invalid_path(),
            },
            (Wording::Listing, _) => {
                let paths: Vec<&str> = rules
                    .iter()
                    .filter(|rule| rule.ops.contains(&self.op))
                    .map(|rule| rule.path)
                    .collect();
                self.unlisted(&paths)
            }
        })
    }

    /// AWS's words with the paths that would do.
    pub(super) fn unlisted(&self, paths: &[&str]) -> Refusal {
        let hint = if paths.is_empty() {
            "Please choose supported operations".to_owned()
        } else {
            format!("Must be one of: [{}]", paths.join(", "))
        };
        bad_request(format!(
            "Invalid patch path  '{}' specified for op '{}'. {hint}",
            self.path,
            self.op.name()
        ))
    }
}

fn set(members: &mut Map<String, Value>, segments: &[String], value: Value) {
    match segments {
        [] => {}
        [name] => {
            members.insert(name.clone(), value);
        }
        [name, rest @ ..] => {
            let inner = members
                .entry(name.clone())
                .or_insert_with(|| Value::Object(Map::new()));
            if !inner.is_object() {
                *inner = Value::Object(Map::new());
            }
            if let Some(inner) = inner.as_object_mut() {
                set(inner, rest, value);
            }
        }
    }
}

/// A map that has nothing left goes too (recorded by localstack, `test_update_method`: `update-method-remove`).
fn remove(
    members: &mut Map<String, Value>,
    segments: &[String],
    missing: Option<&str>,
) -> Result<(), Refusal> {
    match segments {
        [] => {}
        [name] => {
            if members.shift_remove(name).is_none()
                && let Some(missing) = missing
            {
                return Err(not_found(missing));
            }
        }
        [name, rest @ ..] => match members.get_mut(name).and_then(Value::as_object_mut) {
            Some(inner) => {
                remove(inner, rest, missing)?;
                if inner.is_empty() {
                    members.shift_remove(name);
                }
            }
            None => {
                if let Some(missing) = missing {
                    return Err(not_found(missing));
                }
            }
        },
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Thing {
        name: String,
        is_on: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        parameters: Option<BTreeMap<String, bool>>,
    }

    const RULES: &[Rule] = &[
        rule("/name", REPLACE, Kind::Text),
        rule("/isOn", REPLACE, Kind::Flag),
        rule("/parameters/{}", ADD_REMOVE_REPLACE, Kind::Flag)
            .missing("Invalid parameter name specified"),
    ];

    fn operation(op: Op, path: &str, value: Option<&str>) -> Operation {
        Operation {
            op,
            path: path.to_owned(),
            segments: segments(path).expect("a path"),
            value: value.map(str::to_owned),
            from: None,
        }
    }

    fn thing() -> Thing {
        Thing {
            name: "a".into(),
            is_on: false,
            parameters: None,
        }
    }

    fn refusal(op: Op, path: &str, wording: Wording) -> String {
        operation(op, path, Some("x"))
            .apply(&mut thing(), RULES, wording)
            .expect_err("it is refused")
            .message
    }

    #[test]
    fn values_take_the_kind_of_their_path() {
        let mut thing = thing();
        for (op, path, value) in [
            (Op::Replace, "/name", "b"),
            (Op::Replace, "/isOn", "True"),
            (Op::Add, "/parameters/a~1b~0c", "true"),
        ] {
            operation(op, path, Some(value))
                .apply(&mut thing, RULES, Wording::Plain)
                .expect("it fits");
        }
        assert_eq!(thing.name, "b");
        assert!(thing.is_on);
        assert_eq!(
            thing.parameters,
            Some(BTreeMap::from([("a/b~c".to_owned(), true)]))
        );
        operation(Op::Remove, "/parameters/a~1b~0c", None)
            .apply(&mut thing, RULES, Wording::Plain)
            .expect("it is there");
        assert_eq!(thing.parameters, None);
    }

    #[test]
    fn refusals_have_each_kinds_words() {
        assert_eq!(
            refusal(Op::Add, "/name", Wording::Plain),
            "Invalid patch operation specified. Must be one of: [replace]"
        );
        assert_eq!(
            refusal(Op::Replace, "/parameters", Wording::Plain),
            "Invalid patch path /parameters"
        );
        assert_eq!(
            refusal(Op::Remove, "/parameters/x", Wording::Plain),
            "Invalid parameter name specified"
        );
        assert_eq!(
            refusal(Op::Replace, "/x", Wording::Listing),
            "Invalid patch path  '/x' specified for op 'replace'. Must be one of: [/name, /isOn, /parameters/{}]"
        );
        assert_eq!(
            refusal(Op::Move, "/name", Wording::Listing),
            "Invalid patch path  '/name' specified for op 'move'. Please choose supported operations"
        );
    }

    #[test]
    fn the_input_is_named_after_the_operation() {
        assert_eq!(
            input_name("UpdateMethodResponse"),
            "updateMethodResponseInput"
        );
    }
}
