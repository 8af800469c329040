//! What a stack costs, by list prices: idle, and per million requests. No free tier is counted.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::declaration::Stack;
use crate::resource::Resource;

/// The table: US dollars, as of the month it names.
const PRICES: &str = include_str!("../prices.json");

const FALLBACK: &str = "us-east-1";
/// What a request is taken to be.
const BILLED_S: f64 = 0.02;
const LOG_BYTES: f64 = 300.0;

#[derive(Deserialize)]
struct Table {
    as_of: String,
    regions: BTreeMap<String, Prices>,
}

#[derive(Deserialize)]
struct Prices {
    api_million: f64,
    lambda_million: f64,
    gb_second_x86_64: f64,
    gb_second_arm64: f64,
    write_million: f64,
    table_gb_month: f64,
    logs_gb: f64,
    logs_gb_month: f64,
}

#[derive(Debug, Serialize)]
pub struct Estimate {
    pub as_of: String,
    /// Whose prices these are.
    pub region: String,
    pub idle_month_usd: f64,
    pub per_million_requests_usd: f64,
    /// US dollars per million requests, by service.
    pub parts: BTreeMap<&'static str, f64>,
    pub assumptions: Vec<String>,
}

pub fn estimate(stack: &Stack, region: &str) -> Result<Estimate> {
    let Table { as_of, mut regions } =
        serde_json::from_str(PRICES).context("reading the table of prices")?;
    let known = if regions.contains_key(region) {
        region
    } else {
        FALLBACK
    };
    let prices = regions
        .remove(known)
        .context("the table lacks its first region")?;
    let mut parts = BTreeMap::new();
    for declared in &stack.declared {
        let (service, usd) = match &declared.resource {
            Resource::RestApi(_) => ("API Gateway", prices.api_million),
            Resource::Function(function) => {
                let second = if function.architecture == "arm64" {
                    prices.gb_second_arm64
                } else {
                    prices.gb_second_x86_64
                };
                let memory_gb = f64::from(function.memory_mb) / 1024.0;
                let time = 1e6 * BILLED_S * memory_gb * second;
                ("Lambda", prices.lambda_million + time)
            }
            Resource::Table(_) => ("DynamoDB", prices.write_million),
            Resource::LogGroup(_) => ("CloudWatch Logs", LOG_BYTES * 1e6 / 1e9 * prices.logs_gb),
            _ => continue,
        };
        *parts.entry(service).or_default() += usd;
    }
    let mut assumptions = vec![
        "each request writes one item of 1 KB, is billed 20 ms and logs 300 bytes".to_owned(),
        "no free tier is counted".to_owned(),
        format!(
            "stored items (US$ {} per GB and month) and kept logs (US$ {}) come on top",
            prices.table_gb_month, prices.logs_gb_month
        ),
    ];
    if known != region {
        assumptions.push(format!(
            "prices of {known}, since those of {region} are not in the table"
        ));
    }
    Ok(Estimate {
        as_of,
        region: known.to_owned(),
        idle_month_usd: 0.0,
        per_million_requests_usd: parts.values().sum(),
        parts,
        assumptions,
    })
}

impl Estimate {
    /// In one line.
    pub fn line(&self) -> String {
        format!(
            "Cost: US$ {:.2} a month idle, about US$ {:.2} per million requests",
            self.idle_month_usd, self.per_million_requests_usd
        )
    }

    /// For the foot of a plan.
    pub fn text(&self) -> String {
        format!(
            "{}\n  list prices of {}, {}\n  {}",
            self.line(),
            self.region,
            self.as_of,
            self.assumptions.join("\n  ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::{Settings, lab};

    #[track_caller]
    fn costs(region: &str, architecture: &str, usd: f64) -> Estimate {
        let settings = Settings {
            architecture: architecture.to_owned(),
            ..Settings::default()
        };
        let found = estimate(&lab(&settings).unwrap(), region).unwrap();
        assert!(
            (found.per_million_requests_usd - usd).abs() < 1e-4,
            "{found:?}"
        );
        found
    }

    #[test]
    fn sums_are_as_by_hand() {
        // 3.50 + 0.20 + 1e6 × 0.02 s × 0.25 GB × 0.0000166667 (0.083334) + 0.625 + 0.3 GB × 0.50 (0.15)
        costs("us-east-1", "x86_64", 4.558_334);
        // The same with 5000 GB-s × 0.0000133334 (0.066667).
        costs("us-east-1", "arm64", 4.541_667);
        // 3.50 + 0.20 + 0.083334 + 0.705 + 0.3 × 0.57 (0.171)
        costs("eu-west-1", "x86_64", 4.659_334);
        // 3.70 + 0.20 + 0.083334 + 0.7625 + 0.3 × 0.63 (0.189)
        costs("eu-central-1", "x86_64", 4.934_834);
    }

    #[test]
    fn another_region_says_whose_prices_it_takes() {
        let found = costs("sa-east-1", "x86_64", 4.558_334);
        assert!(
            found
                .text()
                .contains("prices of us-east-1, since those of sa-east-1")
        );
    }
}
