//! The program: what it says when it cannot start, and how it ends.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_local-aws");

/// One that runs; killed when it is dropped.
struct Server {
    process: Child,
    host: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    fn start(folder: &Path, port: u16) -> Self {
        let mut command = Command::new(PROGRAM);
        command
            .args(["serve", "--port", &port.to_string(), "--folder"])
            .arg(folder);
        Self::of(command)
    }

    fn of(mut command: Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).spawn().expect("a server");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("a pipe"))
            .read_line(&mut line)
            .expect("its URL");
        let host = line.trim().trim_start_matches("http://").to_owned();
        Self { process, host }
    }

    /// Status and body.
    fn send(&self, method: &str, path: &str, headers: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.host).expect("a connection");
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n{body}",
            self.host,
            body.len()
        )
        .expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        (status.expect("a status"), body.to_owned())
    }

    fn logs(&self, operation: &str, body: &str) -> (u16, String) {
        let headers = format!(
            "x-amz-target: Logs_20140328.{operation}\r\nauthorization: AWS4-HMAC-SHA256 Credential=000000000000/20261124/\
             eu-west-1/logs/aws4_request, SignedHeaders=host, Signature=00\r\n"
        );
        self.send("POST", "/", &headers, body)
    }

    fn make_group(&self, name: &str) -> u16 {
        self.logs(
            "CreateLogGroup",
            &format!("{{\"logGroupName\":\"{name}\"}}"),
        )
        .0
    }

    fn has_group(&self, name: &str) -> bool {
        let (status, body) = self.logs("DescribeLogGroups", "{}");
        assert_eq!(status, 200, "{body}");
        body.contains(&format!("\"logGroupName\":\"{name}\""))
    }

    fn port(&self) -> u16 {
        let (_, port) = self.host.split_once(':').expect("a port");
        port.parse().expect("a number")
    }

    /// Its exit code, once it has ended by itself.
    fn ends(mut self) -> Option<i32> {
        let began = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().expect("a child") {
                return status.code();
            }
            assert!(began.elapsed() < Duration::from_secs(10), "it does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// A start that fails: nothing on stdout, exit code 1, and the text on stderr.
#[track_caller]
fn refused(folder: &Path) -> String {
    refused_with(1, folder)
}

#[track_caller]
fn refused_with(code: i32, folder: &Path) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new("timeout")
        .args(["20", PROGRAM, "serve", "--port", "0", "--folder"])
        .arg(folder)
        .output()
        .expect("the program runs");
    let text = String::from_utf8(stderr).expect("text");
    assert_eq!(status.code(), Some(code), "{text}");
    assert!(stdout.is_empty());
    assert!(
        text.starts_with("error: ") && !text.contains("panicked"),
        "{text}"
    );
    text
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

#[test]
fn a_busy_port_leads_to_a_free_one_that_stays() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let busy = taken.local_addr().expect("an address").port();
    let folder = folder();
    let server = Server::start(folder.path(), busy);
    let free = server.port();
    assert_ne!(free, busy);
    assert_eq!(server.send("GET", "/_local/health", "", "").0, 200);
    drop(server);
    let mut again = Command::new(PROGRAM);
    again.args(["serve", "--folder"]).arg(folder.path());
    assert_eq!(Server::of(again).port(), free);
}

#[test]
fn a_corrupt_state_is_told_and_left_alone() {
    let folder = folder();
    let path = folder.path().join("state.sqlite");
    for bytes in [
        &b"no database at all, but text that is long enough"[..],
        &[0xff; 8192],
    ] {
        fs::write(&path, bytes).expect("a file");
        let said = refused(folder.path());
        assert!(
            said.contains("cannot be used") && said.contains("try: another folder"),
            "{said}"
        );
        assert_eq!(fs::read(&path).expect("still there"), bytes);
    }
}

#[test]
fn a_newer_state_is_told_and_left_alone() {
    let folder = folder();
    drop(Server::start(folder.path(), 0));
    let path = folder.path().join("state.sqlite");
    let state = rusqlite::Connection::open(&path).expect("a database");
    state
        .pragma_update(None, "user_version", 99)
        .expect("a later format");
    drop(state);
    let said = refused(folder.path());
    assert!(
        said.contains("newer version of this program (format 99"),
        "{said}"
    );
    let state = rusqlite::Connection::open(&path).expect("a database");
    let format = state.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0));
    assert_eq!(format, Ok(99));
}

