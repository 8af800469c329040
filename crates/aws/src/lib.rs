//! AWS for `provision`: the connection, the kinds of resources, and the requests to what they deploy.
//!
//! - [`connect`](connection::connect) connects as the AWS SDK does; [`Calls`] sends the SDK's requests over the connection.
//! - [`iam`], [`dynamodb`], [`logs`], [`ssm`], [`lambda`] and [`apigateway`] have the kinds of resources, and [`kinds`] registers
//!   them. Each is complete in its own file: fields, reads and changes, limits, calls, rights, cost, and how it is found when it is
//!   no longer declared.
//! - [`handles`] has the traits by which a declared resource gives its outputs to others.
//! - [`live`] asks the public endpoint of a stack, [`apigateway::rotation`] replaces an API key, and [`prices`] estimates the cost.
//!
//! # Example
//!
//! A stack with one table, and the plan for the account that the SDK's own chain finds:
//!
//! ```no_run
//! use anyhow::Result;
//! use provision_aws::connection::{ConnectOptions, connect};
//! use provision_aws::dynamodb::Table;
//! use provision_aws::handles::TableHandle;
//! use provision_engine::env::Env;
//! use provision_engine::events::Events;
//! use provision_engine::look::Look;
//! use provision_engine::observe::Snapshot;
//! use provision_engine::plan::Plan;
//! use provision_engine::planner;
//! use provision_engine::stack::Stack;
//!
//! async fn plan(env: &Env) -> Result<Plan> {
//!     let mut stack = Stack::new("notes", env);
//!     let table = stack.add("notes", Table::on_demand(env.named("notes"), "id"));
//!     stack.output("table_arn", &table.arn());
//!     let declaration = stack.finish()?;
//!
//!     let aws = connect(&ConnectOptions::default(), Events::default()).await?;
//!     let kinds = declaration.kinds(provision_aws::kinds());
//!     let snapshot = Snapshot::read(&declaration, &kinds, &Look::new(aws), |_| {}).await?;
//!     let (plan, _) = planner::up(&declaration, &snapshot, declaration.known_names())?;
//!     Ok(plan)
//! }
//! ```

#![deny(missing_docs)]

pub mod apigateway;
pub mod arn;
mod calls;
pub mod connection;
pub mod dynamodb;
pub mod http;
pub mod iam;
pub mod lambda;
pub mod live;
pub mod logs;
pub mod prices;
pub mod properties;
mod settings;
pub mod ssm;
pub mod tagging;
mod unusual;

use provision_engine::resource::Kinds;

pub use self::calls::Calls;
pub use self::unusual::Unusual;

/// The traits that give handles their outputs.
pub mod handles {
    pub use crate::apigateway::{
        ApiKeyHandle, DeploymentHandle, MethodHandle, PathHandle, RestApiHandle, StageHandle,
    };
    pub use crate::dynamodb::TableHandle;
    pub use crate::iam::RoleHandle;
    pub use crate::lambda::FunctionHandle;
    pub use crate::logs::LogGroupHandle;
    pub use crate::ssm::ParameterHandle;
}

/// Returns the kinds of this crate.
pub fn kinds() -> Kinds {
    Kinds::default()
        .with::<iam::Role>()
        .with::<dynamodb::Table>()
        .with::<logs::LogGroup>()
        .with::<lambda::Function>()
        .with::<lambda::Permission>()
        .with::<apigateway::RestApi>()
        .with::<apigateway::Path>()
        .with::<apigateway::Method>()
        .with::<apigateway::Deployment>()
        .with::<apigateway::Stage>()
        .with::<apigateway::ApiKey>()
        .with::<apigateway::UsagePlan>()
        .with::<ssm::Parameter>()
}
