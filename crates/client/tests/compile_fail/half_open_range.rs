use provision_client::{TableExt, sdk::Client};
use provision_link::{Item, Query, Table};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Item)]
struct Order {
    #[partition_key]
    customer: String,
    #[sort_key]
    placed: u64,
}

async fn handler(orders: Table<Order, Query>, client: Client) {
    let _ = orders.on(&client).query("ada").sort(3_u64..5).all().await;
}

fn main() {}
