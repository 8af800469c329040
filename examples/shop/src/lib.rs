//! The shop's stack: three functions in two packages behind six routes of one API, two tables, two keys with a plan each.

use provision::{ApiKey, App, Env, Function, RestApi, Stack, Table, Throttle, UsagePlan, lambda};
use shop_contract::{CANCEL, LIST, ONE, PLACE, REPORT, STOCK};
use shop_contract::{Order, OrdersLinks, ReportLinks, Stock, StockLinks};

/// The program that deploys the shop.
pub fn app() -> App {
    App::new("shop")
        .about("Deploys the shop: three functions, two tables, six routes, two keys.")
        .workspace(env!("CARGO_MANIFEST_DIR"))
        .stack(shop)
}

/// Declares the shop. `--set memory=MB` is the functions' memory.
pub fn shop(env: &Env) -> Stack {
    let mut stack = Stack::new("shop", env);
    let memory = stack.parameter("memory", 128);
    let is_prod = env.is("prod");
    let order_table = stack.add("orders-table", Table::of::<Order>().for_production(is_prod));
    let stock_table = stack.add("stock-table", Table::of::<Stock>().for_production(is_prod));

    let orders = order_table.link();
    let order_function = stack.add("orders", Function::linked(OrdersLinks { orders }));
    let orders = order_table.link();
    let report_function = stack.add("report", Function::linked(ReportLinks { orders }));
    let stock = stock_table.link();
    let stock_function = stack.add("stock", Function::linked(StockLinks { stock }));
    stack.edit_all(|_, function: &mut lambda::Function| function.memory_mb = memory);

    let api = RestApi::new()
        .require_key()
        .route(LIST, &order_function)
        .route(PLACE, &order_function)
        .route(ONE, &order_function)
        .route(CANCEL, &order_function)
        .route(REPORT, &report_function)
        .open_route(STOCK, &stock_function);
    let api = stack.add("api", api);
    for (name, rate) in [("partners", 50.0), ("staff", 5.0)] {
        let key = stack.add(&format!("{name}-key"), ApiKey::new());
        let throttle = Throttle::per_second(rate).burst(10);
        let plan = UsagePlan::over(&api, throttle).key(&key);
        stack.add(&format!("{name}-plan"), plan);
        stack.output(&format!("{name}_key"), key.value());
        stack.check(api.answers(LIST).key(&key));
    }
    stack.output("orders_url", api.url(LIST));
    stack.output("stock_url", api.url(STOCK));
    stack.output("report_url", api.url(REPORT));
    stack
}

#[cfg(test)]
mod tests {
    use provision::apigateway::Method;

    use super::*;

    #[test]
    fn the_shop_is_sound_in_every_environment() {
        for name in [None, Some("dev"), Some("prod")] {
            let stack = shop(&Env::new(name, "eu-west-1"));
            let declaration = stack.finish().unwrap();
            assert_eq!(declaration.all::<lambda::Function>().count(), 3);
            assert_eq!(declaration.all::<Method>().count(), 6);
            assert_eq!(declaration.assets.len(), 3);
        }
    }
}
