//! The form of a fact in the data files.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::{Map, Value};

/// Something that AWS was seen to do, as calls and what came back.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fact {
    #[serde(rename = "fact")]
    pub(crate) name: String,
    /// The recording, as the folder's README lists them.
    pub(crate) source: String,
    /// Of the recording: `YYYY-MM-DD`, `YYYY-MM`, or empty if its source has none.
    pub(crate) date: String,
    /// What cannot be seen from within the process: header names as they were written, for one.
    #[serde(default)]
    pub(crate) only_over_http: bool,
    pub(crate) steps: Vec<Step>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Step {
    Call(Box<Call>),
    Function(Box<Function>),
    Use(Use),
}

/// The steps of that name in `common.json`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Use {
    #[serde(rename = "use")]
    pub(crate) name: String,
}

/// A function of this name is made, with a role, and is active.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Function {
    #[serde(rename = "function")]
    pub(crate) name: String,
    /// The value that it returns; its event without this.
    pub(crate) answers: Option<Value>,
    /// The error that it reports.
    pub(crate) fails: Option<Value>,
    pub(crate) prints: Option<String>,
    pub(crate) sleeps_ms: Option<u64>,
    pub(crate) exits: Option<i32>,
    /// Its stream, piece by piece.
    pub(crate) streams: Option<Vec<String>>,
    /// More of `CreateFunction`'s input.
    #[serde(default)]
    pub(crate) with: Map<String, Value>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Call {
    /// `SERVICE METHOD PATH`, `SERVICE Operation`, or `http METHOD PATH`.
    #[serde(rename = "do")]
    pub(crate) what: String,
    pub(crate) body: Option<Value>,
    /// A body that is no JSON.
    pub(crate) text: Option<String>,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    /// The status; one of success without this.
    pub(crate) is: Option<u16>,
    pub(crate) code: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) has: Option<Value>,
    #[serde(default)]
    pub(crate) lacks: Vec<String>,
    /// The whole body.
    pub(crate) answers: Option<String>,
    #[serde(default)]
    pub(crate) header: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) save: BTreeMap<String, String>,
    /// Refused by name, as what the local AWS has not; in any status.
    #[serde(default)]
    pub(crate) refused: bool,
    /// Repeated for so many seconds, until it is as told.
    #[serde(default)]
    pub(crate) within: u64,
}

/// A file's name and its facts.
pub(crate) fn all() -> Vec<(String, Vec<Fact>)> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder())
        .expect("the folder of facts")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.file_name().is_some_and(|name| name != "common.json"))
        .collect();
    files.sort();
    files
        .into_iter()
        .map(|path| {
            let area = path.file_stem().expect("a name").to_string_lossy();
            (area.into_owned(), read(&path))
        })
        .collect()
}

/// Lists of steps that facts share, by name.
pub(crate) fn common() -> BTreeMap<String, Vec<Step>> {
    read(&folder().join("common.json"))
}

/// What of operations that are carried out is refused by name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NotHere {
    /// `SERVICE Operation`.
    pub(crate) operation: String,
    pub(crate) what: String,
    pub(crate) steps: Vec<Step>,
}

pub(crate) fn not_here() -> Vec<NotHere> {
    read(&folder().with_file_name("not_here.json"))
}

fn read<T: serde::de::DeserializeOwned>(path: &std::path::Path) -> T {
    let text = fs::read_to_string(path).expect("a readable file");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/recorded/facts")
}
