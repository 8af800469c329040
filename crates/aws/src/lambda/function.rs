//! A Lambda function from a zip.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use aws_sdk_lambda::operation::get_function::GetFunctionOutput;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{
    Architecture, Environment, FunctionCode, FunctionConfiguration, LastUpdateStatus, Runtime,
    State, TracingConfig, TracingMode,
};
use aws_smithy_types::timeout::TimeoutConfig;
use provision_engine::aws::Aws;
use provision_engine::cost::Charge;
use provision_engine::declaration::Declaration;
use provision_engine::diff::Changes;
use provision_engine::error::AwsError;
use provision_engine::fault::Code;
use provision_engine::input::{Handle, Input};
use provision_engine::look::Look;
use provision_engine::observe::Seen;
use provision_engine::operation::{Meaning, Operation, Reading, Scope};
use provision_engine::owner::{Mark, Tags};
use provision_engine::package::{CodeSha256, Package};
use provision_engine::refusals::Refusals;
use provision_engine::resource::{
    Act, ForeignPart, HoldsData, Kind, Marked, Observed, Resource, check_name, check_tags,
};
use provision_engine::target::Target;
use provision_engine::wait::{Vanished, Wait};
use provision_engine::warning::Warning;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::try_join;

use super::parts::{LIST_ALIASES, LIST_SOURCES, aliases, event_sources};
use super::permission::GET_POLICY;
use super::settings::{FileSystem, Logging, Sent, Vpc, is_usual_storage, usual_storage};
use super::{FUNCTION, LAMBDA, environment, policy};
use crate::arn::Arn;
use crate::calls::Calls;
use crate::connection::GET_CALLER_IDENTITY;
use crate::prices::prices;
use crate::tagging::{GET_RESOURCES, tagged};

/// `iam:PassRole` for the function's role, which its declaration names by ARN.
const PASSED_ROLE: Scope = Scope::new("PassedRole", &["{role}"]).passed_to("lambda.amazonaws.com");

/// Lambda does not know a new role for some seconds. A trust policy that truly lacks Lambda reads the same.
const ROLE_UNKNOWN: Reading = Reading::saying(
    "InvalidParameterValueException",
    &[
        "cannot be assumed",
        "execution role does not have permissions",
        "KMS key is invalid for CreateGrant",
    ],
    Meaning::NotYet,
);
/// `ResourceConflictException` stands for five things; these pass by themselves.
const BUSY: Reading = Reading::saying(
    "ResourceConflictException",
    &["in progress", "pending", "concurrent"],
    Meaning::NotYet,
);
const DELETING: &[&str] = &["state: Deleting"];

/// `GetFunction` tells a function's tags only to those who may list them.
const GET: Operation = Operation::read(
    LAMBDA,
    "GetFunction",
    &[
        FUNCTION.allow("lambda:GetFunction"),
        FUNCTION.allow("lambda:ListTags"),
    ],
)
.rate(100, Duration::from_millis(10))
.outside_service_rate();
/// Invokes a function, for `invoke --direct`.
pub const INVOKE: Operation =
    Operation::create(LAMBDA, "Invoke", &[FUNCTION.allow("lambda:InvokeFunction")])
        .outside_service_rate();
