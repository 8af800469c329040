//! A Lambda function from a zip on a custom runtime.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use aws_sdk_lambda::operation::get_function::GetFunctionOutput;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{
    Architecture, Environment, FunctionCode, FunctionConfiguration, LastUpdateStatus, Runtime,
    State, TracingConfig, TracingMode,
};
use aws_smithy_types::timeout::TimeoutConfig;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::try_join;

use super::{Arn, CodeSha256, Look, Observed, Reconcile};
use crate::artifact::Artifact;
use crate::aws::Aws;
use crate::aws::call::Operation;
use crate::aws::error::AwsError;
use crate::aws::pace::LAMBDA;
use crate::diff::Changes;
use crate::fault::Code;
use crate::input::{Handle, Input};
use crate::owner::{Mark, Tags};
use crate::target::Target;
use crate::wait::{Vanished, Wait};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Function {
    pub name: String,
    pub description: String,
    pub runtime: String,
    pub handler: String,
    /// `x86_64` or `arm64`.
    pub architecture: String,
    pub memory_mb: i32,
    pub timeout_s: i32,
    pub role: Input<Arn>,
    pub environment: BTreeMap<String, String>,
    /// `PassThrough` or `Active`: whether X-Ray traces invocations of its own accord.
    pub tracing: String,
    pub code: Input<CodeSha256>,
    /// The code that was last deployed from here, kept in a tag: somebody else may have deployed other code since.
    pub deployed_code: Input<CodeSha256>,
    /// `Active`; as observed also `Failed` (AWS gave up on it) and `Deleting`. What is on its way counts as active.
    pub state: String,
    pub tags: Tags,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct FunctionOutput {
    pub arn: Arn,
    /// The `uri` of integrations with this function.
    pub invoke_arn: Arn,
}

impl Handle<Function> {
    pub fn arn(&self) -> Input<Arn> {
        self.output("arn")
    }

    pub fn invoke_arn(&self) -> Input<Arn> {
        self.output("invoke_arn")
    }
}

/// The tag that says which code was last deployed from here.
const CODE: &str = "provision:code";

const GET: Operation = Operation::safe("GetFunction");

const SETTLED: Wait = Wait::new(
    "the function to be ready",
    Duration::from_secs(1),
    Duration::from_mins(10),
);
/// IAM tells Lambda of a new role within seconds, at times within a minute.
const ROLE_USABLE: Wait = Wait::new(
    "Lambda to be able to assume the new role",
    Duration::from_secs(2),
    Duration::from_mins(5),
);
const IDLE: Wait = Wait::new(
    "the function's last update to end",
    Duration::from_secs(2),
    Duration::from_mins(5),
);

impl Reconcile for Function {
    type Output = FunctionOutput;
    const TYPE: &'static str = "AWS::Lambda::Function";
    /// A function that AWS failed to make, or is about to delete, cannot be mended.
    const REPLACE_ON: &'static [&'static str] = &["state"];

    fn name(&self) -> String {
        self.name.clone()
    }

    fn mark(&mut self, mark: &Mark<'_>) {
        self.tags.mark(mark);
    }

    fn is_last_declared(&self, observed: &Observed<Self>) -> bool {
        self.tags.declare_alike(&observed.state.tags)
            && self.deployed_code == observed.state.deployed_code
    }

    fn computed(&self, target: &Target) -> Value {
        let arn = target.arn("lambda", &format!("function:{}", self.name));
        json!({ "invoke_arn": target.invoke_arn(&arn), "arn": arn })
    }

    async fn observe(&self, look: &Look) -> Result<Option<Observed<Self>>> {
        let aws = look.aws();
        let doing = || format!("reading function `{}`", self.name);
        let (found, target) = try_join!(
            async { self.get(aws).await.with_context(doing) },
            aws.target()
        )?;
        let Some(GetFunctionOutput {
            configuration: Some(found),
            tags,
            tags_error,
            ..
        }) = found
        else {
            return Ok(None);
        };
        // Without them it would look like somebody else's.
        if let Some(error) = tags_error {
            return Err(AwsError::refused(GET, error.error_code, error.message))
                .with_context(doing);
        }
        let tags: BTreeMap<String, String> = tags.unwrap_or_default().into_iter().collect();
        let arn = found
            .function_arn()
            .context(Code::Incomplete.fault("AWS returned a function without its ARN"))?
            .to_owned();
        let state = match found.state() {
            Some(State::Failed) => State::Failed,
            Some(State::Deleting) => State::Deleting,
            _ => State::Active,
        };
        let architecture = found
            .architectures()
            .first()
            .map_or("x86_64", Architecture::as_str)
            .to_owned();
        Ok(Some(Observed {
            ownership: look.ownership(&self.name, &self.tags, &tags),
            settled: is_settled(&found),
            output: FunctionOutput {
                invoke_arn: Arn(target.invoke_arn(&arn)),
                arn: Arn(arn),
            },
            state: Self {
                name: self.name.clone(),
                description: found.description.clone().unwrap_or_default(),
                runtime: found.runtime().map_or("", Runtime::as_str).to_owned(),
                handler: found.handler.clone().unwrap_or_default(),
                architecture,
                memory_mb: found.memory_size.unwrap_or_default(),
                timeout_s: found.timeout.unwrap_or_default(),
                role: Arn(found.role.clone().unwrap_or_default()).into(),
                environment: found
                    .environment
                    .and_then(|environment| environment.variables)
                    .unwrap_or_default()
                    .into_iter()
                    .collect(),
                tracing: found
                    .tracing_config
                    .and_then(|tracing| tracing.mode)
                    .map_or_else(|| "PassThrough".to_owned(), |mode| mode.to_string()),
                code: CodeSha256(found.code_sha256.unwrap_or_default()).into(),
                deployed_code: CodeSha256(tags.get(CODE).cloned().unwrap_or_default()).into(),
                state: state.to_string(),
                tags: self.tags.declared_part(&tags),
            },
        }))
    }

    async fn create(&self, aws: &Aws) -> Result<FunctionOutput> {
        const CREATE: Operation = Operation::look_first("CreateFunction");
        let artifact = self.artifact(aws)?;
        let role = self.role.get()?;
        let tags = self.all_tags()?;
        let code = FunctionCode::builder()
            .zip_file(Blob::new(artifact.zip.clone()))
            .build();
        let is_passing = |error: &AwsError| is_role_unknown(error) || is_dying(error);
        let created = ROLE_USABLE
            .while_refused(aws, is_passing, async || {
                aws.call(CREATE, || {
                    aws.lambda()
                        .create_function()
                        .function_name(&self.name)
                        .description(&self.description)
                        .runtime(Runtime::from(self.runtime.as_str()))
                        .handler(&self.handler)
                        .architectures(Architecture::from(self.architecture.as_str()))
                        .memory_size(self.memory_mb)
                        .timeout(self.timeout_s)
                        .role(&role.0)
                        .environment(self.variables())
                        .tracing_config(self.tracing())
                        .code(code.clone())
                        .set_tags(Some(tags.clone()))
                        .customize()
                        .config_override(upload_timeouts(&artifact.zip))
                        .send()
                })
                .await
            })
            .await?;
        let arn = created
            .function_arn
            .context(Code::Incomplete.fault("AWS returned a function without its ARN"))?;
        let target = aws.target().await?;
        Ok(FunctionOutput {
            invoke_arn: Arn(target.invoke_arn(&arn)),
            arn: Arn(arn),
        })
    }

    async fn update(
        &self,
        aws: &Aws,
        observed: Observed<Self>,
        changes: &Changes,
    ) -> Result<FunctionOutput> {
        const TAG: Operation = Operation::safe("TagResource").of(LAMBDA);
        let configuration = [
            "description",
            "runtime",
            "handler",
            "memory_mb",
            "timeout_s",
            "role",
            "environment",
            "tracing",
        ];
        if configuration.iter().any(|field| changes.touch(field)) {
            self.update_configuration(aws).await?;
        }
        if changes.touch("code") || changes.touch("architecture") {
            self.update_code(aws).await?;
        }
        // Last, so that a run that was cut off before is not taken for somebody else's change.
        if changes.touch("tags") || changes.touch("deployed_code") {
            let (arn, tags) = (&observed.output.arn.0, self.all_tags()?);
            IDLE.while_refused(aws, is_busy, async || {
                aws.call(TAG, || {
                    aws.lambda()
                        .tag_resource()
                        .resource(arn)
                        .set_tags(Some(tags.clone()))
                        .send()
                })
                .await
            })
            .await?;
        }
        Ok(observed.output)
    }

    async fn delete(&self, aws: &Aws, _: Observed<Self>) -> Result<()> {
        const DELETE: Operation = Operation::safe("DeleteFunction");
        const GONE: Wait = Wait::new(
            "the function to be gone",
            Duration::from_secs(1),
            Duration::from_mins(10),
        );
        IDLE.while_refused(aws, is_busy, async || {
            let request = || {
                aws.lambda()
                    .delete_function()
                    .function_name(&self.name)
                    .send()
            };
            match aws.call(DELETE, request).await {
                Err(error) if error.is_not_found() || is_dying(&error) => Ok(()),
                other => other.map(|_| ()),
            }
        })
        .await?;
        // It may still run, and write logs, until it is gone.
        GONE.until(aws, async || {
            Ok(self.get(aws).await?.is_none().then_some(()))
        })
        .await
    }

    /// Waits until the function is active and its last update has ended well.
    async fn settle(&self, aws: &Aws) -> Result<()> {
        let mut vanished = Vanished::default();
        SETTLED
            .until(aws, async || {
                let Some(found) = self.get(aws).await?.and_then(|found| found.configuration) else {
                    vanished.is_missing(|| format!("function `{}`", self.name))?;
                    return Ok(None);
                };
                vanished.is_there();
                if found.last_update_status() == Some(&LastUpdateStatus::Failed) {
                    let reason = found
                        .last_update_status_reason()
                        .unwrap_or("no reason given");
                    bail!(Code::FunctionBroken.fault(format!(
                        "the update of function `{}` failed: {reason}",
                        self.name
                    )));
                }
                if found.state() == Some(&State::Failed) {
                    let reason = found.state_reason().unwrap_or("no reason given");
                    bail!(Code::FunctionBroken.fault(format!(
                        "function `{}` could not be made: {reason}",
                        self.name
                    )));
                }
                Ok(is_settled(&found).then_some(()))
            })
            .await
    }
}

