//! Deployed APIs over HTTP: the events of proxied functions, and servers on this machine behind an API.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use local_aws::{Enforcement, FunctionError, LocalAws, Options, Runner};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

const FUNCTION: &str = "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/\
                        arn:aws:lambda:eu-west-1:000000000000:function:f/invocations";

/// One AWS on a port, whose functions keep their events and answer with `{"statusCode":200}` or as they are told.
struct Aws {
    address: SocketAddr,
    events: Arc<Mutex<Vec<Value>>>,
    _runtime: Runtime,
}

struct Reply {
    status: u16,
    /// As it came.
    head: String,
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&self.body)))
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Aws {
    fn start(answer: Value) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let events: Arc<Mutex<Vec<Value>>> = Arc::default();
        let keep = events.clone();
        let aws = LocalAws::open(Options {
            runner: Runner::Inline(Arc::new(move |_, event| {
                let event = serde_json::from_slice(&event).map_err(|error| FunctionError {
                    error_type: "E".into(),
                    message: error.to_string(),
                })?;
                keep.lock().expect("no panic").push(event);
                Ok(answer.to_string().into())
            })),
            enforcement: Enforcement::Off,
            ..Options::default()
        })
        .expect("an AWS in memory");
        let listener = runtime.block_on(LocalAws::bind(0)).expect("a port");
        let address = listener.local_addr().expect("its address");
        runtime.spawn(async move { aws.serve(listener, std::future::pending()).await });
        let aws = Self {
            address,
            events,
            _runtime: runtime,
        };
        aws.function();
        aws
    }

    /// Sends a request as it is written, and reads the answer to the end of the connection.
    fn raw(&self, request: &[u8]) -> Reply {
        let mut stream = TcpStream::connect(self.address).expect("a connection");
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .expect("a limit");
        stream.write_all(request).expect("it is sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer");
        let end = answer
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
            .expect("a head");
        let head = String::from_utf8_lossy(&answer[..end]).into_owned();
        let mut lines = head.split("\r\n");
        let status = lines
            .next()
            .and_then(|line| line.split(' ').nth(1))
            .and_then(|code| code.parse().ok())
            .expect("a status");
        let headers: HashMap<String, String> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        Reply {
            status,
            head,
            headers,
            body: answer[end + 4..].to_vec(),
        }
    }

    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let headers = headers.iter().fold(String::new(), |all, (name, value)| {
            format!("{all}{name}: {value}\r\n")
        });
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.raw(request.as_bytes())
    }

    #[track_caller]
    fn call(&self, service: &str, method: &str, path: &str, body: &Value) -> Value {
        let signature = format!(
            "AWS4-HMAC-SHA256 Credential=000000000000/20261124/eu-west-1/{service}/aws4_request, SignedHeaders=host, Signature=00"
        );
        let headers = [("Authorization", signature.as_str())];
        let reply = self.send(method, path, &headers, &body.to_string());
        assert!(reply.status < 300, "{method} {path}: {}", reply.text());
        serde_json::from_slice(&reply.body).unwrap_or_default()
    }

    fn function(&self) {
        let signature = "AWS4-HMAC-SHA256 Credential=000000000000/20261124/eu-west-1/iam/aws4_request, SignedHeaders=host, \
                         Signature=00";
        let trust = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%7B%22Effect%22%3A%22Allow%22%2C%22Principal%22\
                     %3A%7B%22Service%22%3A%22lambda.amazonaws.com%22%7D%2C%22Action%22%3A%22sts%3AAssumeRole%22%7D%7D";
        let form = format!("Action=CreateRole&RoleName=r&AssumeRolePolicyDocument={trust}");
        let made = self.send("POST", "/", &[("Authorization", signature)], &form);
        assert_eq!(made.status, 200, "{}", made.text());
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default().unix_permissions(0o755);
        zip.start_file("bootstrap", options).expect("an entry");
        zip.write_all(b"#!/bin/sh\n").expect("its bytes");
        let zip = STANDARD.encode(zip.finish().expect("an archive").into_inner());
        self.call(
            "lambda",
            "POST",
            "/2015-03-31/functions",
            &json!({
                "FunctionName": "f", "Runtime": "provided.al2023", "Handler": "bootstrap",
                "Role": "arn:aws:iam::000000000000:role/r", "Code": { "ZipFile": zip },
            }),
        );
        self.call("lambda", "POST", "/2015-03-31/functions/f/policy", &json!({
            "StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com",
        }));
    }

    /// The path of an API's stage, with one method ANY on `/{proxy+}` and one default response.
    fn api(&self, integration: &Value, response: &Value) -> String {
        let call = |method, path: &str, body: &Value| self.call("apigateway", method, path, body);
        let api = call("POST", "/restapis", &json!({ "name": "a" }));
        let (id, root) = (text(&api["id"]), text(&api["rootResourceId"]));
        let part = json!({ "pathPart": "{proxy+}" });
        let resource = call("POST", &format!("/restapis/{id}/resources/{root}"), &part);
        let method = format!(
            "/restapis/{id}/resources/{}/methods/ANY",
            text(&resource["id"])
        );
        call("PUT", &method, &json!({ "authorizationType": "NONE" }));
        call("PUT", &format!("{method}/integration"), integration);
        call("PUT", &format!("{method}/responses/200"), &json!({}));
        call(
            "PUT",
            &format!("{method}/integration/responses/200"),
            response,
        );
        let stage = json!({ "stageName": "test", "variables": { "port": "1" } });
        call("POST", &format!("/restapis/{id}/deployments"), &stage);
        format!("/restapis/{id}/test/_user_request_")
    }

    fn event(&self) -> Value {
        let until = Instant::now() + Duration::from_secs(5);
        loop {
            if let Some(event) = self.events.lock().expect("no panic").pop() {
                return event;
            }
            assert!(Instant::now() < until, "no event");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn proxy() -> Value {
    json!({ "type": "AWS_PROXY", "httpMethod": "POST", "uri": FUNCTION })
}

/// Recorded by localstack, `test_lambda_aws_proxy_integration`.
#[test]
fn a_proxied_functions_event_is_the_request() {
    let aws = Aws::start(json!({ "statusCode": 200 }));
    let stage = aws.api(&proxy(), &json!({}));
    let path = format!(
        "{stage}/p/test%2Balias@gmail.com/plus/test+alias@gmail.com\
         ?date=2024-01-01T00:00:00.123456+00:00&alias=test%2Balias@&n=1&n=2"
    );
    let headers = [
        ("tEsT-HEADeR", "aValUE"),
        ("authorization", "random-value"),
        ("user-agent", "test/integration"),
        ("content-TYPE", "application/json;charset=utf-8"),
        ("Max-Forwards", "3"),
        ("TE", "x"),
    ];
    let reply = aws.send("POST", &path, &headers, "{\"a\":1}");
    assert_eq!(reply.status, 200, "{}", reply.text());
    let event = aws.event();
    let mut members: Vec<&str> = event
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    members.sort_unstable();
    assert_eq!(
        members,
        [
            "body",
            "headers",
            "httpMethod",
            "isBase64Encoded",
            "multiValueHeaders",
            "multiValueQueryStringParameters",
            "path",
            "pathParameters",
            "queryStringParameters",
            "requestContext",
            "resource",
            "stageVariables",
        ]
    );
    let mut names: Vec<&str> = event["headers"]
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "Authorization",
            "Host",
            "User-Agent",
            "X-Amzn-Trace-Id",
            "X-Forwarded-For",
            "X-Forwarded-Port",
            "X-Forwarded-Proto",
            "content-TYPE",
            "tEsT-HEADeR",
        ]
    );
    has_the_request(&event);
    aws.send("GET", &format!("{stage}/a"), &[], "");
    let event = aws.event();
    for member in [
        "queryStringParameters",
        "multiValueQueryStringParameters",
        "body",
    ] {
        assert_eq!(event.get(member), Some(&Value::Null), "{member}");
    }
}

