//! SDK clients for one account of an endpoint.

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_smithy_http_client::Connector;
use aws_smithy_runtime_api::client::http::{SharedHttpClient, SharedHttpConnector};

use crate::in_process::InProcess;

/// SDK clients for one account, with which a test acts outside of the tool.
#[derive(Clone, Debug)]
pub struct Account {
    /// Account id, twelve digits.
    pub id: String,
    /// Configuration of the clients.
    pub config: aws_config::SdkConfig,
    /// IAM: roles and policies.
    pub iam: aws_sdk_iam::Client,
    /// `DynamoDB`: tables.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// Lambda: functions.
    pub lambda: aws_sdk_lambda::Client,
    /// API Gateway: APIs, keys and usage plans.
    pub apigateway: aws_sdk_apigateway::Client,
    /// `CloudWatch` Logs: log groups.
    pub logs: aws_sdk_cloudwatchlogs::Client,
    /// Systems Manager: parameters.
    pub ssm: aws_sdk_ssm::Client,
    /// Tags of the resources of all services.
    pub tagging: aws_sdk_resourcegroupstagging::Client,
    /// STS: identities.
    pub sts: aws_sdk_sts::Client,
}

impl Account {
    /// Region of the clients.
    pub const REGION: &str = "eu-west-1";

    /// Connects to the account `id` of `endpoint`.
    pub async fn connect(endpoint: &str, id: &str) -> Self {
        let http = aws_smithy_http_client::Builder::new().build_http();
        Self::with(http, endpoint, id).await
    }

    /// Connects to the account `id` of a local AWS in this process.
    pub async fn in_process(transport: &InProcess, id: &str) -> Self {
        Self::with(transport.client(), InProcess::URL, id).await
    }

    /// Returns an HTTP connector for requests without an SDK.
    pub fn connector() -> SharedHttpConnector {
        SharedHttpConnector::new(Connector::builder().build_http())
    }

    async fn with(http: SharedHttpClient, endpoint: &str, id: &str) -> Self {
        let config = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::from_static(Self::REGION))
            .credentials_provider(Credentials::new(
                id,
                "secret-of-the-test",
                None,
                None,
                "testkit",
            ))
            .http_client(http)
            .endpoint_url(endpoint)
            .load()
            .await;
        Self {
            id: id.to_owned(),
            iam: aws_sdk_iam::Client::new(&config),
            dynamodb: aws_sdk_dynamodb::Client::new(&config),
            lambda: aws_sdk_lambda::Client::new(&config),
            apigateway: aws_sdk_apigateway::Client::new(&config),
            logs: aws_sdk_cloudwatchlogs::Client::new(&config),
            ssm: aws_sdk_ssm::Client::new(&config),
            tagging: aws_sdk_resourcegroupstagging::Client::new(&config),
            sts: aws_sdk_sts::Client::new(&config),
            config,
        }
    }
}
