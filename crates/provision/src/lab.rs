//! The lab's stack: one function that reads and writes the items of one table, behind one route that asks for a key.

use anyhow::{Result, ensure};
use provision_engine::fault;

use crate::link::{DeleteItem, GetItem, PutItem, Query, Route, Scan, UpdateItem};
use crate::{
    ApiKey, App, Code, Env, Flag, Function, Memory, RestApi, Retention, Stack, Table, Throttle,
    UsagePlan, days, mb, secs,
};

const MANAGER: Route = Route::post("/DynamoDBManager");

/// The operations that the function calls on items.
type Items = (GetItem, PutItem, UpdateItem, DeleteItem, Query, Scan);

/// The program that deploys the lab's stack.
pub fn app() -> App {
    let flag = |name, help| Flag {
        name,
        value_name: "N",
        help,
    };
    App::new("provision")
        .about(
            "Deploys the lab's stack straight through the AWS SDK. The account is the only state.",
        )
        .workspace(env!("CARGO_MANIFEST_DIR"))
        .stack(lab)
        .flag(flag(
            "rate",
            "Requests per second in place of the declared throttle",
        ))
        .flag(flag(
            "burst",
            "Requests at once in place of the declared throttle",
        ))
}

/// Returns what differs between environments; those of pull requests are called `pr-NUMBER`.
fn settings(env: &Env) -> (Memory, Retention, Throttle) {
    let usual = Throttle::per_second(100.0).burst(20);
    let preview = Throttle::per_second(10.0).burst(5);
    match env.name() {
        Some("prod") => (mb!(512), days!(90), usual),
        Some(name) if name.starts_with("pr-") => (mb!(256), days!(1), preview),
        _ => (mb!(256), days!(14), usual),
    }
}

/// Takes `--rate` and `--burst`.
fn throttle(stack: &mut Stack, usual: Throttle) -> Result<Throttle> {
    let rate = stack.parameter("rate", usual.rate);
    let burst = stack.parameter("burst", usual.burst);
    ensure!(
        rate.is_finite() && rate > 0.0,
        fault::Code::Throttle.fault(format!(
            "`--rate {rate}` is not a number of requests per second"
        ))
    );
    ensure!(
        burst > 0,
        fault::Code::Throttle.fault(format!("`--burst {burst}` is not a number of requests"))
    );
    Ok(Throttle::per_second(rate).burst(burst))
}

/// Declares the lab's stack.
///
/// # Errors
///
/// `Code::Throttle` for a rate or burst that is no number of requests.
pub fn lab(env: &Env) -> Result<Stack> {
    let mut stack = Stack::new("serverless-lab", env);
    // What is deployed has these ids.
    stack.rename_ids([
        ("function/logs", "logs"),
        ("function/role", "role"),
        ("function/code", "package"),
        ("api/path/DynamoDBManager", "path"),
        ("api/POST/DynamoDBManager", "method"),
        ("api/permission/function", "permission"),
        ("api/deployment", "deployment"),
        ("api/stage", "stage"),
    ]);
    let (memory, retention, usual) = settings(env);
    let throttle = throttle(&mut stack, usual)?;

    let items = Table::with_key("id").name("lambda-apigateway");
    let table = stack.add("table", items.protected(env.is("prod")));
    let manager = Function::new(Code::binary_of("handler", "bootstrap"))
        .name("LambdaFunctionOverHttps")
        .description("Reads and writes items for callers of the REST API")
        .role_name("lambda-apigateway-role")
        .role_description("What the function may do: this table's items, this log group's events")
        .policy_name("lambda-apigateway-policy")
        .memory(memory)
        .timeout(secs!(10))
        .log_retention(retention)
        .allow(table.grant::<Items>().sid("Items"));
    let function = stack.add("function", manager);
    let operations = RestApi::new()
        .name("DynamoDBOperations")
        .description("Items of a DynamoDB table over HTTPS")
        .stage("Prod")
        .permission_sid("apigateway")
        .require_key()
        .route(MANAGER, &function);
    let api = stack.add("api", operations);
    let key = stack.add("key", ApiKey::new().name("Lambda-key"));
    let plan = UsagePlan::over(&api, throttle).key(&key);
    stack.add("plan", plan.name("Lambda-dynamoDB-usageplan"));

    stack.output("invoke_url", api.url(MANAGER));
    stack.output("api_key", key.value());
    stack.output("api_key_id", key.key_id());
    stack.output("rest_api_id", api.api_id());
    stack.output("stage", api.stage_name());
    stack.output("function_name", function.name());
    stack.output("function_arn", function.arn());
    stack.output("table_name", table.name());
    stack.output("table_arn", table.arn());
    stack.output("role_arn", function.role_arn());
    stack.output("log_group", function.log_group());
    stack.check(
        api.answers(MANAGER)
            .key(&key)
            .body(r#"{"operation":"ping"}"#),
    );
    Ok(stack)
}
