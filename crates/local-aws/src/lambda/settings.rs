//! What `CreateFunction` and `UpdateFunctionConfiguration` set, checked as Lambda checks it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::checks::Checks;
use super::layer::Used;
use super::refusals::not_here;
use super::runtimes;
use super::variables::Variables;
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
    /// In the order in which they are unpacked; a later one's files replace those of an earlier one.
    #[serde(default)]
    pub(super) layers: Vec<Used>,
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
            layers: Vec::new(),
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
    environment: Option<Environment>,
    tracing_config: Option<Tracing>,
    ephemeral_storage: Option<Storage>,
    snap_start: Option<SnapStart>,
    dead_letter_config: Option<DeadLetter>,
    #[serde(rename = "KMSKeyArn")]
    kms_key_arn: Option<String>,
    logging_config: Option<LoggingChanges>,
    pub(super) layers: Option<Vec<String>>,
    vpc_config: Option<Vpc>,
    #[serde(flatten)]
    others: Others,
}

/// Members that AWS has and that have no effect here.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Others {
    file_system_configs: Option<Value>,
    image_config: Option<Value>,
    publish_to: Option<Value>,
    tenancy_config: Option<Value>,
    capacity_provider_config: Option<Value>,
    durable_config: Option<Value>,
    runtime_config: Option<Value>,
    accelerator_config: Option<Value>,
}

impl Others {
    fn check(&self) -> Result<(), Refusal> {
        refuse_any(&[
            ("FileSystemConfigs", &self.file_system_configs),
            ("ImageConfig", &self.image_config),
            ("PublishTo", &self.publish_to),
            ("TenancyConfig", &self.tenancy_config),
            ("CapacityProviderConfig", &self.capacity_provider_config),
            ("DurableConfig", &self.durable_config),
            ("RuntimeConfig", &self.runtime_config),
            ("AcceleratorConfig", &self.accelerator_config),
        ])
    }
}

/// Refuses members by name that have a value.
pub(super) fn refuse_any(members: &[(&str, &Option<Value>)]) -> Result<(), Refusal> {
    let is_empty = |value: &Value| match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    };
    match members
        .iter()
        .find(|(_, value)| value.as_ref().is_some_and(|value| !is_empty(value)))
    {
        Some((name, _)) => Err(not_here(&format!("`{name}`"))),
        None => Ok(()),
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Environment {
    variables: Option<Variables>,
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
    security_group_ids: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LoggingChanges {
    log_format: Option<String>,
    log_group: Option<String>,
    application_log_level: Option<String>,
    system_log_level: Option<String>,
}

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
            variables.check_names(&mut checks);
        }
        if let Some(layers) = &self.layers {
            super::layer::check_arns(layers, &mut checks);
        }
        checks.finish()?;
        if let Some(runtime) = &self.runtime {
            runtimes::check(runtime)?;
        }
        if let Some(variables) = self.variables() {
            variables.check()?;
        }
        self.check_support()
    }

    fn variables(&self) -> Option<&Variables> {
        self.environment.as_ref()?.variables.as_ref()
    }

    fn check_support(&self) -> Result<(), Refusal> {
        self.others.check()?;
        let vpc = self.vpc_config.as_ref();
        let ids = vpc.map(|vpc| [vpc.subnet_ids.as_ref(), vpc.security_group_ids.as_ref()]);
        if ids
            .into_iter()
            .flatten()
            .flatten()
            .any(|ids| !ids.is_empty())
        {
            return Err(not_here("functions in a VPC (`VpcConfig`)"));
        }
        let dead_letter = self.dead_letter_config.as_ref();
        if dead_letter
            .and_then(|config| config.target_arn.as_ref())
            .is_some_and(|arn| !arn.is_empty())
        {
            return Err(not_here(
                "dead-letter queues (`DeadLetterConfig`): it has neither SQS nor SNS",
            ));
        }
        if self.kms_key_arn.as_ref().is_some_and(|key| !key.is_empty()) {
            return Err(not_here("keys of KMS (`KMSKeyArn`)"));
        }
        Ok(())
    }

    /// Makes the settings what was asked for; [`Self::check`] has passed, and `layers` are those that were asked for.
    pub(super) fn apply(self, layers: Option<Vec<Used>>, settings: &mut Settings) {
        // A function that is being created has no role yet.
        let is_new = settings.role.is_empty();
        set(&mut settings.layers, layers);
        let small = |number: i64| u32::try_from(number).unwrap_or_default();
        set(&mut settings.runtime, self.runtime);
        set(&mut settings.role, self.role);
        set(&mut settings.handler, self.handler);
        set(&mut settings.description, self.description);
        set(&mut settings.timeout, self.timeout.map(small));
        set(&mut settings.memory, self.memory_size.map(small));
        // Replaced whole. An empty one is shown by a function created with it (localstack, `test_list_functions`), and
        // is gone after an update.
        if let Some(environment) = self.environment {
            let variables = environment.variables.map(Variables::into_map);
            settings.environment = variables.filter(|it| is_new || !it.is_empty());
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
        assert!(refused(json!({"Layers": ["arn"]})).contains("at 'layers'"));
        assert_eq!(
            refused(json!({"DurableConfig": {"ExecutionTimeout": 1}})),
            "InvalidParameterValueException: The local AWS does not support `DurableConfig`"
        );
        let queue = json!({"DeadLetterConfig": {"TargetArn": "arn:aws:sqs:eu-west-1:1:q"}});
        assert!(refused(queue).contains("`DeadLetterConfig`"));
    }

    #[test]
    fn what_is_left_out_stays() {
        let changes: Changes =
            serde_json::from_value(json!({"Timeout": 10, "Environment": {"Variables": {}}}))
                .expect("of the form");
        let mut settings = Settings {
            role: "arn:aws:iam::000000000000:role/x".into(),
            environment: Some(BTreeMap::from([("NAME".into(), "x".into())])),
            ..Settings::default()
        };
        changes.apply(None, &mut settings);
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
