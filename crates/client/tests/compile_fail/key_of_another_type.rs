use provision_client::{TableExt, sdk::Client};
use provision_link::{GetItem, Item, Table};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Item)]
struct Order {
    #[partition_key]
    customer: String,
    #[sort_key]
    placed: u64,
}

async fn handler(orders: Table<Order, GetItem>, client: Client) {
    let _ = orders.on(&client).get("ada").send().await;
}

fn main() {}
