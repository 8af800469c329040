//! The program: no function outlives it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{FUNCTIONS, function, role_form, script, zip};

pub(crate) fn serve(folder: &Path) -> (Child, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_local-aws"))
        .args(["serve", "--port", "0", "--folder"])
        .arg(folder)
        .stdout(Stdio::piped())
        .spawn()
        .expect("a server");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("a pipe"))
        .read_line(&mut line)
        .expect("its URL");
    (child, line.trim().trim_start_matches("http://").to_owned())
}

pub(crate) fn post(host: &str, path: &str, body: &Value) -> Value {
    let answer = send(host, "lambda", path, &body.to_string());
    serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{answer}"))
}

pub(crate) fn send(host: &str, service: &str, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(host).expect("a connection");
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {}\r\nauthorization: \
         AWS4-HMAC-SHA256 Credential=000000000000/20261124/eu-west-1/{service}/aws4_request, SignedHeaders=host, \
         Signature=00\r\n\r\n{body}",
        body.len()
    )
    .expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
    body.to_owned()
}

fn ends(pid: &Value) {
    let began = Instant::now();
    let path = format!("/proc/{pid}/status");
    while std::fs::read_to_string(&path).is_ok_and(|status| !status.contains("State:\tZ")) {
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "{pid} outlives the server"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn functions_end_with_the_server_and_are_there_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut server, host) = serve(folder.path());
    send(&host, "iam", "/", &role_form("lambda.amazonaws.com"));
    let body = script("sleep 1000 & CHILD=$!", "ANSWER=\"[$$, $CHILD]\"");
    let zip = zip("bootstrap", body.as_bytes(), 0o755);
    post(&host, FUNCTIONS, &function(&zip, &json!({})));
    let path = format!("{FUNCTIONS}/demo/invocations");
    let first = post(&host, &path, &json!(1));
    server.kill().expect("killed");
    server.wait().expect("its end");
    ends(&first[0]);
    ends(&first[1]);

    let (mut server, host) = serve(folder.path());
    let second = post(&host, &path, &json!(1));
    let terminated = Command::new("kill").arg(server.id().to_string()).status();
    assert!(terminated.expect("kill").success());
    assert!(server.wait().expect("its end").success());
    ends(&second[0]);
    ends(&second[1]);
}
