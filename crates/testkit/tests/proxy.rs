//! The proxy in front of a minimal server.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use testkit::{Answer, ClosedPort, Decision, Options, Proxy, post, request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A server that answers `{}` to every request and counts connections and requests. It does not wait for bodies.
struct Server {
    url: String,
    connections: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port is free");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let connections = Arc::new(AtomicUsize::new(0));
        let requests = Arc::new(AtomicUsize::new(0));
        let (opened, asked) = (Arc::clone(&connections), Arc::clone(&requests));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                opened.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(answer(stream, Arc::clone(&asked)));
            }
        });
        Self {
            url,
            connections,
            requests,
        }
    }

    fn asked(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

async fn answer(mut stream: TcpStream, asked: Arc<AtomicUsize>) {
    let mut buffer = [0; 4096];
    while matches!(stream.read(&mut buffer).await, Ok(read) if read > 0) {
        asked.fetch_add(1, Ordering::SeqCst);
        if stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
            .await
            .is_err()
        {
            return;
        }
    }
}

#[tokio::test]
async fn delays_records_and_keeps_connections() {
    let server = Server::start().await;
    let options = Options {
        delay: Duration::from_millis(40),
        ..Options::default()
    };
    let proxy = Proxy::start(&server.url, options);
    let started = Instant::now();
    for _ in 0..3 {
        let reply = request(
            "GET",
            &format!("{}/restapis?limit=500", proxy.url()),
            &[],
            "",
        )
        .await;
        assert_eq!((reply.status, reply.body.as_str()), (200, "{}"));
    }
    assert!(
        started.elapsed() >= Duration::from_millis(120),
        "{:?}",
        started.elapsed()
    );
    let calls = proxy.take_calls();
    assert_eq!(calls.len(), 3);
    assert!(
        calls
            .iter()
            .all(|call| call.status == Some(200) && call.took() >= Duration::from_millis(40))
    );
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
    assert!(proxy.take_calls().is_empty());
}

#[tokio::test]
async fn answers_instead_of_the_endpoint() {
    let server = Server::start().await;
    let proxy = Proxy::start(&server.url, Options::default());
    proxy.decide(|_| {
        Decision::Answer(Answer::error(
            429,
            "TooManyRequestsException",
            "Too Many Requests",
        ))
    });
    let reply = post(&proxy.url(), None, &json!({})).await;
    assert_eq!(
        (reply.status, reply.json()["message"].as_str()),
        (429, Some("Too Many Requests"))
    );
    assert_eq!(server.asked(), 0);
    proxy.forward_all();
    assert_eq!(post(&proxy.url(), None, &json!({})).await.status, 200);
}

#[tokio::test]
async fn drops_before_and_after_the_endpoint() {
    let server = Server::start().await;
    let proxy = Proxy::start(&server.url, Options::default());
    for (decision, reached) in [(Decision::DropBefore, 0), (Decision::DropAfter, 1)] {
        proxy.decide(move |_| decision.clone());
        let address = proxy.url().replace("http://", "");
        let mut stream = TcpStream::connect(address)
            .await
            .expect("the proxy listens");
        stream
            .write_all(b"GET /x HTTP/1.1\r\nhost: x\r\n\r\n")
            .await
            .expect("it reads");
        let mut answer = Vec::new();
        // A reset of the connection is an end too.
        let _ = stream.read_to_end(&mut answer).await;
        assert!(answer.is_empty());
        assert_eq!(server.asked(), reached);
        assert_eq!(proxy.take_calls()[0].status, None);
    }
}

#[tokio::test]
async fn an_endpoint_that_is_down_closes_the_connection() {
    let closed = ClosedPort::reserve();
    let proxy = Proxy::start(&format!("http://{}", closed.address()), Options::default());
    let mut stream = TcpStream::connect(proxy.url().replace("http://", ""))
        .await
        .expect("the proxy listens");
    stream
        .write_all(b"GET /x HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .expect("it reads");
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(answer.is_empty());
}
