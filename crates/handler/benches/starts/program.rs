//! Measured programs, and runs of them.

use std::path::{Path, PathBuf};
use std::process::{Command as StdCommand, Stdio};
use std::time::{Duration, Instant};

use tokio::process::{Child, Command};

use crate::Result;
use crate::database::{Database, TABLE_NAME};
use crate::runtime_api::RuntimeApi;

pub(crate) struct Program {
    pub(crate) name: &'static str,
    path: PathBuf,
    arguments: &'static [&'static str],
    directory: PathBuf,
    pub(crate) is_interpreted: bool,
    /// Event that is answered without the database.
    pub(crate) echo: Option<&'static str>,
    /// Event that writes an item.
    pub(crate) create: Option<&'static str>,
}

impl Program {
    pub(crate) fn rust(
        name: &'static str,
        path: PathBuf,
        echo: Option<&'static str>,
        create: Option<&'static str>,
    ) -> Self {
        Self {
            name,
            path,
            arguments: &[],
            directory: PathBuf::from("."),
            is_interpreted: false,
            echo,
            create,
        }
    }

    /// Returns the lab's Python function with AWS's runtime client, if installed.
    pub(crate) fn python(echo: &'static str, create: &'static str) -> Option<Self> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let path = here.join("../../target/venv/bin/python");
        let finds = StdCommand::new(&path)
            .args(["-c", "import boto3, awslambdaric"])
            .stderr(Stdio::null())
            .status();
        finds.is_ok_and(|status| status.success()).then(|| Self {
            name: "Python",
            path,
            arguments: &["-m", "awslambdaric", "lab_function.lambda_handler"],
            directory: here.join("tests"),
            is_interpreted: true,
            echo: Some(echo),
            create: Some(create),
        })
    }

    /// Returns the size of the program in bytes, uncompressed and deflated.
    pub(crate) fn size(&self) -> Result<Option<(u32, u32)>> {
        if self.is_interpreted {
            return Ok(None);
        }
        let deflated: usize = StdCommand::new("gzip")
            .arg("-9c")
            .arg(&self.path)
            .output()?
            .stdout
            .len();
        Ok(Some((
            std::fs::metadata(&self.path)?.len().try_into()?,
            deflated.try_into()?,
        )))
    }
}

pub(crate) struct Run {
    child: Child,
    start: Instant,
    pub(crate) api: RuntimeApi,
}

impl Run {
    pub(crate) async fn start(program: &Program, database: &Database) -> Result<Self> {
        let api = RuntimeApi::start().await?;
        let start = Instant::now();
        let child = Command::new(&program.path)
            .args(program.arguments)
            .current_dir(&program.directory)
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", &api.address)
            .env("AWS_LAMBDA_FUNCTION_NAME", "f")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_DEFAULT_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "key")
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .env("AWS_ENDPOINT_URL_DYNAMODB", database.endpoint())
            .env("AWS_CA_BUNDLE", &database.ca_bundle)
            // Read by a client that loads the system's roots.
            .env("SSL_CERT_FILE", &database.system_bundle)
            .env("LINK_ORDERS", TABLE_NAME)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        Ok(Self { child, start, api })
    }

    pub(crate) fn age(&self) -> Duration {
        self.start.elapsed()
    }

    pub(crate) fn peak_kib(&self) -> Result<u32> {
        let id = self.child.id().ok_or("the program ended")?;
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
        let peak = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .ok_or("no peak")?;
        Ok(peak.trim().trim_end_matches("kB").trim().parse()?)
    }

    pub(crate) async fn end(mut self) -> Result<()> {
        self.child.kill().await?;
        Ok(())
    }
}
