//! The price of a stack, by list prices: idle, and for a million requests. No free tier is counted.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use provision_engine::declaration::Declaration;
use serde::{Deserialize, Serialize};

/// The table: US dollars, as of the month it names.
const TABLE: &str = include_str!("../prices.json");

/// The region whose prices stand in for those of regions without any.
const FALLBACK: &str = "us-east-1";

#[derive(Deserialize)]
struct Table {
    as_of: String,
    regions: BTreeMap<String, Prices>,
}

/// The list prices of one region, in US dollars.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Prices {
    /// A million requests to a REST API.
    pub(crate) api_million: f64,
    /// A million invocations.
    pub(crate) lambda_million: f64,
    pub(crate) gb_second_x86_64: f64,
    pub(crate) gb_second_arm64: f64,
    /// A million writes of up to 1 KB to a table.
    pub(crate) write_million: f64,
    table_gb_month: f64,
    pub(crate) logs_gb: f64,
    logs_gb_month: f64,
}

static PRICES: LazyLock<Table> =
    LazyLock::new(|| serde_json::from_str(TABLE).expect("a test reads the table"));

/// Returns the prices of `region`, or of the region that stands in for it.
pub(crate) fn prices(region: &str) -> &'static Prices {
    &PRICES.regions[known(region)]
}

fn known(region: &str) -> &str {
    if PRICES.regions.contains_key(region) {
        region
    } else {
        FALLBACK
    }
}

/// The estimated price of a stack.
#[derive(Debug, Serialize)]
pub struct Estimate {
    /// The month of the prices.
    pub as_of: String,
    /// The region of the prices.
    pub region: String,
    /// US dollars a month without a request.
    pub idle_month_usd: f64,
    /// US dollars for a million requests.
    pub per_million_requests_usd: f64,
    /// US dollars per million requests, by service.
    pub parts: BTreeMap<&'static str, f64>,
    /// The assumptions, a sentence each.
    pub assumptions: Vec<String>,
}

/// Estimates the price of a stack in `region`. Requests are spread evenly over its APIs, functions, tables and log groups.
pub fn estimate(declaration: &Declaration, region: &str) -> Estimate {
    let prices = prices(region);
    let mut charges: BTreeMap<&'static str, Vec<f64>> = BTreeMap::new();
    for declared in &declaration.resources {
        for charge in declared.resource.cost(region) {
            charges.entry(charge.service).or_default().push(charge.usd);
        }
    }
    let is_spread = charges.values().any(|charges| charges.len() > 1);
    let parts: BTreeMap<&'static str, f64> = charges
        .into_iter()
        .map(|(service, charges)| {
            let count = f64::from(u32::try_from(charges.len()).unwrap_or(u32::MAX));
            (service, charges.iter().sum::<f64>() / count)
        })
        .collect();
    let mut assumptions = vec![
        "each request writes one item of 1 KB, is billed 20 ms and logs 300 bytes".to_owned(),
        "no free tier is counted".to_owned(),
        format!(
            "stored items (US$ {} per GB and month) and kept logs (US$ {}) come on top",
            prices.table_gb_month, prices.logs_gb_month
        ),
    ];
    if is_spread {
        let spread = "requests are spread evenly over the stack's APIs, functions and tables";
        assumptions.push(spread.to_owned());
    }
    let known = known(region);
    if known != region {
        assumptions.push(format!(
            "prices of {known}, since those of {region} are not in the table"
        ));
    }
    Estimate {
        as_of: PRICES.as_of.clone(),
        region: known.to_owned(),
        idle_month_usd: 0.0,
        // Not `sum`, which is minus zero for nothing.
        per_million_requests_usd: parts.values().fold(0.0, |sum, usd| sum + usd),
        parts,
        assumptions,
    }
}

impl Estimate {
    /// Returns the price in one line.
    pub fn line(&self) -> String {
        format!(
            "Cost: US$ {:.2} a month idle, about US$ {:.2} per million requests",
            self.idle_month_usd, self.per_million_requests_usd
        )
    }

    /// Returns the price with its assumptions, for the end of a plan.
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
    use provision_engine::env::Env;
    use provision_engine::stack::Stack;

    use super::*;

    #[test]
    fn a_stack_without_a_charge_costs_nothing() {
        let stack = Stack::new("empty", &Env::new(None, "eu-west-1"));
        let estimate = estimate(&stack.finish().unwrap(), "eu-west-1");
        assert!(
            estimate.line().contains("US$ 0.00 per million"),
            "{}",
            estimate.line()
        );
    }
}
