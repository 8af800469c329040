//! A CloudWatch log group with its retention.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use aws_sdk_cloudwatchlogs::types::{self, LogGroupClass};
use provision_engine::aws::Aws;
use provision_engine::cost::Charge;
use provision_engine::diff::Changes;
use provision_engine::fault::Code;
use provision_engine::input::{Handle, Input};
use provision_engine::look::Look;
use provision_engine::observe::Seen;
use provision_engine::operation::{Operation, Scope};
use provision_engine::owner::{Mark, Tags};
use provision_engine::refusals::Refusals;
use provision_engine::resource::{
    Act, ForeignPart, HoldsData, Kind, Marked, Observed, Resource, check_name, check_tags,
    gone_is_done,
};
use provision_engine::target::Target;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::LOGS;
use crate::arn::Arn;
use crate::calls::Calls;
use crate::lambda::Function;
use crate::prices::prices;
use crate::tagging::{GET_RESOURCES, tagged};

/// A log group: `AWS::Logs::LogGroup`. Lambda writes to `/aws/lambda/FUNCTION`, and makes that group itself, without expiry, where
/// it is missing.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LogGroup {
    /// The name: 1 to 512 letters, digits and characters of `.-_/#` (CloudWatch Logs API Reference, `CreateLogGroup`).
    pub name: String,
    /// Days after which log events expire, one of [`RETENTION_DAYS`](super::RETENTION_DAYS); `None` keeps them.
    pub retention_days: Option<i32>,
    /// The tags that the declaration asks for; the stack adds its mark. Other tags of the resource are ignored.
    pub tags: Tags,
}

/// The outputs of a [`LogGroup`].
#[derive(Debug, Serialize, Deserialize)]
pub struct LogGroupOutput {
    /// `arn:aws:logs:REGION:ACCOUNT:log-group:NAME`, without the `:*` that `DescribeLogGroups` appends.
    pub arn: Arn,
}

/// The outputs of a declared [`LogGroup`].
pub trait LogGroupHandle {
    /// Returns `arn:aws:logs:REGION:ACCOUNT:log-group:NAME`, without `:*`.
    fn arn(&self) -> Input<Arn>;
}

impl LogGroupHandle for Handle<LogGroup> {
    fn arn(&self) -> Input<Arn> {
        self.output("arn")
    }
}

/// AWS knows a group by both forms, as its own console's policies show; tags go by the shorter one.
const GROUP: Scope = Scope::new(
    "LogGroup",
    &[
        "arn:{partition}:logs:{region}:{account}:log-group:{name}",
        "arn:{partition}:logs:{region}:{account}:log-group:{name}:*",
    ],
);
/// Groups are found by listing, an action that AWS's reference lists without a resource.
const GROUPS: Scope = Scope::new("LogGroups", &["*"]);

const DESCRIBE: Operation = Operation::read(
    LOGS,
    "DescribeLogGroups",
    &[GROUPS.allow("logs:DescribeLogGroups")],
)
.rate(10, Duration::from_millis(100));
const LIST_TAGS: Operation = Operation::read(
    LOGS,
    "ListTagsForResource",
    &[GROUP.allow("logs:ListTagsForResource")],
);
/// Reads log events, for `logs`.
pub const FILTER_EVENTS: Operation = Operation::read(
    LOGS,
    "FilterLogEvents",
    &[GROUP.allow("logs:FilterLogEvents")],
)
.for_deployers();
const CREATE: Operation = Operation::create(
    LOGS,
    "CreateLogGroup",
    &[
        GROUP.allow("logs:CreateLogGroup"),
        GROUP.allow("logs:TagResource"),
    ],
)
.rate(10, Duration::from_millis(100));
const TAG: Operation = Operation::write(LOGS, "TagResource", &[GROUP.allow("logs:TagResource")]);
const PUT_RETENTION: Operation = Operation::write(
    LOGS,
    "PutRetentionPolicy",
    &[GROUP.allow("logs:PutRetentionPolicy")],
);
const DELETE_RETENTION: Operation = Operation::write(
    LOGS,
    "DeleteRetentionPolicy",
    &[GROUP.allow("logs:DeleteRetentionPolicy")],
);
const DELETE: Operation = Operation::write(
    LOGS,
    "DeleteLogGroup",
    &[GROUP.allow("logs:DeleteLogGroup")],
)
.rate(10, Duration::from_millis(100));

