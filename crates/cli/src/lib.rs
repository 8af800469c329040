//! The command line of `provision`, for any application.
//!
//! An [`App`] is a name and a function that declares a stack; [`App::run`] is the whole program:
//!
//! ```no_run
//! use provision_cli::App;
//! use provision_engine::env::Env;
//! use provision_engine::stack::Stack;
//!
//! fn shop(env: &Env) -> Stack {
//!     let mut stack = Stack::new("shop", env);
//!     // stack.add("orders", …);
//!     stack
//! }
//!
//! fn main() -> std::process::ExitCode {
//!     App::new("shop").stack(shop).run()
//! }
//! ```
//!
//! - An [`App`] is a program: name, stack function, [`Flag`]s of its own, and kinds of other crates.
//! - [`App::run_on`] runs a [`Cli`](args::Cli), as [`args::parse::read`] returns it, on a [`Host`] with streams, signals and clients
//!   of the caller's, and returns an [`Exit`](exit::Exit). Tests run whole command lines in one process this way.
//! - [`Record`](record::Record) is the record that `up` and `down` leave of a run.

#![deny(missing_docs)]

mod app;
pub mod args;
mod ci;
mod commands;
mod deadline;
mod diagnostics;
mod doctor;
pub mod environment;
pub mod exit;
pub mod github;
mod graph;
pub mod interrupt;
mod local;
mod log_line;
mod options;
mod paint;
mod project;
pub mod record;
mod report;
mod run;
mod saved;
mod sources;
pub mod ui;

pub use self::app::{App, Flag};
pub use self::run::Host;
