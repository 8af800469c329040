//! Groups, streams and events.

use aws_sdk_cloudwatchlogs::types::{InputLogEvent, OrderBy};
use testkit::Account;

use crate::harness::{now, refused};

const GROUP: &str = "/story/group";

fn event(timestamp: i64, message: &str) -> InputLogEvent {
    InputLogEvent::builder()
        .timestamp(timestamp)
        .message(message)
        .build()
        .expect("a whole event")
}

pub(crate) async fn story(account: &Account) {
    let logs = &account.logs;
    let create = || logs.create_log_group().log_group_name(GROUP).tags("a", "1");
    create().send().await.expect("CreateLogGroup");
    assert_eq!(
        refused(create().send().await),
        "ResourceAlreadyExistsException"
    );
    logs.create_log_group()
        .log_group_name("/story/other")
        .send()
        .await
        .expect("CreateLogGroup");
    let mut pages = logs
        .describe_log_groups()
        .log_group_name_prefix("/story/")
        .limit(1)
        .into_paginator()
        .send();
    let mut names = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.expect("DescribeLogGroups");
        names.extend(
            page.log_groups()
                .iter()
                .filter_map(|group| group.log_group_name().map(str::to_owned)),
        );
    }
    assert_eq!(names, [GROUP, "/story/other"]);

    retention(account).await;
    tags(account).await;
    events(account).await;

    for name in [GROUP, "/story/other"] {
        logs.delete_log_group()
            .log_group_name(name)
            .send()
            .await
            .expect("DeleteLogGroup");
    }
    let twice = logs.delete_log_group().log_group_name(GROUP).send().await;
    assert_eq!(refused(twice), "ResourceNotFoundException");
}

async fn group(account: &Account) -> aws_sdk_cloudwatchlogs::types::LogGroup {
    let found = account
        .logs
        .describe_log_groups()
        .log_group_name_prefix(GROUP)
        .send()
        .await
        .expect("DescribeLogGroups");
    found.log_groups()[0].clone()
}

async fn retention(account: &Account) {
    let logs = &account.logs;
    let put = |days| {
        logs.put_retention_policy()
            .log_group_name(GROUP)
            .retention_in_days(days)
            .send()
    };
    put(14).await.expect("PutRetentionPolicy");
    assert_eq!(group(account).await.retention_in_days(), Some(14));
    assert_eq!(refused(put(15).await), "InvalidParameterException");
    logs.delete_retention_policy()
        .log_group_name(GROUP)
        .send()
        .await
        .expect("DeleteRetentionPolicy");
    assert_eq!(group(account).await.retention_in_days(), None);

    let protect = |on| {
        logs.put_log_group_deletion_protection()
            .log_group_identifier(GROUP)
            .deletion_protection_enabled(on)
            .send()
    };
    protect(true).await.expect("PutLogGroupDeletionProtection");
    assert_eq!(
        group(account).await.deletion_protection_enabled(),
        Some(true)
    );
    let refusal = logs.delete_log_group().log_group_name(GROUP).send().await;
    assert_eq!(refused(refusal), "ValidationException");
    protect(false).await.expect("PutLogGroupDeletionProtection");
}

async fn tags(account: &Account) {
    let logs = &account.logs;
    let arn = format!("arn:aws:logs:eu-west-1:{}:log-group:{GROUP}", account.id);
    assert_eq!(
        group(account).await.log_group_arn(),
        Some(arn.as_str()),
        "without the star at its end"
    );
    logs.tag_resource()
        .resource_arn(&arn)
        .tags("b", "2")
        .send()
        .await
        .expect("TagResource");
    logs.untag_resource()
        .resource_arn(&arn)
        .tag_keys("a")
        .send()
        .await
        .expect("UntagResource");
    let found = logs
        .list_tags_for_resource()
        .resource_arn(&arn)
        .send()
        .await;
    let found = found.expect("ListTagsForResource");
    assert_eq!(
        found
            .tags()
            .map(|tags| (tags.len(), tags.get("b").map(String::as_str))),
        Some((1, Some("2")))
    );
    former_tags(account).await;
}

