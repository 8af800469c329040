//! The lab's names, as the contract of the command line has them.

use testkit::mutation::{STACK_TAG, Target};

pub(crate) const STACK: &str = "serverless-lab";
pub(crate) const ROLE: &str = Target::LAB.role;
pub(crate) const TABLE: &str = Target::LAB.table;
pub(crate) const FUNCTION: &str = Target::LAB.function;
pub(crate) const LOG_GROUP: &str = Target::LAB.log_group;
pub(crate) const API: &str = Target::LAB.api.name;
pub(crate) const RESOURCE: &str = "DynamoDBManager";
pub(crate) const STAGE: &str = Target::LAB.stage;
pub(crate) const KEY: &str = Target::LAB.key.name;
pub(crate) const PLAN: &str = Target::LAB.plan.name;

/// The tag that says whose a thing is.
pub(crate) const OWNER_TAG: &str = STACK_TAG;

/// A trust policy by which Lambda may assume a role.
pub(crate) const LAMBDA_TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
    "Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
