//! Runs of the `provision` binary with an environment of their own.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

use crate::terminal::Terminal;

/// The binary under test, with the environment for one account.
pub struct Cli {
    binary: PathBuf,
    environment: Vec<(String, String)>,
    limit: Duration,
    home: TempDir,
}

/// One finished run.
#[derive(Clone, Debug)]
pub struct Run {
    /// Arguments, for messages.
    pub arguments: String,
    /// Exit code; `None` if a signal ended the run.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// Wall time from start to end.
    pub elapsed: Duration,
}

impl Cli {
    /// Configures `binary` for `account` of `endpoint` and the region eu-west-1, with an empty home folder.
    pub fn new(binary: impl Into<PathBuf>, endpoint: &str, account: &str) -> Self {
        let cli = Self {
            binary: binary.into(),
            environment: Vec::new(),
            limit: Duration::from_mins(2),
            home: TempDir::with_prefix("home-").expect("a temporary folder can be made"),
        };
        let home = cli.home.path().display().to_string();
        cli.env("PATH", &std::env::var("PATH").unwrap_or_default())
            .env("HOME", &home)
            .env("TERM", "dumb")
            .env("AWS_ENDPOINT_URL", endpoint)
            .env("AWS_ACCESS_KEY_ID", account)
            .env("AWS_SECRET_ACCESS_KEY", "secret-of-the-test")
            .env("AWS_REGION", "eu-west-1")
            .env("AWS_EC2_METADATA_DISABLED", "true")
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self = self.without(name);
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Removes an environment variable.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.environment.retain(|(known, _)| known != name);
        self
    }

    /// Sets the longest time a run may take; the default is two minutes.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Returns the folder that is `HOME` and the working directory.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Runs the binary with empty standard input.
    pub async fn run(&self, arguments: &[&str]) -> Run {
        self.run_with(arguments, "").await
    }

    /// Runs the binary with `input` as standard input; panics if it takes longer than the limit.
    pub async fn run_with(&self, arguments: &[&str], input: &str) -> Run {
        let started = Instant::now();
        let mut child = self.spawn(arguments);
        let mut stdin = child.stdin.take().expect("standard input is a pipe");
        // The program may have closed its input without reading it.
        let _ = stdin.write_all(input.as_bytes()).await;
        drop(stdin);
        self.finish(child, arguments, started).await
    }

    /// Runs the binary with empty standard input and sends it `signal` (`INT`, `TERM`, `KILL`) once `when` completes.
    pub async fn run_until(
        &self,
        arguments: &[&str],
        signal: &str,
        when: impl Future<Output = ()>,
    ) -> Run {
        let started = Instant::now();
        let mut child = self.spawn(arguments);
        drop(child.stdin.take());
        when.await;
        let id = child
            .id()
            .expect("the child has not been waited for")
            .to_string();
        let status = Command::new("kill")
            .args(["-s", signal, &id])
            .status()
            .await;
        assert!(
            status.expect("kill can be run").success(),
            "`kill -s {signal}` failed"
        );
        self.finish(child, arguments, started).await
    }

    /// Runs the binary on a terminal of `rows` × `columns`.
    pub fn run_on_terminal(&self, arguments: &[&str], rows: u16, columns: u16) -> Terminal {
        self.run_in_shell(r#""$@""#, arguments, rows, columns)
    }

    /// Runs a shell command on a terminal; `"$@"` in it stands for the binary and its arguments.
    pub fn run_in_shell(
        &self,
        line: &str,
        arguments: &[&str],
        rows: u16,
        columns: u16,
    ) -> Terminal {
        let mut program = std::process::Command::new("setsid");
        program
            .args(["--ctty", "sh", "-c", &format!("exec {line}"), "sh"])
            .arg(&self.binary)
            .args(arguments)
            .env_clear()
            .envs(self.environment.iter().cloned())
            .current_dir(self.home.path());
        Terminal::run(program, rows, columns)
    }

    fn spawn(&self, arguments: &[&str]) -> Child {
        Command::new(&self.binary)
            .args(arguments)
            .env_clear()
            .envs(self.environment.iter().cloned())
            .current_dir(self.home.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", self.binary.display()))
    }

    async fn finish(&self, child: Child, arguments: &[&str], started: Instant) -> Run {
        let output = tokio::time::timeout(self.limit, child.wait_with_output())
            .await
            .unwrap_or_else(|_| {
                panic!(
                    "`provision {}` took longer than {:?}",
                    arguments.join(" "),
                    self.limit
                )
            })
            .expect("a child's output can be read");
        Run {
            arguments: arguments.join(" "),
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            elapsed: started.elapsed(),
        }
    }
}

impl Run {
    /// Panics with the output unless the exit code is `code`.
    #[track_caller]
    #[expect(
        clippy::return_self_not_must_use,
        reason = "most callers only want the check"
    )]
    pub fn expect(self, code: i32) -> Self {
        assert!(
            self.code == Some(code),
            "`provision {}` ended with {:?}, not {code}\n--- stdout\n{}\n--- stderr\n{}",
            self.arguments,
            self.code,
            self.stdout,
            self.stderr
        );
        self
    }

    /// Parses standard output as the JSON document of `--json`.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| {
            panic!(
                "`provision {}` printed no JSON ({error})\n--- stdout\n{}\n--- stderr\n{}",
                self.arguments, self.stdout, self.stderr
            )
        })
    }
}
