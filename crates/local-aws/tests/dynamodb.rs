//! `DynamoDB` over the wire, where it goes beyond single recorded facts: states that pass with time, large items, what is not here.

#[expect(dead_code, reason = "other tests use the rest")]
mod signed;

use std::time::Duration;

use local_aws::{Clock, Enforcement, Faults, LocalAws, Options, Runner};
use serde_json::{Value, json};

use signed::{Answered, Client, aws};

const VALIDATION: &str = "com.amazon.coral.validate#ValidationException";

fn client() -> Client {
    Client::new(&aws(Enforcement::Off, Faults::default()))
}

async fn call(client: &Client, operation: &str, body: Value) -> Answered {
    let target = format!("DynamoDB_20120810.{operation}");
    client.json("dynamodb", &target, &body).await
}

async fn done(client: &Client, operation: &str, body: Value) -> Value {
    call(client, operation, body).await.ok().json()
}

fn table(name: &str) -> Value {
    json!({
        "TableName": name,
        "AttributeDefinitions": [{ "AttributeName": "pk", "AttributeType": "S" }],
        "KeySchema": [{ "AttributeName": "pk", "KeyType": "HASH" }],
        "BillingMode": "PAY_PER_REQUEST",
    })
}

async fn described(client: &Client, name: &str) -> Value {
    done(client, "DescribeTable", json!({ "TableName": name })).await["Table"].take()
}

#[tokio::test(start_paused = true)]
async fn an_index_is_made_and_deleted_in_time() {
    let faults = Faults {
        table_creating_ms: 5_000,
        table_deleting_ms: 2_000,
        ..Faults::default()
    };
    let client = Client::new(&aws(Enforcement::Off, faults));
    done(&client, "CreateTable", table("items")).await;
    assert_eq!(described(&client, "items").await["TableStatus"], "CREATING");
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(described(&client, "items").await["TableStatus"], "ACTIVE");

    let update = json!({
        "TableName": "items",
        "AttributeDefinitions": [{ "AttributeName": "x", "AttributeType": "S" }],
        "GlobalSecondaryIndexUpdates": [{ "Create": {
            "IndexName": "byx",
            "KeySchema": [{ "AttributeName": "x", "KeyType": "HASH" }],
            "Projection": { "ProjectionType": "ALL" },
        }}],
    });
    done(&client, "UpdateTable", update.clone()).await;
    let during = described(&client, "items").await;
    assert_eq!(during["TableStatus"], "UPDATING");
    let index = &during["GlobalSecondaryIndexes"][0];
    assert_eq!(index["IndexStatus"], "CREATING");
    assert_eq!(index["Backfilling"], true);
    call(
        &client,
        "Scan",
        json!({ "TableName": "items", "IndexName": "byx" }),
    )
    .await
    .refused_as_json(
        400,
        VALIDATION,
        "Cannot read from backfilling global secondary index: byx",
    );
    call(&client, "UpdateTable", update).await.refused_as_json(
        400,
        "com.amazonaws.dynamodb.v20120810#LimitExceededException",
        "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table",
    );
    let stream = json!({ "StreamEnabled": true, "StreamViewType": "KEYS_ONLY" });
    let enable = json!({ "TableName": "items", "StreamSpecification": stream });
    call(&client, "UpdateTable", enable).await.refused_as_json(
        400,
        "com.amazonaws.dynamodb.v20120810#ResourceInUseException",
        "Can't change stream status when an index is being created",
    );
    let protect = json!({ "TableName": "items", "DeletionProtectionEnabled": true });
    done(&client, "UpdateTable", protect).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let after = described(&client, "items").await;
    assert_eq!(after["TableStatus"], "ACTIVE");
    assert_eq!(after["GlobalSecondaryIndexes"][0]["IndexStatus"], "ACTIVE");
    done(
        &client,
        "Scan",
        json!({ "TableName": "items", "IndexName": "byx" }),
    )
    .await;

    let removal = json!({
        "TableName": "items",
        "GlobalSecondaryIndexUpdates": [{ "Delete": { "IndexName": "byx" } }],
    });
    done(&client, "UpdateTable", removal).await;
    let during = described(&client, "items").await;
    assert_eq!(
        during["GlobalSecondaryIndexes"][0]["IndexStatus"],
        "DELETING"
    );
    tokio::time::sleep(Duration::from_secs(2)).await;
    let after = described(&client, "items").await;
    assert_eq!(after.get("GlobalSecondaryIndexes"), None);
    assert_eq!(after["TableStatus"], "ACTIVE");
}

