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