const CREATE: Operation = Operation::create(
    LAMBDA,
    "CreateFunction",
    &[
        FUNCTION.allow("lambda:CreateFunction"),
        FUNCTION.allow("lambda:TagResource"),
        PASSED_ROLE.allow("iam:PassRole"),
    ],
)
.reading(&[
    ROLE_UNKNOWN,
    // A function of this name is on its way out.
    Reading::saying("ResourceConflictException", DELETING, Meaning::NotYet),
]);
const TAG: Operation = Operation::write(
    LAMBDA,
    "TagResource",
    &[FUNCTION.allow("lambda:TagResource")],
)
.reading(&[BUSY]);
const UPDATE_CODE: Operation = Operation::write(
    LAMBDA,
    "UpdateFunctionCode",
    &[FUNCTION.allow("lambda:UpdateFunctionCode")],
)
.reading(&[BUSY]);
const UPDATE_CONFIGURATION: Operation = Operation::write(
    LAMBDA,
    "UpdateFunctionConfiguration",
    &[
        FUNCTION.allow("lambda:UpdateFunctionConfiguration"),
        PASSED_ROLE.allow("iam:PassRole"),
    ],
)
.reading(&[ROLE_UNKNOWN, BUSY]);
const RESERVE: Operation = Operation::write(
    LAMBDA,
    "PutFunctionConcurrency",
    &[FUNCTION.allow("lambda:PutFunctionConcurrency")],
)
.reading(&[BUSY])
.only_with(&["reserved_concurrency"]);
const RELEASE: Operation = Operation::write(
    LAMBDA,
    "DeleteFunctionConcurrency",
    &[FUNCTION.allow("lambda:DeleteFunctionConcurrency")],
)
.reading(&[BUSY]);
const DELETE: Operation = Operation::write(
    LAMBDA,
    "DeleteFunction",
    &[FUNCTION.allow("lambda:DeleteFunction")],
)
.reading(&[
    // Its deletion has begun, by a call whose answer was lost or by somebody else's.
    Reading::saying("ResourceConflictException", DELETING, Meaning::NotFound),
    BUSY,
]);

/// A function whose code is a zip: `AWS::Lambda::Function`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Function {
    /// The name: 1 to 64 letters, digits, hyphens and underscores (Lambda API Reference, `CreateFunction`).
    pub name: String,
    /// The description: at most 256 characters (Lambda API Reference, `CreateFunction`).
    pub description: String,
    /// The runtime's identifier, such as `provided.al2023` for a binary (AWS: "Lambda runtimes").
    pub runtime: String,
    /// The entry point, in the runtime's own form. A custom runtime gets it as `_HANDLER`; `bootstrap` by convention.
    pub handler: String,
    /// `x86_64` or `arm64`.
    pub architecture: String,
    /// The memory in MB: 128 to 10,240 (AWS: "Lambda quotas"). The share of processor time grows with it.
    pub memory_mb: i32,
    /// The longest run of an invocation in seconds: 1 to 900 (AWS: "Lambda quotas").
    pub timeout_s: i32,
    /// The execution role. Its trust policy has to name `lambda.amazonaws.com`.
    pub role: Input<Arn>,
    /// Variables by name.
    pub environment: BTreeMap<String, Input<String>>,
    /// The X-Ray mode: `Active` samples and traces invocations, `PassThrough` traces those that the caller traces.
    pub tracing: String,
    /// The hash of the zip, as [`Stack::asset`](provision_engine::stack::Stack::asset) returns it.
    pub code: Input<CodeSha256>,
    /// The code that was last deployed from here, kept in a tag: somebody else may have deployed other code since.
    pub deployed_code: Input<CodeSha256>,
    /// `Active`; as observed also `Failed` (AWS gave up on it) and `Deleting`. What is on its way counts as active.
    pub state: String,
    /// The size of `/tmp` in MB: 512, which is free of charge, to 10,240 (AWS: "Lambda quotas").
    #[serde(default = "usual_storage", skip_serializing_if = "is_usual_storage")]
    pub storage_mb: i32,
    /// The number of invocations at once that are kept for this function, and that it never exceeds; `None` for what the account has
    /// left. With 0 every invocation is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserved_concurrency: Option<i32>,
    /// The form of its log events, and where they go.
    #[serde(default, skip_serializing_if = "Logging::is_usual")]
    pub logging: Logging,
    /// The queue or topic that gets events of asynchronous invocations that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_letter: Option<Input<Arn>>,
    /// Versions of layers by ARN, five at most, unpacked to `/opt` in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<Input<Arn>>,
    /// The VPC that it reaches.
    #[serde(default, skip_serializing_if = "Vpc::is_none")]
    pub vpc: Vpc,
    /// File systems that it mounts; it has to be in their VPC.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub file_systems: Vec<FileSystem>,
    /// True if published versions start from a snapshot. Not for custom runtimes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub snap_start: bool,
    /// The tags that the declaration asks for; the stack adds its mark. Other tags of the resource are ignored.
    pub tags: Tags,
}

