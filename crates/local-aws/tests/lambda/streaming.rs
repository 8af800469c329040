//! Streamed answers, and what comes from the caller to the function.

use std::path::Path;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Request;
use local_aws::{LocalAws, Outcome};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use crate::harness::*;
use crate::streamer;
use crate::url::{URL, ask, open_url, request};

const STREAM: &str = "/2021-11-15/functions/demo/response-streaming-invocations";

async fn started(changes: &Value) -> (tempfile::TempDir, LocalAws) {
    let folder = tempfile::tempdir().expect("a folder");
    let aws = processes(folder.path()).await;
    streamer::create(&aws, changes).await;
    (folder, aws)
}

/// Type and payload of each message of an event stream.
fn messages(mut bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let number = |at: usize| {
            let four = bytes[at..at + 4].try_into().expect("four bytes");
            u32::from_be_bytes(four)
        };
        let (total, headers) = (number(0) as usize, number(4) as usize);
        assert_eq!(number(total - 4), crc32fast::hash(&bytes[..total - 4]));
        let head = String::from_utf8_lossy(&bytes[12..12 + headers]);
        let kind = ["PayloadChunk", "InvokeComplete"]
            .into_iter()
            .find(|kind| head.contains(kind))
            .expect("a known event");
        found.push((kind.to_owned(), bytes[12 + headers..total - 4].to_vec()));
        bytes = &bytes[total..];
    }
    found
}

/// The pieces of a streamed answer and its last event.
async fn streamed(aws: &LocalAws, event: &Value) -> (Vec<String>, Value) {
    let log = [("x-amz-log-type", "Tail")];
    let answer = send(aws, "POST", STREAM, event.to_string(), &log).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(
        answer.header("content-type"),
        "application/vnd.amazon.eventstream"
    );
    assert_eq!(answer.header("x-amz-executed-version"), "$LATEST");
    let mut messages = messages(&answer.bytes);
    let (kind, last) = messages.pop().expect("a last event");
    assert_eq!(kind, "InvokeComplete");
    let chunks = messages
        .into_iter()
        .map(|(_, payload)| String::from_utf8(payload).expect("text"))
        .collect();
    (chunks, serde_json::from_slice(&last).expect("JSON"))
}

#[tokio::test]
async fn an_invocation_is_a_stream_of_events() {
    let (_folder, aws) = started(&json!({})).await;
    let (chunks, last) = streamed(&aws, &json!({ "chunks": ["ab", "c"] })).await;
    assert_eq!(chunks.concat(), "abc");
    assert!(last.get("ErrorCode").is_none(), "{last}");
    let log = STANDARD
        .decode(last["LogResult"].as_str().expect("a log"))
        .expect("base64");
    let log = String::from_utf8(log).expect("text");
    assert!(
        log.contains("START RequestId: ") && log.contains("REPORT RequestId: "),
        "{log}"
    );
    // A function that does not stream answers in one piece.
    let (chunks, last) = streamed(&aws, &json!({ "a": 1 })).await;
    assert_eq!(chunks.len(), 1);
    let answer: Value = serde_json::from_str(&chunks[0]).expect("JSON");
    assert_eq!(answer["event"], json!({ "a": 1 }));
    assert!(last.get("ErrorCode").is_none());
    // The other way round, an invocation without a stream waits for the end.
    let whole = invoke(&aws, &json!({ "chunks": ["ab", "c"] })).await;
    assert_eq!((whole.status, whole.bytes.as_ref()), (200, &b"abc"[..]));
}

#[tokio::test]
async fn failures_in_the_middle_are_told_at_the_end() {
    let (_folder, aws) = started(&json!({ "Timeout": 1 })).await;
    let (chunks, last) = streamed(&aws, &json!({ "chunks": ["a"], "then": "fail" })).await;
    assert_eq!(chunks, ["a"]);
    assert_eq!(last["ErrorCode"], "Function.Mid");
    let details: Value =
        serde_json::from_str(last["ErrorDetails"].as_str().expect("text")).expect("JSON");
    assert_eq!(
        details,
        json!({ "errorType": "Mid", "errorMessage": "half way" })
    );
    let (chunks, last) = streamed(&aws, &json!({ "chunks": ["a"], "then": "exit" })).await;
    assert_eq!(
        (chunks, &last["ErrorCode"]),
        (vec!["a".to_owned()], &json!("Runtime.ExitError"))
    );
    let details = last["ErrorDetails"].as_str().expect("text");
    assert!(
        details.contains("Runtime exited with error: exit status 3"),
        "{details}"
    );
    let (chunks, last) = streamed(&aws, &json!({ "chunks": ["a"], "then": "sleep" })).await;
    assert_eq!(
        (chunks, &last["ErrorCode"]),
        (vec!["a".to_owned()], &json!("Sandbox.Timedout"))
    );
    // The next one has an environment again.
    let (chunks, _) = streamed(&aws, &json!({ "chunks": ["a", "b"] })).await;
    assert_eq!(chunks.concat(), "ab");
}

