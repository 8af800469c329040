//! A DynamoDB table, on demand, with its indexes, its time to live and its point-in-time recovery.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use aws_sdk_dynamodb::operation::update_table::builders::UpdateTableFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, CreateGlobalSecondaryIndexAction,
    DeleteGlobalSecondaryIndexAction, GlobalSecondaryIndex, GlobalSecondaryIndexUpdate,
    IndexStatus, KeySchemaElement, KeyType, OnDemandThroughput, PointInTimeRecoverySpecification,
    PointInTimeRecoveryStatus, Projection, ProjectionType, ScalarAttributeType, Select,
    StreamSpecification, StreamViewType, TableClass, TableDescription, TableStatus, Tag,
    TimeToLiveSpecification, TimeToLiveStatus,
};
use provision_engine::aws::Aws;
use provision_engine::cost::Charge;
use provision_engine::diff::Changes;
use provision_engine::error::{AwsError, Failure};
use provision_engine::fault::Code;
use provision_engine::input::{Handle, Input};
use provision_engine::look::Look;
use provision_engine::observe::Seen;
use provision_engine::operation::{Meaning, Operation, Reading, Scope};
use provision_engine::owner::{Mark, Ownership, Tags};
use provision_engine::refusals::Refusals;
use provision_engine::resource::{
    Act, ForeignPart, HoldsData, Kind, Marked, Observed, Resource, check_name, check_tags,
};
use provision_engine::target::Target;
use provision_engine::wait::{Vanished, Wait};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::try_join;

use super::DYNAMODB;
use crate::arn::Arn;
use crate::calls::Calls;
use crate::prices::prices;
use crate::settings;
use crate::tagging::{GET_RESOURCES, tagged};
use crate::unusual::Unusual;

const TABLE: Scope = Scope::new(
    "Table",
    &["arn:{partition}:dynamodb:{region}:{account}:table/{name}"],
);

const DESCRIBE: Operation = Operation::read(
    DYNAMODB,
    "DescribeTable",
    &[TABLE.allow("dynamodb:DescribeTable")],
);
const LIST_TAGS: Operation = Operation::read(
    DYNAMODB,
    "ListTagsOfResource",
    &[TABLE.allow("dynamodb:ListTagsOfResource")],
);
/// Counts the items that a deletion would lose.
const SCAN: Operation =
    Operation::read(DYNAMODB, "Scan", &[TABLE.allow("dynamodb:Scan")]).for_deployers();
const CREATE: Operation = Operation::create(
    DYNAMODB,
    "CreateTable",
    &[
        TABLE.allow("dynamodb:CreateTable"),
        TABLE.allow("dynamodb:TagResource"),
    ],
);
const TAG: Operation = Operation::write(
    DYNAMODB,
    "TagResource",
    &[TABLE.allow("dynamodb:TagResource")],
)
.rate(5, Duration::from_millis(200));
const UPDATE: Operation = Operation::write(
    DYNAMODB,
    "UpdateTable",
    &[TABLE.allow("dynamodb:UpdateTable")],
);
const DELETE: Operation = Operation::write(
    DYNAMODB,
    "DeleteTable",
    &[TABLE.allow("dynamodb:DeleteTable")],
);
const UNTAG: Operation = Operation::write(
    DYNAMODB,
    "UntagResource",
    &[TABLE.allow("dynamodb:UntagResource")],
)
.only_with(&[TTL, RECOVERY]);
/// AWS documents no rate; the fifth of 30 at once was throttled when somebody measured it.
const DESCRIBE_TTL: Operation = Operation::read(
    DYNAMODB,
    "DescribeTimeToLive",
    &[TABLE.allow("dynamodb:DescribeTimeToLive")],
)
.rate(4, Duration::from_millis(250));
const UPDATE_TTL: Operation = Operation::write(
    DYNAMODB,
    "UpdateTimeToLive",
    &[TABLE.allow("dynamodb:UpdateTimeToLive")],
)
.reading(&[
    // What is on with another attribute, or off, is refused in other words.
    Reading::saying(
        "ValidationException",
        &["already enabled", "already disabled"],
        Meaning::Exists,
    ),
    // AWS (`UpdateTimeToLive`) takes one change an hour; a second one was taken after half an hour when somebody measured it.
    Reading::saying(
        "ValidationException",
        &["modified multiple times"],
        Meaning::NotYet,
    ),
]);
/// AWS: "You can call `DescribeContinuousBackups` at a maximum rate of 10 times per second."
const DESCRIBE_BACKUPS: Operation = Operation::read(
    DYNAMODB,
    "DescribeContinuousBackups",
    &[TABLE.allow("dynamodb:DescribeContinuousBackups")],
)
.rate(10, Duration::from_millis(100));
const UPDATE_BACKUPS: Operation = Operation::write(
    DYNAMODB,
    "UpdateContinuousBackups",
    &[TABLE.allow("dynamodb:UpdateContinuousBackups")],
)
.reading(&[Reading::of(
    "ContinuousBackupsUnavailableException",
    Meaning::NotYet,
)])
.only_with(&[RECOVERY]);

