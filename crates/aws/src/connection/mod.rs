//! The connection to AWS, made as the AWS SDK makes it.

mod endpoint;
pub(crate) mod lenient;
mod profile;

use std::time::Duration;

use anyhow::{Context, Result, bail};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{SharedHttpClient, SharedHttpConnector};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use futures_util::future::LocalBoxFuture;
use provision_engine::aws::{Aws, Connection};
use provision_engine::events::Events;
use provision_engine::fault::Code;
use provision_engine::operation::{Meaning, Operation, Reading, Service};
use provision_engine::target::{Target, partition_of};

use crate::calls::Calls;

/// STS counts no rate here: AWS tells everybody who they are. It documents no concurrent changes; IAM's answer is read alike
/// here, because asking again is safe.
const STS: Service = Service::new(
    "STS",
    &[Reading::of(
        "ConcurrentModification",
        Meaning::ConcurrentChange,
    )],
);

/// Every caller may ask who they are: no right is needed.
pub const GET_CALLER_IDENTITY: Operation = Operation::read(STS, "GetCallerIdentity", &[]);

/// The options of a connection; the SDK's own chain decides what is absent.
#[derive(Clone, Debug, Default)]
pub struct ConnectOptions {
    /// A profile of `~/.aws/config` and `~/.aws/credentials`.
    pub profile: Option<String>,
    /// The region, such as `eu-west-1`.
    pub region: Option<String>,
    /// The URL of the local AWS; nothing of the SDK's chain counts then.
    pub local: Option<String>,
}

/// The SDK's configuration and the connector for public endpoints, in place of the SDK's own chain. Tests make them.
#[derive(Clone, Debug)]
pub struct Transport {
    /// The configuration of the SDK's clients.
    pub config: SdkConfig,
    /// The connector for requests to public endpoints.
    pub public: SharedHttpConnector,
    /// True if AWS's rates hold there.
    pub keeps_pace: bool,
}

/// The region of the local AWS, if none is set.
const LOCAL_REGION: &str = "eu-west-1";

/// The engine's connection over the SDK's configuration.
#[derive(Clone, Debug)]
pub struct SdkConnection {
    config: SdkConfig,
    region: String,
    endpoint: Option<String>,
    /// The connector for public endpoints, if it is not the network.
    public: Option<SharedHttpConnector>,
}

impl SdkConnection {
    fn new(
        config: &SdkConfig,
        endpoint: Option<String>,
        public: Option<SharedHttpConnector>,
    ) -> Result<Self> {
        let region = config
            .region()
            .context("the configuration has no region")?
            .to_string();
        Ok(Self {
            region,
            endpoint: endpoint.or_else(|| config.endpoint_url().map(str::to_owned)),
            config: config.clone(),
            public,
        })
    }

    /// The SDK's configuration, which clients are made from.
    pub fn config(&self) -> &SdkConfig {
        &self.config
    }

    pub(crate) fn public(&self) -> Option<&SharedHttpConnector> {
        self.public.as_ref()
    }
}

impl Connection for SdkConnection {
    fn region(&self) -> &str {
        &self.region
    }

    fn endpoint(&self) -> Option<&str> {
        self.endpoint.as_deref()
    }

    fn identify<'a>(&'a self, aws: &'a Aws) -> LocalBoxFuture<'a, Result<Target>> {
        Box::pin(async move {
            let sts = aws.sts();
            let caller = aws
                .call(&GET_CALLER_IDENTITY, || sts.get_caller_identity().send())
                .await
                .context("asking AWS which account the credentials belong to")?;
            let account = caller
                .account()
                .context(Code::Incomplete.fault("AWS named no account"))?
                .to_owned();
            // `arn:{partition}:…`: the caller's ARN knows partitions that this program does not.
            let partition = caller
                .arn()
                .and_then(|arn| arn.split(':').nth(1))
                .filter(|partition| partition.starts_with("aws"))
                .unwrap_or_else(|| partition_of(&self.region));
            Ok(Target {
                account,
                region: self.region.clone(),
                endpoint: self.endpoint.clone(),
                partition: partition.to_owned(),
            })
        })
    }
}

