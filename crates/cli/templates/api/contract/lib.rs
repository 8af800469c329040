//! The contract of the stack and its functions: routes, items, and the links of each function.

use provision_link::{GetItem, Item, Links, PutItem, Query, Route, Table};
use serde::{Deserialize, Serialize};

pub const WRITE: Route = Route::post("/notes");
pub const READ: Route = Route::get("/notes/{id}");
pub const BY_AUTHOR: Route = Route::get("/authors/{author}/notes");

/// A note: the table's keys and indexes follow from it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Item)]
pub struct Note {
    #[partition_key]
    pub id: String,
    #[index("by-author")]
    pub author: String,
    pub text: String,
}

/// The links of the binary `writer`.
#[derive(Debug, Links)]
#[links(bin = "writer")]
pub struct WriterLinks {
    pub notes: Table<Note, PutItem>,
}

/// The links of the binary `reader`.
#[derive(Debug, Links)]
#[links(bin = "reader")]
pub struct ReaderLinks {
    pub notes: Table<Note, (GetItem, Query)>,
}
