//! Where a thing is: an account and a region, and the names AWS gives to things there.

use serde::{Deserialize, Serialize};

/// One region of one account. IAM's things are in no region: see `Place::global`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// Twelve digits.
    pub account: String,
    /// Such as `eu-west-1`; empty for what is global.
    pub region: String,
}

impl Place {
    /// Where the account's global things are.
    pub(crate) fn global(&self) -> Self {
        Self {
            account: self.account.clone(),
            region: String::new(),
        }
    }

    /// The same region of another account.
    pub(crate) fn of(&self, account: &str) -> Self {
        Self {
            account: account.to_owned(),
            region: self.region.clone(),
        }
    }

    /// `arn:{partition}:{service}:{region}:{account}:{resource}`.
    pub(crate) fn arn(&self, service: &str, resource: &str) -> String {
        format!(
            "arn:{}:{service}:{}:{}:{resource}",
            self.partition(),
            self.region,
            self.account
        )
    }

    /// IAM's and STS's form, without a region. `self` may be any place of the account.
    pub(crate) fn global_arn(&self, service: &str, resource: &str) -> String {
        format!(
            "arn:{}:{service}::{}:{resource}",
            self.partition(),
            self.account
        )
    }

    /// The partition of the region, by the prefixes of AWS's partition data.
    pub(crate) fn partition(&self) -> &'static str {
        const PREFIXES: [(&str, &str); 3] = [
            ("cn-", "aws-cn"),
            ("us-gov-", "aws-us-gov"),
            ("eusc-", "aws-eusc"),
        ];
        PREFIXES
            .iter()
            .find_map(|(prefix, partition)| self.region.starts_with(prefix).then_some(*partition))
            .unwrap_or("aws")
    }
}
