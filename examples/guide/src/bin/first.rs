//! The first stack: one table.

use std::process::ExitCode;

use provision::{App, Env, Stack, Table};

fn first(env: &Env) -> Stack {
    let mut stack = Stack::new("first", env);
    let notes = stack.add("notes", Table::with_key("id"));
    stack.output("table", notes.name());
    stack
}

fn main() -> ExitCode {
    App::new("first")
        .stack(first)
        .workspace(env!("CARGO_MANIFEST_DIR"))
        .run()
}
