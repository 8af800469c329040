//! `GET /stock`.

use lambda_runtime::Error;
use serde_json::json;
use shop_http::{Answer, Table, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let stock = &Table::of("STOCK_TABLE")?;
    serve(async |_| Ok(Answer(200, json!({ "stock": stock.list().await? })))).await
}
