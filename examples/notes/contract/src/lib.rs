//! The contract of the notes' stack and its functions: routes, items, and the links of each function.

use provision_link::{GetItem, Item, Links, PutItem, Route, Scan, Table};
use serde::{Deserialize, Serialize};

pub const LIST: Route = Route::get("/notes");
pub const ONE: Route = Route::get("/notes/{id}");
pub const ADD: Route = Route::post("/notes");

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Item)]
pub struct Note {
    #[partition_key]
    pub id: String,
    pub text: String,
}

#[derive(Debug, Links)]
#[links(bin = "reader")]
pub struct ReaderLinks {
    pub notes: Table<Note, (GetItem, Scan)>,
}

#[derive(Debug, Links)]
#[links(bin = "writer")]
pub struct WriterLinks {
    pub notes: Table<Note, PutItem>,
}
