//! `--local` beside another command that starts or ends the local AWS of the same folder.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;

use crate::polite::Served;

/// Stands in for `local-aws` where another server has the folder, until that is `free`; then it cannot start.
const PROGRAM: &str = r#"#!/bin/sh
[ -e "$(dirname "$0")/free" ] || exit 75
echo "error: no room on the disk" >&2
exit 1
"#;

struct Home(TempDir);

impl Home {
    fn new() -> Self {
        let home = Self(tempfile::tempdir().expect("a folder"));
        fs::create_dir(home.path("state")).expect("a folder");
        let program = home.path("local-aws");
        fs::write(&program, PROGRAM).expect("a file");
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(program, mode).expect("a program");
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The lock of another server, which has not told yet where it is.
    fn lock(&self) -> File {
        let lock = File::create(self.path("state/lock")).expect("a file");
        lock.try_lock().expect("nobody else has it");
        lock
    }

    fn start(&self) -> Child {
        Command::new(env!("CARGO_BIN_EXE_provision"))
            .args(["local", "start"])
            .env_clear()
            .env("HOME", self.0.path())
            .env("PATH", "/usr/bin:/bin")
            .env("PROVISION_LOCAL_AWS", self.path("local-aws"))
            .env("PROVISION_LOCAL_DIR", self.path("state"))
            .current_dir(self.0.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts")
    }
}

/// Exit code, and what was printed on both streams.
fn ended(child: Child) -> (Option<i32>, String, String) {
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn whoever_is_second_waits_for_the_server_of_the_first() {
    let home = Home::new();
    let lock = home.lock();
    let second = home.start();
    thread::sleep(Duration::from_millis(1300));
    let served = Served::start();
    let announced = json!({ "url": served.url, "pid": std::process::id() });
    fs::write(home.path("state/server.json"), announced.to_string()).expect("a file");
    let (code, stdout, stderr) = ended(second);
    drop(lock);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.contains(&served.url), "{stdout}");
    let told =
        "    waiting for the local AWS that another command starts or ends, 1 s of at most 20 s";
    assert_eq!(stderr, format!("{told}\nIt runs already.\n"));
}

#[test]
fn whoever_is_second_starts_one_where_the_first_has_ended() {
    let home = Home::new();
    let lock = home.lock();
    let second = home.start();
    thread::sleep(Duration::from_millis(100));
    fs::write(home.path("free"), "").expect("a file");
    drop(lock);
    let (code, _, stderr) = ended(second);
    assert_eq!(code, Some(1), "{stderr}");
    let expected = "the local AWS did not start: no room on the disk";
    assert!(
        stderr.contains("P0051") && stderr.contains(expected),
        "{stderr}"
    );
    let log = fs::read_to_string(home.path("state/server.log"));
    assert_eq!(log.expect("a log"), "error: no room on the disk\n");
}
