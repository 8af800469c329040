use provision_client::{TableExt, sdk::Client};
use provision_link::{Item, Query, Table};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Item)]
struct Order {
    #[partition_key]
    id: String,
    #[index("by-day")]
    day: String,
}

#[derive(Serialize, Deserialize, Item)]
struct Stock {
    #[partition_key]
    sku: String,
}

async fn handler(stock: Table<Stock, Query>, client: Client) {
    let _ = stock.on(&client).query_index(Order::BY_DAY, "2026-11-27").all().await;
}

fn main() {}
