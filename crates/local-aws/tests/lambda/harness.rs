//! An AWS with functions, called by whole requests in memory.

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use local_aws::{Clock, Enforcement, FunctionError, LocalAws, Options, Outcome, Runner};
use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

pub(crate) const ROLE: &str = "arn:aws:iam::000000000000:role/demo-role";
pub(crate) const ARN: &str = "arn:aws:lambda:eu-west-1:000000000000:function:demo";
pub(crate) const FUNCTIONS: &str = "/2015-03-31/functions";
pub(crate) const DEMO: &str = "/2015-03-31/functions/demo";

/// The answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) bytes: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or(Value::Null)
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().expect("text"))
    }

    /// Status, code and message of a refusal.
    pub(crate) fn refusal(&self) -> (u16, String, String) {
        let code = self.header("x-amzn-errortype").to_owned();
        let body = self.json();
        let message = body["message"].as_str().or(body["Message"].as_str());
        (self.status, code, message.unwrap_or_default().to_owned())
    }

    pub(crate) fn log(&self) -> String {
        let log = STANDARD
            .decode(self.header("x-amz-log-result"))
            .expect("base64");
        String::from_utf8(log).expect("text")
    }
}

pub(crate) fn signed(
    method: &str,
    path: &str,
    service: &str,
    body: impl Into<Bytes>,
    headers: &[(&str, &str)],
) -> Request<Bytes> {
    signed_by("000000000000", method, path, service, body, headers)
}

/// By credentials of an account.
pub(crate) fn signed_by(
    account: &str,
    method: &str,
    path: &str,
    service: &str,
    body: impl Into<Bytes>,
    headers: &[(&str, &str)],
) -> Request<Bytes> {
    let signature = format!(
        "AWS4-HMAC-SHA256 Credential={account}/20261124/eu-west-1/{service}/aws4_request, SignedHeaders=host, Signature=00"
    );
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", signature);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body.into()).expect("a request")
}

pub(crate) async fn send(
    aws: &LocalAws,
    method: &str,
    path: &str,
    body: impl Into<Bytes>,
    headers: &[(&str, &str)],
) -> Answer {
    handle(aws, signed(method, path, "lambda", body, headers)).await
}

pub(crate) async fn handle(aws: &LocalAws, request: Request<Bytes>) -> Answer {
    match aws.handle(request).await {
        Outcome::Answered(response) => {
            let (parts, bytes) = response.into_parts();
            Answer {
                status: parts.status.as_u16(),
                headers: parts.headers,
                bytes,
            }
        }
        Outcome::Dropped => panic!("an answer"),
    }
}

pub(crate) async fn call(aws: &LocalAws, method: &str, path: &str, body: &Value) -> Answer {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    send(aws, method, path, body, &[]).await
}

pub(crate) async fn get(aws: &LocalAws, path: &str) -> Answer {
    call(aws, "GET", path, &Value::Null).await
}

pub(crate) async fn invoke(aws: &LocalAws, event: &Value) -> Answer {
    let path = format!("{DEMO}/invocations");
    let event = event.to_string();
    send(aws, "POST", &path, event, &[("x-amz-log-type", "Tail")]).await
}

async fn open(folder: Option<PathBuf>, runner: Runner, clock: Clock) -> LocalAws {
    enforcing(Enforcement::Off, folder, runner, clock).await
}

async fn enforcing(
    enforcement: Enforcement,
    folder: Option<PathBuf>,
    runner: Runner,
    clock: Clock,
) -> LocalAws {
    let aws = LocalAws::open(Options {
        folder,
        clock,
        runner,
        enforcement,
        ..Options::default()
    })
    .expect("an AWS");
    let role = signed("POST", "/", "iam", role_form("lambda.amazonaws.com"), &[]);
    match aws.handle(role).await {
        Outcome::Answered(made) => assert_eq!(made.status(), 200, "{made:?}"),
        Outcome::Dropped => panic!("an answer"),
    }
    aws
}

/// `CreateRole` for the functions' role, which `service` may assume.
pub(crate) fn role_form(service: &str) -> String {
    let trust = format!(
        "{{\"Version\":\"2012-10-17\",\"Statement\":{{\"Effect\":\"Allow\",\"Principal\":{{\"Service\":\"{service}\"}},\
         \"Action\":\"sts:AssumeRole\"}}}}"
    );
    format!(
        "Action=CreateRole&Version=2010-05-08&RoleName=demo-role&AssumeRolePolicyDocument={}",
        percent_encoding::utf8_percent_encode(&trust, percent_encoding::NON_ALPHANUMERIC)
    )
}

