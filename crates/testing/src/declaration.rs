//! Looking at declarations.

use std::fmt::Write as _;

use provision_aws::iam::{PolicyDocument, Role};
use provision_aws::lambda::Function;
use provision_cli::ui::plan_lines;
use provision_engine::declaration::Declaration;
use provision_engine::env::Env;
use provision_engine::input::with_placeholders;
use provision_engine::observe::Snapshot;
use provision_engine::planner;
use provision_engine::stack::IntoStack;
use provision_engine::target::Target;
use serde_json::Value;

/// Declares a stack for `env`.
///
/// # Panics
///
/// With all mistakes of the declaration.
#[track_caller]
pub fn declare<S: IntoStack>(stack: impl FnOnce(&Env) -> S, env: &Env) -> Declaration {
    let stack = match stack(env).into_stack() {
        Ok(stack) => stack,
        Err(error) => panic!("the stack function failed: {error:#}"),
    };
    match stack.finish() {
        Ok(declaration) => declaration,
        Err(mistakes) => panic!("the declaration has mistakes:\n{mistakes}"),
    }
}

/// Returns the rights of the function `id`, a line each: `dynamodb:GetItem, dynamodb:Query on ${orders.arn}`. Conditions follow.
///
/// # Panics
///
/// If there is no such function, or its role is not part of the stack.
#[track_caller]
pub fn rights_of(declaration: &Declaration, id: &str) -> Vec<String> {
    let mut functions = declaration.all::<Function>();
    let Some((_, function)) = functions.find(|(known, _)| *known == id) else {
        let known: Vec<&str> = declaration.all::<Function>().map(|(id, _)| id).collect();
        panic!("there is no function `{id}`; there is {}", known.join(", "));
    };
    let mut roles = declaration.all::<Role>();
    let role = roles.find(|(role, _)| function.role.source() == Some(*role));
    let Some((_, role)) = role else {
        panic!("the role of the function `{id}` exists already: its rights are not the stack's");
    };
    role.policies.values().flat_map(statements).collect()
}

fn statements(policy: &PolicyDocument) -> Vec<String> {
    let document = serde_json::to_value(policy).unwrap_or_default();
    let mut document = with_placeholders(&document);
    let statements = document["Statement"].take();
    let statements = statements.as_array().cloned().unwrap_or_default();
    statements.iter().map(line).collect()
}

/// Returns a statement as a line.
fn line(statement: &Value) -> String {
    let list = |value: &Value| match value {
        Value::Array(items) => items
            .iter()
            .filter_map(Value::as_str)
            .collect::<Vec<_>>()
            .join(", "),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let mut text = format!(
        "{} on {}",
        list(&statement["Action"]),
        list(&statement["Resource"])
    );
    if !statement["Condition"].is_null() {
        let _ = write!(text, " if {}", statement["Condition"]);
    }
    text
}

/// Returns the declaration as lines for a snapshot: each resource with its id, kind and name, and the rights of each role.
pub fn describe(declaration: &Declaration) -> String {
    let mut text = format!("stack {}\n", declaration.name);
    for declared in &declaration.resources {
        let noun = declared.resource.noun();
        let _ = writeln!(
            text,
            "\n{noun} {}\n  {}",
            declared.id,
            declared.resource.name()
        );
        if let Some(role) = declared.resource.get::<Role>() {
            for line in role.policies.values().flat_map(statements) {
                let _ = writeln!(text, "  may {line}");
            }
        }
    }
    text
}

/// Returns the plan of the first `up` in an empty account, as `plan` prints it.
///
/// # Panics
///
/// If no plan can be made.
pub fn plan(declaration: &Declaration) -> String {
    let snapshot = Snapshot {
        target: Target {
            account: "123456789012".to_owned(),
            region: "eu-west-1".to_owned(),
            endpoint: None,
            partition: "aws".to_owned(),
        },
        observations: std::collections::BTreeMap::new(),
        undeclared: Vec::new(),
    };
    match planner::up(declaration, &snapshot, declaration.known_names()) {
        Ok((plan, _)) => plan_lines(&plan),
        Err(error) => panic!("there is no plan: {error:#}"),
    }
}
