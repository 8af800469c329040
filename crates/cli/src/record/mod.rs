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

/// The record of one run of `up` or `down`, as JSON: the last run of each stack, without secrets. `report` makes a page of it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Record {
    /// The version of this format: 1.
    pub schema: u32,
    /// The command line as it was given, program first. No flag of these commands takes a secret.
    pub command: Vec<String>,
    /// The time at which the run began, in UTC, by RFC 3339.
    pub started: String,
    /// The length of the run in milliseconds, to the microsecond.
    pub elapsed_ms: f64,
    /// The version of `provision-cli` that ran.
    pub version: String,
    /// The full id of the git commit that the current folder was at, with `-dirty` where tracked files differed from it; absent
    /// outside of a work tree and without git.
    pub commit: Option<String>,
    /// The name of the stack, which carries the environment: `serverless-lab-dev`.
    pub stack: String,
    /// The exit code of the process, as [`Exit::code`](crate::exit::Exit::code) returns it.
    pub exit_code: u8,
    /// The plan as `--json` prints it, with the status of each step; absent if the run ended before it was made.
    pub plan: Option<Value>,
    /// The fields of every resource of the plan, by step id.
    pub fields: BTreeMap<String, Fields>,
    /// Steps, calls, waits and notes in the order in which they were reported: a step when it began, a call when it ended.
    pub timeline: Vec<Entry>,
    /// The packages of the stack's functions; empty if the run ended before they were built.
    pub packages: Vec<Package>,
    /// The stack's outputs after the run, by name; `****` for a secret.
    pub outputs: Map<String, Value>,
    /// The errors as they were printed, without colours.
    pub errors: Vec<String>,
}

/// One resource as it was found and as it was wanted; null for none.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Fields {
    /// The fields as AWS reported them before the run; null if the resource did not exist.
    pub before: Value,
    /// The fields as they are declared, with references resolved once the run has ended; null if the resource is deleted.
    pub after: Value,
}

/// The package of one or more functions.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Package {
    /// The ids of the assets that share the package.
    pub assets: Vec<String>,
    /// Size and hash of the binary inside; absent where the package came with a saved plan, or is a zip or a folder of the stack's
    /// own.
    pub binary: Option<Fingerprint>,
    /// Size and hash of the zip that is uploaded.
    pub zip: Fingerprint,
    /// The SHA-256 of the zip in base64, as Lambda reports it in `CodeSha256`.
    pub code_sha256: String,
}