/// The names of the optional fields.
const TTL: &str = "ttl";
const RECOVERY: &str = "point_in_time_recovery";

/// A table: `AWS::DynamoDB::Table`. Its items are data: it is deleted with consent only.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Table {
    /// The name: 3 to 255 letters, digits, hyphens, underscores and dots (DynamoDB API Reference, `CreateTable`).
    pub name: String,
    /// The primary key. A change replaces the table.
    pub key: Key,
    /// Global secondary indexes by name; each projects all attributes.
    pub indexes: BTreeMap<String, Key>,
    /// `PAY_PER_REQUEST` is the only mode that is declared.
    pub billing: String,
    /// True if DynamoDB refuses to delete the table.
    pub deletion_protection: bool,
    /// The attribute with the time, in seconds since 1970, after which an item is deleted; AWS takes up to a few days for it.
    ///
    /// AWS takes one change an hour, and another attribute takes two: `up` switches the old one off, fails, and goes on when an
    /// hour has passed. One that is not declared is switched off, since items vanish by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<String>,
    /// True if AWS keeps what the table can be restored from to any second of the last 35 days, for a price by its size.
    ///
    /// One that somebody else has switched on stays, for it is what the table can be restored from; one that was declared goes with
    /// the declaration of it, and takes the rights that the declaration with it had. AWS keeps a backup of a table that is deleted
    /// with it for 35 days, free of charge.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub point_in_time_recovery: bool,
    /// Settings that are not declared here, where somebody has changed them: none in a declaration.
    #[serde(default, skip_serializing_if = "Unusual::is_none")]
    pub unusual: Unusual,
    /// The tags that the declaration asks for; the stack adds its mark. Other tags of the resource are ignored.
    pub tags: Tags,
}

/// The key of a table or an index.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Key {
    /// The partition key, `HASH` in the API.
    pub partition: Attribute,
    /// The sort key, `RANGE` in the API; `None` if the partition key identifies an item alone.
    pub sort: Option<Attribute>,
}

/// A key attribute: its name and type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attribute {
    /// The attribute's name, of 1 to 255 characters (DynamoDB API Reference, `AttributeDefinition`).
    pub name: String,
    /// The type: `S` for a string, `N` for a number, `B` for bytes.
    #[serde(rename = "type")]
    pub kind: String,
}

/// The outputs of a [`Table`].
#[derive(Debug, Serialize, Deserialize)]
pub struct TableOutput {
    /// `arn:aws:dynamodb:REGION:ACCOUNT:table/NAME`.
    pub arn: Arn,
}

/// The outputs of a declared [`Table`].
pub trait TableHandle {
    /// Returns `arn:aws:dynamodb:REGION:ACCOUNT:table/NAME`. It follows from the name, and orders nothing.
    fn arn(&self) -> Input<Arn>;
}

impl TableHandle for Handle<Table> {
    fn arn(&self) -> Input<Arn> {
        self.output("arn")
    }
}

impl Table {
    /// Returns a table in on-demand mode, whose primary key is the string attribute `partition`.
    pub fn on_demand(name: impl Into<String>, partition: &str) -> Self {
        Self {
            name: name.into(),
            key: Key {
                partition: Attribute::string(partition),
                sort: None,
            },
            indexes: BTreeMap::new(),
            billing: BillingMode::PayPerRequest.to_string(),
            deletion_protection: false,
            ttl: None,
            point_in_time_recovery: false,
            unusual: Unusual::default(),
            tags: Tags::default(),
        }
    }
}

impl Attribute {
    /// Returns a string attribute, of type `S`.
    pub fn string(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            kind: "S".to_owned(),
        }
    }
}

/// Tables are made and changed in the background; 5 min is ten times what an empty one takes.
const ACTIVE: Wait = Wait::new(
    "the table to become active",
    Duration::from_secs(2),
    Duration::from_mins(5),
);
const GONE: Wait = Wait::new(
    "the table to be gone",
    Duration::from_secs(2),
    Duration::from_mins(10),
);

