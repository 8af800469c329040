//! The record of a run: what was planned, called, waited for and changed, for whoever looks at it afterwards.
//!
//! It is no state: nothing is ever decided by it, and a run that cannot write it is as good as any.

mod commit;
mod recorder;
mod store;
mod timeline;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use provision_package::Fingerprint;

pub(crate) use self::recorder::Recorder;
pub use self::store::Runs;
pub(crate) use self::store::folder;
pub use self::timeline::Entry;
pub(crate) use self::timeline::Timeline;

/// One run of `up` or `down`. Written as JSON; its `schema` is 1.
#[derive(Debug, Serialize, Deserialize)]
pub struct Record {
    pub schema: u32,
    /// The command line as it was given. No flag of these commands takes a secret.
    pub command: Vec<String>,
    /// When the run began, in UTC, by RFC 3339.
    pub started: String,
    pub elapsed_ms: f64,
    /// Of this program.
    pub version: String,
    /// Of the folder it ran in, with `-dirty` where files were changed since.
    pub commit: Option<String>,
    pub stack: String,
    pub exit_code: u8,
    /// The plan as `--json` prints it, with the status of each step; absent if the run ended before it was made.
    pub plan: Option<Value>,
    /// By step id.
    pub fields: BTreeMap<String, Fields>,
    pub timeline: Vec<Entry>,
    pub packages: Vec<Package>,
    /// The key's value is masked.
    pub outputs: Map<String, Value>,
    /// As they were printed.
    pub errors: Vec<String>,
}

/// One resource as it was found and as it was wanted; null for none.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Fields {
    pub before: Value,
    pub after: Value,
}

/// The package of one or more functions.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Package {
    /// The ids of the assets that it is for.
    pub assets: Vec<String>,
    /// Absent where the package came with a saved plan.
    pub binary: Option<Fingerprint>,
    pub zip: Fingerprint,
    /// The zip's SHA-256 in base64, as Lambda reports it.
    pub code_sha256: String,
}
