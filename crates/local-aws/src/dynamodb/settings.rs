//! Settings beside a table: its time to live, which the engine carries out, and its continuous backups, of which there are none
//! here but their description.

use dynoxide::Database;
use dynoxide::actions::describe_time_to_live::DescribeTimeToLiveRequest;
use dynoxide::actions::update_time_to_live::{TimeToLiveSpecification, UpdateTimeToLiveRequest};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::tables::{self, Phase};
use super::{errors, with_database};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::clock::{self, Moment};
use crate::cloud::Cloud;
use crate::constraints::Constraints;
use crate::store::Record;

const VALIDATION: &str = "com.amazon.coral.validate#ValidationException";

/// AWS: "`LatestRestorableDateTime` is typically 5 minutes before the current time."
const RESTORABLE_LAG_MS: u64 = 300_000;

/// Settings of a table beside its description.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Settings {
    table: String,
    /// Point-in-time recovery, while it is on.
    recovery: Option<Recovery>,
    /// The last change of the time to live.
    ttl_change: Option<TtlChange>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Recovery {
    since: Moment,
    days: i64,
}

#[derive(Debug, Serialize, Deserialize)]
struct TtlChange {
    at: Moment,
    attribute: String,
    enabled: bool,
}

impl Record for Settings {
    const KIND: &'static str = "table-settings";

