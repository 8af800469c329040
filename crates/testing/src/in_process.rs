//! An HTTP client for the SDK whose requests are answered in this process.

use std::io;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body_util::BodyExt;
use local_aws::{LocalAws, Outcome};

/// The way to a local AWS in this process.
#[derive(Clone)]
pub(crate) struct InProcess(pub(crate) LocalAws);

impl std::fmt::Debug for InProcess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InProcess")
    }
}

impl InProcess {
    /// Answers one request; `None` where the connection would close without an answer.
    pub(crate) async fn answer(
        &self,
        request: http::Request<Bytes>,
    ) -> Option<http::Response<Bytes>> {
        match self.0.handle(request).await {
            Outcome::Answered(response) => Some(response),
            Outcome::Dropped => None,
        }
    }

    async fn carry_out(self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let other =
            |error: Box<dyn std::error::Error + Send + Sync>| ConnectorError::other(error, None);
        let request = request
            .try_into_http1x()
            .map_err(|error| other(error.into()))?;
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(other)?.to_bytes();
        let answer = self.answer(http::Request::from_parts(head, body)).await;
        let Some(answer) = answer else {
            return Err(ConnectorError::io(
                io::Error::from(io::ErrorKind::ConnectionReset).into(),
            ));
        };
        HttpResponse::try_from(answer.map(SdkBody::from)).map_err(|error| other(error.into()))
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
