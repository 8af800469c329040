//! Requests to deployed APIs whose function is a closure.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{Request, Response};
use serde_json::{Value, json};

use crate::answer::Refusal;
use crate::lambda::{Invoked, Runner};
use crate::{Clock, Enforcement, Faults, LocalAws, Options, Outcome};

type Function = Box<dyn Fn(Bytes) -> Result<Invoked, Refusal> + Send + Sync>;

const URI: &str = "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/\
                   arn:aws:lambda:eu-west-1:000000000000:function:f/invocations";

struct Api {
    aws: LocalAws,
    id: String,
}

async fn send(aws: &LocalAws, request: Request<Bytes>) -> Response<Bytes> {
    match aws.handle(request).await {
        Outcome::Answered(response) => response,
        Outcome::Dropped => panic!("the answer was lost"),
    }
}

async fn call(aws: &LocalAws, method: &str, path: &str, body: &Value) -> Value {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(
            AUTHORIZATION,
            "AWS4-HMAC-SHA256 Credential=000000000000/20261124/eu-west-1/apigateway/aws4_request, \
             SignedHeaders=host, Signature=00",
        )
        .body(Bytes::from(body.to_string()))
        .expect("a request");
    let response = send(aws, request).await;
    assert!(
        response.status().is_success(),
        "{method} {path}: {response:?}"
    );
    serde_json::from_slice(response.body()).unwrap_or(Value::Null)
}

/// An API `/{proxy+}` with a method ANY, deployed as `Prod`; `integration` is what differs from a proxy integration.
async fn api(function: Function, kind: &str, responses: &[(&str, Value)]) -> Api {
    let aws = LocalAws::open(Options {
        folder: None,
        clock: Clock::runtime(),
        runner: Runner::Processes { shim: None },
        faults: Faults::default(),
        enforcement: Enforcement::Off,
        ..Options::default()
    })
    .expect("a cloud in memory");
    assert!(aws.0.gateway.function.set(function).is_ok());
    let created = call(
        &aws,
        "POST",
        "/restapis",
        &json!({ "name": "a", "binaryMediaTypes": ["image/png"] }),
    )
    .await;
    let id = created["id"].as_str().expect("an id").to_owned();
    let root = created["rootResourceId"].as_str().expect("an id");
    let resource = call(
        &aws,
        "POST",
        &format!("/restapis/{id}/resources/{root}"),
        &json!({ "pathPart": "{proxy+}" }),
    )
    .await;
    let resource = resource["id"].as_str().expect("an id");
    let method = format!("/restapis/{id}/resources/{resource}/methods/ANY");
    call(
        &aws,
        "PUT",
        &method,
        &json!({ "authorizationType": "NONE" }),
    )
    .await;
    call(
        &aws,
        "PUT",
        &format!("{method}/integration"),
        &json!({ "type": kind, "httpMethod": "POST", "uri": URI, "timeoutInMillis": 1000 }),
    )
    .await;
    for (status, response) in responses {
        call(
            &aws,
            "PUT",
            &format!("{method}/responses/{status}"),
            &json!({}),
        )
        .await;
        let path = format!("{method}/integration/responses/{status}");
        call(&aws, "PUT", &path, response).await;
    }
    call(
        &aws,
        "POST",
        &format!("/restapis/{id}/deployments"),
        &json!({ "stageName": "Prod", "variables": { "colour": "red" } }),
    )
    .await;
    Api { aws, id }
}

impl Api {
    async fn post(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Response<Bytes> {
        let mut request = Request::post(format!("/restapis/{}/Prod/_user_request_{path}", self.id));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Bytes::from(body.to_owned()));
        send(&self.aws, request.expect("a request")).await
    }
}

fn answering(payload: &Value) -> Function {
    let payload = Bytes::from(payload.to_string());
    Box::new(move |_| Ok(invoked(payload.clone(), None)))
}

fn invoked(payload: Bytes, error: Option<&'static str>) -> Invoked {
    Invoked {
        payload,
        error,
        log_tail: String::new(),
    }
}

fn text(response: &Response<Bytes>) -> &str {
    std::str::from_utf8(response.body()).expect("a text")
}

