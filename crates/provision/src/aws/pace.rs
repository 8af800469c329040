//! AWS's documented rates, and keeping to them: a run that is alone in its account is never told to slow down.
//!
//! Per account and region (AWS: "Amazon API Gateway quotas", "Lambda quotas", "CloudWatch Logs quotas"); none can be
//! raised. What others in the account spend is not known here: that is what answers of 429 are waited out for.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// So many at once, and one more each `every`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub service: &'static str,
    /// The operation, or "all calls".
    pub of: &'static str,
    burst: u32,
    every: Duration,
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.every >= Duration::from_secs(1) {
            write!(f, "{} 1 per {} s", self.of, self.every.as_secs())
        } else {
            let per_second = 1.0 / self.every.as_secs_f64();
            write!(f, "{} {per_second:.0} per s", self.of)
        }
    }
}

const fn rate(service: &'static str, of: &'static str, burst: u32, every_ms: u64) -> Rate {
    Rate {
        service,
        of,
        burst,
        every: Duration::from_millis(every_ms),
    }
}

pub const API_GATEWAY: &str = "API Gateway";
pub const LAMBDA: &str = "Lambda";
pub const DYNAMODB: &str = "DynamoDB";
pub const LOGS: &str = "CloudWatch Logs";

/// All of API Gateway's calls together.
const GATEWAY_CALLS: Rate = rate(API_GATEWAY, "all calls", 40, 100);
/// All of Lambda's but reading functions and policies, and invoking.
const LAMBDA_CALLS: Rate = rate(LAMBDA, "all calls", 15, 67);

/// Rates of single operations.
const OWN: [Rate; 15] = [
    rate(API_GATEWAY, "CreateRestApi", 1, 3_000),
    rate(API_GATEWAY, "DeleteRestApi", 1, 30_000),
    rate(API_GATEWAY, "CreateDeployment", 1, 5_000),
    rate(API_GATEWAY, "UpdateUsagePlan", 1, 20_000),
    rate(API_GATEWAY, "CreateResource", 5, 200),
    rate(API_GATEWAY, "DeleteResource", 5, 200),
    rate(API_GATEWAY, "CreateApiKey", 5, 200),
    rate(API_GATEWAY, "DeleteApiKey", 5, 200),
    rate(API_GATEWAY, "GetResources", 5, 400),
    rate(LAMBDA, "GetFunction", 100, 10),
    rate(LAMBDA, "GetPolicy", 15, 67),
    rate(DYNAMODB, "TagResource", 5, 200),
    rate(LOGS, "CreateLogGroup", 10, 100),
    rate(LOGS, "DeleteLogGroup", 10, 100),
    rate(LOGS, "DescribeLogGroups", 10, 100),
];

/// API Gateway's operations that count in the total only.
const OF_GATEWAY: [&str; 30] = [
    "GetRestApis",
    "UpdateRestApi",
    "UpdateResource",
    "PutMethod",
    "UpdateMethod",
    "DeleteMethod",
    "GetMethod",
    "PutIntegration",
    "UpdateIntegration",
    "DeleteIntegration",
    "GetDeployments",
    "DeleteDeployment",
    "CreateStage",
    "UpdateStage",
    "DeleteStage",
    "GetStages",
    "GetStage",
    "GetApiKey",
    "GetApiKeys",
    "UpdateApiKey",
    "CreateUsagePlan",
    "GetUsagePlan",
    "GetUsagePlans",
    "DeleteUsagePlan",
    "CreateUsagePlanKey",
    "GetUsagePlanKey",
    "GetUsagePlanKeys",
    "DeleteUsagePlanKey",
    "PutMethodResponse",
    "PutIntegrationResponse",
];

const OF_LAMBDA: [&str; 7] = [
    "CreateFunction",
    "UpdateFunctionCode",
    "UpdateFunctionConfiguration",
    "DeleteFunction",
    "AddPermission",
    "RemovePermission",
    "ListFunctions",
];

/// The rates that a call of `operation` counts in; `service` says whose it is where several have one of this name.
fn rates(operation: &str, service: Option<&str>) -> impl Iterator<Item = Rate> {
    let own = OWN
        .iter()
        .find(|rate| rate.of == operation && service.is_none_or(|service| service == rate.service));
    let own = own.copied();
    let is_gateways =
        service == Some(API_GATEWAY) || own.is_some_and(|rate| rate.service == API_GATEWAY);
    let shared = if is_gateways || OF_GATEWAY.contains(&operation) {
        Some(GATEWAY_CALLS)
    } else if service == Some(LAMBDA) || OF_LAMBDA.contains(&operation) {
        Some(LAMBDA_CALLS)
    } else {
        None
    };
    own.into_iter().chain(shared)
}

