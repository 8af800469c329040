use provision_client::{TableExt, sdk::Client};
use provision_link::{GetItem, Item, Query, Table};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Item)]
struct Order {
    #[partition_key]
    id: String,
}

async fn handler(orders: Table<Order, (GetItem, Query)>, client: Client) {
    let order = Order { id: "7".to_owned() };
    let _ = orders.on(&client).put(&order).send().await;
}

fn main() {}