/// The outputs of a [`Function`].
#[derive(Debug, Serialize, Deserialize)]
pub struct FunctionOutput {
    /// `arn:aws:lambda:REGION:ACCOUNT:function:NAME`, without a version.
    pub arn: Arn,
    /// The `uri` of integrations with this function: `arn:aws:apigateway:REGION:lambda:path/2015-03-31/functions/ARN/invocations`.
    pub invoke_arn: Arn,
}

/// The outputs of a declared [`Function`].
pub trait FunctionHandle {
    /// Returns `arn:aws:lambda:REGION:ACCOUNT:function:NAME`.
    fn arn(&self) -> Input<Arn>;

    /// Returns the `uri` of integrations with this function.
    fn invoke_arn(&self) -> Input<Arn>;
}

impl FunctionHandle for Handle<Function> {
    fn arn(&self) -> Input<Arn> {
        self.output("arn")
    }

    fn invoke_arn(&self) -> Input<Arn> {
        self.output("invoke_arn")
    }
}

/// The fields that `UpdateFunctionConfiguration` sets: the first eight each time, the others where they change.
const CONFIGURATION: [&str; 15] = [
    "description",
    "runtime",
    "handler",
    "memory_mb",
    "timeout_s",
    "role",
    "environment",
    "tracing",
    "storage_mb",
    "logging",
    "dead_letter",
    "layers",
    "vpc",
    "file_systems",
    "snap_start",
];

/// The tag with the hash of the code that was last deployed from here.
const CODE: &str = "provision:code";

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

/// Puts the configuration into a request: `CreateFunction` and `UpdateFunctionConfiguration` take it by methods of the same names.
macro_rules! configured {
    ($request:expr, $function:expr, $role:expr, $variables:expr, $sent:expr) => {
        $request
            .function_name(&$function.name)
            .description(&$function.description)
            .runtime(Runtime::from($function.runtime.as_str()))
            .handler(&$function.handler)
            .memory_size($function.memory_mb)
            .timeout($function.timeout_s)
            .role(&$role.0)
            .environment($variables.clone())
            .tracing_config($function.tracing())
            .set_ephemeral_storage($sent.storage.clone())
            .set_logging_config($sent.logging.clone())
            .set_dead_letter_config($sent.dead_letter.clone())
            .set_layers($sent.layers.clone())
            .set_vpc_config($sent.vpc.clone())
            .set_file_system_configs($sent.file_systems.clone())
            .set_snap_start($sent.snap_start.clone())
    };
}

impl Resource for Function {
    type Output = FunctionOutput;
    const KIND: Kind = Kind {
        search: &[&GET_RESOURCES],
        // A function that AWS failed to create, or is about to delete, cannot be repaired.
        replace_on: &["state"],
        // Lambda does not look at what variables name.
        by_name: &["environment"],
        has_unique_name: true,
        marks: &["deployed_code"],
        ..Kind::new(
            "AWS::Lambda::Function",
            "function",
            HoldsData::No,
            &[
                &GET,
                &GET_POLICY,
                &CREATE,
                &TAG,
                &UPDATE_CODE,
                &UPDATE_CONFIGURATION,
                &RESERVE,
                &RELEASE,
                &DELETE,
                &INVOKE,
                &LIST_ALIASES,
                &LIST_SOURCES,
                &GET_RESOURCES,
                &GET_CALLER_IDENTITY,
            ],
        )
    };

    fn name(&self) -> String {
        self.name.clone()
    }

