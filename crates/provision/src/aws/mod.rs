//! The connection to one AWS account: clients, identity, and what a run shares about it.

pub mod call;
mod endpoint;
pub mod error;
pub mod http;
mod lenient;
pub mod pace;
mod profile;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
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
use tokio::sync::{OnceCell, watch};
use tokio::time::timeout;

use self::call::Operation;
use self::error::AwsError;
use self::http::Http;
use self::lenient::Lenient;
use self::pace::Pace;
use crate::artifact::Artifact;
use crate::events::{Event, Events};
use crate::fault::Code;
use crate::secret::Secret;
use crate::target::{Target, partition_of};

/// Where to connect to; what is absent comes from the SDK's own chain.
#[derive(Clone, Debug, Default)]
pub struct Connection {
    pub profile: Option<String>,
    pub region: Option<String>,
    /// The local AWS, if that is where to go: nothing of the SDK's chain counts then.
    pub local: Option<String>,
}

/// A way to AWS that was made elsewhere.
#[derive(Clone, Debug)]
pub struct Reach {
    pub config: SdkConfig,
    /// What requests to public endpoints go by.
    pub public: SharedHttpConnector,
    /// Whether AWS's rates hold there.
    pub keeps_pace: bool,
}

/// Where the local AWS is, as far as names go, if nothing is said.
const LOCAL_REGION: &str = "eu-west-1";

/// How long calls in flight may take to end once no other may begin.
pub const GRACE: Duration = Duration::from_secs(5);

/// Clients for one account, and the step they work for. Cheap to clone.
#[derive(Clone)]
pub struct Aws {
    shared: Arc<Shared>,
    step: Option<Arc<str>>,
    has_called: Arc<AtomicBool>,
}

struct Shared {
    iam: aws_sdk_iam::Client,
    lambda: aws_sdk_lambda::Client,
    apigateway: aws_sdk_apigateway::Client,
    dynamodb: aws_sdk_dynamodb::Client,
    logs: aws_sdk_cloudwatchlogs::Client,
    sts: aws_sdk_sts::Client,
    region: String,
    endpoint: Option<String>,
    target: OnceCell<Target>,
    artifact: OnceCell<Arc<Artifact>>,
    /// The way to public endpoints, if it is not the network.
    public: Option<SharedHttpConnector>,
    /// Values of API keys, by key id, as AWS answered with them.
    keys: Mutex<HashMap<String, Secret>>,
    events: Events,
    pace: Pace,
    /// Whether no further call may be sent.
    is_stopped: watch::Sender<bool>,
}

impl Aws {
    /// Finds region and credentials, so that their absence is said before anything else happens.
    pub async fn connect(connection: &Connection, events: Events) -> Result<Self> {
        if let Some(url) = &connection.local {
            return Self::from_config(&local_config(url, connection.region.as_deref()), events);
        }
        // A name that is not UTF-8 is none of the SDK's either.
        endpoint::check(std::env::vars_os().filter_map(|(name, value)| {
            Some((
                name.into_string().ok()?,
                value.to_string_lossy().into_owned(),
            ))
        }))?;
        if let Some(name) = &connection.profile {
            profile::check(name).await?;
        }
        let config = chain(connection).await;
        if config.region().is_none() {
            bail!(Code::NoRegion.fault("no region is set").remedy(
                "`--region eu-west-1`, `AWS_REGION=eu-west-1`, or a region in the profile"
            ));
        }
        check_credentials(&config, connection.profile.as_deref()).await?;
        // A service's own endpoint, where one is set, is also where its stages answer.
        let own = std::env::var("AWS_ENDPOINT_URL_API_GATEWAY").ok();
        let endpoint = own.filter(|url| !url.is_empty());
        Self::from_config_at(&config, endpoint, None, events)
    }

    /// The region that a connection would be to, without a look at credentials.
    pub async fn region_of(connection: &Connection) -> Option<String> {
        let config = chain(connection).await;
        config.region().map(ToString::to_string)
    }