impl Resource for Table {
    type Output = TableOutput;
    const KIND: Kind = Kind {
        search: &[&GET_RESOURCES],
        replace_on: &["key"],
        has_unique_name: true,
        ..Kind::new(
            "AWS::DynamoDB::Table",
            "table",
            HoldsData::Yes,
            &[
                &DESCRIBE,
                &LIST_TAGS,
                &SCAN,
                &CREATE,
                &TAG,
                &UPDATE,
                &DELETE,
                &UNTAG,
                &DESCRIBE_TTL,
                &UPDATE_TTL,
                &DESCRIBE_BACKUPS,
                &UPDATE_BACKUPS,
                &GET_RESOURCES,
            ],
        )
    };

    fn name(&self) -> String {
        self.name.clone()
    }

    fn calls(&self, act: Act<'_>) -> Vec<&'static Operation> {
        match act {
            Act::Create => {
                let recovery = self.point_in_time_recovery.then_some(&UPDATE_BACKUPS);
                let ttl = self.ttl.as_ref().map(|_| &UPDATE_TTL);
                let settings = recovery.into_iter().chain(ttl);
                std::iter::once(&CREATE).chain(settings).collect()
            }
            Act::Update(changes) => {
                let mut calls = changes.calls(&[
                    (&["billing"], &UPDATE),
                    (&["deletion_protection"], &UPDATE),
                    (&["indexes"], &UPDATE),
                    (&[RECOVERY], &UPDATE_BACKUPS),
                ]);
                calls.extend(Unusual::names_in(changes).into_iter().map(|_| &UPDATE));
                let ttl = changes.0.iter().filter(|change| change.field == TTL);
                let sides = ttl.flat_map(|change| [&change.from, &change.to]);
                let sides = sides.filter(|attribute| !attribute.is_null());
                calls.extend(sides.map(|_| &UPDATE_TTL));
                calls.extend(settings::are_over(changes).then_some(&UNTAG));
                calls.extend(changes.calls(&[(&["tags"], &TAG)]));
                calls
            }
            Act::Delete => vec![&DELETE],
        }
    }

    fn typical_wait(&self, act: Act<'_>) -> Duration {
        match act {
            // AWS readies backups 1 to 6 s after the table.
            Act::Create if self.point_in_time_recovery => Duration::from_secs(10),
            Act::Create | Act::Delete => Duration::from_secs(7),
            Act::Update(_) => Duration::ZERO,
        }
    }

    fn cost(&self, region: &str) -> Vec<Charge> {
        vec![Charge {
            service: "DynamoDB",
            usd: prices(region).write_million,
        }]
    }

    fn validate(&self, refusals: &mut Refusals) {
        refusals.check(check_name("a table's name", &self.name, 3..=255, "_.-"));
        if let Some(attribute) = &self.ttl {
            let name = &self.name;
            refusals.ensure((1..=255).contains(&attribute.chars().count()), format!("the name of the attribute of `{name}`'s time to live must have 1 to 255 characters"));
        }
        refusals.check(check_tags(&self.tags));
    }

    async fn prefetch(look: &Look) -> Result<()> {
        tagged(look).await.map(|_| ())
    }

    async fn marked(seen: &Seen<'_>) -> Result<Vec<Marked<Self>>> {
        let mut found = Vec::new();
        for tagged in tagged(seen.look).await?.iter() {
            let Some(name) = tagged.name("dynamodb", "table/") else {
                continue;
            };
            if seen.look.is_declared_name(Self::KIND.type_name, name) {
                continue;
            }
            let table = Self {
                tags: Tags(tagged.tags.clone()),
                ..Self::on_demand(name, "")
            };
            let observed = table.observe(seen.look).await?;
            found.extend(observed.map(|observed| Marked::new(name, observed)));
        }
        Ok(found)
    }

    async fn losses(&self, aws: &Aws) -> Result<Option<String>> {
        let name = &self.name;
        let (items, is_all) = match self.count_items(aws).await {
            Ok(counted) => counted,
            // Without the right to count, the worst has to be assumed.
            Err(error) if is_refused(&error) => {
                return Ok(Some(format!(
                    "table `{name}`, whose items cannot be counted"
                )));
            }
            Err(error) => return Err(error),
        };
        let more = if is_all { "" } else { "more than " };
        let noun = if items == 1 && is_all {
            "item"
        } else {
            "items"
        };
        Ok((items > 0).then(|| format!("table `{name}` with {more}{items} {noun}")))
    }

    /// Protections, replicas and local indexes, none of which a declaration has.
    async fn foreign_parts(
        &self,
        observed: &Observed<Self>,
        seen: &Seen<'_>,
    ) -> Result<Vec<ForeignPart>> {
        let doing = || format!("reading what others have added to table `{}`", self.name);
        let recovery = self.read_recovery(seen.look.aws(), !observed.state.point_in_time_recovery);
        let recovery = recovery.await.with_context(doing)?;
        let Some(table) = self
            .get(seen.look)
            .await
            .with_context(doing)?
            .as_ref()
            .clone()
        else {
            return Ok(Vec::new());
        };
        let recovery = recovery.then(|| ForeignPart::staying("point-in-time recovery"));
        let key = table
            .sse_description()
            .and_then(|sse| sse.kms_master_key_arn());
        let key = key.map(|key| ForeignPart::staying(format!("encryption by key `{key}`")));
        let replicas = table
            .replicas()
            .iter()
            .filter_map(|replica| replica.region_name());
        let replicas =
            replicas.map(|region| ForeignPart::staying(format!("a replica in {region}")));
        let indexes = table.local_secondary_indexes().iter();
        let indexes = indexes.filter_map(|index| index.index_name());
        let indexes = indexes.map(|name| ForeignPart::going(format!("local index `{name}`")));
        Ok(recovery
            .into_iter()
            .chain(key)
            .chain(replicas)
            .chain(indexes)
            .collect())
    }

    fn is_protected(observed: &Observed<Self>) -> bool {
        observed.state.deletion_protection
    }

    fn mark(&mut self, mark: &Mark<'_>) {
        self.tags.mark(mark);
        let declared = [
            (TTL, self.ttl.is_some()),
            (RECOVERY, self.point_in_time_recovery),
        ];
        settings::mark(&mut self.tags, &declared);
    }

    fn is_last_declared(&self, observed: &Observed<Self>) -> bool {
        self.tags.is_same_declaration(&observed.state.tags)
    }

    fn computed(&self, target: &Target) -> Value {
        json!({ "arn": target.arn("dynamodb", &format!("table/{}", self.name)) })
    }

    async fn observe(&self, look: &Look) -> Result<Option<Observed<Self>>> {
        let aws = look.aws();
        let doing = || format!("reading table `{}`", self.name);
        let Some(table) = self.get(look).await.with_context(doing)?.as_ref().clone() else {
            return Ok(None);
        };
        if table.table_status() == Some(&TableStatus::Deleting) {
            return Ok(None);
        }
        let arn = table
            .table_arn()
            .context(Code::Incomplete.fault("AWS returned a table without its ARN"))?
            .to_owned();
        // A table that is being created has no settings yet, and AWS refuses to tell them.
        let is_made = table.table_status() != Some(&TableStatus::Creating);
        let ttl = async { self.read_ttl(aws, is_made).await.with_context(doing) };
        let (tags, ttl) = try_join!(self.tags_of(aws, &arn), ttl)?;
        let Some(tags) = tags else { return Ok(None) };
        let ownership = look.ownership(&self.name, &self.tags, &tags);
        let is_ours = ownership == Ownership::Ours;
        let has_recovery =
            self.point_in_time_recovery || is_ours && settings::is_made(&tags, RECOVERY);
        let point_in_time_recovery = self
            .read_recovery(aws, is_made && has_recovery)
            .await
            .with_context(doing)?;
        Ok(Some(Observed {
            settled: is_settled(&table),
            state: Self {
                ttl,
                point_in_time_recovery,
                ..self.state_of(&table, settings::tags(&self.tags, &tags))
            },
            ownership,
            output: TableOutput { arn: Arn(arn) },
        }))
    }

    async fn create(&self, aws: &Aws) -> Result<TableOutput> {
        // A predecessor of the same name may still be on its way out.
        const NAME_FREE: Wait = Wait::new(
            "the table's name to be free again",
            Duration::from_secs(2),
            Duration::from_mins(10),
        );
        let arn = NAME_FREE
            .until(aws, async || {
                let created = aws
                    .call(&CREATE, || {
                        aws.dynamodb()
                            .create_table()
                            .table_name(&self.name)
                            .billing_mode(BillingMode::PayPerRequest)
                            .set_key_schema(Some(self.key.schema()))
                            .set_attribute_definitions(Some(self.attributes()))
                            .set_global_secondary_indexes(self.index_requests())
                            .deletion_protection_enabled(self.deletion_protection)
                            .set_tags(Some(self.dynamodb_tags()))
                            .send()
                    })
                    .await;
                match created {
                    Ok(answer) => Ok(answer.table_description.and_then(|table| table.table_arn)),
                    Err(error) if error.is("ResourceInUseException") => {
                        let table = self.describe(aws).await?;
                        match table.as_ref().map(|table| table.table_status()) {
                            None | Some(Some(TableStatus::Deleting)) => Ok(None),
                            Some(_) => Err(error.into()),
                        }
                    }
                    Err(error) => Err(error.into()),
                }
            })
            .await?;
        if self.point_in_time_recovery || self.ttl.is_some() {
            self.settle(aws).await?;
        }
        if self.point_in_time_recovery {
            self.put_recovery(aws).await?;
        }
        self.change_ttl(aws, None).await?;
        Ok(TableOutput { arn: Arn(arn) })
    }

    async fn update(
        &self,
        aws: &Aws,
        observed: Observed<Self>,
        changes: &Changes,
    ) -> Result<TableOutput> {
        self.settle(aws).await?;
        if changes.touch("billing") {
            self.change(aws, |request| {
                request.billing_mode(BillingMode::PayPerRequest)
            })
            .await?;
        }
        if changes.touch("deletion_protection") {
            let protect = self.deletion_protection;
            self.change(aws, |request| request.deletion_protection_enabled(protect))
                .await?;
        }
        // DynamoDB makes or removes one index at a time.
        for (name, key) in &observed.state.indexes {
            if self.indexes.get(name) != Some(key) {
                let action = DeleteGlobalSecondaryIndexAction::builder()
                    .index_name(name)
                    .build()?;
                let update = GlobalSecondaryIndexUpdate::builder().delete(action).build();
                self.change(aws, |request| {
                    request.global_secondary_index_updates(update.clone())
                })
                .await?;
            }
        }
        for (name, key) in &self.indexes {
            if observed.state.indexes.get(name) != Some(key) {
                let action = CreateGlobalSecondaryIndexAction::builder()
                    .index_name(name)
                    .set_key_schema(Some(key.schema()))
                    .projection(whole_items())
                    .build()?;
                let update = GlobalSecondaryIndexUpdate::builder().create(action).build();
                let attributes = self.attributes();
                self.change(aws, |request| {
                    request
                        .set_attribute_definitions(Some(attributes.clone()))
                        .global_secondary_index_updates(update.clone())
                })
                .await?;
            }
        }
        if changes.touch(RECOVERY) {
            self.put_recovery(aws).await?;
        }
        for (name, _) in observed.state.unusual.iter() {
            self.change(aws, |request| usual(request, name)).await?;
        }
        // Refused most easily: all other fields are changed by then.
        if changes.touch(TTL) {
            self.change_ttl(aws, observed.state.ttl.as_deref()).await?;
        }
        if settings::are_over(changes) {
            let arn = &observed.output.arn.0;
            aws.call(&UNTAG, || {
                aws.dynamodb()
                    .untag_resource()
                    .resource_arn(arn)
                    .tag_keys(settings::SETTINGS)
                    .send()
            })
            .await?;
        }
        if changes.touch("tags") {
            let arn = &observed.output.arn.0;
            aws.call(&TAG, || {
                aws.dynamodb()
                    .tag_resource()
                    .resource_arn(arn)
                    .set_tags(Some(self.dynamodb_tags()))
                    .send()
            })
            .await?;
        }
        Ok(observed.output)
    }

    async fn delete(&self, aws: &Aws, _: Observed<Self>) -> Result<()> {
        const IDLE: Wait = Wait::new(
            "the table to finish its last change",
            Duration::from_secs(2),
            Duration::from_mins(10),
        );
        let is_busy =
            |error: &AwsError| error.is("ResourceInUseException") && !error.says("being deleted");
        let deleted = IDLE
            .while_refused(aws, is_busy, async || {
                let request = || aws.dynamodb().delete_table().table_name(&self.name).send();
                match aws.call(&DELETE, request).await {
                    Err(error) if error.is_not_found() || error.says("being deleted") => Ok(()),
                    other => other.map(|_| ()),
                }
            })
            .await;
        if let Err(error) = deleted {
            if error
                .to_string()
                .to_lowercase()
                .contains("deletion protection")
            {
                bail!(
                    error.context(
                        Code::DeletionProtection
                            .fault("the table is protected")
                            .remedy("switch the table's deletion protection off, and run it again")
                    )
                );
            }
            return Err(error);
        }
        // Until it is gone, the name is taken and the next `up` would run into it.
        GONE.until(aws, async || {
            Ok(self.describe(aws).await?.is_none().then_some(()))
        })
        .await
    }

    async fn settle(&self, aws: &Aws) -> Result<()> {
        // AWS's replicas may disagree for a moment: twice in a row is active.
        let mut seen = 0;
        let mut vanished = Vanished::default();
        ACTIVE
            .until(aws, async || {
                let Some(table) = self.describe(aws).await? else {
                    vanished.is_missing(|| format!("table `{}`", self.name))?;
                    return Ok(None);
                };
                vanished.is_there();
                seen = if is_settled(&table) { seen + 1 } else { 0 };
                match table.table_status() {
                    None
                    | Some(TableStatus::Active | TableStatus::Creating | TableStatus::Updating) => {
                        Ok((seen == 2).then_some(()))
                    }
                    Some(other) => {
                        bail!(Code::WaitedTooLong.fault(format!(
                            "table `{}` is {other}, which no wait ends",
                            self.name
                        )))
                    }
                }
            })
            .await
    }
}

impl Table {
    /// Returns the table as DynamoDB tells it. Read once a pass.
    async fn get(&self, look: &Look) -> Result<Arc<Option<TableDescription>>> {
        let read = async |aws: &Aws| anyhow::Ok(self.describe(aws).await?);
        look.once(&format!("table {}", self.name), read).await
    }

