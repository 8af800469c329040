//! Settings of a function that most leave as Lambda has them, and that stop or change it where somebody sets them.

use anyhow::Result;
use aws_sdk_lambda::types::{
    self, ApplicationLogLevel, DeadLetterConfig, EphemeralStorage, FileSystemConfig,
    FunctionConfiguration, LogFormat, SnapStart, SnapStartApplyOn, SystemLogLevel, VpcConfig,
};
use provision_engine::input::Input;
use serde::{Deserialize, Serialize};

use super::Function;
use crate::arn::Arn;

/// The size of `/tmp` that Lambda gives a function, in MB (Lambda API Reference, `EphemeralStorage`).
const USUAL_STORAGE_MB: i32 = 512;

pub(super) const fn usual_storage() -> i32 {
    USUAL_STORAGE_MB
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the form that serde calls"
)]
pub(super) const fn is_usual_storage(size: &i32) -> bool {
    *size == USUAL_STORAGE_MB
}

/// The form of a function's log events, and where they go. By default plain text, to `/aws/lambda/NAME`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Logging {
    /// `Text` or `JSON`.
    pub format: String,
    /// The least level of the function's own events: `TRACE` to `FATAL`. With `JSON` alone; `INFO` if it is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application_level: Option<String>,
    /// The least level of Lambda's events: `DEBUG`, `INFO` or `WARN`. With `JSON` alone; `INFO` if it is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_level: Option<String>,
    /// The log group, if it is not `/aws/lambda/NAME`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Input<String>>,
}

impl Default for Logging {
    fn default() -> Self {
        Self {
            format: "Text".to_owned(),
            application_level: None,
            system_level: None,
            group: None,
        }
    }
}

impl Logging {
    pub(super) fn is_usual(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn of(found: Option<&types::LoggingConfig>, function: &str) -> Self {
        let Some(found) = found else {
            return Self::default();
        };
        let level = |level: Option<&str>| level.filter(|level| *level != "INFO").map(str::to_owned);
        let group = found
            .log_group()
            .filter(|group| *group != usual_group(function));
        Self {
            format: found
                .log_format()
                .map_or("Text", LogFormat::as_str)
                .to_owned(),
            application_level: level(
                found
                    .application_log_level()
                    .map(ApplicationLogLevel::as_str),
            ),
            system_level: level(found.system_log_level().map(SystemLogLevel::as_str)),
            group: group.map(|group| group.to_owned().into()),
        }
    }

    fn config(&self, function: &str) -> Result<types::LoggingConfig> {
        let group = match &self.group {
            Some(group) => group.get()?.clone(),
            None => usual_group(function),
        };
        // Plain text has no levels.
        let level = |level: &Option<String>| {
            let level = level.as_deref().unwrap_or("INFO");
            (self.format == "JSON").then(|| level.to_owned())
        };
        Ok(types::LoggingConfig::builder()
            .log_format(LogFormat::from(self.format.as_str()))
            .set_application_log_level(
                level(&self.application_level).map(|level| level.as_str().into()),
            )
            .set_system_log_level(level(&self.system_level).map(|level| level.as_str().into()))
            .log_group(group)
            .build())
    }
}

fn usual_group(function: &str) -> String {
    format!("/aws/lambda/{function}")
}

/// The subnets and security groups that a function reaches; none of both for no VPC.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Vpc {
    /// Ids of subnets, such as `subnet-0a1b`, sorted.
    pub subnets: Vec<Input<String>>,
    /// Ids of security groups, such as `sg-0a1b`, sorted.
    pub security_groups: Vec<Input<String>>,
}