#[expect(
    deprecated,
    reason = "clients of former years call them, and AWS answers"
)]
async fn former_tags(account: &Account) {
    let logs = &account.logs;
    logs.tag_log_group()
        .log_group_name(GROUP)
        .tags("c", "3")
        .send()
        .await
        .expect("TagLogGroup");
    logs.untag_log_group()
        .log_group_name(GROUP)
        .tags("b")
        .send()
        .await
        .expect("UntagLogGroup");
    let found = logs
        .list_tags_log_group()
        .log_group_name(GROUP)
        .send()
        .await;
    let found = found.expect("ListTagsLogGroup");
    assert_eq!(
        found
            .tags()
            .map(|tags| (tags.len(), tags.get("c").map(String::as_str))),
        Some((1, Some("3")))
    );
}

async fn events(account: &Account) {
    let logs = &account.logs;
    for name in ["one", "two"] {
        logs.create_log_stream()
            .log_group_name(GROUP)
            .log_stream_name(name)
            .send()
            .await
            .expect("CreateLogStream");
    }
    let start = now() - 10_000;
    let put = |stream: &str, events| {
        logs.put_log_events()
            .log_group_name(GROUP)
            .log_stream_name(stream)
            .set_log_events(Some(events))
            .send()
    };
    let first = vec![
        event(start, "an ERROR at first"),
        event(start + 1, r#"{"level":"warn","took":12}"#),
        event(start + 2, "the last"),
    ];
    put("one", first).await.expect("PutLogEvents");
    put("two", vec![event(start + 3, "an ERROR elsewhere")])
        .await
        .expect("PutLogEvents");
    let nowhere = put("three", vec![event(start, "x")]).await;
    assert_eq!(refused(nowhere), "ResourceNotFoundException");

    let get = |token: Option<String>| {
        logs.get_log_events()
            .log_group_name(GROUP)
            .log_stream_name("one")
            .start_from_head(true)
            .limit(2)
            .set_next_token(token)
            .send()
    };
    let page = get(None).await.expect("GetLogEvents");
    assert_eq!(page.events().len(), 2);
    assert_eq!(page.events()[0].timestamp(), Some(start));
    let page = get(page.next_forward_token().map(str::to_owned)).await;
    let page = page.expect("GetLogEvents");
    assert_eq!(page.events()[0].message(), Some("the last"));

    let filter = |pattern: &str| {
        logs.filter_log_events()
            .log_group_name(GROUP)
            .filter_pattern(pattern)
            .limit(1)
            .into_paginator()
            .send()
    };
    let mut pages = filter("ERROR");
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        for event in page.expect("FilterLogEvents").events() {
            found.push((
                event.log_stream_name().map(str::to_owned),
                event.timestamp(),
            ));
        }
    }
    assert_eq!(
        found,
        [
            (Some("one".to_owned()), Some(start)),
            (Some("two".to_owned()), Some(start + 3))
        ]
    );
    let mut pages = filter("{ $.took > 10 }");
    let mut messages = Vec::new();
    while let Some(page) = pages.next().await {
        for event in page.expect("FilterLogEvents").events() {
            messages.extend(event.message().map(str::to_owned));
        }
    }
    assert_eq!(messages, [r#"{"level":"warn","took":12}"#]);

    let streams = logs
        .describe_log_streams()
        .log_group_name(GROUP)
        .order_by(OrderBy::LastEventTime)
        .descending(true)
        .send()
        .await
        .expect("DescribeLogStreams");
    let streams: Vec<_> = streams
        .log_streams()
        .iter()
        .map(|stream| (stream.log_stream_name(), stream.last_event_timestamp()))
        .collect();
    assert_eq!(
        streams,
        [
            (Some("two"), Some(start + 3)),
            (Some("one"), Some(start + 2))
        ]
    );
    logs.delete_log_stream()
        .log_group_name(GROUP)
        .log_stream_name("two")
        .send()
        .await
        .expect("DeleteLogStream");
    let gone = logs
        .get_log_events()
        .log_group_name(GROUP)
        .log_stream_name("two")
        .send()
        .await;
    assert_eq!(refused(gone), "ResourceNotFoundException");
}
