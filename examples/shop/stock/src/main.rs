//! `GET /stock`.

use lambda_runtime::Error;
use serde_json::json;
use shop_contract::StockLinks;
use shop_http::{Answer, Table, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let links = provision_link::links!(StockLinks)?;
    let stock = &Table::named(links.stock.name());
    serve(async |_| Ok(Answer(200, json!({ "stock": stock.list().await? })))).await
}
