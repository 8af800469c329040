//! The least rights that the commands need on a stack, as an IAM policy document.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::declaration::Declaration;
use crate::operation::{Access, Operation, Scope};
use crate::resource::Kinds;
use crate::target::Target;

/// Characters that a managed policy may have, white space not counted (AWS: "IAM and AWS STS quotas").
pub const MANAGED_POLICY_LIMIT: usize = 6144;

/// A statement in the making.
#[derive(Default)]
struct Statement {
    passed_to: Option<&'static str>,
    actions: BTreeMap<&'static str, BTreeSet<&'static str>>,
    arns: Vec<String>,
}

/// Returns the least rights that operations up to `access` need on the stack: one statement a scope, in the order of first use.
/// `kinds` are those whose undeclared resources are searched for.
pub fn document(
    declaration: &Declaration,
    kinds: &Kinds,
    target: &Target,
    access: Access,
) -> Value {
    let statements = statements(declaration, kinds, target, access);
    let statements = statements.into_iter().map(|(sid, statement)| {
        let Statement {
            passed_to,
            actions,
            mut arns,
        } = statement;
        let actions: Vec<&str> = actions.into_keys().collect();
        let resource: Value = match arns.len() {
            1 => arns.remove(0).into(),
            _ => json!(arns),
        };
        let mut fields = Map::new();
        fields.insert("Sid".to_owned(), sid.into());
        fields.insert("Effect".to_owned(), "Allow".into());
        fields.insert("Action".to_owned(), json!(actions));
        fields.insert("Resource".to_owned(), resource);
        if let Some(service) = passed_to {
            let condition = json!({ "StringEquals": { "iam:PassedToService": service } });
            fields.insert("Condition".to_owned(), condition);
        }
        Value::Object(fields)
    });
    let statements: Vec<Value> = statements.collect();
    json!({ "Version": "2012-10-17", "Statement": statements })
}

/// Returns why each action is in the document: the operations that need it, statement by statement.
pub fn reasons(declaration: &Declaration, kinds: &Kinds, target: &Target, access: Access) -> Value {
    let statements = statements(declaration, kinds, target, access);
    let reasons = statements.into_iter().flat_map(|(sid, statement)| {
        statement.actions.into_iter().map(move |(action, operations)| {
            json!({ "statement": sid, "action": action, "operations": operations })
        })
    });
    reasons.collect()
}

fn statements(
    declaration: &Declaration,
    kinds: &Kinds,
    target: &Target,
    access: Access,
) -> Vec<(&'static str, Statement)> {
    let mut found = Found(Vec::new());
    for (_, resource) in declaration.resolved(target) {
        let (name, fields) = (resource.name(), resource.fields());
        let is_needed = |operation: &&&'static Operation| {
            let mut about = operation.only_with.iter();
            operation.only_with.is_empty() || about.any(|field| !fields[field].is_null())
        };
        for operation in resource.kind().operations.iter().filter(is_needed) {
            found.add(operation, access, |scope| {
                let patterns = scope.arns.iter();
                patterns
                    .map(|pattern| filled(pattern, &name, &fields, target))
                    .collect()
            });
        }
    }
    for operation in kinds.all().flat_map(|kind| kind.search) {
        found.add(operation, access, |scope| {
            let patterns = scope.arns.iter();
            let any = patterns.map(|pattern| filled(pattern, "*", &Value::Null, target));
            any.collect()
        });
    }
    found.0
}

struct Found(Vec<(&'static str, Statement)>);

impl Found {
    fn add(
        &mut self,
        operation: &'static Operation,
        access: Access,
        arns: impl Fn(&Scope) -> Vec<String>,
    ) {
        if operation.access > access {
            return;
        }
        for right in operation.rights {
            let scope = &right.scope;
            let statement = self.statement(scope.sid);
            statement.passed_to = scope.passed_to;
            let operations = statement.actions.entry(right.action).or_default();
            operations.insert(operation.name);
            for arn in arns(scope) {
                if !statement.arns.contains(&arn) {
                    statement.arns.push(arn);
                }
            }
        }
    }

    fn statement(&mut self, sid: &'static str) -> &mut Statement {
        let at = self.0.iter().position(|(known, _)| *known == sid);
        let at = at.unwrap_or_else(|| {
            self.0.push((sid, Statement::default()));
            self.0.len() - 1
        });
        &mut self.0[at].1
    }
}

/// Fills an ARN pattern: `{a|b}` is the first field that the record has, and a field that is not known yet stands for any.
fn filled(pattern: &str, name: &str, fields: &Value, target: &Target) -> String {
    let mut text = String::new();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('{') {
        let (placeholder, tail) = after.split_once('}').unwrap_or((after, ""));
        text.push_str(before);
        text.push_str(match placeholder {
            "partition" => &target.partition,
            "region" => &target.region,
            "account" => &target.account,
            either => {
                let known = |field| match field {
                    "name" => Some(name),
                    field => fields[field].as_str(),
                };
                either.split('|').find_map(known).unwrap_or("*")
            }
        });
        rest = tail;
    }
    text + rest
}
