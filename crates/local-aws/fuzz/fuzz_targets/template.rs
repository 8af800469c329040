//! A mapping template and the body that it is rendered over, divided by a line `====`: it ends, and the answer is one.
//!
//! `JSONPath` is reached by `$input.path` and `$input.json`.

#![no_main]

use std::cell::RefCell;
use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use libfuzzer_sys::fuzz_target;
use local_aws::{Enforcement, LocalAws, Options, Outcome, Runner};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

struct Lab {
    runtime: Runtime,
    aws: LocalAws,
    method: String,
}

thread_local! {
    static LAB: RefCell<Option<Lab>> = const { RefCell::new(None) };
}

impl Lab {
    fn start() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime starts");
        let aws = LocalAws::open(Options {
            runner: Runner::Inline(Arc::new(|_, event| Ok(event))),
            enforcement: Enforcement::Off,
            ..Options::default()
        })
        .expect("an AWS in memory");
        let mut lab = Self { runtime, aws, method: String::new() };
        let api = lab.call("POST", "/restapis", &json!({ "name": "a" }));
        let (id, root) = (api["id"].as_str().expect("an id"), api["rootResourceId"].as_str().expect("an id"));
        lab.method = format!("/restapis/{id}/resources/{root}/methods/GET");
        lab.call("PUT", &lab.method, &json!({ "authorizationType": "NONE" }));
        lab
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(
                "authorization",
                "AWS4-HMAC-SHA256 Credential=000000000000/20261124/eu-west-1/apigateway/aws4_request, SignedHeaders=host, \
                 Signature=00",
            )
            .body(Bytes::from(body.to_string()))
            .expect("a request");
        let Outcome::Answered(answer) = self.runtime.block_on(self.aws.handle(request)) else {
            panic!("no answer");
        };
        assert!(answer.status().is_success(), "{}", answer.status());
        serde_json::from_slice(answer.body()).unwrap_or_default()
    }
}

fuzz_target!(|input: &[u8]| {
    LAB.with_borrow_mut(|lab| {
        let lab = lab.get_or_insert_with(Lab::start);
        let text = String::from_utf8_lossy(input);
        let (template, body) = text.split_once("\n====\n").unwrap_or((&text, "{\"a\":[1,{\"b\":\"c\"}]}"));
        let integration = json!({ "type": "MOCK", "requestTemplates": { "application/json": template } });
        lab.call("PUT", &format!("{}/integration", lab.method), &integration);
        let tested = lab.call("POST", &lab.method, &json!({ "body": body }));
        assert!(tested["status"].is_u64());
    });
});
