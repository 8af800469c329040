//! Plain HTTPS requests to the public endpoint of a stack.

use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;

use tokio::time::timeout;

use provision_engine::secret::Secret;

/// API Gateway's own limit is 29 s.
const ANSWER: Duration = Duration::from_secs(30);

/// Sends requests over the same HTTP stack as the SDK's clients.
#[derive(Debug)]
pub struct Http(SharedHttpConnector);

/// The answer to a request.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body, read as UTF-8 with replacement characters.
    pub body: String,
}

impl Http {
    /// A client for `url`. Without TLS where the URL has none, because reading the system's certificates takes a while.
    pub fn new(url: &str) -> Self {
        let settings = HttpConnectorSettings::builder()
            .connect_timeout(Duration::from_secs(4))
            .read_timeout(ANSWER)
            .build();
        let builder = Connector::builder().connector_settings(settings);
        let connector = if url.starts_with("http://") {
            builder.build_http()
        } else {
            builder
                .tls_provider(Provider::Rustls(CryptoMode::Ring))
                .build()
        };
        Self::by(SharedHttpConnector::new(connector))
    }

    /// A client over a connector that was made elsewhere.
    pub fn by(connector: SharedHttpConnector) -> Self {
        Self(connector)
    }

    /// Sends one request with a JSON body, and with `key` as `x-api-key`.
    ///
    /// # Errors
    ///
    /// Without an answer within 30 s, or for a text that is no URL.
    pub async fn send(
        &self,
        method: &str,
        url: &str,
        key: Option<&Secret>,
        body: String,
    ) -> Result<Answer> {
        let mut request = HttpRequest::new(SdkBody::from(body));
        request.set_method(method)?;
        request
            .set_uri(url)
            .with_context(|| format!("`{url}` is not a valid URL"))?;
        request
            .headers_mut()
            .insert("content-type", "application/json");
        if let Some(key) = key {
            request
                .headers_mut()
                .insert("x-api-key", key.reveal().to_owned());
        }
        let mut response = timeout(ANSWER, self.0.call(request))
            .await
            .map_err(|_| anyhow!("no answer from {url} within {} s", ANSWER.as_secs()))?
            .map_err(|error| anyhow!("no answer from {url}: {error}"))?;
        let body = std::mem::replace(response.body_mut(), SdkBody::taken());
        let bytes = aws_smithy_types::byte_stream::ByteStream::new(body)
            .collect()
            .await
            .with_context(|| format!("reading the answer of {url}"))?;
        Ok(Answer {
            status: response.status().as_u16(),
            body: String::from_utf8_lossy(&bytes.into_bytes()).into_owned(),
        })
    }
}