#[tokio::test]
async fn a_stream_may_be_larger_than_an_answer() {
    let (_folder, aws) = started(&json!({})).await;
    let large = json!({ "chunks": vec!["x"; 7], "times": 1_000_000 });
    let (chunks, last) = streamed(&aws, &large).await;
    assert_eq!(chunks.iter().map(String::len).sum::<usize>(), 7_000_000);
    assert!(last.get("ErrorCode").is_none(), "{last}");
    let whole = invoke(&aws, &large).await;
    assert_eq!(whole.header("x-amz-function-error"), "Unhandled");
    assert_eq!(whole.json()["errorType"], "Function.ResponseSizeTooLarge");
    let url = open_url(&aws, &json!({ "AuthType": "NONE" })).await;
    let sent = || request(&url, "POST", "/").header("content-type", "application/json");
    assert_eq!(ask(&aws, sent(), large.to_string()).await.status, 502);
    call(
        &aws,
        "PUT",
        URL,
        &json!({ "InvokeMode": "RESPONSE_STREAM" }),
    )
    .await;
    let answer = ask(&aws, sent(), large.to_string()).await;
    assert_eq!((answer.status, answer.bytes.len()), (200, 7_000_000));
}

#[tokio::test]
async fn refusals_come_before_the_stream() {
    let (_folder, aws) = started(&json!({})).await;
    let dry = [("x-amz-invocation-type", "DryRun")];
    assert_eq!(send(&aws, "POST", STREAM, "", &dry).await.status, 204);
    let event = [("x-amz-invocation-type", "Event")];
    let (status, code, message) = send(&aws, "POST", STREAM, "", &event).await.refusal();
    assert_eq!((status, code.as_str()), (400, "ValidationException"));
    assert!(message.contains("[RequestResponse, DryRun]"), "{message}");
    assert_eq!(send(&aws, "POST", STREAM, "no JSON", &[]).await.status, 400);
    let none = json!({ "ReservedConcurrentExecutions": 0 });
    call(&aws, "PUT", "/2017-10-31/functions/demo/concurrency", &none).await;
    let (status, code, _) = send(&aws, "POST", STREAM, "{}", &[]).await.refusal();
    assert_eq!((status, code.as_str()), (429, "TooManyRequestsException"));
}

#[tokio::test]
async fn a_url_streams_or_collects() {
    let (_folder, aws) = started(&json!({})).await;
    let url = open_url(&aws, &json!({ "AuthType": "NONE" })).await;
    let asked = json!({
        "prelude": { "statusCode": 202, "headers": { "x-a": "b", "content-type": "text/plain" }, "cookies": ["c=d"] },
        "chunks": ["ab", "c"],
    });
    let sent = || request(&url, "POST", "/").header("content-type", "application/json");
    for mode in ["BUFFERED", "RESPONSE_STREAM"] {
        call(&aws, "PUT", URL, &json!({ "InvokeMode": mode })).await;
        let answer = ask(&aws, sent(), asked.to_string()).await;
        assert_eq!(
            (answer.status, answer.bytes.as_ref()),
            (202, &b"abc"[..]),
            "{mode}"
        );
        assert_eq!(answer.header("x-a"), "b");
        assert_eq!(answer.header("content-type"), "text/plain");
        assert_eq!(answer.header("set-cookie"), "c=d");
        assert!(answer.header("x-amzn-trace-id").starts_with("Root="));
    }
    // Without status and headers of its own, the type of the stream is told.
    let answer = ask(&aws, sent(), "{\"chunks\":[\"data: 1\\n\\n\"]}").await;
    assert_eq!(
        (answer.status, answer.bytes.as_ref()),
        (200, &b"data: 1\n\n"[..])
    );
    assert_eq!(answer.header("content-type"), "text/event-stream");
    // What a function returns whole is not looked into.
    let answer = ask(&aws, sent(), "{}").await;
    assert_eq!(answer.status, 200);
    assert!(answer.json()["event"]["requestContext"].is_object());
    let broken = sent().body("{\"chunks\":[\"a\"],\"then\":\"fail\"}".into());
    let outcome = aws.handle(broken.expect("a request")).await;
    assert!(matches!(outcome, Outcome::Dropped), "{outcome:?}");
    let unreadable = json!({ "prelude": 1, "chunks": [] }).to_string();
    assert_eq!(ask(&aws, sent(), unreadable).await.status, 502);
}

