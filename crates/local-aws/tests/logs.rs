//! `CloudWatch` Logs over the wire: groups, streams, events and searches.

#[expect(dead_code, reason = "other tests use the rest")]
mod signed;

use std::io::Read;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use flate2::read::GzDecoder;
use local_aws::{Clock, Enforcement, Faults, LocalAws, Options, Runner};
use serde_json::{Value, json};

use signed::{Client, aws};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

fn client() -> Client {
    Client::new(&aws(Enforcement::Off, Faults::default()))
}

/// With the group `g` and its stream `s`, and the time it is.
async fn with_stream() -> (Client, u64) {
    let client = client();
    let group = json!({ "logGroupName": "g" });
    client.logs("CreateLogGroup", &group).await.ok();
    create_stream(&client, "s").await;
    let described = client.logs("DescribeLogGroups", &json!({})).await.ok();
    let now = described.json()["logGroups"][0]["creationTime"]
        .as_u64()
        .expect("a time");
    (client, now)
}

async fn create_stream(client: &Client, name: &str) {
    let stream = json!({ "logGroupName": "g", "logStreamName": name });
    client.logs("CreateLogStream", &stream).await.ok();
}

async fn put(client: &Client, stream: &str, events: &[(u64, &str)]) -> Value {
    let events: Vec<Value> = events
        .iter()
        .map(|(timestamp, message)| json!({ "timestamp": timestamp, "message": message }))
        .collect();
    let body = json!({ "logGroupName": "g", "logStreamName": stream, "logEvents": events });
    client.logs("PutLogEvents", &body).await.ok().json()
}

async fn read(client: &Client, operation: &str, more: Value) -> Value {
    let mut body = json!({ "logGroupName": "g" });
    if operation == "GetLogEvents" {
        body["logStreamName"] = "s".into();
    }
    for (name, value) in more.as_object().expect("members") {
        body[name] = value.clone();
    }
    client.logs(operation, &body).await.ok().json()
}

fn messages(output: &Value) -> Vec<&str> {
    output["events"]
        .as_array()
        .expect("events")
        .iter()
        .map(|event| event["message"].as_str().expect("a message"))
        .collect()
}

#[tokio::test]
async fn a_group_is_created_described_and_deleted() {
    let client = client();
    let name = "/aws/lambda/f";
    let group = json!({ "logGroupName": name });
    let tagged = json!({ "logGroupName": name, "tags": { "a": "b" } });
    let created = client.logs("CreateLogGroup", &tagged).await.ok();
    assert_eq!(created.text, "");
    client.logs("CreateLogGroup", &group).await.refused_as_json(
        400,
        "ResourceAlreadyExistsException",
        "The specified log group already exists",
    );
    let retention = json!({ "logGroupName": name, "retentionInDays": 14 });
    client.logs("PutRetentionPolicy", &retention).await.ok();
    let described = client
        .logs(
            "DescribeLogGroups",
            &json!({ "logGroupNamePrefix": "/aws/lambda/" }),
        )
        .await
        .ok()
        .json();
    let shown = &described["logGroups"][0];
    let arn = "arn:aws:logs:eu-west-1:000000000000:log-group:/aws/lambda/f";
    assert_eq!(shown["logGroupName"], name);
    assert_eq!(shown["arn"], format!("{arn}:*"));
    assert_eq!(shown["logGroupArn"], arn);
    assert_eq!(shown["retentionInDays"], 14);
    assert_eq!(shown["storedBytes"], 0);
    assert!(described.get("nextToken").is_none());
    client.logs("DeleteRetentionPolicy", &group).await.ok();
    let described = client
        .logs("DescribeLogGroups", &json!({}))
        .await
        .ok()
        .json();
    assert!(described["logGroups"][0].get("retentionInDays").is_none());
    client
        .logs(
            "TagResource",
            &json!({ "resourceArn": arn, "tags": { "c": "d" } }),
        )
        .await
        .ok();
    client
        .logs(
            "UntagResource",
            &json!({ "resourceArn": arn, "tagKeys": ["a"] }),
        )
        .await
        .ok();
    let tags = client
        .logs("ListTagsForResource", &json!({ "resourceArn": arn }))
        .await
        .ok();
    assert_eq!(tags.json(), json!({ "tags": { "c": "d" } }));
    client
        .logs(
            "TagLogGroup",
            &json!({ "logGroupName": name, "tags": { "e": "" } }),
        )
        .await
        .ok();
    client
        .logs(
            "UntagLogGroup",
            &json!({ "logGroupName": name, "tags": ["c"] }),
        )
        .await
        .ok();
    let tags = client.logs("ListTagsLogGroup", &group).await.ok();
    assert_eq!(tags.json(), json!({ "tags": { "e": "" } }));
    client.logs("DeleteLogGroup", &group).await.ok();
    client.logs("DeleteLogGroup", &group).await.refused_as_json(
        400,
        "ResourceNotFoundException",
        "The specified log group does not exist.",
    );
}