#[tokio::test]
async fn a_proxy_gets_the_whole_request() {
    let seen: Arc<Mutex<Option<Value>>> = Arc::default();
    let keep = seen.clone();
    let function: Function = Box::new(move |event| {
        *keep.lock().unwrap() = serde_json::from_slice(&event).ok();
        Ok(invoked(
            json!({ "statusCode": 201, "body": "made", "headers": { "X-Own": "1" } })
                .to_string()
                .into(),
            None,
        ))
    });
    let api = api(function, "AWS_PROXY", &[]).await;
    let headers = [
        ("content-type", "text/plain"),
        ("user-agent", "test"),
        ("x-own", "b"),
    ];
    let response = api.post("/a/b%20c?x=1&x=2&y=", &headers, "hello").await;
    assert_eq!(response.status(), 201);
    assert_eq!(text(&response), "made");
    assert_eq!(response.headers()["x-own"], "1");
    assert!(response.headers().contains_key("x-amzn-trace-id"));
    assert!(!response.headers().contains_key("x-amzn-errortype"));
    let event = seen.lock().unwrap().take().expect("an event");
    for (pointer, expected) in [
        ("/resource", json!("/{proxy+}")),
        ("/path", json!("/a/b%20c")),
        ("/httpMethod", json!("POST")),
        ("/headers/Content-Type", json!("text/plain")),
        ("/headers/x-own", json!("b")),
        ("/multiValueHeaders/User-Agent", json!(["test"])),
        ("/headers/X-Forwarded-Proto", json!("https")),
        ("/queryStringParameters", json!({ "x": "2", "y": "" })),
        (
            "/multiValueQueryStringParameters",
            json!({ "x": ["1", "2"], "y": [""] }),
        ),
        ("/pathParameters", json!({ "proxy": "a/b%20c" })),
        ("/stageVariables", json!({ "colour": "red" })),
        ("/body", json!("hello")),
        ("/isBase64Encoded", json!(false)),
        ("/requestContext/apiId", json!(api.id)),
        ("/requestContext/stage", json!("Prod")),
        ("/requestContext/path", json!("/Prod/a/b%20c")),
        ("/requestContext/resourcePath", json!("/{proxy+}")),
        ("/requestContext/accountId", json!("000000000000")),
        ("/requestContext/identity/sourceIp", json!("127.0.0.1")),
        ("/requestContext/identity/userAgent", json!("test")),
        ("/requestContext/identity/user", Value::Null),
    ] {
        assert_eq!(event.pointer(pointer), Some(&expected), "{pointer}");
    }
    assert_eq!(event.pointer("/requestContext/identity/apiKey"), None);
    let id = response.headers()["x-amzn-requestid"].to_str().unwrap();
    assert_eq!(event.pointer("/requestContext/requestId"), Some(&json!(id)));

    api.post("/a", &[("content-type", "image/png")], "\u{1}\u{2}")
        .await;
    let event = seen.lock().unwrap().take().expect("an event");
    assert_eq!(event["body"], "AQI=");
    assert_eq!(event["isBase64Encoded"], true);
    api.post("/a", &[], "").await;
    let event = seen.lock().unwrap().take().expect("an event");
    assert_eq!(event.get("body"), Some(&Value::Null));
    assert_eq!(event.get("queryStringParameters"), Some(&Value::Null));
}