/// Reads until `wanted` has come.
async fn read_until(stream: &mut TcpStream, wanted: &str) -> String {
    let mut read = Vec::new();
    loop {
        let mut buffer = [0; 1024];
        let count = stream.read(&mut buffer).await.expect("more");
        read.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&read).into_owned();
        if text.contains(wanted) || count == 0 {
            return text;
        }
    }
}

async fn connected(address: &str, head: &str, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let request = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
    stream
        .write_all(request.as_bytes())
        .await
        .expect("a request");
    stream
}

#[tokio::test]
async fn pieces_arrive_while_the_function_writes() {
    let (folder, aws) = started(&json!({})).await;
    let listener = LocalAws::bind(0).await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    aws.set_endpoint(&format!("http://{address}"));
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = {
        let aws = aws.clone();
        tokio::spawn(async move {
            let stopped = async {
                let _ = stopped.await;
            };
            aws.serve(listener, stopped).await
        })
    };
    let url = open_url(
        &aws,
        &json!({ "AuthType": "NONE", "InvokeMode": "RESPONSE_STREAM" }),
    )
    .await;
    let port = address.rsplit(':').next().expect("a port");
    let host = url.trim_start_matches("http://").trim_end_matches('/');
    assert!(
        host.ends_with(&format!(".lambda-url.eu-west-1.localhost:{port}")),
        "{url}"
    );
    let wait = |name: &str| folder.path().join(name);
    let asked =
        |file: &Path| json!({ "chunks": ["first", "second"], "waits_for": file }).to_string();
    // Through the URL.
    let file = wait("url");
    let head = format!("POST / HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n");
    let mut stream = connected(&address, &head, &asked(&file)).await;
    let answer = read_until(&mut stream, "first").await;
    assert!(
        answer.contains("transfer-encoding: chunked") && !answer.contains("second"),
        "{answer}"
    );
    std::fs::write(&file, "").expect("a file");
    let rest = read_until(&mut stream, "\r\n0\r\n\r\n").await;
    assert!(rest.contains("second"), "{rest}");
    // Through the API.
    let file = wait("api");
    let head = format!(
        "POST {STREAM} HTTP/1.1\r\nhost: {address}\r\nauthorization: AWS4-HMAC-SHA256 \
         Credential=000000000000/20261124/eu-west-1/lambda/aws4_request, SignedHeaders=host, Signature=00\r\n"
    );
    let mut stream = connected(&address, &head, &asked(&file)).await;
    let answer = read_until(&mut stream, "first").await;
    assert!(!answer.contains("InvokeComplete"), "{answer}");
    std::fs::write(&file, "").expect("a file");
    read_until(&mut stream, "InvokeComplete").await;
    // A client that leaves does not end the function, and the next one has its environment.
    let before = invoke(&aws, &json!({})).await;
    let file = wait("left");
    let left = connected(&address, &head, &asked(&file)).await;
    drop(left);
    std::fs::write(&file, "").expect("a file");
    let began = Instant::now();
    let after = invoke(&aws, &json!({})).await;
    assert_eq!((before.status, after.status), (200, 200));
    assert!(began.elapsed() < Duration::from_secs(3));
    let _ = stop.send(());
    serving.await.expect("no panic").expect("an orderly end");
}

/// The headers by which a function gets its invocation.
async fn head(aws: &LocalAws, headers: &[(&str, &str)]) -> (Value, Answer) {
    let path = format!("{DEMO}/invocations");
    let answer = send(aws, "POST", &path, "{}", headers).await;
    (answer.json()["head"].clone(), answer)
}

const ROOT: &str = "Root=1-5759e988-bd862e3fe1be46a994272793";

