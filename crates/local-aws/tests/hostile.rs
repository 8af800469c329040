//! Malformed requests to a listening AWS: each gets an error of the service it was sent to, and the next is answered.

use std::io::{Cursor, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use local_aws::{LocalAws, Options, Runner};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const FUNCTIONS: &str = "/2015-03-31/functions";
const MEGABYTE: usize = 1 << 20;

/// One AWS on a port of its own, gone when it is dropped.
struct Wire {
    address: SocketAddr,
    _runtime: Runtime,
}

/// The answer.
#[derive(Debug)]
struct Reply {
    status: u16,
    head: String,
    body: String,
}

impl Reply {
    /// The error's name, wherever the protocol puts it.
    fn code(&self) -> String {
        let header = self
            .head
            .lines()
            .find_map(|line| line.strip_prefix("x-amzn-errortype: "));
        let element = self
            .body
            .split_once("<Code>")
            .and_then(|(_, rest)| rest.split_once("</Code>"));
        let json = serde_json::from_str::<Value>(&self.body).unwrap_or_default();
        header
            .or(element.map(|(code, _)| code))
            .or(json["__type"].as_str())
            .map(|code| code.rsplit('#').next().unwrap_or_default().to_owned())
            .unwrap_or_default()
    }

    #[track_caller]
    fn is(&self, status: u16, code: &str) {
        let text: String = self.body.chars().take(300).collect();
        assert_eq!(
            (self.status, self.code().as_str()),
            (status, code),
            "{text}"
        );
    }
}

fn signature(service: &str) -> String {
    format!(
        "authorization: AWS4-HMAC-SHA256 Credential=000000000000/20261124/eu-west-1/{service}/aws4_request, \
         SignedHeaders=host, Signature=00\r\n"
    )
}

impl Wire {
    fn start() -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let aws = LocalAws::open(Options {
            runner: Runner::Inline(Arc::new(|_, event| Ok(event))),
            ..Options::default()
        })
        .expect("an AWS in memory");
        let listener = runtime.block_on(LocalAws::bind(0)).expect("a port");
        let address = listener.local_addr().expect("its address");
        runtime.spawn(async move { aws.serve(listener, std::future::pending()).await });
        Self {
            address,
            _runtime: runtime,
        }
    }

    /// Sends bytes on a connection of their own, and reads to its end. Panics if there is no answer.
    #[track_caller]
    fn raw(&self, bytes: &[u8]) -> Reply {
        let stream = TcpStream::connect(self.address).expect("a connection");
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .expect("a limit");
        let mut writing = stream.try_clone().expect("a handle");
        // A refusal may come before all of it has been taken.
        let sent = bytes.to_vec();
        let writer = std::thread::spawn(move || writing.write_all(&sent));
        let mut answer = Vec::new();
        let mut reading = stream;
        let _ = reading.read_to_end(&mut answer);
        let _ = writer.join().expect("a writer");
        let answer = String::from_utf8_lossy(&answer);
        let (head, body) = answer
            .split_once("\r\n\r\n")
            .expect("an answer, and not a closed connection");
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        Reply {
            status: status.expect("a status"),
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    #[track_caller]
    fn send(&self, method: &str, path: &str, headers: &str, body: impl AsRef<[u8]>) -> Reply {
        let body = body.as_ref();
        let mut bytes = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        bytes.extend_from_slice(body);
        self.raw(&bytes)
    }

    #[track_caller]
    fn dynamodb(&self, operation: &str, body: impl AsRef<[u8]>) -> Reply {
        let target = format!("x-amz-target: DynamoDB_20120810.{operation}\r\n");
        self.send("POST", "/", &(target + &signature("dynamodb")), body)
    }

    #[track_caller]
    fn logs(&self, operation: &str, body: impl AsRef<[u8]>) -> Reply {
        let target = format!("x-amz-target: Logs_20140328.{operation}\r\n");
        self.send("POST", "/", &(target + &signature("logs")), body)
    }

    #[track_caller]
    fn lambda(&self, method: &str, path: &str, body: impl AsRef<[u8]>) -> Reply {
        self.send(method, path, &signature("lambda"), body)
    }

    #[track_caller]
    fn gateway(&self, method: &str, path: &str, body: impl AsRef<[u8]>) -> Reply {
        self.send(method, path, &signature("apigateway"), body)
    }

    #[track_caller]
    fn iam(&self, body: impl AsRef<[u8]>) -> Reply {
        self.send("POST", "/", &signature("iam"), body)
    }

    #[track_caller]
    fn still_answers(&self) {
        assert_eq!(self.send("GET", "/_local/health", "", "").status, 200);
    }

    /// A role and a function to be hostile to.
    #[track_caller]
    fn with_function(self) -> Self {
        self.role();
        let made = self.create("demo", &zip(&[("bootstrap", b"#!/bin/sh\n")]));
        assert_eq!(made.status, 201, "{made:?}");
        self
    }

    #[track_caller]
    fn role(&self) {
        let trust = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%7B%22Effect%22%3A%22Allow%22%2C%22\
                     Principal%22%3A%7B%22Service%22%3A%22lambda.amazonaws.com%22%7D%2C%22Action%22%3A%22sts%3A\
                     AssumeRole%22%7D%7D";
        let made = self.iam(format!(
            "Action=CreateRole&RoleName=demo&AssumeRolePolicyDocument={trust}"
        ));
        assert_eq!(made.status, 200, "{made:?}");
    }

    #[track_caller]
    fn create(&self, name: &str, zip: &[u8]) -> Reply {
        let input = json!({
            "FunctionName": name, "Runtime": "provided.al2023", "Handler": "bootstrap",
            "Role": "arn:aws:iam::000000000000:role/demo", "Code": { "ZipFile": STANDARD.encode(zip) },
        });
        self.lambda("POST", FUNCTIONS, input.to_string())
    }
}

fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer
            .start_file(*name, SimpleFileOptions::default().unix_permissions(0o755))
            .expect("an entry");
        writer.write_all(bytes).expect("its bytes");
    }
    writer.finish().expect("an archive").into_inner()
}