    /// Clients from a configuration made elsewhere.
    pub fn from_config(config: &SdkConfig, events: Events) -> Result<Self> {
        Self::from_config_at(config, None, None, events)
    }

    /// Clients by a way made elsewhere.
    pub fn by(reach: &Reach, events: Events) -> Result<Self> {
        let aws = Self::from_config_at(&reach.config, None, Some(reach.public.clone()), events)?;
        if reach.keeps_pace {
            aws.keep_pace();
        }
        Ok(aws)
    }

    fn from_config_at(
        config: &SdkConfig,
        endpoint: Option<String>,
        public: Option<SharedHttpConnector>,
        events: Events,
    ) -> Result<Self> {
        let region = config
            .region()
            .context("the configuration has no region")?
            .to_string();
        let endpoint = endpoint.or_else(|| config.endpoint_url().map(str::to_owned));
        let shared = Shared {
            iam: aws_sdk_iam::Client::new(config),
            lambda: aws_sdk_lambda::Client::new(config),
            apigateway: apigateway_client(config, endpoint.is_some()),
            dynamodb: aws_sdk_dynamodb::Client::new(config),
            logs: aws_sdk_cloudwatchlogs::Client::new(config),
            sts: aws_sdk_sts::Client::new(config),
            region,
            target: OnceCell::new(),
            artifact: OnceCell::new(),
            pace: Pace::new(endpoint.is_none()),
            is_stopped: watch::Sender::new(false),
            endpoint,
            public,
            keys: Mutex::default(),
            events,
        };
        Ok(Self {
            shared: Arc::new(shared),
            step: None,
            has_called: Arc::default(),
        })
    }

    /// The same connection, working for one step of a plan.
    pub fn for_step(&self, step: &str) -> Self {
        Self {
            shared: self.shared.clone(),
            step: Some(step.into()),
            has_called: Arc::default(),
        }
    }

    /// Whether any call was sent for this step.
    pub fn has_called(&self) -> bool {
        self.has_called.load(Ordering::Relaxed)
    }

    pub fn iam(&self) -> &aws_sdk_iam::Client {
        &self.shared.iam
    }

    pub fn lambda(&self) -> &aws_sdk_lambda::Client {
        &self.shared.lambda
    }

    pub fn apigateway(&self) -> &aws_sdk_apigateway::Client {
        &self.shared.apigateway
    }

    pub fn dynamodb(&self) -> &aws_sdk_dynamodb::Client {
        &self.shared.dynamodb
    }

    pub fn logs(&self) -> &aws_sdk_cloudwatchlogs::Client {
        &self.shared.logs
    }

    pub fn sts(&self) -> &aws_sdk_sts::Client {
        &self.shared.sts
    }

    pub fn events(&self) -> &Events {
        &self.shared.events
    }

    /// Keeps to AWS's rates from now on, as without a custom endpoint.
    pub fn keep_pace(&self) {
        self.shared.pace.keep();
    }

    /// What requests to the public endpoint at `url` are sent by.
    pub fn http(&self, url: &str) -> Http {
        match &self.shared.public {
            Some(connector) => Http::by(connector.clone()),
            None => Http::new(url),
        }
    }

    /// Sends no further call, and says so; those in flight may end.
    pub fn stop(&self) {
        if !self.shared.is_stopped.send_replace(true) {
            let grace = GRACE.as_secs();
            self.events().note(format!(
                "stopping: nothing new is begun, and calls in flight get {grace} s to end"
            ));
        }
    }

    /// An error if `operation` must not begin any more.
    pub fn goes_on(&self, operation: &'static str) -> Result<(), AwsError> {
        if self.is_stopped() {
            return Err(AwsError::stopped(operation));
        }
        Ok(())
    }

    fn is_stopped(&self) -> bool {
        *self.shared.is_stopped.borrow()
    }

