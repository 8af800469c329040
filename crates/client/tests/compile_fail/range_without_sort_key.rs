use provision_client::{TableExt, sdk::Client};
use provision_link::{Item, Query, Table};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Item)]
struct Stock {
    #[partition_key]
    sku: String,
}

async fn handler(stock: Table<Stock, Query>, client: Client) {
    let _ = stock.on(&client).query("pen").sort(3..).all().await;
}

fn main() {}
