//! Log groups and for how long they keep events.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::tags::{self, Tags};
use super::{Work, events, input, metric_filter, stream, subscription};
use crate::answer::Refusal;
use crate::clock::Moment;
use crate::place::Place;
use crate::store::{Record, Tx};
use crate::tagging::Tagged;

const CLASSES: [&str; 3] = ["STANDARD", "INFREQUENT_ACCESS", "DELIVERY"];

/// AWS: `PutRetentionPolicy`.
const RETENTION_DAYS: [i64; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
];

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) created: Moment,
    pub(super) retention_days: Option<u64>,
    kms_key: Option<String>,
    class: String,
    is_protected: bool,
    pub(super) tags: Tags,
}

impl Record for Group {
    const KIND: &'static str = "log-group";

    fn key(&self) -> String {
        self.name.clone()
    }
}

impl Group {
    /// As `CreateLogGroup` makes one when nothing else is said.
    pub(super) fn new(name: &str, created: Moment) -> Self {
        Self {
            name: name.to_owned(),
            created,
            retention_days: None,
            kms_key: None,
            class: CLASSES[0].to_owned(),
            is_protected: false,
            tags: Tags::new(),
        }
    }

    /// Events before it are gone.
    pub(super) fn keeps_since(&self, now: Moment) -> Moment {
        self.retention_days
            .map_or(0, |days| now.saturating_sub(days * DAY_MS))
    }
}

/// Without `:*` at its end.
pub(super) fn arn(place: &Place, name: &str) -> String {
    place.arn("logs", &format!("log-group:{name}"))
}

/// Returns the ARN and tags of every group.
pub(crate) fn tagged(tx: &Tx, place: &Place) -> Result<Tagged, Refusal> {
    let all = tx.list::<Group>(place, "")?.into_iter();
    Ok(all
        .map(|group| (arn(place, &group.name), group.tags))
        .collect())
}

pub(super) fn find(tx: &Tx, place: &Place, name: &str) -> Result<Group, Refusal> {
    tx.get(place, name)?.ok_or_else(unknown)
}

pub(super) fn unknown() -> Refusal {
    not_found("The specified log group does not exist.")
}

pub(super) fn not_found(message: &str) -> Refusal {
    Refusal::new(400, "ResourceNotFoundException", message)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CreateInput {
    log_group_name: Option<String>,
    kms_key_id: Option<String>,
    log_group_class: Option<String>,
    deletion_protection_enabled: Option<bool>,
    tags: Option<Tags>,
}

pub(super) fn create(work: &Work) -> Result<Value, Refusal> {
    let given: CreateInput = work.input()?;
    let name = input::required(given.log_group_name.as_ref(), "logGroupName")?;
    input::check_group_name(name, "logGroupName")?;
    if name.starts_with("aws/") {
        return Err(input::invalid(
            "Log groups starting with AWS/ are reserved for AWS.",
        ));
    }
    let class = given.log_group_class.as_deref().unwrap_or(CLASSES[0]);
    input::one_of(class, "logGroupClass", &CLASSES)?;
    if let Some(given) = &given.tags {
        tags::check(given)?;
    }
    if work.tx.get::<Group>(work.place, name)?.is_some() {
        return Err(Refusal::new(
            400,
            "ResourceAlreadyExistsException",
            "The specified log group already exists",
        ));
    }
    let group = Group {
        kms_key: given.kms_key_id.clone(),
        class: class.to_owned(),
        is_protected: given.deletion_protection_enabled == Some(true),
        tags: given.tags.clone().unwrap_or_default(),
        ..Group::new(name, work.cloud.now())
    };
    work.tx.put(work.place, &group)?;
    Ok(Value::Null)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NamedInput {
    log_group_name: Option<String>,
}

/// The group that the call's `logGroupName` names.
pub(super) fn named(work: &Work) -> Result<Group, Refusal> {
    let given: NamedInput = work.input()?;
    let name = input::required(given.log_group_name.as_ref(), "logGroupName")?;
    input::check_group_name(name, "logGroupName")?;
    find(work.tx, work.place, name)
}

/// The name in `logGroupName`, or in `logGroupIdentifier`, which may be an ARN.
pub(super) fn identified<'a>(
    name: Option<&'a String>,
    identifier: Option<&'a String>,
) -> Result<&'a str, Refusal> {
    match (name, identifier) {
        (Some(_), Some(_)) => Err(Refusal::new(
            400,
            "ValidationException",
            "LogGroup name and LogGroup ARN are mutually exclusive parameters.",
        )),
        (None, None) => Err(input::invalid(
            "Exactly one of LogGroup name or LogGroup ARN must be specified.",
        )),
        (Some(name), None) => {
            input::check_group_name(name, "logGroupName")?;
            Ok(name)
        }
        (None, Some(identifier)) => {
            // An ARN with `:*` at its end is none.
            let fits = |c: char| c.is_ascii_alphanumeric() || "_#+=/:,.@-".contains(c);
            if !identifier.chars().all(fits) {
                return Err(input::invalid(
                    r"1 validation error detected: Value at 'logGroupIdentifier' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w#+=/:,.@-]*",
                ));
            }
            let name = identifier
                .split_once(":log-group:")
                .map_or(identifier.as_str(), |(_, name)| name);
            input::check_group_name(name, "logGroupIdentifier")?;
            Ok(name)
        }
    }
}

