//! Backups of tables on demand: their items, and what a table made from them has.

use std::sync::Arc;

use dynoxide::types::Item;
use dynoxide::{Database, ImportOptions};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::shape::Shape;
use super::tables::{self, Phase};
use super::update_item::read;
use super::{operations, settings, with_database};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::clock::{self, Moment};
use crate::cloud::Cloud;
use crate::constraints::Constraints;
use crate::ids;
use crate::place::Place;
use crate::store::{Record, Tx};

const VALIDATION: &str = "com.amazon.coral.validate#ValidationException";

/// AWS keeps a system backup for 35 days.
const SYSTEM_KEPT_MS: u64 = 35 * 86_400_000;

const NAME_PATTERN: &str = "[a-zA-Z0-9_.-]+";

#[derive(Debug, Serialize, Deserialize)]
struct Backup {
    id: String,
    name: String,
    created: Moment,
    /// The table as `DescribeTable` showed it.
    table: Value,
    /// The attribute of its time to live.
    expiry: Option<String>,
    pages: usize,
    /// Until when `DynamoDB` keeps it, if it made it by itself.
    #[serde(default)]
    kept_until: Option<Moment>,
}

impl Record for Backup {
    const KIND: &'static str = "table-backup";

    fn key(&self) -> String {
        self.id.clone()
    }
}

/// Some of a backup's items; about a megabyte.
#[derive(Debug, Serialize, Deserialize)]
struct Page {
    backup: String,
    number: usize,
    items: Vec<Value>,
}

impl Record for Page {
    const KIND: &'static str = "table-backup-page";

    fn key(&self) -> String {
        page_key(&self.backup, self.number)
    }
}

fn page_key(backup: &str, number: usize) -> String {
    format!("{backup}/{number:08}")
}

impl Backup {
    fn table_name(&self) -> &str {
        self.table["TableName"].as_str().unwrap_or_default()
    }

    fn arn(&self, place: &Place) -> String {
        let resource = format!("table/{}/backup/{}", self.table_name(), self.id);
        place.arn("dynamodb", &resource)
    }

    fn details(&self, place: &Place, status: &str) -> Value {
        let mut details = json!({
            "BackupArn": self.arn(place),
            "BackupName": self.name,
            "BackupSizeBytes": self.table["TableSizeBytes"],
            "BackupStatus": status,
            "BackupType": self.kind(),
            "BackupCreationDateTime": clock::fractional_seconds(self.created),
        });
        if let Some(until) = self.kept_until {
            details["BackupExpiryDateTime"] = clock::fractional_seconds(until).into();
        }
        details
    }

    fn kind(&self) -> &'static str {
        match self.kept_until {
            Some(_) => "SYSTEM",
            None => "USER",
        }
    }

    fn description(&self, place: &Place, status: &str) -> Value {
        let table = &self.table;
        let mut source = json!({
            "TableName": table["TableName"],
            "TableId": table["TableId"],
            "TableArn": table["TableArn"],
            "TableSizeBytes": table["TableSizeBytes"],
            "ItemCount": table["ItemCount"],
            "KeySchema": table["KeySchema"],
            "TableCreationDateTime": table["CreationDateTime"],
            "ProvisionedThroughput": units(&table["ProvisionedThroughput"]),
            "BillingMode": mode(table),
        });
        if let Some(ceilings) = table.get("OnDemandThroughput") {
            source["OnDemandThroughput"] = ceilings.clone();
        }
        let mut features = json!({});
        for (member, kept) in [
            (
                "GlobalSecondaryIndexes",
                &[
                    "IndexName",
                    "KeySchema",
                    "Projection",
                    "ProvisionedThroughput",
                    "OnDemandThroughput",
                ][..],
            ),
            (
                "LocalSecondaryIndexes",
                &["IndexName", "KeySchema", "Projection"][..],
            ),
        ] {
            if let Some(indexes) = table[member].as_array() {
                let indexes: Vec<Value> = indexes.iter().map(|index| only(index, kept)).collect();
                features[member] = indexes.into();
            }
        }
        if let Some(stream) = table.get("StreamSpecification") {
            features["StreamDescription"] = stream.clone();
        }
        if let Some(encryption) = table.get("SSEDescription") {
            features["SSEDescription"] = encryption.clone();
        }
        features["TimeToLiveDescription"] = match &self.expiry {
            Some(attribute) => {
                json!({ "TimeToLiveStatus": "ENABLED", "AttributeName": attribute })
            }
            None => json!({ "TimeToLiveStatus": "DISABLED" }),
        };
        json!({
            "BackupDetails": self.details(place, status),
            "SourceTableDetails": source,
            "SourceTableFeatureDetails": features,
        })
    }
}

