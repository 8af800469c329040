//! The extension `x-amazon-apigateway-integration`.

use serde_json::{Map, Value, json};

use super::document::scalar;

/// The form of an integration's record, or why the local AWS does not have such a one.
pub(super) fn read(extension: &Map<String, Value>) -> Result<Map<String, Value>, String> {
    let text = |member: &str| extension.get(member).and_then(scalar);
    let upper = |member: &str| text(member).map(|text| text.to_uppercase());
    if upper("connectionType").is_some_and(|kind| kind != "INTERNET") {
        return Err("The local AWS has no VPC links".to_owned());
    }
    if upper("responseTransferMode").is_some_and(|mode| mode != "BUFFERED") {
        return Err("The local AWS does not stream responses".to_owned());
    }
    if extension
        .get("tlsConfig")
        .is_some_and(|config| config.as_object().is_none_or(|config| !config.is_empty()))
    {
        return Err("The local AWS does not support tlsConfig".to_owned());
    }
    let credentials = text("credentials").map(|credentials| match credentials.as_str() {
        "caller" => "arn:aws:iam::*:user/*".to_owned(),
        _ => credentials,
    });
    let mut record = Map::new();
    for (name, value) in [
        ("type", upper("type")),
        ("httpMethod", upper("httpMethod")),
        ("uri", text("uri")),
        ("connectionType", upper("connectionType")),
        ("credentials", credentials),
        (
            "passthroughBehavior",
            upper("passthroughBehavior").or_else(|| Some("WHEN_NO_MATCH".to_owned())),
        ),
        ("contentHandling", upper("contentHandling")),
        ("cacheNamespace", text("cacheNamespace")),
    ] {
        if let Some(value) = value {
            record.insert(name.to_owned(), value.into());
        }
    }
    for name in ["requestParameters", "requestTemplates"] {
        if let Some(texts) = texts(extension.get(name)) {
            record.insert(name.to_owned(), texts.into());
        }
    }
    let timeout = text("timeoutInMillis").map_or(Some(29_000), |text| text.parse::<i64>().ok());
    record.insert(
        "timeoutInMillis".to_owned(),
        timeout.ok_or("Timeout should be a number")?.into(),
    );
    let keys = extension.get("cacheKeyParameters").cloned();
    record.insert(
        "cacheKeyParameters".to_owned(),
        keys.filter(Value::is_array).unwrap_or_else(|| json!([])),
    );
    if let Some(responses) = extension.get("responses").and_then(Value::as_object) {
        let responses = responses
            .iter()
            .map(|(pattern, response)| response_of(pattern, response))
            .collect::<Result<Map<_, _>, String>>()?;
        if !responses.is_empty() {
            record.insert("integrationResponses".to_owned(), responses.into());
        }
    }
    Ok(record)
}

/// By the status of the method's response; the key is the pattern that selects it.
fn response_of(pattern: &str, response: &Value) -> Result<(String, Value), String> {
    let status = response
        .get("statusCode")
        .and_then(scalar)
        .filter(|status| status.len() == 3 && status.bytes().all(|byte| byte.is_ascii_digit()))
        .ok_or_else(|| format!("Invalid statusCode of the response {pattern}"))?;
    let mut record = Map::new();
    record.insert("statusCode".to_owned(), status.as_str().into());
    if pattern != "default" {
        record.insert("selectionPattern".to_owned(), pattern.into());
    }
    for name in ["responseParameters", "responseTemplates"] {
        if let Some(texts) = texts(response.get(name)) {
            record.insert(name.to_owned(), texts.into());
        }
    }
    if let Some(handling) = response.get("contentHandling").and_then(Value::as_str) {
        record.insert("contentHandling".to_owned(), handling.to_uppercase().into());
    }
    Ok((status, record.into()))
}

/// What is no text is left out (recorded by localstack, `test_import_rest_api_with_base_path_oas30`).
fn texts(value: Option<&Value>) -> Option<Map<String, Value>> {
    let texts: Map<String, Value> = value?
        .as_object()?
        .iter()
        .filter(|(_, value)| value.is_string())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    (!texts.is_empty()).then_some(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(extension: &Value) -> Result<Value, String> {
        read(extension.as_object().expect("an object")).map(Value::from)
    }

    #[test]
    fn an_extension_becomes_a_record() {
        let extension = json!({
            "type": "aws_proxy", "httpMethod": "post", "uri": "u", "timeoutInMillis": "1000",
            "passthroughBehavior": "when_no_templates", "contentHandling": "convert_to_text",
            "requestParameters": { "a": "'b'", "c": true },
            "requestTemplates": {},
            "cacheKeyParameters": ["method.request.querystring.a"],
            "responses": {
                "default": { "statusCode": 200 },
                ".*4.*": { "statusCode": "400", "responseTemplates": { "application/json": "x" } },
            },
        });
        assert_eq!(
            record(&extension),
            Ok(json!({
                "type": "AWS_PROXY", "httpMethod": "POST", "uri": "u", "timeoutInMillis": 1000,
                "passthroughBehavior": "WHEN_NO_TEMPLATES", "contentHandling": "CONVERT_TO_TEXT",
                "requestParameters": { "a": "'b'" },
                "cacheKeyParameters": ["method.request.querystring.a"],
                "integrationResponses": {
                    "200": { "statusCode": "200" },
                    "400": {
                        "statusCode": "400", "selectionPattern": ".*4.*",
                        "responseTemplates": { "application/json": "x" },
                    },
                },
            }))
        );
    }

    #[test]
    fn what_is_not_supported_is_named() {
        for (extension, named) in [
            (
                json!({ "type": "http", "connectionType": "VPC_LINK" }),
                "VPC",
            ),
            (
                json!({ "type": "http", "tlsConfig": { "insecureSkipVerification": true } }),
                "tlsConfig",
            ),
            (
                json!({ "type": "aws", "responseTransferMode": "STREAM" }),
                "stream",
            ),
            (
                json!({ "type": "mock", "responses": { "default": {} } }),
                "statusCode",
            ),
        ] {
            assert!(
                record(&extension).is_err_and(|why| why.contains(named)),
                "{extension}"
            );
        }
    }
}
