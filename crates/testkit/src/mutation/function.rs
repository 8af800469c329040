//! The function, its code and its permission.

use aws_sdk_lambda::operation::update_function_configuration::builders::UpdateFunctionConfigurationFluentBuilder;
use aws_sdk_lambda::types::{
    Architecture, Environment, EphemeralStorage, LogFormat, LoggingConfig, Runtime, TracingConfig,
    TracingMode,
};
use serde_json::{Value, json};

use super::hand::Hand;
use super::names::other_package;
use super::{Mutation, THEIRS, Undone};

impl Hand<'_> {
    pub(super) async fn function(&self, what: Mutation) -> Result<(), Undone> {
        let (lambda, function) = (&self.account.lambda, self.of.function);
        match what {
            Mutation::DeleteFunction => {
                let delete = lambda.delete_function().function_name(function);
                delete.send().await?;
            }
            Mutation::ChangeCode => {
                let update = lambda.update_function_code().function_name(function);
                update.zip_file(other_package()).send().await?;
            }
            Mutation::ChangeArchitecture => {
                let found = lambda.get_function().function_name(function).send().await?;
                let found = found.configuration();
                let is_arm =
                    found.is_some_and(|found| found.architectures().contains(&Architecture::Arm64));
                let other = if is_arm {
                    Architecture::X8664
                } else {
                    Architecture::Arm64
                };
                let update = lambda.update_function_code().function_name(function);
                let update = update.zip_file(other_package()).architectures(other);
                update.send().await?;
            }
            Mutation::DeleteStatement => {
                let statement = self.own_statement().await?;
                self.remove_statement(&statement).await?;
            }
            // The statement's id is as declared, what it allows is not.
            Mutation::ChangeStatement => {
                let statement = self.own_statement().await?;
                self.remove_statement(&statement).await?;
                let source = source(&statement).ok_or("a statement without a source")?;
                let add = lambda.add_permission().function_name(function);
                let add = add.statement_id(statement["Sid"].as_str().unwrap_or_default());
                let add = add.action("lambda:InvokeFunction");
                let add = add.principal("apigateway.amazonaws.com");
                add.source_arn(format!("{source}/{THEIRS}")).send().await?;
            }
            Mutation::StopFunction => {
                let stop = lambda.put_function_concurrency().function_name(function);
                stop.reserved_concurrent_executions(0).send().await?;
            }
            Mutation::ForeignStatement => {
                let add = lambda.add_permission().function_name(function);
                let add = add.statement_id("apigateway-theirs-2");
                let add = add.action("lambda:InvokeFunction");
                let add = add.principal("s3.amazonaws.com");
                add.source_arn("arn:aws:s3:::theirs").send().await?;
            }
            Mutation::OpenStatement => {
                let add = lambda.add_permission().function_name(function);
                let add = add.statement_id("open-to-all").principal("*");
                add.action("lambda:InvokeFunction").send().await?;
            }
            Mutation::AliasFunction => {
                let publish = lambda.publish_version().function_name(function);
                let version = publish.send().await?.version;
                let create = lambda.create_alias().function_name(function);
                let create = create.name(THEIRS).set_function_version(version);
                create.send().await?;
            }
            Mutation::ChangeFunctionRole => {
                let trust = json!({ "Version": "2012-10-17", "Statement": [{
                    "Effect": "Allow",
                    "Principal": { "Service": "lambda.amazonaws.com" },
                    "Action": "sts:AssumeRole",
                }] });
                let iam = &self.account.iam;
                let create = iam.create_role().role_name("another-role");
                let create = create.assume_role_policy_document(trust.to_string());
                let arn = create.send().await?.role.map(|role| role.arn);
                let update = self.configure(|update| update.set_role(arn)).await;
                // The function alone is the drift.
                iam.delete_role().role_name("another-role").send().await?;
                update?;
            }
            _ => self.configure(|update| configured(what, update)).await?,
        }
        Ok(())
    }

    async fn configure(
        &self,
        change: impl FnOnce(
            UpdateFunctionConfigurationFluentBuilder,
        ) -> UpdateFunctionConfigurationFluentBuilder,
    ) -> Result<(), Undone> {
        let update = self.account.lambda.update_function_configuration();
        change(update.function_name(self.of.function))
            .send()
            .await?;
        Ok(())
    }

    /// The statement that the stack declares.
    async fn own_statement(&self) -> Result<Value, Undone> {
        let get = self.account.lambda.get_policy();
        let policy = get.function_name(self.of.function).send().await?;
        let policy: Value = serde_json::from_str(policy.policy().unwrap_or_default())?;
        let mut statements = policy["Statement"].as_array().into_iter().flatten();
        let own = statements
            .find(|statement| statement["Principal"]["Service"] == "apigateway.amazonaws.com");
        Ok(own.ok_or("no statement of the stack")?.clone())
    }

    async fn remove_statement(&self, statement: &Value) -> Result<(), Undone> {
        let remove = self.account.lambda.remove_permission();
        let remove = remove.function_name(self.of.function);
        let sid = statement["Sid"].as_str().unwrap_or_default();
        remove.statement_id(sid).send().await?;
        Ok(())
    }
}

/// The ARN that may call; services word the condition in several ways.
fn source(statement: &Value) -> Option<&str> {
    let condition = statement["Condition"].as_object()?;
    condition.values().find_map(|operator| {
        let source = operator["AWS:SourceArn"].as_str();
        source.or(operator["aws:SourceArn"].as_str())
    })
}

/// The mutations that one call makes.
fn configured(
    what: Mutation,
    update: UpdateFunctionConfigurationFluentBuilder,
) -> UpdateFunctionConfigurationFluentBuilder {
    match what {
        Mutation::ChangeMemory => update.memory_size(1024),
        Mutation::ChangeTimeout => update.timeout(1),
        Mutation::ChangeHandler => update.handler("index.handler"),
        Mutation::ChangeRuntime => update.runtime(Runtime::Providedal2),
        Mutation::DescribeFunction => update.description(THEIRS),
        Mutation::ChangeEnvironment => {
            let variables = Environment::builder().variables("LOG_LEVEL", "trace");
            update.environment(variables.variables("EXTRA", "1").build())
        }
        Mutation::ChangeStorage => {
            let storage = EphemeralStorage::builder().size(1024);
            update.ephemeral_storage(storage.build().expect("it has a size"))
        }
        Mutation::ChangeLogFormat => {
            let logging = LoggingConfig::builder().log_format(LogFormat::Json);
            update.logging_config(logging.build())
        }
        Mutation::ChangeLogGroup => {
            let logging = LoggingConfig::builder().log_group(THEIRS);
            update.logging_config(logging.build())
        }
        Mutation::TraceFunction => {
            let tracing = TracingConfig::builder().mode(TracingMode::Active);
            update.tracing_config(tracing.build())
        }
        _ => unreachable!("{what:?} is not about a function"),
    }
}
