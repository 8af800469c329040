//! The lab's names, as the contract of the command line has them.

pub(crate) const STACK: &str = "serverless-lab";
pub(crate) const ROLE: &str = "lambda-apigateway-role";
pub(crate) const TABLE: &str = "lambda-apigateway";
pub(crate) const FUNCTION: &str = "LambdaFunctionOverHttps";
pub(crate) const LOG_GROUP: &str = "/aws/lambda/LambdaFunctionOverHttps";
pub(crate) const API: &str = "DynamoDBOperations";
pub(crate) const RESOURCE: &str = "DynamoDBManager";
pub(crate) const STAGE: &str = "Prod";
pub(crate) const KEY: &str = "Lambda-key";
pub(crate) const PLAN: &str = "Lambda-dynamoDB-usageplan";

/// The tag that says whose a thing is.
pub(crate) const OWNER_TAG: &str = "provision:stack";

/// A trust policy by which Lambda may assume a role.
pub(crate) const LAMBDA_TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
    "Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
