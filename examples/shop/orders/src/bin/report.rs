//! `POST /report`: the number of orders by state.

use std::collections::BTreeMap;

use lambda_runtime::Error;
use provision_client::{TableExt, connect};
use provision_link::links;
use serde_json::json;
use shop_contract::ReportLinks;
use shop_http::{Answer, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let links = links!(ReportLinks)?;
    let orders = links.orders.on(&connect().await?);
    serve(async |_| {
        let mut count: BTreeMap<String, u32> = BTreeMap::new();
        let mut all = orders.scan().items()?;
        while let Some(order) = all.next().await? {
            *count.entry(order.state).or_default() += 1;
        }
        Ok(Answer(200, json!(count)))
    })
    .await
}
