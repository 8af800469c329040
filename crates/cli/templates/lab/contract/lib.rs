//! The contract of the stack and its function: the route, the items, and the function's links.

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

/// The links of the binary `manager`.
#[derive(Debug, Links)]
#[links(bin = "manager")]
pub struct ManagerLinks {
    pub records: Table<Record, (GetItem, PutItem, DeleteItem, Scan)>,
}
