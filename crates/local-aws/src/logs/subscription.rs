//! Subscription filters: which events a function gets.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::filter::Filter;
use super::metric_filter::limit_exceeded;
use super::{Work, group, input};
use crate::answer::Refusal;
use crate::call::Call;
use crate::clock::Moment;
use crate::cloud::Cloud;
use crate::place::Place;
use crate::store::{Record, Tx};
use crate::{lambda, unknown};

/// Of one log group (AWS: "CloudWatch Logs quotas").
const MOST: usize = 2;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Subscription {
    group: String,
    pub(super) name: String,
    pub(super) pattern: String,
    /// The ARN of a function.
    pub(super) destination: String,
    /// Counts for streams of Kinesis only, which are not here.
    distribution: String,
    created: Moment,
}

impl Record for Subscription {
    const KIND: &'static str = "log-subscription";

    fn key(&self) -> String {
        key(&self.group, &self.name)
    }
}

/// Neither name has a colon.
fn key(group: &str, name: &str) -> String {
    format!("{group}:{name}")
}

pub(super) fn of(tx: &Tx, place: &Place, group: &str) -> Result<Vec<Subscription>, Refusal> {
    tx.list(place, &key(group, ""))
}

pub(super) fn delete_all(tx: &Tx, place: &Place, group: &str) -> Result<(), Refusal> {
    for filter in of(tx, place, group)? {
        tx.remove::<Subscription>(place, &filter.key())?;
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PutInput {
    log_group_name: Option<String>,
    filter_name: Option<String>,
    filter_pattern: Option<String>,
    destination_arn: Option<String>,
    role_arn: Option<String>,
    distribution: Option<String>,
}

/// Refuses a destination that may not be used. Not within a transaction.
pub(super) fn check_destination(cloud: &Cloud, call: &Call) -> Result<(), Refusal> {
    let given: PutInput = call.input()?;
    input::refuse(
        call,
        &[
            "applyOnTransformedLogs",
            "emitSystemFields",
            "fieldSelectionCriteria",
        ],
    )?;
    let name = input::required(given.log_group_name.as_ref(), "logGroupName")?;
    input::check_group_name(name, "logGroupName")?;
    let filter = input::required(given.filter_name.as_ref(), "filterName")?;
    input::check_filter_name(filter, "filterName")?;
    let pattern = input::required(given.filter_pattern.as_ref(), "filterPattern")?;
    input::check_length(pattern, "filterPattern", 0, 1024)?;
    let arn = input::required(given.destination_arn.as_ref(), "destinationArn")?;
    input::check_length(arn, "destinationArn", 1, 2048)?;
    if let Some(distribution) = &given.distribution {
        input::one_of(distribution, "distribution", &["Random", "ByLogStream"])?;
    }
    Filter::read(pattern)?;
    check_vendor(&call.place, arn, given.role_arn.is_some())?;
    cloud
        .store
        .transact(|tx| group::find(tx, &call.place, name))?;
    if may_invoke(cloud, &call.place, name, arn) {
        return Ok(());
    }
    Err(input::invalid(
        "Could not execute the lambda function. Make sure you have given CloudWatch Logs permission to execute your \
         function.",
    ))
}

fn check_vendor(place: &Place, arn: &str, has_role: bool) -> Result<(), Refusal> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", _, vendor, region, account, resource] = parts[..] else {
        return Err(input::invalid(format!("{arn} is not a valid ARN.")));
    };
    match vendor {
        "lambda" if has_role => Err(input::invalid(
            "destinationArn for vendor lambda cannot be used with roleArn",
        )),
        "lambda" if account != place.account => Err(Refusal::new(
            400,
            "AccessDeniedException",
            "Cross-account lambda invocation passing is not allowed. You must use DestinationPolicies to create cross \
             account lambda triggers.",
        )),
        "lambda" if region == place.region && resource.starts_with("function:") => Ok(()),
        "lambda" => Err(input::invalid(
            "destinationArn must be a function of the region of the log group.",
        )),
        "kinesis" | "firehose" if !has_role => Err(input::invalid(format!(
            "destinationArn for vendor {vendor} cannot be used without roleArn"
        ))),
        "kinesis" | "firehose" | "logs" => Err(unknown::unsupported(
            crate::service::Service::Logs,
            &format!("subscription filters to {vendor}"),
        )),
        _ => Err(input::invalid(format!(
            "PutSubscriptionFilter operation cannot work with destinationArn for vendor {vendor}"
        ))),
    }
}

