//! Log events as they are kept.

use rusqlite::{Row, params};

use super::group::Group;
use super::stream::Stream;
use crate::answer::Refusal;
use crate::clock::Moment;
use crate::place::Place;
use crate::store::Tx;

/// What AWS counts for an event beside its text.
pub(super) const OVERHEAD: usize = 26;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Event {
    pub(super) at: Position,
    pub(super) stream: String,
    pub(super) ingested: i64,
    pub(super) message: String,
}

/// Where an event is in the order of time, and of arrival within one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    pub(super) moment: i64,
    pub(super) id: i64,
}

impl Position {
    pub(super) const START: Self = Self { moment: 0, id: 0 };
    pub(super) const END: Self = Self {
        moment: i64::MAX,
        id: i64::MAX,
    };

    /// Before all events of `moment`.
    pub(super) fn before(moment: i64) -> Self {
        Self { moment, id: 0 }
    }

    /// After this very event.
    pub(super) fn next(self) -> Self {
        Self {
            id: self.id.saturating_add(1),
            ..self
        }
    }

    /// The id of an event, as all answers tell it.
    pub(super) fn event_id(self) -> String {
        self.digits()
    }

    /// Forty digits, in the order of positions.
    pub(super) fn digits(self) -> String {
        format!("{:020}{:020}", self.moment, self.id)
    }

    pub(super) fn of_digits(digits: &str) -> Option<Self> {
        if digits.len() != 40 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let (moment, id) = digits.split_at(20);
        Some(Self {
            moment: moment.parse().ok()?,
            id: id.parse().ok()?,
        })
    }
}

pub(super) fn signed(moment: Moment) -> i64 {
    i64::try_from(moment).unwrap_or(i64::MAX)
}

/// Adds events to a stream, which counts them, and returns where they are; what the group no longer keeps goes.
pub(super) fn append<'a>(
    tx: &Tx,
    place: &Place,
    group: &Group,
    stream: &mut Stream,
    events: impl Iterator<Item = (Moment, &'a str)>,
    now: Moment,
) -> Result<Vec<Position>, Refusal> {
    let mut positions = Vec::new();
    let mut insert = tx.sql().prepare_cached(
        "INSERT INTO log_event (account, region, log_group, log_stream, moment, ingested, message)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for (moment, message) in events {
        insert.execute(params![
            place.account,
            place.region,
            stream.group,
            stream.name,
            signed(moment),
            signed(now),
            message
        ])?;
        positions.push(Position {
            moment: signed(moment),
            id: tx.sql().last_insert_rowid(),
        });
        let bytes = u64::try_from(message.len() + OVERHEAD).unwrap_or_default();
        stream.count(moment, now, bytes);
    }
    tx.put(place, stream)?;
    let mut expire = tx.sql().prepare_cached(
        "DELETE FROM log_event WHERE account = ?1 AND region = ?2 AND log_group = ?3 AND moment < ?4",
    )?;
    expire.execute(params![
        place.account,
        place.region,
        group.name,
        signed(group.keeps_since(now))
    ])?;
    Ok(positions)
}

/// Deletes the events of a group, or of one of its streams.
pub(super) fn delete(
    tx: &Tx,
    place: &Place,
    group: &str,
    stream: Option<&str>,
) -> Result<(), Refusal> {
    match stream {
        Some(stream) => tx.sql().execute(
            "DELETE FROM log_event WHERE account = ?1 AND region = ?2 AND log_group = ?3 AND log_stream = ?4",
            params![place.account, place.region, group, stream],
        ),
        None => tx.sql().execute(
            "DELETE FROM log_event WHERE account = ?1 AND region = ?2 AND log_group = ?3",
            params![place.account, place.region, group],
        ),
    }?;
    Ok(())
}

/// Which events to read.
#[derive(Debug)]
pub(super) struct Range<'a> {
    pub(super) group: &'a str,
    /// All streams without one.
    pub(super) stream: Option<&'a str>,
    /// Included.
    pub(super) from: Position,
    /// Not included.
    pub(super) until: Position,
    pub(super) newest_first: bool,
}

/// Shows each event of `range` to `take` until that answers `false`.
pub(super) fn scan(
    tx: &Tx,
    place: &Place,
    range: &Range,
    mut take: impl FnMut(Event) -> bool,
) -> Result<(), Refusal> {
    let of_stream = match range.stream {
        Some(_) => "AND log_stream = ?8",
        None => "AND ?8 IS NULL",
    };
    let order = if range.newest_first { "DESC" } else { "ASC" };
    let mut statement = tx.sql().prepare_cached(&format!(
        "SELECT moment, id, log_stream, ingested, message FROM log_event
         WHERE account = ?1 AND region = ?2 AND log_group = ?3
         AND (moment, id) >= (?4, ?5) AND (moment, id) < (?6, ?7) {of_stream}
         ORDER BY moment {order}, id {order}"
    ))?;
    let mut rows = statement.query(params![
        place.account,
        place.region,
        range.group,
        range.from.moment,
        range.from.id,
        range.until.moment,
        range.until.id,
        range.stream,
    ])?;
    while let Some(row) = rows.next()? {
        if !take(event(row)?) {
            break;
        }
    }
    Ok(())
}

fn event(row: &Row) -> rusqlite::Result<Event> {
    Ok(Event {
        at: Position {
            moment: row.get(0)?,
            id: row.get(1)?,
        },
        stream: row.get(2)?,
        ingested: row.get(3)?,
        message: row.get(4)?,
    })
}