impl Function {
    async fn get(&self, aws: &Aws) -> Result<Option<GetFunctionOutput>, AwsError> {
        match aws
            .call(GET, || {
                aws.lambda().get_function().function_name(&self.name).send()
            })
            .await
        {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn all_tags(&self) -> Result<HashMap<String, String>> {
        let mut tags = self.tags.to_map();
        tags.insert(CODE.to_owned(), self.deployed_code.get()?.0.clone());
        Ok(tags)
    }

    fn tracing(&self) -> TracingConfig {
        TracingConfig::builder()
            .mode(TracingMode::from(self.tracing.as_str()))
            .build()
    }

    fn variables(&self) -> Environment {
        let variables = self.environment.clone().into_iter().collect();
        Environment::builder()
            .set_variables(Some(variables))
            .build()
    }

    /// The package that the declaration speaks of.
    fn artifact(&self, aws: &Aws) -> Result<std::sync::Arc<Artifact>> {
        let artifact = aws.artifact()?;
        let wanted = self.code.get()?;
        ensure!(
            artifact.sha256 == *wanted,
            Code::Stale.fault(format!(
                "the package at hand ({}) is not the one that was planned ({wanted}): plan again",
                artifact.sha256
            ))
        );
        Ok(artifact)
    }

    async fn update_configuration(&self, aws: &Aws) -> Result<()> {
        const UPDATE: Operation = Operation::safe("UpdateFunctionConfiguration");
        let role = self.role.get()?;
        let is_passing = |error: &AwsError| is_role_unknown(error) || is_busy(error);
        ROLE_USABLE
            .while_refused(aws, is_passing, async || {
                aws.call(UPDATE, || {
                    aws.lambda()
                        .update_function_configuration()
                        .function_name(&self.name)
                        .description(&self.description)
                        .runtime(Runtime::from(self.runtime.as_str()))
                        .handler(&self.handler)
                        .memory_size(self.memory_mb)
                        .timeout(self.timeout_s)
                        .role(&role.0)
                        .environment(self.variables())
                        .tracing_config(self.tracing())
                        .send()
                })
                .await
            })
            .await?;
        self.settle(aws).await?;
        Ok(())
    }

    async fn update_code(&self, aws: &Aws) -> Result<()> {
        const UPDATE: Operation = Operation::safe("UpdateFunctionCode");
        let artifact = self.artifact(aws)?;
        let zip = Blob::new(artifact.zip.clone());
        IDLE.while_refused(aws, is_busy, async || {
            aws.call(UPDATE, || {
                aws.lambda()
                    .update_function_code()
                    .function_name(&self.name)
                    .zip_file(zip.clone())
                    .architectures(Architecture::from(self.architecture.as_str()))
                    .customize()
                    .config_override(upload_timeouts(&artifact.zip))
                    .send()
            })
            .await
        })
        .await?;
        self.settle(aws).await?;
        Ok(())
    }
}

/// Nothing is on its way. A function that was long idle wakes up by itself.
fn is_settled(found: &FunctionConfiguration) -> bool {
    found.last_update_status() != Some(&LastUpdateStatus::InProgress)
        && !matches!(found.state(), Some(State::Pending))
}

/// A line of 100 kB/s is slow, but not broken.
fn upload_timeouts(zip: &[u8]) -> aws_sdk_lambda::config::Builder {
    let upload = u64::try_from(zip.len() / 100_000).unwrap_or_default();
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(4))
        .operation_attempt_timeout(Duration::from_secs(30 + upload))
        .build();
    aws_sdk_lambda::Config::builder().timeout_config(timeouts)
}

/// Lambda does not know a new role for some seconds. A trust policy that truly lacks Lambda reads the same.
fn is_role_unknown(error: &AwsError) -> bool {
    error.is("InvalidParameterValueException")
        && [
            "cannot be assumed",
            "execution role does not have permissions",
            "KMS key is invalid for CreateGrant",
        ]
        .iter()
        .any(|text| error.says(text))
}

/// Its deletion has begun, by a call whose answer was lost or by somebody else's.
fn is_dying(error: &AwsError) -> bool {
    error.is("ResourceConflictException") && error.says("state: Deleting")
}

/// `ResourceConflictException` stands for five things; these pass by themselves.
fn is_busy(error: &AwsError) -> bool {
    error.is("ResourceConflictException")
        && ["in progress", "pending", "concurrent"]
            .iter()
            .any(|text| error.says(text))
}