/// The retention times that CloudWatch Logs accepts, in days (CloudWatch Logs API Reference, `PutRetentionPolicy`).
pub const RETENTION_DAYS: [i32; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
];

impl Resource for LogGroup {
    type Output = LogGroupOutput;
    const KIND: Kind = Kind {
        search: &[&GET_RESOURCES],
        // A function writes logs until it is gone.
        deleted_after: &[Function::KIND.type_name],
        has_unique_name: true,
        ..Kind::new(
            "AWS::Logs::LogGroup",
            "log group",
            HoldsData::No,
            &[
                &DESCRIBE,
                &LIST_TAGS,
                &FILTER_EVENTS,
                &CREATE,
                &TAG,
                &PUT_RETENTION,
                &DELETE_RETENTION,
                &DELETE,
                &GET_RESOURCES,
            ],
        )
    };

    fn name(&self) -> String {
        self.name.clone()
    }

    fn calls(&self, act: Act<'_>) -> Vec<&'static Operation> {
        match act {
            Act::Create => vec![&CREATE, &PUT_RETENTION],
            Act::Update(changes) => {
                changes.calls(&[(&["retention_days"], &PUT_RETENTION), (&["tags"], &TAG)])
            }
            Act::Delete => vec![&DELETE],
        }
    }

    fn validate(&self, refusals: &mut Refusals) {
        refusals.check(check_name(
            "a log group's name",
            &self.name,
            1..=512,
            ".-_/#",
        ));
        if let Some(days) = self.retention_days {
            refusals.ensure(RETENTION_DAYS.contains(&days), format!("log groups cannot keep events for {days} days; CloudWatch takes one of {RETENTION_DAYS:?}"));
        }
        refusals.check(check_tags(&self.tags));
    }

    fn cost(&self, region: &str) -> Vec<Charge> {
        // Bytes that a request logs.
        const BYTES: f64 = 300.0;
        let usd = BYTES * 1e6 / 1e9 * prices(region).logs_gb;
        vec![Charge {
            service: "CloudWatch Logs",
            usd,
        }]
    }

    async fn prefetch(look: &Look) -> Result<()> {
        tagged(look).await.map(|_| ())
    }

    async fn marked(seen: &Seen<'_>) -> Result<Vec<Marked<Self>>> {
        let mut found = Vec::new();
        for tagged in tagged(seen.look).await?.iter() {
            let Some(name) = tagged.name("logs", "log-group:") else {
                continue;
            };
            if seen.look.is_declared_name(Self::KIND.type_name, name) {
                continue;
            }
            let group = Self {
                name: name.to_owned(),
                retention_days: None,
                tags: Tags(tagged.tags.clone()),
            };
            let observed = group.observe(seen.look).await?;
            found.extend(observed.map(|observed| Marked::new(name, observed)));
        }
        Ok(found)
    }

    /// Protections of the group, and filters that read it.
    async fn foreign_parts(&self, _: &Observed<Self>, seen: &Seen<'_>) -> Result<Vec<ForeignPart>> {
        let group = self.get(seen.look).await?;
        let Some(group) = group.as_ref() else {
            return Ok(Vec::new());
        };
        let class = group
            .log_group_class()
            .filter(|class| **class != LogGroupClass::Standard);
        let class = class.map(|class| ForeignPart::staying(format!("class `{class}`")));
        let key = group.kms_key_id();
        let key = key.map(|key| ForeignPart::staying(format!("encryption by key `{key}`")));
        let name = &self.name;
        let protection = group.deletion_protection_enabled().unwrap_or_default();
        let protection = protection.then(|| {
            let way = format!(
                "aws logs put-log-group-deletion-protection --log-group-identifier {name} --no-deletion-protection-enabled"
            );
            ForeignPart::blocking("protection from deletion", format!("`{way}`"))
        });
        let masks = group.data_protection_status();
        let masks = masks.map(|_| ForeignPart::going("a data protection policy"));
        let filters = match group.metric_filter_count().unwrap_or_default() {
            0 => None,
            1 => Some(ForeignPart::going("1 metric filter")),
            count => Some(ForeignPart::going(format!("{count} metric filters"))),
        };
        let by_token = group.bearer_token_authentication_enabled();
        let by_token = by_token
            .unwrap_or_default()
            .then(|| ForeignPart::staying("authentication by bearer token").widening(true));
        let found = [class, key, protection, masks, filters, by_token];
        Ok(found.into_iter().flatten().collect())
    }

    fn mark(&mut self, mark: &Mark<'_>) {
        self.tags.mark(mark);
    }

    fn is_last_declared(&self, observed: &Observed<Self>) -> bool {
        self.tags.is_same_declaration(&observed.state.tags)
    }

    fn computed(&self, target: &Target) -> Value {
        json!({ "arn": target.arn("logs", &format!("log-group:{}", self.name)) })
    }

    async fn observe(&self, look: &Look) -> Result<Option<Observed<Self>>> {
        let aws = look.aws();
        let doing = || format!("reading log group `{}`", self.name);
        let group = self.get(look).await.with_context(doing)?;
        let Some(group) = Option::clone(&group) else {
            return Ok(None);
        };
        let arn = group
            .log_group_arn
            .or(group.arn)
            .map(|arn| arn.trim_end_matches(":*").to_owned())
            .context(Code::Incomplete.fault("AWS returned a log group without its ARN"))?;
        let listed = aws
            .call(&LIST_TAGS, || {
                aws.logs()
                    .list_tags_for_resource()
                    .resource_arn(&arn)
                    .send()
            })
            .await;
        let tags: BTreeMap<String, String> = match listed {
            Ok(answer) => answer.tags.unwrap_or_default().into_iter().collect(),
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error).with_context(doing),
        };
        Ok(Some(Observed {
            ownership: look.ownership(&self.name, &self.tags, &tags),
            settled: true,
            output: LogGroupOutput { arn: Arn(arn) },
            state: Self {
                name: self.name.clone(),
                retention_days: group.retention_in_days,
                tags: self.tags.declared_part(&tags),
            },
        }))
    }

