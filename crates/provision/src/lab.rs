//! The lab's stack: every resource and how they refer to one another, on one page.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use provision_engine::fault;
use provision_engine::owner::REGION;

use crate::apigateway::{
    ApiKey, Deployment, Integration, Method, Path, PlanStage, RestApi, Stage, Throttle, UsagePlan,
};
use crate::dynamodb::Table;
use crate::handles::{
    ApiKeyHandle, DeploymentHandle, FunctionHandle, LogGroupHandle, MethodHandle, PathHandle,
    RestApiHandle, RoleHandle, StageHandle, TableHandle,
};
use crate::iam::{PolicyFile, Role};
use crate::lambda::{Function, Permission};
use crate::logs::LogGroup;
use crate::{App, Check, Code, Env, Flag, Set, Stack, Tags, digest};

const TRUST: PolicyFile = PolicyFile {
    path: "policies/trust.json",
    text: include_str!("../policies/trust.json"),
};

const PERMISSIONS: PolicyFile = PolicyFile {
    path: "policies/permissions.json",
    text: include_str!("../policies/permissions.json"),
};

const PATH: &str = "/DynamoDBManager";
const STAGE: &str = "Prod";

/// The program that deploys the lab's stack.
pub fn app() -> App {
    App::new("provision")
        .about(
            "Deploys the lab's stack straight through the AWS SDK. The account is the only state.",
        )
        .workspace(env!("CARGO_MANIFEST_DIR"))
        .stack(lab)
        .flag(Flag {
            name: "rate",
            value_name: "N",
            help: "Requests per second in place of the declared throttle",
        })
        .flag(Flag {
            name: "burst",
            value_name: "N",
            help: "Requests at once in place of the declared throttle",
        })
}

/// The values that differ between environments.
struct Settings {
    throttle: Throttle,
    /// MB.
    memory: i32,
    /// Days.
    log_retention: i32,
    /// True if AWS refuses to delete the table.
    deletion_protection: bool,
}

impl Settings {
    fn of(env: &Env) -> Self {
        let usual = Self {
            throttle: Throttle {
                rate: 100.0,
                burst: 20,
            },
            memory: 256,
            log_retention: 14,
            deletion_protection: false,
        };
        match env.name() {
            Some("prod") => Self {
                memory: 512,
                log_retention: 90,
                deletion_protection: true,
                ..usual
            },
            // A preview of a pull request.
            Some(name) if name.starts_with("pr-") => Self {
                throttle: Throttle {
                    rate: 10.0,
                    burst: 5,
                },
                log_retention: 1,
                ..usual
            },
            _ => usual,
        }
    }

    /// Takes `--rate` and `--burst`.
    fn with_flags(mut self, stack: &mut Stack) -> Result<Self> {
        let Throttle { rate, burst } = self.throttle;
        let rate = stack.parameter("rate", rate);
        let burst = stack.parameter("burst", burst);
        ensure!(
            rate.is_finite() && rate > 0.0,
            fault::Code::Throttle.fault(format!(
                "`--rate {rate}` is not a number of requests per second"
            ))
        );
        ensure!(
            burst > 0,
            fault::Code::Throttle.fault(format!("`--burst {burst}` is not a number of requests"))
        );
        self.throttle = Throttle { rate, burst };
        Ok(self)
    }
}

/// Declares the lab's stack.
///
/// # Errors
///
/// `Code::Throttle` for a rate or burst that is no number of requests, `Code::PolicyFile` for a file in `policies/`.
#[expect(clippy::too_many_lines, reason = "one stack, one page")]
pub fn lab(env: &Env) -> Result<Stack> {
    let mut stack = Stack::new("serverless-lab", env);
    let settings = Settings::of(env).with_flags(&mut stack)?;

    let table = stack.add(
        "table",
        Table {
            deletion_protection: settings.deletion_protection,
            ..Table::on_demand(env.named("lambda-apigateway"), "id")
        },
    );
    let function_name = env.named("LambdaFunctionOverHttps");
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
            name: env.named("lambda-apigateway-role"),
            description: "What the function may do: this table's items, this log group's events"
                .to_owned(),
            max_session_s: 3600,
            trust: TRUST.fill(&[])?,
            policies: BTreeMap::from([("lambda-apigateway-policy".to_owned(), permissions)]),
            boundary: None,
            tags: Tags::default().with(REGION, env.region()),
        },
    );
    let code = stack.asset(
        "package",
        Code::binary_of("handler", "bootstrap"),
        env.architecture(),
    );
    let function = stack.add(
        "function",
        Function {
            name: function_name,
            description: "Reads and writes items for callers of the REST API".to_owned(),
            runtime: "provided.al2023".to_owned(),
            handler: "bootstrap".to_owned(),
            architecture: env.architecture().to_string(),
            memory_mb: settings.memory,
            timeout_s: 10,
            role: role.arn(),
            environment: BTreeMap::new(),
            tracing: "PassThrough".to_owned(),
            code: code.clone(),
            deployed_code: code,
            state: "Active".to_owned(),
            tags: Tags::default(),
        },
    );
    // Lambda would make a log group that never expires.
    stack.add_dependency(&function, &logs);

    let api = stack.add(
        "api",
        RestApi {
            name: env.named("DynamoDBOperations"),
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
    stack.add(
        "permission",
        Permission::to_invoke(
            function.name(),
            "apigateway",
            "apigateway.amazonaws.com",
            invocation,
        ),
    );
    let deployment = stack.add(
        "deployment",
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
            name: env.named("Lambda-key"),
            description: String::new(),
            enabled: true,
            tags: Tags::default(),
        },
    );
    stack.add(
        "plan",
        UsagePlan {
            name: env.named("Lambda-dynamoDB-usageplan"),
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
    stack.output_secret("api_key", &key);
    stack.output("api_key_id", &key.key_id());
    stack.output("rest_api_id", &api.api_id());
    stack.output("stage", &stage.name());
    stack.output("function_name", &function.name());
    stack.output("function_arn", &function.arn());
    stack.output("table_name", &table.name());
    stack.output("table_arn", &table.arn());
    stack.output("role_arn", &role.arn());
    stack.output("log_group", &logs.name());
    stack.check(Check {
        method: "POST".to_owned(),
        url,
        body: r#"{"operation":"ping"}"#.to_owned(),
        key: Some(key.key_id().text()),
        proves: vec![function.id().to_owned()],
    });
    Ok(stack)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_files_are_sound() {
        TRUST.fill(&[]).unwrap();
        PERMISSIONS
            .fill(&[("TableArn", "t".into()), ("LogGroupArn", "l".into())])
            .unwrap();
    }
}
