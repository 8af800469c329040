//! Names of what is changed.

/// One resource of a stack: its id there, and its name on AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named {
    /// Value of its [`ID_TAG`](super::ID_TAG).
    pub id: &'static str,
    /// Name, which others may have as well.
    pub name: &'static str,
}

/// The resources of a deployed stack that mutations are about: one of each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Name of the role.
    pub role: &'static str,
    /// Name of the role's inline policy.
    pub policy: &'static str,
    /// Name of the table.
    pub table: &'static str,
    /// Name of the function.
    pub function: &'static str,
    /// Name of the function's log group.
    pub log_group: &'static str,
    /// The API.
    pub api: Named,
    /// Path of the method.
    pub path: &'static str,
    /// HTTP method; not `GET`, which others add.
    pub verb: &'static str,
    /// Name of the stage.
    pub stage: &'static str,
    /// The API key.
    pub key: Named,
    /// The key's usage plan.
    pub plan: Named,
}

impl Target {
    /// The lab's stack.
    pub const LAB: Self = Self {
        role: "lambda-apigateway-role",
        policy: "lambda-apigateway-policy",
        table: "lambda-apigateway",
        function: "LambdaFunctionOverHttps",
        log_group: "/aws/lambda/LambdaFunctionOverHttps",
        api: Named {
            id: "api",
            name: "DynamoDBOperations",
        },
        path: "/DynamoDBManager",
        verb: "POST",
        stage: "Prod",
        key: Named {
            id: "key",
            name: "Lambda-key",
        },
        plan: Named {
            id: "plan",
            name: "Lambda-dynamoDB-usageplan",
        },
    };
}
