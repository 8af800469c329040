//! Log streams, and their events: read in order, and filtered.

use aws_sdk_cloudwatchlogs::types::{FilteredLogEvent, InputLogEvent, OrderBy};
use testkit::Account;

use super::{GROUP, create_group};
use crate::harness::{account, now, refused};

fn event(timestamp: i64, message: &str) -> InputLogEvent {
    InputLogEvent::builder()
        .timestamp(timestamp)
        .message(message)
        .build()
        .expect("a whole event")
}

async fn put_events(account: &Account, stream: &str, events: Vec<InputLogEvent>) {
    account
        .logs
        .put_log_events()
        .log_group_name(GROUP)
        .log_stream_name(stream)
        .set_log_events(Some(events))
        .send()
        .await
        .expect("PutLogEvents");
}

/// Creates the group with three events in the stream `one` and then one in `two`; returns the first one's time.
async fn create_streams(account: &Account) -> i64 {
    create_group(account, GROUP).await;
    for name in ["one", "two"] {
        account
            .logs
            .create_log_stream()
            .log_group_name(GROUP)
            .log_stream_name(name)
            .send()
            .await
            .expect("CreateLogStream");
    }
    let start = now() - 10_000;
    let events = vec![
        event(start, "an ERROR at first"),
        event(start + 1, r#"{"level":"warn","took":12}"#),
        event(start + 2, "the last"),
    ];
    put_events(account, "one", events).await;
    put_events(account, "two", vec![event(start + 3, "an ERROR elsewhere")]).await;
    start
}

/// Returns the events that match `pattern`, read in pages of one event.
async fn filtered(account: &Account, pattern: &str) -> Vec<FilteredLogEvent> {
    let mut pages = account
        .logs
        .filter_log_events()
        .log_group_name(GROUP)
        .filter_pattern(pattern)
        .limit(1)
        .into_paginator()
        .send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        found.extend(page.expect("FilterLogEvents").events.unwrap_or_default());
    }
    found
}

#[tokio::test]
async fn events_of_a_missing_stream_are_refused() {
    let account = account().await;
    create_streams(&account).await;
    let nowhere = account
        .logs
        .put_log_events()
        .log_group_name(GROUP)
        .log_stream_name("three")
        .log_events(event(now(), "x"))
        .send()
        .await;
    assert_eq!(refused(nowhere), "ResourceNotFoundException");
}

#[tokio::test]
async fn a_streams_events_are_read_forward_page_by_page() {
    let account = account().await;
    let start = create_streams(&account).await;
    let get = |token: Option<String>| {
        account
            .logs
            .get_log_events()
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
}

#[tokio::test]
async fn a_word_filters_the_events_of_all_streams() {
    let account = account().await;
    let start = create_streams(&account).await;
    let events = filtered(&account, "ERROR").await;
    let found: Vec<_> = events
        .iter()
        .map(|event| (event.log_stream_name(), event.timestamp()))
        .collect();
    assert_eq!(
        found,
        [(Some("one"), Some(start)), (Some("two"), Some(start + 3))]
    );
}

#[tokio::test]
async fn a_json_pattern_filters_events_by_their_fields() {
    let account = account().await;
    create_streams(&account).await;
    let events = filtered(&account, "{ $.took > 10 }").await;
    let messages: Vec<_> = events
        .iter()
        .filter_map(FilteredLogEvent::message)
        .collect();
    assert_eq!(messages, [r#"{"level":"warn","took":12}"#]);
}

#[tokio::test]
async fn streams_are_listed_by_their_last_event() {
    let account = account().await;
    let start = create_streams(&account).await;
    let streams = account
        .logs
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
}

#[tokio::test]
async fn a_deleted_stream_is_not_found() {
    let account = account().await;
    create_streams(&account).await;
    account
        .logs
        .delete_log_stream()
        .log_group_name(GROUP)
        .log_stream_name("two")
        .send()
        .await
        .expect("DeleteLogStream");
    let gone = account
        .logs
        .get_log_events()
        .log_group_name(GROUP)
        .log_stream_name("two")
        .send()
        .await;
    assert_eq!(refused(gone), "ResourceNotFoundException");
}
