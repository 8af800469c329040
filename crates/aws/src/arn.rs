//! Text values that must not be mixed up with one another.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! text_types {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        $($(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        })+
    };
}

text_types!(
    /// An Amazon Resource Name.
    Arn,
    /// The id of a REST API.
    ApiId,
    /// The id of an API Gateway resource: one segment of a path.
    PathId,
    /// The id of an API Gateway deployment.
    DeploymentId,
    /// The id of an API key; its value is a `Secret`.
    KeyId,
    /// SHA-256 (hex) of the state that a deployment freezes.
    Shape,
);
