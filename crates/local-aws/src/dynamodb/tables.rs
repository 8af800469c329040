//! Tables as AWS shows them: named by region and account, and going through states.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use dynoxide::Database;
use dynoxide::actions::describe_table::DescribeTableRequest;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::settings::{self, Settings};
use super::shape::{self, Shape, Stage};
use super::update_item::read;
use super::{backups, run, streams, tags, unsupported, with_database};
use crate::answer::{Answer, Body, Refusal};
use crate::call::Call;
use crate::clock::Moment;
use crate::cloud::Cloud;
use crate::iam;
use crate::place::Place;
use crate::store::{Record, Tx};

/// How the engine begins every ARN.
pub(super) const ENGINE_ARN: &str = "arn:aws:dynamodb:dynoxide:000000000000:";

/// The moments at which a table's state changes.
#[derive(Debug, Serialize, Deserialize)]
struct Table {
    name: String,
    visible_from: Moment,
    active_from: Moment,
    /// While it is being deleted: until when, and what it was.
    deleting: Option<Deleting>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Deleting {
    until: Moment,
    description: Value,
}

impl Record for Table {
    const KIND: &'static str = "table";

    fn key(&self) -> String {
        self.name.clone()
    }
}

pub(super) async fn create(cloud: &Arc<Cloud>, call: &Call) -> Result<Answer, Refusal> {
    let name = name(call)?;
    let now = cloud.now();
    if is_deleting(cloud, &call.place, &name)? {
        return Err(in_use(&format!("Table already exists: {name}")));
    }
    let mut request = call.json()?;
    unsupported::check_members(call, &request)?;
    tags::check(&request["Tags"])?;
    let shape = Shape::of_request(&call.place, &name, &request)?;
    let view = enabled_view(&request);
    if request["TableName"].is_string() {
        request["TableName"] = name.as_str().into();
    }
    widen_view(&mut request);
    let answer = run(cloud, call, request.to_string().into()).await?;
    if answer.status != 200 {
        return Ok(answer);
    }
    let faults = cloud.faults();
    let table = Table {
        name: name.clone(),
        visible_from: now.saturating_add(faults.visibility_ms),
        active_from: now.saturating_add(faults.table_creating_ms),
        deleting: None,
    };
    cloud.store.transact(|tx| {
        tx.remove::<Settings>(&call.place, &table.name)?;
        tx.put(&call.place, &shape)?;
        tx.put(&call.place, &table)
    })?;
    if let Some(view) = view {
        let keys = request["KeySchema"].clone();
        streams::open(cloud, &call.place, &name, &view, keys).await?;
    }
    // As AWS answers, whatever the table's state will be a moment later.
    shaped(cloud, call, answer, "TableDescription", Stage::Creating).await
}

/// The view of the stream that a request enables.
fn enabled_view(request: &Value) -> Option<String> {
    let specification = &request["StreamSpecification"];
    let view = specification["StreamViewType"].as_str()?;
    (specification["StreamEnabled"] == true).then(|| view.to_owned())
}

/// Has the engine record both images, of which every view is a part. A view that is none stays for it to refuse.
pub(super) fn widen_view(request: &mut Value) {
    let Some(specification) = request.get_mut("StreamSpecification") else {
        return;
    };
    let is_view = specification["StreamViewType"]
        .as_str()
        .is_some_and(|view| streams::VIEWS.contains(&view));
    if is_view {
        specification["StreamViewType"] = streams::WIDEST_VIEW.into();
    }
}

/// The answer with AWS's description of the table in place of the engine's.
async fn shaped(
    cloud: &Cloud,
    call: &Call,
    answer: Answer,
    member: &str,
    stage: Stage,
) -> Result<Answer, Refusal> {
    if answer.status != 200 {
        return Ok(answer);
    }
    let mut output = read(&from_engine(call, answer))?;
    if let Some(description) = output.get_mut(member).and_then(Value::as_object_mut) {
        adopt_stream(cloud, &call.place, description).await?;
        shape::apply(cloud, &call.place, description, stage)?;
    }
    Ok(Answer::ok(output.into()))
}

/// Begins to keep the stream of a table that an earlier version of this program made.
async fn adopt_stream(
    cloud: &Cloud,
    place: &Place,
    description: &Map<String, Value>,
) -> Result<(), Refusal> {
    let specification = description.get("StreamSpecification");
    let view = specification.and_then(|specification| specification["StreamViewType"].as_str());
    let (Some(view), Some(name)) = (view, description.get("TableName").and_then(Value::as_str))
    else {
        return Ok(());
    };
    let latest = cloud
        .store
        .transact(|tx| streams::latest(tx, place, name))?;
    if latest.is_some_and(|stream| stream.is_enabled()) {
        return Ok(());
    }
    let keys = description.get("KeySchema").cloned().unwrap_or_default();
    streams::open(cloud, place, name, view, keys).await
}

/// The table as AWS describes it, if there is one.
pub(super) async fn described(
    cloud: &Cloud,
    place: &Place,
    name: &str,
) -> Result<Option<Value>, Refusal> {
    let request = DescribeTableRequest {
        table_name: name.to_owned(),
    };
    let describe = move |database: &Database| database.describe_table(request);
    let Ok(answer) = with_database(cloud, place, describe).await? else {
        return Ok(None);
    };
    let text = serde_json::to_string(&answer.table)
        .map_err(|error| Refusal::internal(error.to_string()))?
        .replace(ENGINE_ARN, &place.arn("dynamodb", ""));
    let mut description: Map<String, Value> =
        serde_json::from_str(&text).map_err(|error| Refusal::internal(error.to_string()))?;
    adopt_stream(cloud, place, &description).await?;
    shape::apply(cloud, place, &mut description, Stage::Made)?;
    Ok(Some(description.into()))
}

pub(super) async fn delete(cloud: &Arc<Cloud>, call: &Call) -> Result<Answer, Refusal> {
    let name = name(call)?;
    let now = cloud.now();
    let table = cloud
        .store
        .transact(|tx| alive(tx, &call.place, &name, now))?;
    if let Some(table) = &table {
        if table.deleting.is_some() {
            return Err(in_use(&format!(
                "Attempt to change a resource which is still in use: Table is being deleted: {name}"
            )));
        }
        if table.active_from > now {
            return Err(being_created(&name));
        }
    }
    let before = described(cloud, &call.place, &name).await?;
    let is_protected = before
        .as_ref()
        .is_some_and(|table| table["DeletionProtectionEnabled"] == true);
    if before.is_some() && !is_protected {
        streams::keep_of_deleted(cloud, &call.place, &name).await?;
    }
    if let Some(table) = before.as_ref().filter(|_| !is_protected)
        && settings::has_recovery(cloud, call, &name)?
    {
        backups::keep_deleted(cloud, &call.place, table.clone()).await?;
    }
    let mut request = call.json()?;
    if request["TableName"].is_string() {
        request["TableName"] = name.as_str().into();
    }
    let answer = run(cloud, call, request.to_string().into()).await?;
    if answer.status != 200 {
        return Ok(answer);
    }
    let lag = cloud.faults().table_deleting_ms;
    let description = deleted(before.unwrap_or_default());
    let answer = Answer::ok(json!({ "TableDescription": description }));
    cloud.store.transact(|tx| {
        tx.remove::<Settings>(&call.place, &name)?;
        tx.remove::<Shape>(&call.place, &name)?;
        if lag == 0 {
            tx.remove::<Table>(&call.place, &name).map(|_| ())
        } else {
            let deleting = Some(Deleting {
                until: now.saturating_add(lag),
                description,
            });
            let table = Table {
                name,
                visible_from: 0,
                active_from: 0,
                deleting,
            };
            tx.put(&call.place, &table)
        }
    })?;
    Ok(answer)
}

/// What AWS still tells of a table that is being deleted.
fn deleted(mut table: Value) -> Value {
    if let Some(members) = table.as_object_mut() {
        members.retain(|member, _| {
            matches!(
                member.as_str(),
                "BillingModeSummary"
                    | "DeletionProtectionEnabled"
                    | "ItemCount"
                    | "ProvisionedThroughput"
                    | "TableArn"
                    | "TableId"
                    | "TableName"
                    | "TableSizeBytes"
                    | "TableThroughputModeSummary"
            )
        });
        members.insert("TableStatus".to_owned(), "DELETING".into());
    }
    table
}

pub(super) async fn describe(cloud: &Arc<Cloud>, call: &Call) -> Result<Answer, Refusal> {
    let name = name(call)?;
    let now = cloud.now();
    let mut stage = Stage::Made;
    let table = cloud
        .store
        .transact(|tx| alive(tx, &call.place, &name, now))?;
    if let Some(table) = table {
        if let Some(deleting) = table.deleting {
            return Ok(Answer::ok(json!({ "Table": deleting.description })));
        }
        if table.visible_from > now {
            return Err(not_found(&name));
        }
        if table.active_from > now {
            stage = Stage::Creating;
        }
    }
    let body = json!({ "TableName": name }).to_string();
    let body = if call.json()?["TableName"].is_string() {
        body.into()
    } else {
        call.body.clone()
    };
    let answer = run(cloud, call, body).await?;
    shaped(cloud, call, answer, "Table", stage).await
}

pub(super) async fn list(cloud: &Arc<Cloud>, call: &Call) -> Result<Answer, Refusal> {
    run(cloud, call, call.body.clone()).await
}

/// Items can be read and written in an active table only.
pub(super) fn check_usable(cloud: &Cloud, call: &Call) -> Result<(), Refusal> {
    let faults = cloud.faults();
    if faults.table_creating_ms == 0 && faults.visibility_ms == 0 {
        return Ok(());
    }
    let Ok(name) = name(call) else {
        return Ok(());
    };
    let now = cloud.now();
    let table = cloud
        .store
        .transact(|tx| alive(tx, &call.place, &name, now))?;
    if table.is_some_and(|table| table.active_from > now) {
        return Err(Refusal::new(
            400,
            "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException",
            "Requested resource not found",
        ));
    }
    Ok(())
}

/// The record of a table, unless its deletion has ended meanwhile.
fn alive(tx: &Tx, place: &Place, name: &str, now: Moment) -> Result<Option<Table>, Refusal> {
    let table = tx.get::<Table>(place, name)?;
    let is_gone = table
        .as_ref()
        .and_then(|table| table.deleting.as_ref())
        .is_some_and(|deleting| deleting.until <= now);
    if is_gone {
        tx.remove::<Table>(place, name)?;
        return Ok(None);
    }
    Ok(table)
}

/// The state of a table at the moment, if it exists.
pub(super) enum Phase {
    Invisible,
    Creating,
    Active { since: Moment },
    Deleting,
}

pub(super) fn phase(cloud: &Cloud, place: &Place, name: &str) -> Result<Phase, Refusal> {
    let now = cloud.now();
    let table = cloud.store.transact(|tx| alive(tx, place, name, now))?;
    Ok(match table {
        None => Phase::Active { since: 0 },
        Some(table) if table.deleting.is_some() => Phase::Deleting,
        Some(table) if table.visible_from > now => Phase::Invisible,
        Some(table) if table.active_from > now => Phase::Creating,
        Some(table) => Phase::Active {
            since: table.active_from,
        },
    })
}

fn is_deleting(cloud: &Cloud, place: &Place, name: &str) -> Result<bool, Refusal> {
    let now = cloud.now();
    let table = cloud.store.transact(|tx| alive(tx, place, name, now))?;
    Ok(table.is_some_and(|table| table.deleting.is_some()))
}

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(rename = "TableName", borrow, default)]
    name: Option<Cow<'a, str>>,
}