#[track_caller]
fn has_the_request(event: &Value) {
    for (pointer, expected) in [
        ("/headers/tEsT-HEADeR", json!("aValUE")),
        ("/multiValueHeaders/tEsT-HEADeR", json!(["aValUE"])),
        (
            "/path",
            json!("/p/test%2Balias@gmail.com/plus/test+alias@gmail.com"),
        ),
        (
            "/pathParameters",
            json!({ "proxy": "p/test%2Balias@gmail.com/plus/test+alias@gmail.com" }),
        ),
        (
            "/queryStringParameters",
            json!({ "alias": "test+alias@", "date": "2024-01-01T00:00:00.123456 00:00", "n": "2" }),
        ),
        ("/multiValueQueryStringParameters/n", json!(["1", "2"])),
        ("/stageVariables", json!({ "port": "1" })),
        ("/body", json!("{\"a\":1}")),
        ("/isBase64Encoded", json!(false)),
        ("/requestContext/protocol", json!("HTTP/1.1")),
        ("/requestContext/resourcePath", json!("/{proxy+}")),
    ] {
        assert_eq!(event.pointer(pointer), Some(&expected), "{pointer}");
    }
    for member in [
        "accessKey",
        "accountId",
        "caller",
        "cognitoAuthenticationProvider",
        "cognitoAuthenticationType",
        "cognitoIdentityId",
        "cognitoIdentityPoolId",
        "principalOrgId",
        "user",
        "userArn",
    ] {
        let value = &event["requestContext"]["identity"];
        assert_eq!(value.get(member), Some(&Value::Null), "{member}");
    }
}

