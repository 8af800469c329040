//! A Lambda function with its role and its log group.

use std::collections::BTreeMap;
use std::fmt;

use provision_aws::arn::Arn;
use provision_aws::handles::{FunctionHandle as _, LogGroupHandle as _, RoleHandle as _};
use provision_aws::iam::{PolicyDocument, Role};
use provision_aws::lambda::{self, Vpc};
use provision_aws::logs::LogGroup;
use provision_engine::asset::Code;
use provision_engine::env::{Architecture, Env};
use provision_engine::input::{Handle, Input, with_placeholders};
use provision_engine::owner::{REGION, Tags};
use provision_engine::stack::{Construct, Stack};
use provision_link::{Link, Links, Need, variable};
use serde_json::json;

use crate::{EventSource, Grant, Memory, Retention, Text, Timeout, name_on_aws};

/// A Lambda function: its log group `id/logs`, its role `id/role`, its code `id/code` and itself, `id`.
///
/// By default it has 256 MB, the least with which a start is quick; 10 seconds; the environment's architecture; and its log
/// events are kept for 90 days in the environment `prod`, for 3 in those whose names begin with `pr-`, and for 30 in others.
/// The role lets it write its log, and what it is [allowed](Self::allow).
#[must_use = "`Stack::add` declares it"]
pub struct Function {
    code: Code,
    runtime: String,
    handler: String,
    name: Option<String>,
    description: String,
    role: RoleOptions,
    architecture: Option<Architecture>,
    memory: Memory,
    timeout: Timeout,
    log_retention: Option<Retention>,
    is_traced: bool,
    storage: Memory,
    reserved_concurrency: Option<i32>,
    layers: Vec<Input<Arn>>,
    vpc: Vpc,
    environment: BTreeMap<String, Input<String>>,
    grants: Vec<Grant>,
    sources: Vec<Box<dyn EventSource>>,
    mistakes: Vec<String>,
}

/// The role that a function runs under.
struct RoleOptions {
    name: Option<String>,
    description: Option<String>,
    policy_name: String,
    boundary: Option<Arn>,
    existing: Option<String>,
    /// True if the owners of the existing role have granted what the function needs.
    is_sufficient: bool,
}

named!(Function);
described!(Function);

impl Function {
    /// A function that runs `code`: by default a program, as `provided.al2023` starts it.
    pub fn new(code: Code) -> Self {
        Self {
            code,
            runtime: "provided.al2023".to_owned(),
            handler: "bootstrap".to_owned(),
            name: None,
            description: String::new(),
            role: RoleOptions {
                name: None,
                description: None,
                policy_name: "grants".to_owned(),
                boundary: None,
                existing: None,
                is_sufficient: false,
            },
            architecture: None,
            memory: Memory::mb(256),
            timeout: Timeout::secs(10),
            log_retention: None,
            is_traced: false,
            storage: Memory::mb(512),
            reserved_concurrency: None,
            layers: Vec::new(),
            vpc: Vpc::default(),
            environment: BTreeMap::new(),
            grants: Vec::new(),
            sources: Vec::new(),
            mistakes: Vec::new(),
        }
    }

    /// The function that has these links: it runs their binary, with a variable and the rights for each.
    pub fn linked<L: Links>(links: L) -> Self {
        Self::linked_as(L::BINARY, links)
    }