/// The table's name, which may be given as its ARN.
pub(super) fn name(call: &Call) -> Result<String, Refusal> {
    let named: Named = serde_json::from_slice(&call.body).map_err(|error| {
        Refusal::new(
            400,
            "com.amazon.coral.service#SerializationException",
            error.to_string(),
        )
    })?;
    let name = named.name.unwrap_or_default();
    check_place(call, &name)?;
    Ok(plain(&name).to_owned())
}

/// Refuses the ARN of a table that is elsewhere.
pub(super) fn check_place(call: &Call, name: &str) -> Result<(), Refusal> {
    let mut parts = name.split(':');
    if parts.next() != Some("arn") {
        return Ok(());
    }
    let (region, account) = (parts.nth(2), parts.next());
    if region != Some(call.place.region.as_str()) {
        return Err(Refusal::new(
            400,
            "com.amazon.coral.validate#ValidationException",
            format!("1 validation error detected: Invalid AWS region in '{name}'"),
        ));
    }
    if account != Some(call.place.account.as_str()) {
        // Only a policy of that table could allow it, and there are none.
        return Err(iam::denied(call, name));
    }
    Ok(())
}

/// The name of a table that may be given as its ARN.
pub(super) fn plain(name: &str) -> &str {
    name.rsplit_once(":table/").map_or(name, |(_, name)| name)
}

