//! One persistent connection to the endpoint, over TLS for `https`.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

type Sender = SendRequest<Full<Bytes>>;

/// A connection, opened on demand and reused.
pub(crate) struct Connection {
    host: String,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    idle: Mutex<Option<Sender>>,
}

/// The error of a request.
pub(crate) enum ConnectionError {
    /// The connection could not be opened, so nothing was sent.
    Connect,
    /// The request was sent and no complete answer came back.
    Closed,
}

impl Connection {
    pub(crate) fn new(endpoint: &Uri, tls: Option<Arc<rustls::ClientConfig>>) -> io::Result<Self> {
        let host = endpoint
            .host()
            .unwrap_or_default()
            .trim_matches(['[', ']'])
            .to_owned();
        let tls = match tls {
            Some(config) => {
                let name = ServerName::try_from(host.clone()).map_err(io::Error::other)?;
                Some((TlsConnector::from(config), name))
            }
            None => None,
        };
        let port = endpoint
            .port_u16()
            .unwrap_or(if tls.is_some() { 443 } else { 80 });
        Ok(Self {
            host,
            port,
            tls,
            idle: Mutex::new(None),
        })
    }

    /// Connects before the first request, which reports a failure.
    pub(crate) async fn open(&self) {
        if let Ok(sender) = self.connect().await {
            self.put_back(sender);
        }
    }

    /// Sends a request. A connection that was closed while the function was frozen is replaced without a failed attempt.
    pub(crate) async fn send(
        &self,
        request: impl Fn() -> Request<Full<Bytes>>,
    ) -> Result<Response<Bytes>, ConnectionError> {
        if let Some(mut sender) = self.take_idle().await {
            match exchange(&mut sender, request()).await {
                Ok(response) => {
                    self.put_back(sender);
                    return Ok(response);
                }
                Err(error) if error.is_canceled() => {}
                Err(_) => return Err(ConnectionError::Closed),
            }
        }
        let mut sender = self.connect().await.map_err(|_| ConnectionError::Connect)?;
        let response = exchange(&mut sender, request())
            .await
            .map_err(|_| ConnectionError::Closed)?;
        self.put_back(sender);
        Ok(response)
    }

    /// Returns the idle connection if it is still open. Yields twice, so that the I/O driver and then the connection's task
    /// notice an end that arrived while the function was frozen.
    async fn take_idle(&self) -> Option<Sender> {
        let mut sender = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()?;
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
        sender.ready().await.is_ok().then_some(sender)
    }

    fn put_back(&self, sender: Sender) {
        *self.idle.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
    }

    async fn connect(&self) -> io::Result<Sender> {
        timeout(CONNECT_TIMEOUT, async {
            let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
            stream.set_nodelay(true)?;
            match &self.tls {
                Some((connector, name)) => {
                    shake_hands(connector.connect(name.clone(), stream).await?).await
                }
                None => shake_hands(stream).await,
            }
        })
        .await?
    }
}

async fn shake_hands<S>(stream: S) -> io::Result<Sender>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = handshake(TokioIo::new(stream))
        .await
        .map_err(io::Error::other)?;
    tokio::spawn(connection);
    Ok(sender)
}

async fn exchange(
    sender: &mut Sender,
    request: Request<Full<Bytes>>,
) -> hyper::Result<Response<Bytes>> {
    let (parts, body) = sender.send_request(request).await?.into_parts();
    Ok(Response::from_parts(
        parts,
        body.collect().await?.to_bytes(),
    ))
}