pub(super) fn delete(work: &Work) -> Result<Value, Refusal> {
    let group = named(work)?;
    if group.is_protected {
        return Err(Refusal::new(
            400,
            "ValidationException",
            "The log group cannot be deleted because deletion protection is enabled.",
        ));
    }
    stream::delete_all(work.tx, work.place, &group.name)?;
    metric_filter::delete_all(work.tx, work.place, &group.name)?;
    subscription::delete_all(work.tx, work.place, &group.name)?;
    events::delete(work.tx, work.place, &group.name, None)?;
    work.tx.remove::<Group>(work.place, &group.name)?;
    Ok(Value::Null)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeletionProtectionInput {
    log_group_identifier: Option<String>,
    deletion_protection_enabled: Option<bool>,
}

pub(super) fn put_deletion_protection(work: &Work) -> Result<Value, Refusal> {
    let given: DeletionProtectionInput = work.input()?;
    let name = identified(None, given.log_group_identifier.as_ref())?;
    let mut group = find(work.tx, work.place, name)?;
    group.is_protected = given.deletion_protection_enabled == Some(true);
    work.tx.put(work.place, &group)?;
    Ok(Value::Null)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RetentionInput {
    retention_in_days: Option<i64>,
}

pub(super) fn put_retention(work: &Work) -> Result<Value, Refusal> {
    let given: RetentionInput = work.input()?;
    let days = given.retention_in_days.map(|days| days.to_string());
    let days = input::required(days.as_ref(), "retentionInDays")?;
    let allowed = RETENTION_DAYS.map(|days| days.to_string());
    let allowed: Vec<&str> = allowed.iter().map(String::as_str).collect();
    input::one_of(days, "retentionInDays", &allowed)?;
    let mut group = named(work)?;
    group.retention_days = days.parse().ok();
    work.tx.put(work.place, &group)?;
    Ok(Value::Null)
}

pub(super) fn delete_retention(work: &Work) -> Result<Value, Refusal> {
    let mut group = named(work)?;
    group.retention_days = None;
    work.tx.put(work.place, &group)?;
    Ok(Value::Null)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DescribeInput {
    log_group_name_prefix: Option<String>,
    log_group_name_pattern: Option<String>,
    log_group_identifiers: Option<Vec<String>>,
    log_group_class: Option<String>,
    next_token: Option<String>,
    limit: Option<i64>,
}

pub(super) fn describe(work: &Work) -> Result<Value, Refusal> {
    let given: DescribeInput = work.input()?;
    input::refuse(work.call, &["accountIdentifiers", "includeLinkedAccounts"])?;
    let most = input::bounded(given.limit, "limit", 50, 50)?;
    let prefix = given.log_group_name_prefix.as_ref();
    if let Some(prefix) = prefix {
        input::check_group_name(prefix, "logGroupNamePrefix")?;
    }
    let pattern = given.log_group_name_pattern.as_deref();
    if prefix.is_some() && pattern.is_some() {
        return Err(input::invalid(
            "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.",
        ));
    }
    if let Some(pattern) = pattern.filter(|pattern| !pattern.is_empty()) {
        input::check_group_name(pattern, "logGroupNamePattern")?;
    }
    if let Some(class) = &given.log_group_class {
        input::one_of(class, "logGroupClass", &CLASSES)?;
    }
    let wanted: Option<Vec<&str>> = given
        .log_group_identifiers
        .as_ref()
        .map(|identifiers| {
            let names = identifiers.iter().map(|name| identified(None, Some(name)));
            names.collect()
        })
        .transpose()?;
    let prefix = prefix.map_or("", String::as_str);
    let groups = work
        .tx
        .list::<Group>(work.place, prefix)?
        .into_iter()
        .filter(|group| {
            work.cloud.is_visible(group.created)
                && pattern.is_none_or(|pattern| group.name.contains(pattern))
                && wanted
                    .as_ref()
                    .is_none_or(|wanted| wanted.contains(&group.name.as_str()))
                && given
                    .log_group_class
                    .as_ref()
                    .is_none_or(|class| group.class == *class)
        })
        .map(|group| (group.name.clone(), group))
        .collect();
    let (page, next) = input::page(groups, given.next_token.as_ref(), most, false)?;
    let mut shown: Vec<Value> = page
        .iter()
        .map(|group| shown(work, group))
        .collect::<Result<_, _>>()?;
    // AWS searches by pattern in an index that does not know them.
    if pattern.is_some() {
        for members in shown.iter_mut().filter_map(Value::as_object_mut) {
            members.retain(|name, _| {
                !["storedBytes", "deletionProtectionEnabled"].contains(&name.as_str())
            });
        }
    }
    let mut output = json!({ "logGroups": shown });
    if let Some(next) = next {
        output["nextToken"] = next.into();
    }
    Ok(output)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListInput {
    log_group_name_pattern: Option<String>,
    log_group_class: Option<String>,
    next_token: Option<String>,
    limit: Option<i64>,
}

/// `ListLogGroups`, whose pattern is a text that a name contains, or with `^` begins with; `|` is between several.
pub(super) fn list(work: &Work) -> Result<Value, Refusal> {
    let given: ListInput = work.input()?;
    input::refuse(
        work.call,
        &[
            "accountIdentifiers",
            "includeLinkedAccounts",
            "dataSources",
            "fieldIndexNames",
            "logGroupTags",
        ],
    )?;
    let most = input::bounded(given.limit, "limit", 1000, 50)?;
    if let Some(class) = &given.log_group_class {
        input::one_of(class, "logGroupClass", &CLASSES)?;
    }
    let pattern = given.log_group_name_pattern.as_deref();
    if let Some(pattern) = pattern {
        input::check_length(pattern, "logGroupNamePattern", 3, 129)?;
    }
    let is_wanted = |name: &str| {
        pattern.is_none_or(|pattern| {
            pattern.split('|').any(|part| match part.strip_prefix('^') {
                Some(start) => name.starts_with(start),
                None => name.contains(part),
            })
        })
    };
    let groups = work
        .tx
        .list::<Group>(work.place, "")?
        .into_iter()
        .filter(|group| {
            work.cloud.is_visible(group.created)
                && is_wanted(&group.name)
                && given
                    .log_group_class
                    .as_ref()
                    .is_none_or(|class| group.class == *class)
        })
        .map(|group| (group.name.clone(), group))
        .collect();
    let (page, next) = input::page(groups, given.next_token.as_ref(), most, false)?;
    let shown: Vec<Value> = page
        .iter()
        .map(|group| {
            json!({
                "logGroupName": group.name,
                "logGroupArn": arn(work.place, &group.name),
                "logGroupClass": group.class,
            })
        })
        .collect();
    let mut output = json!({ "logGroups": shown });
    if let Some(next) = next {
        output["nextToken"] = next.into();
    }
    Ok(output)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeyInput {
    kms_key_id: Option<String>,
}

/// The key is kept and shown: nothing is encrypted here.
pub(super) fn associate_key(work: &Work) -> Result<Value, Refusal> {
    let given: KeyInput = work.input()?;
    input::refuse(work.call, &["resourceIdentifier"])?;
    let key = input::required(given.kms_key_id.as_ref(), "kmsKeyId")?;
    input::check_length(key, "kmsKeyId", 0, 256)?;
    let mut group = named(work)?;
    group.kms_key = Some(key.to_owned());
    work.tx.put(work.place, &group)?;
    Ok(Value::Null)
}

pub(super) fn disassociate_key(work: &Work) -> Result<Value, Refusal> {
    input::refuse(work.call, &["resourceIdentifier"])?;
    let mut group = named(work)?;
    group.kms_key = None;
    work.tx.put(work.place, &group)?;
    Ok(Value::Null)
}

fn shown(work: &Work, group: &Group) -> Result<Value, Refusal> {
    let arn = arn(work.place, &group.name);
    let mut shown = json!({
        "logGroupName": group.name,
        "creationTime": group.created,
        "metricFilterCount": metric_filter::count(work.tx, work.place, &group.name)?,
        "arn": format!("{arn}:*"),
        "storedBytes": stream::stored_bytes(work.tx, work.place, &group.name)?,
        "logGroupClass": group.class,
        "logGroupArn": arn,
        "deletionProtectionEnabled": group.is_protected,
    });
    if let Some(days) = group.retention_days {
        shown["retentionInDays"] = days.into();
    }
    if let Some(key) = &group.kms_key {
        shown["kmsKeyId"] = key.as_str().into();
    }
    Ok(shown)
}
