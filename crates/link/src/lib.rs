//! The contract of a stack and its functions: types of which both sides are made, so that they cannot differ.
//!
//! ```
//! use provision_link::{GetItem, Item, Links, Query, Route, Table};
//! use serde::{Deserialize, Serialize};
//!
//! pub const LIST: Route = Route::get("/customers/{customer}/orders");
//!
//! #[derive(Serialize, Deserialize, Item)]
//! pub struct Order {
//!     #[partition_key]
//!     pub customer: String,
//!     #[sort_key]
//!     pub placed: u64,
//!     #[index("by-state", sort = "placed")]
//!     pub state: String,
//! }
//!
//! #[derive(Links)]
//! #[links(bin = "reader")]
//! pub struct Reader {
//!     pub orders: Table<Order, (GetItem, Query)>,
//! }
//! ```
//!
//! The stack makes a table of [`Order`'s keys](Item::SCHEMA), and fills in a `Reader` for the function that runs the binary
//! `reader`: each field is an environment variable, the rights to what it names, and an edge of the graph. The function reads
//! the same struct with [`links!`], and can send only the operations that its links list.

#![deny(missing_docs)]

mod item;
mod links;
mod operations;
mod route;
mod table;

pub use provision_derive::{Item, Links};

pub use self::item::{
    Attribute, Index, IndexSchema, Item, KeyText, KeyValue, Schema, Sorted, SortedIndex,
    TimeToLive, ToKey,
};
pub use self::links::{Link, Links, LoadError, Need, Statement, variable};
pub use self::operations::{
    Allows, At, BatchGetItem, BatchWriteItem, DeleteItem, GetItem, Operation, Operations,
    Permission, PutItem, Query, Read, ReadWrite, Scan, TransactGetItems, TransactWriteItems,
    UpdateItem, Write,
};
pub use self::route::{Method, Route};
pub use self::table::Table;

#[doc(hidden)]
pub mod private {
    //! Paths for the code that macros make.

    pub use serde_json::Value;

    pub use crate::links::{is_same, load};
}