    /// The same with another binary, for constructs that leave it to whoever uses them.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "links are made for one function"
    )]
    pub fn linked_as<L: Links>(binary: &str, links: L) -> Self {
        let mut function = Self::new(Code::binary(binary));
        for (field, need) in links.needs() {
            function.grants.push(Grant::of_link(&need).sid(&sid(field)));
            function = function.variable(&variable(field), value(need));
        }
        function
    }

    /// Sets the runtime of code that is no program, and the handler in it: `("python3.13", "app.handler")`.
    pub fn runtime(self, runtime: &str, handler: &str) -> Self {
        Self {
            runtime: runtime.to_owned(),
            handler: handler.to_owned(),
            ..self
        }
    }

    /// Sets the role's name on AWS, to which the environment's is added; by default the function's and the region, because the
    /// names of roles are those of all regions.
    pub fn role_name(mut self, name: &str) -> Self {
        self.role.name = Some(name.to_owned());
        self
    }

    /// Sets the role's description.
    pub fn role_description(mut self, description: &str) -> Self {
        self.role.description = Some(description.to_owned());
        self
    }

    /// Sets the name of the role's inline policy, which holds the grants; by default `grants`.
    pub fn policy_name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.role.policy_name);
        self
    }

    /// Limits the role by a managed policy, whatever it is granted. For all roles of a stack:
    /// `stack.edit_all(|_, role: &mut Role| role.boundary = Some(arn.clone()))`, once all is declared.
    pub fn boundary(mut self, arn: &str) -> Self {
        self.role.boundary = Some(Arn(arn.to_owned()));
        self
    }

    /// Runs it under a role that exists already, which is not changed: a function with grants is refused, because they would go
    /// nowhere.
    pub fn existing_role(mut self, arn: &str) -> Self {
        self.role.existing = Some(arn.to_owned());
        self
    }

    /// The same, where the role's owners have granted already what is granted here.
    pub fn existing_role_that_allows(mut self, arn: &str) -> Self {
        self.role.existing = Some(arn.to_owned());
        self.role.is_sufficient = true;
        self
    }

    /// Sets the memory, in MB: `mb!(512)`, or a number that is checked when the stack is finished.
    pub fn memory(self, memory: impl Into<Memory>) -> Self {
        Self {
            memory: memory.into(),
            ..self
        }
    }

    /// Sets the time limit, in seconds: `secs!(30)`, or a number that is checked when the stack is finished.
    pub fn timeout(self, timeout: impl Into<Timeout>) -> Self {
        Self {
            timeout: timeout.into(),
            ..self
        }
    }

    /// Sets the processor; by default the environment's.
    pub fn architecture(self, architecture: Architecture) -> Self {
        Self {
            architecture: Some(architecture),
            ..self
        }
    }

    /// Sets the number of days for which log events are kept: `days!(30)`, or a number that is checked when the stack is finished.
    pub fn log_retention(self, retention: impl Into<Retention>) -> Self {
        Self {
            log_retention: Some(retention.into()),
            ..self
        }
    }

    /// Lets X-Ray trace invocations, and grants what that takes.
    pub fn traced(self) -> Self {
        let rights = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"];
        Self {
            is_traced: true,
            ..self
        }
        .allow(Grant::on(rights, ["*"]))
    }

    /// Sets the size of `/tmp`, in MB: `mb!(1024)`; by default 512, which is free of charge.
    pub fn storage(self, size: impl Into<Memory>) -> Self {
        Self {
            storage: size.into(),
            ..self
        }
    }

    /// Keeps so many invocations at once for this function, out of the account's, and never runs more.
    pub fn reserved_concurrency(self, invocations: i32) -> Self {
        Self {
            reserved_concurrency: Some(invocations),
            ..self
        }
    }

    /// Unpacks a version of a layer to `/opt`, after those before. Whoever deploys needs `lambda:GetLayerVersion` on it.
    pub fn layer(mut self, arn: impl Into<Input<Arn>>) -> Self {
        self.layers.push(arn.into());
        self
    }

    /// Lets it reach a VPC by these subnets and security groups, and grants what that takes. Whoever deploys needs
    /// `ec2:DescribeSubnets`, `ec2:DescribeSecurityGroups` and `ec2:DescribeVpcs`. Without a NAT gateway it reaches nothing else.
    pub fn vpc<I: Into<Input<String>>>(
        self,
        subnets: impl IntoIterator<Item = I>,
        security_groups: impl IntoIterator<Item = I>,
    ) -> Self {
        // AWS: "AWSLambdaVPCAccessExecutionRole".
        let rights = [
            "ec2:AssignPrivateIpAddresses",
            "ec2:CreateNetworkInterface",
            "ec2:DeleteNetworkInterface",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSubnets",
            "ec2:UnassignPrivateIpAddresses",
        ];
        Self {
            vpc: Vpc::new(subnets, security_groups),
            ..self
        }
        .allow(Grant::on(rights, ["*"]))
    }

    /// Sets an environment variable to a text, a number, or an output of a resource.
    pub fn environment(self, name: &str, value: impl Text) -> Self {
        self.variable(name, value.text())
    }

    /// Links one thing by the environment variable `name`, for code that is not written in Rust.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a link is made for one function"
    )]
    pub fn link(mut self, name: &str, link: impl Link) -> Self {
        let need = link.need();
        self.grants.push(Grant::of_link(&need));
        self.variable(name, value(need))
    }

    fn variable(mut self, name: &str, value: Input<String>) -> Self {
        if self.environment.insert(name.to_owned(), value).is_some() {
            let text = format!("the environment variable `{name}` is set twice");
            self.mistakes.push(text);
        }
        self
    }

    /// Grants it rights.
    pub fn allow(mut self, grant: Grant) -> Self {
        self.grants.push(grant);
        self
    }

    /// Lets something start it, and grants what that takes.
    pub fn on(mut self, source: impl EventSource + 'static) -> Self {
        self.grants.push(source.grant());
        self.sources.push(Box::new(source));
        self
    }

    /// A function that exists already, by its ARN: it can be invoked and granted, and is never created, changed or deleted.
    pub fn existing(arn: &str) -> FunctionHandle {
        let name = arn.rsplit(':').next().unwrap_or_default().to_owned();
        let invoke_arn = json!({ "$join": [
            "arn:", { "$ref": "aws.partition" }, ":apigateway:", { "$ref": "aws.region" },
            ":lambda:path/2015-03-31/functions/", arn, "/invocations",
        ]});
        let invoke_arn = serde_json::from_value(invoke_arn).expect("a join is an input");
        FunctionHandle {
            function: Handle::existing([
                ("name", Input::Known(name.clone())),
                ("arn", Input::Known(arn.to_owned())),
                ("invoke_arn", invoke_arn),
            ]),
            role: Handle::existing([]),
            logs: Handle::existing([("name", Input::Known(format!("/aws/lambda/{name}")))]),
        }
    }
}

