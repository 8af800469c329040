//! Answers of API Gateway emulators, brought into the form that AWS gives them.
//!
//! Emulators apply patch operations as they come, so that numbers and truth values turn into texts (`"rateLimit": "50"`)
//! and lists into single values; the SDK cannot read these, and every later command would fail. AWS itself never answers so,
//! and its answers are not touched: this is used with a custom endpoint only.

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use serde_json::{Value, json};

/// An HTTP client that reads answers leniently.
#[derive(Clone, Debug)]
pub(crate) struct Lenient(pub(crate) SharedHttpClient);

#[derive(Debug)]
struct LenientConnector(SharedHttpConnector);

impl HttpClient for Lenient {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(LenientConnector(
            self.0.http_connector(settings, components),
        ))
    }
}

impl HttpConnector for LenientConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let answer = self.0.call(request);
        HttpConnectorFuture::new(async move { repaired(answer.await?).await })
    }
}

async fn repaired(mut response: HttpResponse) -> Result<HttpResponse, ConnectorError> {
    let body = std::mem::replace(response.body_mut(), SdkBody::taken());
    let collected = ByteStream::new(body).collect().await;
    let bytes = collected
        .map_err(|error| ConnectorError::io(error.into()))?
        .into_bytes();
    let body = match serde_json::from_slice::<Value>(&bytes) {
        Ok(mut document) if response.status().is_success() => {
            repair(&mut document);
            SdkBody::from(document.to_string())
        }
        _ => SdkBody::from(bytes),
    };
    response.headers_mut().remove("content-length");
    *response.body_mut() = body;
    Ok(response)
}

fn repair(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(repair),
        Value::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                match expected(name, field) {
                    Some(repaired) => *field = repaired,
                    None => repair(field),
                }
            }
        }
        _ => {}
    }
}

/// Returns AWS's answer in the place of `field`, where it differs.
fn expected(name: &str, field: &Value) -> Option<Value> {
    match (name, field) {
        (
            "rateLimit" | "burstLimit" | "limit" | "offset" | "timeoutInMillis",
            Value::String(text),
        ) => serde_json::from_str(text).ok().filter(Value::is_number),
        (
            "apiKeyRequired" | "enabled" | "tracingEnabled" | "disableExecuteApiEndpoint",
            Value::String(text),
        ) => text.parse().ok().map(Value::Bool),
        ("apiStages", Value::String(text)) => {
            let (api, stage) = text.split_once(':')?;
            Some(json!([{ "apiId": api, "stage": stage }]))
        }
        ("types", Value::Object(patched)) => Some(patched.values().cloned().collect()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_aws_would_answer_is_left_alone() {
        let answer = json!({"item": [{
            "throttle": {"rateLimit": 50.0, "burstLimit": 20}, "enabled": true, "name": "50",
            "apiStages": [{"apiId": "a", "stage": "Prod"}], "endpointConfiguration": {"types": ["EDGE"]},
        }]});
        let mut repaired = answer.clone();
        repair(&mut repaired);
        assert_eq!(repaired, answer);
    }

    #[test]
    fn patched_texts_become_what_they_were() {
        let mut answer = json!({
            "throttle": {"rateLimit": "50", "burstLimit": "20"}, "enabled": "false", "apiStages": "a:Prod",
            "endpointConfiguration": {"types": {"EDGE": "REGIONAL"}},
        });
        repair(&mut answer);
        assert_eq!(
            answer,
            json!({
                "throttle": {"rateLimit": 50, "burstLimit": 20}, "enabled": false,
                "apiStages": [{"apiId": "a", "stage": "Prod"}],
                "endpointConfiguration": {"types": ["REGIONAL"]},
            })
        );
    }
}
