//! What the stack and its function share: the route, the items, and what the function may use.

use provision_link::{DeleteItem, GetItem, Item, Links, PutItem, Route, Scan, Table};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub const MANAGER: Route = Route::post("/DynamoDBManager");

/// An item: an id, and whatever else a caller sends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Item)]
pub struct Record {
    #[partition_key]
    pub id: String,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// What the binary `manager` may use.
#[derive(Debug, Links)]
#[links(bin = "manager")]
pub struct ManagerLinks {
    pub records: Table<Record, (GetItem, PutItem, DeleteItem, Scan)>,
}
