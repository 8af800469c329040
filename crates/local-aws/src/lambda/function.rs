//! A function as it is kept, and as Lambda describes it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::alias::Alias;
use super::layer::Used;
use super::name::{LATEST, Named, arn, is_number};
use super::refusals::{conflict, no_alias, no_function};
use super::settings::Settings;
use crate::answer::Refusal;
use crate::clock::{Moment, lambda_time};
use crate::cloud::Cloud;
use crate::ids;
use crate::place::Place;
use crate::store::{Record, Tx};

/// One version of a function; `$LATEST` also keeps what the versions have in common.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Function {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) settings: Settings,
    /// Base64 of the SHA-256 of its zip.
    pub(super) code_sha256: String,
    pub(super) code_size: u64,
    pub(super) architecture: String,
    pub(super) made: Moment,
    pub(super) modified: Moment,
    /// Bytes of what the zip unpacks to.
    #[serde(default)]
    pub(super) unzipped_size: u64,
    /// New with every change of the function.
    pub(super) revision: String,
    /// The revision until the change under way has come to its end.
    #[serde(default)]
    pub(super) passing_revision: String,
    /// New with every change that its environments have to see.
    pub(super) generation: String,
    /// `Pending` until then.
    pub(super) active_at: Moment,
    /// `InProgress` until then.
    pub(super) updated_at: Moment,
    /// `Deleting` until then, and gone afterwards.
    pub(super) gone_at: Option<Moment>,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) reserved_concurrency: Option<u32>,
    pub(super) next_version: u64,
    /// Of `$LATEST`: its contents when a version was last published.
    #[serde(default)]
    pub(super) published: Option<String>,
    /// Of `$LATEST`: `Allow` if loops are not ended.
    #[serde(default)]
    pub(super) allows_loops: bool,
    /// `UpdateRuntimeOn`, where it is not `Auto`.
    #[serde(default)]
    pub(super) runtime_update: Option<String>,
}

impl Record for Function {
    const KIND: &'static str = "lambda-function";

    fn key(&self) -> String {
        key(&self.name, &self.version)
    }
}

pub(super) fn key(name: &str, version: &str) -> String {
    format!("{name}/{version}")
}

/// The part of a configuration that is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    /// As it is at this moment.
    At(Moment),
    /// As the call that created it answers: AWS says `Pending` and has no update status yet.
    Created,
    /// As the call that changed it answers: still in progress.
    Updated,
    /// As lists have it: without states (AWS: `ListFunctions`, "a subset of the fields").
    Listed(Moment),
}

impl Function {
    pub(super) fn is_gone(&self, now: Moment) -> bool {
        self.gone_at.is_some_and(|gone_at| gone_at <= now)
    }

    pub(super) fn state(&self, now: Moment) -> &'static str {
        if self.gone_at.is_some() {
            "Deleting"
        } else if now < self.active_at {
            "Pending"
        } else {
            "Active"
        }
    }

    /// Refuses what cannot be done to a function that is being made or deleted.
    pub(super) fn check_active(&self, now: Moment) -> Result<(), Refusal> {
        match self.state(now) {
            "Active" => Ok(()),
            state => Err(conflict(format!(
                "The operation cannot be performed at this time. The function is currently in the following state: {state}"
            ))),
        }
    }

    /// Refuses a change before the one before it has come to its end.
    pub(super) fn check_changeable(&self, place: &Place, now: Moment) -> Result<(), Refusal> {
        self.check_active(now)?;
        if now < self.updated_at {
            return Err(conflict(format!(
                "The operation cannot be performed at this time. An update is in progress for resource: {}",
                arn(place, &self.name)
            )));
        }
        Ok(())
    }

    /// It is another one from now on.
    pub(super) fn touch(&mut self) {
        self.revision = ids::uuid();
        self.passing_revision.clone_from(&self.revision);
    }

    /// As [`Self::touch`], and once more when the change has come to its end.
    pub(super) fn touch_twice(&mut self) {
        self.touch();
        self.passing_revision = ids::uuid();
    }

    /// The revision at a moment.
    pub(super) fn revision(&self, now: Moment) -> &str {
        if now < self.active_at.max(self.updated_at) && !self.passing_revision.is_empty() {
            &self.passing_revision
        } else {
            &self.revision
        }
    }

    fn shown_revision(&self, view: View) -> &str {
        match view {
            View::Created | View::Updated if !self.passing_revision.is_empty() => {
                &self.passing_revision
            }
            View::At(now) | View::Listed(now) => self.revision(now),
            View::Created | View::Updated => &self.revision,
        }
    }

    /// The configuration, with an ARN that has the qualifier it was asked by.
    pub(super) fn describe(&self, place: &Place, qualifier: Option<&str>, view: View) -> Value {
        // The answer that makes a version with the function or its code names the function.
        let is_version = self.version != LATEST && view != View::Created;
        let qualifier = qualifier.or_else(|| is_version.then_some(self.version.as_str()));
        let named = Named {
            name: self.name.clone(),
            qualifier: qualifier.map(ToOwned::to_owned),
        };
        let mut out = Map::new();
        let mut put = |name: &str, value: Value| {
            if !value.is_null() {
                out.insert(name.to_owned(), value);
            }
        };
        let settings = &self.settings;
        put("FunctionName", json!(self.name));
        put("FunctionArn", json!(named.arn(place)));
        put("Runtime", json!(settings.runtime));
        put("Role", json!(settings.role));
        put("Handler", json!(settings.handler));
        put("CodeSize", json!(self.code_size));
        put("Description", json!(settings.description));
        put("Timeout", json!(settings.timeout));
        put("MemorySize", json!(settings.memory));
        put("LastModified", json!(lambda_time(self.modified)));
        put("CodeSha256", json!(self.code_sha256));
        put("Version", json!(self.version));
        if let Some(variables) = &settings.environment {
            put("Environment", json!({ "Variables": variables }));
        }
        if let Some(target) = &settings.dead_letter_target {
            put("DeadLetterConfig", json!({ "TargetArn": target }));
        }
        put("KMSKeyArn", json!(settings.kms_key));
        put("TracingConfig", json!({ "Mode": settings.tracing }));
        put("RevisionId", json!(self.shown_revision(view)));
        if !settings.layers.is_empty() {
            let layers = settings.layers.iter().map(Used::describe);
            put("Layers", layers.collect());
        }
        for (name, value) in self.states(view) {
            put(name, json!(value));
        }
        put("PackageType", json!("Zip"));
        put("Architectures", json!([self.architecture]));
        put(
            "EphemeralStorage",
            json!({ "Size": settings.ephemeral_storage }),
        );
        put(
            "SnapStart",
            json!({ "ApplyOn": settings.snap_start, "OptimizationStatus": self.snap_start_status() }),
        );
        if !matches!(view, View::Listed(_)) {
            put(
                "RuntimeVersionConfig",
                json!({ "RuntimeVersionArn": runtime_version(place, &settings.runtime) }),
            );
        }
        put("LoggingConfig", settings.logging.describe(&self.name));
        Value::Object(out)
    }

    fn snap_start_status(&self) -> &'static str {
        if self.version != LATEST && self.settings.snap_start == "PublishedVersions" {
            "On"
        } else {
            "Off"
        }
    }

    /// What a version is made of: if it is as it was, no version is made.
    pub(super) fn contents(&self) -> String {
        json!([self.settings, self.code_sha256, self.architecture]).to_string()
    }

    fn states(&self, view: View) -> Vec<(&'static str, &'static str)> {
        let pending = [
            ("State", "Pending"),
            ("StateReason", "The function is being created."),
            ("StateReasonCode", "Creating"),
        ];
        let updating = [
            ("State", "Active"),
            ("LastUpdateStatus", "InProgress"),
            ("LastUpdateStatusReason", "The function is being created."),
            ("LastUpdateStatusReasonCode", "Creating"),
        ];
        match view {
            View::Listed(_) => vec![],
            View::Created => pending.to_vec(),
            View::Updated => updating.to_vec(),
            View::At(now) => match self.state(now) {
                "Pending" => pending.to_vec(),
                "Active" if now < self.updated_at => updating.to_vec(),
                state => vec![("State", state), ("LastUpdateStatus", "Successful")],
            },
        }
    }
}

