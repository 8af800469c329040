//! All operations with all of their parameters.

mod support;

use handler::json::Json;
use support::{Lab, json};

fn event(operation: &str, table: &str, payload: &str) -> String {
    format!(r#"{{"operation": "{operation}", "tableName": "{table}", "payload": {payload}}}"#)
}

fn fields(answer: &Json) -> Vec<&str> {
    answer
        .as_object()
        .expect("an answer is an object")
        .keys()
        .collect()
}

impl Lab {
    /// Creates a lab and stores these items through the handler.
    async fn holding(items: &[&str]) -> Self {
        let lab = Self::start().await;
        for item in items {
            let table = if item.contains("\"pk\"") {
                "ranged"
            } else {
                "lab"
            };
            lab.answer(&event("create", table, &format!(r#"{{"Item": {item}}}"#)))
                .await;
        }
        lab
    }

    async fn expect(&self, operation: &str, payload: &str, answer: &str) {
        self.expect_of("lab", operation, payload, answer).await;
    }

    /// Compares an answer, and the order of its fields. The database does not keep the order within items.
    async fn expect_of(&self, table: &str, operation: &str, payload: &str, answer: &str) {
        let (got, expected) = (
            self.answer(&event(operation, table, payload)).await,
            json(answer),
        );
        assert_eq!(fields(&got), fields(&expected), "{payload}");
        assert_eq!(got, expected, "{payload}");
    }

    async fn refused(&self, operation: &str, payload: &str, error_type: &str, part: &str) {
        let failure = self.failure(&event(operation, "lab", payload)).await;
        assert_eq!(failure.error_type, error_type, "{failure:?}");
        assert!(failure.message.contains(part), "{failure:?}");
    }
}

#[tokio::test]
async fn echo_returns_its_payload_to_the_digit() {
    let lab = Lab::start().await;
    for payload in [
        "null",
        "5",
        "1.50",
        "[1, {\"a\": \"\u{e9}\"}]",
        "123456789012345678901234567890.12345678901234567890",
    ] {
        let answer = lab
            .ask(&format!(r#"{{"operation": "echo", "payload": {payload}}}"#))
            .await;
        assert_eq!(answer.expect("echo succeeds").to_string(), payload);
    }
    assert_eq!(lab.ask(r#"{"operation": "echo"}"#).await, Ok(Json::Null));
}

#[tokio::test]
async fn ping_answers_pong() {
    let lab = Lab::start().await;
    assert_eq!(
        lab.ask(r#"{"operation": "ping", "payload": {"a": 1}}"#)
            .await,
        Ok(Json::text("pong"))
    );
}

#[tokio::test]
async fn create_stores_and_read_returns_every_kind_of_value() {
    let lab = Lab::start().await;
    let item = r#"{"id": "1", "text": "Bob", "empty": "", "unicode": "é漢😀", "control": "\u0000\n", "yes": true,
        "no": false, "nothing": null, "list": [1, "a", [], {}], "map": {"a": {"b": [null]}}}"#;
    lab.expect("create", &format!(r#"{{"Item": {item}}}"#), "{}")
        .await;
    let read = lab
        .answer(&event("read", "lab", r#"{"Key": {"id": "1"}}"#))
        .await;
    assert_eq!(read.get("Item"), Some(&json(item)));
}

#[tokio::test]
async fn numbers_keep_all_their_digits() {
    let lab = Lab::start().await;
    for number in [
        "0",
        "-1",
        "99999999999999999999999999999999999999",
        "-12345678901234567890123456789012345678",
        "0.1",
        "1.2345678901234567890123456789012345678",
        "-3.14",
        "12345678901234567890.123456789012345678",
    ] {
        let item = format!(r#"{{"Item": {{"id": "n", "n": {number}}}}}"#);
        lab.expect("create", &item, "{}").await;
        lab.expect(
            "read",
            r#"{"Key": {"id": "n"}, "ProjectionExpression": "n"}"#,
            &format!(r#"{{"Item": {{"n": {number}}}}}"#),
        )
        .await;
    }
}

#[tokio::test]
async fn sets_and_binary_come_back_as_they_were_sent() {
    let item = r#"{"id": "s", "bs": {"BS": ["AQ==", "Ag=="]}, "b": {"B": "AAEC"}, "ns": {"NS": ["1", "2.5"]}, "ss": {"SS": ["a", "b"]}}"#;
    let lab = Lab::holding(&[item]).await;
    let read = lab
        .answer(&event("read", "lab", r#"{"Key": {"id": "s"}}"#))
        .await;
    assert_eq!(read.get("Item"), Some(&json(item)));
    lab.expect(
        "update",
        r#"{"Key": {"id": "s"}, "UpdateExpression": "ADD ss :more", "ExpressionAttributeValues": {":more": {"SS": ["c"]}},
            "ReturnValues": "UPDATED_NEW"}"#,
        r#"{"Attributes": {"ss": {"SS": ["a", "b", "c"]}}}"#,
    )
    .await;
}

#[tokio::test]
async fn create_takes_conditions_and_returns_what_it_replaced() {
    let lab = Lab::holding(&[r#"{"id": "1", "n": 1}"#]).await;
    lab.expect(
        "create",
        r##"{"Item": {"id": "1", "n": 2}, "ConditionExpression": "#n = :old", "ExpressionAttributeNames": {"#n": "n"},
            "ExpressionAttributeValues": {":old": 1}, "ReturnValues": "ALL_OLD"}"##,
        r#"{"Attributes": {"id": "1", "n": 1}}"#,
    )
    .await;
    lab.refused(
        "create",
        r#"{"Item": {"id": "1"}, "ConditionExpression": "attribute_not_exists(id)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}"#,
        "ConditionalCheckFailedException",
        "An error occurred (ConditionalCheckFailedException) when calling the PutItem operation: ",
    )
    .await;
}

#[tokio::test]
async fn legacy_conditions_work() {
    let lab = Lab::holding(&[r#"{"id": "1", "n": 1}"#]).await;
    lab.expect(
        "create",
        r#"{"Item": {"id": "1", "n": 2}, "Expected": {"n": {"Value": 1}}}"#,
        "{}",
    )
    .await;
    lab.refused(
        "delete",
        r#"{"Key": {"id": "1"}, "ConditionalOperator": "AND", "Expected": {
            "n": {"ComparisonOperator": "EQ", "AttributeValueList": [3]}, "x": {"Exists": false}}}"#,
        "ConditionalCheckFailedException",
        "DeleteItem",
    )
    .await;
    lab.expect(
        "update",
        r#"{"Key": {"id": "1"}, "AttributeUpdates": {"n": {"Action": "ADD", "Value": 5}, "s": {"Value": "x"}},
            "ReturnValues": "ALL_NEW"}"#,
        r#"{"Attributes": {"id": "1", "n": 7, "s": "x"}}"#,
    )
    .await;
}

#[tokio::test]
async fn read_projects_and_finds_nothing_without_an_item() {
    let lab = Lab::holding(&[r#"{"id": "1", "a": 1, "b": {"c": 2}}"#]).await;
    lab.expect(
        "read",
        r##"{"Key": {"id": "1"}, "ConsistentRead": true, "ProjectionExpression": "#b.c",
            "ExpressionAttributeNames": {"#b": "b"}, "ReturnConsumedCapacity": "TOTAL"}"##,
        r#"{"Item": {"b": {"c": 2}}, "ConsumedCapacity": {"TableName": "lab", "CapacityUnits": 1.0}}"#,
    )
    .await;
    lab.expect(
        "read",
        r#"{"Key": {"id": "1"}, "AttributesToGet": ["a"]}"#,
        r#"{"Item": {"a": 1}}"#,
    )
    .await;
    lab.expect("read", r#"{"Key": {"id": "none"}}"#, "{}").await;
}

#[tokio::test]
async fn update_returns_what_is_asked_for() {
    let lab = Lab::holding(&[r#"{"id": "1", "n": 1}"#]).await;
    let update = |values: &str| {
        format!(
            r##"{{"Key": {{"id": "1"}}, "UpdateExpression": "SET #n = #n + :one", "ConditionExpression": "attribute_exists(id)",
                "ExpressionAttributeNames": {{"#n": "n"}}, "ExpressionAttributeValues": {{":one": 1}}, "ReturnValues": "{values}"}}"##
        )
    };
    lab.expect("update", &update("NONE"), "{}").await;
    lab.expect(
        "update",
        &update("UPDATED_OLD"),
        r#"{"Attributes": {"n": 2}}"#,
    )
    .await;
    lab.expect(
        "update",
        &update("UPDATED_NEW"),
        r#"{"Attributes": {"n": 4}}"#,
    )
    .await;
    lab.expect(
        "update",
        &update("ALL_OLD"),
        r#"{"Attributes": {"id": "1", "n": 4}}"#,
    )
    .await;
    lab.expect(
        "update",
        &update("ALL_NEW"),
        r#"{"Attributes": {"id": "1", "n": 6}}"#,
    )
    .await;
}

#[tokio::test]
async fn delete_returns_what_it_removed() {
    let lab = Lab::holding(&[r#"{"id": "1", "n": 1}"#]).await;
    lab.expect(
        "delete",
        r#"{"Key": {"id": "1"}, "ConditionExpression": "n = :n", "ExpressionAttributeValues": {":n": 1}, "ReturnValues": "ALL_OLD"}"#,
        r#"{"Attributes": {"id": "1", "n": 1}}"#,
    )
    .await;
    lab.expect("delete", r#"{"Key": {"id": "1"}}"#, "{}").await;
}

#[tokio::test]
async fn list_pages_and_counts() {
    let lab = Lab::holding(&[r#"{"id": "1"}"#, r#"{"id": "2"}"#, r#"{"id": "3"}"#]).await;
    let all = lab.answer(&event("list", "lab", "{}")).await;
    assert_eq!(fields(&all), ["Items", "Count", "ScannedCount"]);
    assert_eq!(all.get("Count"), Some(&Json::number(3)));

    let first = lab.answer(&event("list", "lab", r#"{"Limit": 2}"#)).await;
    let next = first
        .get("LastEvaluatedKey")
        .expect("a full page has a key to go on from");
    let rest = lab
        .answer(&event(
            "list",
            "lab",
            &format!(r#"{{"ExclusiveStartKey": {next}}}"#),
        ))
        .await;
    assert_eq!(rest.get("Count"), Some(&Json::number(1)));
    assert_eq!(rest.get("LastEvaluatedKey"), None);

    lab.expect(
        "list",
        r#"{"Select": "COUNT"}"#,
        r#"{"Count": 3, "ScannedCount": 3}"#,
    )
    .await;
    let mut seen = 0;
    for segment in 0..2 {
        let part = lab
            .answer(&event(
                "list",
                "lab",
                &format!(r#"{{"Segment": {segment}, "TotalSegments": 2}}"#),
            ))
            .await;
        seen += part
            .get("Items")
            .and_then(Json::as_array)
            .map_or(0, <[Json]>::len);
    }
    assert_eq!(seen, 3);
}

#[tokio::test]
async fn list_filters() {
    let lab = Lab::holding(&[r#"{"id": "1", "n": 1}"#, r#"{"id": "2", "n": 2}"#]).await;
    let found = r#"{"Items": [{"n": 2}], "Count": 1, "ScannedCount": 2}"#;
    lab.expect(
        "list",
        r##"{"FilterExpression": "#n > :n", "ProjectionExpression": "#n", "ExpressionAttributeNames": {"#n": "n"},
            "ExpressionAttributeValues": {":n": 1}, "ConsistentRead": true}"##,
        found,
    )
    .await;
    lab.expect(
        "list",
        r#"{"ScanFilter": {"n": {"ComparisonOperator": "GT", "AttributeValueList": [1]}, "x": {"ComparisonOperator": "NOT_NULL"}},
            "ConditionalOperator": "OR", "AttributesToGet": ["n"]}"#,
        found,
    )
    .await;
}

#[tokio::test]
async fn indexes_are_scanned_and_their_capacity_is_told() {
    let lab = Lab::holding(&[r#"{"pk": "a", "sk": 1, "other": "x", "local": 5}"#]).await;
    lab.expect_of("ranged", "list",
        r#"{"IndexName": "by-other", "ReturnConsumedCapacity": "INDEXES", "Select": "COUNT"}"#,
        r#"{"Count": 1, "ScannedCount": 1, "ConsumedCapacity": {"TableName": "ranged", "CapacityUnits": 0.5,
            "Table": {"CapacityUnits": 0.0}, "GlobalSecondaryIndexes": {"by-other": {"CapacityUnits": 0.5}}}}"#,
    )
    .await;
    let put = lab
        .answer(&event(
            "create",
            "ranged",
            r#"{"Item": {"pk": "a", "sk": 2, "other": "x", "local": 6}, "ReturnConsumedCapacity": "INDEXES",
                "ReturnItemCollectionMetrics": "SIZE"}"#,
        ))
        .await;
    let capacity = put.get("ConsumedCapacity").expect("capacity was asked for");
    assert_eq!(
        fields(capacity),
        [
            "TableName",
            "CapacityUnits",
            "Table",
            "LocalSecondaryIndexes",
            "GlobalSecondaryIndexes"
        ]
    );
    let metrics = put
        .get("ItemCollectionMetrics")
        .expect("metrics were asked for");
    assert_eq!(
        metrics.get("ItemCollectionKey"),
        Some(&json(r#"{"pk": "a"}"#))
    );
    assert!(metrics.get("SizeEstimateRangeGB").is_some());
}

#[tokio::test]
async fn a_table_named_in_the_payload_wins() {
    let lab = Lab::holding(&[r#"{"pk": "a", "sk": 1}"#]).await;
    lab.expect(
        "read",
        r#"{"TableName": "ranged", "Key": {"pk": "a", "sk": 1}}"#,
        r#"{"Item": {"pk": "a", "sk": 1}}"#,
    )
    .await;
}

#[tokio::test]
async fn parameters_are_validated_as_botocore_does() {
    let lab = Lab::start().await;
    let message = |report: &str| format!("Parameter validation failed:\n{report}");
    for (operation, payload, report) in [
        (
            "create",
            "{}",
            "Missing required parameter in input: \"Item\"",
        ),
        (
            "read",
            r#"{"Key": "1"}"#,
            "Invalid type for parameter Key, value: 1, type: <class 'str'>, valid types: <class 'dict'>",
        ),
        (
            "read",
            r#"{"Key": {"id": "1"}, "key": 1}"#,
            "Unknown parameter in input: \"key\", must be one of: TableName, Key, AttributesToGet, ConsistentRead, \
             ReturnConsumedCapacity, ProjectionExpression, ExpressionAttributeNames",
        ),
        (
            "list",
            r#"{"Limit": 1.5, "AttributesToGet": [], "ConsistentRead": null, "IndexName": "ab"}"#,
            "Invalid type for parameter Limit, value: 1.5, type: <class 'float'>, valid types: <class 'int'>\n\
             Invalid length for parameter AttributesToGet, value: 0, valid min length: 1\n\
             Invalid type for parameter ConsistentRead, value: None, type: <class 'NoneType'>, valid types: <class 'bool'>\n\
             Invalid length for parameter IndexName, value: 2, valid min length: 3",
        ),
        (
            "list",
            r#"{"ScanFilter": {"a": {"AttributeValueList": {"x": [1, "it's", true]}}}, "Limit": 0}"#,
            "Missing required parameter in ScanFilter.a: \"ComparisonOperator\"\n\
             Invalid type for parameter ScanFilter.a.AttributeValueList, value: {'x': [1, \"it's\", True]}, type: <class \
             'dict'>, valid types: <class 'list'>, <class 'tuple'>\n\
             Invalid value for parameter Limit, value: 0, valid min value: 1",
        ),
    ] {
        let failure = lab.failure(&event(operation, "lab", payload)).await;
        assert_eq!(
            (failure.error_type.as_str(), failure.message),
            ("ParamValidationError", message(report))
        );
    }
}