/// JSON within JSON, as deep as that.
fn deep(levels: usize) -> String {
    "[".repeat(levels) + &"]".repeat(levels)
}

#[test]
fn bodies_that_are_no_json() {
    let wire = Wire::start().with_function();
    for body in [
        &b"{\"TableName\":\"a\",\"Key\":{"[..],
        b"{",
        b"\"",
        b"{\"a\":\"\\ud800",
        b"\xff\xfe",
        b"{\"TableName\":\"\xc3\x28\"}",
        deep(100_000).as_bytes(),
        ("{\"name\":".to_owned() + &deep(100_000)).as_bytes(),
    ] {
        wire.dynamodb("GetItem", body)
            .is(400, "SerializationException");
        wire.logs("CreateLogGroup", body)
            .is(400, "SerializationException");
        wire.lambda("POST", FUNCTIONS, body)
            .is(400, "InvalidRequestContentException");
        let invoked = wire.lambda("POST", &format!("{FUNCTIONS}/demo/invocations"), body);
        if body == deep(100_000).as_bytes() {
            assert_eq!(invoked.status, 200, "an event may be any JSON");
        } else {
            invoked.is(400, "InvalidRequestContentException");
        }
        wire.gateway("POST", "/restapis", body)
            .is(400, "BadRequestException");
        wire.iam(body).is(400, "MissingAction");
    }
    wire.iam("Action=CreateRole&RoleName=%ff%fe&AssumeRolePolicyDocument=%7B")
        .is(400, "ValidationError");
    wire.iam(format!(
        "Action=CreateRole&RoleName=a&AssumeRolePolicyDocument={}",
        deep(60_000)
    ))
    .is(400, "MalformedPolicyDocument");
    wire.still_answers();
}

