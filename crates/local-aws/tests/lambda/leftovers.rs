//! Nothing that a function has started outlives it, whatever it did to get away.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::*;
use crate::server::{post, send as send_to, serve};

/// Five processes with `marker` among their arguments: a plain child, a daemon (new session, forked twice, deaf to
/// hangups, without the function's files), and three below one that has ended.
fn daemons(marker: &str) -> String {
    format!(
        "sleep {marker} &\n\
         setsid sh -c '(trap \"\" HUP TERM; setsid nohup sleep {marker} >/dev/null 2>&1 </dev/null &)' &\n\
         sh -c '(for i in 1 2 3; do (cd /; exec setsid sleep {marker}) & done)' >/dev/null 2>&1\n\
         while [ \"$(pgrep -fc \"^sleep {marker}\")\" -lt 5 ]; do sleep 0.01; done"
    )
}

fn marker(number: u32) -> String {
    format!("7{}.{number}", std::process::id())
}

fn running(marker: &str) -> usize {
    let found = Command::new("pgrep")
        .args(["-fc", &format!("^sleep {marker}")])
        .output()
        .expect("pgrep");
    let count = String::from_utf8(found.stdout).expect("text");
    count.trim().parse().expect("a number")
}

fn all_end(marker: &str) {
    let began = Instant::now();
    while running(marker) > 0 {
        assert!(began.elapsed() < Duration::from_secs(5), "some go on");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[tokio::test]
async fn after_a_timeout_and_a_deletion() {
    let folder = tempfile::tempdir().expect("a folder");
    let aws = processes(folder.path()).await;
    let marker = marker(1);
    let body = script(
        &daemons(&marker),
        "case $EVENT in 1) sleep 60;; 2) exit 1;; esac",
    );
    create_script(&aws, &body, &json!({ "Timeout": 1 })).await;
    assert_eq!(invoke(&aws, &json!(0)).await.json(), 0);
    assert_eq!(running(&marker), 5);
    let error = invoke(&aws, &json!(1)).await.json();
    assert_eq!(error["errorType"], "Sandbox.Timedout");
    assert_eq!(running(&marker), 0, "they were killed before the answer");
    // It goes on with new ones, and a runtime that ends takes them along.
    assert_eq!(invoke(&aws, &json!(0)).await.json(), 0);
    assert_eq!(running(&marker), 5);
    let error = invoke(&aws, &json!(2)).await.json();
    assert_eq!(error["errorType"], "Runtime.ExitError");
    all_end(&marker);
    assert_eq!(invoke(&aws, &json!(0)).await.json(), 0);
    assert_eq!(running(&marker), 5);
    call(&aws, "DELETE", DEMO, &Value::Null).await;
    all_end(&marker);
}

fn with_daemons(folder: &Path, marker: &str) -> (std::process::Child, String) {
    let (server, host) = serve(folder);
    send_to(&host, "iam", "/", &role_form("lambda.amazonaws.com"));
    let body = script(&daemons(marker), "");
    let zip = zip("bootstrap", body.as_bytes(), 0o755);
    post(&host, FUNCTIONS, &function(&zip, &json!({ "Timeout": 20 })));
    let path = format!("{FUNCTIONS}/demo/invocations");
    assert_eq!(post(&host, &path, &json!(5)), 5);
    assert_eq!(running(marker), 5);
    (server, host)
}

fn signal(signal: &str, pid: &str) {
    let sent = Command::new("kill").args(["-s", signal, pid]).status();
    assert!(sent.expect("kill").success());
}

#[test]
fn after_the_server() {
    for (number, how) in [(2, "TERM"), (3, "INT"), (4, "KILL"), (5, "stop")] {
        let folder = tempfile::tempdir().expect("a folder");
        let marker = marker(number);
        let (mut server, host) = with_daemons(folder.path(), &marker);
        if how == "stop" {
            stop(&host);
        } else {
            signal(how, &server.id().to_string());
        }
        let status = server.wait().expect("its end");
        if how != "KILL" {
            assert!(status.success(), "{how}");
            assert_eq!(running(&marker), 0, "{how}: its end waits for theirs");
        }
        all_end(&marker);
    }
}

fn stop(host: &str) {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(host).expect("a connection");
    write!(
        stream,
        "POST /_local/stop HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: 0\r\n\r\n"
    )
    .expect("a request");
    let _ = stream.read_to_end(&mut Vec::new());
}

/// The supervisor's own end is no way out.
#[test]
fn after_the_supervisor() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut server, host) = serve(folder.path());
    send_to(&host, "iam", "/", &role_form("lambda.amazonaws.com"));
    let marker = marker(6);
    let body = script(&daemons(&marker), "ANSWER=\"[$$, $PPID]\"");
    let zip = zip("bootstrap", body.as_bytes(), 0o755);
    post(&host, FUNCTIONS, &function(&zip, &json!({})));
    let path = format!("{FUNCTIONS}/demo/invocations");
    let first = post(&host, &path, &json!(5));
    signal("KILL", &first[1].to_string());
    let began = Instant::now();
    while Path::new(&format!("/proc/{}/environ", first[0])).exists()
        && std::fs::read(format!("/proc/{}/environ", first[0])).is_ok_and(|it| !it.is_empty())
    {
        assert!(began.elapsed() < Duration::from_secs(5), "it goes on");
        std::thread::sleep(Duration::from_millis(5));
    }
    all_end(&marker);
    let second = post(&host, &path, &json!(5));
    assert_ne!(second[0], first[0]);
    assert!(second[0].is_number(), "{second}");
    // A signal for all is one for the supervisor too.
    signal("TERM", &second[1].to_string());
    let began = Instant::now();
    while Path::new(&format!("/proc/{}", second[1])).exists() {
        assert!(began.elapsed() < Duration::from_secs(5), "it goes on");
        std::thread::sleep(Duration::from_millis(5));
    }
    all_end(&marker);
    let third = post(&host, &path, &json!(5));
    assert!(third[0].is_number(), "{third}");
    server.kill().expect("killed");
    server.wait().expect("its end");
}
