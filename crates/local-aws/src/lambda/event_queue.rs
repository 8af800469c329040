//! Asynchronous invocations that are kept until they are over, so that they go on after a restart.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::answer::Refusal;
use crate::clock::Moment;
use crate::place::Place;
use crate::store::{Record, Tx};

/// An event that a caller was told to be accepted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Queued {
    /// Of the request.
    pub(super) id: String,
    pub(super) function: String,
    /// As it was named.
    pub(super) qualifier: Option<String>,
    /// Chosen when the event came.
    pub(super) version: String,
    /// JSON.
    pub(super) payload: String,
    /// The function's trace header.
    #[serde(default)]
    pub(super) trace: String,
    pub(super) since: Moment,
    /// When it is tried next.
    pub(super) due: Moment,
    pub(super) failures: usize,
    /// The number of times that each function was invoked by the destinations that led here.
    pub(super) lineage: BTreeMap<String, u32>,
}

impl Record for Queued {
    const KIND: &'static str = "lambda-event";

    fn key(&self) -> String {
        self.id.clone()
    }
}

/// All events, wherever their functions are.
pub(super) fn all(tx: &Tx) -> Result<Vec<(Place, Queued)>, Refusal> {
    let mut statement = tx
        .sql()
        .prepare_cached("SELECT account, region, body FROM record WHERE kind = ?1")?;
    let rows = statement.query_map([Queued::KIND], |row| {
        let place = Place {
            account: row.get(0)?,
            region: row.get(1)?,
        };
        Ok((place, row.get::<_, String>(2)?))
    })?;
    let mut found = Vec::new();
    for row in rows {
        let (place, body) = row?;
        // What an earlier version of this program wrote otherwise is no event any more.
        if let Ok(event) = serde_json::from_str(&body) {
            found.push((place, event));
        }
    }
    Ok(found)
}
