//! The program `bootstrap` behind a Runtime API.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

/// Memory of the deployed function.
const MEMORY_KIB: u32 = 256 * 1024;

/// Runs the program with these events; returns the path and body of each answer, and the program, which is still running.
async fn answers(events: Vec<Bytes>) -> (Vec<(String, Bytes)>, Child) {
    let listener = TcpListener::bind(("127.0.0.1", 0))
        .await
        .expect("a loopback port is free");
    let address = listener.local_addr().expect("it has an address");
    let program = Command::new(env!("CARGO_BIN_EXE_bootstrap"))
        .env_clear()
        .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
        .env("AWS_LAMBDA_FUNCTION_NAME", "f")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
        .env("LOG_LEVEL", "OFF")
        .kill_on_drop(true)
        .spawn()
        .expect("the program starts");
    let (answered, mut answers) = unbounded_channel();
    let count = events.len();
    let waiting = Arc::new(Mutex::new(events.into_iter()));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (waiting, answered) = (Arc::clone(&waiting), answered.clone());
            tokio::spawn(async move {
                let service = service_fn(|request| exchange(&waiting, &answered, request));
                hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await
            });
        }
    });
    let mut all = Vec::new();
    for _ in 0..count {
        all.push(answers.recv().await.expect("the program answers"));
    }
    (all, program)
}

async fn exchange(
    waiting: &Mutex<impl Iterator<Item = Bytes>>,
    answered: &UnboundedSender<(String, Bytes)>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    if request.method() == Method::GET {
        let event = waiting.lock().expect("no one panicked").next();
        let Some(event) = event else {
            return std::future::pending().await;
        };
        let response = Response::builder()
            .header("Lambda-Runtime-Aws-Request-Id", "request-1")
            .header("Lambda-Runtime-Deadline-Ms", "0")
            .header("Lambda-Runtime-Invoked-Function-Arn", "arn")
            .body(Full::new(event));
        return Ok(response.expect("the response is well formed"));
    }
    let path = request.uri().path();
    let kind = path.rsplit('/').next().unwrap_or(path).to_owned();
    let body = request.into_body().collect().await;
    let body = body.expect("the answer arrives").to_bytes();
    answered.send((kind, body)).expect("the test waits");
    Ok(Response::default())
}

#[tokio::test]
async fn what_is_no_text_is_refused_and_the_next_event_answered() {
    let (answers, _program) = answers(vec![
        Bytes::from_static(b"{\"operation\": \"\xff\"}"),
        Bytes::from_static(br#"{"operation": "echo", "payload": [1.50, "\u00e9"]}"#),
    ])
    .await;
    let (kind, refusal) = &answers[0];
    assert_eq!(kind, "error");
    assert_eq!(
        String::from_utf8_lossy(refusal),
        r#"{"errorType":"Runtime.UnmarshalError","errorMessage":"Unable to unmarshal input: invalid unicode code point at line 1 column 16"}"#
    );
    assert_eq!(
        answers[1],
        ("response".to_owned(), "[1.50, \"\u{e9}\"]".into())
    );
}

/// Covers the events of six megabytes that take the most memory.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn six_megabytes_of_small_values_fit_the_functions_memory() {
    const ECHO: [&str; 2] = [r#"{"operation": "echo", "payload": ["#, "]}"];
    const CREATE: [&str; 2] = [
        r#"{"operation": "create", "tableName": "t", "payload": {"Item": {"id": ["#,
        "]}}}",
    ];
    /// Each value is an error in the report of a typed request.
    const TYPED: [&str; 2] = [
        r#"{"operation": "create", "tableName": "t", "payload": {"AttributeFormat": "typed", "Item": {"id": {"L": ["#,
        "]}}}}",
    ];
    for ([start, end], value, count) in [
        (ECHO, "1", 2_990_000),
        (ECHO, r#"{"":0}"#, 850_000),
        (CREATE, "1", 2_990_000),
        (TYPED, "1", 2_990_000),
    ] {
        let event = format!("{start}{}{end}", vec![value; count].join(","));
        let (_, program) = answers(vec![event.into()]).await;
        let id = program.id().expect("the program runs");
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("it is listed");
        let peak = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .expect("the peak is listed");
        let peak: u32 = peak
            .trim()
            .trim_end_matches(" kB")
            .parse()
            .expect("a number");
        assert!(peak < MEMORY_KIB * 3 / 4, "{start}{value}: {peak} KiB");
    }
}
