//! The official SDK's way to a local AWS: through this process, or through the listener.

use std::io;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_types::SdkConfig;
use aws_types::region::Region;
use http_body_util::BodyExt;

use crate::{Account, LocalAws, Outcome};

/// The host of requests that never leave the process; any other would do.
const IN_PROCESS: &str = "http://local-aws.test";

impl Account {
    /// Returns the configuration of SDK clients whose requests are answered in this process, without a socket.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use aws_sdk_dynamodb::types::{AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType};
    /// use local_aws::LocalAws;
    ///
    /// let aws = LocalAws::builder().start().await?;
    /// let client = aws_sdk_dynamodb::Client::new(&aws.fresh_account().sdk_config());
    /// client
    ///     .create_table()
    ///     .table_name("items")
    ///     .billing_mode(BillingMode::PayPerRequest)
    ///     .attribute_definitions(
    ///         AttributeDefinition::builder().attribute_name("id").attribute_type(ScalarAttributeType::S).build()?,
    ///     )
    ///     .key_schema(KeySchemaElement::builder().attribute_name("id").key_type(KeyType::Hash).build()?)
    ///     .send()
    ///     .await?;
    /// assert_eq!(client.list_tables().send().await?.table_names(), ["items"]);
    /// // Another account has nothing of it.
    /// let other = aws_sdk_dynamodb::Client::new(&aws.fresh_account().sdk_config());
    /// assert!(other.list_tables().send().await?.table_names().is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    pub fn sdk_config(&self) -> SdkConfig {
        self.config_at(IN_PROCESS)
            .http_client(self.aws().http_client())
            .build()
    }

    /// Returns the configuration of SDK clients that go through the listener, with the SDK's own HTTP client; `None` if nothing listens.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use local_aws::LocalAws;
    ///
    /// let aws = LocalAws::builder().listen(0).start().await?;
    /// let config = aws.fresh_account().sdk_config_over_http().expect("it listens");
    /// assert_eq!(config.endpoint_url(), aws.url().as_deref());
    /// aws.stop().await?;
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    pub fn sdk_config_over_http(&self) -> Option<SdkConfig> {
        Some(self.config_at(self.url()?).build())
    }

    fn config_at(&self, url: &str) -> aws_types::sdk_config::Builder {
        let credentials = Credentials::new(self.id(), "local", None, None, "local-aws");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(self.region().to_owned()))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url(url)
    }
}

impl LocalAws {
    /// Returns an HTTP client for the SDK's configuration whose requests this AWS answers, whatever their host. A fault that drops
    /// a connection is an error of the connection.
    pub fn http_client(&self) -> SharedHttpClient {
        SharedHttpClient::new(InProcess(self.clone()))
    }

    /// Returns the same for requests without an SDK.
    pub fn http_connector(&self) -> SharedHttpConnector {
        SharedHttpConnector::new(InProcess(self.clone()))
    }
}

#[derive(Clone)]
struct InProcess(LocalAws);

impl std::fmt::Debug for InProcess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InProcess")
    }
}

impl InProcess {
    async fn carry_out(self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let other =
            |error: Box<dyn std::error::Error + Send + Sync>| ConnectorError::other(error, None);
        let request = request
            .try_into_http1x()
            .map_err(|error| other(error.into()))?;
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(other)?.to_bytes();
        match self.0.handle(http::Request::from_parts(head, body)).await {
            Outcome::Answered(answer) => HttpResponse::try_from(answer.map(SdkBody::from))
                .map_err(|error| other(error.into())),
            Outcome::Dropped => Err(ConnectorError::io(
                io::Error::from(io::ErrorKind::ConnectionReset).into(),
            )),
        }
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.clone().carry_out(request))
    }
}

impl HttpClient for InProcess {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