/// Returns true if the function's policy lets the log group invoke it.
pub(super) fn may_invoke(cloud: &Cloud, place: &Place, group: &str, function: &str) -> bool {
    let source = format!("{}:*", group::arn(place, group));
    let regional = format!("logs.{}.amazonaws.com", place.region);
    ["logs.amazonaws.com", &regional].iter().any(|principal| {
        lambda::may_invoke(cloud, place, function, principal, &source).unwrap_or(false)
    })
}

pub(super) fn put(work: &Work) -> Result<Value, Refusal> {
    let given: PutInput = work.input()?;
    let group = group::named(work)?;
    let name = input::required(given.filter_name.as_ref(), "filterName")?;
    let found = of(work.tx, work.place, &group.name)?;
    let before = found.iter().find(|filter| filter.name == name);
    if before.is_none() && found.len() >= MOST {
        return Err(limit_exceeded());
    }
    let filter = Subscription {
        created: before.map_or_else(|| work.cloud.now(), |before| before.created),
        group: group.name,
        name: name.to_owned(),
        pattern: given.filter_pattern.clone().unwrap_or_default(),
        destination: given.destination_arn.clone().unwrap_or_default(),
        distribution: given
            .distribution
            .clone()
            .unwrap_or_else(|| "ByLogStream".to_owned()),
    };
    work.tx.put(work.place, &filter)?;
    Ok(Value::Null)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DescribeInput {
    filter_name_prefix: Option<String>,
    next_token: Option<String>,
    limit: Option<i64>,
}

pub(super) fn describe(work: &Work) -> Result<Value, Refusal> {
    let given: DescribeInput = work.input()?;
    let most = input::bounded(given.limit, "limit", 50, 50)?;
    let prefix = given.filter_name_prefix.as_deref().unwrap_or_default();
    if !prefix.is_empty() {
        input::check_filter_name(prefix, "filterNamePrefix")?;
    }
    let group = group::named(work)?;
    let found = of(work.tx, work.place, &group.name)?
        .into_iter()
        .filter(|filter| filter.name.starts_with(prefix))
        .map(|filter| (filter.key(), filter))
        .collect();
    let (page, next) = input::page(found, given.next_token.as_ref(), most, false)?;
    let shown: Vec<Value> = page
        .iter()
        .map(|filter| {
            json!({
                "filterName": filter.name,
                "logGroupName": filter.group,
                "filterPattern": filter.pattern,
                "destinationArn": filter.destination,
                "distribution": filter.distribution,
                "creationTime": filter.created,
                "applyOnTransformedLogs": false,
            })
        })
        .collect();
    let mut output = json!({ "subscriptionFilters": shown });
    if let Some(next) = next {
        output["nextToken"] = next.into();
    }
    Ok(output)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeleteInput {
    filter_name: Option<String>,
}

pub(super) fn delete(work: &Work) -> Result<Value, Refusal> {
    let given: DeleteInput = work.input()?;
    let name = input::required(given.filter_name.as_ref(), "filterName")?;
    input::check_filter_name(name, "filterName")?;
    let group = group::named(work)?;
    if work
        .tx
        .remove::<Subscription>(work.place, &key(&group.name, name))?
    {
        return Ok(Value::Null);
    }
    Err(group::not_found(
        "The specified subscription filter does not exist.",
    ))
}