#[test]
fn each_request_of_a_connection_has_its_own_names() {
    let aws = Aws::start(json!({ "statusCode": 200 }));
    let stage = aws.api(&proxy(), &json!({}));
    let requests = [
        ("x-ONE", "", "Content-Length: 2\r\n\r\n{}"),
        (
            "X-two",
            "",
            "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        ),
        (
            "x-Three",
            "Connection: close\r\n",
            "Content-Length: 2\r\n\r\n{}",
        ),
    ]
    .map(|(name, close, body)| {
        format!("POST {stage}/a HTTP/1.1\r\nHost: x\r\n{close}{name}: v\r\n{body}")
    })
    .concat();
    let reply = aws.raw(requests.as_bytes());
    assert_eq!(reply.status, 200);
    for name in ["x-Three", "X-two", "x-ONE"] {
        let event = aws.event();
        assert_eq!(event["headers"][name], "v", "{}", event["headers"]);
    }
}

#[test]
fn an_answers_names_are_written_as_given() {
    let answer = json!({
        "statusCode": 200, "headers": { "X-oWn": "1", "Server": "s", "test-multi": "a" },
        "multiValueHeaders": { "tesT-Multi": ["b"] }, "body": "x-own: body",
    });
    let aws = Aws::start(answer);
    let stage = aws.api(&proxy(), &json!({}));
    let reply = aws.send("GET", &format!("{stage}/a"), &[], "");
    for name in [
        "X-oWn",
        "x-amzn-Remapped-Server",
        "tesT-Multi",
        "x-amzn-RequestId",
        "x-amz-apigw-id",
        "X-Amzn-Trace-Id",
        "Content-Type",
        "Content-Length",
        "Date",
    ] {
        assert!(
            reply.head.contains(&format!("\r\n{name}: ")),
            "{name}: {}",
            reply.head
        );
    }
    assert_eq!(reply.text(), "x-own: body");
    let missing = aws.send(
        "GET",
        &format!("{}x", stage.trim_end_matches("_user_request_")),
        &[],
        "",
    );
    assert_eq!(missing.status, 403);
}

#[test]
fn an_event_is_taken_for_the_background() {
    let aws = Aws::start(json!({ "answer": 1 }));
    let integration = json!({
        "type": "AWS", "httpMethod": "POST", "uri": FUNCTION,
        "requestParameters": { "integration.request.header.X-Amz-Invocation-Type": "'Event'" },
        "requestTemplates": { "application/json": "{\"got\": $input.json('$')}" },
    });
    let stage = aws.api(&integration, &json!({}));
    let reply = aws.send("POST", &format!("{stage}/a"), &[], "{\"a\": 1}");
    assert_eq!((reply.status, reply.text().as_str()), (200, ""));
    assert_eq!(aws.event(), json!({ "got": { "a": 1 } }));
}

/// A server that answers each request with what it got, with a status from its path.
fn backend() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            std::thread::spawn(move || {
                let mut got = Vec::new();
                let mut piece = [0; 4096];
                loop {
                    let read = stream.read(&mut piece).unwrap_or(0);
                    got.extend_from_slice(&piece[..read]);
                    let text = String::from_utf8_lossy(&got).into_owned();
                    let length = text.lines().find_map(|line| {
                        line.to_ascii_lowercase()
                            .strip_prefix("content-length: ")?
                            .parse::<usize>()
                            .ok()
                    });
                    let is_whole = text
                        .split_once("\r\n\r\n")
                        .is_some_and(|(_, body)| body.len() >= length.unwrap_or(0));
                    if is_whole || read == 0 {
                        break;
                    }
                }
                let text = String::from_utf8_lossy(&got).into_owned();
                if text.contains("/slow") {
                    std::thread::sleep(Duration::from_secs(3));
                }
                let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
                let status = if head.contains("/bad") {
                    "400 Bad Request"
                } else {
                    "200 OK"
                };
                let headers: serde_json::Map<String, Value> = head
                    .lines()
                    .skip(1)
                    .filter_map(|line| line.split_once(": "))
                    .map(|(name, value)| (name.to_ascii_lowercase(), value.into()))
                    .collect();
                let answer =
                    json!({ "line": head.lines().next(), "headers": headers, "body": body })
                        .to_string();
                let _ = write!(
                    stream,
                    "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nServer: own\r\nX-Own: 1\r\nConnection: close\r\n\
                     Content-Length: {}\r\n\r\n{answer}",
                    answer.len()
                );
            });
        }
    });
    address
}

