//! The official SDK against the local AWS: one test per behaviour.
//!
//! Each test starts a local AWS of its own, in its process. `suite` runs all of them twice more: to check that every
//! operation offered is called by some test, and over HTTP.

mod apigateway;
mod dynamodb;
mod harness;
mod iam;
mod lambda;
mod logs;
mod ssm;
mod sts;
mod suite;
mod tagging;
