//! IAM.

mod policy;
mod policy_file;
mod role;
mod roles;

use provision_engine::operation::{Meaning, Reading, Service};

pub use self::policy::PolicyDocument;
pub use self::policy_file::PolicyFile;
pub use self::role::{Role, RoleHandle, RoleOutput};

/// AWS documents no rates.
pub(crate) const IAM: Service = Service::new(
    "IAM",
    &[
        Reading::of("ConcurrentModification", Meaning::ConcurrentChange),
        Reading::of("ConcurrentModificationException", Meaning::ConcurrentChange),
        Reading::of("NoSuchEntity", Meaning::NotFound),
        Reading::of("NoSuchEntityException", Meaning::NotFound),
        Reading::of("EntityAlreadyExists", Meaning::Exists),
    ],
);