impl Vpc {
    /// Returns the reach of these subnets and security groups, each by its id.
    pub fn new<I: Into<Input<String>>>(
        subnets: impl IntoIterator<Item = I>,
        security_groups: impl IntoIterator<Item = I>,
    ) -> Self {
        let sorted = |ids: Vec<I>| {
            let mut ids: Vec<Input<String>> = ids.into_iter().map(Into::into).collect();
            ids.sort_by_key(|id| id.to_value().to_string());
            ids
        };
        Self {
            subnets: sorted(subnets.into_iter().collect()),
            security_groups: sorted(security_groups.into_iter().collect()),
        }
    }

    pub(super) fn is_none(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn of(found: Option<&types::VpcConfigResponse>) -> Self {
        found.map_or_else(Self::default, |found| {
            let ids = |ids: &[String]| ids.to_vec();
            Self::new(ids(found.subnet_ids()), ids(found.security_group_ids()))
        })
    }

    fn config(&self) -> Result<VpcConfig> {
        let known = |ids: &[Input<String>]| {
            ids.iter()
                .map(|id| Ok(id.get()?.clone()))
                .collect::<Result<Vec<_>>>()
        };
        Ok(VpcConfig::builder()
            .set_subnet_ids(Some(known(&self.subnets)?))
            .set_security_group_ids(Some(known(&self.security_groups)?))
            .build())
    }
}

/// A file system that a function mounts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileSystem {
    /// The ARN of its access point.
    pub arn: Input<Arn>,
    /// The folder below `/mnt`.
    pub path: String,
}

/// The settings as `CreateFunction` and `UpdateFunctionConfiguration` take them. One that is absent stays as it is.
pub(super) struct Sent {
    pub(super) storage: Option<EphemeralStorage>,
    pub(super) logging: Option<types::LoggingConfig>,
    pub(super) dead_letter: Option<DeadLetterConfig>,
    pub(super) layers: Option<Vec<String>>,
    pub(super) vpc: Option<VpcConfig>,
    pub(super) file_systems: Option<Vec<FileSystemConfig>>,
    pub(super) snap_start: Option<SnapStart>,
}

impl Sent {
    /// Returns the settings of `function` that `is_stated` tells.
    pub(super) fn of(function: &Function, is_stated: impl Fn(&str) -> bool) -> Result<Self> {
        let stated = |field| is_stated(field).then_some(());
        let storage = |()| {
            EphemeralStorage::builder()
                .size(function.storage_mb)
                .build()
        };
        let layers = |()| -> Result<Vec<String>> {
            function
                .layers
                .iter()
                .map(|layer| Ok(layer.get()?.0.clone()))
                .collect()
        };
        let file_systems = |()| {
            function
                .file_systems
                .iter()
                .map(FileSystem::config)
                .collect()
        };
        let dead_letter = |()| -> Result<DeadLetterConfig> {
            // An empty text takes it away.
            let target = match &function.dead_letter {
                Some(target) => target.get()?.0.clone(),
                None => String::new(),
            };
            Ok(DeadLetterConfig::builder().target_arn(target).build())
        };
        let snap_start = |()| {
            let apply_on = if function.snap_start {
                SnapStartApplyOn::PublishedVersions
            } else {
                SnapStartApplyOn::None
            };
            SnapStart::builder().apply_on(apply_on).build()
        };
        Ok(Self {
            storage: stated("storage_mb").map(storage).transpose()?,
            logging: stated("logging")
                .map(|()| function.logging.config(&function.name))
                .transpose()?,
            dead_letter: stated("dead_letter").map(dead_letter).transpose()?,
            layers: stated("layers").map(layers).transpose()?,
            vpc: stated("vpc").map(|()| function.vpc.config()).transpose()?,
            file_systems: stated("file_systems").map(file_systems).transpose()?,
            snap_start: stated("snap_start").map(snap_start),
        })
    }
}

impl FileSystem {
    fn config(&self) -> Result<FileSystemConfig> {
        let config = FileSystemConfig::builder()
            .arn(&self.arn.get()?.0)
            .local_mount_path(&self.path);
        Ok(config.build()?)
    }
}

