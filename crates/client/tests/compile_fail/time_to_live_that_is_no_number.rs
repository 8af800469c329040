use provision_link::Item;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Item)]
struct Session {
    #[partition_key]
    id: String,
    #[ttl]
    expires: String,
}

fn main() {}
