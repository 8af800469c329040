use provision_link::{GetItem, Item, Links, Table};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Item)]
struct Order {
    #[partition_key]
    id: String,
}

#[derive(Serialize, Deserialize, Item)]
struct Stock {
    #[partition_key]
    sku: String,
}

#[derive(Links)]
#[links(bin = "reader")]
struct ReaderLinks {
    orders: Table<Order, GetItem>,
}

fn declare(stock: Table<Stock, GetItem>) -> ReaderLinks {
    ReaderLinks { orders: stock }
}

fn main() {}
