use provision_link::{GetItem, Item, Links, Table};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Item)]
struct Order {
    #[partition_key]
    id: String,
}

#[derive(Links)]
#[links(bin = "reader")]
struct ReaderLinks {
    orders: Table<Order, GetItem>,
}

fn main() {
    let _ = provision_link::links!(ReaderLinks);
}
