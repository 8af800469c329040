//! The engine's operations by name: one typed call each.

use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::errors;

macro_rules! operations {
    ($($name:literal => $method:ident,)*) => {
        /// The engine's, and those that are carried out beside it.
        pub(crate) const OPERATIONS: &[&str] = &[
            $($name,)*
            "CreateBackup",
            "DeleteBackup",
            "DescribeBackup",
            "DescribeContinuousBackups",
            "DescribeContributorInsights",
            "DescribeKinesisStreamingDestination",
            "DescribeLimits",
            "DescribeStream",
            "GetRecords",
            "GetResourcePolicy",
            "GetShardIterator",
            "ListBackups",
            "ListContributorInsights",
            "ListExports",
            "ListGlobalTables",
            "ListImports",
            "ListStreams",
            "RestoreTableFromBackup",
            "UpdateContinuousBackups",
        ];

        pub(super) fn run(database: &Database, operation: &str, body: &[u8]) -> Result<String, DynoxideError> {
            match operation {
                $($name => typed(body, |request| database.$method(request)),)*
                _ => Err(DynoxideError::UnsupportedCapability(operation.to_owned())),
            }
        }
    };
}

operations! {
    "CreateTable" => create_table,
    "DeleteTable" => delete_table,
    "DescribeTable" => describe_table,
    "UpdateTable" => update_table,
    "ListTables" => list_tables,
    "TagResource" => tag_resource,
    "UntagResource" => untag_resource,
    "ListTagsOfResource" => list_tags_of_resource,
    "UpdateTimeToLive" => update_time_to_live,
    "DescribeTimeToLive" => describe_time_to_live,
    "PutItem" => put_item,
    "GetItem" => get_item,
    "DeleteItem" => delete_item,
    "UpdateItem" => update_item,
    "BatchGetItem" => batch_get_item,
    "BatchWriteItem" => batch_write_item,
    "TransactGetItems" => transact_get_items,
    "TransactWriteItems" => transact_write_items,
    "Query" => query,
    "Scan" => scan,
    "ExecuteStatement" => execute_statement,
    "ExecuteTransaction" => execute_transaction,
    "BatchExecuteStatement" => batch_execute_statement,
}

fn typed<I: DeserializeOwned, O: Serialize>(
    body: &[u8],
    run: impl FnOnce(I) -> Result<O, DynoxideError>,
) -> Result<String, DynoxideError> {
    let request = serde_json::from_slice(body).map_err(|error| errors::unreadable(&error))?;
    let output = run(request)?;
    serde_json::to_string(&output)
        .map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}
