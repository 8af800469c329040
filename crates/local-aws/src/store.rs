//! What is kept: records of every kind in one `SQLite` database, changed in transactions.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, ErrorCode, OptionalExtension, Transaction, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::answer::Refusal;
use crate::place::Place;

/// Counts up when the form of what is kept changes.
const FORMAT: i64 = 1;

/// One kind of thing that is kept. Keys are unique within kind and place; parts of one are joined by `/`.
pub(crate) trait Record: Serialize + DeserializeOwned {
    const KIND: &'static str;

    fn key(&self) -> String;
}

#[derive(Debug)]
pub(crate) struct Store {
    connection: Mutex<Connection>,
}

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Made by a later version of this program.
    #[error(
        "it was written by a newer version of this program (format {found}, this one knows {FORMAT})"
    )]
    Newer {
        /// The format found.
        found: i64,
    },
    /// `SQLite` refused.
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
}

impl Store {
    /// Opens or makes the database at `path`; in memory without one.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, StoreError> {
        let connection = match path {
            Some(path) => Connection::open(path)?,
            None => Connection::open_in_memory()?,
        };
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // Answered is on disk: each commit is synced.
        connection.pragma_update(None, "synchronous", "FULL")?;
        let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if found > FORMAT {
            return Err(StoreError::Newer { found });
        }
        connection.execute_batch(
            "CREATE TABLE IF NOT EXISTS record (
                account TEXT NOT NULL,
                region TEXT NOT NULL,
                kind TEXT NOT NULL,
                key TEXT NOT NULL,
                body TEXT NOT NULL,
                PRIMARY KEY (kind, account, region, key)
            ) WITHOUT ROWID;
            CREATE TABLE IF NOT EXISTS log_event (
                id INTEGER PRIMARY KEY,
                account TEXT NOT NULL,
                region TEXT NOT NULL,
                log_group TEXT NOT NULL,
                log_stream TEXT NOT NULL,
                moment INTEGER NOT NULL,
                ingested INTEGER NOT NULL,
                message TEXT NOT NULL
            );
            CREATE INDEX IF NOT EXISTS log_event_by_time
                ON log_event (account, region, log_group, moment, id);
            CREATE INDEX IF NOT EXISTS log_event_by_stream
                ON log_event (account, region, log_group, log_stream, moment, id);",
        )?;
        connection.pragma_update(None, "user_version", FORMAT)?;
        Ok(Self {
            connection: Mutex::new(connection),
        })
    }

    /// Runs `work` alone; what it did is kept if it succeeds, and was never there if it is refused.
    pub(crate) fn transact<T>(
        &self,
        work: impl FnOnce(&Tx) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let mut connection = self
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let tx = Tx(connection.transaction()?);
        let outcome = work(&tx)?;
        tx.0.commit()?;
        Ok(outcome)
    }
}

/// A transaction under way.
pub(crate) struct Tx<'a>(Transaction<'a>);

