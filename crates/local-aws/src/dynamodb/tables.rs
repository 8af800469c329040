//! Tables as AWS shows them: named by region and account, and going through states.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::run;
use super::settings::Settings;
use crate::answer::{Answer, Body, Refusal};
use crate::call::Call;
use crate::clock::Moment;
use crate::cloud::Cloud;
use crate::place::Place;
use crate::store::{Record, Tx};

/// How the engine begins every ARN.
pub(super) const ENGINE_ARN: &str = "arn:aws:dynamodb:dynoxide:000000000000:";

/// How the engine begins the id of a shard, before the name of the table; botocore takes none below 28 characters.
const ENGINE_SHARD: &str = "\"shardId-";
const SHARD: &str = "\"shardId-0000000000";

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
    let answer = run(cloud, call, to_engine(call)).await?;
    if answer.status != 200 {
        return Ok(answer);
    }
    let faults = cloud.faults();
    let table = Table {
        name,
        visible_from: now.saturating_add(faults.visibility_ms),
        active_from: now.saturating_add(faults.table_creating_ms),
        deleting: None,
    };
    cloud.store.transact(|tx| {
        tx.remove::<Settings>(&call.place, &table.name)?;
        tx.put(&call.place, &table)
    })?;
    // As AWS answers, whatever the table's state will be a moment later.
    with_status(answer, "TableDescription", "CREATING")
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
    let answer = run(cloud, call, to_engine(call)).await?;
    if answer.status != 200 {
        return Ok(answer);
    }
    let answer = with_status(answer, "TableDescription", "DELETING")?;
    let lag = cloud.faults().table_deleting_ms;
    let description = match &answer.body {
        Body::Json(value) => value["TableDescription"].clone(),
        Body::Bytes(_) => Value::Null,
    };
    cloud.store.transact(|tx| {
        tx.remove::<Settings>(&call.place, &name)?;
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

pub(super) async fn describe(cloud: &Arc<Cloud>, call: &Call) -> Result<Answer, Refusal> {
    let name = name(call)?;
    let now = cloud.now();
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
            return with_status(
                run(cloud, call, to_engine(call)).await?,
                "Table",
                "CREATING",
            );
        }
    }
    run(cloud, call, to_engine(call)).await
}

pub(super) async fn list(cloud: &Arc<Cloud>, call: &Call) -> Result<Answer, Refusal> {
    run(cloud, call, call.body.clone()).await
}

pub(super) async fn change(cloud: &Arc<Cloud>, call: &Call) -> Result<Answer, Refusal> {
    let name = name(call)?;
    let now = cloud.now();
    if let Some(table) = cloud
        .store
        .transact(|tx| alive(tx, &call.place, &name, now))?
    {
        if table.deleting.is_some() {
            return Err(not_found(&name));
        }
        if table.active_from > now {
            return Err(being_created(&name));
        }
    }
    run(cloud, call, to_engine(call)).await
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
    Ok(name
        .rsplit_once(":table/")
        .map_or(&*name, |(_, name)| name)
        .to_owned())
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

/// A stream operation's body with the engine's ids of shards.
pub(super) fn with_engine_shards(body: &Bytes) -> Bytes {
    replaced(body, SHARD, ENGINE_SHARD)
}

/// An answer about a stream with ids of shards as long as AWS's clients want them.
pub(super) fn with_aws_shards(answer: Answer) -> Answer {
    match answer.body {
        Body::Bytes(text) => Answer {
            body: Body::Bytes(replaced(&text, ENGINE_SHARD, SHARD)),
            ..answer
        },
        Body::Json(_) => answer,
    }
}

fn replaced(text: &Bytes, from: &str, to: &str) -> Bytes {
    match std::str::from_utf8(text) {
        Ok(text) if text.contains(from) => text.replace(from, to).into(),
        _ => text.clone(),
    }
}

fn with_status(answer: Answer, member: &str, status: &str) -> Result<Answer, Refusal> {
    let Body::Bytes(text) = &answer.body else {
        return Ok(answer);
    };
    if answer.status != 200 {
        return Ok(answer);
    }
    let mut value: Value =
        serde_json::from_slice(text).map_err(|error| Refusal::internal(error.to_string()))?;
    value[member]["TableStatus"] = status.into();
    Ok(Answer {
        body: Body::Json(value),
        ..answer
    })
}

pub(super) fn being_created(name: &str) -> Refusal {
    in_use(&format!(
        "Attempt to change a resource which is still in use: Table is being created: {name}"
    ))
}

fn in_use(message: &str) -> Refusal {
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
