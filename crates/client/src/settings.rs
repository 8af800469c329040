//! Settings from the environment variables that Lambda sets; no files are read and nothing is asked for credentials.

use std::env;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{
    BehaviorVersion, Credentials, IdentityCache, Region, StalledStreamProtectionConfig,
};
use aws_sdk_dynamodb::{Client, Config};
use http::Uri;
use rustls::pki_types::{CertificateDer, pem::PemObject};
use rustls::{ClientConfig, RootCertStore, crypto::ring};

use crate::connector::Connector;

/// Longest time that the connection may take of init.
const INIT_CONNECT: Duration = Duration::from_secs(2);

/// Connects to `DynamoDB` as the environment says, before the first invocation.
///
/// A connection that cannot be opened is no error: the first request tries again, and reports it.
///
/// # Errors
///
/// If a variable that Lambda sets is missing, or the endpoint or the certificates are malformed.
pub async fn connect() -> Result<Client, EnvironmentError> {
    Settings::read(|name| env::var(name).ok())?.connect().await
}

/// Settings of a client.
///
/// | variable | meaning |
/// |---|---|
/// | `AWS_REGION`, else `AWS_DEFAULT_REGION` | the region |
/// | `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN` | the credentials of the function's role |
/// | `AWS_ENDPOINT_URL_DYNAMODB`, else `AWS_ENDPOINT_URL` | another endpoint; `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true` ignores them |
/// | `AWS_CA_BUNDLE` | a PEM file of roots that are trusted instead of the compiled-in ones |
#[derive(Clone, Debug)]
pub struct Settings {
    region: String,
    endpoint: Option<String>,
    credentials: Credentials,
    ca_bundle: Option<PathBuf>,
    connect_timeout: Duration,
    attempt_timeout: Duration,
    timeout: Duration,
    attempts: u32,
}

/// An environment that no client can be made from.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnvironmentError {
    /// A variable is not set.
    #[error("the environment variable `{0}` is not set: Lambda sets it, and so does the local AWS")]
    Unset(&'static str),
    /// The endpoint is not the URL of a server.
    #[error("`{0}` is not a valid endpoint URL: it begins with `http://` or `https://` and a host")]
    Endpoint(String),
    /// TLS cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] io::Error),
}

impl Settings {
    /// Reads the settings; `variable` returns an environment variable. An empty variable counts as unset.
    ///
    /// # Errors
    ///
    /// If a variable that Lambda sets is missing.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, EnvironmentError> {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let required = |name| variable(name).ok_or(EnvironmentError::Unset(name));
        let is_ignored = variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
            .is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let endpoint =
            variable("AWS_ENDPOINT_URL_DYNAMODB").or_else(|| variable("AWS_ENDPOINT_URL"));
        Ok(Self {
            region: variable("AWS_REGION")
                .or_else(|| variable("AWS_DEFAULT_REGION"))
                .ok_or(EnvironmentError::Unset("AWS_REGION"))?,
            endpoint: endpoint.filter(|_| !is_ignored),
            credentials: Credentials::new(
                required("AWS_ACCESS_KEY_ID")?,
                required("AWS_SECRET_ACCESS_KEY")?,
                variable("AWS_SESSION_TOKEN"),
                None,
                "environment",
            ),
            ca_bundle: variable("AWS_CA_BUNDLE").map(PathBuf::from),
            connect_timeout: Duration::from_secs(1),
            attempt_timeout: Duration::from_secs(3),
            timeout: Duration::from_secs(8),
            attempts: 3,
        })
    }

    /// Sets the longest time to connect. The default is 1 s.
    pub fn connect_timeout(self, connect_timeout: Duration) -> Self {
        Self {
            connect_timeout,
            ..self
        }
    }

    /// Sets the longest time of one attempt at a request. The default is 3 s.
    pub fn attempt_timeout(self, attempt_timeout: Duration) -> Self {
        Self {
            attempt_timeout,
            ..self
        }
    }

    /// Sets the longest time of a request with all of its attempts. The default is 8 s: shorter than a function's 10 s.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Sets the number of attempts at a request, the first included. The default is 3.
    pub fn attempts(self, attempts: u32) -> Self {
        Self { attempts, ..self }
    }

    /// Returns the client, connected if `DynamoDB` can be reached.
    ///
    /// # Errors
    ///
    /// If the endpoint or the certificates are malformed.
    pub async fn connect(self) -> Result<Client, EnvironmentError> {
        let endpoint = match &self.endpoint {
            Some(endpoint) => endpoint.clone(),
            None => regional_endpoint(&self.region),
        };
        let url: Uri = endpoint
            .parse()
            .ok()
            .filter(|url: &Uri| {
                url.host().is_some() && matches!(url.scheme_str(), Some("http" | "https"))
            })
            .ok_or_else(|| EnvironmentError::Endpoint(endpoint.clone()))?;
        let tls = match url.scheme_str() {
            Some("https") => Some(self.tls()?),
            _ => None,
        };
        let connector = Connector::new(&url, tls, self.connect_timeout)?;
        // The connection is on its way while the client is made.
        let opening = tokio::time::timeout(INIT_CONNECT, connector.open());
        let (_, client) = tokio::join!(opening, async { self.client(endpoint, connector.clone()) });
        Ok(client)
    }

    fn client(&self, endpoint: String, connector: Connector) -> Client {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(self.connect_timeout)
            .operation_attempt_timeout(self.attempt_timeout)
            .operation_timeout(self.timeout)
            .build();
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(self.region.clone()))
            .endpoint_url(endpoint)
            .credentials_provider(self.credentials.clone())
            // They are for as long as the process runs.
            .identity_cache(IdentityCache::no_cache())
            .retry_config(RetryConfig::standard().with_max_attempts(self.attempts))
            .timeout_config(timeouts)
            // Answers are read as a whole, within the attempt's time.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .http_client(connector)
            .build();
        Client::from_conf(config)
    }

    /// Returns TLS with `ring`, and with Mozilla's roots as they were compiled in unless a bundle is configured.
    fn tls(&self) -> io::Result<Arc<ClientConfig>> {
        let mut roots = RootCertStore::empty();
        match &self.ca_bundle {
            Some(path) => {
                let certificates = CertificateDer::pem_file_iter(path).map_err(io::Error::other)?;
                for certificate in certificates {
                    // Other TLS clients skip invalid certificates of a bundle too.
                    let _ = roots.add(certificate.map_err(io::Error::other)?);
                }
            }
            None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        }
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Arc::new(config))
    }
}