/// The time that `operations` take at AWS's rates at least, all of the bursts being free.
pub fn least_time(operations: &[&str]) -> Duration {
    let mut counts: HashMap<(&str, &str), (Rate, u32)> = HashMap::new();
    for rate in operations
        .iter()
        .flat_map(|operation| rates(operation, None))
    {
        counts.entry((rate.service, rate.of)).or_insert((rate, 0)).1 += 1;
    }
    counts
        .into_values()
        .map(|(rate, count)| rate.every * count.saturating_sub(rate.burst))
        .max()
        .unwrap_or_default()
}

/// What this run has spent of them.
#[derive(Debug)]
pub struct Pace {
    is_kept: AtomicBool,
    /// By rate: when all of its burst is free again.
    full_at: Mutex<HashMap<(&'static str, &'static str), Instant>>,
}

/// A call would be too early.
#[derive(Debug, PartialEq, Eq)]
pub struct Early {
    pub rate: Rate,
    pub time: Duration,
}

impl Pace {
    /// Custom endpoints have no such rates: their pace is free until one of them says "slow down".
    pub fn new(is_kept: bool) -> Self {
        Self {
            is_kept: AtomicBool::new(is_kept),
            full_at: Mutex::default(),
        }
    }

    pub fn keep(&self) {
        self.is_kept.store(true, Ordering::Relaxed);
    }

    /// Counts a call at `now`, or says how long to wait and counts nothing.
    pub fn take(&self, operation: &str, service: Option<&str>, now: Instant) -> Result<(), Early> {
        if !self.is_kept.load(Ordering::Relaxed) {
            return Ok(());
        }
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let early = rates(operation, service)
            .filter_map(|rate| {
                let full = full_at.get(&(rate.service, rate.of))?;
                let time = full
                    .checked_duration_since(now)?
                    .checked_sub(rate.every * (rate.burst - 1))?;
                (!time.is_zero()).then_some(Early { rate, time })
            })
            .max_by_key(|early| early.time);
        if let Some(early) = early {
            return Err(early);
        }
        for rate in rates(operation, service) {
            let full = full_at.entry((rate.service, rate.of)).or_insert(now);
            *full = (*full).max(now) + rate.every;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The moments, in milliseconds, at which `count` calls of `operation` may be made.
    fn moments(operation: &str, count: usize) -> Vec<u128> {
        let pace = Pace::new(true);
        let start = Instant::now();
        let mut now = start;
        (0..count)
            .map(|_| {
                while let Err(early) = pace.take(operation, None, now) {
                    now += early.time;
                }
                (now - start).as_millis()
            })
            .collect()
    }

    #[test]
    fn a_rate_of_its_own_is_kept() {
        assert_eq!(moments("DeleteRestApi", 3), [0, 30_000, 60_000]);
        assert_eq!(moments("CreateApiKey", 7)[4..], [0, 200, 400]);
    }

    #[test]
    fn a_burst_is_used_before_anything_waits() {
        let moments = moments("GetStages", 42);
        assert_eq!(moments[39..], [0, 100, 200]);
    }

    #[test]
    fn one_name_counts_in_its_own_services_rates() {
        let rates_of = |service| {
            let rates = rates("TagResource", Some(service));
            rates.map(|rate| rate.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(rates_of(API_GATEWAY), ["all calls 10 per s"]);
        assert_eq!(rates_of(LAMBDA), ["all calls 15 per s"]);
        assert_eq!(rates_of(DYNAMODB), ["TagResource 5 per s"]);
        assert_eq!(rates_of(LOGS), Vec::<String>::new());
    }

    #[test]
    fn the_slowest_rate_says_how_long_it_takes_at_least() {
        assert_eq!(least_time(&["DeleteRestApi"; 3]), Duration::from_mins(1));
        assert_eq!(least_time(&["GetStages"; 40]), Duration::ZERO);
    }

    #[test]
    fn another_endpoint_is_not_slowed_until_it_asks() {
        let pace = Pace::new(false);
        let now = Instant::now();
        assert!((0..100).all(|_| pace.take("DeleteRestApi", None, now).is_ok()));
        pace.keep();
        assert_eq!(pace.take("DeleteRestApi", None, now), Ok(()));
        assert!(pace.take("DeleteRestApi", None, now).is_err());
    }

    #[test]
    fn a_wait_is_named_as_the_quota_is() {
        let pace = Pace::new(true);
        let now = Instant::now();
        pace.take("DeleteRestApi", None, now)
            .expect("the first is free");
        let early = pace
            .take("DeleteRestApi", None, now)
            .expect_err("1 per 30 s");
        assert_eq!(early.rate.to_string(), "DeleteRestApi 1 per 30 s");
        assert_eq!(early.time, Duration::from_secs(30));
    }
}
