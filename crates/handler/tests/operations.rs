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

    /// Returns an item as the database has it.
    fn stored(&self, id: &str) -> Json {
        let request = format!(r#"{{"TableName": "lab", "Key": {{"id": {{"S": "{id}"}}}}}}"#);
        let request = serde_json::from_str(&request).expect("the request parses");
        let item = self.database.get_item(request).expect("the item is read");
        json(&serde_json::to_string(&item.item).expect("an item is JSON"))
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
async fn a_number_is_stored_in_every_spelling() {
    let lab = Lab::start().await;
    let zeros = |count| "0".repeat(count);
    for (spelling, digits) in [
        (format!("1{}", zeros(50)), format!("1{}", zeros(50))),
        ("1e50".to_owned(), format!("1{}", zeros(50))),
        (format!("-12{}", zeros(124)), format!("-12{}", zeros(124))),
        (
            format!("{}{}", "9".repeat(38), zeros(88)),
            format!("{}{}", "9".repeat(38), zeros(88)),
        ),
        (format!("1.5{}", zeros(60)), "1.5".to_owned()),
        (
            format!("25{}.{}", zeros(20), zeros(30)),
            format!("25{}", zeros(20)),
        ),
        (format!("0.{}25", zeros(60)), format!("0.{}25", zeros(60))),
        ("-0.00".to_owned(), "0".to_owned()),
        ("0e300".to_owned(), "0".to_owned()),
    ] {
        lab.expect(
            "create",
            &format!(r#"{{"Item": {{"id": "n", "n": {spelling}}}}}"#),
            "{}",
        )
        .await;
        let read = r#"{"Key": {"id": "n"}, "ProjectionExpression": "n"}"#;
        let answer = format!(r#"{{"Item": {{"n": {digits}}}}}"#);
        lab.expect("read", read, &answer).await;
        lab.expect(
            "list",
            &format!(
                r#"{{"FilterExpression": "n = :n", "ExpressionAttributeValues": {{":n": {spelling}}}, "Select": "COUNT"}}"#
            ),
            r#"{"Count": 1, "ScannedCount": 1}"#,
        )
        .await;
    }
}

#[tokio::test]
async fn numbers_that_dynamodb_cannot_hold_are_refused() {
    let lab = Lab::start().await;
    let nines = "9".repeat(39);
    for (number, error_type, part) in [
        (nines.clone(), "Inexact", "decimal.Inexact"),
        (
            format!("1{}", "0".repeat(126)),
            "Rounded",
            "decimal.Rounded",
        ),
        (format!("0.{nines}"), "ClientError", "38 significant digits"),
        ("1e126".to_owned(), "ClientError", "Number overflow"),
        ("1e-131".to_owned(), "ClientError", "Number underflow"),
    ] {
        let payload = format!(r#"{{"Item": {{"id": "n", "n": {number}}}}}"#);
        lab.refused("create", &payload, error_type, part).await;
    }
}

/// Plain objects with the names of `DynamoDB`'s types, and the maps that they are.
const TYPE_LETTERS: [(&str, &str); 12] = [
    (r#"{"B": "good"}"#, r#"{"M": {"B": {"S": "good"}}}"#),
    (r#"{"B": "bad"}"#, r#"{"M": {"B": {"S": "bad"}}}"#),
    (r#"{"S": "x"}"#, r#"{"M": {"S": {"S": "x"}}}"#),
    (r#"{"N": "1"}"#, r#"{"M": {"N": {"S": "1"}}}"#),
    (r#"{"BOOL": true}"#, r#"{"M": {"BOOL": {"BOOL": true}}}"#),
    (r#"{"NULL": true}"#, r#"{"M": {"NULL": {"BOOL": true}}}"#),
    (r#"{"SS": ["a"]}"#, r#"{"M": {"SS": {"L": [{"S": "a"}]}}}"#),
    (r#"{"NS": ["1"]}"#, r#"{"M": {"NS": {"L": [{"S": "1"}]}}}"#),
    (
        r#"{"BS": ["AQ=="]}"#,
        r#"{"M": {"BS": {"L": [{"S": "AQ=="}]}}}"#,
    ),
    (
        r#"{"L": [{"B": "good"}]}"#,
        r#"{"M": {"L": {"L": [{"M": {"B": {"S": "good"}}}]}}}"#,
    ),
    (
        r#"{"M": {"SS": ["a"]}}"#,
        r#"{"M": {"M": {"M": {"SS": {"L": [{"S": "a"}]}}}}}"#,
    ),
    (
        r#"{"M": {"M": {"B": "AQ=="}}}"#,
        r#"{"M": {"M": {"M": {"M": {"M": {"B": {"S": "AQ=="}}}}}}}"#,
    ),
];

#[tokio::test]
async fn a_plain_object_is_stored_as_a_map_by_every_operation() {
    let lab = Lab::start().await;
    for (plain, attribute) in TYPE_LETTERS {
        let stored = json(&format!(r#"{{"id": {{"S": "1"}}, "v": {attribute}}}"#));
        let item = format!(r#"{{"id": "1", "v": {plain}}}"#);
        let old = format!(r#"{{"Attributes": {item}}}"#);
        let values = format!(r#""ExpressionAttributeValues": {{":v": {plain}}}"#);
        let filter =
            format!(r#"{{"v": {{"ComparisonOperator": "EQ", "AttributeValueList": [{plain}]}}}}"#);
        let page = format!(r#"{{"Items": [{item}], "Count": 1, "ScannedCount": 1}}"#);

        lab.expect("create", &format!(r#"{{"Item": {item}}}"#), "{}")
            .await;
        assert_eq!(lab.stored("1"), stored);
        lab.expect(
            "read",
            r#"{"Key": {"id": "1"}}"#,
            &format!(r#"{{"Item": {item}}}"#),
        )
        .await;
        for filter in [
            format!(r#"{{"FilterExpression": "v = :v", {values}}}"#),
            format!(r#"{{"ScanFilter": {filter}}}"#),
        ] {
            lab.expect("list", &filter, &page).await;
        }
        lab.expect(
            "delete",
            &format!(
                r#"{{"Key": {{"id": "1"}}, "Expected": {{"v": {{"Value": {plain}}}}}, "ReturnValues": "ALL_OLD"}}"#
            ),
            &old,
        )
        .await;
        for update in [
            format!(r#""UpdateExpression": "SET v = :v", {values}"#),
            format!(r#""AttributeUpdates": {{"v": {{"Value": {plain}}}}}"#),
        ] {
            let update =
                format!(r#"{{"Key": {{"id": "1"}}, {update}, "ReturnValues": "ALL_NEW"}}"#);
            lab.expect("update", &update, &old).await;
            assert_eq!(lab.stored("1"), stored);
        }
    }
    lab.refused(
        "read",
        r#"{"Key": {"id": {"S": "1"}}}"#,
        "ClientError",
        "ValidationException",
    )
    .await;
}

#[tokio::test]
async fn the_plain_format_can_be_named() {
    let lab = Lab::start().await;
    lab.expect(
        "create",
        r#"{"AttributeFormat": "plain", "Item": {"id": "1", "v": {"B": "good"}}}"#,
        "{}",
    )
    .await;
    lab.expect(
        "read",
        r#"{"Key": {"id": "1"}, "AttributeFormat": "plain"}"#,
        r#"{"Item": {"id": "1", "v": {"B": "good"}}}"#,
    )
    .await;
}

const TYPED_ITEM: &str = r#"{"id": {"S": "1"}, "n": {"N": "1.5"}, "b": {"B": "AAEC"}, "ss": {"SS": ["a", "b"]},
    "ns": {"NS": ["2.5"]}, "bs": {"BS": ["AQ==", "Ag=="]}, "none": {"NULL": true}, "flag": {"BOOL": false},
    "list": {"L": [{"S": ""}, {"SS": ["a"]}]}, "map": {"M": {"B": {"S": "good"}, "set": {"NS": ["1"]}}}}"#;

#[tokio::test]
async fn every_operation_takes_typed_values_and_answers_with_them() {
    let lab = Lab::start().await;
    lab.expect(
        "create",
        &format!(
            r#"{{"AttributeFormat": "typed", "Item": {TYPED_ITEM}, "Expected": {{"id": {{"Exists": false}}}}}}"#
        ),
        "{}",
    )
    .await;
    assert_eq!(lab.stored("1"), json(TYPED_ITEM));
    lab.expect(
        "read",
        r#"{"Key": {"id": {"S": "1"}}, "AttributeFormat": "typed"}"#,
        &format!(r#"{{"Item": {TYPED_ITEM}}}"#),
    )
    .await;
    lab.expect(
        "update",
        r#"{"AttributeFormat": "typed", "Key": {"id": {"S": "1"}}, "UpdateExpression": "ADD ss :more",
            "ConditionExpression": "b = :b", "ExpressionAttributeValues": {":more": {"SS": ["c"]}, ":b": {"B": "AAEC"}},
            "ReturnValues": "UPDATED_NEW"}"#,
        r#"{"Attributes": {"ss": {"SS": ["a", "b", "c"]}}}"#,
    )
    .await;
    lab.expect(
        "update",
        r#"{"AttributeFormat": "typed", "Key": {"id": {"S": "1"}},
            "AttributeUpdates": {"ss": {"Action": "DELETE", "Value": {"SS": ["c"]}}}}"#,
        "{}",
    )
    .await;
    for filter in [
        r#""ScanFilter": {"b": {"ComparisonOperator": "EQ", "AttributeValueList": [{"B": "AAEC"}]}}"#,
        r#""FilterExpression": "contains(ns, :n)", "ExpressionAttributeValues": {":n": {"N": "2.5"}}"#,
        r#""ExclusiveStartKey": {"id": {"S": "0"}}"#,
    ] {
        let list = lab
            .answer(&event(
                "list",
                "lab",
                &format!(r#"{{"AttributeFormat": "typed", {filter}, "Limit": 1}}"#),
            ))
            .await;
        let items = list.get("Items").and_then(Json::as_array);
        assert_eq!(items, Some(&[json(TYPED_ITEM)][..]), "{filter}");
        assert_eq!(
            list.get("LastEvaluatedKey"),
            Some(&json(r#"{"id": {"S": "1"}}"#))
        );
    }
    lab.expect(
        "delete",
        r#"{"AttributeFormat": "typed", "Key": {"id": {"S": "1"}}, "Expected": {"b": {"Value": {"B": "AAEC"}}},
            "ReturnValues": "ALL_OLD"}"#,
        &format!(r#"{{"Attributes": {TYPED_ITEM}}}"#),
    )
    .await;
    assert_eq!(lab.stored("1"), Json::Null);
}

#[tokio::test]
async fn metrics_have_typed_keys_in_a_typed_answer() {
    let lab = Lab::start().await;
    let put = lab
        .answer(&event(
            "create",
            "ranged",
            r#"{"AttributeFormat": "typed", "Item": {"pk": {"S": "a"}, "sk": {"N": "1"}}, "ReturnItemCollectionMetrics": "SIZE"}"#,
        ))
        .await;
    let metrics = put
        .get("ItemCollectionMetrics")
        .expect("metrics were asked for");
    assert_eq!(
        metrics.get("ItemCollectionKey"),
        Some(&json(r#"{"pk": {"S": "a"}}"#))
    );
}

#[tokio::test]
async fn typed_answers_tell_a_set_from_a_map() {
    let lab = Lab::start().await;
    for (id, attribute) in [
        ("set", r#"{"SS": ["a"]}"#),
        ("map", r#"{"M": {"SS": {"L": [{"S": "a"}]}}}"#),
    ] {
        let item = format!(r#"{{"id": {{"S": "{id}"}}, "v": {attribute}}}"#);
        let create = format!(r#"{{"AttributeFormat": "typed", "Item": {item}}}"#);
        lab.expect("create", &create, "{}").await;
        let plain = format!(r#"{{"Item": {{"id": "{id}", "v": {{"SS": ["a"]}}}}}}"#);
        let read = format!(r#"{{"Key": {{"id": "{id}"}}}}"#);
        lab.expect("read", &read, &plain).await;
        let read = format!(r#"{{"AttributeFormat": "typed", "Key": {{"id": {{"S": "{id}"}}}}}}"#);
        lab.expect("read", &read, &format!(r#"{{"Item": {item}}}"#))
            .await;
    }
}

#[tokio::test]
async fn echo_returns_an_attribute_format_as_any_other_value() {
    let lab = Lab::start().await;
    let payload = r#"{"AttributeFormat": "typed", "Item": {"v": {"SS": ["a"]}}}"#;
    let answer = lab
        .ask(&format!(r#"{{"operation": "echo", "payload": {payload}}}"#))
        .await;
    assert_eq!(answer, Ok(json(payload)));
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

#[tokio::test]
async fn typed_values_are_validated_as_botocore_does() {
    let lab = Lab::start().await;
    for (value, report) in [
        (
            "\"a\"",
            "Invalid type for parameter Item.v, value: a, type: <class 'str'>, valid types: <class 'dict'>",
        ),
        (
            r#"{"X": "a"}"#,
            "Unknown parameter in Item.v: \"X\", must be one of: S, N, B, SS, NS, BS, M, L, NULL, BOOL",
        ),
        (
            r#"{"N": 5}"#,
            "Invalid type for parameter Item.v.N, value: 5, type: <class 'int'>, valid types: <class 'str'>",
        ),
        (
            r#"{"B": "bad"}"#,
            "Invalid value for parameter Item.v.B, value: bad, must be base64",
        ),
        (
            r#"{"BS": ["AQ==", "???", null]}"#,
            "Invalid value for parameter Item.v.BS[1], value: ???, must be base64\n\
             Invalid type for parameter Item.v.BS[2], value: None, type: <class 'NoneType'>, valid types: <class 'str'>",
        ),
        (
            r#"{"M": {"a": {"L": [{"S": "x"}, {"SS": "x"}]}}}"#,
            "Invalid type for parameter Item.v.M.a.L[1].SS, value: x, type: <class 'str'>, valid types: <class 'list'>, \
             <class 'tuple'>",
        ),
        (
            r#"{"L": [{"NULL": 1}, {"BOOL": "true"}]}"#,
            "Invalid type for parameter Item.v.L[0].NULL, value: 1, type: <class 'int'>, valid types: <class 'bool'>\n\
             Invalid type for parameter Item.v.L[1].BOOL, value: true, type: <class 'str'>, valid types: <class 'bool'>",
        ),
    ] {
        let payload = format!(
            r#"{{"Item": {{"id": {{"S": "1"}}, "v": {value}}}, "AttributeFormat": "typed"}}"#
        );
        let failure = lab.failure(&event("create", "lab", &payload)).await;
        assert_eq!(failure.error_type, "ParamValidationError");
        assert_eq!(
            failure.message,
            format!("Parameter validation failed:\n{report}")
        );
        assert_eq!(failure.status, 400);
    }
}

#[tokio::test]
async fn dynamodb_refuses_typed_values_that_it_cannot_hold() {
    let lab = Lab::start().await;
    for (value, part) in [
        ("{}", "must contain exactly one of the supported datatypes"),
        (r#"{"S": "a", "N": "1"}"#, "more than one datatypes"),
        (r#"{"N": "x"}"#, "cannot be converted to a numeric value"),
        (r#"{"SS": []}"#, "may not be empty"),
        (r#"{"SS": ["a", "a"]}"#, "duplicates"),
    ] {
        let payload = format!(
            r#"{{"Item": {{"id": {{"S": "1"}}, "v": {value}}}, "AttributeFormat": "typed"}}"#
        );
        lab.refused("create", &payload, "ClientError", part).await;
    }
}

#[tokio::test]
async fn an_unknown_format_is_refused_as_a_parameter() {
    let lab = Lab::start().await;
    for (operation, format, report) in [
        (
            "create",
            "\"xml\"",
            "Invalid value for parameter AttributeFormat, value: xml, must be one of: plain, typed\n\
             Missing required parameter in input: \"Item\"",
        ),
        (
            "list",
            "\"Typed\"",
            "Invalid value for parameter AttributeFormat, value: Typed, must be one of: plain, typed",
        ),
        (
            "list",
            "null",
            "Invalid type for parameter AttributeFormat, value: None, type: <class 'NoneType'>, valid types: <class 'str'>",
        ),
    ] {
        let payload = format!(r#"{{"AttributeFormat": {format}}}"#);
        let failure = lab.failure(&event(operation, "lab", &payload)).await;
        assert_eq!(failure.error_type, "ParamValidationError");
        assert_eq!(
            failure.message,
            format!("Parameter validation failed:\n{report}")
        );
    }
}
