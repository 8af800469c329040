//! What the end-to-end tests and the benchmark stand on.
//!
//! [`Emulator`] is an AWS that this project did not write, [`Proxy`] stands before it and records every call,
//! [`Cli`] runs the `provision` binary as a person's shell would, [`Account`] acts behind its back with the
//! official SDK, and [`Census`] says what an account holds, so that two worlds can be compared.

/// The SDK's crates, for what a test does behind the tool's back.
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
mod permission;
mod proxy;
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
pub use terminal::Terminal;
