//! Functions' zips, kept by their hash, and unpacked when they first run.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::archive;
use super::function::Function;
use super::layer::Version;
use super::refusals::invalid;
use crate::answer::Refusal;
use crate::cloud::Cloud;
use crate::ids;
use crate::store::Record;

/// Below the folder of the AWS, or in memory with a folder for what runs among the machine's temporary ones.
#[derive(Debug, Default)]
pub(super) struct Code {
    state: Arc<Mutex<State>>,
    temporary: OnceLock<PathBuf>,
}

#[derive(Debug, Default)]
struct State {
    /// What must stay although no function that is kept has it: it is being created, or it runs.
    pins: HashMap<String, usize>,
    memory: HashMap<String, Bytes>,
}

/// A zip that was taken; it stays at least as long as this does.
#[derive(Debug)]
pub(super) struct Kept {
    /// Base64 of its SHA-256.
    pub(super) sha256: String,
    pub(super) size: u64,
    /// Bytes of what it unpacks to.
    pub(super) unzipped_size: u64,
    _pin: Pin,
}

/// Unpacked code, which stays at least as long as this does.
#[derive(Debug)]
pub(super) struct TaskRoot {
    pub(super) path: PathBuf,
    _pin: Pin,
}

/// Keeps something that has no function.
#[derive(Debug)]
pub(super) struct Pin {
    state: Arc<Mutex<State>>,
    sha256: String,
}

impl Code {
    /// Checks a zip and keeps it. Takes its time: not for an asynchronous thread.
    pub(super) fn keep(&self, cloud: &Cloud, zip: Vec<u8>) -> Result<Kept, Refusal> {
        if zip.len() >= archive::LARGEST_ZIP {
            return Err(Refusal::new(
                413,
                "RequestEntityTooLargeException",
                format!(
                    "Zipped size must be smaller than {} bytes",
                    archive::LARGEST_ZIP
                ),
            ));
        }
        let unzipped_size = archive::check(&zip).map_err(|why| invalid(why.to_string()))?;
        let sha256 = STANDARD.encode(Sha256::digest(&zip));
        let size = zip.len() as u64;
        let mut state = self.lock();
        match &cloud.folder {
            Some(folder) => write_once(&folder.join("code"), &file_name(&sha256), &zip)
                .map_err(|error| disk(&error))?,
            None => {
                state.memory.insert(sha256.clone(), zip.into());
            }
        }
        Ok(Kept {
            _pin: self.pin(&mut state, &sha256),
            sha256,
            size,
            unzipped_size,
        })
    }

    /// The zip with this hash, if it is kept. Takes its time.
    pub(super) fn zip(&self, cloud: &Cloud, sha256: &str) -> io::Result<Option<Bytes>> {
        let state = self.lock();
        match &cloud.folder {
            None => Ok(state.memory.get(sha256).cloned()),
            Some(folder) => match fs::read(folder.join("code").join(file_name(sha256))) {
                Ok(bytes) => Ok(Some(bytes.into())),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(error),
            },
        }
    }

    /// Where a zip is unpacked; it is unpacked now if it never was. Takes its time.
    pub(super) fn unpacked(&self, cloud: &Cloud, sha256: &str) -> io::Result<TaskRoot> {
        let mut state = self.lock();
        let root = self.root(cloud);
        let path = root.join(folder_name(sha256));
        if !path.is_dir() {
            let zip = match &cloud.folder {
                Some(_) => fs::read(root.join(file_name(sha256)))?.into(),
                None => state.memory.get(sha256).cloned().unwrap_or_default(),
            };
            let draft = root.join(format!(".{}", ids::lower(12)));
            archive::unpack(&zip, &draft).and_then(|()| fs::rename(&draft, &path))?;
        }
        Ok(TaskRoot {
            path,
            _pin: self.pin(&mut state, sha256),
        })
    }

    /// A name of its own for a folder beside the code, which stays at least as long as the second value does.
    pub(super) fn reserve(&self) -> (String, Pin) {
        let name = format!(".opt-{}", ids::lower(12));
        let pin = self.pin(&mut self.lock(), &name);
        (name, pin)
    }

    /// Removes what no function and no layer has. Takes its time.
    pub(super) fn sweep(&self, cloud: &Cloud) -> Result<(), Refusal> {
        let mut state = self.lock();
        let mut used: HashSet<String> = cloud.store.transact(|tx| {
            // A function keeps its layers' archives although the layer's version may have been deleted.
            let mut statement = tx.sql().prepare_cached(
                "SELECT json_extract(body, '$.code_sha256') FROM record WHERE kind IN (?1, ?2)
                 UNION
                 SELECT json_extract(layer.value, '$.code_sha256')
                 FROM record, json_each(record.body, '$.settings.layers') AS layer
                 WHERE kind = ?1",
            )?;
            let rows = statement.query_map([Function::KIND, Version::KIND], |row| row.get(0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })?;
        used.extend(state.pins.keys().cloned());
        state.memory.retain(|sha256, _| used.contains(sha256));
        let names: HashSet<String> = used
            .iter()
            .flat_map(|name| [file_name(name), folder_name(name), name.clone()])
            .collect();
        let Ok(entries) = fs::read_dir(self.root(cloud)) else {
            return Ok(());
        };
        for entry in entries.flatten() {
            if names.contains(entry.file_name().to_string_lossy().as_ref()) {
                continue;
            }
            let path = entry.path();
            // What cannot be removed now is there for the next time.
            let _ = if path.is_dir() {
                fs::remove_dir_all(path)
            } else {
                fs::remove_file(path)
            };
        }
        Ok(())
    }

    fn root(&self, cloud: &Cloud) -> PathBuf {
        match &cloud.folder {
            Some(folder) => folder.join("code"),
            None => self
                .temporary
                .get_or_init(|| {
                    std::env::temp_dir().join(format!(
                        "local-aws-{}-{}",
                        std::process::id(),
                        ids::lower(8)
                    ))
                })
                .clone(),
        }
    }

    fn pin(&self, state: &mut State, sha256: &str) -> Pin {
        *state.pins.entry(sha256.to_owned()).or_insert(0) += 1;
        Pin {
            state: Arc::clone(&self.state),
            sha256: sha256.to_owned(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = state.pins.get_mut(&self.sha256) {
            *count -= 1;
            if *count == 0 {
                state.pins.remove(&self.sha256);
            }
        }
    }
}

impl Drop for Code {
    fn drop(&mut self) {
        if let Some(folder) = self.temporary.get() {
            let _ = fs::remove_dir_all(folder);
        }
    }
}

/// On disk, whole, when this returns.
fn write_once(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let path = folder.join(name);
    if path.exists() {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    let draft = folder.join(format!(".{}", ids::lower(12)));
    let mut file = File::create(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&draft, &path)?;
    File::open(folder)?.sync_all()
}

/// A file's name cannot have base64's `/`.
pub(super) fn folder_name(sha256: &str) -> String {
    let hash = STANDARD.decode(sha256).unwrap_or_default();
    // A leading dot is a draft's, and no hash has one.
    URL_SAFE_NO_PAD.encode(hash)
}

/// The hash that [`folder_name`] was made of.
pub(super) fn hash_of(folder_name: &str) -> Option<String> {
    let hash = URL_SAFE_NO_PAD.decode(folder_name).ok()?;
    Some(STANDARD.encode(hash))
}

fn file_name(sha256: &str) -> String {
    format!("{}.zip", folder_name(sha256))
}

fn disk(error: &io::Error) -> Refusal {
    Refusal::internal(format!("the function's code cannot be kept: {error}"))
}
