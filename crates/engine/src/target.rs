//! The place of a deployment, and the ARNs and URLs there.

use serde::{Deserialize, Serialize};

/// One account and region of one partition, or an endpoint that stands in for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// The account's number, twelve digits.
    pub account: String,
    /// The region: `eu-west-1`.
    pub region: String,
    /// A custom endpoint, from `AWS_ENDPOINT_URL` or the profile; absent on AWS.
    pub endpoint: Option<String>,
    /// The partition: `aws`, `aws-cn`, `aws-us-gov` and others.
    #[serde(skip)]
    pub partition: String,
}

impl Target {
    /// A target with an account, region and partition as long as they get: what fits there fits everywhere.
    pub fn longest() -> Self {
        Self {
            account: "1".repeat(12),
            region: "us-gov-northeast-1".to_owned(),
            endpoint: None,
            partition: "aws-us-gov".to_owned(),
        }
    }

    /// Returns `arn:{partition}:{service}:{region}:{account}:{resource}`.
    pub fn arn(&self, service: &str, resource: &str) -> String {
        format!(
            "arn:{}:{service}:{}:{}:{resource}",
            self.partition, self.region, self.account
        )
    }

    /// Returns an ARN of IAM, which is global: it has no region.
    pub fn iam_arn(&self, resource: &str) -> String {
        format!("arn:{}:iam::{}:{resource}", self.partition, self.account)
    }

    /// Returns an ARN in the form of API Gateway's tag operations, which has no account.
    pub fn apigateway_arn(&self, path: &str) -> String {
        format!("arn:{}:apigateway:{}::{path}", self.partition, self.region)
    }

    /// Returns the `uri` of a Lambda integration. A bare function ARN is refused ("must contain path or action").
    pub fn invoke_arn(&self, function_arn: &str) -> String {
        format!(
            "arn:{}:apigateway:{}:lambda:path/2015-03-31/functions/{function_arn}/invocations",
            self.partition, self.region
        )
    }

    /// Returns the URL of a stage, without a trailing slash. With a custom endpoint, the form that emulators share.
    pub fn stage_url(&self, api_id: &str, stage: &str) -> String {
        match &self.endpoint {
            Some(endpoint) => {
                format!(
                    "{}/restapis/{api_id}/{stage}/_user_request_",
                    endpoint.trim_end_matches('/')
                )
            }
            None => format!(
                "https://{api_id}.execute-api.{}.{}/{stage}",
                self.region,
                dns_suffix(&self.partition)
            ),
        }
    }
}

/// Returns the partition that a region belongs to, by the prefixes of AWS's partition data.
pub fn partition_of(region: &str) -> &'static str {
    const PREFIXES: [(&str, &str); 7] = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-iso-", "aws-iso"),
        ("us-isob-", "aws-iso-b"),
        ("eu-isoe-", "aws-iso-e"),
        ("us-isof-", "aws-iso-f"),
        ("eusc-", "aws-eusc"),
    ];
    PREFIXES
        .iter()
        .find_map(|(prefix, partition)| region.starts_with(prefix).then_some(*partition))
        .unwrap_or("aws")
}

fn dns_suffix(partition: &str) -> &'static str {
    match partition {
        "aws-cn" => "amazonaws.com.cn",
        "aws-eusc" => "amazonaws.eu",
        "aws-iso" => "c2s.ic.gov",
        "aws-iso-b" => "sc2s.sgov.gov",
        "aws-iso-e" => "cloud.adc-e.uk",
        "aws-iso-f" => "csp.hci.ic.gov",
        _ => "amazonaws.com",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(region: &str) -> Target {
        Target {
            account: "111122223333".into(),
            region: region.into(),
            endpoint: None,
            partition: partition_of(region).into(),
        }
    }

    #[test]
    fn names_follow_the_partition() {
        let china = target("cn-north-1");
        assert_eq!(
            china.arn("dynamodb", "table/t"),
            "arn:aws-cn:dynamodb:cn-north-1:111122223333:table/t"
        );
        assert_eq!(
            china.iam_arn("role/r"),
            "arn:aws-cn:iam::111122223333:role/r"
        );
        assert_eq!(
            china.stage_url("abc", "Prod"),
            "https://abc.execute-api.cn-north-1.amazonaws.com.cn/Prod"
        );
        assert_eq!(partition_of("us-gov-west-1"), "aws-us-gov");
        assert_eq!(partition_of("eu-west-1"), "aws");
    }

    #[test]
    fn an_endpoint_takes_the_emulators_form() {
        let local = Target {
            endpoint: Some("http://127.0.0.1:4566/".into()),
            ..target("us-east-1")
        };
        assert_eq!(
            local.stage_url("abc", "Prod"),
            "http://127.0.0.1:4566/restapis/abc/Prod/_user_request_"
        );
    }
}
