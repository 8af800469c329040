//! Chapter 7: escape hatches.

use provision::link::{Item, Read};
use provision::logs::LogGroup;
use provision::{Code, Env, Function, Grant, RestApi, Route, Stack, Table, Tags, lambda};
use serde::{Deserialize, Serialize};

const ORDERS: Route = Route::get("/orders");

#[derive(Serialize, Deserialize, Item)]
struct Customer {
    #[partition_key]
    id: String,
}

/// Declares a stack that reaches past the constructs.
pub fn orders(env: &Env) -> Stack {
    let mut stack = Stack::new("orders", env);

    // The function was called `lambda` once, and what is deployed keeps its name.
    stack.rename_ids([("orders", "lambda")]);

    // The table is another team's.
    let customers = Table::<Customer>::existing_named("customers");

    let price_lists = Grant::on(["s3:GetObject"], ["arn:aws:s3:::price-lists/*"]);
    let price_lists = price_lists.condition("StringEquals", "s3:ExistingObjectTag/public", "yes");

    let orders = Function::new(Code::binary("orders"))
        .environment("CUSTOMERS", customers.name())
        .environment("TOKEN_ISSUER", "https://login.example.com")
        .allow(customers.grant::<Read>())
        .allow(price_lists);
    let orders = stack.add("orders", orders);
    let api = stack.add("api", RestApi::new().route(ORDERS, &orders));

    // A field that the construct has no method for.
    stack.edit(&api.api, |api| api.disable_execute_api = true);
    // A resource without a handle.
    stack.edit_by_id("orders/role", |role: &mut provision::iam::Role| {
        role.max_session_s = 7200;
    });
    // All of a kind.
    stack.edit_all(|_, function: &mut lambda::Function| {
        function.tags = Tags::default().with("team", "orders");
    });

    // A kind without a construct.
    let audit = LogGroup {
        name: env.named("/audit/orders"),
        retention_days: Some(365),
        tags: Tags::default(),
    };
    let audit = stack.add("audit", audit);
    stack.add_dependency(&orders.function, &audit);

    stack.acknowledge("orders", "secret-in-variable");
    stack
}
