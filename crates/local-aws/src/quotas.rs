//! The documented rates of the control planes, per account and region (AWS: "Amazon API Gateway quotas", "Lambda quotas",
//! "AWS Systems Manager endpoints and quotas").

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::answer::Refusal;
use crate::clock::Moment;
use crate::place::Place;
use crate::service::Service;

/// So many at once, and one more each `every_ms`.
#[derive(Clone, Copy, Debug)]
struct Rate {
    burst: u32,
    every_ms: u64,
}

const fn rate(burst: u32, every_ms: u64) -> Rate {
    Rate { burst, every_ms }
}

/// The rates that a call of `operation` counts in, each by the name of what shares it.
fn rates(service: Service, operation: &'static str) -> Vec<(&'static str, Rate)> {
    match service {
        Service::ApiGateway => {
            let own = match operation {
                "CreateRestApi" | "ImportRestApi" => Some(("CreateRestApi", rate(1, 3_000))),
                "DeleteRestApi" => Some((operation, rate(1, 30_000))),
                "CreateDeployment" => Some((operation, rate(1, 5_000))),
                "CreateDocumentationVersion" | "UpdateUsagePlan" | "UpdateAccount" => {
                    Some((operation, rate(1, 20_000)))
                }
                "CreateResource" | "DeleteResource" | "CreateApiKey" | "DeleteApiKey" => {
                    Some((operation, rate(5, 200)))
                }
                "GetResources" => Some((operation, rate(5, 400))),
                "PutRestApi" => Some((operation, rate(1, 1_000))),
                _ => None,
            };
            own.into_iter()
                .chain([("API Gateway", rate(40, 100))])
                .collect()
        }
        Service::Lambda => match operation {
            "Invoke" | "InvokeWithResponseStream" => vec![],
            "GetFunction" => vec![(operation, rate(100, 10))],
            "GetPolicy" => vec![(operation, rate(15, 67))],
            _ => vec![("Lambda", rate(15, 67))],
        },
        Service::Logs => match operation {
            "CreateLogGroup" | "DeleteLogGroup" | "DescribeLogGroups" => {
                vec![(operation, rate(10, 100))]
            }
            _ => vec![],
        },
        // Reported in github-aws-runners/terraform-aws-github-runner#2944 and #1841.
        Service::Ssm => match operation {
            "PutParameter" => vec![(operation, rate(3, 334))],
            "GetParameter" | "GetParameters" | "GetParametersByPath" => {
                vec![("Parameter Store reads", rate(40, 25))]
            }
            _ => vec![],
        },
        Service::DynamoDb => match operation {
            "TagResource" | "ListBackups" => vec![(operation, rate(5, 200))],
            // The fifth of 30 at once was refused, as recorded.
            "DescribeTimeToLive" => vec![(operation, rate(4, 250))],
            // As their API documentation says.
            "DescribeContinuousBackups" | "DescribeBackup" | "DeleteBackup" | "DescribeStream" => {
                vec![(operation, rate(10, 100))]
            }
            _ => vec![],
        },
        _ => vec![],
    }
}

/// What has been spent, by place and rate: the moment at which the bucket is full again.
#[derive(Debug, Default)]
pub(crate) struct Quotas(Mutex<HashMap<(Place, &'static str), Moment>>);

impl Quotas {
    /// Counts a call, or refuses it and counts nothing.
    pub(crate) fn spend(
        &self,
        place: &Place,
        service: Service,
        operation: &'static str,
        now: Moment,
    ) -> Result<(), Refusal> {
        let mut spent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let rates = rates(service, operation);
        for (name, rate) in &rates {
            let full_at = spent.get(&(place.clone(), *name)).copied().unwrap_or(0);
            let lead = u64::from(rate.burst - 1) * rate.every_ms;
            let free_at = full_at.saturating_sub(lead);
            if free_at > now {
                return Err(throttled(service, free_at - now));
            }
        }
        for (name, rate) in rates {
            let full_at = spent.entry((place.clone(), name)).or_insert(0);
            *full_at = (*full_at).max(now) + rate.every_ms;
        }
        Ok(())
    }
}

/// 429, or the 400 of services whose client errors all have it.
pub(crate) fn throttled(service: Service, wait_ms: u64) -> Refusal {
    let seconds = wait_ms.div_ceil(1000).max(1);
    match service {
        Service::ApiGateway => Refusal::new(429, "TooManyRequestsException", "Too Many Requests")
            .with_header("retry-after", seconds.to_string()),
        Service::Lambda => Refusal::new(429, "TooManyRequestsException", "Rate exceeded")
            .with_member("Reason", "CallerRateLimitExceeded")
            .with_header("retry-after", seconds.to_string()),
        Service::Iam | Service::Sts => Refusal::new(400, "Throttling", "Rate exceeded"),
        Service::DynamoDb | Service::Logs | Service::Ssm => {
            Refusal::new(400, "ThrottlingException", "Rate exceeded")
        }
        Service::Tagging => Refusal::new(400, "ThrottledException", "Rate exceeded"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_fills_again() {
        let quotas = Quotas::default();
        let place = Place {
            account: "0".into(),
            region: "r".into(),
        };
        let spend = |now| quotas.spend(&place, Service::ApiGateway, "DeleteRestApi", now);
        assert_eq!(spend(1_000), Ok(()));
        let refused = spend(2_000).expect_err("1 per 30 s");
        assert_eq!(refused.headers, [("retry-after", "29".to_owned())]);
        assert_eq!(spend(31_000), Ok(()));
    }

    #[test]
    fn reads_of_parameters_share_a_rate() {
        let quotas = Quotas::default();
        let place = Place {
            account: "0".into(),
            region: "r".into(),
        };
        let passed = ["GetParameter", "GetParameters"]
            .into_iter()
            .cycle()
            .take(60)
            .filter(|operation| quotas.spend(&place, Service::Ssm, operation, 1_000).is_ok())
            .count();
        assert_eq!(passed, 40);
    }

    #[test]
    fn all_calls_share_a_burst_of_forty() {
        let quotas = Quotas::default();
        let place = Place {
            account: "0".into(),
            region: "r".into(),
        };
        let passed = (0..60)
            .filter(|_| {
                quotas
                    .spend(&place, Service::ApiGateway, "GetStages", 1_000)
                    .is_ok()
            })
            .count();
        assert_eq!(passed, 40);
    }
}
