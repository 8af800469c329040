//! The listener's HTTP: what browsers and SDKs send besides plain requests.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use local_aws::{LocalAws, Options, Runner};
use tokio::runtime::Runtime;

const ORIGIN: &str = "http://localhost:5173";

struct Server {
    address: SocketAddr,
    _runtime: Runtime,
}

/// With the answer's head in lower case.
struct Reply {
    status: u16,
    head: String,
    body: String,
}

fn start(origins: &[&str]) -> Server {
    let runtime = Runtime::new().expect("a runtime");
    let aws = LocalAws::open(Options {
        runner: Runner::Inline(Arc::new(|_, event| Ok(event))),
        ..Options::default()
    })
    .expect("an AWS in memory");
    if !origins.is_empty() {
        aws.allow_origins(origins.iter().map(ToString::to_string).collect());
    }
    let listener = runtime.block_on(LocalAws::bind(0)).expect("a port");
    let address = listener.local_addr().expect("its address");
    runtime.spawn(async move { aws.serve(listener, std::future::pending()).await });
    Server {
        address,
        _runtime: runtime,
    }
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).expect("memory");
    encoder.finish().expect("memory")
}

/// The headers of a call of Logs.
fn logs(operation: &str) -> String {
    format!(
        "host: localhost\r\nconnection: close\r\nx-amz-target: Logs_20140328.{operation}\r\nauthorization: AWS4-HMAC-SHA256 \
         Credential=000000000000/20261124/eu-west-1/logs/aws4_request, SignedHeaders=host, Signature=00\r\n"
    )
}

impl Server {
    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("a connection");
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .expect("a limit");
        stream
    }

    fn send(&self, head: &str, body: &[u8]) -> Reply {
        let mut stream = self.connect();
        stream.write_all(head.as_bytes()).expect("a connection");
        stream.write_all(body).expect("a connection");
        reply(&mut stream)
    }

    /// A call of Logs with a body of its length.
    fn logs(&self, operation: &str, more: &str, body: &[u8]) -> Reply {
        let head = format!(
            "POST / HTTP/1.1\r\n{}{more}content-length: {}\r\n\r\n",
            logs(operation),
            body.len()
        );
        self.send(&head, body)
    }
}

fn reply(stream: &mut TcpStream) -> Reply {
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    Reply {
        status: status.expect("a status"),
        head: head.to_lowercase(),
        body: body.to_owned(),
    }
}

#[test]
fn compressed_bodies_are_read() {
    let server = start(&[]);
    let zipped = "content-encoding: gzip\r\n";
    let created = server.logs("CreateLogGroup", zipped, &gzip(r#"{"logGroupName": "g"}"#));
    assert_eq!(created.status, 200, "{}", created.body);
    let listed = server.logs("DescribeLogGroups", "", b"{}");
    assert!(
        listed.body.contains(r#""logGroupName":"g""#),
        "{}",
        listed.body
    );
    let broken = server.logs("CreateLogGroup", zipped, b"{}");
    assert_eq!(broken.status, 400);
    assert!(
        broken.body.contains("SerializationException"),
        "{}",
        broken.body
    );
    let bomb = gzip(&" ".repeat(80_000_000));
    assert_eq!(server.logs("CreateLogGroup", zipped, &bomb).status, 413);
    let chunked = server.logs("CreateLogGroup", "content-encoding: aws-chunked\r\n", b"{}");
    assert_eq!(chunked.status, 501);
    assert!(
        chunked
            .body
            .contains("The local AWS does not support the content encoding aws-chunked"),
        "{}",
        chunked.body
    );
}

#[test]
fn bodies_come_in_several_ways() {
    let server = start(&[]);
    let head = format!(
        "POST / HTTP/1.1\r\n{}transfer-encoding: chunked\r\n\r\n",
        logs("CreateLogGroup")
    );
    let chunks = b"9\r\n{\"logGrou\r\nb\r\npName\":\"c\"}\r\n0\r\n\r\n";
    assert_eq!(server.send(&head, chunks).status, 200);

    let mut stream = server.connect();
    let body = br#"{"logGroupName": "e"}"#;
    let head = format!(
        "POST / HTTP/1.1\r\n{}expect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        logs("CreateLogGroup"),
        body.len()
    );
    stream.write_all(head.as_bytes()).expect("a connection");
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).expect("an answer");
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(body).expect("a connection");
    assert_eq!(reply(&mut stream).status, 200);

    let described = server.logs("DescribeLogGroups", "", b"{}");
    for name in ["c", "e"] {
        let name = format!(r#""logGroupName":"{name}""#);
        assert!(described.body.contains(&name), "{}", described.body);
    }
}

#[test]
fn requests_have_several_forms() {
    let server = start(&[]);
    let of_logs = logs("DescribeLogGroups");
    for line in [
        "POST / HTTP/1.0".to_owned(),
        format!("POST http://{}/ HTTP/1.1", server.address),
        "POST http://logs.eu-west-1.amazonaws.com/ HTTP/1.1".to_owned(),
    ] {
        let head = format!("{line}\r\n{of_logs}content-length: 2\r\n\r\n");
        let reply = server.send(&head, b"{}");
        assert_eq!(reply.status, 200, "{line}: {}", reply.body);
        assert!(reply.body.contains("logGroups"), "{line}: {}", reply.body);
    }
    let head = format!("HEAD / HTTP/1.1\r\n{of_logs}\r\n");
    let reply = server.send(&head, b"");
    assert_eq!((reply.status, reply.body.as_str()), (200, ""));
}

#[test]
fn scripts_of_allowed_origins_may_call() {
    let server = start(&[ORIGIN]);
    let ask = |origin: &str| {
        let head = format!(
            "OPTIONS / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\norigin: {origin}\r\n\
             access-control-request-method: POST\r\naccess-control-request-headers: authorization,x-amz-date\r\n\r\n"
        );
        server.send(&head, b"")
    };
    let allowed = ask(ORIGIN);
    assert_eq!(allowed.status, 200);
    for header in [
        &format!("access-control-allow-origin: {ORIGIN}"),
        "access-control-allow-headers: authorization,x-amz-date",
        "access-control-allow-methods: get,head,post,put,patch,delete,options",
        "access-control-max-age: 172800",
    ] {
        assert!(allowed.head.contains(header), "{}", allowed.head);
    }
    let other = ask("http://evil.example");
    assert_eq!(other.status, 403);
    assert!(!other.head.contains("access-control"), "{}", other.head);

    let origin = format!("origin: {ORIGIN}\r\n");
    let called = server.logs("DescribeLogGroups", &origin, b"{}");
    assert_eq!(called.status, 200);
    for header in [
        &format!("access-control-allow-origin: {ORIGIN}"),
        "access-control-expose-headers: x-amzn-requestid",
        "vary: origin",
    ] {
        assert!(called.head.contains(header), "{}", called.head);
    }
    // What is the server's own stays out of reach.
    let head = format!(
        "GET /_local/health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{origin}\r\n"
    );
    assert!(!server.send(&head, b"").head.contains("access-control"));
}

#[test]
fn scripts_may_not_call_by_default() {
    let server = start(&[]);
    let origin = format!("origin: {ORIGIN}\r\n");
    let called = server.logs("DescribeLogGroups", &origin, b"{}");
    assert!(!called.head.contains("access-control"), "{}", called.head);
    let every = start(&["*"]);
    let called = every.logs("DescribeLogGroups", &origin, b"{}");
    assert!(
        called
            .head
            .contains(&format!("access-control-allow-origin: {ORIGIN}")),
        "{}",
        called.head
    );
}