#[test]
fn values_that_are_deep() {
    let wire = Wire::start();
    let value = "{\"L\":[".repeat(30_000) + &"]}".repeat(30_000);
    let item = format!("{{\"TableName\":\"demo\",\"Item\":{{\"id\":{value}}}}}");
    assert_eq!(wire.dynamodb("PutItem", item).status, 400);
    for open in ["(", "NOT ", "NOT (", "size("] {
        let expression = open.repeat(50_000) + "a = :a" + &")".repeat(50_000);
        let scan = json!({
            "TableName": "demo", "FilterExpression": expression, "ExpressionAttributeValues": { ":a": { "S": "a" } },
        });
        assert_eq!(wire.dynamodb("Scan", scan.to_string()).status, 400);
    }
    wire.logs("CreateLogGroup", "{\"logGroupName\":\"g\"}");
    for pattern in ["(", "!", "{ (", "{ ($.a = 1) && ("] {
        let filter = json!({ "logGroupName": "g", "filterPattern": pattern.repeat(100_000) });
        wire.logs("FilterLogEvents", filter.to_string())
            .is(400, "InvalidParameterException");
    }
    wire.still_answers();
}

#[test]
fn expressions_that_are_deep() {
    let wire = Wire::start();
    let table = json!({
        "TableName": "demo", "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{ "AttributeName": "id", "KeyType": "HASH" }],
        "AttributeDefinitions": [{ "AttributeName": "id", "AttributeType": "S" }],
    });
    assert_eq!(wire.dynamodb("CreateTable", table.to_string()).status, 200);
    for open in ["(", "NOT ", "NOT (", "size("] {
        let expression = open.repeat(50_000) + "a = :a" + &")".repeat(50_000);
        let scan = json!({
            "TableName": "demo", "FilterExpression": expression, "ExpressionAttributeValues": { ":a": { "S": "a" } },
        });
        wire.dynamodb("Scan", scan.to_string())
            .is(400, "ValidationException");
    }
    let list = "[".repeat(50_000) + &"]".repeat(50_000);
    let statement =
        json!({ "Statement": format!("INSERT INTO demo VALUE {{'id': 'a', 'v': {list}}}") });
    wire.dynamodb("ExecuteStatement", statement.to_string())
        .is(400, "ValidationException");
    let projection = json!({
        "TableName": "demo", "Key": { "id": { "S": "a" } }, "ProjectionExpression": "a".to_owned() + &".a".repeat(50_000),
    });
    wire.dynamodb("GetItem", projection.to_string())
        .is(400, "ValidationException");
    wire.still_answers();
}

#[test]
fn bodies_of_ten_megabytes() {
    let wire = Wire::start().with_function();
    let large = "x".repeat(10 * MEGABYTE);
    let json =
        json!({ "name": large, "TableName": large, "logGroupName": large, "FunctionName": large })
            .to_string();
    assert!((400..500).contains(&wire.dynamodb("DescribeTable", &json).status));
    wire.logs("CreateLogGroup", &json)
        .is(400, "InvalidParameterException");
    assert!(wire.gateway("POST", "/restapis", &json).status < 500);
    assert!((400..500).contains(&wire.lambda("POST", FUNCTIONS, &json).status));
    assert!(
        (400..500).contains(
            &wire
                .iam(format!("Action=CreateRole&RoleName={large}"))
                .status
        )
    );
    wire.lambda("POST", &format!("{FUNCTIONS}/demo/invocations"), &json)
        .is(413, "RequestTooLargeException");
    let public = wire.send("POST", "/restapis/a/Prod/_user_request_/b", "", &json);
    assert!([403, 413].contains(&public.status), "{public:?}");
    let beyond = wire.lambda("POST", FUNCTIONS, vec![b' '; 73 * MEGABYTE]);
    assert_eq!(beyond.status, 413, "{beyond:?}");
    wire.still_answers();
}