#[expect(clippy::too_many_lines, reason = "a table")]
#[tokio::test]
async fn what_is_wrong_is_refused() {
    let (client, now) = with_stream().await;
    let invalid = "InvalidParameterException";
    let events =
        |events: Value| json!({ "logGroupName": "g", "logStreamName": "s", "logEvents": events });
    let event = |timestamp: u64| json!({ "timestamp": timestamp, "message": "m" });
    let large = json!({ "timestamp": now, "message": "x".repeat(1_048_576) });
    let full = json!({ "timestamp": now, "message": "x".repeat(262_100) });
    for (operation, body, code, message) in [
        (
            "CreateLogGroup",
            json!({}),
            invalid,
            "'logGroupName' failed to satisfy constraint: Member must not be null",
        ),
        (
            "CreateLogGroup",
            json!({ "logGroupName": "a b" }),
            invalid,
            "regular expression pattern",
        ),
        (
            "CreateLogGroup",
            json!({ "logGroupName": "aws/x" }),
            invalid,
            "reserved",
        ),
        (
            "CreateLogGroup",
            json!({ "logGroupName": "x", "tags": {} }),
            invalid,
            "greater than or equal to 1",
        ),
        (
            "CreateLogGroup",
            json!({ "logGroupName": 1 }),
            "SerializationException",
            "",
        ),
        (
            "PutRetentionPolicy",
            json!({ "logGroupName": "g", "retentionInDays": 2 }),
            invalid,
            "enum value set",
        ),
        (
            "PutRetentionPolicy",
            json!({ "logGroupName": "g", "retentionInDays": 0 }),
            invalid,
            "enum value set",
        ),
        (
            "DescribeLogGroups",
            json!({ "logGroupNamePrefix": "a", "logGroupNamePattern": "b" }),
            invalid,
            "mutually exclusive",
        ),
        (
            "DescribeLogGroups",
            json!({ "limit": 51 }),
            invalid,
            "less than or equal to 50",
        ),
        (
            "DescribeLogGroups",
            json!({ "nextToken": "!" }),
            invalid,
            "The specified nextToken is invalid.",
        ),
        (
            "TagResource",
            json!({ "resourceArn": "x", "tags": { "a": "" } }),
            invalid,
            "invalid",
        ),
        (
            "ListTagsForResource",
            json!({ "resourceArn": "arn:aws:logs:eu-west-1:000000000000:log-group:gone" }),
            "ResourceNotFoundException",
            "does not exist",
        ),
        (
            "CreateLogStream",
            json!({ "logGroupName": "g", "logStreamName": "s" }),
            "ResourceAlreadyExistsException",
            "The specified log stream already exists",
        ),
        (
            "PutLogEvents",
            json!({ "logGroupName": "g", "logStreamName": "gone", "logEvents": [event(now)] }),
            "ResourceNotFoundException",
            "The specified log stream does not exist.",
        ),
        ("PutLogEvents", events(json!([])), invalid, "'logEvents'"),
        (
            "PutLogEvents",
            events(json!([event(now), event(now - 1)])),
            invalid,
            "chronological order",
        ),
        (
            "PutLogEvents",
            events(json!([event(now - DAY_MS - 1), event(now)])),
            invalid,
            "24 hours",
        ),
        (
            "PutLogEvents",
            events(json!([large])),
            invalid,
            "Log event too large: 1048602 bytes exceeds limit of 1048576",
        ),
        (
            "PutLogEvents",
            events(json!([full, full, full, full, full])),
            invalid,
            "Upload too large",
        ),
        (
            "PutLogEvents",
            events(json!([{ "timestamp": now, "message": "" }])),
            invalid,
            "logEvents.1.member.message",
        ),
        (
            "GetLogEvents",
            json!({ "logGroupName": "g", "logStreamName": "s", "nextToken": "f/1/s" }),
            invalid,
            "nextToken",
        ),
        (
            "DescribeLogStreams",
            json!({ "logGroupName": "g", "orderBy": "LastEventTime", "logStreamNamePrefix": "s" }),
            invalid,
            "Cannot order by LastEventTime with a logStreamNamePrefix.",
        ),
        (
            "FilterLogEvents",
            json!({ "logGroupName": "g", "filterPattern": "\"" }),
            invalid,
            "Invalid filter pattern",
        ),
        (
            "FilterLogEvents",
            json!({ "logGroupName": "gone" }),
            "ResourceNotFoundException",
            "The specified log group does not exist.",
        ),
    ] {
        client
            .logs(operation, &body)
            .await
            .refused_as_json(400, code, message);
    }
    client
        .logs("Nothing", &json!({}))
        .await
        .refused_as_json(400, "UnknownOperationException", "");
}

