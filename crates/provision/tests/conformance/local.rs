//! `--local`: the stack on an AWS of one's own, as a newcomer has it. Needs no target but its own.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use futures_util::future::{join, join_all};
use serde_json::{Value, json};
use testkit::{Cli, Run, post};

use crate::world::bootstrap;

/// Of servers, each its own. The system hands out none of these.
static PORTS: AtomicU16 = AtomicU16::new(20_000);

/// A home without an account: what is set there must not count.
struct Newcomer {
    cli: Cli,
    folder: PathBuf,
}

impl Newcomer {
    fn new() -> Self {
        let own = std::env::current_exe().expect("a running program has a path");
        let binaries = own
            .ancestors()
            .nth(2)
            .expect("cargo's folders are two deep");
        Self::with(&binaries.join("local-aws").display().to_string())
    }

    fn with(local_aws: &str) -> Self {
        let nowhere = "http://127.0.0.1:9";
        let cli = Cli::new(env!("CARGO_BIN_EXE_provision"), nowhere, "not-an-account");
        let folder = cli.home().join("state");
        // Another newcomer's server must not come up where this one's was.
        std::fs::create_dir(&folder).expect("the home can be written");
        let port = PORTS.fetch_add(1, Ordering::Relaxed);
        std::fs::write(folder.join("port"), port.to_string()).expect("the folder can be written");
        let cli = cli
            .env("PROVISION_LOCAL_AWS", local_aws)
            .env("PROVISION_LOCAL_DIR", &folder.display().to_string())
            // As good as none.
            .env("PROVISION_LOCAL_PORT", "")
            .env("PROVISION_BOOTSTRAP", &bootstrap().display().to_string())
            .env("AWS_ENDPOINT_URL_DYNAMODB", nowhere)
            .limit(Duration::from_mins(1));
        Self { cli, folder }
    }

    async fn json(&self, arguments: &[&str]) -> Value {
        self.cli.run(arguments).await.expect(0).json()
    }

    async fn key(&self) -> String {
        let outputs = self
            .json(&["outputs", "--local", "--json", "--show-secrets"])
            .await;
        outputs["api_key"].as_str().expect("a key").to_owned()
    }

    /// The server's process, if one runs.
    async fn process(&self) -> Option<u64> {
        self.json(&["local", "status", "--json"]).await["pid"].as_u64()
    }
}

impl Drop for Newcomer {
    fn drop(&mut self) {
        // A test that failed leaves its server; one that succeeded has ended it.
        if let Some(pid) = announced(&self.folder) {
            kill(pid);
        }
    }
}

fn announced(folder: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(folder.join("server.json")).ok()?;
    serde_json::from_str::<Value>(&text).ok()?["pid"].as_u64()
}

fn kill(pid: u64) {
    let _ = Command::new("kill")
        .args(["-KILL", &pid.to_string()])
        .status();
}

/// Ended processes that nobody has waited for do not count.
fn is_alive(pid: u64) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_some_and(|(_, state)| !state.starts_with('Z'))
}

/// Returns true if it is still there after the moment that leaving takes.
fn stays(pid: u64) -> bool {
    (0..100).all(|_| {
        std::thread::sleep(Duration::from_millis(20));
        is_alive(pid)
    })
}

