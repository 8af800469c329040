//! THE deployment: every resource of the lab and how they refer to one another, on one page.

use std::collections::BTreeMap;

use anyhow::Result;

use crate::declaration::{Check, Stack};
use crate::input::{Set, digest};
use crate::owner::{REGION, Tags};
use crate::policies::{PERMISSIONS, TRUST};
use crate::resource::method::Integration;
use crate::resource::usage_plan::{PlanStage, Throttle};
use crate::resource::{
    ApiKey, Deployment, Function, LogGroup, Method, Path, Permission, RestApi, Role, Stage, Table,
    UsagePlan,
};

/// The function's processor, unless the command line says otherwise.
pub const ARCHITECTURE: &str = "x86_64";

/// What differs between one deployment of the stack and another.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// A second, separate copy in the same account; every name that must be unique carries it.
    pub env: Option<String>,
    pub region: String,
    /// Lambda's name of the processor: `x86_64` or `arm64`.
    pub architecture: String,
    pub throttle: Throttle,
    /// MB.
    pub memory: i32,
    /// Days.
    pub log_retention: i32,
    /// Whether AWS refuses to delete the table.
    pub deletion_protection: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            env: None,
            region: "us-east-1".to_owned(),
            architecture: ARCHITECTURE.to_owned(),
            throttle: Throttle {
                rate: 100.0,
                burst: 20,
            },
            memory: 256,
            log_retention: 14,
            deletion_protection: false,
        }
    }
}

impl Settings {
    /// What an environment has of its own.
    pub fn of(env: Option<&str>) -> Self {
        let settings = Self {
            env: env.map(str::to_owned),
            ..Self::default()
        };
        match env {
            Some("prod") => Self {
                memory: 512,
                log_retention: 90,
                deletion_protection: true,
                ..settings
            },
            // A preview of a pull request.
            Some(name) if name.starts_with("pr-") => Self {
                throttle: Throttle {
                    rate: 10.0,
                    burst: 5,
                },
                log_retention: 1,
                ..settings
            },
            _ => settings,
        }
    }
}

const PATH: &str = "/DynamoDBManager";
const STAGE: &str = "Prod";

#[expect(clippy::too_many_lines, reason = "one stack, one page")]
pub fn lab(settings: &Settings) -> Result<Stack> {
    let named = |name: &str| match &settings.env {
        Some(env) => format!("{name}-{env}"),
        None => name.to_owned(),
    };
    let mut stack = Stack::new(named("serverless-lab"));

    let table = stack.add(
        "table",
        Table {
            deletion_protection: settings.deletion_protection,
            ..Table::on_demand(named("lambda-apigateway"), "id")
        },
    );
    let function_name = named("LambdaFunctionOverHttps");
    let logs = stack.add(
        "logs",
        LogGroup {
            name: format!("/aws/lambda/{function_name}"),
            retention_days: Some(settings.log_retention),
            tags: Tags::default(),
        },
    );

    let permissions = PERMISSIONS.fill(&[
        ("TableArn", table.arn().to_value()),
        ("LogGroupArn", logs.arn().to_value()),
    ])?;
    let role = stack.add(
        "role",
        Role {
            name: named("lambda-apigateway-role"),
            description: "What the function may do: this table's items, this log group's events"
                .to_owned(),
            max_session_s: 3600,
            trust: TRUST.fill(&[])?,
            policies: BTreeMap::from([("lambda-apigateway-policy".to_owned(), permissions)]),
            tags: Tags::default().with(REGION, &settings.region),
        },
    );
    // The log group first: Lambda would make one that never expires.
    let function = stack.add_after(
        "function",
        [role.id(), logs.id()],
        Function {
            name: function_name,
            description: "Reads and writes items for callers of the REST API".to_owned(),
            runtime: "provided.al2023".to_owned(),
            handler: "bootstrap".to_owned(),
            architecture: settings.architecture.clone(),
            memory_mb: settings.memory,
            timeout_s: 10,
            role: role.arn(),
            environment: BTreeMap::new(),
            tracing: "PassThrough".to_owned(),
            code: stack.package(),
            deployed_code: stack.package(),
            state: "Active".to_owned(),
            tags: Tags::default(),
        },
    );

    let api = stack.add(
        "api",
        RestApi {
            name: named("DynamoDBOperations"),
            description: "Items of a DynamoDB table over HTTPS".to_owned(),
            endpoint: "REGIONAL".to_owned(),
            disable_execute_api: false,
            tags: Tags::default(),
        },
    );
    let path = stack.add(
        "path",
        Path {
            api: api.api_id(),
            parent: api.root(),
            part: PATH.trim_start_matches('/').to_owned(),
            full: PATH.to_owned(),
        },
    );
    let method = stack.add(
        "method",
        Method {
            api: api.api_id(),
            path: path.path_id(),
            full_path: PATH.to_owned(),
            http_method: "POST".to_owned(),
            key_required: true,
            authorization: "NONE".to_owned(),
            operation: String::new(),
            integration: Some(Integration::lambda_proxy(function.invoke_arn())),
        },
    );
    let invocation = api.execute_arn().join(&format!("/{STAGE}/POST{PATH}"));
    stack.add_after(
        "permission",
        [function.id()],
        Permission::to_invoke(
            function.name(),
            "apigateway",
            "apigateway.amazonaws.com",
            invocation,
        ),
    );
    let deployment = stack.add_after(
        "deployment",
        [method.id()],
        Deployment {
            api: api.api_id(),
            shape: digest([method.shape()]),
        },
    );
    let stage = stack.add(
        "stage",
        Stage {
            api: api.api_id(),
            name: STAGE.to_owned(),
            deployment: deployment.deployment_id(),
            description: String::new(),
            variables: BTreeMap::new(),
            tracing: false,
            superseded: Vec::new(),
            tags: Tags::default(),
        },
    );

    let key = stack.add(
        "key",
        ApiKey {
            name: named("Lambda-key"),
            description: String::new(),
            enabled: true,
            tags: Tags::default(),
        },
    );
    stack.add(
        "plan",
        UsagePlan {
            name: named("Lambda-dynamoDB-usageplan"),
            description: String::new(),
            throttle: settings.throttle,
            quota: None,
            stages: Set::from_iter([PlanStage {
                api: api.api_id(),
                stage: stage.served_as(),
            }]),
            keys: Set::from_iter([key.key_id()]),
            tags: Tags::default(),
        },
    );

    let url = stage.url().join(PATH);
    stack.output("invoke_url", &url);
    stack.output("api_key_id", &key.key_id());
    stack.output("rest_api_id", &api.api_id());
    stack.output("stage", &stage.name());
    stack.output("function_name", &function.name());
    stack.output("function_arn", &function.arn());
    stack.output("table_name", &table.name());
    stack.output("table_arn", &table.arn());
    stack.output("role_arn", &role.arn());
    stack.output("log_group", &logs.name());
    stack.check = Some(Check {
        method: "POST",
        url,
        body: r#"{"operation":"ping"}"#.to_owned(),
        key: key.key_id(),
        proves: vec![function.id().to_owned()],
    });
    Ok(stack)
}