#[tokio::test]
async fn a_proxys_failures_are_502() {
    let wrong = api(answering(&json!("pong")), "AWS_PROXY", &[]).await;
    let failing: Function = Box::new(|_| {
        Ok(invoked(
            Bytes::from_static(b"{\"errorMessage\":\"no\"}"),
            Some("Unhandled"),
        ))
    });
    let failing = api(failing, "AWS_PROXY", &[]).await;
    for api in [wrong, failing] {
        let response = api.post("/a", &[], "{}").await;
        assert_eq!(response.status(), 502);
        assert_eq!(text(&response), r#"{"message":"Internal server error"}"#);
        assert_eq!(
            response.headers()["x-amzn-errortype"],
            "InternalServerErrorException"
        );
    }
}

#[tokio::test]
async fn without_proxy_the_body_is_the_event_and_the_return_the_answer() {
    let echo: Function = Box::new(|event| Ok(invoked(event, None)));
    let api = api(echo, "AWS", &[("200", json!({}))]).await;
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let response = api.post("/a", &form, "{\"operation\": 1.50}").await;
    assert_eq!(response.status(), 200);
    assert_eq!(text(&response), "{\"operation\": 1.50}");
    assert_eq!(response.headers()["content-type"], "application/json");
    assert!(response.headers().contains_key("x-amzn-trace-id"));
    assert_eq!(text(&api.post("/a", &[], "").await), "{}");
    let malformed = api.post("/a", &[], "{\"a\":").await;
    assert_eq!(malformed.status(), 400);
    assert!(
        text(&malformed).starts_with(r#"{"message":"Could not parse request body into json: "#)
    );
    assert_eq!(
        malformed.headers()["x-amzn-errortype"],
        "BadRequestException"
    );
}

#[tokio::test]
async fn a_pattern_selects_the_response_to_an_error() {
    let function: Function = Box::new(|event| {
        let message = String::from_utf8_lossy(&event).trim_matches('"').to_owned();
        let error = json!({ "errorMessage": message, "errorType": "E" });
        Ok(invoked(error.to_string().into(), Some("Unhandled")))
    });
    let responses = [
        ("200", json!({})),
        (
            "404",
            json!({ "selectionPattern": ".*not found.*", "responseTemplates": { "application/json": "{\"gone\":$input.json('$')}" } }),
        ),
    ];
    let api = api(function, "AWS", &responses).await;
    let found = api.post("/a", &[], "\"it was not found here\"").await;
    assert_eq!(found.status(), 404);
    assert_eq!(
        text(&found),
        r#"{"gone":{"errorMessage":"it was not found here","errorType":"E"}}"#
    );
    // Without a fitting pattern, an error is a 200.
    let other = api.post("/a", &[], "\"no\"").await;
    assert_eq!(other.status(), 200);
    assert_eq!(text(&other), r#"{"errorMessage":"no","errorType":"E"}"#);
}

#[tokio::test]
async fn without_a_default_response_it_is_500() {
    let only = [("404", json!({ "selectionPattern": "x" }))];
    let api = api(answering(&json!("pong")), "AWS", &only).await;
    let response = api.post("/a", &[], "{}").await;
    assert_eq!(response.status(), 500);
    assert_eq!(text(&response), r#"{"message":"Internal server error"}"#);
}

#[tokio::test]
async fn lambdas_refusals_are_internal_errors() {
    for (status, expected) in [(429, 500), (404, 500), (413, 413)] {
        let function: Function = Box::new(move |_| Err(Refusal::new(status, "E", "no")));
        let api = api(function, "AWS_PROXY", &[]).await;
        assert_eq!(api.post("/a", &[], "{}").await.status(), expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_function_is_a_504() {
    let slow: Function = Box::new(|_| {
        std::thread::sleep(std::time::Duration::from_millis(1500));
        Ok(invoked(Bytes::from_static(b"{}"), None))
    });
    let api = api(slow, "AWS_PROXY", &[]).await;
    let response = api.post("/a", &[], "{}").await;
    assert_eq!(response.status(), 504);
    assert_eq!(
        text(&response),
        r#"{"message":"Endpoint request timed out"}"#
    );
}

#[tokio::test]
async fn a_method_can_be_tested_before_it_is_deployed() {
    let answer = json!({ "statusCode": 200, "body": "tested" });
    let api = api(answering(&answer), "AWS_PROXY", &[]).await;
    let resources = call(
        &api.aws,
        "GET",
        &format!("/restapis/{}/resources", api.id),
        &json!({}),
    )
    .await;
    let resource = resources["item"][1]["id"].as_str().expect("an id");
    let path = format!("/restapis/{}/resources/{resource}/methods/ANY", api.id);
    let tested = call(
        &api.aws,
        "POST",
        &path,
        &json!({ "pathWithQueryString": "/x?a=b" }),
    )
    .await;
    assert_eq!(tested["status"], 200);
    assert_eq!(tested["body"], "tested");
}
