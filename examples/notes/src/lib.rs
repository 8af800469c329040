//! The notes' stack: one table, a function that reads it and one that writes it, and three routes behind an API key.

use notes_contract::{ADD, LIST, Note, ONE, ReaderLinks, WriterLinks};
use provision::{ApiKey, App, Env, Function, RestApi, Stack, Table, Throttle, UsagePlan, days};

/// Returns the program that deploys the notes.
pub fn app() -> App {
    App::new("notes")
        .workspace(env!("CARGO_MANIFEST_DIR"))
        .stack(notes)
}

/// Declares the notes.
pub fn notes(env: &Env) -> Stack {
    let mut stack = Stack::new("notes", env);
    let table = stack.add("notes", Table::of::<Note>());

    let notes = table.link();
    let reader = Function::linked(ReaderLinks { notes }).log_retention(days!(14));
    let reader = stack.add("reader", reader);
    let notes = table.link();
    let writer = Function::linked(WriterLinks { notes }).log_retention(days!(14));
    let writer = stack.add("writer", writer);

    let api = RestApi::new()
        .require_key()
        .route(LIST, &reader)
        .route(ONE, &reader)
        .route(ADD, &writer);
    let api = stack.add("api", api);
    let key = stack.add("key", ApiKey::new());
    let throttle = Throttle::per_second(50.0).burst(20);
    stack.add("plan", UsagePlan::over(&api, throttle).key(&key));

    stack.output("url", api.url(LIST));
    stack.output("api_key", key.value());
    stack.check(api.answers(LIST).key(&key));
    stack
}
