//! Tables, with their indexes and tags.

use aws_sdk_dynamodb::types::{
    OnDemandThroughput, PointInTimeRecoveryStatus, StreamSpecification, TableClass,
    TimeToLiveDescription, TimeToLiveStatus,
};
use serde_json::{Value, json};

use super::value::pairs;
use crate::account::Account;

/// Lists tables with their indexes and tags.
pub(super) async fn tables(account: &Account) -> Vec<Value> {
    let dynamodb = &account.dynamodb;
    let mut found = Vec::new();
    let names = dynamodb
        .list_tables()
        .send()
        .await
        .expect("ListTables")
        .table_names;
    for name in names.unwrap_or_default() {
        let table = dynamodb.describe_table().table_name(&name).send().await;
        let table = table
            .expect("DescribeTable")
            .table
            .expect("DescribeTable answers with a table");
        let arn = table.table_arn().unwrap_or_default();
        let tags = dynamodb
            .list_tags_of_resource()
            .resource_arn(arn)
            .send()
            .await;
        let tags = tags.expect("ListTagsOfResource").tags.unwrap_or_default();
        let keys = |schema: &[aws_sdk_dynamodb::types::KeySchemaElement]| -> Vec<String> {
            schema
                .iter()
                .map(|key| format!("{} {}", key.attribute_name(), key.key_type()))
                .collect()
        };
        let attributes: Vec<_> = table
            .attribute_definitions()
            .iter()
            .map(|attribute| {
                format!(
                    "{} {}",
                    attribute.attribute_name(),
                    attribute.attribute_type()
                )
            })
            .collect();
        let indexes: Vec<_> = table
            .global_secondary_indexes()
            .iter()
            .map(|index| json!({ "name": index.index_name(), "keys": keys(index.key_schema()) }))
            .collect();
        let ttl = dynamodb
            .describe_time_to_live()
            .table_name(&name)
            .send()
            .await;
        let ttl = ttl.expect("DescribeTimeToLive").time_to_live_description;
        let is_on = |ttl: &TimeToLiveDescription| {
            ttl.time_to_live_status() == Some(&TimeToLiveStatus::Enabled)
        };
        let ttl = ttl.filter(is_on).and_then(|ttl| ttl.attribute_name);
        let backups = dynamodb.describe_continuous_backups().table_name(&name);
        let backups = backups.send().await.expect("DescribeContinuousBackups");
        let recovery = backups
            .continuous_backups_description()
            .and_then(|backups| backups.point_in_time_recovery_description())
            .and_then(|recovery| recovery.point_in_time_recovery_status());
        found.push(json!({
            "name": name,
            "arn": arn,
            "status": table.table_status().map(ToString::to_string),
            "keys": keys(table.key_schema()),
            "attributes": attributes,
            "indexes": indexes,
            "billing": table
                .billing_mode_summary()
                .and_then(|billing| billing.billing_mode())
                .map(ToString::to_string),
            "class": table.table_class_summary().and_then(|class| class.table_class()).map_or("STANDARD", TableClass::as_str),
            "stream": table.stream_specification().is_some_and(StreamSpecification::stream_enabled),
            "limit": table.on_demand_throughput().and_then(OnDemandThroughput::max_read_request_units).filter(|units| *units >= 0),
            "ttl": ttl,
            "recovery": recovery == Some(&PointInTimeRecoveryStatus::Enabled),
            "deletion_protection": table.deletion_protection_enabled(),
            "tags": pairs(tags.iter().map(|tag| (tag.key(), tag.value()))),
        }));
    }
    found
}
