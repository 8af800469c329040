//! Who a trust policy is about.

use serde_json::Value;

use super::document::{malformed, strings};
use crate::answer::Refusal;

/// Whoever wants to assume a role.
#[derive(Clone, Debug)]
pub(crate) enum Principal<'a> {
    /// Such as `lambda.amazonaws.com`.
    Service(&'a str),
    /// An account's credentials, by all the ARNs that name them.
    Aws { account: &'a str, arns: Vec<String> },
    /// Nobody who is known.
    Anonymous,
}

/// The `Principal` of a statement.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Principals {
    Everyone,
    Named {
        aws: Vec<String>,
        services: Vec<String>,
    },
}

impl Principals {
    pub(super) fn read(value: &Value) -> Result<Self, Refusal> {
        let kinds = match value {
            Value::String(text) if text == "*" => return Ok(Self::Everyone),
            Value::String(text) => {
                return Err(malformed(format!("Invalid principal in policy: {text}")));
            }
            Value::Object(kinds) if !kinds.is_empty() => kinds,
            _ => return Err(malformed("Invalid principal in policy.")),
        };
        let (mut aws, mut services) = (Vec::new(), Vec::new());
        for (kind, names) in kinds {
            let names = strings(names)?;
            match kind.as_str() {
                "AWS" => aws = names,
                "Service" => services = names,
                "Federated" | "CanonicalUser" => {}
                _ => return Err(malformed("Invalid principal in policy.")),
            }
        }
        let unknown = services.iter().find(|name| {
            let (name, suffix) = name.split_once(".amazonaws.").unwrap_or(("", ""));
            name.is_empty() || !matches!(suffix, "com" | "com.cn" | "eu")
        });
        if let Some(name) = unknown {
            return Err(invalid("SERVICE", name));
        }
        let unknown = aws.iter().find(|name| {
            let is_account = name.len() == 12 && name.bytes().all(|byte| byte.is_ascii_digit());
            let is_arn = name.starts_with("arn:") && name.split(':').count() >= 6;
            name.as_str() != "*" && !is_account && !is_arn
        });
        match unknown {
            Some(name) => Err(invalid("AWS", name)),
            None => Ok(Self::Named { aws, services }),
        }
    }

    /// The ARNs among them.
    pub(crate) fn arns(&self) -> impl Iterator<Item = &str> {
        let aws = match self {
            Self::Everyone => &[][..],
            Self::Named { aws, .. } => aws,
        };
        aws.iter()
            .map(String::as_str)
            .filter(|name| name.starts_with("arn:"))
    }

    pub(crate) fn include(&self, principal: &Principal) -> bool {
        match (self, principal) {
            (Self::Everyone, _) => true,
            (Self::Named { services, .. }, Principal::Service(service)) => {
                services.iter().any(|name| name == service)
            }
            (Self::Named { aws, .. }, Principal::Anonymous) => aws.iter().any(|name| name == "*"),
            (Self::Named { aws, .. }, Principal::Aws { account, arns }) => aws.iter().any(|name| {
                name == "*" || name == account || is_root(name, account) || arns.contains(name)
            }),
        }
    }
}

fn is_root(arn: &str, account: &str) -> bool {
    let parts: Vec<&str> = arn.split(':').collect();
    matches!(parts[..], ["arn", _, "iam", "", of, "root"] if of == account)
}

/// AWS's words about a principal that it does not know, or does not know yet.
pub(crate) fn invalid(kind: &str, name: &str) -> Refusal {
    malformed(format!(
        "Invalid principal in policy: \"{kind}\":\"{name}\""
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn include(value: &Value, principal: &Principal) -> bool {
        Principals::read(value)
            .expect("principals")
            .include(principal)
    }

    #[test]
    fn principals_are_named_in_several_ways() {
        let lambda = Principal::Service("lambda.amazonaws.com");
        let account = Principal::Aws {
            account: "000000000000",
            arns: vec!["arn:aws:iam::000000000000:role/r".into()],
        };
        let service = json!({ "Service": ["edgelambda.amazonaws.com", "lambda.amazonaws.com"] });
        assert!(include(&service, &lambda));
        assert!(!include(&service, &account));
        assert!(!include(&json!({ "AWS": "*" }), &lambda));
        for name in [
            "*",
            "000000000000",
            "arn:aws:iam::000000000000:root",
            "arn:aws:iam::000000000000:role/r",
        ] {
            assert!(include(&json!({ "AWS": name }), &account), "{name}");
        }
        assert!(!include(
            &json!({ "AWS": "arn:aws:iam::111111111111:root" }),
            &account
        ));
        for value in [
            json!("x"),
            json!({}),
            json!({ "Service": "lambda" }),
            json!({ "AWS": "me" }),
        ] {
            assert!(Principals::read(&value).is_err(), "{value}");
        }
    }
}
