//! Serverless stacks in Rust, deployed straight through the AWS SDK. The account is the only state.
//!
//! An application is a function that declares a stack, and one line that makes a program of it:
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! use provision::link::{ReadWrite, Route};
//! use provision::{App, Code, Env, Function, RestApi, Stack, Table};
//!
//! const NOTES: Route = Route::post("/notes");
//!
//! fn notes(env: &Env) -> Stack {
//!     let mut stack = Stack::new("notes", env);
//!     let table = stack.add("notes", Table::with_key("id").for_production(env.is("prod")));
//!     let writer = Function::new(Code::binary("writer"))
//!         .environment("TABLE", table.name())
//!         .allow(table.grant::<ReadWrite>());
//!     let writer = stack.add("writer", writer);
//!     let api = stack.add("api", RestApi::new().route(NOTES, &writer));
//!     stack.output("url", api.url(NOTES));
//!     stack
//! }
//!
//! fn main() -> ExitCode {
//!     App::new("notes").stack(notes).run()
//! }
//! ```
//!
//! That program has every command: `up`, `plan`, `drift`, `down`, `outputs`, `logs` and the rest, `--local` included.
//!
//! - [`App`] is the program, [`Env`] the copy of the stack that it deploys, [`Stack`] collects what is to exist;
//! - [`Table`], [`Function`], [`RestApi`], [`ApiKey`] and [`UsagePlan`] are what a stack is made of, [`Grant`] and [`link`] the
//!   rights between them, [`Check`] what has to answer in the end, and a [`Construct`] of one's own is ten lines;
//! - [`Input`] is a value or an output of another resource, [`Handle`] refers to a resource;
//! - [`iam`], [`dynamodb`], [`lambda`], [`apigateway`], [`logs`] and [`ssm`] are the kinds of resources that constructs expand
//!   into; [`Resource`](resource::Resource) is the trait of a kind: one of your own is one file on [`engine`];
//! - [`lab`] is this package's own stack, on one page.

#![deny(missing_docs)]

pub mod lab;

pub use anyhow::Result;
pub use provision_aws as aws;
pub use provision_aws::{apigateway, arn, dynamodb, handles, iam, lambda, logs, ssm};
pub use provision_cli::{App, Flag};
pub use provision_constructs::{
    Answers, ApiKey, ApiKeyHandle, EventSource, Function, FunctionHandle, Grant, Memory, Quota,
    RestApi, RestApiHandle, Retention, Table, TableHandle, Text, Throttle, Timeout, UsagePlan,
    days, mb, secs, text,
};
pub use provision_engine as engine;
pub use provision_engine::asset::Code;
pub use provision_engine::declaration::Declaration;
pub use provision_engine::env::{Architecture, Env};
pub use provision_engine::input::{Handle, Input, Set, digest};
pub use provision_engine::owner::Tags;
pub use provision_engine::resource;
pub use provision_engine::stack::{Check, Construct, IntoStack, Output, Stack};
pub use provision_link as link;
pub use provision_link::Route;
#[cfg(feature = "testing")]
pub use provision_testing as testing;
