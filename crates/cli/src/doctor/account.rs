//! Checks of the account: the caller, the clock, the rights, and the names.

use anyhow::{Error, Result};

use super::clock::Clock;
use super::{Check, rights};
use provision_aws::Calls;
use provision_aws::apigateway::lists;
use provision_aws::connection::GET_CALLER_IDENTITY;
use provision_engine::aws::Aws;
use provision_engine::declaration::Declaration;
use provision_engine::error::{AwsError, Failure};
use provision_engine::look::Look;
use provision_engine::observe::{Observations, observe};
use provision_engine::planner;
use provision_engine::resource::Kinds;

/// The names of all checks here, in the order they are made.
pub(crate) const NAMES: [&str; 5] = ["identity", "clock", "rights", "names", "quotas"];

/// Checks the account that `aws` is connected to, as far as it answers.
pub(crate) async fn checks(aws: &Aws, declaration: &Declaration, kinds: &Kinds) -> Vec<Check> {
    let sts = aws.sts();
    let clock = Clock::default();
    let asked = aws
        .call(&GET_CALLER_IDENTITY, || {
            let ask = sts.get_caller_identity().customize();
            ask.interceptor(clock.clone()).send()
        })
        .await;
    let caller = match asked {
        Ok(caller) => caller.arn.unwrap_or_default(),
        Err(error) => {
            let mut checks = vec![unidentified(&error), clock.check()];
            checks.extend(unknown(&NAMES[2..]));
            return checks;
        }
    };
    let mut checks = vec![Check::ok("identity", caller.as_str()), clock.check()];
    match aws.target().await {
        Ok(target) => checks.push({
            let rights = rights::Rights {
                declaration,
                kinds,
                target,
            };
            rights.check(aws, &caller).await
        }),
        Err(error) => checks.push(Check::error("rights", &error)),
    }
    let look = Look::new(aws.clone());
    checks.push(match observe(declaration, &look).await {
        Ok(observations) => names(declaration, &observations),
        Err(error) => unread("names", &error),
    });
    checks.push(match quotas(&look).await {
        Ok(check) => check,
        Err(error) => unread("quotas", &error),
    });
    checks
}

/// The checks that need an answer from AWS, where there is none.
pub(crate) fn unknown(names: &[&'static str]) -> impl Iterator<Item = Check> {
    names
        .iter()
        .map(|name| Check::unknown(name, "AWS was not asked"))
}

fn unidentified(error: &AwsError) -> Check {
    let check = Check::fail("identity", error.to_string());
    match error.failure {
        Failure::NotSent | Failure::Unclear => {
            check.remedy("a look at network, proxy and `AWS_ENDPOINT_URL`; `--local` needs none")
        }
        _ => check.remedy("`aws sso login`, or other credentials"),
    }
}

/// A part of the account that one may not read is not known to be wrong.
fn unread(name: &'static str, error: &Error) -> Check {
    let is_refused = error
        .downcast_ref::<AwsError>()
        .is_some_and(|error| error.failure == Failure::Refused);
    let check = Check::error(name, error);
    if is_refused {
        Check::unknown(name, check.detail)
    } else {
        check
    }
}

fn names(declaration: &Declaration, observations: &Observations) -> Check {
    const NAME: &str = "names";
    let conflicts = planner::conflicts(declaration, observations);
    if conflicts.is_empty() {
        let declared = declaration.resources.len();
        return Check::ok(
            NAME,
            match observations.len() {
                0 => format!(
                    "`{}` is not deployed, and its names are free",
                    declaration.name
                ),
                found => format!(
                    "`{}` is deployed, {found} of {declared} resources",
                    declaration.name
                ),
            },
        );
    }
    let taken: Vec<String> = conflicts
        .iter()
        .map(|conflict| {
            format!(
                "{} `{}`: {}",
                conflict.type_name, conflict.name, conflict.why
            )
        })
        .collect();
    Check::fail(NAME, taken.join("; "))
        .remedy("`up --adopt NAME` to take them over, or `--env NAME` for a copy under other names")
}

/// The limit of them in a region (AWS: "Amazon API Gateway quotas").
const REGIONAL_APIS: usize = 600;
const API_KEYS: usize = 10_000;
const USAGE_PLANS: usize = 300;

/// Checks the quotas of API Gateway, whose lists are read for `names` anyway.
async fn quotas(look: &Look) -> Result<Check> {
    const NAME: &str = "quotas";
    let counts = [
        (
            "REST APIs",
            lists::rest_apis(look).await?.len(),
            REGIONAL_APIS,
        ),
        ("API keys", lists::api_keys(look).await?.len(), API_KEYS),
        (
            "usage plans",
            lists::usage_plans(look).await?.len(),
            USAGE_PLANS,
        ),
    ];
    let said = |(what, count, most): &(&str, usize, usize)| format!("{count} of {most} {what}");
    let full: Vec<String> = counts
        .iter()
        .filter(|(_, count, most)| count >= most)
        .map(said)
        .collect();
    if !full.is_empty() {
        return Ok(Check::warn(NAME, full.join(", "))
            .remedy("Service Quotas in the console, or delete what is not used"));
    }
    let all: Vec<String> = counts.iter().map(said).collect();
    Ok(Check::ok(NAME, all.join(", ")))
}

/// Checks whether the SDK's chain has a region.
pub(crate) fn region(found: Option<&str>) -> Check {
    const NAME: &str = "region";
    match found {
        Some(region) => Check::ok(NAME, region),
        None => Check::fail(NAME, "none is set")
            .remedy("`--region eu-west-1`, `AWS_REGION=eu-west-1`, or a region in the profile"),
    }
}