#[tokio::test]
async fn an_item_has_400_kilobytes_at_most() {
    let client = client();
    done(&client, "CreateTable", table("items")).await;
    // Names count as well: `pk` with `a`, and `v`.
    let put = |length: usize| {
        json!({ "TableName": "items", "Item": {
            "pk": { "S": "a" }, "v": { "S": "x".repeat(length) },
        }})
    };
    done(&client, "PutItem", put(409_600 - 4)).await;
    call(&client, "PutItem", put(409_600 - 3))
        .await
        .refused_as_json(
            400,
            VALIDATION,
            "Item size has exceeded the maximum allowed size",
        );
}

#[tokio::test]
async fn what_is_not_here_is_refused_by_name() {
    let client = client();
    done(&client, "CreateTable", table("items")).await;
    for operation in [
        "CreateGlobalTable",
        "DescribeEndpoints",
        "ExportTableToPointInTime",
        "ImportTable",
        "PutResourcePolicy",
        "RestoreTableToPointInTime",
        "UpdateContributorInsights",
    ] {
        call(&client, operation, json!({ "TableName": "items" }))
            .await
            .refused_as_json(
                501,
                "NotImplementedException",
                &format!("The local AWS does not support DynamoDB's {operation}"),
            );
    }
    let replicas = json!({ "TableName": "items", "ReplicaUpdates": [{ "Create": { "RegionName": "eu-west-2" } }] });
    call(&client, "UpdateTable", replicas)
        .await
        .refused_as_json(
            501,
            "NotImplementedException",
            "The local AWS does not support DynamoDB's UpdateTable with ReplicaUpdates",
        );
    let mut with_policy = table("guarded");
    with_policy["ResourcePolicy"] = "{}".into();
    call(&client, "CreateTable", with_policy)
        .await
        .refused_as_json(
            501,
            "NotImplementedException",
            "The local AWS does not support DynamoDB's CreateTable with ResourcePolicy",
        );
}

#[tokio::test]
async fn requests_of_a_wrong_form_are_refused() {
    let client = client();
    let mut streamed = table("items");
    streamed["StreamSpecification"] =
        json!({ "StreamEnabled": true, "StreamViewType": "KEYS_ONLY" });
    let made = done(&client, "CreateTable", streamed).await;
    let arn = &made["TableDescription"]["LatestStreamArn"];
    for (operation, body) in [
        ("UpdateItem", json!([])),
        (
            "UpdateItem",
            json!({ "TableName": "items", "Key": [], "UpdateExpression": "REMOVE a" }),
        ),
        (
            "UpdateItem",
            json!({ "TableName": "items", "Key": { "pk": { "S": "a" } }, "UpdateExpression": "REMOVE a",
                    "ExpressionAttributeNames": "x" }),
        ),
        (
            "UpdateItem",
            json!({ "TableName": "items", "UpdateExpression": "REMOVE a" }),
        ),
        ("TransactWriteItems", json!(["x:table/y"])),
        (
            "TransactWriteItems",
            json!({ "TransactItems": { "a": ":table/" } }),
        ),
        ("BatchGetItem", json!({ "RequestItems": [":table/"] })),
        (
            "UpdateTable",
            json!({ "TableName": "items", "GlobalSecondaryIndexUpdates": 1 }),
        ),
        (
            "UpdateTable",
            json!({ "TableName": "items", "GlobalSecondaryIndexUpdates": [1] }),
        ),
        ("UpdateTable", json!({ "TableName": "items" })),
        ("UpdateTable", json!({ "TableName": 1 })),
        (
            "CreateTable",
            json!({ "TableName": "more", "GlobalSecondaryIndexes": [[]] }),
        ),
        (
            "GetRecords",
            json!({ "ShardIterator": "x|1|eyJhZnRlciI6MX0=" }),
        ),
        ("GetRecords", json!({})),
        (
            "GetShardIterator",
            json!({ "StreamArn": arn, "ShardId": "x", "ShardIteratorType": "LATEST" }),
        ),
        ("DescribeStream", json!({ "StreamArn": 1 })),
        ("DescribeBackup", json!({ "BackupArn": "x" })),
        ("RestoreTableFromBackup", json!({ "TargetTableName": "t" })),
        (
            "CreateBackup",
            json!({ "TableName": "items", "BackupName": "a b c" }),
        ),
        ("ListBackups", json!({ "Limit": 0 })),
    ] {
        let answered = call(&client, operation, body.clone()).await;
        assert_eq!(
            answered.status, 400,
            "{operation} {body}: {}",
            answered.text
        );
    }
}