    async fn create(&self, aws: &Aws) -> Result<LogGroupOutput> {
        aws.call(&CREATE, || {
            aws.logs()
                .create_log_group()
                .log_group_name(&self.name)
                .set_tags(Some(self.tags.to_map()))
                .send()
        })
        .await?;
        self.put_retention(aws).await?;
        Ok(LogGroupOutput {
            arn: self.arn(aws).await?,
        })
    }

    async fn update(
        &self,
        aws: &Aws,
        observed: Observed<Self>,
        changes: &Changes,
    ) -> Result<LogGroupOutput> {
        if changes.touch("retention_days") {
            self.put_retention(aws).await?;
        }
        if changes.touch("tags") {
            let arn = &observed.output.arn.0;
            aws.call(&TAG, || {
                aws.logs()
                    .tag_resource()
                    .resource_arn(arn)
                    .set_tags(Some(self.tags.to_map()))
                    .send()
            })
            .await?;
        }
        Ok(observed.output)
    }

    async fn delete(&self, aws: &Aws, _: Observed<Self>) -> Result<()> {
        let request = || {
            aws.logs()
                .delete_log_group()
                .log_group_name(&self.name)
                .send()
        };
        gone_is_done(aws.call(&DELETE, request).await)
    }
}

impl LogGroup {
    /// Returns the group as CloudWatch Logs tells it. Read once a pass.
    async fn get(&self, look: &Look) -> Result<Arc<Option<types::LogGroup>>> {
        let read = async |aws: &Aws| {
            let logs = aws.logs();
            let request = || {
                logs.describe_log_groups()
                    .log_group_name_prefix(&self.name)
                    .send()
            };
            let found = aws.call(&DESCRIBE, request).await?.log_groups;
            // The prefix may match other groups, but the exact name sorts first among them.
            let mut found = found.unwrap_or_default().into_iter();
            anyhow::Ok(found.find(|group| group.log_group_name() == Some(&self.name)))
        };
        look.once(&format!("log group {}", self.name), read).await
    }

    async fn arn(&self, aws: &Aws) -> Result<Arn> {
        Ok(Arn(aws
            .target()
            .await?
            .arn("logs", &format!("log-group:{}", self.name))))
    }

    async fn put_retention(&self, aws: &Aws) -> Result<()> {
        let logs = aws.logs();
        if let Some(days) = self.retention_days {
            let request = || {
                logs.put_retention_policy()
                    .log_group_name(&self.name)
                    .retention_in_days(days)
                    .send()
            };
            aws.call(&PUT_RETENTION, request).await?;
        } else {
            let request = || {
                logs.delete_retention_policy()
                    .log_group_name(&self.name)
                    .send()
            };
            aws.call(&DELETE_RETENTION, request).await?;
        }
        Ok(())
    }
}
