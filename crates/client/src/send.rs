//! Sending the SDK's requests.

use std::error::Error as StdError;
use std::pin::Pin;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use crate::error::{Call, Cancelled, Error};

/// Returns the answer to a request. The box hides the SDK's future, which is nested so deeply that rustc would refuse to lay out a
/// function that awaits it below some others.
pub(crate) fn answer<T, E>(
    call: &Call,
    request: impl Future<Output = Result<T, SdkError<E, HttpResponse>>> + Send + 'static,
) -> Pin<Box<dyn Future<Output = Result<T, Error>> + Send>>
where
    E: ProvideErrorMetadata + Cancelled + StdError + Send + Sync + 'static,
{
    let call = call.clone();
    Box::pin(async move { request.await.map_err(|error| Error::of(call, error)) })
}
