//! Check of the function's resource policy before API Gateway invokes it, which the emulator does not make.

use hyper::body::Bytes;
use hyper::header::HeaderValue;
use hyper::{HeaderMap, Method};
use serde_json::Value;

use crate::account::Account;
use crate::call::Request;
use crate::decision::Answer;
use crate::proxy::Upstream;

/// Returns AWS's answer to a request through the public endpoint if the function does not permit the invocation.
pub(crate) async fn refusal(
    request: &Request,
    account: &str,
    upstream: &Upstream,
) -> Option<Answer> {
    let path = request.path.strip_prefix("/restapis/")?;
    let (stage, path) = path.split_once("/_user_request_")?;
    let (api, stage) = stage.split_once('/')?;
    let method = request.method.as_str();

    let resources = format!("/restapis/{api}/resources?embed=methods&limit=500");
    let resources = get(upstream, account, "apigateway", &resources).await?;
    // Paths with variables are not supported.
    let resource = resources["item"]
        .as_array()?
        .iter()
        .find(|resource| resource["path"] == path)?;
    let method_settings = &resource["resourceMethods"][method];
    let uri = method_settings["methodIntegration"]["uri"].as_str()?;
    // A missing stage or key is refused first, by the emulator itself.
    get(
        upstream,
        account,
        "apigateway",
        &format!("/restapis/{api}/stages/{stage}"),
    )
    .await?;
    if method_settings["apiKeyRequired"] == true && !request.headers.contains_key("x-api-key") {
        return None;
    }
    let (_, function) = uri.split_once("/functions/")?;
    let function = function
        .trim_end_matches("/invocations")
        .rsplit(':')
        .next()?;

    let policy = get(
        upstream,
        account,
        "lambda",
        &format!("/2015-03-31/functions/{function}/policy"),
    )
    .await;
    let policy = policy.and_then(|policy| serde_json::from_str(policy["Policy"].as_str()?).ok());
    let region = Account::REGION;
    let caller = format!("arn:aws:execute-api:{region}:{account}:{api}/{stage}/{method}{path}");
    (!permits(policy.as_ref(), &caller))
        .then(|| Answer::error(500, "InternalServerErrorException", "Internal server error"))
}

/// Returns true if a statement allows API Gateway to invoke the function for `caller`.
fn permits(policy: Option<&Value>, caller: &str) -> bool {
    let statements = policy.and_then(|policy| policy["Statement"].as_array());
    statements.into_iter().flatten().any(|statement| {
        let source = ["ArnLike", "ArnEquals", "StringEquals"]
            .iter()
            .map(|operator| &statement["Condition"][operator])
            .find_map(|condition| {
                condition["AWS:SourceArn"]
                    .as_str()
                    .or(condition["aws:SourceArn"].as_str())
            });
        statement["Effect"] == "Allow"
            && statement["Principal"]["Service"] == "apigateway.amazonaws.com"
            && statement["Action"] == "lambda:InvokeFunction"
            && source.is_none_or(|source| like(source, caller))
    })
}

/// Matches `text` against `pattern`, in which `*` stands for any characters.
fn like(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(text) = text.strip_prefix(start) else {
        return false;
    };
    let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    ends.into_iter().any(|at| like(rest, &text[at..]))
}

async fn get(upstream: &Upstream, account: &str, service: &str, path: &str) -> Option<Value> {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", signature(account, service));
    let response = upstream
        .request(Method::GET, path, &headers, Bytes::new())
        .await?;
    response
        .status()
        .is_success()
        .then(|| serde_json::from_slice(response.body()).ok())?
}

/// Returns an authorization header with the parts that the emulator reads.
pub(crate) fn signature(account: &str, service: &str) -> HeaderValue {
    let region = Account::REGION;
    let value =
        format!("AWS4-HMAC-SHA256 Credential={account}/20260101/{region}/{service}/aws4_request");
    HeaderValue::from_str(&value).expect("an account id is digits")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const CALLER: &str = "arn:aws:execute-api:eu-west-1:1:a1/Prod/POST/DynamoDBManager";

    fn policy(source: &str) -> Value {
        json!({ "Statement": [{
            "Effect": "Allow",
            "Principal": { "Service": "apigateway.amazonaws.com" },
            "Action": "lambda:InvokeFunction",
            "Condition": { "ArnLike": { "AWS:SourceArn": source } },
        }] })
    }

    #[test]
    fn the_source_has_to_be_this_method_of_this_api() {
        for source in [
            "arn:aws:execute-api:eu-west-1:1:a1/*/POST/DynamoDBManager",
            "arn:aws:execute-api:eu-west-1:1:a1/*",
            CALLER,
        ] {
            assert!(permits(Some(&policy(source)), CALLER), "{source}");
        }
        for source in [
            "arn:aws:execute-api:eu-west-1:1:b2/*/POST/DynamoDBManager",
            "arn:aws:execute-api:eu-west-1:1:a1/*/GET/DynamoDBManager",
            "arn:aws:execute-api:eu-west-1:1:a1/*/POST/dynamodbmanager",
        ] {
            assert!(!permits(Some(&policy(source)), CALLER), "{source}");
        }
        assert!(!permits(None, CALLER));
    }
}