/// Returns the endpoint that the SDK finds by itself. The SDK compiles the patterns of all partitions for it, for which the
/// connection would have to wait.
fn regional_endpoint(region: &str) -> String {
    const PARTITIONS: &[(&str, &str)] = &[
        ("cn-", "amazonaws.com.cn"),
        ("us-isob-", "sc2s.sgov.gov"),
        ("us-isof-", "csp.hci.ic.gov"),
        ("us-iso-", "c2s.ic.gov"),
        ("eu-isoe-", "cloud.adc-e.uk"),
        ("eusc-", "amazonaws.eu"),
    ];
    let mut partitions = PARTITIONS.iter();
    let partition = partitions.find(|(prefix, _)| region.starts_with(prefix));
    let domain = partition.map_or("amazonaws.com", |(_, domain)| domain);
    format!("https://dynamodb.{region}.{domain}")
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};

    use super::*;

    const KEYS: [(&str, &str); 2] = [
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
    ];

    fn settings(variables: &[(&str, &str)]) -> Result<Settings, EnvironmentError> {
        Settings::read(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_missing_variable_is_named() {
        let error = settings(&KEYS).unwrap_err().to_string();
        assert!(error.contains("`AWS_REGION`"), "{error}");
        let region = [("AWS_REGION", "r"), ("AWS_ACCESS_KEY_ID", "key")];
        let error = settings(&region).unwrap_err().to_string();
        assert!(error.contains("`AWS_SECRET_ACCESS_KEY`"), "{error}");
    }

    #[test]
    fn a_configured_endpoint_wins_unless_it_is_ignored() {
        let endpoint = |more: &[(&str, &str)]| {
            let region = [("AWS_REGION", "r")];
            let all: Vec<_> = [&KEYS[..], &region, more].concat();
            settings(&all).unwrap().endpoint
        };
        let any = ("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
        let own = ("AWS_ENDPOINT_URL_DYNAMODB", "https://127.0.0.1:2");
        assert_eq!(endpoint(&[]), None);
        assert_eq!(endpoint(&[any]).as_deref(), Some(any.1));
        assert_eq!(endpoint(&[any, own]).as_deref(), Some(own.1));
        let ignored = ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
        assert_eq!(endpoint(&[any, ignored]), None);
        let empty = ("AWS_ENDPOINT_URL_DYNAMODB", "");
        assert_eq!(endpoint(&[any, empty]).as_deref(), Some(any.1));
    }

    #[tokio::test]
    async fn the_endpoint_is_the_sdks() {
        let resolver = DefaultResolver::new();
        for region in [
            "eu-west-1",
            "us-gov-west-1",
            "cn-north-1",
            "us-iso-east-1",
            "us-isob-east-1",
            "us-isof-south-1",
            "eu-isoe-west-1",
            "eusc-de-east-1",
            "xx-new-9",
        ] {
            let parameters = Params::builder().region(region).build().unwrap();
            let endpoint = ResolveEndpoint::resolve_endpoint(&resolver, &parameters).await;
            assert_eq!(regional_endpoint(region), endpoint.unwrap().url());
        }
    }

    #[tokio::test]
    async fn a_malformed_endpoint_is_refused() {
        for endpoint in ["ftp://a", "localhost:8000", "http://"] {
            let all = [("AWS_REGION", "r"), ("AWS_ENDPOINT_URL", endpoint)];
            let settings = settings(&[&KEYS[..], &all].concat()).unwrap();
            let error = settings.connect().await.unwrap_err().to_string();
            assert!(error.contains("not a valid endpoint URL"), "{error}");
        }
    }
}