#[test]
fn signatures_that_are_none() {
    let wire = Wire::start();
    wire.send("GET", "/restapis", "", "")
        .is(403, "MissingAuthenticationTokenException");
    wire.send(
        "POST",
        "/",
        "x-amz-target: DynamoDB_20120810.ListTables\r\n",
        "{}",
    )
    .is(403, "MissingAuthenticationTokenException");
    for header in [
        "",
        "Bearer x",
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 Credential=a/b/c/d/e",
        "AWS4-HMAC-SHA256 Credential=a/20261124/../lambda/aws4_request, SignedHeaders=host, Signature=00",
        "AWS4-HMAC-SHA256 Credential=a/20261124/eu-west-1/lambda/aws4_request, Signature=00",
        "AWS4-HMAC-SHA256 Credential=//eu-west-1//aws4_request, SignedHeaders=, Signature=",
        "\u{fffd}\u{fffd}",
    ] {
        wire.send(
            "GET",
            "/restapis",
            &format!("authorization: {header}\r\n"),
            "",
        )
        .is(400, "IncompleteSignatureException");
    }
    wire.send("GET", "/", &signature("s3"), "")
        .is(501, "NotImplementedException");
    wire.still_answers();
}

#[test]
fn operations_that_nobody_knows() {
    let wire = Wire::start();
    wire.dynamodb("Guess", "{}")
        .is(400, "UnknownOperationException");
    wire.logs("Guess", "{}")
        .is(400, "UnknownOperationException");
    wire.send("POST", "/", &signature("dynamodb"), "{}")
        .is(400, "UnknownOperationException");
    wire.iam("Action=Guess").is(400, "InvalidAction");
    for path in [
        "/",
        "//",
        "/2015-03-31",
        "/2015-03-31/functions/a/b/c",
        "/%2e%2e/%00",
        "/restapis",
    ] {
        wire.lambda("PATCH", path, "")
            .is(404, "UnknownOperationException");
    }
    wire.gateway("PUT", "/restapis//..//", "{}")
        .is(404, "UnknownOperationException");
    wire.still_answers();
}

#[test]
fn requests_that_are_no_http() {
    let wire = Wire::start();
    assert_eq!(
        wire.raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n")
            .status,
        400
    );
    assert_eq!(wire.raw(b"GET\r\n\r\n").status, 400);
    let huge = format!("x-huge: {}\r\n", "x".repeat(MEGABYTE));
    assert_eq!(wire.send("GET", "/restapis", &huge, "").status, 431);
    let many = (0..1000).fold(String::new(), |headers, at| {
        headers + &format!("x-{at}: a\r\n")
    });
    assert_eq!(wire.send("GET", "/restapis", &many, "").status, 431);
    let long = format!("/{}", "x".repeat(70_000));
    assert_eq!(wire.gateway("GET", &long, "").status, 414);
    let length = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 99999999999999999999999\r\n\r\n";
    assert_eq!(wire.raw(length).status, 400);
    wire.still_answers();
}

#[test]
fn zips_that_are_traps() {
    let wire = Wire::start().with_function();
    let bomb = vec![0; 270_000_000];
    wire.create("bomb", &zip(&[("bootstrap", &bomb)]))
        .is(400, "InvalidParameterValueException");
    for name in ["../up", "a/../../up", "/absolute", "C:\\x/../..", ""] {
        let refused = wire.create("path", &zip(&[("bootstrap", b"#!/bin/sh\n"), (name, b"x")]));
        assert!([201, 400].contains(&refused.status), "{name}: {refused:?}");
        wire.lambda("DELETE", &format!("{FUNCTIONS}/path"), "");
    }
    for name in ["../up", "a/../../up"] {
        wire.create("path", &zip(&[(name, b"x")]))
            .is(400, "InvalidParameterValueException");
    }
    let whole = zip(&[("bootstrap", b"#!/bin/sh\n")]);
    for end in 0..whole.len() {
        let cut = wire.create("cut", &whole[..end]);
        assert_eq!(cut.status, 400, "{end}: {cut:?}");
    }
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 0xff;
        let answer = wire.create("changed", &changed);
        assert!([201, 400].contains(&answer.status), "{at}: {answer:?}");
        wire.lambda("DELETE", &format!("{FUNCTIONS}/changed"), "");
    }
    wire.still_answers();
}

