//! A stack that declares whatever a right depends on, so that its `policy` has every action that any stack's has.

use std::process::ExitCode;

use provision::ssm::{Parameter, ParameterHandle, SecureValue};
use provision::{
    ApiKey, App, Code, Env, Function, Grant, RestApi, Route, Stack, Table, Throttle, UsagePlan, mb,
};

const ASK: Route = Route::post("/ask");

fn everything(env: &Env) -> Stack {
    let mut stack = Stack::new("everything", env);
    let table = Table::with_key("id").ttl("expires");
    stack.add("table", table.point_in_time_recovery(true));
    let secret = SecureValue::from_environment("SECRET");
    let secret = stack.add("secret", Parameter::secure("/everything/secret", secret));
    let function = Function::new(Code::binary("bootstrap"))
        .memory(mb!(256))
        .boundary("arn:aws:iam::111122223333:policy/boundary")
        .reserved_concurrency(2)
        .traced()
        .vpc(["subnet-1".to_owned()], ["sg-1".to_owned()])
        .allow(Grant::new(["ssm:GetParameter"], [secret.arn()]));
    let function = stack.add("function", function);
    let api = RestApi::new().require_key().route(ASK, &function);
    let api = stack.add("api", api);
    let key = stack.add("key", ApiKey::new());
    let plan = UsagePlan::over(&api, Throttle::per_second(10.0).burst(5));
    stack.add("plan", plan.key(&key));
    stack
}

fn main() -> ExitCode {
    App::new("everything").stack(everything).run()
}