/// The same for the same runtime, as it is on AWS until Lambda moves it.
pub(super) fn runtime_version(place: &Place, runtime: &str) -> String {
    use sha2::{Digest, Sha256};
    use std::fmt::Write;
    let mut arn = format!(
        "arn:{}:lambda:{}::runtime:",
        place.partition(),
        place.region
    );
    for byte in Sha256::digest(runtime.as_bytes()) {
        let _ = write!(arn, "{byte:02x}");
    }
    arn
}

/// `$LATEST` of the function, whatever its state.
pub(super) fn latest(
    cloud: &Cloud,
    tx: &Tx,
    place: &Place,
    name: &str,
) -> Result<Option<Function>, Refusal> {
    let function = tx.get::<Function>(place, &key(name, LATEST))?;
    Ok(function.filter(|function| !function.is_gone(cloud.now())))
}

/// `$LATEST`, for a change.
pub(super) fn to_change(
    cloud: &Cloud,
    tx: &Tx,
    place: &Place,
    named: &Named,
) -> Result<Function, Refusal> {
    latest(cloud, tx, place, &named.name)?.ok_or_else(|| no_function(&arn(place, &named.name)))
}

/// The version that the qualifier names, by itself or through an alias.
pub(super) fn resolve(
    cloud: &Cloud,
    tx: &Tx,
    place: &Place,
    named: &Named,
) -> Result<Function, Refusal> {
    let missing = || no_function(&named.arn(place));
    let latest = latest(cloud, tx, place, &named.name)?.ok_or_else(missing)?;
    let Some(qualifier) = named.qualifier.as_deref().filter(|name| *name != LATEST) else {
        return Ok(latest);
    };
    let version = if is_number(qualifier) {
        qualifier.to_owned()
    } else {
        tx.get::<Alias>(place, &key(&named.name, qualifier))?
            .ok_or_else(missing)?
            .version
    };
    if version == LATEST {
        return Ok(latest);
    }
    tx.get::<Function>(place, &key(&named.name, &version))?
        .ok_or_else(missing)
}

/// As [`resolve`]; what could be an alias and is missing is said to be one.
pub(super) fn resolve_alias(
    cloud: &Cloud,
    tx: &Tx,
    place: &Place,
    named: &Named,
) -> Result<Function, Refusal> {
    resolve(cloud, tx, place, named).map_err(|refusal| match &named.qualifier {
        Some(qualifier) if refusal.status == 404 && super::name::is_alias(qualifier) => {
            no_alias(&named.arn(place))
        }
        _ => refusal,
    })
}

/// As [`resolve`], for a read: what was made a moment ago may not be seen yet.
pub(super) fn read(
    cloud: &Cloud,
    tx: &Tx,
    place: &Place,
    named: &Named,
) -> Result<Function, Refusal> {
    let function = resolve(cloud, tx, place, named)?;
    if cloud.is_visible(function.made) {
        Ok(function)
    } else {
        Err(no_function(&named.arn(place)))
    }
}