#[test]
fn a_server_is_called_and_its_answer_mapped() {
    let aws = Aws::start(json!({}));
    let address = backend();
    let integration = json!({
        "type": "HTTP", "httpMethod": "PUT", "uri": format!("http://{address}/base/{{p}}"),
        "requestParameters": {
            "integration.request.path.p": "method.request.path.proxy",
            "integration.request.querystring.q": "method.request.body.word",
            "integration.request.header.X-Mapped": "stageVariables.port",
        },
        "requestTemplates": { "application/json": "{\"wrapped\": $input.json('$.word')}" },
    });
    let response = json!({
        "responseParameters": {
            "method.response.header.X-Copy": "integration.response.header.X-Own",
            "method.response.header.X-Line": "integration.response.body.line",
        },
    });
    let stage = aws.api(&integration, &response);
    let id = stage.split('/').nth(2).expect("an id").to_owned();
    let headers = [("Content-Type", "application/json"), ("X-Lost", "1")];
    let reply = aws.send(
        "POST",
        &format!("{stage}/bad?lost=1"),
        &headers,
        "{\"word\":\"a b\"}",
    );
    // The server's 400 selects the only response there is (recorded by localstack,
    // `test_http_integration_invoke_status_code_passthrough`).
    assert_eq!(reply.status, 200, "{}", reply.text());
    let got = reply.json();
    assert_eq!(got["line"], "PUT /base/bad?q=a%20b HTTP/1.1");
    assert_eq!(got["body"], "{\"wrapped\": \"a b\"}");
    let sent = &got["headers"];
    assert_eq!(sent["user-agent"], format!("AmazonAPIGateway_{id}"));
    assert_eq!(sent["x-amzn-apigateway-api-id"], id);
    assert_eq!(sent["accept"], "application/json");
    assert_eq!(sent["content-type"], "application/json");
    assert_eq!(sent["x-mapped"], "1");
    assert_eq!(sent["host"], address.to_string());
    assert!(
        sent["x-amzn-trace-id"]
            .as_str()
            .is_some_and(|id| id.starts_with("Root="))
    );
    assert_eq!(sent.get("x-lost"), None);
    assert_eq!(reply.headers["x-copy"], "1");
    assert_eq!(reply.headers["x-line"], "PUT /base/bad?q=a%20b HTTP/1.1");
    assert!(!reply.headers.contains_key("x-own"));
}