    /// Sleeps for `time`, or until no call may be sent any more.
    pub async fn pause(&self, time: Duration) {
        let mut stopped = self.shared.is_stopped.subscribe();
        // It cannot fail: the sender is part of what is borrowed here.
        let _ = timeout(time, stopped.wait_for(|is_stopped| *is_stopped)).await;
    }

    pub fn region(&self) -> &str {
        &self.shared.region
    }

    pub fn endpoint(&self) -> Option<&str> {
        self.shared.endpoint.as_deref()
    }

    /// Account, partition and region. Asks AWS once.
    pub async fn target(&self) -> Result<&Target> {
        const GET_CALLER_IDENTITY: Operation = Operation::safe("GetCallerIdentity");
        let shared = &self.shared;
        shared
            .target
            .get_or_try_init(|| async {
                let caller = self
                    .call(GET_CALLER_IDENTITY, || {
                        shared.sts.get_caller_identity().send()
                    })
                    .await
                    .context("asking AWS whose credentials these are")?;
                let account = caller
                    .account()
                    .context(Code::Incomplete.fault("AWS named no account"))?
                    .to_owned();
                // `arn:{partition}:…`: the caller's ARN knows partitions that this program does not.
                let partition = caller
                    .arn()
                    .and_then(|arn| arn.split(':').nth(1))
                    .filter(|partition| partition.starts_with("aws"))
                    .unwrap_or_else(|| partition_of(&shared.region));
                Ok(Target {
                    account,
                    region: shared.region.clone(),
                    endpoint: shared.endpoint.clone(),
                    partition: partition.to_owned(),
                })
            })
            .await
    }

    /// Says what this step waits for now, and how long; `is_felt` if that is worth a line on the screen.
    pub fn waiting(&self, reason: String, pause: Duration, is_felt: bool) {
        self.events().send(Event::Waiting {
            step: self.step.clone(),
            reason,
            pause,
            is_felt,
        });
    }

    /// The packaged function, for the calls that upload it.
    pub fn artifact(&self) -> Result<Arc<Artifact>> {
        self.shared
            .artifact
            .get()
            .cloned()
            .context("the function has not been packaged")
    }

    pub fn set_artifact(&self, artifact: Arc<Artifact>) {
        // A run packages once; a second value could only be the same.
        let _ = self.shared.artifact.set(artifact);
    }

    /// Keeps a key's value that an answer contained.
    pub fn keep_key(&self, id: &str, value: Secret) {
        self.events().send(Event::Secret(value.clone()));
        if let Ok(mut keys) = self.shared.keys.lock() {
            keys.insert(id.to_owned(), value);
        }
    }

    /// The value of the API key `id`: as kept from an earlier answer, or asked for.
    pub async fn key(&self, id: &str) -> Result<Secret> {
        const GET_API_KEY: Operation = Operation::safe("GetApiKey");
        let kept = self
            .shared
            .keys
            .lock()
            .ok()
            .and_then(|keys| keys.get(id).cloned());
        if let Some(value) = kept {
            return Ok(value);
        }
        let key = self
            .call(GET_API_KEY, || {
                self.apigateway()
                    .get_api_key()
                    .api_key(id)
                    .include_value(true)
                    .send()
            })
            .await
            .with_context(|| format!("reading the value of API key `{id}`"))?;
        let value = Secret::new(
            key.value
                .context(Code::Incomplete.fault("AWS returned no value for the API key"))?,
        );
        self.keep_key(id, value.clone());
        Ok(value)
    }
}

/// What the SDK's own chain finds, with what `connection` says in place of it.
async fn chain(connection: &Connection) -> SdkConfig {
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

/// What this program's clients are like at a custom endpoint: no file or variable of anybody's counts.
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

fn apigateway_client(config: &SdkConfig, is_custom: bool) -> aws_sdk_apigateway::Client {
    let mut builder = aws_sdk_apigateway::config::Builder::from(config);
    if let (true, Some(client)) = (is_custom, config.http_client()) {
        builder = builder.http_client(Lenient(client));
    }
    aws_sdk_apigateway::Client::from_conf(builder.build())
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
