//! What `DynamoDB` has and the local AWS does not: refused by name, or answered as an account that never used it.

use serde_json::{Value, json};

use super::tables;
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::cloud::Cloud;
use crate::unknown::unsupported;

/// The members of requests that have no effect here.
const MEMBERS: &[(&str, &[&str])] = &[
    (
        "CreateTable",
        &[
            "ResourcePolicy",
            "GlobalTableSourceArn",
            "GlobalTableSettingsReplicationMode",
        ],
    ),
    (
        "UpdateTable",
        &[
            "ReplicaUpdates",
            "MultiRegionConsistency",
            "GlobalTableWitnessUpdates",
            "GlobalTableSettingsReplicationMode",
        ],
    ),
];

/// Refuses a request with a member that would have no effect.
pub(super) fn check_members(call: &Call, request: &Value) -> Result<(), Refusal> {
    let refused = MEMBERS
        .iter()
        .filter(|(name, _)| *name == call.operation)
        .flat_map(|(_, members)| *members)
        .find(|member| request.get(**member).is_some_and(|value| !value.is_null()));
    match refused {
        Some(member) => Err(unsupported(
            call.service,
            &format!("DynamoDB's {} with {member}", call.operation),
        )),
        None => Ok(()),
    }
}

/// Operations that tell of features that are never in use here.
pub(super) const EMPTY: &[&str] = &[
    "DescribeContributorInsights",
    "DescribeKinesisStreamingDestination",
    "DescribeLimits",
    "GetResourcePolicy",
    "ListContributorInsights",
    "ListExports",
    "ListGlobalTables",
    "ListImports",
];

/// The answer of an account in which the feature has never been used.
pub(super) async fn answer(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let request = call.json()?;
    let output = match call.operation {
        "ListExports" => json!({ "ExportSummaries": [] }),
        "ListGlobalTables" => json!({ "GlobalTables": [] }),
        "ListImports" => json!({ "ImportSummaryList": [] }),
        "ListContributorInsights" => json!({ "ContributorInsightsSummaries": [] }),
        // AWS's default quotas.
        "DescribeLimits" => json!({
            "AccountMaxReadCapacityUnits": 80_000,
            "AccountMaxWriteCapacityUnits": 80_000,
            "TableMaxReadCapacityUnits": 40_000,
            "TableMaxWriteCapacityUnits": 40_000,
        }),
        "GetResourcePolicy" => {
            let arn = request["ResourceArn"].as_str().unwrap_or_default();
            let table = tables::plain(arn).split('/').next().unwrap_or_default();
            existing(cloud, call, table).await?;
            return Err(Refusal::new(
                400,
                "com.amazonaws.dynamodb.v20120810#PolicyNotFoundException",
                format!("Resource-based policy not found for the provided ResourceArn: {arn}"),
            ));
        }
        _ => {
            let table = tables::name(call)?;
            existing(cloud, call, &table).await?;
            if call.operation == "DescribeContributorInsights" {
                json!({ "TableName": table, "ContributorInsightsStatus": "DISABLED" })
            } else {
                json!({ "TableName": table, "KinesisDataStreamDestinations": [] })
            }
        }
    };
    Ok(Answer::ok(output))
}

async fn existing(cloud: &Cloud, call: &Call, table: &str) -> Result<(), Refusal> {
    match tables::described(cloud, &call.place, table).await? {
        Some(_) => Ok(()),
        None => Err(tables::not_found(table)),
    }
}
