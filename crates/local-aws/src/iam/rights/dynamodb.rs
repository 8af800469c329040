//! The rights of `DynamoDB`'s operations.

use serde_json::Value;

use super::{Need, action, has_any, text};
use crate::answer::Refusal;
use crate::call::Call;

pub(super) fn needs(call: &Call) -> Result<Vec<Need>, Refusal> {
    let body = call.json()?;
    let needs = match call.operation {
        "ListTables"
        | "ListStreams"
        | "DescribeEndpoints"
        | "DescribeLimits"
        | "ListBackups"
        | "ListExports"
        | "ListImports"
        | "ListGlobalTables"
        | "ListContributorInsights" => {
            vec![Need::new(action(call), "*")]
        }
        "BatchGetItem" | "BatchWriteItem" => match &body["RequestItems"] {
            Value::Object(tables) => tables
                .keys()
                .map(|name| Need::new(action(call), table(call, name)))
                .collect(),
            _ => vec![],
        },
        "TransactGetItems" | "TransactWriteItems" => transaction(call, &body),
        "ExecuteStatement" => vec![statement(call, &body)],
        "BatchExecuteStatement" => statements(call, &body["Statements"]),
        "ExecuteTransaction" => statements(call, &body["TransactStatements"]),
        "TagResource" | "UntagResource" | "ListTagsOfResource" | "GetResourcePolicy" => {
            vec![Need::new(
                action(call),
                text(&body, "ResourceArn").unwrap_or("*"),
            )]
        }
        "DescribeStream" | "GetShardIterator" => {
            vec![Need::new(
                action(call),
                text(&body, "StreamArn").unwrap_or("*"),
            )]
        }
        "GetRecords" => {
            let iterator = text(&body, "ShardIterator").unwrap_or_default();
            let stream = iterator.split_once('|').map_or("*", |(stream, _)| stream);
            vec![Need::new(action(call), stream)]
        }
        "DescribeBackup" | "DeleteBackup" => {
            vec![Need::new(
                action(call),
                text(&body, "BackupArn").unwrap_or("*"),
            )]
        }
        "RestoreTableFromBackup" => restoration(call, &body),
        "Query" | "Scan" => {
            let table = named_table(call, &body);
            let resource = match text(&body, "IndexName") {
                Some(index) => format!("{table}/index/{index}"),
                None => table,
            };
            vec![Need::new(action(call), resource)]
        }
        "CreateTable" if has_any(body.get("Tags")) => {
            let table = named_table(call, &body);
            vec![
                Need::new(action(call), table.as_str()),
                Need::new("dynamodb:TagResource", table),
            ]
        }
        _ => vec![Need::new(action(call), named_table(call, &body))],
    };
    if needs.is_empty() {
        // The operation itself refuses a request about nothing; until then, no right suffices but one to everything.
        return Ok(vec![Need::new(action(call), "*")]);
    }
    Ok(needs)
}

/// A name or an ARN, as an ARN.
fn table(call: &Call, name: &str) -> String {
    if name.starts_with("arn:") {
        name.to_owned()
    } else {
        call.place.arn("dynamodb", &format!("table/{name}"))
    }
}

fn named_table(call: &Call, body: &Value) -> String {
    text(body, "TableName").map_or_else(|| "*".to_owned(), |name| table(call, name))
}

/// Whoever restores a backup may do so and fill the new table.
fn restoration(call: &Call, body: &Value) -> Vec<Need> {
    let target =
        text(body, "TargetTableName").map_or_else(|| "*".to_owned(), |name| table(call, name));
    let backup = text(body, "BackupArn").unwrap_or("*");
    let mut needs = vec![Need::new(action(call), backup)];
    needs.extend(
        [
            "RestoreTableFromBackup",
            "BatchWriteItem",
            "DeleteItem",
            "GetItem",
            "PutItem",
            "Query",
            "Scan",
            "UpdateItem",
        ]
        .map(|name| Need::new(format!("dynamodb:{name}"), target.as_str())),
    );
    needs
}

/// Each item needs the right of the operation that it would be by itself.
fn transaction(call: &Call, body: &Value) -> Vec<Need> {
    let items = body["TransactItems"].as_array().into_iter().flatten();
    items
        .filter_map(Value::as_object)
        .flatten()
        .map(|(kind, item)| {
            let action = match kind.as_str() {
                "ConditionCheck" => "dynamodb:ConditionCheckItem".to_owned(),
                kind => format!("dynamodb:{kind}Item"),
            };
            Need::new(action, named_table(call, item))
        })
        .collect()
}

fn statements(call: &Call, list: &Value) -> Vec<Need> {
    let list = list.as_array().into_iter().flatten();
    list.map(|body| statement(call, body)).collect()
}

/// `PartiQL`: `SELECT … FROM "t"."index"`, `INSERT INTO "t"`, `UPDATE "t"`, `DELETE FROM "t"`.
fn statement(call: &Call, body: &Value) -> Need {
    let statement = text(body, "Statement").unwrap_or_default();
    let mut words = statement.split_whitespace();
    let verb = words.next().unwrap_or_default().to_uppercase();
    let (action, before_table) = match verb.as_str() {
        "INSERT" => ("dynamodb:PartiQLInsert", "INTO"),
        "UPDATE" => ("dynamodb:PartiQLUpdate", ""),
        "DELETE" => ("dynamodb:PartiQLDelete", "FROM"),
        _ => ("dynamodb:PartiQLSelect", "FROM"),
    };
    let target = if before_table.is_empty() {
        words.next()
    } else {
        words
            .find(|word| word.eq_ignore_ascii_case(before_table))
            .and_then(|_| words.next())
    };
    let target = target.unwrap_or_default().replace('"', " ");
    let mut names = target
        .split([' ', '.'])
        .filter(|name| !name.trim().is_empty());
    let resource = match (names.next(), names.next()) {
        (None, _) => "*".to_owned(),
        (Some(name), None) => table(call, name),
        (Some(name), Some(index)) => format!("{}/index/{index}", table(call, name)),
    };
    Need::new(action, resource)
}