#[test]
fn a_servers_answer_is_passed_on() {
    let aws = Aws::start(json!({}));
    let address = backend();
    let integration = json!({
        "type": "HTTP_PROXY", "httpMethod": "ANY", "uri": format!("http://{address}/{{proxy}}"), "timeoutInMillis": 1000,
        "requestParameters": {
            "integration.request.path.proxy": "method.request.path.proxy",
            "integration.request.querystring.q": "'mapped'",
        },
    });
    let stage = aws.api(&integration, &json!({}));
    let headers = [("X-Kept", "1"), ("User-Agent", "test"), ("Upgrade", "x")];
    let reply = aws.send("PATCH", &format!("{stage}/a/bad?q=1"), &headers, "text");
    assert_eq!(reply.status, 400);
    let got = reply.json();
    assert_eq!(got["line"], "PATCH /a/bad?q=1&q=mapped HTTP/1.1");
    assert_eq!(got["body"], "text");
    assert_eq!(got["headers"]["x-kept"], "1");
    assert_eq!(got["headers"]["user-agent"], "test");
    assert_eq!(got["headers"].get("upgrade"), None);
    assert_eq!(reply.headers["x-own"], "1");
    assert_eq!(reply.headers["x-amzn-remapped-server"], "own");
    assert_eq!(reply.headers["x-amzn-remapped-connection"], "close");
    let slow = aws.send("GET", &format!("{stage}/slow"), &[], "");
    assert_eq!(slow.status, 504);
    assert_eq!(
        slow.json(),
        json!({ "message": "Endpoint request timed out" })
    );
}

#[test]
fn other_hosts_are_not_reached() {
    let aws = Aws::start(json!({}));
    for uri in [
        "http://example.com/",
        "https://127.0.0.1:1/",
        "http://10.0.0.1:80/",
    ] {
        let integration = json!({ "type": "HTTP_PROXY", "httpMethod": "GET", "uri": uri });
        let stage = aws.api(&integration, &json!({}));
        let reply = aws.send("GET", &format!("{stage}/a"), &[], "");
        assert_eq!(reply.status, 500, "{uri}");
        assert_eq!(reply.json(), json!({ "message": "Internal server error" }));
    }
    let integration =
        json!({ "type": "HTTP_PROXY", "httpMethod": "GET", "uri": "http://127.0.0.1:1/" });
    let stage = aws.api(&integration, &json!({}));
    assert_eq!(aws.send("GET", &format!("{stage}/a"), &[], "").status, 504);
}

#[test]
fn only_the_verbs_of_http_are_methods() {
    let aws = Aws::start(json!({ "statusCode": 200 }));
    let stage = aws.api(&proxy(), &json!({}));
    for (verb, expected) in [
        ("GET", 200),
        ("HEAD", 200),
        ("OPTIONS", 200),
        ("TRACE", 403),
        ("FOO", 403),
    ] {
        let reply = aws.send(verb, &format!("{stage}/a"), &[], "");
        assert_eq!(reply.status, expected, "{verb}");
    }
}

/// Run it with `--release -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn warm_requests_are_quick() {
    let aws = Aws::start(json!({ "statusCode": 200, "body": "x" }));
    let template = json!({
        "type": "AWS", "httpMethod": "POST", "uri": FUNCTION,
        "requestTemplates": { "application/json": "{\"a\": $input.json('$.a'), \"ip\": \"$context.identity.sourceIp\"}" },
    });
    for (name, integration) in [("proxy", proxy()), ("template", template)] {
        let stage = aws.api(&integration, &json!({}));
        let started = Instant::now();
        let count = 4_000;
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let mut stream = TcpStream::connect(aws.address).expect("a connection");
                    let request = format!(
                        "POST {stage}/a HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{{\"a\":1}}"
                    );
                    let mut buffer = [0; 4096];
                    for _ in 0..count / 4 {
                        stream.write_all(request.as_bytes()).expect("it is sent");
                        let read = stream.read(&mut buffer).expect("an answer");
                        assert!(buffer[..read].starts_with(b"HTTP/1.1 200"));
                    }
                });
            }
        });
        let seconds = started.elapsed().as_secs_f64();
        let rate = f64::from(count) / seconds;
        writeln!(std::io::stdout(), "{name}: {rate:.0} a second").expect("it is printed");
    }
}
