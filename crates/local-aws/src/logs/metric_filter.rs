//! Metric filters: kept, shown and tried. There are no metrics that they could add to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::filter::Filter;
use super::{Work, group, input};
use crate::answer::Refusal;
use crate::clock::Moment;
use crate::place::Place;
use crate::store::{Record, Tx};

/// Of one log group (AWS: "CloudWatch Logs quotas").
const MOST: usize = 100;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct MetricFilter {
    group: String,
    name: String,
    pattern: String,
    transformation: Transformation,
    created: Moment,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Transformation {
    metric_name: Option<String>,
    metric_namespace: Option<String>,
    metric_value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_value: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<BTreeMap<String, String>>,
}

impl Record for MetricFilter {
    const KIND: &'static str = "log-metric-filter";

    fn key(&self) -> String {
        key(&self.group, &self.name)
    }
}

/// Neither name has a colon.
fn key(group: &str, name: &str) -> String {
    format!("{group}:{name}")
}

fn of(tx: &Tx, place: &Place, group: &str) -> Result<Vec<MetricFilter>, Refusal> {
    tx.list(place, &key(group, ""))
}

pub(super) fn count(tx: &Tx, place: &Place, group: &str) -> Result<usize, Refusal> {
    Ok(of(tx, place, group)?.len())
}

pub(super) fn delete_all(tx: &Tx, place: &Place, group: &str) -> Result<(), Refusal> {
    for filter in of(tx, place, group)? {
        tx.remove::<MetricFilter>(place, &filter.key())?;
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PutInput {
    filter_name: Option<String>,
    filter_pattern: Option<String>,
    metric_transformations: Option<Vec<Transformation>>,
}

pub(super) fn put(work: &Work) -> Result<Value, Refusal> {
    let given: PutInput = work.input()?;
    input::refuse(
        work.call,
        &[
            "applyOnTransformedLogs",
            "emitSystemFieldDimensions",
            "fieldSelectionCriteria",
        ],
    )?;
    let name = input::required(given.filter_name.as_ref(), "filterName")?;
    input::check_filter_name(name, "filterName")?;
    let pattern = input::required(given.filter_pattern.as_ref(), "filterPattern")?;
    input::check_length(pattern, "filterPattern", 0, 1024)?;
    let transformations = given.metric_transformations.unwrap_or_default();
    let transformation = transformation(transformations)?;
    Filter::read(pattern)?;
    let group = group::named(work)?;
    let found = of(work.tx, work.place, &group.name)?;
    let before = found.iter().find(|filter| filter.name == name);
    if before.is_none() && found.len() >= MOST {
        return Err(limit_exceeded());
    }
    let filter = MetricFilter {
        created: before.map_or_else(|| work.cloud.now(), |before| before.created),
        group: group.name,
        name: name.to_owned(),
        pattern: pattern.to_owned(),
        transformation,
    };
    work.tx.put(work.place, &filter)?;
    Ok(Value::Null)
}

pub(super) fn limit_exceeded() -> Refusal {
    Refusal::new(400, "LimitExceededException", "Resource limit exceeded.")
}

/// A filter has one transformation.
fn transformation(mut given: Vec<Transformation>) -> Result<Transformation, Refusal> {
    if given.len() != 1 {
        let bound = if given.is_empty() { "greater" } else { "less" };
        let shown: Vec<String> = given.iter().map(Transformation::told).collect();
        return Err(input::broken(
            &format!("[{}]", shown.join(", ")),
            "metricTransformations",
            &format!("Member must have length {bound} than or equal to 1"),
        ));
    }
    let one = given.remove(0);
    for (member, value) in [
        ("metricName", &one.metric_name),
        ("metricNamespace", &one.metric_namespace),
        ("metricValue", &one.metric_value),
    ] {
        let at = format!("metricTransformations.1.member.{member}");
        let most = if member == "metricValue" { 100 } else { 255 };
        let value = input::required(value.as_ref(), &at)?;
        input::check_length(value, &at, 0, most)?;
    }
    if one.default_value.is_some() && one.dimensions.is_some() {
        return Err(input::invalid(
            "Invalid metric transformation: defaultValue cannot be specified together with dimensions.",
        ));
    }
    Ok(one)
}

impl Transformation {
    /// As messages show it.
    fn told(&self) -> String {
        fn text<T: ToString>(value: Option<&T>) -> String {
            value.map_or_else(|| "null".to_owned(), ToString::to_string)
        }
        let dimensions = self.dimensions.as_ref().map(|all| {
            let pairs: Vec<String> = all
                .iter()
                .map(|(key, value)| format!("{key}={value}"))
                .collect();
            format!("{{{}}}", pairs.join(", "))
        });
        format!(
            "MetricTransformation(metricName={}, metricNamespace={}, metricValue={}, defaultValue={}, unit={}, dimensions={})",
            text(self.metric_name.as_ref()),
            text(self.metric_namespace.as_ref()),
            text(self.metric_value.as_ref()),
            text(self.default_value.as_ref()),
            text(self.unit.as_ref()),
            text(dimensions.as_ref()),
        )
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DescribeInput {
    log_group_name: Option<String>,
    filter_name_prefix: Option<String>,
    metric_name: Option<String>,
    metric_namespace: Option<String>,
    next_token: Option<String>,
    limit: Option<i64>,
}

pub(super) fn describe(work: &Work) -> Result<Value, Refusal> {
    let given: DescribeInput = work.input()?;
    let most = input::bounded(given.limit, "limit", 50, 50)?;
    if let Some(prefix) = &given.filter_name_prefix {
        input::check_filter_name(prefix, "filterNamePrefix")?;
    }
    for (value, at) in [
        (&given.metric_name, "metricName"),
        (&given.metric_namespace, "metricNamespace"),
    ] {
        if let Some(value) = value {
            input::check_length(value, at, 0, 255)?;
        }
    }
    if given.metric_name.is_some() != given.metric_namespace.is_some() {
        return Err(input::invalid(
            "Both metricName and metricNamespace must be specified, or neither.",
        ));
    }
    let filters = match &given.log_group_name {
        Some(name) => {
            input::check_group_name(name, "logGroupName")?;
            group::find(work.tx, work.place, name)?;
            of(work.tx, work.place, name)?
        }
        None => work.tx.list(work.place, "")?,
    };
    let prefix = given.filter_name_prefix.as_deref().unwrap_or_default();
    let is_same = |wanted: &Option<String>, own: &Option<String>| wanted.is_none() || wanted == own;
    let found = filters
        .into_iter()
        .filter(|filter| {
            filter.name.starts_with(prefix)
                && is_same(&given.metric_name, &filter.transformation.metric_name)
                && is_same(
                    &given.metric_namespace,
                    &filter.transformation.metric_namespace,
                )
        })
        .map(|filter| (filter.key(), filter))
        .collect();
    let (page, next) = input::page(found, given.next_token.as_ref(), most, false)?;
    let shown: Vec<Value> = page.iter().map(shown).collect();
    let mut output = json!({ "metricFilters": shown });
    if let Some(next) = next {
        output["nextToken"] = next.into();
    }
    Ok(output)
}

fn shown(filter: &MetricFilter) -> Value {
    json!({
        "filterName": filter.name,
        "filterPattern": filter.pattern,
        "metricTransformations": [filter.transformation],
        "creationTime": filter.created,
        "logGroupName": filter.group,
        "applyOnTransformedLogs": false,
    })
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
        .remove::<MetricFilter>(work.place, &key(&group.name, name))?
    {
        return Ok(Value::Null);
    }
    Err(group::not_found(
        "The specified metric filter does not exist.",
    ))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TestInput {
    filter_pattern: Option<String>,
    log_event_messages: Option<Vec<String>>,
}

pub(super) fn test(work: &Work) -> Result<Value, Refusal> {
    let given: TestInput = work.input()?;
    let pattern = input::required(given.filter_pattern.as_ref(), "filterPattern")?;
    input::check_length(pattern, "filterPattern", 0, 1024)?;
    let messages = given.log_event_messages.unwrap_or_default();
    let bound = match messages.len() {
        0 => "greater than or equal to 1",
        51.. => "less than or equal to 50",
        _ => "",
    };
    if !bound.is_empty() {
        return Err(input::invalid(format!(
            "1 validation error detected: Value at 'logEventMessages' failed to satisfy constraint: Member must have length {bound}"
        )));
    }
    let filter = Filter::read(pattern)?;
    let matches: Vec<Value> = messages
        .iter()
        .zip(1..)
        .filter(|(message, _)| filter.accepts(message))
        .map(|(message, number)| {
            json!({
                "eventNumber": number,
                "eventMessage": message,
                "extractedValues": filter.extract(message),
            })
        })
        .collect();
    Ok(json!({ "matches": matches }))
}
