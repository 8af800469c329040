//! The request path, with arbitrary bytes as the event and as the database's reply.
//!
//! An input has the event, a line `====`, and the reply. A reply that starts with `!` is an error.

#![no_main]

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use handler::json::{Json, parse};
use handler::{Config, DynamoDb, Event, Handler, Invocation, Level};
use libfuzzer_sys::fuzz_target;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::task::{LocalSet, spawn_local};

struct Lab {
    runtime: Runtime,
    tasks: LocalSet,
    handler: Handler,
    reply: Rc<RefCell<Vec<u8>>>,
}

thread_local! {
    static LAB: Lab = Lab::start();
}

impl Lab {
    fn start() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime starts");
        let tasks = LocalSet::new();
        let reply = Rc::new(RefCell::new(Vec::new()));
        let port = tasks.block_on(&runtime, serve(Rc::clone(&reply)));
        let config = Config::read(|name| {
            Some(match name {
                "AWS_ENDPOINT_URL" => format!("http://127.0.0.1:{port}"),
                "AWS_REGION" | "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => "x".to_owned(),
                _ => return None,
            })
        });
        let handler = Handler::new(config.and_then(DynamoDb::new), Level::Off);
        Self { runtime, tasks, handler, reply }
    }
}

async fn serve(reply: Rc<RefCell<Vec<u8>>>) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a loopback port is free");
    let port = listener.local_addr().expect("a bound listener has an address").port();
    spawn_local(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let reply = Rc::clone(&reply);
            spawn_local(async move {
                while read_request(&mut stream).await.is_some() {
                    let answer = http_answer(&reply.borrow());
                    if stream.write_all(&answer).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    port
}

async fn read_request(stream: &mut tokio::net::TcpStream) -> Option<()> {
    let mut request = Vec::new();
    let mut buffer = [0; 16_384];
    loop {
        let count = stream.read(&mut buffer).await.ok().filter(|count| *count > 0)?;
        request.extend_from_slice(&buffer[..count]);
        let Some(end) = request.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&request[..end]).to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "))?.trim().parse::<usize>().ok()?;
        if request.len() >= end + 4 + length {
            return Some(());
        }
    }
}

fn http_answer(reply: &[u8]) -> Vec<u8> {
    let (status, body) = match reply {
        [b'!', body @ ..] => (400, body),
        body => (200, body),
    };
    let mut answer = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
    answer.extend_from_slice(body);
    answer
}

fuzz_target!(|input: &[u8]| {
    const LINE: &[u8] = b"\n====\n";
    let (event, reply) = input
        .windows(LINE.len())
        .position(|window| window == LINE)
        .map_or((input, &b"{}"[..]), |at| (&input[..at], &input[at + LINE.len()..]));
    // A throttled call is retried after up to a second.
    let is_slow = [&b"Throttl"[..], b"Exceeded", b"RequestLimit", b"TooMany", b"SlowDown", b"InProgress"]
        .iter()
        .any(|code| reply.windows(code.len()).any(|window| window == *code));
    if is_slow {
        return;
    }
    LAB.with(|lab| {
        reply.clone_into(&mut lab.reply.borrow_mut());
        let event = Event::read(&String::from_utf8_lossy(event));
        let invocation = Invocation { request_id: "r".to_owned(), remaining: Duration::from_secs(5) };
        match lab.tasks.block_on(&lab.runtime, lab.handler.handle(event, invocation)) {
            Ok(answer) => {
                let answer = parse(&answer).expect("an answer is JSON");
                assert_eq!(parse(&answer.to_string()), Ok(answer), "an answer can be sent again");
            }
            Err(failure) => {
                assert!((400..600).contains(&failure.status), "{failure:?}");
                assert!(matches!(failure.to_json(), Json::Object(_)));
            }
        }
    });
});
