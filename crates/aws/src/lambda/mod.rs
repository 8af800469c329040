//! Lambda (AWS: "Lambda quotas" for rates).

mod environment;
mod function;
mod parts;
mod permission;
mod policy;
mod settings;

use std::time::Duration;

use provision_engine::operation::{Meaning, Reading, Scope, Service};

pub use self::function::{Function, FunctionHandle, FunctionOutput, INVOKE};
pub use self::permission::{Permission, PermissionOutput, Statement};
pub use self::settings::{FileSystem, Logging, Vpc};

/// All calls but reading functions and policies, and invoking.
const LAMBDA: Service = Service::new(
    "Lambda",
    &[
        Reading::saying(
            "ResourceConflictException",
            &["concurrent update"],
            Meaning::ConcurrentChange,
        ),
        Reading::of("ResourceNotFoundException", Meaning::NotFound),
        Reading::of("ResourceConflictException", Meaning::Exists),
    ],
)
.rate(15, Duration::from_millis(67));

/// A permission names its function in a field.
const FUNCTION: Scope = Scope::new(
    "Function",
    &["arn:{partition}:lambda:{region}:{account}:function:{function|name}"],
);
