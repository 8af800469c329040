//! One account of an endpoint, through the official SDK.

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use crate::in_process::InProcess;

/// Clients that act behind the tool's back.
#[derive(Clone, Debug)]
pub struct Account {
    /// Twelve digits.
    pub id: String,
    /// What the clients were made from.
    pub config: aws_config::SdkConfig,
    /// Roles and policies.
    pub iam: aws_sdk_iam::Client,
    /// Tables.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// Functions.
    pub lambda: aws_sdk_lambda::Client,
    /// APIs, keys and plans.
    pub apigateway: aws_sdk_apigateway::Client,
    /// Log groups.
    pub logs: aws_sdk_cloudwatchlogs::Client,
    /// Parameters.
    pub ssm: aws_sdk_ssm::Client,
    /// Tags of the resources of all services.
    pub tagging: aws_sdk_resourcegroupstagging::Client,
    /// Identities.
    pub sts: aws_sdk_sts::Client,
}

impl Account {
    /// The region of everything here.
    pub const REGION: &str = "eu-west-1";

    /// The account `id` at `endpoint`.
    pub async fn connect(endpoint: &str, id: &str) -> Self {
        let http = aws_smithy_http_client::Builder::new().build_http();
        Self::with(http, endpoint, id).await
    }

    /// The account `id` of a local AWS in this process.
    pub async fn in_process(way: &InProcess, id: &str) -> Self {
        Self::with(way.client(), InProcess::URL, id).await
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
