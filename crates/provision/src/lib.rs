//! Serverless stacks in Rust, deployed straight through the AWS SDK. The account is the only state.
//!
//! An application is a function that declares a stack, and one line that makes a program of it:
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! use provision::dynamodb::Table;
//! use provision::{App, Env, Stack, handles::TableHandle};
//!
//! fn notes(env: &Env) -> anyhow::Result<Stack> {
//!     let mut stack = Stack::new("notes", env);
//!     let table = stack.add("notes", Table::on_demand(env.named("notes"), "id"));
//!     stack.output("table_arn", &table.arn());
//!     Ok(stack)
//! }
//!
//! fn main() -> ExitCode {
//!     App::new("notes").stack(notes).run()
//! }
//! ```
//!
//! That program has every command: `up`, `plan`, `drift`, `down`, `outputs`, `logs` and the rest, `--local` included.
//!
//! - [`App`] is the program: its name, its stack function, and [`Flag`]s of its own.
//! - [`Stack`] collects declarations; a [`Handle`] to each gives its outputs to others as [`Input`]s. [`Env`] says which copy of the
//!   stack is declared, and for which region.
//! - [`iam`], [`dynamodb`], [`lambda`], [`apigateway`] and [`logs`] are the kinds of resources, and [`handles`] the traits that
//!   give their outputs.
//! - [`Code`] is what a function runs: a binary of the workspace, a zip or a folder.
//! - [`Resource`](resource::Resource) is the trait of a kind: one of your own is one file.
//! - [`lab`] is this package's own stack, on one page.

#![deny(missing_docs)]

pub mod lab;

pub use provision_aws as aws;
pub use provision_aws::{apigateway, arn, dynamodb, handles, iam, lambda, logs};
pub use provision_cli::{App, Flag};
pub use provision_engine::asset::Code;
pub use provision_engine::env::{Architecture, Env};
pub use provision_engine::input::{Handle, Input, Set, digest};
pub use provision_engine::owner::Tags;
pub use provision_engine::resource;
pub use provision_engine::stack::{Check, Construct, Output, Stack};
