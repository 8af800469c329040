//! The two ways to the local AWS: within this process, and over HTTP.

use std::fmt::Write;
use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use local_aws::{LocalAws, Outcome};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[derive(Clone)]
pub(crate) enum Door {
    Within(LocalAws),
    Http(SocketAddr),
}

/// A request as it is written.
pub(crate) struct Sent {
    pub(crate) method: String,
    /// A path with its query, or a whole URL.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Door {
    /// An error is a text that tells what went wrong on the way.
    pub(crate) async fn send(&self, sent: Sent) -> Result<Reply, String> {
        let (host, path) = match sent.target.strip_prefix("http://") {
            Some(rest) => {
                let at = rest.find('/').unwrap_or(rest.len());
                let (host, path) = rest.split_at(at);
                (
                    Some(host.to_owned()),
                    if path.is_empty() { "/" } else { path }.to_owned(),
                )
            }
            None => (None, sent.target.clone()),
        };
        match self {
            Self::Within(aws) => {
                within(aws, host.unwrap_or_else(|| "localhost".into()), path, sent).await
            }
            Self::Http(address) => {
                over_http(
                    *address,
                    host.unwrap_or_else(|| address.to_string()),
                    path,
                    sent,
                )
                .await
            }
        }
    }
}

async fn within(aws: &LocalAws, host: String, path: String, sent: Sent) -> Result<Reply, String> {
    let mut request = Request::builder()
        .method(sent.method.as_str())
        .uri(path)
        .header("host", host);
    for (name, value) in &sent.headers {
        request = request.header(name.as_str(), value.as_str());
    }
    let request = request
        .body(Bytes::from(sent.body))
        .map_err(|error| error.to_string())?;
    match aws.handle(request).await {
        Outcome::Answered(response) => {
            let (parts, body) = response.into_parts();
            Ok(Reply {
                status: parts.status.as_u16(),
                headers: parts.headers,
                body: body.to_vec(),
            })
        }
        Outcome::Dropped => Err("the connection was dropped".to_owned()),
    }
}

async fn over_http(
    address: SocketAddr,
    host: String,
    path: String,
    sent: Sent,
) -> Result<Reply, String> {
    let mut head = format!(
        "{} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {}\r\n",
        sent.method,
        sent.body.len()
    );
    for (name, value) in &sent.headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    head.push_str("\r\n");
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(&sent.body);
    let mut answer = Vec::new();
    let exchange = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(&bytes).await?;
        stream.read_to_end(&mut answer).await
    };
    exchange.await.map_err(|error| error.to_string())?;
    parsed(&answer).ok_or_else(|| format!("no HTTP answer: {}", String::from_utf8_lossy(&answer)))
}

fn parsed(answer: &[u8]) -> Option<Reply> {
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
    let head = std::str::from_utf8(answer.get(..end)?).ok()?;
    let rest = answer.get(end + 4..)?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(':')?;
        headers.append(
            HeaderName::from_bytes(name.as_bytes()).ok()?,
            HeaderValue::from_str(value.trim()).ok()?,
        );
    }
    let is_chunked = headers
        .get("transfer-encoding")
        .is_some_and(|value| value == "chunked");
    let body = if is_chunked {
        joined(rest)?
    } else {
        rest.to_vec()
    };
    Some(Reply {
        status,
        headers,
        body,
    })
}

/// The chunks' contents.
fn joined(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|bytes| bytes == b"\r\n")?;
        let size = std::str::from_utf8(rest.get(..end)?).ok()?;
        let size = usize::from_str_radix(size.split(';').next()?, 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        rest = rest.get(end + 2..)?;
        body.extend_from_slice(rest.get(..size)?);
        rest = rest.get(size + 2..)?;
    }
}
