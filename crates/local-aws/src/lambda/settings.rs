//! What `CreateFunction` and `UpdateFunctionConfiguration` set, checked as Lambda checks it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::checks::Checks;
use super::refusals::{invalid, not_here};
use crate::answer::Refusal;

/// Of one version of a function.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Settings {
    pub(super) runtime: String,
    pub(super) role: String,
    pub(super) handler: String,
    pub(super) description: String,
    /// Seconds.
    pub(super) timeout: u32,
    /// Megabytes.
    pub(super) memory: u32,
    pub(super) environment: Option<BTreeMap<String, String>>,
    pub(super) tracing: String,
    /// Megabytes.
    pub(super) ephemeral_storage: u32,
    pub(super) snap_start: String,
    pub(super) dead_letter_target: Option<String>,
    pub(super) kms_key: Option<String>,
    pub(super) logging: Logging,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Logging {
    pub(super) format: String,
    pub(super) group: Option<String>,
    pub(super) application_level: Option<String>,
    pub(super) system_level: Option<String>,
}

impl Default for Settings {
    /// AWS's, for what `CreateFunction` leaves out.
    fn default() -> Self {
        Self {
            runtime: String::new(),
            role: String::new(),
            handler: String::new(),
            description: String::new(),
            timeout: 3,
            memory: 128,
            environment: None,
            tracing: "PassThrough".to_owned(),
            ephemeral_storage: 512,
            snap_start: "None".to_owned(),
            dead_letter_target: None,
            kms_key: None,
            logging: Logging {
                format: "Text".to_owned(),
                group: None,
                application_level: None,
                system_level: None,
            },
        }
    }
}

impl Logging {
    pub(super) fn group(&self, function: &str) -> String {
        self.group
            .clone()
            .unwrap_or_else(|| format!("/aws/lambda/{function}"))
    }

    pub(super) fn describe(&self, function: &str) -> Value {
        let mut out = json!({ "LogFormat": self.format });
        // Levels are there for JSON only, `INFO` unless said otherwise.
        if self.format == "JSON" {
            out["ApplicationLogLevel"] = json!(self.application_level.as_deref().unwrap_or("INFO"));
            out["SystemLogLevel"] = json!(self.system_level.as_deref().unwrap_or("INFO"));
        }
        out["LogGroup"] = json!(self.group(function));
        out
    }
}