#[test]
fn numbers_that_are_absurd() {
    let wire = Wire::start().with_function();
    wire.logs("CreateLogGroup", "{\"logGroupName\":\"g\"}");
    wire.logs(
        "CreateLogStream",
        "{\"logGroupName\":\"g\",\"logStreamName\":\"s\"}",
    );
    let api = wire.gateway("POST", "/restapis", "{\"name\":\"a\"}");
    let api: Value = serde_json::from_str(&api.body).expect("an API");
    let api = api["id"].as_str().expect("its id");
    for number in [
        "-1",
        "9223372036854775807",
        "-9223372036854775808",
        "18446744073709551615",
        "99999999999999999999999999",
        "1e308",
        "1e999",
        "0.1",
        "-0",
    ] {
        let answers = [
            wire.logs("PutRetentionPolicy", format!("{{\"logGroupName\":\"g\",\"retentionInDays\":{number}}}")),
            wire.logs("DescribeLogGroups", format!("{{\"limit\":{number}}}")),
            wire.logs(
                "FilterLogEvents",
                format!("{{\"logGroupName\":\"g\",\"startTime\":{number},\"endTime\":{number},\"limit\":{number}}}"),
            ),
            wire.logs(
                "GetLogEvents",
                format!("{{\"logGroupName\":\"g\",\"logStreamName\":\"s\",\"startTime\":{number},\"endTime\":{number}}}"),
            ),
            wire.logs(
                "PutLogEvents",
                format!(
                    "{{\"logGroupName\":\"g\",\"logStreamName\":\"s\",\
                     \"logEvents\":[{{\"timestamp\":{number},\"message\":\"m\"}}]}}"
                ),
            ),
            wire.lambda(
                "PUT",
                &format!("{FUNCTIONS}/demo/configuration"),
                format!("{{\"Timeout\":{number},\"MemorySize\":{number}}}"),
            ),
            wire.lambda(
                "PUT",
                "/2017-10-31/functions/demo/concurrency",
                format!("{{\"ReservedConcurrentExecutions\":{number}}}"),
            ),
            wire.lambda("GET", &format!("{FUNCTIONS}?MaxItems={number}"), ""),
            wire.gateway("GET", &format!("/restapis?limit={number}"), ""),
            wire.gateway(
                "POST",
                "/usageplans",
                format!(
                    "{{\"name\":\"p\",\"throttle\":{{\"rateLimit\":{number},\"burstLimit\":{number}}},\
                     \"quota\":{{\"limit\":{number},\"offset\":{number},\"period\":\"DAY\"}}}}"
                ),
            ),
            wire.gateway(
                "PATCH",
                &format!("/restapis/{api}"),
                format!("{{\"patchOperations\":[{{\"op\":\"replace\",\"path\":\"/minimumCompressionSize\",\"value\":\"{number}\"}}]}}"),
            ),
            wire.iam(format!("Action=ListRoles&MaxItems={number}")),
            wire.iam(format!("Action=UpdateRole&RoleName=demo&MaxSessionDuration={number}")),
            wire.send(
                "POST",
                "/",
                &signature("sts"),
                format!(
                    "Action=AssumeRole&RoleArn=arn:aws:iam::000000000000:role/demo&RoleSessionName=s&DurationSeconds={number}"
                ),
            ),
            wire.dynamodb("Scan", format!("{{\"TableName\":\"none\",\"Limit\":{number},\"TotalSegments\":{number}}}")),
            wire.dynamodb("ListTables", format!("{{\"Limit\":{number}}}")),
        ];
        for (at, answer) in answers.iter().enumerate() {
            assert!(answer.status < 500, "{number} {at}: {answer:?}");
        }
    }
    wire.still_answers();
}

