//! `GetLogEvents` and `FilterLogEvents`.

use serde::Deserialize;
use serde_json::{Value, json};

use super::events::{self, Event, OVERHEAD, Position, Range, signed};
use super::filter::Filter;
use super::group::{self, Group};
use super::{Work, input, stream};
use crate::answer::Refusal;

/// Of one page, in events and in bytes.
const MOST_EVENTS: usize = 10_000;
const PAGE_BYTES: usize = 1_048_576;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GetInput {
    log_group_name: Option<String>,
    log_group_identifier: Option<String>,
    log_stream_name: Option<String>,
    start_time: Option<i64>,
    end_time: Option<i64>,
    next_token: Option<String>,
    limit: Option<i64>,
    #[serde(default)]
    start_from_head: bool,
}

/// Where a page begins, and whether it goes on to what is newer. Written as `f/{position}/s` and `b/{position}/s`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Token {
    forward: bool,
    at: Position,
}

impl Token {
    fn read(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '/');
        let forward = match parts.next()? {
            "f" => true,
            "b" => false,
            _ => return None,
        };
        let at = Position::of_digits(parts.next()?)?;
        (parts.next()? == "s").then_some(Self { forward, at })
    }

    fn text(self) -> String {
        let direction = if self.forward { 'f' } else { 'b' };
        format!("{direction}/{}/s", self.at.digits())
    }
}

