//! The SDK's transport: HTTP/1.1 connections to one endpoint, over TLS for `https`, kept open between invocations.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http::header::HOST;
use http::uri::{Authority, PathAndQuery};
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

type Sender = SendRequest<Full<Bytes>>;

/// Connections to one endpoint. Clones share them.
#[derive(Clone)]
pub(crate) struct Connector {
    endpoint: Arc<Endpoint>,
    connect_timeout: Duration,
    read_timeout: Option<Duration>,
}

struct Endpoint {
    authority: Authority,
    host: String,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    idle: Mutex<Vec<Sender>>,
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Connector")
            .field(&self.endpoint.authority)
            .finish()
    }
}

impl Connector {
    /// A connector to the host of `url`; `tls` is for `https`.
    pub(crate) fn new(
        url: &Uri,
        tls: Option<Arc<rustls::ClientConfig>>,
        connect_timeout: Duration,
    ) -> io::Result<Self> {
        let invalid = || io::Error::other("the endpoint has no host");
        let authority = url.authority().cloned().ok_or_else(invalid)?;
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        let port = authority
            .port_u16()
            .unwrap_or(if tls.is_some() { 443 } else { 80 });
        let tls = match tls {
            Some(config) => {
                let name = ServerName::try_from(host.clone()).map_err(io::Error::other)?;
                Some((TlsConnector::from(config), name))
            }
            None => None,
        };
        Ok(Self {
            endpoint: Arc::new(Endpoint {
                authority,
                host,
                port,
                tls,
                idle: Mutex::default(),
            }),
            connect_timeout,
            read_timeout: None,
        })
    }

    /// Connects before the first request, which reports a failure.
    pub(crate) async fn open(&self) {
        if let Ok(sender) = self.connect().await {
            self.put_back(sender);
        }
    }

    async fn connect(&self) -> Result<Sender, ConnectorError> {
        match timeout(self.connect_timeout, self.endpoint.connect()).await {
            Ok(connected) => connected.map_err(|error| ConnectorError::io(error.into())),
            Err(_) => Err(ConnectorError::timeout(
                format!("no connection within {:?}", self.connect_timeout).into(),
            )),
        }
    }

    /// Returns an idle connection that is still open. Yields twice, so that the I/O driver and then the connection's task notice
    /// an end that arrived while the function was frozen.
    async fn take_idle(&self) -> Option<Sender> {
        loop {
            let mut sender = self.lock().pop()?;
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
            if sender.ready().await.is_ok() {
                return Some(sender);
            }
        }
    }

    fn put_back(&self, sender: Sender) {
        self.lock().push(sender);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Sender>> {
        let idle = &self.endpoint.idle;
        idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn send(self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let request = self.to_origin(request)?;
        let answered = async {
            if let Some(mut sender) = self.take_idle().await {
                match exchange(&mut sender, request.clone()).await {
                    Ok(response) => {
                        self.put_back(sender);
                        return Ok(response);
                    }
                    // It was closed before the request was sent.
                    Err(error) if error.is_canceled() => {}
                    Err(error) => return Err(ConnectorError::io(error.into())),
                }
            }
            let mut sender = self.connect().await?;
            let response = exchange(&mut sender, request)
                .await
                .map_err(|error| ConnectorError::io(error.into()))?;
            self.put_back(sender);
            Ok(response)
        };
        let response = match self.read_timeout {
            None => answered.await?,
            Some(limit) => timeout(limit, answered).await.map_err(|_| {
                ConnectorError::timeout(format!("no answer within {limit:?}").into())
            })??,
        };
        HttpResponse::try_from(response.map(SdkBody::from)).map_err(user)
    }

    /// Returns the request as HTTP/1.1 sends it: with the path alone, and the host as a header.
    fn to_origin(&self, request: HttpRequest) -> Result<Request<Full<Bytes>>, ConnectorError> {
        let (mut head, body) = request.try_into_http1x().map_err(user)?.into_parts();
        let authority = &self.endpoint.authority;
        if head.uri.authority() != Some(authority) {
            let other = head.uri.authority().map_or("", |other| other.as_str());
            return Err(ConnectorError::user(
                format!("this client connects to `{authority}`, not to `{other}`").into(),
            ));
        }
        if !head.headers.contains_key(HOST) {
            let host = HeaderValue::from_str(authority.as_str())
                .map_err(|error| ConnectorError::user(error.into()))?;
            head.headers.insert(HOST, host);
        }
        let path = head.uri.path_and_query().cloned();
        head.uri = path.unwrap_or(PathAndQuery::from_static("/")).into();
        let body = body
            .bytes()
            .map(Bytes::copy_from_slice)
            .ok_or_else(|| ConnectorError::user("DynamoDB's requests are not streams".into()))?;
        Ok(Request::from_parts(head, Full::new(body)))
    }
}

impl Endpoint {
    async fn connect(&self) -> io::Result<Sender> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        stream.set_nodelay(true)?;
        match &self.tls {
            Some((connector, name)) => {
                shake_hands(connector.connect(name.clone(), stream).await?).await
            }
            None => shake_hands(stream).await,
        }
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.clone().send(request))
    }
}

impl HttpClient for Connector {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Self {
            endpoint: Arc::clone(&self.endpoint),
            connect_timeout: settings.connect_timeout().unwrap_or(self.connect_timeout),
            read_timeout: settings.read_timeout(),
        })
    }
}

fn user(error: impl std::error::Error + Send + Sync + 'static) -> ConnectorError {
    ConnectorError::user(error.into())
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
    let (head, body) = sender.send_request(request).await?.into_parts();
    Ok(Response::from_parts(head, body.collect().await?.to_bytes()))
}