impl Tx<'_> {
    pub(crate) fn get<R: Record>(&self, place: &Place, key: &str) -> Result<Option<R>, Refusal> {
        let mut statement = self.0.prepare_cached(
            "SELECT body FROM record WHERE kind = ?1 AND account = ?2 AND region = ?3 AND key = ?4",
        )?;
        let body: Option<String> = statement
            .query_row(params![R::KIND, place.account, place.region, key], |row| {
                row.get(0)
            })
            .optional()?;
        body.map(|body| read(&body)).transpose()
    }

    /// Adds it, or puts it in the place of the one with its key.
    pub(crate) fn put<R: Record>(&self, place: &Place, record: &R) -> Result<(), Refusal> {
        let body = serde_json::to_string(record)
            .map_err(|error| Refusal::internal(format!("a record cannot be written: {error}")))?;
        let mut statement = self.0.prepare_cached(
            "INSERT INTO record (kind, account, region, key, body) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET body = excluded.body",
        )?;
        statement.execute(params![
            R::KIND,
            place.account,
            place.region,
            record.key(),
            body
        ])?;
        Ok(())
    }

    /// Returns true if there was one.
    pub(crate) fn remove<R: Record>(&self, place: &Place, key: &str) -> Result<bool, Refusal> {
        let mut statement = self.0.prepare_cached(
            "DELETE FROM record WHERE kind = ?1 AND account = ?2 AND region = ?3 AND key = ?4",
        )?;
        Ok(statement.execute(params![R::KIND, place.account, place.region, key])? > 0)
    }

    /// All whose keys start with `prefix`, by key.
    pub(crate) fn list<R: Record>(&self, place: &Place, prefix: &str) -> Result<Vec<R>, Refusal> {
        let mut statement = self.0.prepare_cached(
            "SELECT body FROM record WHERE kind = ?1 AND account = ?2 AND region = ?3
             AND substr(key, 1, length(?4)) = ?4 ORDER BY key",
        )?;
        let bodies = statement.query_map(
            params![R::KIND, place.account, place.region, prefix],
            |row| row.get::<_, String>(0),
        )?;
        bodies.map(|body| read(&body?)).collect()
    }

    /// Where the one with this key is, wherever that is: for keys that are unique everywhere.
    pub(crate) fn find<R: Record>(&self, key: &str) -> Result<Option<(Place, R)>, Refusal> {
        let mut statement = self.0.prepare_cached(
            "SELECT account, region, body FROM record WHERE kind = ?1 AND key = ?2",
        )?;
        let found = statement
            .query_row(params![R::KIND, key], |row| {
                let place = Place {
                    account: row.get(0)?,
                    region: row.get(1)?,
                };
                Ok((place, row.get::<_, String>(2)?))
            })
            .optional()?;
        found
            .map(|(place, body)| Ok((place, read(&body)?)))
            .transpose()
    }

    /// How many records of `kinds` there are anywhere.
    pub(crate) fn count(&self, kinds: &[&str]) -> Result<u64, Refusal> {
        let mut statement = self
            .0
            .prepare_cached("SELECT count(*) FROM record WHERE kind = ?1")?;
        let mut count = 0;
        for kind in kinds {
            count += statement.query_row([kind], |row| row.get::<_, u64>(0))?;
        }
        Ok(count)
    }

    /// For what is no record: log events.
    pub(crate) fn sql(&self) -> &Connection {
        &self.0
    }
}

fn read<R: DeserializeOwned>(body: &str) -> Result<R, Refusal> {
    serde_json::from_str(body).map_err(|error| {
        Refusal::internal(format!(
            "a record of the local state cannot be read: {error}"
        ))
    })
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        Self::internal(match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => "the disk that holds the local state is full".to_owned(),
            _ => format!("the local state: {error}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Thing {
        id: String,
        size: u32,
    }

    impl Record for Thing {
        const KIND: &'static str = "thing";

        fn key(&self) -> String {
            self.id.clone()
        }
    }

    fn place() -> Place {
        Place {
            account: "000000000000".into(),
            region: "eu-west-1".into(),
        }
    }

    #[test]
    fn what_is_refused_was_never_there() {
        let store = Store::open(None).expect("a store in memory");
        let put = |size| {
            move |tx: &Tx| {
                tx.put(
                    &place(),
                    &Thing {
                        id: "a".into(),
                        size,
                    },
                )?;
                if size > 1 {
                    Err(Refusal::internal("no"))
                } else {
                    Ok(())
                }
            }
        };
        store.transact(put(1)).expect("it fits");
        store.transact(put(2)).expect_err("it does not");
        let found = store.transact(|tx| tx.get::<Thing>(&place(), "a"));
        assert_eq!(
            found,
            Ok(Some(Thing {
                id: "a".into(),
                size: 1
            }))
        );
    }

    #[test]
    fn a_prefix_is_taken_as_it_is() {
        let store = Store::open(None).expect("a store in memory");
        let found = store.transact(|tx| {
            for id in ["a/1", "a%/2", "b"] {
                tx.put(
                    &place(),
                    &Thing {
                        id: id.into(),
                        size: 0,
                    },
                )?;
            }
            tx.list::<Thing>(&place(), "a%")
        });
        assert_eq!(found.expect("a list").len(), 1);
    }

    #[test]
    fn a_newer_format_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state.sqlite");
        Store::open(Some(&path)).expect("a new store");
        let later = Connection::open(&path).expect("a connection");
        later
            .pragma_update(None, "user_version", FORMAT + 1)
            .expect("a later format");
        drop(later);
        assert!(matches!(
            Store::open(Some(&path)),
            Err(StoreError::Newer { .. })
        ));
    }
}