#[tokio::test]
async fn groups_and_streams_come_in_pages() {
    let (client, now) = with_stream().await;
    for name in ["g3", "g2"] {
        let group = json!({ "logGroupName": name });
        client.logs("CreateLogGroup", &group).await.ok();
    }
    let page = client
        .logs("DescribeLogGroups", &json!({ "limit": 2 }))
        .await
        .ok()
        .json();
    assert_eq!(page["logGroups"][1]["logGroupName"], "g2");
    let next = json!({ "nextToken": page["nextToken"] });
    let page = client.logs("DescribeLogGroups", &next).await.ok().json();
    assert_eq!(page["logGroups"][0]["logGroupName"], "g3");
    let found = client
        .logs("DescribeLogGroups", &json!({ "logGroupNamePattern": "3" }))
        .await
        .ok()
        .json();
    assert_eq!(found["logGroups"].as_array().map(Vec::len), Some(1));

    for name in ["a", "b"] {
        create_stream(&client, name).await;
    }
    put(&client, "a", &[(now - 5, "é")]).await;
    put(&client, "b", &[(now - 10, "x"), (now - 9, "y")]).await;
    let names = |output: &Value| -> Vec<String> {
        let streams = output["logStreams"].as_array().expect("streams");
        let names = streams.iter().map(|stream| &stream["logStreamName"]);
        names
            .map(|name| name.as_str().expect("a name").to_owned())
            .collect()
    };
    let all = read(&client, "DescribeLogStreams", json!({})).await;
    assert_eq!(names(&all), ["a", "b", "s"]);
    assert_eq!(all["logStreams"][1]["firstEventTimestamp"], now - 10);
    assert_eq!(all["logStreams"][1]["lastEventTimestamp"], now - 9);
    assert_eq!(
        all["logStreams"][1]["arn"],
        "arn:aws:logs:eu-west-1:000000000000:log-group:g:log-stream:b"
    );
    let newest = json!({ "orderBy": "LastEventTime", "descending": true, "limit": 2 });
    let page = read(&client, "DescribeLogStreams", newest.clone()).await;
    assert_eq!(names(&page), ["a", "b"]);
    let mut next = newest;
    next["nextToken"] = page["nextToken"].clone();
    let page = read(&client, "DescribeLogStreams", next).await;
    assert_eq!(names(&page), ["s"]);
    let described = client
        .logs("DescribeLogGroups", &json!({ "logGroupNamePrefix": "g" }))
        .await
        .ok();
    assert_eq!(described.json()["logGroups"][0]["storedBytes"], 3 * 26 + 4);
}

