//! The table and the log group.

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, CreateGlobalSecondaryIndexAction, GlobalSecondaryIndexUpdate,
    KeySchemaElement, KeyType, OnDemandThroughput, PointInTimeRecoverySpecification, Projection,
    ProjectionType, ProvisionedThroughput, ScalarAttributeType, StreamSpecification,
    StreamViewType, TableClass, TimeToLiveSpecification,
};

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
            Mutation::StreamTable => {
                let stream = StreamSpecification::builder().stream_enabled(true);
                let stream = stream.stream_view_type(StreamViewType::NewImage);
                let update = dynamodb.update_table().table_name(table);
                let update = update.stream_specification(stream.build()?);
                update.send().await?;
            }
            Mutation::ChangeTableClass => {
                let update = dynamodb.update_table().table_name(table);
                let update = update.table_class(TableClass::StandardInfrequentAccess);
                update.send().await?;
            }
            Mutation::LimitTable => {
                let limits = OnDemandThroughput::builder();
                let limits = limits.max_read_request_units(1).max_write_request_units(1);
                let update = dynamodb.update_table().table_name(table);
                update.on_demand_throughput(limits.build()).send().await?;
            }
            Mutation::AddIndex => {
                let key = KeySchemaElement::builder().attribute_name(THEIRS);
                let all = Projection::builder().projection_type(ProjectionType::All);
                let index = CreateGlobalSecondaryIndexAction::builder().index_name(THEIRS);
                let index = index.key_schema(key.key_type(KeyType::Hash).build()?);
                let index = index.projection(all.build()).build()?;
                let index = GlobalSecondaryIndexUpdate::builder().create(index);
                let attribute = |name| {
                    let attribute = AttributeDefinition::builder().attribute_name(name);
                    attribute.attribute_type(ScalarAttributeType::S).build()
                };
                let update = dynamodb.update_table().table_name(table);
                let update = update.attribute_definitions(attribute("id")?);
                let update = update.attribute_definitions(attribute(THEIRS)?);
                let update = update.global_secondary_index_updates(index.build());
                update.send().await?;
            }
            Mutation::ExpireTable => {
                let on = TimeToLiveSpecification::builder().enabled(true);
                let on = on.attribute_name(THEIRS).build()?;
                let update = dynamodb.update_time_to_live().table_name(table);
                update.time_to_live_specification(on).send().await?;
            }
            Mutation::RecoverTable => {
                let on = PointInTimeRecoverySpecification::builder();
                let on = on.point_in_time_recovery_enabled(true).build()?;
                let update = dynamodb.update_continuous_backups().table_name(table);
                let update = update.point_in_time_recovery_specification(on);
                update.send().await?;
            }
            Mutation::ProtectLogGroup => {
                let put = logs.put_log_group_deletion_protection();
                let put = put.log_group_identifier(group);
                put.deletion_protection_enabled(true).send().await?;
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
