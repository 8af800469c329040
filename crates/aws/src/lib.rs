//! AWS for `provision`: the connection, the kinds of resources, and the requests to what they deploy.
//!
//! - [`connect`](connection::connect) makes the engine's connection as the AWS SDK makes it; [`Calls`] sends the SDK's requests
//!   over it.
//! - [`kinds`] are all kinds of this crate. Each is complete in its own file: fields, reads and changes, limits, calls, rights,
//!   cost, and how it is found when it is no longer declared.
//! - [`live`] asks the public endpoint of a stack, [`apigateway::rotation`] replaces an API key.

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
mod settings;
pub mod ssm;
pub mod tagging;

use provision_engine::resource::Kinds;

pub use self::calls::Calls;

/// The traits that give handles their outputs.
pub mod handles {
    pub use crate::apigateway::{
        ApiKeyHandle, DeploymentHandle, MethodHandle, PathHandle, RestApiHandle, StageHandle,
    };
    pub use crate::dynamodb::TableHandle;
    pub use crate::iam::RoleHandle;
    pub use crate::lambda::FunctionHandle;
    pub use crate::logs::LogGroupHandle;
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
