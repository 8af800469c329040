//! What can be asked of AWS: who one is, what time it is, what one may do, and what is in the way.

use anyhow::{Error, Result};

use super::clock::Clock;
use super::{Check, rights};
use crate::aws::Aws;
use crate::aws::call::Operation;
use crate::aws::error::{AwsError, Failure};
use crate::declaration::Stack;
use crate::observe::{Observations, observe};
use crate::planner;
use crate::resource::Look;

/// The names of all checks here, in the order they are made.
pub const NAMES: [&str; 5] = ["identity", "clock", "rights", "names", "quotas"];

/// Looks at the account that `aws` is connected to, as far as it answers.
pub async fn checks(aws: &Aws, stack: &Stack) -> Vec<Check> {
    const GET_CALLER_IDENTITY: Operation = Operation::safe("GetCallerIdentity");
    let clock = Clock::default();
    let asked = aws
        .call(GET_CALLER_IDENTITY, || {
            let ask = aws.sts().get_caller_identity().customize();
            ask.interceptor(clock.clone()).send()
        })
        .await;
    let caller = match asked {
        Ok(caller) => caller.arn.unwrap_or_default(),
        Err(error) => {
            let mut checks = vec![stranger(&error), clock.check()];
            checks.extend(unknown(&NAMES[2..]));
            return checks;
        }
    };
    let mut checks = vec![Check::ok("identity", caller.as_str()), clock.check()];
    match aws.target().await {
        Ok(target) => checks.push(rights::check(aws, stack, target, &caller).await),
        Err(error) => checks.push(Check::error("rights", &error)),
    }
    let look = Look::new(aws.clone());
    checks.push(match observe(stack, &look).await {
        Ok(observations) => names(stack, &observations),
        Err(error) => unread("names", &error),
    });
    checks.push(match quotas(&look).await {
        Ok(check) => check,
        Err(error) => unread("quotas", &error),
    });
    checks
}

/// What cannot be told without an answer from AWS.
pub fn unknown(names: &[&'static str]) -> impl Iterator<Item = Check> {
    names
        .iter()
        .map(|name| Check::unknown(name, "AWS was not asked"))
}

fn stranger(error: &AwsError) -> Check {
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

fn names(stack: &Stack, observations: &Observations) -> Check {
    const NAME: &str = "names";
    let strangers = planner::strangers(stack, observations);
    if strangers.is_empty() {
        let declared = stack.declared.len();
        return Check::ok(
            NAME,
            match observations.len() {
                0 => format!("`{}` is not deployed, and its names are free", stack.name),
                found => format!(
                    "`{}` is deployed, {found} of {declared} resources",
                    stack.name
                ),
            },
        );
    }
    let taken: Vec<String> = strangers
        .iter()
        .map(|stranger| format!("{} `{}`: {}", stranger.kind, stranger.name, stranger.why))
        .collect();
    Check::fail(NAME, taken.join("; "))
        .remedy("`up --adopt NAME` to take them over, or `--env NAME` for a copy under other names")
}

/// How many there may be in a region (AWS: "Amazon API Gateway quotas").
const REGIONAL_APIS: usize = 600;
const API_KEYS: usize = 10_000;
const USAGE_PLANS: usize = 300;

/// Of what is kept by the hundred; the lists are read for `names` anyway.
async fn quotas(look: &Look) -> Result<Check> {
    const NAME: &str = "quotas";
    let counts = [
        ("REST APIs", look.rest_apis().await?.len(), REGIONAL_APIS),
        ("API keys", look.api_keys().await?.len(), API_KEYS),
        ("usage plans", look.usage_plans().await?.len(), USAGE_PLANS),
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

/// Whether the chain of the SDK has a region.
pub fn region(found: Option<&str>) -> Check {
    const NAME: &str = "region";
    match found {
        Some(region) => Check::ok(NAME, region),
        None => Check::fail(NAME, "none is set")
            .remedy("`--region eu-west-1`, `AWS_REGION=eu-west-1`, or a region in the profile"),
    }
}
