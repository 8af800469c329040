//! Calls through the SDK's clients, over the engine's connection.

use std::error::Error;
use std::future::Future;
use std::io;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;
use provision_engine::aws::Aws;
use provision_engine::call::Answer;
use provision_engine::error::{AwsError, ErrorAnswer, Failure};
use provision_engine::operation::Operation;

use crate::connection::SdkConnection;
use crate::connection::lenient::Lenient;
use crate::http::Http;

/// The SDK on top of [`Aws`]: clients and calls. Kinds outside of this crate use it with their own service's client:
/// `aws.sdk(aws_sdk_sqs::Client::new)`.
#[expect(
    async_fn_in_trait,
    reason = "the engine runs on one thread: no bound is wanted"
)]
pub trait Calls {
    /// Sends `request` until it succeeds, is refused, or may not be repeated.
    ///
    /// # Errors
    ///
    /// AWS's last answer, or the reason why there was none.
    async fn call<T, E, F>(
        &self,
        operation: &'static Operation,
        request: impl Fn() -> F,
    ) -> Result<T, AwsError>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        T: RequestId,
        E: ProvideErrorMetadata + Error + 'static;

    /// Returns a client over the SDK's configuration, made by `new` on the first call and kept.
    fn sdk<C: Clone + Send + 'static>(&self, new: impl FnOnce(&SdkConfig) -> C) -> C;

    /// IAM's client.
    fn iam(&self) -> aws_sdk_iam::Client {
        self.sdk(aws_sdk_iam::Client::new)
    }

    /// Lambda's client.
    fn lambda(&self) -> aws_sdk_lambda::Client {
        self.sdk(aws_sdk_lambda::Client::new)
    }

    /// `DynamoDB`'s client.
    fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        self.sdk(aws_sdk_dynamodb::Client::new)
    }

    /// `CloudWatch` Logs' client.
    fn logs(&self) -> aws_sdk_cloudwatchlogs::Client {
        self.sdk(aws_sdk_cloudwatchlogs::Client::new)
    }

    /// STS's client.
    fn sts(&self) -> aws_sdk_sts::Client {
        self.sdk(aws_sdk_sts::Client::new)
    }

    /// API Gateway's client. At a custom endpoint it accepts answers that AWS would not give.
    fn apigateway(&self) -> aws_sdk_apigateway::Client {
        self.sdk(|config| {
            let mut builder = aws_sdk_apigateway::config::Builder::from(config);
            if let (Some(_), Some(client)) = (config.endpoint_url(), config.http_client()) {
                builder = builder.http_client(Lenient(client));
            }
            aws_sdk_apigateway::Client::from_conf(builder.build())
        })
    }

    /// The client of the Resource Groups Tagging API.
    fn tagging(&self) -> aws_sdk_resourcegroupstagging::Client {
        self.sdk(aws_sdk_resourcegroupstagging::Client::new)
    }

    /// The client for requests to the public endpoint at `url`.
    fn http(&self, url: &str) -> Http;
}

impl Calls for Aws {
    async fn call<T, E, F>(
        &self,
        operation: &'static Operation,
        request: impl Fn() -> F,
    ) -> Result<T, AwsError>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        T: RequestId,
        E: ProvideErrorMetadata + Error + 'static,
    {
        self.send(operation, || {
            let sent = request();
            async move {
                match sent.await {
                    Ok(value) => Ok(Answer {
                        request_id: value.request_id().map(str::to_owned),
                        value,
                    }),
                    Err(error) => Err(read(operation, &error)),
                }
            }
        })
        .await
    }

    fn sdk<C: Clone + Send + 'static>(&self, new: impl FnOnce(&SdkConfig) -> C) -> C {
        self.client(|| {
            let connection = self.connection::<SdkConnection>();
            new(connection.expect("the connection is the SDK's").config())
        })
    }

    fn http(&self, url: &str) -> Http {
        let public = self
            .connection::<SdkConnection>()
            .and_then(SdkConnection::public);
        match public {
            Some(connector) => Http::by(connector.clone()),
            None => Http::new(url),
        }
    }
}

/// Reads an error of the SDK.
fn read<E>(operation: &Operation, error: &SdkError<E, HttpResponse>) -> AwsError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let raw = error.raw_response();
    let header = |name: &str| {
        raw.and_then(|raw| raw.headers().get(name))
            .map(str::to_owned)
    };
    let mut answer = ErrorAnswer {
        code: error.code().unwrap_or_default().to_owned(),
        message: error.message().unwrap_or_default().trim().to_owned(),
        request_id: header("x-amzn-requestid").or_else(|| header("x-amz-request-id")),
        status: raw.map(|raw| raw.status().as_u16()),
        retry_after: header("retry-after")
            .and_then(|seconds| seconds.trim().parse().ok())
            .map(Duration::from_secs),
    };
    if answer.code.is_empty() && answer.message.is_empty() {
        answer.message = root_cause(error);
    }
    if answer.message.contains("credentials") && answer.status.is_none() {
        return AwsError::with_failure(operation, Failure::Credentials, answer);
    }
    let failure = match error {
        SdkError::ServiceError(_) => return AwsError::answered(operation, answer),
        SdkError::DispatchFailure(failure) if failure.is_user() => Failure::Malformed,
        SdkError::DispatchFailure(_) if was_not_sent(error) => Failure::NotSent,
        SdkError::DispatchFailure(_) | SdkError::TimeoutError(_) => Failure::Unclear,
        _ if answer.status.is_some_and(|status| status >= 500) => Failure::Unclear,
        // The connection broke after the head of the answer: its body never arrived whole.
        SdkError::ResponseError(answer) if answer.raw().body().bytes().is_none() => {
            Failure::Unclear
        }
        _ => Failure::Malformed,
    };
    AwsError::with_failure(operation, failure, answer)
}

/// Returns true if the connection itself failed, so that AWS cannot have seen the request.
fn was_not_sent(error: &(dyn Error + 'static)) -> bool {
    chain(error).any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(|io| {
            matches!(
                io.kind(),
                io::ErrorKind::ConnectionRefused
                    | io::ErrorKind::HostUnreachable
                    | io::ErrorKind::NetworkUnreachable
                    | io::ErrorKind::AddrNotAvailable
            )
        }) || cause.to_string().contains("dns error")
    })
}

fn root_cause(error: &(dyn Error + 'static)) -> String {
    chain(error)
        .last()
        .map(ToString::to_string)
        .unwrap_or_default()
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}