impl Construct for Function {
    type Handle = FunctionHandle;

    fn declare(self, id: &str, stack: &mut Stack) -> FunctionHandle {
        let grants = self.grants.iter().flat_map(Grant::mistakes);
        let mut mistakes: Vec<String> = self.mistakes.iter().cloned().chain(grants).collect();
        mistakes.dedup();
        for text in mistakes {
            stack.mistake(format!("function `{id}`: {text}"));
        }
        let name = name_on_aws(self.name, id, stack);
        let retention = self
            .log_retention
            .unwrap_or_else(|| usual_retention(stack.env()));
        let logs = stack.add(
            &format!("{id}/logs"),
            LogGroup {
                name: format!("/aws/lambda/{name}"),
                retention_days: Some(retention.0),
                tags: Tags::default(),
            },
        );
        let role = self.role.declare(id, &name, self.grants, &logs, stack);
        let architecture = self.architecture.unwrap_or(stack.env().architecture());
        let code = stack.asset(&format!("{id}/code"), self.code, architecture);
        let function = stack.add(
            id,
            lambda::Function {
                description: self.description,
                runtime: self.runtime,
                handler: self.handler,
                architecture: architecture.to_string(),
                memory_mb: self.memory.0,
                timeout_s: self.timeout.0,
                storage_mb: self.storage.0,
                reserved_concurrency: self.reserved_concurrency,
                layers: self.layers,
                vpc: self.vpc,
                environment: self.environment,
                tracing: if self.is_traced {
                    "Active"
                } else {
                    "PassThrough"
                }
                .to_owned(),
                ..lambda::Function::of_program(&name, role.arn(), code)
            },
        );
        // Lambda would make a log group that never expires.
        stack.add_dependency(&function, &logs);
        let handle = FunctionHandle {
            function,
            role,
            logs,
        };
        for source in self.sources {
            source.declare(&format!("{id}/on/{}", source.name()), &handle, stack);
        }
        handle
    }
}

