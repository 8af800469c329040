//! The shop's stack: three functions in two packages behind six routes of one API, two tables, two keys with a plan each.

use std::collections::BTreeMap;

use anyhow::Result;
use provision::apigateway::{
    ApiKey, Deployment, Integration, Method, Path, PlanStage, RestApi, Stage, Throttle, UsagePlan,
};
use provision::arn::PathId;
use provision::dynamodb::{Attribute, Key, Table};
use provision::handles::{
    ApiKeyHandle, DeploymentHandle, FunctionHandle, LogGroupHandle, MethodHandle, PathHandle,
    RestApiHandle, RoleHandle, StageHandle, TableHandle,
};
use provision::iam::{PolicyDocument, Role};
use provision::lambda::{Function, Permission};
use provision::logs::LogGroup;
use provision::{App, Check, Code, Env, Handle, Input, Set, Stack, Tags, digest};
use serde_json::json;

const STAGE: &str = "live";

/// The program that deploys the shop.
pub fn app() -> App {
    App::new("shop")
        .about("Deploys the shop: three functions, two tables, six routes, two keys.")
        .workspace(env!("CARGO_MANIFEST_DIR"))
        .stack(shop)
}

/// Declares the shop. `--set memory=MB` is the functions' memory.
///
/// # Errors
///
/// None; the signature is that of a stack function.
pub fn shop(env: &Env) -> Result<Stack> {
    let mut stack = Stack::new("shop", env);
    let memory = stack.parameter("memory", 128);

    let mut orders = Table::on_demand(env.named("shop-orders"), "id");
    let by_day = Key {
        partition: Attribute::string("day"),
        sort: None,
    };
    orders.indexes.insert("by-day".to_owned(), by_day);
    orders.deletion_protection = env.is("prod");
    let mut stock = Table::on_demand(env.named("shop-stock"), "sku");
    stock.deletion_protection = env.is("prod");
    let orders = stack.add("orders", orders);
    let stock = stack.add("stock", stock);

    let mut function = |name, table: &Handle<Table>, variable| {
        let parts = Parts {
            name,
            memory,
            table,
            variable,
        };
        parts.declare(&mut stack)
    };
    let order_function = function("orders", &orders, "ORDERS_TABLE");
    let report_function = function("report", &orders, "ORDERS_TABLE");
    let stock_function = function("stock", &stock, "STOCK_TABLE");

    let api = stack.add(
        "api",
        RestApi {
            name: env.named("shop"),
            description: "Orders and stock".to_owned(),
            endpoint: "REGIONAL".to_owned(),
            disable_execute_api: false,
            tags: Tags::default(),
        },
    );
    let mut path = |id: &str, parent: Input<PathId>, full: &str| {
        let (_, part) = full.rsplit_once('/').unwrap_or_default();
        let path = Path {
            api: api.api_id(),
            parent,
            part: part.to_owned(),
            full: full.to_owned(),
        };
        stack.add(id, path)
    };
    let orders_path = path("orders-path", api.root(), "/orders");
    let order_path = path("order-path", orders_path.path_id(), "/orders/{id}");
    let stock_path = path("stock-path", api.root(), "/stock");
    let report_path = path("report-path", api.root(), "/report");

    let mut methods = Vec::new();
    for (verb, full, path, function, key_required) in [
        ("GET", "/orders", &orders_path, &order_function, true),
        ("POST", "/orders", &orders_path, &order_function, true),
        ("GET", "/orders/{id}", &order_path, &order_function, true),
        ("DELETE", "/orders/{id}", &order_path, &order_function, true),
        ("GET", "/stock", &stock_path, &stock_function, false),
        ("POST", "/report", &report_path, &report_function, true),
    ] {
        let method = Method {
            api: api.api_id(),
            path: path.path_id(),
            full_path: full.to_owned(),
            http_method: verb.to_owned(),
            key_required,
            authorization: "NONE".to_owned(),
            operation: String::new(),
            integration: Some(Integration::lambda_proxy(function.invoke_arn())),
        };
        methods.push(stack.add(&format!("{verb} {full}"), method));
    }
    for (name, function) in [
        ("orders", &order_function),
        ("report", &report_function),
        ("stock", &stock_function),
    ] {
        let source = api.execute_arn().join(&format!("/{STAGE}/*"));
        let service = "apigateway.amazonaws.com";
        let permission = Permission::to_invoke(function.name(), "apigateway", service, source);
        stack.add(&format!("{name}-permission"), permission);
    }
    let deployment = stack.add(
        "deployment",
        Deployment {
            api: api.api_id(),
            shape: digest(methods.iter().map(MethodHandle::shape)),
        },
    );
    let stage = stack.add(
        "stage",
        Stage {
            api: api.api_id(),
            name: STAGE.to_owned(),
            deployment: deployment.deployment_id(),
            description: "Customers".to_owned(),
            variables: BTreeMap::new(),
            tracing: false,
            superseded: Vec::new(),
            tags: Tags::default(),
        },
    );

    let url = stage.url().join("/orders");
    stack.output("orders_url", &url);
    stack.output("stock_url", &stage.url().join::<String>("/stock"));
    stack.output("report_url", &stage.url().join::<String>("/report"));
    stack.output("orders_table", &orders.name());
    stack.output("stock_table", &stock.name());
    for (name, rate) in [("partners", 50.0), ("staff", 5.0)] {
        let key = stack.add(
            &format!("{name}-key"),
            ApiKey {
                name: env.named(&format!("shop-{name}")),
                description: String::new(),
                enabled: true,
                tags: Tags::default(),
            },
        );
        stack.add(
            &format!("{name}-plan"),
            UsagePlan {
                name: env.named(&format!("shop-{name}")),
                description: String::new(),
                throttle: Throttle { rate, burst: 10 },
                quota: None,
                stages: Set::from_iter([PlanStage {
                    api: api.api_id(),
                    stage: stage.served_as(),
                }]),
                keys: Set::from_iter([key.key_id()]),
                tags: Tags::default(),
            },
        );
        stack.output_secret(&format!("{name}_key"), &key);
        stack.check(Check {
            method: "GET".to_owned(),
            url: url.clone(),
            body: String::new(),
            key: Some(key.key_id().text()),
            proves: vec![order_function.id().to_owned()],
        });
    }
    Ok(stack)
}

