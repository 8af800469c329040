//! Bytes on a connection to a listening AWS: whatever they are, the next connection is answered.

#![no_main]

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::OnceLock;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use local_aws::{LocalAws, Options};
use tokio::runtime::Runtime;

static SERVER: OnceLock<(Runtime, SocketAddr)> = OnceLock::new();

fn start() -> (Runtime, SocketAddr) {
    let runtime = Runtime::new().expect("a runtime starts");
    let aws = LocalAws::open(Options::default()).expect("an AWS in memory");
    let listener = runtime.block_on(LocalAws::bind(0)).expect("a port");
    let address = listener.local_addr().expect("its address");
    runtime.spawn(async move { aws.serve(listener, std::future::pending()).await });
    (runtime, address)
}

fn sent(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a limit");
    let mut answer = Vec::new();
    if stream.write_all(bytes).is_ok() {
        let _ = stream.shutdown(Shutdown::Write);
        let _ = stream.read_to_end(&mut answer);
    }
    answer
}

fuzz_target!(|input: &[u8]| {
    let (_, address) = SERVER.get_or_init(start);
    sent(*address, input);
    let answer = sent(*address, b"GET /_local/health HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
});
