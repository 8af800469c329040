//! A CloudWatch log group with its retention.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::gone_is_done;
use super::{Arn, Look, Observed, Reconcile};
use crate::aws::Aws;
use crate::aws::call::Operation;
use crate::aws::pace::LOGS;
use crate::diff::Changes;
use crate::fault::Code;
use crate::input::{Handle, Input};
use crate::owner::{Mark, Tags};
use crate::target::Target;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LogGroup {
    pub name: String,
    /// Days after which log events expire; `None` keeps them for ever.
    pub retention_days: Option<i32>,
    pub tags: Tags,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct LogGroupOutput {
    /// Without the `:*` that `DescribeLogGroups` appends.
    pub arn: Arn,
}

impl Handle<LogGroup> {
    pub fn arn(&self) -> Input<Arn> {
        self.output("arn")
    }
}

/// The values `PutRetentionPolicy` takes, in days.
pub const RETENTION_DAYS: [i32; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
];

impl Reconcile for LogGroup {
    type Output = LogGroupOutput;
    const TYPE: &'static str = "AWS::Logs::LogGroup";

    fn name(&self) -> String {
        self.name.clone()
    }

    fn mark(&mut self, mark: &Mark<'_>) {
        self.tags.mark(mark);
    }

    fn is_last_declared(&self, observed: &Observed<Self>) -> bool {
        self.tags.declare_alike(&observed.state.tags)
    }

    fn computed(&self, target: &Target) -> Value {
        json!({ "arn": target.arn("logs", &format!("log-group:{}", self.name)) })
    }

    async fn observe(&self, look: &Look) -> Result<Option<Observed<Self>>> {
        const DESCRIBE: Operation = Operation::safe("DescribeLogGroups");
        const LIST_TAGS: Operation = Operation::safe("ListTagsForResource");
        let aws = look.aws();
        let doing = || format!("reading log group `{}`", self.name);
        // The prefix may match other groups, but the exact name sorts first among them.
        let found = aws
            .call(DESCRIBE, || {
                aws.logs()
                    .describe_log_groups()
                    .log_group_name_prefix(&self.name)
                    .send()
            })
            .await
            .with_context(doing)?;
        let Some(group) = found
            .log_groups
            .unwrap_or_default()
            .into_iter()
            .find(|group| group.log_group_name() == Some(&self.name))
        else {
            return Ok(None);
        };
        let arn = group
            .log_group_arn
            .or(group.arn)
            .map(|arn| arn.trim_end_matches(":*").to_owned())
            .context(Code::Incomplete.fault("AWS returned a log group without its ARN"))?;
        let listed = aws
            .call(LIST_TAGS, || {
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
        const CREATE: Operation = Operation::look_first("CreateLogGroup");
        aws.call(CREATE, || {
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
        const TAG: Operation = Operation::safe("TagResource").of(LOGS);
        if changes.touch("retention_days") {
            self.put_retention(aws).await?;
        }
        if changes.touch("tags") {
            let arn = &observed.output.arn.0;
            aws.call(TAG, || {
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
        const DELETE: Operation = Operation::safe("DeleteLogGroup");
        let request = || {
            aws.logs()
                .delete_log_group()
                .log_group_name(&self.name)
                .send()
        };
        gone_is_done(aws.call(DELETE, request).await)
    }
}

impl LogGroup {
    async fn arn(&self, aws: &Aws) -> Result<Arn> {
        Ok(Arn(aws
            .target()
            .await?
            .arn("logs", &format!("log-group:{}", self.name))))
    }

    async fn put_retention(&self, aws: &Aws) -> Result<()> {
        const PUT: Operation = Operation::safe("PutRetentionPolicy");
        const DELETE: Operation = Operation::safe("DeleteRetentionPolicy");
        let logs = aws.logs();
        if let Some(days) = self.retention_days {
            let request = || {
                logs.put_retention_policy()
                    .log_group_name(&self.name)
                    .retention_in_days(days)
                    .send()
            };
            aws.call(PUT, request).await?;
        } else {
            let request = || {
                logs.delete_retention_policy()
                    .log_group_name(&self.name)
                    .send()
            };
            aws.call(DELETE, request).await?;
        }
        Ok(())
    }
}
