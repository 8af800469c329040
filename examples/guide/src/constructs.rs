//! Chapter 8: constructs and kinds of one's own.

use provision::link::ReadWrite;
use provision::{
    App, Code, Construct, Env, Function, Input, RestApi, Route, Stack, Table, TableHandle,
};

use crate::seed::Seed;

const ITEMS: Route = Route::get("/items");

/// A table with a function that serves its items.
pub struct Collection {
    pub binary: &'static str,
}

/// The handle of a [`Collection`]: the outputs that others may use.
pub struct CollectionHandle {
    pub table: TableHandle,
    pub url: Input<String>,
}

impl Construct for Collection {
    type Handle = CollectionHandle;

    fn declare(self, id: &str, stack: &mut Stack) -> CollectionHandle {
        let table = stack.add(&format!("{id}/table"), Table::with_key("id"));
        let function = Function::new(Code::binary(self.binary))
            .environment("TABLE", table.name())
            .allow(table.grant::<ReadWrite>());
        let function = stack.add(&format!("{id}/function"), function);
        let api = RestApi::new().route(ITEMS, &function);
        let url = stack.add(&format!("{id}/api"), api).url(ITEMS);
        CollectionHandle { table, url }
    }
}

/// Declares two collections, of which one begins with an item.
pub fn library(env: &Env) -> Stack {
    let mut stack = Stack::new("library", env);
    let books = stack.add("books", Collection { binary: "books" });
    let readers = stack.add("readers", Collection { binary: "readers" });
    let welcome = Seed::new(books.table.name(), "welcome", "Begin here");
    stack.add("welcome", welcome);
    stack.output("books", books.url);
    stack.output("readers", readers.url);
    stack
}

/// Returns the program that deploys the library.
pub fn app() -> App {
    App::new("library").stack(library).kind::<Seed>()
}