    fn key(&self) -> String {
        self.table.clone()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TtlRequest {
    table_name: Option<String>,
    time_to_live_specification: Option<TtlSpecification>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TtlSpecification {
    enabled: Option<bool>,
    attribute_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BackupsRequest {
    table_name: Option<String>,
    point_in_time_recovery_specification: Option<RecoverySpecification>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RecoverySpecification {
    point_in_time_recovery_enabled: Option<bool>,
    recovery_period_in_days: Option<i64>,
}

fn read<T: DeserializeOwned>(call: &Call) -> Result<T, Answer> {
    serde_json::from_slice(&call.body)
        .map_err(|error| errors::answer(call.operation, errors::unreadable(&error)))
}

pub(super) async fn describe_ttl(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let name = tables::name(call)?;
    match tables::phase(cloud, &call.place, &name)? {
        Phase::Invisible => return Err(tables::not_found(&name)),
        Phase::Creating => return Err(untold("CREATING")),
        Phase::Deleting => return Err(untold("DELETING")),
        Phase::Active { .. } => {}
    }
    let current = match current_ttl(cloud, call, &name).await? {
        Ok(current) => current,
        Err(refused) => return Ok(refused),
    };
    let now = cloud.now();
    let lag = cloud.faults().ttl_changing_ms;
    let change = of(cloud, call, &name)?.ttl_change;
    let passing = change.filter(|change| change.at.saturating_add(lag) > now);
    let (status, attribute) = match (passing, current) {
        (Some(change), _) if change.enabled => ("ENABLING", Some(change.attribute)),
        (Some(change), _) => ("DISABLING", Some(change.attribute)),
        (None, Some(attribute)) => ("ENABLED", Some(attribute)),
        (None, None) => ("DISABLED", None),
    };
    let mut description = json!({ "TimeToLiveStatus": status });
    if let Some(attribute) = attribute {
        description["AttributeName"] = attribute.into();
    }
    Ok(Answer::ok(json!({ "TimeToLiveDescription": description })))
}

fn untold(state: &str) -> Refusal {
    invalid(format!(
        "Cannot describe time to live while table is in {state} state: Current table state is {state}"
    ))
}

/// A change that is wrong is refused for that before it is refused as too soon, as recorded.
pub(super) async fn update_ttl(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let request: TtlRequest = match read(call) {
        Ok(request) => request,
        Err(refused) => return Ok(refused),
    };
    let specification = request.time_to_live_specification.as_ref();
    let enabled = specification.and_then(|specification| specification.enabled);
    let attribute = specification.and_then(|specification| specification.attribute_name.clone());
    let mut constraints = Constraints::default();
    constraints.not_null(request.table_name.as_ref(), "tableName");
    constraints.not_null(specification, "timeToLiveSpecification");
    if specification.is_some() {
        constraints.not_null(enabled.as_ref(), "timeToLiveSpecification.enabled");
        let at = "timeToLiveSpecification.attributeName";
        constraints.not_null(attribute.as_ref(), at);
        if let Some(attribute) = &attribute {
            constraints.length(attribute, at, 1, 255);
        }
    }
    constraints.finish(VALIDATION)?;
    let (enabled, attribute) = (enabled.unwrap_or_default(), attribute.unwrap_or_default());
    let name = tables::name(call)?;
    match tables::phase(cloud, &call.place, &name)? {
        Phase::Invisible | Phase::Deleting => return Err(tables::not_found(&name)),
        Phase::Creating => return Err(tables::being_created(&name)),
        Phase::Active { .. } => {}
    }
    let current = match current_ttl(cloud, call, &name).await? {
        Ok(current) => current,
        Err(refused) => return Ok(refused),
    };
    match &current {
        Some(current) if *current != attribute => {
            return Err(invalid(format!(
                "TimeToLive is active on a different AttributeName: current AttributeName is {current}"
            )));
        }
        Some(_) if enabled => return Err(invalid("TimeToLive is already enabled")),
        None if !enabled => return Err(invalid("TimeToLive is already disabled")),
        _ => {}
    }
    let now = cloud.now();
    let interval = cloud.faults().ttl_interval_ms;
    let mut settings = of(cloud, call, &name)?;
    let last = settings.ttl_change.as_ref();
    if last.is_some_and(|last| last.at.saturating_add(interval) > now) {
        return Err(invalid(
            "Time to live has been modified multiple times within a fixed interval",
        ));
    }
    let request = UpdateTimeToLiveRequest {
        table_name: name,
        time_to_live_specification: TimeToLiveSpecification {
            attribute_name: attribute.clone(),
            enabled,
        },
    };
    let update = move |database: &Database| database.update_time_to_live(request);
    if let Err(error) = with_database(cloud, &call.place, update).await? {
        return Ok(errors::answer(call.operation, error));
    }
    settings.ttl_change = Some(TtlChange {
        at: now,
        attribute: attribute.clone(),
        enabled,
    });
    cloud.store.transact(|tx| tx.put(&call.place, &settings))?;
    Ok(Answer::ok(json!({ "TimeToLiveSpecification": {
        "Enabled": enabled,
        "AttributeName": attribute,
    }})))
}

/// The attribute of the table's time to live, or the engine's refusal.
pub(super) async fn current_ttl(
    cloud: &Cloud,
    call: &Call,
    name: &str,
) -> Result<Result<Option<String>, Answer>, Refusal> {
    let request = DescribeTimeToLiveRequest {
        table_name: name.to_owned(),
    };
    let describe = move |database: &Database| database.describe_time_to_live(request);
    let described = with_database(cloud, &call.place, describe).await?;
    Ok(described
        .map(|described| described.time_to_live_description.attribute_name)
        .map_err(|error| errors::answer(call.operation, error)))
}

pub(super) async fn describe_backups(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let name = tables::name(call)?;
    let phase = phase_of_existing(cloud, call, &name).await?;
    let settings = of(cloud, call, &name)?;
    Ok(backups(cloud, &settings, &phase))
}

pub(super) async fn update_backups(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let request: BackupsRequest = match read(call) {
        Ok(request) => request,
        Err(refused) => return Ok(refused),
    };
    let specification = request.point_in_time_recovery_specification.as_ref();
    let enabled =
        specification.and_then(|specification| specification.point_in_time_recovery_enabled);
    let days = specification.and_then(|specification| specification.recovery_period_in_days);
    let at = "pointInTimeRecoverySpecification";
    let mut constraints = Constraints::default();
    constraints.not_null(request.table_name.as_ref(), "tableName");
    constraints.not_null(specification, at);
    if specification.is_some() {
        let member = format!("{at}.pointInTimeRecoveryEnabled");
        constraints.not_null(enabled.as_ref(), &member);
        constraints.range(days, &format!("{at}.recoveryPeriodInDays"), 1, 35);
    }
    constraints.finish(VALIDATION)?;
    let enabled = enabled.unwrap_or_default();
    if !enabled && days.is_some() {
        return Err(invalid(
            "Invalid Request: Cannot specify RecoveryPeriodInDays when disabling point-in-time recovery.",
        ));
    }
    if !enabled && days.is_some() {
        return Err(invalid(
            "Invalid Request: Cannot specify RecoveryPeriodInDays when disabling point-in-time recovery.",
        ));
    }
    let name = tables::name(call)?;
    let phase = phase_of_existing(cloud, call, &name).await?;
    if !has_backups(cloud, &phase) {
        return Err(Refusal::new(
            400,
            "com.amazonaws.dynamodb.v20120810#ContinuousBackupsUnavailableException",
            format!("Backups are being enabled for the table: {name}. Please retry later"),
        ));
    }
    let mut settings = of(cloud, call, &name)?;
    let since = settings.recovery.as_ref().map(|recovery| recovery.since);
    settings.recovery = enabled.then(|| Recovery {
        since: since.unwrap_or_else(|| cloud.now()),
        days: days.unwrap_or(35),
    });
    cloud.store.transact(|tx| tx.put(&call.place, &settings))?;
    Ok(backups(cloud, &settings, &phase))
}

/// These two operations have a code of their own for a table that is not there, and for one that is being deleted.
async fn phase_of_existing(cloud: &Cloud, call: &Call, name: &str) -> Result<Phase, Refusal> {
    let unknown = || {
        Refusal::new(
            400,
            "com.amazonaws.dynamodb.v20120810#TableNotFoundException",
            format!("Table not found: {name}"),
        )
    };
    let phase = tables::phase(cloud, &call.place, name)?;
    if matches!(phase, Phase::Invisible | Phase::Deleting) {
        return Err(unknown());
    }
    match current_ttl(cloud, call, name).await? {
        Ok(_) => Ok(phase),
        Err(_) => Err(unknown()),
    }
}

/// True while point-in-time recovery of the table is on.
pub(super) fn has_recovery(cloud: &Cloud, call: &Call, name: &str) -> Result<bool, Refusal> {
    Ok(of(cloud, call, name)?.recovery.is_some())
}

/// AWS prepares the backups of a new table by itself, some seconds after the table.
pub(super) fn has_backups(cloud: &Cloud, phase: &Phase) -> bool {
    let lag = cloud.faults().backups_enabling_ms;
    match phase {
        Phase::Active { since } => since.saturating_add(lag) <= cloud.now(),
        _ => false,
    }
}

fn backups(cloud: &Cloud, settings: &Settings, phase: &Phase) -> Answer {
    let status = |is_on| if is_on { "ENABLED" } else { "DISABLED" };
    let mut description =
        json!({ "PointInTimeRecoveryStatus": status(settings.recovery.is_some()) });
    if let Some(recovery) = &settings.recovery {
        let kept = u64::try_from(recovery.days).unwrap_or_default() * 86_400_000;
        let now = cloud.now();
        let earliest = recovery.since.max(now.saturating_sub(kept));
        let latest = recovery.since.max(now.saturating_sub(RESTORABLE_LAG_MS));
        description["RecoveryPeriodInDays"] = recovery.days.into();
        description["EarliestRestorableDateTime"] = clock::seconds(earliest).into();
        description["LatestRestorableDateTime"] = clock::seconds(latest).into();
    }
    Answer::ok(json!({ "ContinuousBackupsDescription": {
        "ContinuousBackupsStatus": status(has_backups(cloud, phase)),
        "PointInTimeRecoveryDescription": description,
    }}))
}

fn of(cloud: &Cloud, call: &Call, name: &str) -> Result<Settings, Refusal> {
    let found = cloud
        .store
        .transact(|tx| tx.get::<Settings>(&call.place, name))?;
    Ok(found.unwrap_or_else(|| Settings {
        table: name.to_owned(),
        ..Settings::default()
    }))
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(400, VALIDATION, message.into())
}