#[tokio::test]
async fn a_stream_is_read_from_both_ends() {
    let (client, now) = with_stream().await;
    let events: Vec<(u64, String)> = (1..=5).map(|n| (now + n, format!("m{n}"))).collect();
    let events: Vec<(u64, &str)> = events
        .iter()
        .map(|(at, text)| (*at, text.as_str()))
        .collect();
    put(&client, "s", &events).await;
    let get = |more| read(&client, "GetLogEvents", more);
    let newest = get(json!({ "limit": 2 })).await;
    assert_eq!(messages(&newest), ["m4", "m5"]);
    let earlier = get(json!({ "limit": 2, "nextToken": newest["nextBackwardToken"] })).await;
    assert_eq!(messages(&earlier), ["m2", "m3"]);
    let later = get(json!({ "nextToken": earlier["nextForwardToken"] })).await;
    assert_eq!(messages(&later), ["m4", "m5"]);
    // At the end, the token that was given comes back.
    let token = later["nextForwardToken"].clone();
    let end = get(json!({ "nextToken": token })).await;
    assert!(messages(&end).is_empty());
    assert_eq!(end["nextForwardToken"], token);
    let back = get(json!({ "limit": 1, "nextToken": end["nextBackwardToken"] })).await;
    assert_eq!(messages(&back), ["m5"]);
    put(&client, "s", &[(now + 9, "m9")]).await;
    let more = get(json!({ "nextToken": token })).await;
    assert_eq!(messages(&more), ["m9"]);
    let some =
        get(json!({ "startFromHead": true, "startTime": now + 2, "endTime": now + 4 })).await;
    assert_eq!(messages(&some), ["m2", "m3"]);
}