#[test]
fn faults_that_are_absurd() {
    let wire = Wire::start().with_function();
    let most = u64::MAX;
    let faults = json!({
        "role_propagation_ms": most, "policy_propagation_ms": most, "visibility_ms": most, "table_creating_ms": most,
        "table_deleting_ms": most, "function_pending_ms": most, "function_updating_ms": most,
        "function_deleting_ms": most, "key_propagation_ms": most, "deployment_propagation_ms": most,
        "permission_propagation_ms": most, "ghost_log_group_ms": most, "backups_enabling_ms": most,
        "ttl_changing_ms": most, "ttl_interval_ms": most,
    });
    let set = wire.send(
        "PUT",
        "/_local/faults",
        "content-type: application/json\r\n",
        faults.to_string(),
    );
    assert_eq!(set.status, 200, "{set:?}");
    wire.lambda("GET", &format!("{FUNCTIONS}/demo"), "");
    wire.lambda("POST", &format!("{FUNCTIONS}/demo/invocations"), "{}");
    wire.iam("Action=ListRoles");
    wire.gateway("POST", "/restapis", "{\"name\":\"a\"}");
    wire.lambda("DELETE", &format!("{FUNCTIONS}/demo"), "");
    wire.still_answers();
}

/// Templates that would not end, or would need all memory, fail their request within a second or a few.
#[test]
fn templates_that_are_traps() {
    let wire = Wire::start();
    let api = wire.gateway("POST", "/restapis", "{\"name\":\"a\"}");
    let api: Value = serde_json::from_str(&api.body).expect("an API");
    let (id, root) = (&api["id"], &api["rootResourceId"]);
    let method = format!(
        "/restapis/{}/resources/{}/methods/GET",
        id.as_str().expect("an id"),
        root.as_str().expect("an id")
    );
    let put = |path: &str, body: &Value| wire.gateway("PUT", path, body.to_string()).status;
    assert_eq!(put(&method, &json!({ "authorizationType": "NONE" })), 201);
    for template in [
        "#foreach($i in [1..1000])".repeat(6) + "x" + &"#end".repeat(6),
        "#set($a = 'xxxx')#foreach($i in [1..1000])#set($a = \"$a$a\")#end$a".to_owned(),
        "#set($l = [])#set($d = $l.add($l))$l".to_owned(),
        "#set($l = [1])#foreach($i in [1..1000])#set($d = $l.addAll($l))#end".to_owned(),
        "#set($a = [1..9223372036854775807])".to_owned(),
        "#macro(m)#m()#end#m()".to_owned(),
        "#if(true)".repeat(20_000),
        format!("#set($a = {})", "(".repeat(200_000)),
        format!("#set($a = {})", "!".repeat(200_000)),
        "$a[".repeat(60_000),
        format!("$input.path('${}')", "..*".repeat(1000)),
        format!("$input.path('$[?{}')", "(!".repeat(20_000)),
        "#set($a = 'a')#set($b = $a.replaceAll('((((a{99}){99}){99}){99})', 'b'))$b".to_owned(),
        "#set($a = -9223372036854775808 / -1)$a #set($b = 5 % 0)$b".to_owned(),
        "\u{0}\u{ffff}$\u{301}#\u{301}".to_owned(),
    ] {
        let integration =
            json!({ "type": "MOCK", "requestTemplates": { "application/json": template } });
        let start: String = template.chars().take(60).collect();
        assert_eq!(
            put(&format!("{method}/integration"), &integration),
            201,
            "{start}"
        );
        let tested = wire.gateway("POST", &method, "{\"body\":\"[[[1],[2]],{\\\"a\\\":3}]\"}");
        assert_eq!(tested.status, 200, "{start}: {tested:?}");
        assert!(
            tested.body.contains("\"status\":500"),
            "{start}: {tested:?}"
        );
    }
    wire.still_answers();
}

/// Requests whose framing is odd do not put the names of later ones wrong, and end no connection but their own.
#[test]
fn streams_that_are_odd() {
    let wire = Wire::start();
    for stream in [
        &b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"[..],
        b"POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n5;a=b\r\nabcde\r\n0\r\nx: y\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}GARBAGE\r\n\r\n",
        b"\r\n\r\nGET /_local/health HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
        b"GET /_local/health HTTP/1.0\r\n\r\n",
    ] {
        let reply = wire.raw(stream);
        assert!((200..500).contains(&reply.status), "{reply:?}");
    }
    wire.still_answers();
}