/// The members of both calls' input that settings come from; what is left out stays as it is.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Changes {
    pub(super) runtime: Option<String>,
    pub(super) role: Option<String>,
    pub(super) handler: Option<String>,
    description: Option<String>,
    timeout: Option<i64>,
    memory_size: Option<i64>,
    environment: Option<Variables>,
    tracing_config: Option<Tracing>,
    ephemeral_storage: Option<Storage>,
    snap_start: Option<SnapStart>,
    dead_letter_config: Option<DeadLetter>,
    #[serde(rename = "KMSKeyArn")]
    kms_key_arn: Option<String>,
    logging_config: Option<LoggingChanges>,
    layers: Option<Vec<String>>,
    vpc_config: Option<Vpc>,
    file_system_configs: Option<Vec<Value>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Variables {
    variables: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tracing {
    mode: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Storage {
    size: i64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SnapStart {
    apply_on: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DeadLetter {
    target_arn: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Vpc {
    subnet_ids: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LoggingChanges {
    log_format: Option<String>,
    log_group: Option<String>,
    application_log_level: Option<String>,
    system_log_level: Option<String>,
}

const RUNTIMES: [&str; 24] = [
    "nodejs20.x",
    "nodejs22.x",
    "nodejs24.x",
    "python3.9",
    "python3.10",
    "python3.11",
    "python3.12",
    "python3.13",
    "python3.14",
    "java8.al2",
    "java11",
    "java17",
    "java21",
    "java25",
    "dotnet8",
    "dotnet10",
    "ruby3.2",
    "ruby3.3",
    "ruby3.4",
    "ruby4.0",
    "provided.al2",
    "provided.al2023",
    "nodejs18.x",
    "provided",
];

const ROLE: &str = r"arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+";

impl Changes {
    /// Refuses what AWS's model refuses.
    pub(super) fn check(&self) -> Result<(), Refusal> {
        let mut checks = Checks::default();
        if let Some(role) = &self.role {
            checks.pattern(role, "role", ROLE, is_role(role));
        }
        if let Some(handler) = &self.handler {
            checks.length(handler, "handler", 0, 128);
            let fits = !handler.is_empty() && !handler.contains(char::is_whitespace);
            checks.pattern(handler, "handler", r"[^\s]+", fits);
        }
        if let Some(description) = &self.description {
            checks.length(description, "description", 0, 256);
        }
        if let Some(timeout) = self.timeout {
            checks.range(timeout, "timeout", 1, 900);
        }
        if let Some(memory) = self.memory_size {
            checks.range(memory, "memorySize", 128, 10_240);
        }
        if let Some(storage) = &self.ephemeral_storage {
            checks.range(storage.size, "ephemeralStorage.size", 512, 10_240);
        }
        if let Some(mode) = self.tracing_config.as_ref().and_then(|it| it.mode.as_ref()) {
            checks.one_of(mode, "tracingConfig.mode", &["Active", "PassThrough"]);
        }
        if let Some(on) = self.snap_start.as_ref().and_then(|it| it.apply_on.as_ref()) {
            checks.one_of(on, "snapStart.applyOn", &["PublishedVersions", "None"]);
        }
        if let Some(logging) = &self.logging_config {
            logging.check(&mut checks);
        }
        if let Some(variables) = self.variables() {
            for name in variables.keys().filter(|name| !is_variable(name)) {
                checks.fail(
                    name,
                    "environment.variables",
                    "satisfy constraint: [Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+]",
                );
            }
        }
        checks.finish()?;
        if let Some(runtime) = &self.runtime
            && !RUNTIMES.contains(&runtime.as_str())
        {
            return Err(invalid(format!(
                "Value {runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [{}] or \
                 be a valid ARN",
                RUNTIMES.join(", ")
            )));
        }
        self.check_environment()?;
        self.check_support()
    }

    fn variables(&self) -> Option<&BTreeMap<String, String>> {
        self.environment.as_ref()?.variables.as_ref()
    }

    fn check_environment(&self) -> Result<(), Refusal> {
        let Some(variables) = self.variables() else {
            return Ok(());
        };
        let reserved: Vec<&str> = variables
            .keys()
            .map(String::as_str)
            .filter(|name| is_reserved(name))
            .collect();
        if !reserved.is_empty() {
            return Err(invalid(format!(
                "Lambda was unable to configure your environment variables because the environment variables you have \
                 provided contains reserved keys that are currently not supported for modification. Reserved keys used \
                 in this request: {}",
                reserved.join(", ")
            )));
        }
        // AWS measures the variables as JSON, and shows them.
        let measured = json!(variables).to_string();
        if measured.len() > 4096 {
            return Err(invalid(format!(
                "Lambda was unable to configure your environment variables because the environment variables you have \
                 provided exceeded the 4KB limit. String measured: {measured}"
            )));
        }
        Ok(())
    }

    fn check_support(&self) -> Result<(), Refusal> {
        let is_set = |list: Option<usize>| list.is_some_and(|length| length > 0);
        if is_set(self.layers.as_ref().map(Vec::len)) {
            return Err(not_here("layers"));
        }
        if is_set(self.file_system_configs.as_ref().map(Vec::len)) {
            return Err(not_here("file systems"));
        }
        let subnets = self
            .vpc_config
            .as_ref()
            .and_then(|it| it.subnet_ids.as_ref());
        if is_set(subnets.map(Vec::len)) {
            return Err(not_here("functions in a VPC"));
        }
        Ok(())
    }

    /// Makes the settings what was asked for; [`Self::check`] has passed.
    pub(super) fn apply(self, settings: &mut Settings) {
        let small = |number: i64| u32::try_from(number).unwrap_or_default();
        set(&mut settings.runtime, self.runtime);
        set(&mut settings.role, self.role);
        set(&mut settings.handler, self.handler);
        set(&mut settings.description, self.description);
        set(&mut settings.timeout, self.timeout.map(small));
        set(&mut settings.memory, self.memory_size.map(small));
        // Replaced whole; AWS has no environment left after an empty one.
        if let Some(environment) = self.environment {
            settings.environment = environment.variables.filter(|it| !it.is_empty());
        }
        set(
            &mut settings.tracing,
            self.tracing_config.and_then(|it| it.mode),
        );
        let storage = self.ephemeral_storage.map(|storage| small(storage.size));
        set(&mut settings.ephemeral_storage, storage);
        set(
            &mut settings.snap_start,
            self.snap_start.and_then(|it| it.apply_on),
        );
        if let Some(config) = self.dead_letter_config {
            settings.dead_letter_target = config.target_arn.filter(|arn| !arn.is_empty());
        }
        if let Some(key) = self.kms_key_arn {
            settings.kms_key = Some(key).filter(|key| !key.is_empty());
        }
        if let Some(logging) = self.logging_config {
            logging.apply(&mut settings.logging);
        }
    }
}

impl LoggingChanges {
    fn check(&self, checks: &mut Checks) {
        if let Some(format) = &self.log_format {
            checks.one_of(format, "loggingConfig.logFormat", &["JSON", "Text"]);
        }
        if let Some(group) = &self.log_group {
            checks.length(group, "loggingConfig.logGroup", 1, 512);
            let fits = group
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b".-_/#".contains(&byte));
            checks.pattern(
                group,
                "loggingConfig.logGroup",
                r"[\.\-_/#A-Za-z0-9]+",
                fits,
            );
        }
        if let Some(level) = &self.application_log_level {
            let levels = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
            checks.one_of(level, "loggingConfig.applicationLogLevel", &levels);
        }
        if let Some(level) = &self.system_log_level {
            let levels = ["DEBUG", "INFO", "WARN"];
            checks.one_of(level, "loggingConfig.systemLogLevel", &levels);
        }
    }

    fn apply(self, logging: &mut Logging) {
        set(&mut logging.format, self.log_format);
        if self.log_group.is_some() {
            logging.group = self.log_group;
        }
        if self.application_log_level.is_some() {
            logging.application_level = self.application_log_level;
        }
        if self.system_log_level.is_some() {
            logging.system_level = self.system_log_level;
        }
    }
}

fn set<T>(to: &mut T, from: Option<T>) {
    if let Some(from) = from {
        *to = from;
    }
}

fn is_role(text: &str) -> bool {
    let mut parts = text.splitn(6, ':');
    let fits = parts.next() == Some("arn")
        && parts
            .next()
            .is_some_and(|partition| partition.is_empty() || partition.starts_with("aws"))
        && parts.next() == Some("iam")
        && parts.next() == Some("")
        && parts
            .next()
            .is_some_and(|id| id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_digit()));
    let role = parts.next().and_then(|rest| rest.strip_prefix("role"));
    fits && role.is_some_and(|name| {
        name.trim_start_matches('/').len() < name.len()
            && name.len() > 1
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-/".contains(&byte))
    })
}

fn is_variable(name: &str) -> bool {
    name.len() > 1
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// AWS: "Defined runtime environment variables", the reserved ones.
fn is_reserved(name: &str) -> bool {
    const RESERVED: [&str; 21] = [
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_LAMBDA_MAX_CONCURRENCY",
        "AWS_LAMBDA_METADATA_API",
        "AWS_LAMBDA_METADATA_TOKEN",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
    ];
    RESERVED.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(input: Value) -> String {
        let changes: Changes = serde_json::from_value(input).expect("of the form");
        let refusal = changes.check().expect_err("it is wrong");
        format!("{}: {}", refusal.code, refusal.message)
    }

    #[test]
    fn what_is_out_of_bounds_is_refused() {
        assert!(refused(json!({"Timeout": 901})).starts_with(
            "ValidationException: 1 validation error detected: Value '901' at 'timeout'"
        ));
        assert!(refused(json!({"MemorySize": 127})).contains("'memorySize'"));
        assert!(refused(json!({"Runtime": "cobol"})).starts_with("InvalidParameterValue"));
        assert!(refused(json!({"Role": "arn:aws:iam::0:role/x"})).contains("'role'"));
        let region = json!({"Environment": {"Variables": {"AWS_REGION": "x"}}});
        assert!(refused(region).ends_with("in this request: AWS_REGION"));
        let large = json!({"Environment": {"Variables": {"NAME": "x".repeat(4096)}}});
        assert!(refused(large).contains("4KB"));
        assert!(refused(json!({"Layers": ["arn"]})).contains("layers"));
    }

    #[test]
    fn what_is_left_out_stays() {
        let changes: Changes =
            serde_json::from_value(json!({"Timeout": 10, "Environment": {"Variables": {}}}))
                .expect("of the form");
        let mut settings = Settings {
            environment: Some(BTreeMap::from([("NAME".into(), "x".into())])),
            ..Settings::default()
        };
        changes.apply(&mut settings);
        assert_eq!((settings.timeout, settings.memory), (10, 128));
        assert_eq!(settings.environment, None);
    }

    #[test]
    fn roles_have_their_form() {
        assert!(is_role("arn:aws:iam::000000000000:role/path/name"));
        for text in [
            "name",
            "arn:aws:iam::000000000000:role/",
            "arn:aws:iam::000000000000:user/x",
            "arn:aws:iam::000000000000:role/a b",
        ] {
            assert!(!is_role(text), "{text}");
        }
    }
}