/// An item operation's body with the table's name where its ARN was given.
pub(super) fn with_plain_table_name(call: &Call) -> Result<Bytes, Refusal> {
    let is_arn = serde_json::from_slice::<Named>(&call.body)
        .ok()
        .and_then(|named| named.name)
        .is_some_and(|name| name.starts_with("arn:"));
    if !is_arn {
        return Ok(call.body.clone());
    }
    let mut body = call.json()?;
    body["TableName"] = name(call)?.into();
    Ok(body.to_string().into())
}

/// A table operation's body in the engine's names.
pub(super) fn to_engine(call: &Call) -> Bytes {
    replaced(&call.body, &call.place.arn("dynamodb", ""), ENGINE_ARN)
}

/// An answer about tables in AWS's names.
pub(super) fn from_engine(call: &Call, answer: Answer) -> Answer {
    let text = match &answer.body {
        Body::Bytes(bytes) => bytes.clone(),
        Body::Json(value) => value.to_string().into(),
    };
    Answer {
        body: Body::Bytes(replaced(&text, ENGINE_ARN, &call.place.arn("dynamodb", ""))),
        ..answer
    }
}

fn replaced(text: &Bytes, from: &str, to: &str) -> Bytes {
    match std::str::from_utf8(text) {
        Ok(text) if text.contains(from) => text.replace(from, to).into(),
        _ => text.clone(),
    }
}

pub(super) fn being_created(name: &str) -> Refusal {
    in_use(&format!(
        "Attempt to change a resource which is still in use: Table is being created: {name}"
    ))
}

pub(super) fn in_use(message: &str) -> Refusal {
    Refusal::new(
        400,
        "com.amazonaws.dynamodb.v20120810#ResourceInUseException",
        message,
    )
}

pub(super) fn not_found(name: &str) -> Refusal {
    Refusal::new(
        400,
        "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException",
        format!("Requested resource not found: Table: {name} not found"),
    )
}
