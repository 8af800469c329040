//! Resource policies of APIs: their form, and what a request brings that they may ask for.

use http::HeaderMap;
use http::header::{HeaderName, REFERER, USER_AGENT};
use serde_json::Value;

use crate::answer::Refusal;
use crate::apigateway::refusal::bad_request;
use crate::clock;
use crate::cloud::Cloud;
use crate::iam::document::Kind;
use crate::iam::{Context, Document};
use crate::place::Place;

/// All requests come over loopback.
const SOURCE_IP: &str = "127.0.0.1";
/// The start of a resource that leaves away what is the same for all of an API.
const SHORT: &str = "execute-api:/";

/// The policy with its resources in full, as AWS keeps it.
pub(in crate::apigateway) fn in_full(
    text: &str,
    place: &Place,
    api: &str,
) -> Result<String, Refusal> {
    let mut policy: Value = serde_json::from_str(text).map_err(|_| invalid())?;
    let full = place.arn("execute-api", &format!("{api}/"));
    let statements = match policy.get_mut("Statement") {
        Some(Value::Array(list)) => list.iter_mut().collect(),
        Some(statement) => vec![statement],
        None => return Err(invalid()),
    };
    for statement in statements {
        for member in ["Resource", "NotResource"] {
            let resources = match statement.get_mut(member) {
                Some(Value::Array(list)) => list.iter_mut().collect(),
                Some(resource) => vec![resource],
                None => continue,
            };
            for resource in resources {
                if let Some(rest) = resource.as_str().and_then(|text| text.strip_prefix(SHORT)) {
                    *resource = format!("{full}{rest}").into();
                }
            }
        }
    }
    let text = policy.to_string();
    read(&text).ok_or_else(invalid)?;
    Ok(text)
}

fn invalid() -> Refusal {
    bad_request(
        "Invalid policy document. Please check the policy syntax and ensure that Principals are valid.",
    )
}

/// `None` for what is no resource policy.
pub(super) fn read(text: &str) -> Option<Document> {
    Document::parse(text, Kind::Resource).ok()
}

/// AWS: "AWS condition keys that can be used in API Gateway resource policies".
pub(super) fn context(cloud: &Cloud, headers: &HeaderMap) -> Context {
    let now = cloud.now();
    let mut context = Context::default()
        .with("aws:SourceIp", SOURCE_IP)
        .with("aws:CurrentTime", clock::iso(now))
        .with("aws:EpochTime", clock::seconds(now).to_string())
        // As it would be: API Gateway is reached by TLS only.
        .with("aws:SecureTransport", "true");
    let names: [(HeaderName, &str); 2] = [(REFERER, "aws:Referer"), (USER_AGENT, "aws:UserAgent")];
    for (header, key) in names {
        if let Some(value) = headers.get(header) {
            context = context.with(key, String::from_utf8_lossy(value.as_bytes()));
        }
    }
    context
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn place() -> Place {
        Place {
            account: "000000000000".into(),
            region: "eu-west-1".into(),
        }
    }

    #[test]
    fn short_resources_are_written_in_full() {
        let policy = json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke",
            "Resource": ["execute-api:/*/GET/pets", "arn:aws:execute-api:*:*:api/x"],
        }] });
        let text = in_full(&policy.to_string(), &place(), "api").expect("a policy");
        let policy: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(
            policy["Statement"][0]["Resource"],
            json!([
                "arn:aws:execute-api:eu-west-1:000000000000:api/*/GET/pets",
                "arn:aws:execute-api:*:*:api/x"
            ])
        );
    }

    #[test]
    fn what_is_no_policy_is_refused() {
        for policy in [
            json!([]),
            json!({}),
            json!({ "Statement": {
                "Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*",
            } }),
            json!({ "Statement": { "Effect": "Allow", "Principal": "*", "Resource": "*" } }),
            json!({ "Statement": {
                "Effect": "Allow", "Principal": { "AWS": "me" }, "Action": "*", "Resource": "*",
            } }),
        ] {
            let refused = in_full(&policy.to_string(), &place(), "api");
            assert!(refused.is_err(), "{policy}");
        }
    }
}
