//! The table and the log group.

use aws_sdk_dynamodb::types::{BillingMode, ProvisionedThroughput};

use super::hand::Hand;
use super::names::create_table;
use super::{Mutation, THEIRS, Undone};

impl Hand<'_> {
    pub(super) async fn storage(&self, what: Mutation) -> Result<(), Undone> {
        let (dynamodb, logs) = (&self.account.dynamodb, &self.account.logs);
        let (table, group) = (self.of.table, self.of.log_group);
        match what {
            Mutation::DeleteTable => {
                dynamodb.delete_table().table_name(table).send().await?;
            }
            Mutation::ChangeProtection => {
                let update = dynamodb.update_table().table_name(table);
                update.deletion_protection_enabled(true).send().await?;
            }
            Mutation::ChangeBilling => {
                let throughput = ProvisionedThroughput::builder();
                let throughput = throughput.read_capacity_units(1).write_capacity_units(1);
                let update = dynamodb.update_table().table_name(table);
                let update = update.billing_mode(BillingMode::Provisioned);
                let update = update.provisioned_throughput(throughput.build()?);
                update.send().await?;
            }
            Mutation::ForeignTable => create_table(self.account, THEIRS).await?,
            Mutation::DeleteLogGroup => {
                logs.delete_log_group().log_group_name(group).send().await?;
            }
            Mutation::ChangeRetention => {
                let put = logs.put_retention_policy().log_group_name(group);
                put.retention_in_days(3).send().await?;
            }
            Mutation::DeleteRetention => {
                let delete = logs.delete_retention_policy().log_group_name(group);
                delete.send().await?;
            }
            Mutation::ForeignLogGroup => {
                let name = format!("{group}-{THEIRS}");
                logs.create_log_group().log_group_name(name).send().await?;
            }
            _ => unreachable!("{what:?} is not about a table or a log group"),
        }
        Ok(())
    }
}
