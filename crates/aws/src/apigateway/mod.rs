//! API Gateway's REST APIs (AWS: "Amazon API Gateway quotas" for rates, none of which can be raised).
//!
//! Rights are HTTP verbs on paths, and ids are AWS's: policies cannot name an API before it exists. Creating with tags needs
//! the right to tag as well.

mod api_key;
mod deployment;
pub mod lists;
mod method;
mod patch;
mod path;
mod rest_api;
pub mod rotation;
mod stage;
mod tags;
mod usage_plan;

use std::time::Duration;

use provision_engine::operation::{Meaning, Reading, Scope, Service};

pub use self::api_key::{ApiKey, ApiKeyHandle, ApiKeyOutput, value as key_value};
pub use self::deployment::{Deployment, DeploymentHandle, DeploymentOutput};
pub(crate) use self::lists::LIST_APIS;
pub use self::method::{Integration, Method, MethodHandle, MethodOutput};
pub use self::path::{Path, PathHandle, PathOutput};
pub use self::rest_api::{RestApi, RestApiHandle, RestApiOutput};
pub use self::stage::{Stage, StageHandle, StageOutput};
pub use self::usage_plan::{PlanStage, Quota, Throttle, UsagePlan, UsagePlanOutput};

pub(crate) const API_GATEWAY: Service = Service::new(
    "API Gateway",
    &[
        Reading::saying(
            "ConflictException",
            &["try again later"],
            Meaning::ConcurrentChange,
        ),
        Reading::of("NotFoundException", Meaning::NotFound),
        Reading::of("ConflictException", Meaning::Exists),
    ],
)
.rate(40, Duration::from_millis(100));

const APIS: Scope = Scope::new(
    "RestApis",
    &["arn:{partition}:apigateway:{region}::/restapis"],
);
const API: Scope = Scope::new(
    "RestApi",
    &["arn:{partition}:apigateway:{region}::/restapis/*"],
);
const TAGS: Scope = Scope::new("Tags", &["arn:{partition}:apigateway:{region}::/tags/*"]);
const KEYS: Scope = Scope::new(
    "ApiKeys",
    &["arn:{partition}:apigateway:{region}::/apikeys"],
);
const KEY: Scope = Scope::new(
    "ApiKey",
    &["arn:{partition}:apigateway:{region}::/apikeys/*"],
);
const PLANS: Scope = Scope::new(
    "UsagePlans",
    &["arn:{partition}:apigateway:{region}::/usageplans"],
);
const PLAN: Scope = Scope::new(
    "UsagePlan",
    &["arn:{partition}:apigateway:{region}::/usageplans/*"],
);