/// A function with its role and log group.
struct Parts<'a> {
    /// The binary's name.
    name: &'a str,
    /// MB.
    memory: i32,
    /// The table whose items it reads and writes.
    table: &'a Handle<Table>,
    /// The environment variable with the table's name.
    variable: &'a str,
}

impl Parts<'_> {
    fn declare(self, stack: &mut Stack) -> Handle<Function> {
        let env = stack.env().clone();
        let name = env.named(&format!("shop-{}", self.name));
        let id = |part: &str| format!("{}-{part}", self.name);
        let logs = stack.add(
            &id("logs"),
            LogGroup {
                name: format!("/aws/lambda/{name}"),
                retention_days: Some(if env.is("prod") { 90 } else { 7 }),
                tags: Tags::default(),
            },
        );
        let trust = json!({ "Statement": {
            "Effect": "Allow",
            "Principal": { "Service": "lambda.amazonaws.com" },
            "Action": "sts:AssumeRole",
        }});
        let permissions = json!({ "Statement": [
            {
                "Effect": "Allow",
                "Action": ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem", "dynamodb:Scan"],
                "Resource": self.table.arn().to_value(),
            },
            {
                "Effect": "Allow",
                "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                "Resource": logs.arn().join::<String>(":*").to_value(),
            },
        ]});
        let permissions = PolicyDocument::new(permissions);
        let role = stack.add(
            &id("role"),
            Role {
                name: format!("{name}-role"),
                description: format!("The rights of the function {name}"),
                max_session_s: 3600,
                trust: PolicyDocument::new(trust),
                policies: BTreeMap::from([("permissions".to_owned(), permissions)]),
                boundary: None,
                tags: Tags::default(),
            },
        );
        let code = stack.asset(&id("code"), Code::binary(self.name), env.architecture());
        let table_name = self.table.name().text();
        let function = stack.add(
            &id("function"),
            Function {
                name,
                description: String::new(),
                runtime: "provided.al2023".to_owned(),
                handler: "bootstrap".to_owned(),
                architecture: env.architecture().to_string(),
                memory_mb: self.memory,
                timeout_s: 5,
                role: role.arn(),
                environment: BTreeMap::from([(self.variable.to_owned(), table_name)]),
                tracing: "PassThrough".to_owned(),
                code: code.clone(),
                deployed_code: code,
                state: "Active".to_owned(),
                tags: Tags::default(),
            },
        );
        // Lambda would make a log group that never expires.
        stack.add_dependency(&function, &logs);
        function
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shop_is_sound_in_every_environment() {
        for name in [None, Some("dev"), Some("prod")] {
            let stack = shop(&Env::new(name, "eu-west-1")).unwrap();
            let declaration = stack.finish().unwrap();
            assert_eq!(declaration.all::<Function>().count(), 3);
            assert_eq!(declaration.all::<Method>().count(), 6);
            assert_eq!(declaration.assets.len(), 3);
        }
    }
}
