//! Whole HTTP requests to one AWS in memory, several an input, divided by a line `====`.
//!
//! A request is `METHOD PATH`, header lines, an empty line, the body. `@SERVICE` as a header line signs it for that
//! service, `@zip` puts the body into `CreateFunction` as a zip, and `{api}` in a path is the API that is there already.

#![no_main]

use std::cell::RefCell;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use libfuzzer_sys::fuzz_target;
use local_aws::{Enforcement, Faults, LocalAws, Options, Outcome, Runner};
use tokio::runtime::{Builder, Runtime};

/// After so many inputs a new AWS takes the place of one that may be full of them.
const INPUTS: u32 = 500;
/// What every input finds: a role, a function, a table, a log group, an API.
const BEFORE: &[u8] = include_bytes!("../before.http");

struct Lab {
    runtime: Runtime,
    aws: LocalAws,
    api: String,
    inputs: u32,
}

thread_local! {
    static LAB: RefCell<Option<Lab>> = const { RefCell::new(None) };
}

impl Lab {
    fn start() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime starts");
        let aws = LocalAws::open(Options {
            runner: Runner::Inline(Arc::new(Ok)),
            enforcement: Enforcement::All,
            ..Options::default()
        })
        .expect("an AWS in memory");
        let mut lab = Self { runtime, aws, api: "none".to_owned(), inputs: 0 };
        for request in parts(BEFORE, b"\n====\n") {
            let (status, body) = lab.send(request).expect("a request");
            assert!(status < 300, "{status} {}", String::from_utf8_lossy(&body));
            let text = String::from_utf8_lossy(&body);
            if let Some((_, id)) = text.split_once("\"rootResourceId\"").and_then(|_| text.split_once("\"id\":\"")) {
                lab.api = id.split('"').next().unwrap_or_default().to_owned();
            }
        }
        lab
    }

    /// Sends it, if it is an HTTP request at all.
    fn send(&self, text: &[u8]) -> Option<(u16, Bytes)> {
        let request = self.request(text)?;
        match self.runtime.block_on(self.aws.handle(request)) {
            Outcome::Answered(answer) => Some((answer.status().as_u16(), answer.into_body())),
            Outcome::Dropped => panic!("no answer"),
        }
    }

    fn request(&self, text: &[u8]) -> Option<Request<Bytes>> {
        let (head, body) = halves(text, b"\n\n");
        let mut lines = head.split(|byte| *byte == b'\n');
        let line = std::str::from_utf8(lines.next()?).ok()?;
        let (method, path) = line.split_once(' ')?;
        let mut builder = Request::builder().method(method).uri(path.replace("{api}", &self.api));
        let mut body = Bytes::copy_from_slice(body);
        for line in lines {
            if line == b"@zip" {
                let zip = STANDARD.encode(&body);
                body = format!(
                    "{{\"FunctionName\":\"zipped\",\"Runtime\":\"provided.al2023\",\"Handler\":\"bootstrap\",\
                     \"Role\":\"arn:aws:iam::000000000000:role/demo\",\"Code\":{{\"ZipFile\":\"{zip}\"}}}}"
                )
                .into();
            } else if let Some(service) = line.strip_prefix(b"@") {
                let service = String::from_utf8_lossy(service);
                let signature = format!(
                    "AWS4-HMAC-SHA256 Credential=000000000000/20261124/eu-west-1/{service}/aws4_request, \
                     SignedHeaders=host, Signature=00"
                );
                builder = builder.header("authorization", signature);
            } else {
                let (name, value) = halves(line, b":");
                builder = builder.header(name, value.trim_ascii());
            }
        }
        builder.body(body).ok()
    }
}

fn halves<'a>(text: &'a [u8], middle: &[u8]) -> (&'a [u8], &'a [u8]) {
    text.windows(middle.len())
        .position(|window| window == middle)
        .map_or((text, b""), |at| (&text[..at], &text[at + middle.len()..]))
}

fn parts<'a>(mut text: &'a [u8], middle: &[u8]) -> Vec<&'a [u8]> {
    let mut parts = Vec::new();
    while !text.is_empty() {
        let (part, rest) = halves(text, middle);
        parts.push(part);
        text = rest;
    }
    parts
}

fuzz_target!(|input: &[u8]| {
    LAB.with_borrow_mut(|lab| {
        if lab.as_ref().is_none_or(|lab| lab.inputs >= INPUTS) {
            *lab = Some(Lab::start());
        }
        let lab = lab.as_mut().expect("one has been started");
        lab.inputs += 1;
        for request in parts(input, b"\n====\n") {
            if let Some((status, _)) = lab.send(request) {
                assert!((200..600).contains(&status), "{status}");
            }
            // Delays on request are no finding.
            lab.aws.set_faults(Faults::default());
        }
    });
});