#[tokio::test]
async fn a_write_that_changes_nothing_has_no_record() {
    let client = client();
    let mut streamed = table("items");
    streamed["StreamSpecification"] =
        json!({ "StreamEnabled": true, "StreamViewType": "KEYS_ONLY" });
    done(&client, "CreateTable", streamed).await;
    let item = json!({ "pk": { "S": "a" }, "n": { "N": "1" } });
    let same = json!({ "pk": { "S": "a" }, "n": { "N": "1.0" } });
    for item in [&item, &same, &same] {
        done(
            &client,
            "PutItem",
            json!({ "TableName": "items", "Item": item }),
        )
        .await;
    }
    let delete = json!({ "TableName": "items", "Key": { "pk": { "S": "b" } } });
    done(&client, "DeleteItem", delete).await;
    let records = records(&client, "items").await;
    assert_eq!(records.len(), 1, "{records:?}");
    assert_eq!(records[0]["eventName"], "INSERT");
    assert_eq!(records[0]["dynamodb"]["SizeBytes"], 3);
    assert_eq!(records[0]["awsRegion"], "eu-west-1");
}

async fn records(client: &Client, table: &str) -> Vec<Value> {
    let arn = described(client, table).await["LatestStreamArn"].take();
    let stream = done(client, "DescribeStream", json!({ "StreamArn": arn })).await;
    let iterator = json!({
        "StreamArn": arn,
        "ShardId": stream["StreamDescription"]["Shards"][0]["ShardId"],
        "ShardIteratorType": "TRIM_HORIZON",
    });
    let iterator = done(client, "GetShardIterator", iterator).await;
    let read = json!({ "ShardIterator": iterator["ShardIterator"] });
    let read = done(client, "GetRecords", read).await;
    read["Records"].as_array().expect("records").clone()
}

fn in_folder(folder: &std::path::Path) -> LocalAws {
    LocalAws::open(Options {
        folder: Some(folder.to_owned()),
        clock: Clock::System,
        runner: Runner::Inline(std::sync::Arc::new(|_, event| Ok(event))),
        ..Options::default()
    })
    .expect("a new or an old one")
}

#[tokio::test]
async fn streams_and_backups_outlast_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let client = Client::new(&in_folder(folder.path()));
    let mut streamed = table("items");
    streamed["StreamSpecification"] =
        json!({ "StreamEnabled": true, "StreamViewType": "NEW_IMAGE" });
    done(&client, "CreateTable", streamed).await;
    let put = json!({ "TableName": "items", "Item": { "pk": { "S": "a" }, "v": { "N": "1" } } });
    done(&client, "PutItem", put).await;
    let request = json!({ "TableName": "items", "BackupName": "first" });
    let backup = done(&client, "CreateBackup", request).await;
    let before = described(&client, "items").await;
    drop(client);

    let client = Client::new(&in_folder(folder.path()));
    assert_eq!(described(&client, "items").await, before);
    let records = records(&client, "items").await;
    assert_eq!(records[0]["dynamodb"]["NewImage"]["v"]["N"], "1");
    let request = json!({
        "TargetTableName": "again",
        "BackupArn": backup["BackupDetails"]["BackupArn"],
    });
    done(&client, "RestoreTableFromBackup", request).await;
    let found = done(&client, "Scan", json!({ "TableName": "again" })).await;
    assert_eq!(found["Items"][0]["v"]["N"], "1", "{found}");
}
