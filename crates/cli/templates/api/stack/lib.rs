//! The stack: two functions with one table, behind three routes that ask for a key.

use provision::{ApiKey, App, Env, Function, RestApi, Stack, Table, Throttle, UsagePlan};

use @crate@_contract::{BY_AUTHOR, Note, READ, ReaderLinks, WRITE, WriterLinks};

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
    let table = Table::of::<Note>().for_production(env.is("prod"));
    let table = stack.add("notes", table);
    let notes = table.link();
    let writer = stack.add("writer", Function::linked(WriterLinks { notes }));
    let notes = table.link();
    let reader = stack.add("reader", Function::linked(ReaderLinks { notes }));

    let api = RestApi::new()
        .require_key()
        .route(WRITE, &writer)
        .route(READ, &reader)
        .route(BY_AUTHOR, &reader);
    let api = stack.add("api", api);
    let key = stack.add("key", ApiKey::new());
    let throttle = Throttle::per_second(stack.parameter("rate", 50.0)).burst(20);
    stack.add("plan", UsagePlan::over(&api, throttle).key(&key));

    stack.output("url", api.base_url());
    stack.output("api_key", key.value());
    stack.check(api.answers(BY_AUTHOR).at("/authors/nobody/notes").key(&key));
    stack
}