impl RoleOptions {
    /// Declares the role of the function `id`, unless it exists already.
    fn declare(
        self,
        id: &str,
        function: &str,
        grants: Vec<Grant>,
        logs: &Handle<LogGroup>,
        stack: &mut Stack,
    ) -> Handle<Role> {
        let grants: Vec<Grant> = grants
            .into_iter()
            .filter(|grant| !grant.is_empty())
            .collect();
        if let Some(arn) = self.existing {
            if !grants.is_empty() && !self.is_sufficient {
                let policy = serde_json::to_value(Grant::policy(grants)).unwrap_or_default();
                stack.mistake(format!(
                    "function `{id}` runs under a role that exists already, so its grants would go nowhere: leave out \
                     `existing_role`, or see that the role has these rights and say `existing_role_that_allows`: {}",
                    with_placeholders(&policy)["Statement"]
                ));
            }
            let name = arn.rsplit('/').next().unwrap_or_default().to_owned();
            return Handle::existing([("arn", Input::Known(arn)), ("name", Input::Known(name))]);
        }
        let events: Input<Arn> = logs.arn().join(":*");
        let to_log = Grant::new(["logs:CreateLogStream", "logs:PutLogEvents"], [events]);
        let policy = Grant::policy(grants.into_iter().chain([to_log.sid("Logs")]));
        let name = match self.name {
            Some(name) => stack.env().named(&name),
            None => format!("{function}-{}", stack.env().region()),
        };
        let description = self.description;
        let role = Role {
            name,
            description: description
                .unwrap_or_else(|| format!("The rights of the function {function}")),
            max_session_s: 3600,
            trust: PolicyDocument::new(json!({ "Version": "2012-10-17", "Statement": {
                "Effect": "Allow",
                "Principal": { "Service": "lambda.amazonaws.com" },
                "Action": "sts:AssumeRole",
            }})),
            policies: BTreeMap::from([(self.policy_name, policy)]),
            boundary: self.boundary.map(Input::Known),
            tags: Tags::default().with(REGION, stack.env().region()),
        };
        stack.add(&format!("{id}/role"), role)
    }
}

/// The retention of an environment whose functions say nothing else.
fn usual_retention(env: &Env) -> Retention {
    match env.name() {
        Some("prod") => Retention::days(90),
        Some(name) if name.starts_with("pr-") => Retention::days(3),
        _ => Retention::days(30),
    }
}

/// Returns a field's name as a `Sid`: `OrderItems` for `order_items`.
fn sid(field: &str) -> String {
    let words = field.split('_').map(|word| {
        let mut letters = word.chars();
        let first = letters.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    });
    words.collect()
}

fn value(need: Need) -> Input<String> {
    serde_json::from_value(need.value).expect("a link's value is a text, or a reference to one")
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Function")
            .field("code", &self.code)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A function that is in the stack, or exists already.
#[derive(Clone, Debug)]
pub struct FunctionHandle {
    /// The resource.
    pub function: Handle<lambda::Function>,
    /// Its role; of what exists already, nothing is known but the ARN of a role that was named.
    pub role: Handle<Role>,
    /// Its log group.
    pub logs: Handle<LogGroup>,
}

impl FunctionHandle {
    /// Returns its id.
    pub fn id(&self) -> &str {
        self.function.id()
    }

    /// Returns its name.
    pub fn name(&self) -> Input<String> {
        self.function.name()
    }

    /// Returns its ARN.
    pub fn arn(&self) -> Input<Arn> {
        self.function.arn()
    }

    /// Returns the `uri` of integrations with it.
    pub fn invoke_arn(&self) -> Input<Arn> {
        self.function.invoke_arn()
    }

    /// Returns its role's ARN.
    pub fn role_arn(&self) -> Input<Arn> {
        self.role.arn()
    }

    /// Returns its log group's name.
    pub fn log_group(&self) -> Input<String> {
        self.logs.name()
    }

    /// Returns the right to invoke it.
    pub fn grant_invoke(&self) -> Grant {
        Grant::new(["lambda:InvokeFunction"], [self.arn()])
    }
}
