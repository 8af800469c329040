//! Chapter 2: functions and routes.

use provision::{
    ApiKey, App, Code, Env, Function, RestApi, Route, Stack, Throttle, UsagePlan, days, mb, secs,
};

const HELLO: Route = Route::get("/hello/{name}");
const STATUS: Route = Route::get("/status");

/// Returns the program that deploys the stack.
pub fn app() -> App {
    App::new("hello")
        .stack(hello)
        .workspace(env!("CARGO_MANIFEST_DIR"))
}

/// Declares a function behind two routes, of which one asks for a key.
pub fn hello(env: &Env) -> Stack {
    let mut stack = Stack::new("hello", env);
    let hello = Function::new(Code::binary("hello"))
        .environment("GREETING", "Hello")
        .memory(mb!(128))
        .timeout(secs!(5))
        .log_retention(days!(14));
    let hello = stack.add("hello", hello);

    let api = RestApi::new()
        .require_key()
        .route(HELLO, &hello)
        .open_route(STATUS, &hello);
    let api = stack.add("api", api);

    let key = stack.add("key", ApiKey::new());
    let throttle = Throttle::per_second(50.0).burst(20);
    stack.add("plan", UsagePlan::over(&api, throttle).key(&key));

    stack.output("url", api.base_url());
    stack.output("key", key.value());
    stack.check(api.answers(HELLO).at("/hello/world").key(&key));
    stack
}

/// Adds a function that is written in Python.
pub fn add_report(stack: &mut Stack) {
    let code = Code::Directory("functions/report".into());
    let report = Function::new(code).runtime("python3.13", "app.handler");
    stack.add("report", report);
}