#[tokio::test]
async fn a_trace_goes_from_the_caller_to_the_function() {
    let (_folder, aws) = started(&json!({})).await;
    let trace = |head: &Value| {
        head["lambda-runtime-trace-id"]
            .as_str()
            .expect("a trace")
            .to_owned()
    };
    let (own, answer) = head(&aws, &[]).await;
    assert_eq!(answer.header("x-amzn-trace-id"), trace(&own));
    assert!(trace(&own).contains(";Sampled=0;Lineage=1:"), "{own}");
    let sent = format!("{ROOT};Parent=7fa8c0f79203be72;Sampled=1");
    let (passed, _) = head(&aws, &[("x-amzn-trace-id", &sent)]).await;
    assert!(
        trace(&passed).starts_with(&format!("{sent};Lineage=1:")),
        "{passed}"
    );
    // With active tracing, the function has a segment of its own.
    let active = json!({ "TracingConfig": { "Mode": "Active" } });
    call(&aws, "PUT", &format!("{DEMO}/configuration"), &active).await;
    let (passed, _) = head(&aws, &[("x-amzn-trace-id", &sent)]).await;
    let trace_id = trace(&passed);
    assert!(
        trace_id.starts_with(&format!("{ROOT};Parent=")),
        "{trace_id}"
    );
    assert!(
        !trace_id.contains("7fa8c0f79203be72") && trace_id.contains(";Sampled=1;"),
        "{trace_id}"
    );
    let url = open_url(&aws, &json!({ "AuthType": "NONE" })).await;
    let sent = request(&url, "GET", "/").header("x-amzn-trace-id", ROOT);
    let answer = ask(&aws, sent, "").await;
    let whole = answer.json();
    assert_eq!(whole["event"]["headers"]["x-amzn-trace-id"], ROOT);
    assert!(trace(&whole["head"]).starts_with(&format!("{ROOT};Parent=")));
    assert_eq!(answer.header("x-amzn-trace-id"), trace(&whole["head"]));
}

#[tokio::test]
async fn a_client_context_goes_to_the_function() {
    let (_folder, aws) = started(&json!({})).await;
    let context = STANDARD.encode("{ \"custom\": { \"a\": \"b\" } }");
    let (passed, _) = head(&aws, &[("x-amz-client-context", &context)]).await;
    assert_eq!(
        passed["lambda-runtime-client-context"],
        "{\"custom\":{\"a\":\"b\"}}"
    );
    let (none, _) = head(&aws, &[]).await;
    assert!(none.get("lambda-runtime-client-context").is_none());
    let long = STANDARD.encode("x".repeat(3_000));
    for refused in ["e30", long.as_str()] {
        let sent = [("x-amz-client-context", refused)];
        let (status, code, _) = send(&aws, "POST", STREAM, "{}", &sent).await.refusal();
        assert_eq!(
            (status, code.as_str()),
            (400, "InvalidRequestContentException")
        );
    }
}

#[tokio::test]
async fn an_api_passes_its_trace_on() {
    let (_folder, aws) = started(&json!({})).await;
    let api = |method: &str, path: &str, body: Value| {
        signed(method, path, "apigateway", body.to_string(), &[])
    };
    let done = async |request: Request<bytes::Bytes>| match aws.handle(request).await {
        Outcome::Answered(response) => {
            assert!(response.status().is_success(), "{response:?}");
            serde_json::from_slice::<Value>(response.body()).unwrap_or_default()
        }
        Outcome::Dropped => panic!("an answer"),
    };
    let made = done(api("POST", "/restapis", json!({ "name": "a" }))).await;
    let (id, root) = (
        made["id"].as_str().expect("an id"),
        made["rootResourceId"].as_str().expect("an id"),
    );
    let method = format!("/restapis/{id}/resources/{root}/methods/POST");
    done(api("PUT", &method, json!({ "authorizationType": "NONE" }))).await;
    let uri =
        format!("arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/{ARN}/invocations");
    let integration = json!({ "type": "AWS", "httpMethod": "POST", "uri": uri });
    done(api("PUT", &format!("{method}/integration"), integration)).await;
    done(api("PUT", &format!("{method}/responses/200"), json!({}))).await;
    done(api(
        "PUT",
        &format!("{method}/integration/responses/200"),
        json!({}),
    ))
    .await;
    done(api(
        "POST",
        &format!("/restapis/{id}/deployments"),
        json!({ "stageName": "s" }),
    ))
    .await;
    let permission = json!({
        "StatementId": "api", "Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com",
    });
    call(&aws, "POST", &format!("{DEMO}/policy"), &permission).await;
    let sent = Request::post(format!("/restapis/{id}/s/_user_request_/"))
        .header("host", "localhost")
        .header("x-amzn-trace-id", ROOT);
    let answer = ask(&aws, sent, "{}").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let trace = answer.json()["head"]["lambda-runtime-trace-id"]
        .as_str()
        .expect("a trace")
        .to_owned();
    assert!(trace.starts_with(&format!("{ROOT};Parent=")), "{trace}");
    assert_eq!(answer.header("x-amzn-trace-id"), trace);
}
