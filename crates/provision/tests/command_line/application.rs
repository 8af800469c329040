//! The applications whose command lines run here, and what scenarios that are the same for all have to know of each.

use std::collections::BTreeMap;

use provision::apigateway::{ApiKey, Throttle, UsagePlan};
use provision::aws::Unusual;
use provision::dynamodb::Table;
use provision::handles::{ApiKeyHandle, RoleHandle};
use provision::iam::{PolicyDocument, Role};
use provision::lambda::Function;
use provision::logs::LogGroup;
use provision::{App, Code, Env, Set, Stack, Tags, lab};
use provision_engine::owner::REGION;
use serde_json::json;
use testkit::mutation::{Mutation, Named, Target};

use crate::world::binary;

/// An application, and what is particular about it.
pub(crate) struct Application {
    /// The name in its cases and lines.
    pub(crate) name: &'static str,
    pub(crate) app: fn() -> App,
    /// The same, before resources were taken out of the declaration.
    pub(crate) larger: fn() -> App,
    /// The binaries of its functions as `--bootstrap NAME=PATH` names them; none where `--bootstrap PATH` gives the only one.
    pub(crate) binaries: &'static [&'static str],
    /// Options that change the declaration, beside other code.
    pub(crate) changed: &'static [&'static str],
    /// The number of resources of each kind in an account after `up`.
    pub(crate) census: &'static [(&'static str, usize)],
    /// Those of its resources that somebody changes.
    pub(crate) target: Target,
    /// The changes by hand before an update: code and configuration, rights, a method, a plan, and the shape that is served.
    pub(crate) drift: &'static [Mutation],
}

impl Application {
    /// The options by which a command is given the binaries of the functions, each another one; each number is another
    /// build of all.
    pub(crate) fn given(&self, build: u8) -> Vec<String> {
        let given = match self.binaries {
            [] => vec![binary(build)],
            names => (0..)
                .zip(names)
                .map(|(function, name)| format!("{name}={}", binary(build + 16 * function)))
                .collect(),
        };
        given
            .into_iter()
            .flat_map(|given| ["--bootstrap".to_owned(), given])
            .collect()
    }
}

/// The lab's stack: one of everything.
pub(crate) static LAB: Application = Application {
    name: "lab",
    app: lab::app,
    larger: larger_lab,
    binaries: &[],
    changed: &["--rate", "50"],
    census: &[
        ("api_keys", 1),
        ("functions", 1),
        ("log_groups", 1),
        ("rest_apis", 1),
        ("roles", 1),
        ("tables", 1),
        ("usage_plans", 1),
    ],
    target: Target::LAB,
    drift: &[
        Mutation::ChangeMemory,
        Mutation::WidenPolicy,
        Mutation::ChangeMethod,
        Mutation::ChangeShape,
    ],
};

/// `examples/shop`: several of everything but the API.
pub(crate) static SHOP: Application = Application {
    name: "shop",
    app: shop::app,
    larger: larger_shop,
    binaries: &["orders", "report", "stock"],
    changed: &["--set", "memory=256"],
    census: &[
        ("api_keys", 2),
        ("functions", 3),
        ("log_groups", 3),
        ("rest_apis", 1),
        ("roles", 3),
        ("tables", 2),
        ("usage_plans", 2),
    ],
    target: Target {
        role: "shop-orders-eu-west-1",
        policy: "grants",
        table: "shop-orders-table",
        function: "shop-orders",
        log_group: "/aws/lambda/shop-orders",
        api: Named {
            id: "api",
            name: "shop-api",
        },
        path: "/orders",
        verb: "POST",
        stage: "live",
        key: Named {
            id: "partners-key",
            name: "shop-partners-key",
        },
        plan: Named {
            id: "partners-plan",
            name: "shop-partners-plan",
        },
    },
    drift: &[
        Mutation::ChangeMemory,
        Mutation::WidenPolicy,
        Mutation::ChangeMethod,
        Mutation::ChangePlan,
        Mutation::UnlinkKey,
        Mutation::ChangeShape,
    ],
};

/// The lab's stack before four resources were taken out of it.
fn larger_lab() -> App {
    lab::app().stack(|env| {
        let mut stack = lab::lab(env)?;
        former(&mut stack, env, Code::binary_of("handler", "bootstrap"));
        Ok(stack)
    })
}

/// The shop before a fourth function with its table, and a third key with its plan were taken out of it.
fn larger_shop() -> App {
    shop::app().stack(|env| {
        let mut stack = shop::shop(env);
        former(&mut stack, env, Code::binary("stock"));
        let key = stack.add(
            "former-key",
            ApiKey {
                name: "former-key".to_owned(),
                description: String::new(),
                enabled: true,
                tags: Tags::default(),
            },
        );
        stack.add(
            "former-plan",
            UsagePlan {
                unusual: Unusual::default(),
                name: "former-plan".to_owned(),
                description: String::new(),
                throttle: Throttle {
                    rate: 1.0,
                    burst: 1,
                },
                quota: None,
                stages: Set::from_iter([]),
                keys: Set::from_iter([key.key_id()]),
                tags: Tags::default(),
            },
        );
        stack
    })
}

/// Declares a table, a log group, a role and a function.
fn former(stack: &mut Stack, env: &Env, code: Code) {
    stack.add("former-table", Table::on_demand("former-table", "id"));
    stack.add(
        "former-logs",
        LogGroup {
            name: "/former/logs".to_owned(),
            retention_days: Some(7),
            tags: Tags::default(),
        },
    );
    let trust = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": { "Service": "lambda.amazonaws.com" },
        "Action": "sts:AssumeRole",
    }] });
    let rights = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "logs:PutLogEvents", "Resource": "*",
    }] });
    let role = stack.add(
        "former-role",
        Role {
            name: "former-role".to_owned(),
            description: String::new(),
            max_session_s: 3600,
            trust: PolicyDocument::new(trust),
            policies: BTreeMap::from([("former".to_owned(), PolicyDocument::new(rights))]),
            boundary: None,
            tags: Tags::default().with(REGION, env.region()),
        },
    );
    let code = stack.asset("former-package", code, env.architecture());
    stack.add(
        "former-function",
        Function {
            architecture: env.architecture().to_string(),
            timeout_s: 10,
            ..Function::of_program("former-function", role.arn(), code)
        },
    );
}
