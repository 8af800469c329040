//! A local `DynamoDB` behind a TLS terminator, both on loopback.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::Result;

/// Name of the database's only table.
pub(crate) const TABLE_NAME: &str = "lambda-apigateway";
/// The system's roots, where they are found on Linux; Lambda has as many.
const SYSTEM_ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";
const TABLE: &str = r#"{"TableName": "lambda-apigateway", "BillingMode": "PAY_PER_REQUEST",
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}]}"#;
const PUT_ITEM: &str = r#"{"TableName": "lambda-apigateway", "Item": {"id": {"S": "1234ABCD"}, "number": {"N": "5"}}}"#;
/// Header in the form that the database requires; it does not verify the signature.
const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=key/20260101/us-east-1/dynamodb/aws4_request, \
                             SignedHeaders=host;x-amz-date, Signature=00";

pub(crate) struct Database {
    port: u16,
    certificate: CertificateDer<'static>,
    pub(crate) ca_bundle: PathBuf,
    /// The system's roots with the certificate of the database.
    pub(crate) system_bundle: PathBuf,
}

impl Database {
    pub(crate) async fn start() -> Result<Self> {
        let database = dynoxide::Database::memory()?;
        database.create_table(serde_json::from_str(TABLE)?)?;
        let plain = TcpListener::bind(("127.0.0.1", 0)).await?;
        let plain_port = plain.local_addr()?.port();
        tokio::spawn(dynoxide::server::serve_on(plain, database));

        let key = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
        let certificate = key.cert.der().clone();
        let private_key = PrivateKeyDer::try_from(key.signing_key.serialize_der())?;
        let ca_bundle = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("bench-ca.pem");
        std::fs::write(&ca_bundle, key.cert.pem())?;
        let system_bundle = ca_bundle.with_file_name("bench-system.pem");
        let system_roots = std::fs::read_to_string(SYSTEM_ROOTS).unwrap_or_default();
        std::fs::write(&system_bundle, system_roots + "\n" + &key.cert.pem())?;

        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], private_key)?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(terminate(acceptor.clone(), stream, plain_port));
            }
        });
        Ok(Self {
            port,
            certificate,
            ca_bundle,
            system_bundle,
        })
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// Measures `PutItem` by a minimal client. The client has its own thread, because one in the database's thread would save
    /// the context switches of all other clients.
    pub(crate) async fn own_latencies(
        &self,
        warm_up: usize,
        requests: usize,
    ) -> Result<Vec<Duration>> {
        let (port, certificate) = (self.port, self.certificate.clone());
        let client = tokio::task::spawn_blocking(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(latencies(port, certificate, warm_up, requests))
        });
        client.await?
    }
}

async fn latencies(
    port: u16,
    certificate: CertificateDer<'static>,
    warm_up: usize,
    requests: usize,
) -> Result<Vec<Duration>> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    let stream = TlsConnector::from(Arc::new(config))
        .connect(ServerName::try_from("localhost")?, stream)
        .await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let mut times = Vec::with_capacity(requests);
    for number in 0..warm_up + requests {
        let request = Request::post("/")
            .header("host", "localhost")
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", "DynamoDB_20120810.PutItem")
            .header("x-amz-date", "20260101T000000Z")
            .header("authorization", AUTHORIZATION)
            .body(Full::new(Bytes::from_static(PUT_ITEM.as_bytes())))?;
        sender.ready().await?;
        let start = Instant::now();
        let response = sender.send_request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        if number >= warm_up {
            times.push(start.elapsed());
        }
        if !status.is_success() {
            return Err(format!(
                "the database answers {status}: {}",
                String::from_utf8_lossy(&body)
            )
            .into());
        }
    }
    Ok(times)
}

async fn terminate(acceptor: TlsAcceptor, stream: TcpStream, plain_port: u16) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut encrypted = acceptor.accept(stream).await?;
    let mut plain = TcpStream::connect(("127.0.0.1", plain_port)).await?;
    plain.set_nodelay(true)?;
    copy_bidirectional(&mut encrypted, &mut plain).await?;
    Ok(())
}
