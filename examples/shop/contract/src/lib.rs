//! The contract of the shop's stack and its functions: routes, items, and the links of each function.

use provision_link::{DeleteItem, GetItem, Item, Links, PutItem, Route, Scan, Table};
use serde::{Deserialize, Serialize};

pub const LIST: Route = Route::get("/orders");
pub const PLACE: Route = Route::post("/orders");
pub const ONE: Route = Route::get("/orders/{id}");
pub const CANCEL: Route = Route::delete("/orders/{id}");
pub const STOCK: Route = Route::get("/stock");
pub const REPORT: Route = Route::post("/report");

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Item)]
pub struct Order {
    #[partition_key]
    pub id: String,
    /// `2026-11-27`.
    #[index("by-day")]
    pub day: String,
    /// `placed`, `paid` or `sent`.
    pub state: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Item)]
pub struct Stock {
    #[partition_key]
    pub sku: String,
    pub count: u32,
}

#[derive(Debug, Links)]
#[links(bin = "orders")]
pub struct OrdersLinks {
    pub orders: Table<Order, (GetItem, PutItem, DeleteItem, Scan)>,
}

#[derive(Debug, Links)]
#[links(bin = "report")]
pub struct ReportLinks {
    pub orders: Table<Order, Scan>,
}

#[derive(Debug, Links)]
#[links(bin = "stock")]
pub struct StockLinks {
    pub stock: Table<Stock, Scan>,
}
