//! The environment variables of a function's processes.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;

use super::delivery::Stream;
use super::known::Target;
use crate::cloud::{Cloud, Session};

/// AWS: "Lambda extensions API": extensions see a function's variables "except" these.
const NOT_FOR_EXTENSIONS: [&str; 6] = [
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
    "_HANDLER",
];

/// What they depend on, beside the function.
pub(super) struct Variables<'a> {
    pub(super) stream: &'a Stream,
    pub(super) root: &'a Path,
    pub(super) opt: Option<&'a Path>,
    pub(super) api: SocketAddr,
    pub(super) session: &'a Session,
}

impl Variables<'_> {
    /// The runtime's: Lambda's and the function's own.
    pub(super) fn all(&self, cloud: &Cloud, target: &Target) -> BTreeMap<String, String> {
        let own = target.function.settings.environment.iter().flatten();
        let mut all: BTreeMap<String, String> = self
            .lambdas(cloud, target)
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        // The function's own may say where to find programs and libraries; it cannot have those that are reserved.
        all.extend(own.map(|(name, value)| (name.clone(), value.clone())));
        all
    }

    /// AWS: "Defined runtime environment variables"; `AWS_EXECUTION_ENV` "is not defined for OS-only runtimes".
    fn lambdas(&self, cloud: &Cloud, target: &Target) -> BTreeMap<&'static str, String> {
        let function = &target.function;
        let settings = &function.settings;
        let region = &target.key.0.region;
        let root = self.root.display();
        let mut variables = BTreeMap::from([
            ("AWS_LAMBDA_FUNCTION_NAME", function.name.clone()),
            ("AWS_LAMBDA_FUNCTION_VERSION", function.version.clone()),
            (
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
                settings.memory.to_string(),
            ),
            ("AWS_LAMBDA_LOG_GROUP_NAME", self.stream.group.clone()),
            ("AWS_LAMBDA_LOG_STREAM_NAME", self.stream.name.clone()),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
            ("AWS_REGION", region.clone()),
            ("AWS_DEFAULT_REGION", region.clone()),
            ("LAMBDA_TASK_ROOT", root.to_string()),
            ("LAMBDA_RUNTIME_DIR", "/var/runtime".to_owned()),
            ("_HANDLER", settings.handler.clone()),
            ("AWS_LAMBDA_RUNTIME_API", self.api.to_string()),
            ("AWS_ACCESS_KEY_ID", self.session.access_key.clone()),
            ("AWS_SECRET_ACCESS_KEY", self.session.secret.clone()),
            ("AWS_SESSION_TOKEN", self.session.token.clone()),
            ("TZ", ":UTC".to_owned()),
            ("LANG", "en_US.UTF-8".to_owned()),
            ("PATH", "/usr/local/bin:/usr/bin:/bin:/opt/bin".to_owned()),
            (
                "LD_LIBRARY_PATH",
                format!(
                    "/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:{root}:{root}/lib:/opt/lib"
                ),
            ),
        ]);
        let temporary = std::env::temp_dir();
        if temporary != Path::new("/tmp") {
            variables.insert("TMPDIR", temporary.display().to_string());
        }
        if let Some(opt) = self.opt {
            // Where this machine does not let them be at `/opt`.
            let opt = opt.display().to_string();
            for (name, folder) in [("PATH", "bin"), ("LD_LIBRARY_PATH", "lib")] {
                if let Some(list) = variables.get_mut(name) {
                    let _ = write!(list, ":{opt}/{folder}");
                }
            }
            variables.insert("LOCAL_AWS_OPT", opt);
        }
        if let Some(endpoint) = cloud.endpoint.get() {
            variables.insert("AWS_ENDPOINT_URL", endpoint.clone());
        }
        if settings.logging.format == "JSON" {
            let level = settings.logging.application_level.as_deref();
            variables.insert("AWS_LAMBDA_LOG_FORMAT", "JSON".to_owned());
            variables.insert("AWS_LAMBDA_LOG_LEVEL", level.unwrap_or("INFO").to_owned());
        }
        variables
    }
}

/// Those of a runtime that extensions see.
pub(super) fn of_extensions(runtime: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut variables = runtime.clone();
    variables.retain(|name, _| !NOT_FOR_EXTENSIONS.contains(&name.as_str()));
    variables
}
