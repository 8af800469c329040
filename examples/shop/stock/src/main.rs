//! `GET /stock`.

use lambda_runtime::Error;
use provision_client::{TableExt, connect};
use provision_link::links;
use serde_json::json;
use shop_contract::StockLinks;
use shop_http::{Answer, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let links = links!(StockLinks)?;
    let stock = links.stock.on(&connect().await?);
    serve(async |_| {
        let stock = stock.scan().all().await?;
        Ok(Answer(200, json!({ "stock": stock })))
    })
    .await
}
