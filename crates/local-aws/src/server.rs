//! The listener: HTTP/1.1 on loopback.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::{LocalAws, Outcome};

/// Lambda takes 70,167,211 bytes; nothing takes more.
const LARGEST_BODY: usize = 72_000_000;
/// A client that does not finish its headers is let go.
const HEADERS_WITHIN: Duration = Duration::from_secs(30);

impl LocalAws {
    /// Serves until `shutdown` ends; then ends the functions' processes too.
    pub async fn serve(
        &self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()>,
    ) -> io::Result<()> {
        let address = listener.local_addr()?;
        self.set_endpoint(&format!("http://{address}"));
        let mut connections = JoinSet::new();
        connections.spawn(crate::admin::housekeeping(self.0.clone()));
        tokio::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(connection(self.clone(), stream));
                    }
                    // Out of file descriptors, most likely; what is open goes on and gives some back.
                    Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                },
                Some(_) = connections.join_next(), if !connections.is_empty() => {}
            }
        }
        connections.shutdown().await;
        self.0.environments.end_all().await;
        Ok(())
    }

    /// Listens on `port` of 127.0.0.1, or on a free one for 0.
    pub async fn bind(port: u16) -> io::Result<TcpListener> {
        TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], port))).await
    }
}

async fn connection(aws: LocalAws, stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| answer(aws.clone(), request));
    // An error here is the client's leaving, or a lost answer made on purpose.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_WITHIN)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// The connection is closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("dropped on purpose")]
struct Dropped;

async fn answer(
    aws: LocalAws,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Dropped> {
    let (parts, body) = request.into_parts();
    let body = match Limited::new(body, LARGEST_BODY).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => {
            let mut response = Response::new(Full::from("{\"message\":\"Request Too Long\"}"));
            *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
            return Ok(response);
        }
    };
    // In a task of its own: a panic there ends that request and not the server.
    let work = tokio::spawn(async move { aws.handle(Request::from_parts(parts, body)).await });
    match work.await {
        Ok(Outcome::Answered(response)) => Ok(response.map(Full::new)),
        Ok(Outcome::Dropped) | Err(_) => Err(Dropped),
    }
}
