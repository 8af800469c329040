//! `POST /report`: the number of orders by state.

use std::collections::BTreeMap;

use lambda_runtime::Error;
use serde_json::json;
use shop_contract::ReportLinks;
use shop_http::{Answer, Table, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let links = provision_link::links!(ReportLinks)?;
    let orders = &Table::named(links.orders.name());
    serve(async |_| {
        let mut count: BTreeMap<String, u32> = BTreeMap::new();
        for order in orders.list().await? {
            let state = order["state"].as_str().unwrap_or("open").to_owned();
            *count.entry(state).or_default() += 1;
        }
        Ok(Answer(200, json!(count)))
    })
    .await
}