#[test]
fn a_second_server_does_not_disturb_the_first() {
    let folder = folder();
    let first = Server::start(folder.path(), 0);
    assert_eq!(first.make_group("kept"), 200);
    let said = refused_with(75, folder.path());
    assert!(said.contains("another server uses"), "{said}");
    assert!(first.has_group("kept"));
    let announced = fs::read_to_string(folder.path().join("server.json")).expect("it is announced");
    assert!(announced.contains(&first.host), "{announced}");
}

#[test]
fn a_folder_that_is_a_file_is_told() {
    let folder = folder();
    let path = folder.path().join("file");
    fs::write(&path, "mine").expect("a file");
    assert!(refused(&path).contains("file"), "it is named");
    assert!(refused(&path.join("below")).contains("file"), "it is named");
    assert_eq!(fs::read_to_string(&path).expect("still there"), "mine");
}

#[test]
fn files_that_cannot_grow_lose_nothing_that_was_answered() {
    let folder = folder();
    // No file grows beyond 250 blocks of 512 bytes or 1 KiB; the write fails instead of a signal.
    let mut command = Command::new("sh");
    command
        .args([
            "-c",
            "trap '' XFSZ; ulimit -f 250; exec \"$0\" serve --port 0 --folder \"$1\"",
            PROGRAM,
        ])
        .arg(folder.path());
    let server = Server::of(command);
    let mut kept = Vec::new();
    let full = (0..2000).find_map(|number| {
        let name = format!("{number}-{}", "x".repeat(400));
        let (status, body) = server.logs(
            "CreateLogGroup",
            &format!("{{\"logGroupName\":\"{name}\"}}"),
        );
        if status == 200 {
            kept.push(name);
            return None;
        }
        Some((status, body))
    });
    let (status, body) = full.expect("the limit is reached");
    assert_eq!(status, 500, "{body}");
    // `SQLite` calls the shell's limit an I/O error, and only `ENOSPC` a full disk.
    assert!(
        body.contains("InternalFailure") && body.contains("the local state: disk I/O error"),
        "{body}"
    );
    assert_eq!(server.send("GET", "/_local/health", "", "").0, 200);
    assert!(
        server.logs("DescribeLogGroups", "{}").0 == 200,
        "reads go on"
    );
    drop(server);
    let again = Server::start(folder.path(), 0);
    for name in &kept {
        let (_, body) = again.logs(
            "DescribeLogGroups",
            &format!("{{\"logGroupNamePrefix\":\"{name}\"}}"),
        );
        assert!(body.contains(name), "{name} is lost");
    }
    assert_eq!(again.make_group("after"), 200);
}

#[test]
fn it_stops_on_request() {
    let folder = folder();
    let server = Server::start(folder.path(), 0);
    assert_eq!(server.make_group("kept"), 200);
    assert_eq!(
        server.send("POST", "/_local/stop", "", "").0,
        415,
        "no page can do it"
    );
    let json = "content-type: application/json\r\n";
    let (status, body) = server.send("POST", "/_local/stop", json, "");
    assert_eq!((status, body.as_str()), (200, "{\"status\":\"stopping\"}"));
    assert_eq!(server.ends(), Some(0));
    assert!(!folder.path().join("server.json").exists());
    assert!(Server::start(folder.path(), 0).has_group("kept"));
}

#[test]
fn it_ends_on_a_signal() {
    for signal in ["TERM", "INT"] {
        let folder = folder();
        let server = Server::start(folder.path(), 0);
        let id = server.process.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &id]).status();
        assert!(sent.expect("kill runs").success());
        assert_eq!(server.ends(), Some(0));
        assert!(!folder.path().join("server.json").exists());
    }
}

/// Keys and items are nobody else's to read.
#[test]
fn the_state_is_for_its_owner_alone() {
    let home = TempDir::new().expect("a folder");
    let folder = home.path().join("state");
    fs::create_dir(&folder).expect("a folder that was there before");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).expect("it is ours");
    let server = Server::start(&folder, 0);
    assert_eq!(server.make_group("a"), 200);
    let mode = |path: &Path| {
        let found = fs::metadata(path).expect("it is there");
        found.permissions().mode() & 0o777
    };
    assert_eq!(mode(&folder), 0o700);
    let mut files = 0;
    for entry in fs::read_dir(&folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let wanted = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(&path), wanted, "{}", path.display());
        files += usize::from(path.is_file());
    }
    assert!(files >= 3, "the state, the lock and the server's address");
}
