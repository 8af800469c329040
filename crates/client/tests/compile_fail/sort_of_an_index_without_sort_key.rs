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

async fn handler(orders: Table<Order, Query>, client: Client) {
    let _ = orders.on(&client).query_index(Order::BY_DAY, "2026-11-27").sort(3..).all().await;
}

fn main() {}