    /// Returns the table's tags; `None` if it is gone by now.
    async fn tags_of(&self, aws: &Aws, arn: &str) -> Result<Option<BTreeMap<String, String>>> {
        let doing = || format!("reading table `{}`", self.name);
        let mut tags = BTreeMap::new();
        let mut next = None;
        loop {
            let request = || {
                aws.dynamodb()
                    .list_tags_of_resource()
                    .resource_arn(arn)
                    .set_next_token(next.clone())
                    .send()
            };
            let page = match aws.call(&LIST_TAGS, request).await {
                Ok(page) => page,
                Err(error) if error.is_not_found() => return Ok(None),
                // Also the word for the tags of a table that is gone by now, by dynoxide's account of DynamoDB.
                Err(error) if error.class() == Code::AccessDenied => {
                    return match self.describe(aws).await.with_context(doing)? {
                        None => Ok(None),
                        Some(_) => Err(error).with_context(doing),
                    };
                }
                Err(error) => return Err(error).with_context(doing),
            };
            tags.extend(
                page.tags
                    .unwrap_or_default()
                    .into_iter()
                    .map(|tag| (tag.key, tag.value)),
            );
            next = page.next_token;
            if next.is_none() {
                return Ok(Some(tags));
            }
        }
    }

    async fn describe(&self, aws: &Aws) -> Result<Option<TableDescription>, AwsError> {
        let request = || {
            aws.dynamodb()
                .describe_table()
                .table_name(&self.name)
                .send()
        };
        match aws.call(&DESCRIBE, request).await {
            Ok(answer) => Ok(answer.table),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Counts the items, because AWS's own number is up to six hours old. Stops after the first page (1 MB), and then returns
    /// `false` with the number.
    async fn count_items(&self, aws: &Aws) -> Result<(i32, bool)> {
        let counted = aws
            .call(&SCAN, || {
                aws.dynamodb()
                    .scan()
                    .table_name(&self.name)
                    .select(Select::Count)
                    .consistent_read(true)
                    .send()
            })
            .await;
        match counted {
            Ok(page) => Ok((page.count, page.last_evaluated_key.is_none())),
            Err(error) if error.is_not_found() => Ok((0, true)),
            Err(error) => {
                Err(error).with_context(|| format!("counting the items of table `{}`", self.name))
            }
        }
    }

    async fn change(
        &self,
        aws: &Aws,
        with: impl Fn(UpdateTableFluentBuilder) -> UpdateTableFluentBuilder,
    ) -> Result<()> {
        let request = || with(aws.dynamodb().update_table().table_name(&self.name)).send();
        let changed = aws.call(&UPDATE, request).await.map(|_| ());
        match changed {
            // Somebody's change is under way, which may be the one whose answer was lost: when it has ended, a look tells.
            Err(error) if !error.is("ResourceInUseException") => return Err(error.into()),
            _ => self.settle(aws).await?,
        }
        changed.map_err(Into::into)
    }

    async fn read_ttl(&self, aws: &Aws, is_read: bool) -> Result<Option<String>, AwsError> {
        if !is_read {
            return Ok(None);
        }
        let request = || {
            aws.dynamodb()
                .describe_time_to_live()
                .table_name(&self.name)
                .send()
        };
        match aws.call(&DESCRIBE_TTL, request).await {
            Ok(answer) => Ok(answer
                .time_to_live_description
                .filter(|ttl| {
                    matches!(
                        ttl.time_to_live_status(),
                        Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)
                    )
                })
                .and_then(|ttl| ttl.attribute_name)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn read_recovery(&self, aws: &Aws, is_read: bool) -> Result<bool, AwsError> {
        if !is_read {
            return Ok(false);
        }
        let request = || {
            aws.dynamodb()
                .describe_continuous_backups()
                .table_name(&self.name)
                .send()
        };
        match aws.call(&DESCRIBE_BACKUPS, request).await {
            Ok(answer) => Ok(answer
                .continuous_backups_description()
                .and_then(|backups| backups.point_in_time_recovery_description())
                .and_then(|recovery| recovery.point_in_time_recovery_status())
                == Some(&PointInTimeRecoveryStatus::Enabled)),
            // Also of a table that has just become active.
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn put_recovery(&self, aws: &Aws) -> Result<()> {
        const READY: Wait = Wait::new(
            "the table's backups to be ready",
            Duration::from_secs(2),
            Duration::from_mins(5),
        );
        let specification = PointInTimeRecoverySpecification::builder()
            .point_in_time_recovery_enabled(self.point_in_time_recovery)
            .build()?;
        let request = || {
            aws.dynamodb()
                .update_continuous_backups()
                .table_name(&self.name)
                .point_in_time_recovery_specification(specification.clone())
                .send()
        };
        READY
            .while_refused(aws, AwsError::is_not_yet, async || {
                aws.call(&UPDATE_BACKUPS, request).await.map(|_| ())
            })
            .await
    }

    /// Switches the time to live off where the attribute `from` has it, and on where one is declared.
    async fn change_ttl(&self, aws: &Aws, from: Option<&str>) -> Result<()> {
        let changes = from.map(|attribute| (attribute, false));
        let on = self.ttl.as_deref().map(|attribute| (attribute, true));
        for (attribute, enabled) in changes.into_iter().chain(on) {
            let specification = TimeToLiveSpecification::builder()
                .attribute_name(attribute)
                .enabled(enabled)
                .build()?;
            let request = || {
                aws.dynamodb()
                    .update_time_to_live()
                    .table_name(&self.name)
                    .time_to_live_specification(specification.clone())
                    .send()
            };
            match aws.call(&UPDATE_TTL, request).await {
                Ok(_) => {}
                // By a call whose answer was lost.
                Err(error) if error.is_existing() => {}
                Err(error) if error.is_not_yet() => bail!(
                    anyhow::Error::from(error).context(
                        Code::Refused
                            .fault(format!(
                                "the time to live of table `{}` was changed within the last hour, and AWS takes one change an hour",
                                self.name
                            ))
                            .remedy("wait until an hour has passed, and run it again: it goes on from here")
                    )
                ),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn state_of(&self, table: &TableDescription, tags: Tags) -> Self {
        let attributes = table.attribute_definitions();
        let indexes = table
            .global_secondary_indexes()
            .iter()
            .filter(|index| index.index_status() != Some(&IndexStatus::Deleting))
            .filter_map(|index| {
                let key = Key::of(index.key_schema(), attributes);
                Some((index.index_name()?.to_owned(), key))
            })
            .collect();
        let billing = table
            .billing_mode_summary()
            .and_then(|summary| summary.billing_mode())
            .map_or("PROVISIONED", BillingMode::as_str);
        Self {
            name: self.name.clone(),
            key: Key::of(table.key_schema(), attributes),
            indexes,
            billing: billing.to_owned(),
            deletion_protection: table.deletion_protection_enabled.unwrap_or_default(),
            ttl: None,
            point_in_time_recovery: false,
            unusual: unusual(table),
            tags,
        }
    }

    /// The attributes of all keys: DynamoDB refuses definitions that no key uses.
    fn attributes(&self) -> Vec<AttributeDefinition> {
        let keys = std::iter::once(&self.key).chain(self.indexes.values());
        let attributes: BTreeMap<&str, &str> = keys
            .flat_map(|key| std::iter::once(&key.partition).chain(&key.sort))
            .map(|attribute| (attribute.name.as_str(), attribute.kind.as_str()))
            .collect();
        attributes
            .into_iter()
            .filter_map(|(name, kind)| {
                AttributeDefinition::builder()
                    .attribute_name(name)
                    .attribute_type(ScalarAttributeType::from(kind))
                    .build()
                    .ok()
            })
            .collect()
    }

    fn index_requests(&self) -> Option<Vec<GlobalSecondaryIndex>> {
        let requests: Vec<_> = self
            .indexes
            .iter()
            .filter_map(|(name, key)| {
                GlobalSecondaryIndex::builder()
                    .index_name(name)
                    .set_key_schema(Some(key.schema()))
                    .projection(whole_items())
                    .build()
                    .ok()
            })
            .collect();
        // An empty list is refused.
        (!requests.is_empty()).then_some(requests)
    }

    fn dynamodb_tags(&self) -> Vec<Tag> {
        let tag = |(key, value): (&String, &String)| Tag::builder().key(key).value(value).build();
        self.tags
            .0
            .iter()
            .filter_map(|pair| tag(pair).ok())
            .collect()
    }
}

impl Key {
    fn schema(&self) -> Vec<KeySchemaElement> {
        let element = |attribute: &Attribute, key_type| {
            KeySchemaElement::builder()
                .attribute_name(&attribute.name)
                .key_type(key_type)
                .build()
                .ok()
        };
        let partition = element(&self.partition, KeyType::Hash);
        let sort = self
            .sort
            .as_ref()
            .and_then(|sort| element(sort, KeyType::Range));
        partition.into_iter().chain(sort).collect()
    }

    fn of(schema: &[KeySchemaElement], attributes: &[AttributeDefinition]) -> Self {
        let attribute = |key_type: &KeyType| {
            let name = schema
                .iter()
                .find(|element| element.key_type == *key_type)?
                .attribute_name();
            let defined = attributes
                .iter()
                .find(|attribute| attribute.attribute_name() == name);
            let kind = defined.map_or("S", |attribute| attribute.attribute_type().as_str());
            Some(Attribute {
                name: name.to_owned(),
                kind: kind.to_owned(),
            })
        };
        let none = Attribute {
            name: String::new(),
            kind: String::new(),
        };
        Self {
            partition: attribute(&KeyType::Hash).unwrap_or(none),
            sort: attribute(&KeyType::Range),
        }
    }
}

fn is_refused(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<AwsError>();
    error.is_some_and(|error| error.failure == Failure::Refused)
}

fn is_settled(table: &TableDescription) -> bool {
    let indexes = table.global_secondary_indexes();
    table
        .table_status()
        .is_none_or(|status| *status == TableStatus::Active)
        && indexes.iter().all(|index| {
            index
                .index_status()
                .is_none_or(|status| *status == IndexStatus::Active)
        })
}

fn whole_items() -> Projection {
    Projection::builder()
        .projection_type(ProjectionType::All)
        .build()
}

fn unusual(table: &TableDescription) -> Unusual {
    let class = table.table_class_summary();
    let class = class.and_then(|summary| summary.table_class());
    let class = class.map_or("STANDARD", TableClass::as_str);
    let stream = table.stream_specification();
    let stream = stream.filter(|stream| stream.stream_enabled());
    let view = stream.and_then(|stream| stream.stream_view_type());
    let limits = table.on_demand_throughput().map(|limits| {
        let limit = |units: Option<i64>| units.filter(|units| *units >= 0);
        let reads = limit(limits.max_read_request_units());
        let writes = limit(limits.max_write_request_units());
        Unusual::default()
            .or_none("reads", reads)
            .or_none("writes", writes)
    });
    Unusual::default()
        .or_usual("tableClass", class, "STANDARD")
        .or_none("stream", view.map(StreamViewType::as_str))
        .or_none("onDemandThroughput", json!(limits))
}

/// Sets a setting back to what DynamoDB gives.
fn usual(request: UpdateTableFluentBuilder, name: &str) -> UpdateTableFluentBuilder {
    match name {
        "tableClass" => request.table_class(TableClass::Standard),
        "stream" => {
            let off = StreamSpecification::builder().stream_enabled(false).build();
            request.set_stream_specification(off.ok())
        }
        // -1 is no limit (DynamoDB API Reference, `OnDemandThroughput`).
        _ => request.on_demand_throughput(
            OnDemandThroughput::builder()
                .max_read_request_units(-1)
                .max_write_request_units(-1)
                .build(),
        ),
    }
}
