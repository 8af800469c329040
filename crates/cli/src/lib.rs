//! The command line of `provision`, for any application.
//!
//! An [`App`] is a name and a function that declares a stack; [`App::run`] is the whole program:
//!
//! ```no_run
//! use provision_cli::App;
//! use provision_engine::env::Env;
//! use provision_engine::stack::Stack;
//!
//! fn shop(env: &Env) -> anyhow::Result<Stack> {
//!     let mut stack = Stack::new("shop", env);
//!     // stack.add("orders", …);
//!     Ok(stack)
//! }
//!
//! fn main() -> std::process::ExitCode {
//!     App::new("shop").stack(shop).run()
//! }
//! ```
//!
//! A command line becomes [`Cli`](args::Cli), checked [`options`], and one file of [`commands`]; [`ui`] is all that is printed
//! and asked.

mod app;
pub mod args;
pub mod ci;
pub mod commands;
pub mod deadline;
pub mod diagnostics;
pub mod doctor;
pub mod environment;
pub mod exit;
pub mod github;
pub mod graph;
pub mod interrupt;
pub mod local;
pub mod log_line;
pub mod options;
pub mod paint;
pub mod record;
pub mod report;
mod run;
pub mod saved;
pub mod ui;

pub use self::app::{App, Flag};
pub use self::run::Host;
