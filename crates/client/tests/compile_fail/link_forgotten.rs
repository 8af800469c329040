use provision_link::{GetItem, Item, Links, PutItem, Table};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Item)]
struct Order {
    #[partition_key]
    id: String,
}

#[derive(Links)]
#[links(bin = "writer")]
struct WriterLinks {
    orders: Table<Order, (GetItem, PutItem)>,
    most_per_day: u32,
}

fn declare(orders: Table<Order, (GetItem, PutItem)>) -> WriterLinks {
    WriterLinks { orders }
}

fn main() {}