impl Function {
    /// Returns the name of its log group, as far as it is known.
    pub fn log_group(&self) -> String {
        let group = self.logging.group.as_ref();
        let known = group.and_then(|group| group.get().ok().cloned());
        known.unwrap_or_else(|| usual_group(&self.name))
    }

    /// Returns it with the settings that AWS tells.
    pub(super) fn with_settings(self, found: &FunctionConfiguration) -> Self {
        let snap_start = found.snap_start().and_then(|found| found.apply_on());
        let file_systems = found.file_system_configs().iter().map(|found| FileSystem {
            arn: Arn(found.arn().to_owned()).into(),
            path: found.local_mount_path().to_owned(),
        });
        let layers = found.layers().iter().filter_map(|layer| layer.arn());
        let dead_letter = found
            .dead_letter_config()
            .and_then(|found| found.target_arn());
        Self {
            storage_mb: found
                .ephemeral_storage()
                .map_or(USUAL_STORAGE_MB, EphemeralStorage::size),
            logging: Logging::of(found.logging_config(), &self.name),
            dead_letter: dead_letter
                .filter(|arn| !arn.is_empty())
                .map(|arn| Arn(arn.to_owned()).into()),
            layers: layers.map(|arn| Arn(arn.to_owned()).into()).collect(),
            vpc: Vpc::of(found.vpc_config()),
            file_systems: file_systems.collect(),
            snap_start: snap_start == Some(&SnapStartApplyOn::PublishedVersions),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logging_is_read_as_it_was_written() {
        let text = || Some("WARN".to_owned());
        for logging in [
            Logging::default(),
            Logging {
                format: "JSON".to_owned(),
                ..Logging::default()
            },
            Logging {
                format: "JSON".to_owned(),
                application_level: text(),
                system_level: text(),
                group: Some("/shop/all".to_owned().into()),
            },
        ] {
            let sent = logging.config("orders").unwrap();
            assert_eq!(Logging::of(Some(&sent), "orders"), logging);
        }
        // Functions that are older than the setting have none.
        assert!(Logging::of(None, "orders").is_usual());
    }

    #[test]
    fn what_is_not_stated_is_not_sent() {
        let code = provision_engine::package::CodeSha256("c".to_owned());
        let mut function = Function::of_program("orders", Arn("r".to_owned()).into(), code.into());
        let nothing = Sent::of(&function, |_| false).unwrap();
        assert!(nothing.storage.is_none() && nothing.logging.is_none());
        assert!(nothing.layers.is_none() && nothing.vpc.is_none());
        // Taken back: each is sent as the text or list that Lambda takes for none.
        let taken_back = Sent::of(&function, |_| true).unwrap();
        assert_eq!(taken_back.dead_letter.unwrap().target_arn(), Some(""));
        assert_eq!(taken_back.layers, Some(Vec::new()));
        assert_eq!(taken_back.vpc.unwrap().subnet_ids(), [""; 0]);
        function.vpc = Vpc::new(
            ["subnet-b".to_owned(), "subnet-a".to_owned()],
            ["sg-a".to_owned()],
        );
        let sent = Sent::of(&function, |field| field == "vpc").unwrap();
        assert_eq!(sent.vpc.unwrap().subnet_ids(), ["subnet-a", "subnet-b"]);
    }

    #[test]
    fn usual_settings_are_no_fields() {
        let code = provision_engine::package::CodeSha256("c".to_owned());
        let function = Function::of_program("orders", Arn("r".to_owned()).into(), code.into());
        let fields = serde_json::to_value(&function).unwrap();
        for field in [
            "storage_mb",
            "reserved_concurrency",
            "logging",
            "dead_letter",
            "layers",
            "vpc",
            "file_systems",
            "snap_start",
        ] {
            assert!(fields[field].is_null(), "{field}");
        }
        let read: Function = serde_json::from_value(fields).unwrap();
        assert_eq!(read.storage_mb, USUAL_STORAGE_MB);
    }
}