#[tokio::test]
#[ignore = "needs the function: just conformance"]
async fn one_command_runs_the_stack_and_one_removes_it() {
    let newcomer = Newcomer::new();
    let up = newcomer.json(&["up", "--local", "--json"]).await;
    assert_eq!(up["summary"]["create"], 12);
    let url = up["outputs"]["invoke_url"]
        .as_str()
        .expect("a URL")
        .to_owned();
    let key = newcomer.key().await;
    let create = json!({
        "operation": "create", "tableName": "lambda-apigateway", "payload": { "Item": { "id": "1", "n": 5 } },
    });
    assert_eq!(post(&url, Some(&key), &create).await.status, 200);
    assert_eq!(post(&url, None, &create).await.status, 403);

    // Killed, it comes back as it was: same URL, same key, same item.
    let first = newcomer.process().await.expect("it runs");
    kill(first);
    let read = json!({
        "operation": "read", "tableName": "lambda-apigateway", "payload": { "Key": { "id": "1" } },
    });
    let plan = newcomer.json(&["plan", "--local", "--json"]).await;
    assert_eq!(plan["summary"]["keep"], 12, "{plan:#}");
    let answer = post(&url, Some(&key), &read).await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains(r#""n": 5"#), "{}", answer.body);

    let invoked = newcomer
        .cli
        .run(&["invoke", "--local", "--direct", r#"{"operation":"ping"}"#])
        .await
        .expect(0);
    assert_eq!(invoked.stdout.trim(), "\"pong\"");
    let logs = newcomer.cli.run(&["logs", "--local"]).await.expect(0);
    assert!(
        logs.stdout.contains(r#""operation": "ping""#),
        "{}",
        logs.stdout
    );

    // Data is asked for before it goes; then nothing is left, no process and no state.
    let refused = newcomer.cli.run(&["down", "--local"]).await.expect(1);
    assert!(refused.stderr.contains("1 item"), "{}", refused.stderr);
    let second = newcomer.process().await.expect("it runs");
    newcomer
        .cli
        .run(&["down", "--local", "--yes"])
        .await
        .expect(0);
    assert!(!newcomer.folder.exists());
    for pid in [first, second] {
        assert!(!stays(pid), "process {pid} is still there");
    }
}

const START: &[&str] = &["local", "start"];
const UP: &[&str] = &["up", "--local"];
const PLAN: &[&str] = &["plan", "--local"];
const DOWN: &[&str] = &["down", "--local", "--yes"];

/// Runs all of `commands` from one moment on, on a folder without a server; each has to succeed.
async fn at_once(commands: &[&[&str]]) -> Newcomer {
    let newcomer = Newcomer::new();
    let runs = commands.iter().map(|command| newcomer.cli.run(command));
    let runs: Vec<Run> = join_all(runs).await;
    let new = "The local AWS runs at";
    let starters = runs.iter().filter(|run| run.stderr.contains(new)).count();
    assert!(starters < 2, "{runs:#?}");
    for run in runs {
        run.expect(0);
    }
    newcomer
}

#[tokio::test]
#[ignore = "needs the function: just conformance"]
async fn commands_at_once_share_the_server_that_one_of_them_starts() {
    for commands in [&[START; 6][..], &[UP; 2], &[UP, START, PLAN]] {
        let newcomer = at_once(commands).await;
        let names = std::fs::read_dir(&newcomer.folder).expect("a folder");
        let names = names.map(|entry| entry.expect("an entry").file_name());
        let is_log = |name: &OsString| name.to_string_lossy().starts_with("server.log");
        assert_eq!(names.filter(is_log).count(), 1, "one server has a log");
        let plan = newcomer.json(&["plan", "--local", "--json"]).await;
        let kept = if commands.contains(&UP) { 12 } else { 0 };
        assert_eq!(plan["summary"]["keep"], kept, "{commands:?}: {plan:#}");
        newcomer.cli.run(DOWN).await.expect(0);
        assert!(!newcomer.folder.exists());
    }
}

#[tokio::test]
#[ignore = "needs the function: just conformance"]
async fn the_last_of_several_removes_the_server() {
    let newcomer = at_once(&[DOWN; 4]).await;
    assert!(!newcomer.folder.exists());
}

#[tokio::test]
#[ignore = "needs the function: just conformance"]
async fn a_server_that_another_command_uses_stays() {
    let newcomer = Newcomer::new();
    let cli = &newcomer.cli;
    let slow = ["local", "start", "--faults", r#"{"latency_ms": 1500}"#];
    cli.run(&slow).await.expect(0);
    let later = async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        cli.run(PLAN).await
    };
    let (down, plan) = join(cli.run(DOWN), later).await;
    plan.expect(0);
    let down = down.expect(0).stderr;
    assert!(down.contains("another command uses it"), "{down}");
    cli.run(DOWN).await.expect(0);
    assert!(!newcomer.folder.exists());
}

#[tokio::test]
#[ignore = "needs the function: just conformance"]
async fn the_local_aws_is_started_found_and_stopped_by_itself() {
    let newcomer = Newcomer::new();
    assert_eq!(newcomer.process().await, None);
    newcomer.cli.run(&["local", "stop"]).await.expect(0);
    newcomer.cli.run(&["local", "start"]).await.expect(0);
    let pid = newcomer.process().await.expect("it runs");
    let again = newcomer.cli.run(&["local", "start"]).await.expect(0);
    assert!(again.stderr.contains("already"), "{}", again.stderr);
    for other in [["--port", "1"], ["--faults", "{}"]] {
        let line = [&["local", "start"][..], &other].concat();
        let refused = newcomer.cli.run(&line).await.expect(1);
        assert!(refused.stderr.contains("P0052"), "{}", refused.stderr);
    }
    assert_eq!(newcomer.process().await, Some(pid));
    newcomer.cli.run(&["local", "stop"]).await.expect(0);
    assert!(!stays(pid));
    assert!(newcomer.folder.exists(), "what it holds stays");
}

#[tokio::test]
#[ignore = "needs the function: just conformance"]
async fn a_state_that_cannot_be_used_is_said_and_left_alone() {
    let newcomer = Newcomer::new();
    std::fs::create_dir_all(&newcomer.folder).expect("the home is ours");
    let state = newcomer.folder.join("state.sqlite");
    std::fs::write(&state, "no database").expect("the home is ours");
    let run = newcomer.cli.run(&["up", "--local"]).await.expect(1);
    assert!(run.stderr.contains("cannot be used"), "{}", run.stderr);
    assert_eq!(
        std::fs::read_to_string(&state).expect("it is still there"),
        "no database"
    );
}

#[tokio::test]
#[ignore = "needs the function: just conformance"]
async fn a_missing_program_is_named() {
    let run = Newcomer::with("/nowhere/local-aws")
        .cli
        .run(&["up", "--local"])
        .await;
    assert!(run.expect(1).stderr.contains("/nowhere/local-aws"));
}
