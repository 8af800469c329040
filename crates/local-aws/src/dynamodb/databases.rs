//! One database for each place that has tables.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use dynoxide::Database;

use crate::answer::Refusal;
use crate::place::Place;

pub(crate) struct Databases {
    folder: Option<PathBuf>,
    open: Mutex<HashMap<Place, Database>>,
}

impl Databases {
    pub(crate) fn new(folder: Option<PathBuf>) -> Self {
        Self {
            folder: folder.map(|folder| folder.join("dynamodb")),
            open: Mutex::default(),
        }
    }

    /// Opens it at its first use.
    pub(super) fn at(&self, place: &Place) -> Result<Database, Refusal> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(database) = open.get(place) {
            return Ok(database.clone());
        }
        let database = match &self.folder {
            None => Database::memory(),
            Some(folder) => {
                fs::create_dir_all(folder)
                    .map_err(|error| Refusal::internal(format!("{}: {error}", folder.display())))?;
                let name = format!("{}-{}.sqlite", place.account, place.region);
                Database::new(&folder.join(name).to_string_lossy())
            }
        }
        .map_err(|error| Refusal::internal(format!("the local state: {error}")))?;
        open.insert(place.clone(), database.clone());
        Ok(database)
    }

    /// Removes items whose time has come.
    pub(crate) async fn sweep(&self) {
        let open: Vec<Database> = self
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .cloned()
            .collect();
        // What cannot be swept now is swept the next time.
        let _ = tokio::task::spawn_blocking(move || {
            for database in open {
                let _ = database.sweep_ttl();
            }
        })
        .await;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::dynamodb::operations;

    fn run(database: &Database, operation: &str, request: &Value) -> Value {
        let answer = operations::run(database, operation, request.to_string().as_bytes());
        serde_json::from_str(&answer.expect("it is carried out")).expect("JSON")
    }

    #[tokio::test]
    async fn items_whose_time_is_over_are_swept() {
        let databases = Databases::new(None);
        let place = Place {
            account: "0".into(),
            region: "r".into(),
        };
        let database = databases.at(&place).expect("a database in memory");
        let table = json!({
            "TableName": "sessions",
            "AttributeDefinitions": [{ "AttributeName": "id", "AttributeType": "S" }],
            "KeySchema": [{ "AttributeName": "id", "KeyType": "HASH" }],
            "BillingMode": "PAY_PER_REQUEST",
        });
        run(&database, "CreateTable", &table);
        let ttl = json!({ "TableName": "sessions", "TimeToLiveSpecification": {
            "Enabled": true, "AttributeName": "until",
        }});
        run(&database, "UpdateTimeToLive", &ttl);
        let now = std::time::SystemTime::now();
        let now = now
            .duration_since(std::time::UNIX_EPOCH)
            .expect("after 1970");
        for (id, until) in [
            ("over", now.as_secs() - 60),
            ("lasting", now.as_secs() + 600),
        ] {
            let item = json!({ "TableName": "sessions", "Item": {
                "id": { "S": id }, "until": { "N": until.to_string() },
            }});
            run(&database, "PutItem", &item);
        }
        databases.sweep().await;
        let left = run(&database, "Scan", &json!({ "TableName": "sessions" }));
        assert_eq!(left["Count"], 1, "{left}");
        assert_eq!(left["Items"][0]["id"]["S"], "lasting");
    }
}