/// Connects. Region and credentials are found first, so that their absence is reported before anything else happens.
///
/// # Errors
///
/// `Code::NoRegion`, `Code::NoCredentials`, or `Code::Endpoint` for a variable that is no URL.
pub async fn connect(options: &ConnectOptions, events: Events) -> Result<Aws> {
    if let Some(url) = &options.local {
        return from_config(&local_config(url, options.region.as_deref()), events);
    }
    // A name that is not UTF-8 is none of the SDK's either.
    endpoint::check(std::env::vars_os().filter_map(|(name, value)| {
        Some((
            name.into_string().ok()?,
            value.to_string_lossy().into_owned(),
        ))
    }))?;
    if let Some(name) = &options.profile {
        profile::check(name).await?;
    }
    let config = chain(options).await;
    if config.region().is_none() {
        bail!(
            Code::NoRegion
                .fault("no region is set")
                .remedy("`--region eu-west-1`, `AWS_REGION=eu-west-1`, or a region in the profile")
        );
    }
    check_credentials(&config, options.profile.as_deref()).await?;
    // A service's own endpoint, where one is set, is also where its stages answer.
    let own = std::env::var("AWS_ENDPOINT_URL_API_GATEWAY").ok();
    let endpoint = own.filter(|url| !url.is_empty());
    Ok(Aws::new(
        SdkConnection::new(&config, endpoint, None)?,
        events,
    ))
}

/// Returns the region that a connection would be made for, without a look at credentials.
pub async fn region_of(options: &ConnectOptions) -> Option<String> {
    let config = chain(options).await;
    config.region().map(ToString::to_string)
}

/// Works over a configuration that was made elsewhere.
fn from_config(config: &SdkConfig, events: Events) -> Result<Aws> {
    Ok(Aws::new(SdkConnection::new(config, None, None)?, events))
}

/// Works over a transport that was made elsewhere.
pub fn from_transport(transport: &Transport, events: Events) -> Result<Aws> {
    let public = Some(transport.public.clone());
    let aws = Aws::new(SdkConnection::new(&transport.config, None, public)?, events);
    if transport.keeps_pace {
        aws.keep_pace();
    }
    Ok(aws)
}

/// Loads the SDK's own chain, with the options of `connect` in place of it.
async fn chain(connection: &ConnectOptions) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts())
        .http_client(http_client());
    if let Some(profile) = &connection.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(region) = &connection.region {
        loader = loader.region(Region::new(region.clone()));
    }
    loader.load().await
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(4))
        .operation_attempt_timeout(Duration::from_secs(30))
        .build()
}

fn local_config(url: &str, region: Option<&str>) -> SdkConfig {
    let from_environment = std::env::var("AWS_REGION").ok();
    let region = region
        .map(str::to_owned)
        .or(from_environment.filter(|region| !region.is_empty()))
        .unwrap_or_else(|| LOCAL_REGION.to_owned());
    config_at(url, region, "local", Builder::new().build_http())
}

/// Returns the configuration for a custom endpoint; files and variables of the user do not count.
pub fn config_at(
    url: &str,
    region: String,
    access_key: &str,
    http_client: SharedHttpClient,
) -> SdkConfig {
    let credentials = Credentials::new(access_key, "local", None, None, "local");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(region))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(url)
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts())
        .http_client(http_client)
        .build()
}

/// Without TLS where nothing needs it, as with a local endpoint: reading the system's certificates takes longer
/// than several calls there.
fn http_client() -> SharedHttpClient {
    let mut endpoints = std::env::vars().filter(|(name, _)| name.starts_with("AWS_ENDPOINT_URL"));
    let is_plain = std::env::var_os("AWS_ENDPOINT_URL").is_some()
        && endpoints.all(|(_, url)| url.starts_with("http://"))
        // Credentials from elsewhere (SSO, web identity) are asked for over TLS.
        && std::env::var_os("AWS_ACCESS_KEY_ID").is_some();
    if is_plain {
        Builder::new().build_http()
    } else {
        Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https()
    }
}

async fn check_credentials(config: &SdkConfig, profile: Option<&str>) -> Result<()> {
    let remedy =
        "`AWS_PROFILE=name`, `aws sso login`, or `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`";
    let Some(provider) = config.credentials_provider() else {
        bail!(
            Code::NoCredentials
                .fault("no credentials were found")
                .remedy(remedy)
        );
    };
    match provider.provide_credentials().await {
        Ok(_) => Ok(()),
        Err(error) => {
            let mut causes = vec![error.to_string()];
            let mut cause = std::error::Error::source(&error);
            while let Some(inner) = cause {
                causes.push(inner.to_string());
                cause = inner.source();
            }
            causes.dedup();
            let profile = profile
                .map(|name| format!(" in profile `{name}`"))
                .unwrap_or_default();
            bail!(
                Code::NoCredentials
                    .fault(format!(
                        "no usable credentials were found{profile}: {}",
                        causes.join(": ")
                    ))
                    .remedy(remedy)
            )
        }
    }
}