/// In memory, on the runtime's time; functions give their event back.
pub(crate) async fn inline() -> LocalAws {
    inline_with(Ok).await
}

pub(crate) async fn inline_with(
    work: impl Fn(Bytes) -> Result<Bytes, FunctionError> + Send + Sync + 'static,
) -> LocalAws {
    open(
        None,
        Runner::Inline(Arc::new(move |_, event| work(event))),
        Clock::runtime(),
    )
    .await
}

/// As [`inline_with`]; the work is told the function's name.
pub(crate) async fn inline_named(
    work: impl Fn(&str, Bytes) -> Result<Bytes, FunctionError> + Send + Sync + 'static,
) -> LocalAws {
    open(None, Runner::Inline(Arc::new(work)), Clock::runtime()).await
}

/// As [`inline_named`], with the rights of functions' roles.
pub(crate) async fn inline_enforced(
    work: impl Fn(&str, Bytes) -> Result<Bytes, FunctionError> + Send + Sync + 'static,
) -> LocalAws {
    let runner = Runner::Inline(Arc::new(work));
    enforcing(Enforcement::Functions, None, runner, Clock::runtime()).await
}

/// In a folder, with processes that end with this one.
pub(crate) async fn processes(folder: &Path) -> LocalAws {
    let shim = Some(PathBuf::from(env!("CARGO_BIN_EXE_local-aws")));
    open(
        Some(folder.to_owned()),
        Runner::Processes { shim },
        Clock::System,
    )
    .await
}

/// What [`processes`] has left in a folder.
pub(crate) fn reopened(folder: &Path) -> LocalAws {
    LocalAws::open(Options {
        folder: Some(folder.to_owned()),
        enforcement: Enforcement::Off,
        ..Options::default()
    })
    .expect("an AWS")
}

/// What is in a folder, on the runtime's time, with functions inside this process.
pub(crate) fn reopened_inline(
    folder: &Path,
    work: impl Fn(&str, Bytes) -> Result<Bytes, FunctionError> + Send + Sync + 'static,
) -> LocalAws {
    LocalAws::open(Options {
        folder: Some(folder.to_owned()),
        clock: Clock::runtime(),
        runner: Runner::Inline(Arc::new(work)),
        enforcement: Enforcement::Off,
        ..Options::default()
    })
    .expect("an AWS")
}

/// A zip with one file, as base64.
pub(crate) fn zip(name: &str, bytes: &[u8], mode: u32) -> String {
    zip_of(&[(name, bytes, mode)])
}

/// A zip with these files, as base64.
pub(crate) fn zip_of(files: &[(&str, &[u8], u32)]) -> String {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes, mode) in files {
        writer
            .start_file(*name, SimpleFileOptions::default().unix_permissions(*mode))
            .expect("an entry");
        writer.write_all(bytes).expect("its bytes");
    }
    STANDARD.encode(writer.finish().expect("an archive").into_inner())
}

/// `CreateFunction`'s input, with `changes`.
pub(crate) fn function(zip: &str, changes: &Value) -> Value {
    let mut input = json!({
        "FunctionName": "demo", "Runtime": "provided.al2023", "Role": ROLE, "Handler": "bootstrap",
        "Code": { "ZipFile": zip },
    });
    for (name, value) in changes.as_object().into_iter().flatten() {
        input[name] = value.clone();
    }
    input
}

pub(crate) async fn create(aws: &LocalAws, changes: &Value) -> Answer {
    let zip = zip("bootstrap", b"#!/bin/sh\n", 0o755);
    call(aws, "POST", FUNCTIONS, &function(&zip, changes)).await
}

/// A bootstrap in shell: `init` runs once, `work` with each `$EVENT` and its `$ID`, and says `$ANSWER`.
pub(crate) fn script(init: &str, work: &str) -> String {
    format!(
        r#"#!/bin/sh
API="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
HEAD=$(mktemp)
{init}
while true; do
  EVENT=$(curl -sS -D "$HEAD" "$API/invocation/next") || exit 9
  ID=$(grep -i lambda-runtime-aws-request-id "$HEAD" | tr -d '\r' | cut -d' ' -f2)
  ANSWER=$EVENT
  {work}
  curl -sS -o /dev/null --data-binary "$ANSWER" "$API/invocation/$ID/response"
done
"#
    )
}

/// A function with that bootstrap.
pub(crate) async fn create_script(aws: &LocalAws, script: &str, changes: &Value) {
    let zip = zip("bootstrap", script.as_bytes(), 0o755);
    let made = call(aws, "POST", FUNCTIONS, &function(&zip, changes)).await;
    assert_eq!(made.status, 201, "{made:?}");
}