#[tokio::test]
async fn a_group_is_searched() {
    let (client, now) = with_stream().await;
    create_stream(&client, "t/1").await;
    put(&client, "s", &[(now, "INFO one"), (now + 2, "ERROR two")]).await;
    put(
        &client,
        "t/1",
        &[(now + 1, "ERROR three"), (now + 3, r#"{"level":"warn"}"#)],
    )
    .await;
    let filter = |more| read(&client, "FilterLogEvents", more);
    let all = filter(json!({})).await;
    assert_eq!(
        messages(&all),
        [
            "INFO one",
            "ERROR three",
            "ERROR two",
            r#"{"level":"warn"}"#
        ]
    );
    assert_eq!(all["events"][1]["logStreamName"], "t/1");
    let ids: std::collections::BTreeSet<&str> = all["events"]
        .as_array()
        .expect("events")
        .iter()
        .filter_map(|event| event["eventId"].as_str())
        .collect();
    assert_eq!(ids.len(), 4);
    for (more, expected) in [
        (
            json!({ "filterPattern": "ERROR" }),
            vec!["ERROR three", "ERROR two"],
        ),
        (
            json!({ "filterPattern": "{ $.level = warn }" }),
            vec![r#"{"level":"warn"}"#],
        ),
        (
            json!({ "logStreamNames": ["s"] }),
            vec!["INFO one", "ERROR two"],
        ),
        (
            json!({ "logStreamNamePrefix": "t/", "endTime": now + 1 }),
            vec!["ERROR three"],
        ),
        (
            json!({ "startTime": now + 2, "filterPattern": "ERROR" }),
            vec!["ERROR two"],
        ),
    ] {
        assert_eq!(messages(&filter(more).await), expected);
    }
    let first = filter(json!({ "filterPattern": "ERROR", "limit": 1 })).await;
    assert_eq!(messages(&first), ["ERROR three"]);
    let next = json!({ "filterPattern": "ERROR", "limit": 1, "nextToken": first["nextToken"] });
    let second = filter(next).await;
    assert_eq!(messages(&second), ["ERROR two"]);
    assert!(second.get("nextToken").is_none());
    let by_arn = json!({ "logGroupIdentifier": "arn:aws:logs:eu-west-1:000000000000:log-group:g" });
    let found = client.logs("FilterLogEvents", &by_arn).await.ok().json();
    assert_eq!(messages(&found).len(), 4);
}

#[tokio::test(start_paused = true)]
async fn events_are_kept_as_long_as_the_group_says() {
    let (client, now) = with_stream().await;
    let retention = json!({ "logGroupName": "g", "retentionInDays": 1 });
    client.logs("PutRetentionPolicy", &retention).await.ok();
    put(&client, "s", &[(now, "old")]).await;
    assert_eq!(
        messages(&read(&client, "GetLogEvents", json!({})).await),
        ["old"]
    );
    tokio::time::sleep(Duration::from_secs(24 * 60 * 60 + 1)).await;
    for operation in ["GetLogEvents", "FilterLogEvents"] {
        assert!(messages(&read(&client, operation, json!({})).await).is_empty());
    }
}

#[tokio::test]
async fn events_of_other_times_are_rejected_one_by_one() {
    let (client, now) = with_stream().await;
    let rejected = put(&client, "s", &[(now - 15 * DAY_MS, "too old")]).await;
    assert_eq!(
        rejected["rejectedLogEventsInfo"],
        json!({ "tooOldLogEventEndIndex": 1 })
    );
    let two_hours = 2 * 60 * 60 * 1000;
    let rejected = put(
        &client,
        "s",
        &[(now, "ok"), (now + two_hours + 60_000, "too new")],
    )
    .await;
    assert_eq!(
        rejected["rejectedLogEventsInfo"],
        json!({ "tooNewLogEventStartIndex": 1 })
    );
    assert_eq!(
        messages(&read(&client, "GetLogEvents", json!({})).await),
        ["ok"]
    );
}

#[tokio::test]
async fn streams_go_with_their_events() {
    let (client, now) = with_stream().await;
    put(&client, "s", &[(now, "m")]).await;
    let stream = json!({ "logGroupName": "g", "logStreamName": "s" });
    client.logs("DeleteLogStream", &stream).await.ok();
    create_stream(&client, "s").await;
    assert!(messages(&read(&client, "FilterLogEvents", json!({})).await).is_empty());
    put(&client, "s", &[(now, "m")]).await;
    let group = json!({ "logGroupName": "g" });
    client.logs("DeleteLogGroup", &group).await.ok();
    client.logs("CreateLogGroup", &group).await.ok();
    assert!(messages(&read(&client, "FilterLogEvents", json!({})).await).is_empty());
    let streams = read(&client, "DescribeLogStreams", json!({})).await;
    assert_eq!(streams["logStreams"], json!([]));
}

/// With the group `g` and a function `f`, and the events that the function got.
async fn with_function(may_invoke: bool) -> (Client, Arc<Mutex<Vec<Value>>>) {
    let got: Arc<Mutex<Vec<Value>>> = Arc::default();
    let gets = got.clone();
    let run = move |_: &str, event: Bytes| {
        let event: Value = serde_json::from_slice(&event).expect("JSON");
        gets.lock().expect("no panic").push(event);
        Ok(Bytes::from("null"))
    };
    let aws = LocalAws::open(Options {
        folder: None,
        clock: Clock::runtime(),
        runner: Runner::Inline(Arc::new(run)),
        enforcement: Enforcement::Off,
        ..Options::default()
    })
    .expect("a new one in memory");
    let client = Client::new(&aws);
    let trust = r#"{"Statement":{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}}"#;
    client
        .iam(
            "CreateRole",
            &[("RoleName", "r"), ("AssumeRolePolicyDocument", trust)],
        )
        .await
        .ok();
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().unix_permissions(0o755);
    zip.start_file("bootstrap", options).expect("memory");
    let zip = zip.finish().expect("memory").into_inner();
    let function = json!({
        "FunctionName": "f",
        "Runtime": "provided.al2023",
        "Handler": "bootstrap",
        "Role": "arn:aws:iam::000000000000:role/r",
        "Code": { "ZipFile": STANDARD.encode(zip) },
    });
    let create = http::Request::post("/2015-03-31/functions");
    let created = client.send("lambda", create, function.to_string()).await;
    assert_eq!(created.status, 201, "{}", created.text);
    if may_invoke {
        let permission = json!({
            "StatementId": "logs",
            "Action": "lambda:InvokeFunction",
            "Principal": "logs.amazonaws.com",
            "SourceArn": "arn:aws:logs:eu-west-1:000000000000:log-group:g:*",
        });
        let add = http::Request::post("/2015-03-31/functions/f/policy");
        let added = client.send("lambda", add, permission.to_string()).await;
        assert_eq!(added.status, 201, "{}", added.text);
    }
    let group = json!({ "logGroupName": "g" });
    client.logs("CreateLogGroup", &group).await.ok();
    create_stream(&client, "s").await;
    (client, got)
}

const FUNCTION: &str = "arn:aws:lambda:eu-west-1:000000000000:function:f";

fn opened(event: &Value) -> Value {
    let data = event["awslogs"]["data"].as_str().expect("data");
    let data = STANDARD.decode(data).expect("base64");
    let mut text = String::new();
    GzDecoder::new(data.as_slice())
        .read_to_string(&mut text)
        .expect("gzip");
    serde_json::from_str(&text).expect("JSON")
}

#[tokio::test(start_paused = true)]
async fn a_subscribed_function_gets_matching_events() {
    let (client, got) = with_function(true).await;
    let filter = json!({
        "logGroupName": "g",
        "filterName": "errors",
        "filterPattern": "ERROR",
        "destinationArn": FUNCTION,
    });
    client.logs("PutSubscriptionFilter", &filter).await.ok();
    let described = client
        .logs("DescribeLogGroups", &json!({}))
        .await
        .ok()
        .json();
    let now = described["logGroups"][0]["creationTime"]
        .as_u64()
        .expect("a time");
    let events = [(now, "an ERROR"), (now + 1, "fine"), (now + 2, "ERROR too")];
    put(&client, "s", &events).await;
    put(&client, "s", &[(now + 3, "fine again")]).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let got = got.lock().expect("no panic").clone();
    assert_eq!(got.len(), 1, "{got:?}");
    let message = opened(&got[0]);
    assert_eq!(message["messageType"], "DATA_MESSAGE");
    assert_eq!(message["owner"], "000000000000");
    assert_eq!(message["logGroup"], "g");
    assert_eq!(message["logStream"], "s");
    assert_eq!(message["subscriptionFilters"], json!(["errors"]));
    let sent = message["logEvents"].as_array().expect("events");
    let texts: Vec<&Value> = sent.iter().map(|event| &event["message"]).collect();
    assert_eq!(texts, ["an ERROR", "ERROR too"]);
    let filtered = read(
        &client,
        "FilterLogEvents",
        json!({ "filterPattern": "ERROR" }),
    )
    .await;
    assert_eq!(sent[0]["id"], filtered["events"][0]["eventId"]);
    assert_eq!(sent[0]["timestamp"], now);
}

#[tokio::test(start_paused = true)]
async fn a_function_that_logs_may_not_invoke_is_not_subscribed() {
    let (client, _) = with_function(false).await;
    let with = |more: Value| {
        let mut filter = json!({
            "logGroupName": "g",
            "filterName": "f",
            "filterPattern": "",
            "destinationArn": FUNCTION,
        });
        for (name, value) in more.as_object().expect("members") {
            filter[name] = value.clone();
        }
        filter
    };
    for (more, status, code, message) in [
        (
            json!({}),
            400,
            "InvalidParameterException",
            "Could not execute the lambda function. Make sure you have given CloudWatch Logs permission to execute your \
             function.",
        ),
        (
            json!({ "filterPattern": "[" }),
            400,
            "InvalidParameterException",
            "Invalid filter pattern",
        ),
        (
            json!({ "emitSystemFields": ["@aws.account"] }),
            501,
            "NotImplementedException",
            "The local AWS does not support the emitSystemFields of PutSubscriptionFilter",
        ),
        (
            json!({ "destinationArn": "arn:aws:kinesis:eu-west-1:000000000000:stream/s", "roleArn": "arn:aws:iam::000000000000:role/r" }),
            501,
            "NotImplementedException",
            "The local AWS does not support subscription filters to kinesis",
        ),
    ] {
        client
            .logs("PutSubscriptionFilter", &with(more))
            .await
            .refused_as_json(status, code, message);
    }
}

#[tokio::test]
async fn patterns_are_tried() {
    let client = client();
    let tried = async |pattern: &str, messages: &[&str]| {
        let body = json!({ "filterPattern": pattern, "logEventMessages": messages });
        let answered = client.logs("TestMetricFilter", &body).await.ok();
        answered.json()["matches"].clone()
    };
    assert_eq!(
        tried("ERROR", &["fine", "an ERROR"]).await,
        json!([{ "eventNumber": 2, "eventMessage": "an ERROR", "extractedValues": {} }])
    );
    assert_eq!(
        tried(
            "{ $.code > 400 && $.path = \"/a*\" }",
            &[r#"{"code": 404, "path": "/ab"}"#]
        )
        .await[0]["extractedValues"],
        json!({ "$.code": "404", "$.path": "/ab" })
    );
    assert_eq!(
        tried(
            "[ip, ..., status = 4*, size]",
            &["127.0.0.1 - [a b] 404 12"]
        )
        .await[0]["extractedValues"],
        json!({ "$ip": "127.0.0.1", "$2": "-", "$3": "a b", "$status": "404", "$size": "12" })
    );
    client.logs("StartQuery", &json!({})).await.refused_as_json(
        501,
        "NotImplementedException",
        "The local AWS does not support CloudWatch Logs's StartQuery",
    );
}
