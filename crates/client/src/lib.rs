//! The handler's side of links to `DynamoDB` tables, on `aws-sdk-dynamodb`.
//!
//! ```no_run
//! use provision_client::{Error, TableExt, connect, field, sort};
//! use provision_link::{GetItem, Item, Links, PutItem, Query, Table, UpdateItem};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize, Item)]
//! pub struct Order {
//!     #[partition_key]
//!     pub customer: String,
//!     #[sort_key]
//!     pub placed: u64,
//!     #[index("by-state", sort = "placed")]
//!     pub state: String,
//!     pub reminders: u32,
//! }
//!
//! #[derive(Links)]
//! #[links(bin = "orders")]
//! pub struct OrdersLinks {
//!     pub orders: Table<Order, (GetItem, PutItem, UpdateItem, Query)>,
//! }
//!
//! # async fn handler(links: OrdersLinks) -> Result<(), Box<dyn std::error::Error>> {
//! // In `main`, before the first invocation; `links` is `provision_link::links!(OrdersLinks)?`.
//! let client = connect().await?;
//! let orders = links.orders.on(&client);
//!
//! // For each request.
//! let order: Option<Order> = orders.get(("ada", 7)).consistent().send().await?;
//! let order = Order { customer: "ada".to_owned(), placed: 8, state: "open".to_owned(), reminders: 0 };
//! match orders.put(&order).if_not_exists().send().await {
//!     Err(Error::ConditionFailed { .. }) => println!("that order is placed already"),
//!     outcome => outcome?,
//! }
//! let order = orders
//!     .update(("ada", 8))
//!     .set("state", "paid")
//!     .add("reminders", 1)
//!     .condition(field("state").equals("open"))
//!     .send_new()
//!     .await?;
//!
//! let newest = orders.query("ada").sort(7..).descending().limit(10).send().await?;
//! let paid = orders.query_index(Order::BY_STATE, "paid").sort(sort::above(7)).all().await?;
//! # Ok(())
//! # }
//! ```
//!
//! - [`connect`] reads the environment that Lambda sets and opens the connection during init; [`Settings`] has its timeouts.
//! - [`TableExt::on`] makes a [`TableClient`] of a link. Its methods return requests, which are sent by `send`. A method whose
//!   operation the link does not list does not compile.
//! - Each request has `customize`, which takes the SDK's builder of the request.
//! - The SDK's futures are boxed, so that a handler's own stay small, and within the compiler's limit on their depth.
//! - Items are converted by serde. Whole numbers up to 64 bits keep all digits; `i128` and `u128` are refused, not rounded.
//!   A key attribute that is `None` is left out, because `DynamoDB` refuses `NULL` there.

#![deny(missing_docs)]

mod backoff;
mod batch;
mod connector;
mod convert;
mod error;
mod expression;
mod get;
mod page;
mod query;
mod send;
mod settings;
pub mod sort;
mod table;
mod transaction;
mod write;

pub use aws_sdk_dynamodb as sdk;

pub use self::batch::{BatchGet, BatchWrite};
pub use self::error::{Call, Error, Reason};
pub use self::expression::{Condition, Field, field};
pub use self::get::Get;
pub use self::page::{Cursor, InvalidCursor, Items, Page};
pub use self::query::{HasSortKey, Primary, Query, Scan};
pub use self::settings::{EnvironmentError, Settings, connect};
pub use self::table::{IndexKey, TableClient, TableExt};
pub use self::transaction::{Check, InTransaction, TransactGet, TransactWrite};
pub use self::write::{Delete, Put, Update};
