//! A local AWS that is started and ended, with the stack deployed on it.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use http_body_util::Full;
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tempfile::TempDir;
use testkit::{Account, Cli};
use tokio::process::{Child, Command};
use tokio::time::sleep;

pub(crate) const ACCOUNT: &str = "000000000000";
pub(crate) const TABLE: &str = "lambda-apigateway";
/// Longest time to wait for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Paths of the programs to measure.
pub(crate) struct Programs {
    pub(crate) local_aws: PathBuf,
    pub(crate) provision: PathBuf,
    pub(crate) bootstrap: PathBuf,
}

/// A folder and a port for a local AWS, and the tool configured for it.
pub(crate) struct Home {
    folder: TempDir,
    port: u16,
    pub(crate) cli: Cli,
}

/// The deployed stack, for its callers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Endpoint {
    pub(crate) url: String,
    pub(crate) key: String,
    /// Name and hash of the function.
    pub(crate) function: (String, String),
}

impl Home {
    pub(crate) fn new(programs: &Programs) -> Self {
        let folder = TempDir::with_prefix("local-aws-").expect("a temporary folder can be made");
        let free = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
        let port = free.local_addr().expect("it is bound").port();
        let cli = Cli::new(&programs.provision, "", ACCOUNT)
            .without("AWS_ENDPOINT_URL")
            .env("PROVISION_LOCAL_AWS", &text(&programs.local_aws))
            .env("PROVISION_BOOTSTRAP", &text(&programs.bootstrap))
            .env("PROVISION_LOCAL_DIR", &text(folder.path()))
            .env("PROVISION_LOCAL_PORT", &port.to_string());
        Self { folder, port, cli }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Starts the server and waits until it answers; returns it and the time. Dropping it ends it.
    pub(crate) async fn serve(&self, programs: &Programs) -> (Child, Duration) {
        let started = Instant::now();
        let server = Command::new(&programs.local_aws)
            .args(["serve", "--port", &self.port.to_string(), "--folder"])
            .arg(self.folder.path())
            .env_clear()
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the local AWS can be started");
        let health = format!("{}/_local/health", self.url());
        while get(&health).await != Some(200) {
            assert!(started.elapsed() < PATIENCE, "the local AWS does not start");
            sleep(Duration::from_micros(500)).await;
        }
        (server, started.elapsed())
    }

    /// Runs `up --local` and returns its time.
    pub(crate) async fn up(&self, arguments: &[&str]) -> Duration {
        let arguments = [&["up", "--local", "--yes"], arguments].concat();
        self.cli.run(&arguments).await.expect(0).elapsed
    }

    /// Returns the deployed stack.
    pub(crate) async fn endpoint(&self) -> Endpoint {
        let arguments = ["outputs", "--local", "--json", "--show-secrets"];
        let run = self.cli.run(&arguments).await.expect(0);
        let outputs: Value = serde_json::from_str(&run.stdout).expect("a JSON document");
        let output = |name: &str| outputs[name].as_str().expect("a text").to_owned();
        let name = output("function_name");
        let account = Account::connect(&self.url(), ACCOUNT).await;
        let asked = account.lambda.get_function().function_name(&name);
        let function = asked.send().await.expect("the function is there");
        let hash = function.configuration.and_then(|found| found.code_sha256);
        Endpoint {
            url: output("invoke_url"),
            key: output("api_key"),
            function: (name, hash.expect("code has a hash")),
        }
    }
}

/// Ends the server with `kill -9` and waits until its lock is free.
pub(crate) async fn end(mut server: Child) {
    server.kill().await.expect("the server was running");
}

/// Returns the status, or `None` where nobody answers.
async fn get(url: &str) -> Option<u16> {
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let asked = client.get(url.parse().expect("a URL"));
    Some(asked.await.ok()?.status().as_u16())
}

fn text(path: &Path) -> String {
    path.display().to_string()
}