pub(super) fn get(work: &Work) -> Result<Value, Refusal> {
    let given: GetInput = work.input()?;
    let name = group::identified(
        given.log_group_name.as_ref(),
        given.log_group_identifier.as_ref(),
    )?;
    let stream = input::required(given.log_stream_name.as_ref(), "logStreamName")?;
    input::check_stream_name(stream, "logStreamName")?;
    let most = input::bounded(given.limit, "limit", MOST_EVENTS, MOST_EVENTS)?;
    let token = given
        .next_token
        .as_deref()
        .map(|text| Token::read(text).ok_or_else(input::bad_token))
        .transpose()?;
    let group = group::find(work.tx, work.place, name)?;
    stream::find(work.tx, work.place, name, stream)?.ok_or_else(stream::unknown)?;
    let mut range = Range {
        stream: Some(stream),
        newest_first: !token.map_or(given.start_from_head, |token| token.forward),
        ..times(work, &group, given.start_time, given.end_time)?
    };
    match token {
        Some(Token { forward: true, at }) => range.from = range.from.max(at),
        Some(Token { forward: false, at }) => range.until = range.until.min(at),
        None => {}
    }
    let mut page = Page::new(most);
    events::scan(work.tx, work.place, &range, |event| {
        page.take(event);
        !page.is_full()
    })?;
    if range.newest_first {
        page.events.reverse();
    }
    // A page without events leads to itself.
    let start = token.map_or(Position::START, |token| token.at);
    let first = page.events.first().map_or(start, |event| event.at);
    let after = page.events.last().map_or(start, |event| event.at.next());
    let shown: Vec<Value> = page
        .events
        .iter()
        .map(|event| {
            json!({
                "timestamp": event.at.moment,
                "message": event.message,
                "ingestionTime": event.ingested,
            })
        })
        .collect();
    Ok(json!({
        "events": shown,
        "nextForwardToken": Token { forward: true, at: after }.text(),
        "nextBackwardToken": Token { forward: false, at: first }.text(),
    }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FilterInput {
    log_group_name: Option<String>,
    log_group_identifier: Option<String>,
    log_stream_names: Option<Vec<String>>,
    log_stream_name_prefix: Option<String>,
    start_time: Option<i64>,
    end_time: Option<i64>,
    filter_pattern: Option<String>,
    next_token: Option<String>,
    limit: Option<i64>,
}

pub(super) fn filter(work: &Work) -> Result<Value, Refusal> {
    let given: FilterInput = work.input()?;
    let name = group::identified(
        given.log_group_name.as_ref(),
        given.log_group_identifier.as_ref(),
    )?;
    let most = input::bounded(given.limit, "limit", MOST_EVENTS, MOST_EVENTS)?;
    let pattern = given.filter_pattern.as_deref().unwrap_or_default();
    input::check_length(pattern, "filterPattern", 0, 1024)?;
    let filter = Filter::read(pattern)?;
    let streams = given.log_stream_names.as_deref();
    let prefix = given.log_stream_name_prefix.as_deref();
    check_streams(streams, prefix)?;
    let group = group::find(work.tx, work.place, name)?;
    for stream in streams.unwrap_or_default() {
        stream::find(work.tx, work.place, name, stream)?.ok_or_else(stream::unknown)?;
    }
    // Here, unlike in `GetLogEvents`, the end is included.
    let end = given.end_time.map(|end| end.saturating_add(1));
    let mut range = times(work, &group, given.start_time, end)?;
    if let Some(token) = &given.next_token {
        let digits = input::read_token(token)?;
        let at = Position::of_digits(&digits).ok_or_else(input::bad_token)?;
        range.from = range.from.max(at);
    }
    let mut page = Page::new(most);
    let mut next = None;
    events::scan(work.tx, work.place, &range, |event| {
        let is_wanted = streams.is_none_or(|names| names.contains(&event.stream))
            && prefix.is_none_or(|prefix| event.stream.starts_with(prefix))
            && filter.accepts(&event.message);
        if !is_wanted {
            return true;
        }
        if page.is_full() {
            next = Some(event.at);
            return false;
        }
        page.take(event);
        true
    })?;
    let shown: Vec<Value> = page
        .events
        .iter()
        .map(|event| {
            json!({
                "logStreamName": event.stream,
                "timestamp": event.at.moment,
                "message": event.message,
                "ingestionTime": event.ingested,
                "eventId": event.at.event_id(),
            })
        })
        .collect();
    let mut output = json!({ "events": shown, "searchedLogStreams": [] });
    if let Some(at) = next {
        output["nextToken"] = input::token(&at.digits()).into();
    }
    Ok(output)
}

fn check_streams(names: Option<&[String]>, prefix: Option<&str>) -> Result<(), Refusal> {
    if let Some(prefix) = prefix {
        input::check_stream_name(prefix, "logStreamNamePrefix")?;
    }
    let Some(names) = names else {
        return Ok(());
    };
    if prefix.is_some() {
        return Err(input::invalid(
            "logStreamNamePrefix and logStreamNames cannot both be specified.",
        ));
    }
    let bound = match names.len() {
        0 => "greater than or equal to 1",
        101.. => "less than or equal to 100",
        _ => return Ok(()),
    };
    Err(input::invalid(format!(
        "1 validation error detected: Value at 'logStreamNames' failed to satisfy constraint: Member must have length {bound}"
    )))
}

/// The events of all streams from `start` until before `end`, without those that the group no longer keeps.
fn times<'a>(
    work: &Work,
    group: &'a Group,
    start: Option<i64>,
    end: Option<i64>,
) -> Result<Range<'a>, Refusal> {
    input::check_time(start, "startTime")?;
    input::check_time(end, "endTime")?;
    let kept = signed(group.keeps_since(work.cloud.now()));
    Ok(Range {
        group: &group.name,
        stream: None,
        from: Position::before(start.unwrap_or(0).max(kept)),
        until: end.map_or(Position::END, Position::before),
        newest_first: false,
    })
}

/// Events that fit into one answer.
struct Page {
    events: Vec<Event>,
    bytes: usize,
    most: usize,
}

impl Page {
    fn new(most: usize) -> Self {
        Self {
            events: Vec::new(),
            bytes: 0,
            most,
        }
    }

    fn is_full(&self) -> bool {
        self.events.len() >= self.most || self.bytes >= PAGE_BYTES
    }

    fn take(&mut self, event: Event) {
        self.bytes += event.message.len() + OVERHEAD;
        self.events.push(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_read_as_they_are_written() {
        let token = Token {
            forward: true,
            at: Position {
                moment: 1_795_512_600_123,
                id: 7,
            },
        };
        assert_eq!(Token::read(&token.text()), Some(token));
        for text in [
            "",
            "f",
            "f/1/s",
            "x/0/s",
            "f//s",
            "f/-0000000000000000001/s",
        ] {
            assert_eq!(Token::read(text), None, "{text}");
        }
        let beyond = format!("f/{}/s", "9".repeat(40));
        assert_eq!(Token::read(&beyond), None);
        let multibyte = format!("f/{}/s", "é".repeat(20));
        assert_eq!(Token::read(&multibyte), None);
    }
}