fn mode(table: &Value) -> &str {
    table["BillingModeSummary"]["BillingMode"]
        .as_str()
        .unwrap_or("PROVISIONED")
}

fn units(throughput: &Value) -> Value {
    json!({
        "ReadCapacityUnits": throughput["ReadCapacityUnits"],
        "WriteCapacityUnits": throughput["WriteCapacityUnits"],
    })
}

fn only(value: &Value, members: &[&str]) -> Value {
    let members = members.iter().filter_map(|member| {
        let value = value.get(*member)?;
        let value = match *member {
            "ProvisionedThroughput" => units(value),
            _ => value.clone(),
        };
        Some(((*member).to_owned(), value))
    });
    Value::Object(members.collect())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CreateRequest {
    table_name: Option<String>,
    backup_name: Option<String>,
}

pub(super) async fn create(cloud: &Arc<Cloud>, call: &Call) -> Result<Answer, Refusal> {
    let request: CreateRequest = call.input()?;
    let mut constraints = Constraints::default();
    constraints.not_null(request.table_name.as_ref(), "tableName");
    constraints.not_null(request.backup_name.as_ref(), "backupName");
    if let Some(name) = &request.backup_name {
        check_name(&mut constraints, name, "backupName");
    }
    constraints.finish(VALIDATION)?;
    let table = tables::name(call)?;
    let unknown = || {
        refusal(
            "TableNotFoundException",
            format!("Table not found: {table}"),
        )
    };
    let phase = tables::phase(cloud, &call.place, &table)?;
    if !matches!(phase, Phase::Active { .. }) {
        return Err(unknown());
    }
    let description = tables::described(cloud, &call.place, &table)
        .await?
        .ok_or_else(unknown)?;
    if !settings::has_backups(cloud, &phase) {
        return Err(refusal(
            "ContinuousBackupsUnavailableException",
            format!("Backups are being enabled for the table: {table}. Please retry later"),
        ));
    }
    let created = cloud.now();
    let backup = Backup {
        id: format!("{created:014}-{}", ids::hex(8)),
        name: request.backup_name.unwrap_or_default(),
        created,
        table: description,
        expiry: settings::current_ttl(cloud, call, &table)
            .await?
            .unwrap_or_default(),
        pages: 0,
        kept_until: None,
    };
    let backup = filled(cloud, &call.place, backup).await?;
    // As AWS answers; it is available a moment later.
    let details = backup.details(&call.place, "CREATING");
    Ok(Answer::ok(json!({ "BackupDetails": details })))
}

/// Keeps a table with point-in-time recovery that is about to be deleted, as AWS does, for 35 days.
pub(super) async fn keep_deleted(
    cloud: &Cloud,
    place: &Place,
    table: Value,
) -> Result<(), Refusal> {
    let name = table["TableName"].as_str().unwrap_or_default();
    let created = cloud.now();
    let backup = Backup {
        id: format!("{created:014}-00000000"),
        name: format!("{name}$DeletedTableBackup"),
        created,
        table,
        expiry: None,
        pages: 0,
        kept_until: Some(created.saturating_add(SYSTEM_KEPT_MS)),
    };
    filled(cloud, place, backup).await.map(|_| ())
}

/// Keeps the backup with all items of its table.
async fn filled(cloud: &Cloud, place: &Place, mut backup: Backup) -> Result<Backup, Refusal> {
    let pages = pages(cloud, place, backup.table_name()).await?;
    backup.pages = pages.len();
    cloud.store.transact(|tx| {
        for (number, items) in pages.into_iter().enumerate() {
            let page = Page {
                backup: backup.id.clone(),
                number,
                items,
            };
            tx.put(place, &page)?;
        }
        tx.put(place, &backup)
    })?;
    Ok(backup)
}

fn check_name(constraints: &mut Constraints, name: &str, at: &str) {
    constraints.length(name, at, 3, 255);
    let fits = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
    constraints.pattern(name, at, NAME_PATTERN, fits);
}

/// All items of a table, by pages of a scan.
async fn pages(cloud: &Cloud, place: &Place, table: &str) -> Result<Vec<Vec<Value>>, Refusal> {
    let mut request = json!({ "TableName": table, "ConsistentRead": true });
    let work = move |database: &Database| -> Result<Vec<Vec<Value>>, String> {
        let mut pages = Vec::new();
        loop {
            let body = request.to_string();
            let answer = operations::run(database, "Scan", body.as_bytes())
                .map_err(|error| error.to_string())?;
            let mut answer: Value =
                serde_json::from_str(&answer).map_err(|error| error.to_string())?;
            if let Value::Array(items) = answer["Items"].take() {
                pages.push(items);
            }
            match answer["LastEvaluatedKey"].take() {
                Value::Null => return Ok(pages),
                key => request["ExclusiveStartKey"] = key,
            }
        }
    };
    with_database(cloud, place, work)
        .await?
        .map_err(Refusal::internal)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OneRequest {
    backup_arn: Option<String>,
}

pub(super) fn describe(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let backup = named(cloud, call)?;
    let description = backup.description(&call.place, "AVAILABLE");
    Ok(Answer::ok(json!({ "BackupDescription": description })))
}

pub(super) fn delete(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let backup = named(cloud, call)?;
    if let Some(until) = backup.kept_until {
        return Err(Refusal::new(
            400,
            VALIDATION,
            format!(
                "Invalid Request: User is not allowed to delete the system backup with arn {}. It will automatically \
                 expire on {}",
                backup.arn(&call.place),
                clock::iso(until)
            ),
        ));
    }
    cloud
        .store
        .transact(|tx| remove(tx, &call.place, &backup))?;
    let description = backup.description(&call.place, "DELETED");
    Ok(Answer::ok(json!({ "BackupDescription": description })))
}

fn remove(tx: &Tx, place: &Place, backup: &Backup) -> Result<(), Refusal> {
    for number in 0..backup.pages {
        tx.remove::<Page>(place, &page_key(&backup.id, number))?;
    }
    tx.remove::<Backup>(place, &backup.id).map(|_| ())
}

/// The backups of a place that are still kept, by age.
fn kept(cloud: &Cloud, place: &Place) -> Result<Vec<Backup>, Refusal> {
    let now = cloud.now();
    cloud.store.transact(|tx| {
        let mut kept = Vec::new();
        for backup in tx.list::<Backup>(place, "")? {
            if backup.kept_until.is_some_and(|until| until <= now) {
                remove(tx, place, &backup)?;
            } else {
                kept.push(backup);
            }
        }
        Ok(kept)
    })
}

fn named(cloud: &Cloud, call: &Call) -> Result<Backup, Refusal> {
    let request: OneRequest = call.input()?;
    let mut constraints = Constraints::default();
    constraints.not_null(request.backup_arn.as_ref(), "backupArn");
    if let Some(arn) = &request.backup_arn {
        constraints.length(arn, "backupArn", 37, 1024);
    }
    constraints.finish(VALIDATION)?;
    by_arn(cloud, &call.place, &request.backup_arn.unwrap_or_default())
}

fn by_arn(cloud: &Cloud, place: &Place, arn: &str) -> Result<Backup, Refusal> {
    let id = arn
        .strip_prefix("arn:")
        .and_then(|arn| arn.rsplit_once("/backup/"))
        .map(|(_, id)| id);
    let Some(id) = id else {
        return Err(Refusal::new(400, VALIDATION, "Invalid Backup ARN"));
    };
    cloud
        .store
        .transact(|tx| tx.get::<Backup>(place, id))?
        .filter(|backup| backup.arn(place) == arn)
        .filter(|backup| backup.kept_until.is_none_or(|until| until > cloud.now()))
        .ok_or_else(|| {
            refusal(
                "BackupNotFoundException",
                format!("Backup not found: {arn}"),
            )
        })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListRequest {
    table_name: Option<String>,
    limit: Option<i64>,
    time_range_lower_bound: Option<f64>,
    time_range_upper_bound: Option<f64>,
    exclusive_start_backup_arn: Option<String>,
    backup_type: Option<String>,
}

pub(super) fn list(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let request: ListRequest = call.input()?;
    let mut constraints = Constraints::default();
    constraints.range(request.limit, "limit", 1, 100);
    if let Some(kind) = &request.backup_type {
        constraints.one_of(kind, "backupType", &["USER", "SYSTEM", "AWS_BACKUP", "ALL"]);
    }
    constraints.finish(VALIDATION)?;
    let (lower, upper) = (
        request.time_range_lower_bound,
        request.time_range_upper_bound,
    );
    if lower.zip(upper).is_some_and(|(lower, upper)| lower > upper) {
        return Err(Refusal::new(
            400,
            VALIDATION,
            "One or more parameter values were invalid: Time range lower bound must be less than or equal to upper bound",
        ));
    }
    let place = &call.place;
    let table = request.table_name.as_deref().map(tables::plain);
    let start = request.exclusive_start_backup_arn.as_deref();
    let start = start.and_then(|arn| arn.rsplit_once("/backup/"));
    let kind = request.backup_type.as_deref().unwrap_or("USER");
    let matching: Vec<Backup> = kept(cloud, place)?
        .into_iter()
        .filter(|backup| kind == "ALL" || backup.kind() == kind)
        .filter(|backup| table.is_none_or(|table| backup.table_name() == table))
        .filter(|backup| {
            let at = clock::fractional_seconds(backup.created);
            request
                .time_range_lower_bound
                .is_none_or(|lower| at >= lower)
                && request
                    .time_range_upper_bound
                    .is_none_or(|upper| at < upper)
        })
        .filter(|backup| start.is_none_or(|(_, id)| backup.id.as_str() > id))
        .collect();
    let limit = request
        .limit
        .and_then(|limit| usize::try_from(limit).ok())
        .unwrap_or(100);
    let summaries: Vec<Value> = matching
        .iter()
        .take(limit)
        .map(|backup| {
            let mut summary = backup.details(place, "AVAILABLE");
            for member in ["TableName", "TableId", "TableArn"] {
                summary[member] = backup.table[member].clone();
            }
            summary
        })
        .collect();
    let mut output = json!({ "BackupSummaries": summaries });
    if matching.len() > limit
        && let Some(last) = limit.checked_sub(1).and_then(|at| matching.get(at))
    {
        output["LastEvaluatedBackupArn"] = last.arn(place).into();
    }
    Ok(Answer::ok(output))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RestoreRequest {
    target_table_name: Option<String>,
    backup_arn: Option<String>,
    billing_mode_override: Option<String>,
    global_secondary_index_override: Option<Value>,
    local_secondary_index_override: Option<Value>,
    provisioned_throughput_override: Option<Value>,
    on_demand_throughput_override: Option<Value>,
    #[serde(rename = "SSESpecificationOverride")]
    sse_specification_override: Option<Value>,
}

pub(super) async fn restore(cloud: &Arc<Cloud>, call: &Call) -> Result<Answer, Refusal> {
    let request: RestoreRequest = call.input()?;
    let mut constraints = Constraints::default();
    constraints.not_null(request.target_table_name.as_ref(), "targetTableName");
    constraints.not_null(request.backup_arn.as_ref(), "backupArn");
    if let Some(name) = &request.target_table_name {
        check_name(&mut constraints, name, "targetTableName");
    }
    constraints.finish(VALIDATION)?;
    let target = request.target_table_name.clone().unwrap_or_default();
    let arn = request.backup_arn.clone().unwrap_or_default();
    let backup = by_arn(cloud, &call.place, &arn)?;
    let is_taken = tables::described(cloud, &call.place, &target)
        .await?
        .is_some()
        || matches!(tables::phase(cloud, &call.place, &target)?, Phase::Deleting);
    if is_taken {
        return Err(refusal(
            "TableAlreadyExistsException",
            format!("Table already exists: {target}"),
        ));
    }
    check_overrides(&backup, &request)?;
    let creation = Call {
        operation: "CreateTable",
        body: creation(&backup, &target, &request).to_string().into(),
        ..call.clone()
    };
    let answer = tables::create(cloud, &creation).await?;
    if answer.status != 200 {
        return Ok(answer);
    }
    for number in 0..backup.pages {
        let key = page_key(&backup.id, number);
        let page = cloud
            .store
            .transact(|tx| tx.get::<Page>(&call.place, &key))?;
        let items: Vec<Item> = page
            .map(|page| page.items)
            .unwrap_or_default()
            .into_iter()
            .map(serde_json::from_value)
            .collect::<Result<_, _>>()
            .map_err(|error| Refusal::internal(format!("the local state: {error}")))?;
        let table = target.clone();
        let work = move |database: &Database| {
            database.import_items(&table, items, ImportOptions::default())
        };
        with_database(cloud, &call.place, work)
            .await?
            .map_err(|error| Refusal::internal(error.to_string()))?;
    }
    let summary = json!({
        "SourceBackupArn": arn,
        "SourceTableArn": backup.table["TableArn"],
        "RestoreDateTime": clock::fractional_seconds(cloud.now()),
        "RestoreInProgress": true,
    });
    cloud.store.transact(|tx| {
        let mut shape = tx.get::<Shape>(&call.place, &target)?.unwrap_or_default();
        shape.table.clone_from(&target);
        shape.restored = Some(summary.clone());
        tx.put(&call.place, &shape)
    })?;
    let mut output = read(&answer)?;
    output["TableDescription"]["RestoreSummary"] = summary;
    Ok(Answer::ok(output.into()))
}

/// Refuses what a restoration cannot change.
fn check_overrides(backup: &Backup, request: &RestoreRequest) -> Result<(), Refusal> {
    let invalid = |why: &str| {
        Err(Refusal::new(
            400,
            VALIDATION,
            format!("Invalid Request: {why}"),
        ))
    };
    let was_on_demand = mode(&backup.table) == "PAY_PER_REQUEST";
    let has_units = request.provisioned_throughput_override.is_some();
    match request.billing_mode_override.as_deref() {
        Some("PAY_PER_REQUEST") if has_units => {
            return invalid(
                "Cannot override ProvisionedThroughput if BillingMode is overridden to PAY_PER_REQUEST",
            );
        }
        Some("PROVISIONED") if was_on_demand && !has_units => {
            return invalid(
                "Must override ProvisionedThroughput if BillingMode is overridden to PROVISIONED",
            );
        }
        None if was_on_demand && has_units => {
            return invalid(
                "Cannot override ProvisionedThroughput unless BillingMode is PROVISIONED",
            );
        }
        _ => {}
    }
    for (member, given) in [
        (
            "GlobalSecondaryIndexes",
            &request.global_secondary_index_override,
        ),
        (
            "LocalSecondaryIndexes",
            &request.local_secondary_index_override,
        ),
    ] {
        let given = given.as_ref().and_then(Value::as_array);
        for index in given.into_iter().flatten() {
            let existing = backup.table[member].as_array();
            // It may have another name.
            let is_there = existing.into_iter().flatten().any(|existing| {
                existing["KeySchema"] == index["KeySchema"]
                    && existing["Projection"] == index["Projection"]
            });
            if !is_there {
                let name = index["IndexName"].as_str().unwrap_or_default();
                return invalid(&format!(
                    "Index {name} does not match a secondary index that existed in the source table and cannot be \
                     created during the restore operation"
                ));
            }
        }
    }
    Ok(())
}

/// The request that makes the table: keys, indexes, throughput and encryption are the backup's, if not given anew. AWS restores
/// neither tags, time to live, streams, policies nor deletion protection.
fn creation(backup: &Backup, target: &str, request: &RestoreRequest) -> Value {
    let table = &backup.table;
    let source = backup.description(
        &Place {
            account: String::new(),
            region: String::new(),
        },
        "AVAILABLE",
    );
    let features = &source["SourceTableFeatureDetails"];
    let mode = request
        .billing_mode_override
        .as_deref()
        .unwrap_or_else(|| mode(table));
    let is_on_demand = mode == "PAY_PER_REQUEST";
    let mut creation = json!({
        "TableName": target,
        "KeySchema": table["KeySchema"],
        "BillingMode": mode,
    });
    if is_on_demand {
        let ceilings = request.on_demand_throughput_override.as_ref();
        if let Some(ceilings) = ceilings.or_else(|| table.get("OnDemandThroughput")) {
            creation["OnDemandThroughput"] = ceilings.clone();
        }
    } else {
        let given = request.provisioned_throughput_override.clone();
        creation["ProvisionedThroughput"] =
            given.unwrap_or_else(|| units(&table["ProvisionedThroughput"]));
    }
    for (member, given) in [
        (
            "GlobalSecondaryIndexes",
            &request.global_secondary_index_override,
        ),
        (
            "LocalSecondaryIndexes",
            &request.local_secondary_index_override,
        ),
    ] {
        let indexes = given.as_ref().unwrap_or(&features[member]);
        let mut indexes = indexes.as_array().cloned().unwrap_or_default();
        if is_on_demand {
            for index in indexes.iter_mut().filter_map(Value::as_object_mut) {
                index.remove("ProvisionedThroughput");
            }
        }
        if !indexes.is_empty() {
            creation[member] = indexes.into();
        }
    }
    let encryption = &table["SSEDescription"]["KMSMasterKeyArn"];
    if let Some(given) = &request.sse_specification_override {
        creation["SSESpecification"] = given.clone();
    } else if encryption.is_string() {
        creation["SSESpecification"] =
            json!({ "Enabled": true, "SSEType": "KMS", "KMSMasterKeyId": encryption });
    }
    creation["AttributeDefinitions"] = used_attributes(table, &creation);
    creation
}

/// The definitions of the attributes that keys and indexes still have.
fn used_attributes(table: &Value, creation: &Value) -> Value {
    let schemas = ["GlobalSecondaryIndexes", "LocalSecondaryIndexes"]
        .iter()
        .flat_map(|member| creation[*member].as_array().into_iter().flatten())
        .map(|index| &index["KeySchema"])
        .chain([&creation["KeySchema"]]);
    let used: Vec<&Value> = schemas
        .flat_map(|schema| schema.as_array().into_iter().flatten())
        .map(|element| &element["AttributeName"])
        .collect();
    let definitions = table["AttributeDefinitions"].as_array();
    definitions
        .into_iter()
        .flatten()
        .filter(|definition| used.contains(&&definition["AttributeName"]))
        .cloned()
        .collect::<Vec<Value>>()
        .into()
}

fn refusal(code: &str, message: String) -> Refusal {
    Refusal::new(
        400,
        &format!("com.amazonaws.dynamodb.v20120810#{code}"),
        message,
    )
}
