//! Tools for the end-to-end tests and the benchmarks of `provision`.
//!
//! - [`Emulator`] runs an AWS emulator as a child process, [`Proxy`] forwards requests to it and records them.
//! - [`InProcess`] connects an SDK to a local AWS in the same process, without a socket.
//! - [`Decision`] delays, refuses, drops or answers a single request on either way.
//! - [`Rig`] is a program on an account of its own: [`Cli`], [`Proxy`] and [`Account`] together.
//! - [`Cli`] runs the `provision` binary with an environment of its own, on pipes or on a [`Terminal`].
//! - [`Account`] has SDK clients for changes outside of the tool, [`mutation`] the catalogue of such changes.
//! - [`Census`] reads everything an account contains, to compare two accounts.
//! - [`critical_chain`] finds the calls that waited for each other.
//!
//! A test that loses the answer to `CreateRole`:
//!
//! ```no_run
//! # async fn example() {
//! use testkit::{Account, Census, Cli, Decision, Emulator, Options, Proxy};
//!
//! let proxy = Proxy::start(Emulator::shared().url(), Options::default());
//! let cli = Cli::new("target/debug/provision", &proxy.url(), "100000000001");
//! proxy.decide(|request| match request.operation.as_str() {
//!     "CreateRole" => Decision::DropAfter,
//!     _ => Decision::Forward,
//! });
//! cli.run(&["up", "--yes"]).await.expect(0);
//! assert!(proxy.take_calls().iter().any(|call| call.write));
//!
//! let account = Account::connect(&proxy.url(), "100000000001").await;
//! assert_eq!(Census::take(&account).await.counts()["roles"], 1);
//! # }
//! ```

/// The SDK's crates, for changes outside of the tool.
pub mod sdk {
    pub use aws_config::SdkConfig;
    pub use aws_sdk_apigateway as apigateway;
    pub use aws_sdk_cloudwatchlogs as logs;
    pub use aws_sdk_dynamodb as dynamodb;
    pub use aws_sdk_iam as iam;
    pub use aws_sdk_lambda as lambda;
    pub use aws_sdk_resourcegroupstagging as tagging;
    pub use aws_sdk_ssm as ssm;
    pub use aws_sdk_sts as sts;
}

mod account;
mod call;
mod census;
mod chain;
mod cli;
mod closed;
mod corrections;
mod decision;
mod emulator;
mod http;
mod in_process;
mod masked;
pub mod mutation;
mod permission;
mod proxy;
mod rig;
mod terminal;

pub use account::Account;
pub use call::{Call, Request};
pub use census::Census;
pub use chain::{Link, critical_chain};
pub use cli::{Cli, Run};
pub use closed::ClosedPort;
pub use decision::{Answer, Decision};
pub use emulator::Emulator;
pub use http::{Reply, post, request};
pub use in_process::InProcess;
pub use masked::masked;
pub use proxy::{Options, Proxy};
pub use rig::Rig;
pub use terminal::Terminal;
