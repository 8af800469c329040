//! The stack of the lab: one function that reads and writes the items of one table, behind one route that asks for a key.

use provision::{ApiKey, App, Env, Function, RestApi, Stack, Table, Throttle, UsagePlan, secs};

use @crate@_contract::{MANAGER, ManagerLinks, Record};

/// The program that deploys the stack.
pub fn app() -> App {
    App::new("@name@")
        .about("Deploys @name@.")
        .workspace(env!("CARGO_MANIFEST_DIR"))
        .stack(stack)
}

/// Declares the stack.
pub fn stack(env: &Env) -> Stack {
    let mut stack = Stack::new("@name@", env);
    let table = Table::of::<Record>().for_production(env.is("prod"));
    let table = stack.add("records", table);
    let records = table.link();
    let manager = Function::linked(ManagerLinks { records }).timeout(secs!(10));
    let manager = stack.add("manager", manager);
    let api = RestApi::new()
        .stage("Prod")
        .require_key()
        .route(MANAGER, &manager);
    let api = stack.add("api", api);
    let key = stack.add("key", ApiKey::new());
    let rate = stack.parameter("rate", 100.0);
    let burst = stack.parameter("burst", 20);
    let plan = UsagePlan::over(&api, Throttle::per_second(rate).burst(burst));
    stack.add("plan", plan.key(&key));

    stack.output("url", api.url(MANAGER));
    stack.output("api_key", key.value());
    stack.check(
        api.answers(MANAGER)
            .key(&key)
            .body(r#"{"operation":"ping"}"#),
    );
    stack
}