    fn calls(&self, act: Act<'_>) -> Vec<&'static Operation> {
        match act {
            Act::Create if self.reserved_concurrency.is_some() => vec![&CREATE, &RESERVE],
            Act::Create => vec![&CREATE],
            Act::Update(changes) => changes.calls(&[
                (&["tags", "deployed_code"], &TAG),
                (&CONFIGURATION, &UPDATE_CONFIGURATION),
                (&["reserved_concurrency"], self.concurrency_call()),
                (&["code", "architecture"], &UPDATE_CODE),
            ]),
            Act::Delete => vec![&DELETE],
        }
    }

    fn typical_wait(&self, act: Act<'_>) -> Duration {
        Duration::from_secs(match act {
            Act::Create => 3,
            Act::Update(_) | Act::Delete => 2,
        })
    }

    fn cost(&self, region: &str) -> Vec<Charge> {
        // The time that a request is billed, in seconds.
        const BILLED: f64 = 0.02;
        let prices = prices(region);
        let second = if self.architecture == "arm64" {
            prices.gb_second_arm64
        } else {
            prices.gb_second_x86_64
        };
        let memory_gb = f64::from(self.memory_mb) / 1024.0;
        vec![Charge {
            service: "Lambda",
            usd: prices.lambda_million + 1e6 * BILLED * memory_gb * second,
        }]
    }

    fn validate(&self, refusals: &mut Refusals) {
        refusals.check(check_name("a function's name", &self.name, 1..=64, "-_"));
        refusals.ensure(
            (1..=900).contains(&self.timeout_s),
            "a function's timeout is 1 to 900 s",
        );
        refusals.ensure(
            (128..=10_240).contains(&self.memory_mb),
            "a function's memory is 128 to 10240 MB",
        );
        refusals.ensure(
            self.description.len() <= 256,
            "a function's description has at most 256 characters",
        );
        refusals.ensure(
            (512..=10_240).contains(&self.storage_mb),
            "a function's storage is 512 to 10240 MB",
        );
        refusals.ensure(
            self.reserved_concurrency
                .is_none_or(|reserved| reserved >= 0),
            "a function's reserved concurrency is 0 or more",
        );
        refusals.ensure(self.layers.len() <= 5, "a function has at most 5 layers");
        environment::validate(&self.environment, refusals);
        refusals.check(check_tags(&self.tags));
    }

    fn warnings(&self, _declaration: &Declaration) -> Vec<Warning> {
        let mut found = environment::warnings(&self.environment);
        if self.reserved_concurrency == Some(0) {
            found.push(Warning::new(
                "no-concurrency",
                "a reserved concurrency of 0 lets nobody call it",
            ));
        }
        let known = Runtime::values();
        if !known.contains(&self.runtime.as_str()) {
            let distance = |known: &&&str| strsim::damerau_levenshtein(known, &self.runtime);
            let nearest = known.iter().min_by_key(distance).unwrap_or(&"");
            found.push(Warning::new(
                "unknown-runtime",
                format!(
                    "this version knows no runtime `{}`; it is near `{nearest}`",
                    self.runtime
                ),
            ));
        }
        found
    }

    async fn prefetch(look: &Look) -> Result<()> {
        tagged(look).await.map(|_| ())
    }

    async fn marked(seen: &Seen<'_>) -> Result<Vec<Marked<Self>>> {
        let mut found = Vec::new();
        for tagged in tagged(seen.look).await?.iter() {
            let Some(name) = tagged.name("lambda", "function:") else {
                continue;
            };
            if seen.look.is_declared_name(Self::KIND.type_name, name) {
                continue;
            }
            let function = Self::named(name, Tags(tagged.tags.clone()));
            let observed = function.observe(seen.look).await?;
            found.extend(observed.map(|observed| Marked::new(name, observed)));
        }
        Ok(found)
    }

    /// Statements that no declared permission added, aliases, and event source mappings, which outlive the function.
    async fn foreign_parts(
        &self,
        observed: &Observed<Self>,
        seen: &Seen<'_>,
    ) -> Result<Vec<ForeignPart>> {
        let ours: Vec<&Value> = seen
            .observations
            .values()
            .filter_map(|observed| observed.output["sids"].as_array())
            .flatten()
            .collect();
        let (policy, aliases, sources) = try_join!(
            policy::statements(seen.look, &self.name),
            aliases(seen.look.aws(), &self.name),
            event_sources(seen.look),
        )?;
        let others = policy.iter().filter(|found| !ours.contains(&&found["Sid"]));
        let statements = others.map(|statement| {
            let sid = statement["Sid"].as_str().unwrap_or_default();
            ForeignPart::going(format!("statement `{sid}`")).widening(policy::is_open(statement))
        });
        let aliases = aliases.into_iter().map(|name| format!("alias `{name}`"));
        let arn = observed.output.arn.0.as_str();
        let sources = sources.iter().filter(|(_, function)| {
            let rest = function.strip_prefix(arn);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
        });
        let sources = sources.map(|(source, _)| {
            ForeignPart::staying(format!(
                "event source mapping of `{source}`, which outlives it"
            ))
        });
        Ok(statements
            .chain(aliases.map(ForeignPart::going))
            .chain(sources)
            .collect())
    }

    fn mark(&mut self, mark: &Mark<'_>) {
        self.tags.mark(mark);
    }

    fn is_last_declared(&self, observed: &Observed<Self>) -> bool {
        self.tags.is_same_declaration(&observed.state.tags)
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
            concurrency,
            ..
        }) = found
        else {
            return Ok(None);
        };
        // Without them it would look like somebody else's.
        if let Some(error) = tags_error {
            return Err(AwsError::refused(&GET, error.error_code, error.message))
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
        let named = Self::named(&self.name, Tags::default()).with_settings(&found);
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
                reserved_concurrency: concurrency
                    .and_then(|concurrency| concurrency.reserved_concurrent_executions),
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
                    .map(|(name, value)| (name, value.into()))
                    .collect(),
                tracing: found
                    .tracing_config
                    .and_then(|tracing| tracing.mode)
                    .map_or_else(|| "PassThrough".to_owned(), |mode| mode.to_string()),
                code: CodeSha256(found.code_sha256.unwrap_or_default()).into(),
                deployed_code: CodeSha256(tags.get(CODE).cloned().unwrap_or_default()).into(),
                state: state.to_string(),
                tags: self.tags.declared_part(&tags),
                ..named
            },
        }))
    }

    async fn create(&self, aws: &Aws) -> Result<FunctionOutput> {
        let package = self.package(aws)?;
        let variables = self.variables()?;
        let role = self.role.get()?;
        let tags = self.all_tags()?;
        let code = FunctionCode::builder()
            .zip_file(Blob::new(package.zip.clone()))
            .build();
        let fields = serde_json::to_value(self)?;
        let sent = Sent::of(self, |field| !fields[field].is_null())?;
        let created = ROLE_USABLE
            .while_refused(aws, AwsError::is_not_yet, async || {
                aws.call(&CREATE, || {
                    let create = aws.lambda().create_function();
                    configured!(create, self, role, variables, sent)
                        .architectures(Architecture::from(self.architecture.as_str()))
                        .code(code.clone())
                        .set_tags(Some(tags.clone()))
                        .customize()
                        .config_override(upload_timeouts(&package.zip))
                        .send()
                })
                .await
            })
            .await?;
        let arn = created
            .function_arn
            .context(Code::Incomplete.fault("AWS returned a function without its ARN"))?;
        if self.reserved_concurrency.is_some() {
            self.set_concurrency(aws).await?;
        }
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
        if CONFIGURATION.iter().any(|field| changes.touch(field)) {
            self.update_configuration(aws, changes).await?;
        }
        if changes.touch("reserved_concurrency") {
            self.set_concurrency(aws).await?;
        }
        if changes.touch("code") || changes.touch("architecture") {
            self.update_code(aws).await?;
        }
        // Last, so that a run that was cut off before is not taken for somebody else's change.
        if changes.touch("tags") || changes.touch("deployed_code") {
            let (arn, tags) = (&observed.output.arn.0, self.all_tags()?);
            IDLE.while_refused(aws, AwsError::is_not_yet, async || {
                aws.call(&TAG, || {
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
        const GONE: Wait = Wait::new(
            "the function to be gone",
            Duration::from_secs(1),
            Duration::from_mins(10),
        );
        IDLE.while_refused(aws, AwsError::is_not_yet, async || {
            let request = || {
                aws.lambda()
                    .delete_function()
                    .function_name(&self.name)
                    .send()
            };
            match aws.call(&DELETE, request).await {
                Err(error) if error.is_not_found() => Ok(()),
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
    /// A program for `provided.al2023` with Lambda's own defaults: 128 MB, 3 s, `x86_64`, no variables.
    pub fn of_program(name: &str, role: Input<Arn>, code: Input<CodeSha256>) -> Self {
        Self {
            runtime: "provided.al2023".to_owned(),
            handler: "bootstrap".to_owned(),
            architecture: "x86_64".to_owned(),
            memory_mb: 128,
            timeout_s: 3,
            role,
            tracing: "PassThrough".to_owned(),
            code: code.clone(),
            deployed_code: code,
            state: "Active".to_owned(),
            ..Self::named(name, Tags::default())
        }
    }

    async fn get(&self, aws: &Aws) -> Result<Option<GetFunctionOutput>, AwsError> {
        match aws
            .call(&GET, || {
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

    fn variables(&self) -> Result<Environment> {
        let mut variables = HashMap::new();
        for (name, value) in &self.environment {
            variables.insert(name.clone(), value.get()?.clone());
        }
        Ok(Environment::builder()
            .set_variables(Some(variables))
            .build())
    }

    fn package(&self, aws: &Aws) -> Result<Arc<Package>> {
        aws.packages().get(self.code.get()?)
    }

    /// A function of which only the name is known.
    fn named(name: &str, tags: Tags) -> Self {
        Self {
            name: name.to_owned(),
            description: String::new(),
            runtime: String::new(),
            handler: String::new(),
            architecture: String::new(),
            memory_mb: 0,
            timeout_s: 0,
            role: Arn(String::new()).into(),
            environment: BTreeMap::new(),
            tracing: String::new(),
            code: CodeSha256(String::new()).into(),
            deployed_code: CodeSha256(String::new()).into(),
            state: String::new(),
            storage_mb: usual_storage(),
            reserved_concurrency: None,
            logging: Logging::default(),
            dead_letter: None,
            layers: Vec::new(),
            vpc: Vpc::default(),
            file_systems: Vec::new(),
            snap_start: false,
            tags,
        }
    }

    fn concurrency_call(&self) -> &'static Operation {
        match self.reserved_concurrency {
            Some(_) => &RESERVE,
            None => &RELEASE,
        }
    }

    async fn set_concurrency(&self, aws: &Aws) -> Result<()> {
        IDLE.while_refused(aws, AwsError::is_not_yet, async || {
            let Some(reserved) = self.reserved_concurrency else {
                let request = || {
                    let lambda = aws.lambda().delete_function_concurrency();
                    lambda.function_name(&self.name).send()
                };
                return aws.call(&RELEASE, request).await.map(|_| ());
            };
            let request = || {
                let lambda = aws.lambda().put_function_concurrency();
                let lambda = lambda.function_name(&self.name);
                lambda.reserved_concurrent_executions(reserved).send()
            };
            aws.call(&RESERVE, request).await.map(|_| ())
        })
        .await
    }

    async fn update_configuration(&self, aws: &Aws, changes: &Changes) -> Result<()> {
        let (role, variables) = (self.role.get()?, self.variables()?);
        let sent = Sent::of(self, |field| changes.touch(field))?;
        ROLE_USABLE
            .while_refused(aws, AwsError::is_not_yet, async || {
                aws.call(&UPDATE_CONFIGURATION, || {
                    let update = aws.lambda().update_function_configuration();
                    configured!(update, self, role, variables, sent).send()
                })
                .await
            })
            .await?;
        self.settle(aws).await?;
        Ok(())
    }

    async fn update_code(&self, aws: &Aws) -> Result<()> {
        let package = self.package(aws)?;
        let zip = Blob::new(package.zip.clone());
        IDLE.while_refused(aws, AwsError::is_not_yet, async || {
            aws.call(&UPDATE_CODE, || {
                aws.lambda()
                    .update_function_code()
                    .function_name(&self.name)
                    .zip_file(zip.clone())
                    .architectures(Architecture::from(self.architecture.as_str()))
                    .customize()
                    .config_override(upload_timeouts(&package.zip))
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
