//! `CreateFunction`, and functions read, listed and deleted.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::alias::Alias;
use super::checks::Checks;
use super::code::Kept;
use super::event_config::EventConfig;
use super::function::{self, Function, View};
use super::name::{self, LATEST, Named, is_alias};
use super::policy::Policy;
use super::refusals::{conflict, invalid, not_here};
use super::settings::{Changes, Settings, refuse_any};
use super::{change, code_signing, layer, location, role, storage, tags, url, versions};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::cloud::Cloud;
use crate::place::Place;
use crate::store::{Record, Tx};
use crate::{iam, ids};

/// AWS's: of any call.
const LARGEST_REQUEST: usize = 70_167_211;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Create {
    function_name: Option<String>,
    code: Option<FunctionCode>,
    package_type: Option<String>,
    architectures: Option<Vec<String>>,
    tags: Option<BTreeMap<String, String>>,
    publish: Option<bool>,
    code_signing_config_arn: Option<String>,
    #[serde(flatten)]
    changes: Changes,
}

/// Where code comes from.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct FunctionCode {
    zip_file: Option<String>,
    s3_bucket: Option<String>,
    s3_object_storage_mode: Option<Value>,
    #[serde(rename = "SourceKMSKeyArn")]
    source_kms_key_arn: Option<Value>,
    pub(super) image_uri: Option<String>,
}

/// There is no S3 here, so no bucket exists (localstack, `test_lambda_code_location_s3_errors`).
pub(super) fn no_bucket() -> Refusal {
    invalid(
        "Error occurred while GetObject. S3 Error Code: NoSuchBucket. S3 Error Message: The specified bucket does not exist",
    )
}

impl FunctionCode {
    /// Checks the code and keeps it.
    pub(super) async fn keep(self, cloud: &Arc<Cloud>, call: &Call) -> Result<Kept, Refusal> {
        if self.image_uri.is_some() {
            return Err(not_here("container images: send a zip"));
        }
        refuse_any(&[
            ("S3ObjectStorageMode", &self.s3_object_storage_mode),
            ("SourceKMSKeyArn", &self.source_kms_key_arn),
        ])?;
        let Some(zip) = self.zip_file else {
            return Err(match self.s3_bucket {
                Some(_) => no_bucket(),
                None => invalid("Please provide a source for function code."),
            });
        };
        let zip = STANDARD
            .decode(zip)
            .map_err(|_| call.malformed("ZipFile is not valid base64"))?;
        let cloud = Arc::clone(cloud);
        tokio::task::spawn_blocking(move || cloud.environments.code.keep(&cloud, zip))
            .await
            .map_err(|error| Refusal::internal(error.to_string()))?
    }
}

/// Refuses a request that AWS would not read.
pub(super) fn check_size(call: &Call) -> Result<(), Refusal> {
    if call.body.len() < LARGEST_REQUEST {
        return Ok(());
    }
    let message = format!(
        "Request must be smaller than {LARGEST_REQUEST} bytes for the {} operation",
        call.operation
    );
    Err(Refusal::new(413, "RequestEntityTooLargeException", message))
}

pub(super) fn architecture(architectures: Option<&Vec<String>>) -> Result<Option<String>, Refusal> {
    let Some(architectures) = architectures else {
        return Ok(None);
    };
    let mut checks = Checks::default();
    let value = format!("[{}]", architectures.join(", "));
    match architectures.len() {
        0 => checks.fail(
            value,
            "architectures",
            "have length greater than or equal to 1",
        ),
        1 => {
            let known = ["x86_64", "arm64"];
            let extra = ", Member must not be null";
            checks.each_of(architectures, "architectures", &known, extra);
        }
        _ => checks.fail(
            value,
            "architectures",
            "have length less than or equal to 1",
        ),
    }
    checks.finish()?;
    Ok(architectures.first().cloned())
}

pub(super) async fn create(cloud: &Arc<Cloud>, call: &Call) -> Result<Answer, Refusal> {
    check_size(call)?;
    let input: Create = call.input()?;
    let mut checks = Checks::default();
    let required = [
        (input.function_name.is_none(), "functionName"),
        (input.changes.role.is_none(), "role"),
        (input.code.is_none(), "code"),
    ];
    for (_, member) in required.iter().filter(|(is_missing, _)| *is_missing) {
        checks.missing(member);
    }
    if let Some(kind) = &input.package_type {
        checks.one_of(kind, "packageType", &["Image", "Zip"]);
    }
    checks.finish()?;
    let named = Named::to_create(
        &call.place,
        input.function_name.as_deref().unwrap_or_default(),
    )?;
    input.changes.check()?;
    let signing = input.code_signing_config_arn.as_deref();
    if let Some(arn) = signing.filter(|arn| !arn.is_empty()) {
        return Err(code_signing::no_config(arn));
    }
    if input.package_type.as_deref() == Some("Image") {
        return Err(not_here("container images: send a zip"));
    }
    if input.changes.runtime.is_none() || input.changes.handler.is_none() {
        return Err(invalid(
            "Runtime and Handler are mandatory parameters for functions created with deployment packages.",
        ));
    }
    let architecture =
        architecture(input.architectures.as_ref())?.unwrap_or_else(|| "x86_64".to_owned());
    let tags = input.tags.unwrap_or_default();
    tags::check(&tags)?;
    let layer_arns = input.changes.layers.clone().unwrap_or_default();
    let mut settings = Settings::default();
    input.changes.apply(None, &mut settings);
    let code = match input.code {
        Some(code) => code.keep(cloud, call).await?,
        None => return Err(invalid("Please provide a source for function code.")),
    };
    let pending = cloud.with_faults(|faults| faults.function_pending_ms);
    let body = change(cloud, |tx| {
        if function::latest(cloud, tx, &call.place, &named.name)?.is_some() {
            return Err(conflict(format!("Function already exist: {}", named.name)));
        }
        role::check(cloud, tx, &call.place, &settings.role)?;
        settings.layers = layer::resolve(tx, call, &layer_arns)?;
        layer::check_size(code.unzipped_size, &settings.layers)?;
        remove(tx, &call.place, &named.name)?;
        storage::check(tx, &call.place, code.size)?;
        let now = cloud.now();
        let function = Function {
            name: named.name.clone(),
            version: LATEST.to_owned(),
            settings,
            code_sha256: code.sha256.clone(),
            code_size: code.size,
            unzipped_size: code.unzipped_size,
            architecture,
            made: now,
            modified: now,
            revision: ids::uuid(),
            passing_revision: ids::uuid(),
            generation: ids::hex(16),
            active_at: now.saturating_add(pending),
            updated_at: now,
            gone_at: None,
            tags,
            reserved_concurrency: None,
            next_version: 1,
            published: None,
            allows_loops: false,
            runtime_update: None,
        };
        tx.put(&call.place, &function)?;
        if input.publish == Some(true) {
            let version = versions::publish_with_change(tx, &call.place, function, now)?;
            return Ok(version.describe(&call.place, None, View::Created));
        }
        Ok(function.describe(&call.place, None, View::Created))
    })?;
    Ok(Answer::json(201, body))
}

pub(super) fn get(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let named = Named::of(call)?;
    let (function, latest, untold) = cloud.store.transact(|tx| {
        let function = function::read(cloud, tx, &call.place, &named)?;
        let latest = function::to_change(cloud, tx, &call.place, &named)?;
        let arn = name::arn(&call.place, &function.name);
        let untold = iam::may(cloud, tx, call, "lambda:ListTags", &arn)?;
        Ok((function, latest, untold))
    })?;
    let mut out = json!({
        "Configuration": function.describe(&call.place, named.qualifier.as_deref(), View::At(cloud.now())),
        "Code": {
            "RepositoryType": "S3",
            "Location": location::url(cloud, &function.code_sha256)?,
        },
    });
    // AWS: "Lambda returns tag data only if you have explicit allow permissions for lambda:ListTags."
    if let Some(refusal) = untold {
        out["TagsError"] = json!({ "ErrorCode": refusal.code, "Message": refusal.message });
    } else if !latest.tags.is_empty() {
        out["Tags"] = json!(latest.tags);
    }
    if let Some(reserved) = latest.reserved_concurrency {
        out["Concurrency"] = json!({ "ReservedConcurrentExecutions": reserved });
    }
    Ok(Answer::ok(out))
}

pub(super) fn configuration(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let named = Named::of(call)?;
    let function = cloud
        .store
        .transact(|tx| function::read(cloud, tx, &call.place, &named))?;
    Ok(Answer::ok(function.describe(
        &call.place,
        named.qualifier.as_deref(),
        View::At(cloud.now()),
    )))
}

pub(super) fn list(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let every_version = match call.parameter("FunctionVersion") {
        None => false,
        Some("ALL") => true,
        Some(other) => {
            let mut checks = Checks::default();
            checks.one_of(other, "functionVersion", &["ALL"]);
            checks.finish()?;
            false
        }
    };
    // Functions of Lambda@Edge are replicated from another region.
    let master = call.parameter("MasterRegion").map(Value::from);
    refuse_any(&[("MasterRegion", &master)])?;
    let page = Page::of(call, 10_000)?;
    let now = cloud.now();
    let functions: Vec<Function> = cloud.store.transact(|tx| tx.list(&call.place, ""))?;
    let described = functions
        .into_iter()
        .filter(|function| every_version || function.version == LATEST)
        .filter(|function| !function.is_gone(now) && cloud.is_visible(function.made))
        .map(|function| {
            let key = function::key(&function.name, &function.version);
            let qualifier = every_version.then_some(function.version.as_str());
            (
                key,
                function.describe(&call.place, qualifier, View::Listed(now)),
            )
        });
    Ok(page.answer("Functions", described.collect()))
}

/// One page of things that are in the order of their keys; the marker is the last key before it.
pub(super) struct Page {
    after: String,
    most: usize,
}

impl Page {
    /// As `MaxItems`, of which `largest` are the most, and `Marker` ask for it.
    pub(super) fn of(call: &Call, largest: u16) -> Result<Self, Refusal> {
        let mut checks = Checks::default();
        let asked = call.parameter("MaxItems").map(|text| {
            let number = text.parse().unwrap_or(0);
            checks.range(number, "maxItems", 1, i64::from(largest));
            usize::try_from(number).unwrap_or(1)
        });
        checks.finish()?;
        let after = match call.parameter("Marker").filter(|marker| !marker.is_empty()) {
            None => String::new(),
            Some(marker) => STANDARD
                .decode(marker)
                .ok()
                .and_then(|bytes| String::from_utf8(bytes).ok())
                .ok_or_else(|| invalid("Invalid Marker"))?,
        };
        Ok(Self {
            after,
            // AWS: "returns a maximum of 50 items in each response, even if you set the number higher".
            most: asked.unwrap_or(50).clamp(1, 50),
        })
    }

    /// The things of this page, in the order of their keys, as the list `member`.
    pub(super) fn answer(self, member: &str, things: Vec<(String, Value)>) -> Answer {
        let mut left = things.into_iter().filter(|(key, _)| *key > self.after);
        let page: Vec<(String, Value)> = left.by_ref().take(self.most).collect();
        let last = page.last().map(|(key, _)| STANDARD.encode(key));
        let mut out = json!({});
        if left.next().is_some()
            && let Some(last) = last
        {
            out["NextMarker"] = json!(last);
        }
        out[member] = page.into_iter().map(|(_, thing)| thing).collect();
        Answer::ok(out)
    }
}

pub(super) fn delete(cloud: &Arc<Cloud>, call: &Call) -> Result<Answer, Refusal> {
    let named = Named::of(call)?;
    if named.qualifier.as_deref() == Some(LATEST) {
        return Err(invalid(
            "$LATEST version cannot be deleted without deleting the function.",
        ));
    }
    // Said before the function is looked for (localstack, `test_function_name_and_qualifier_validation`).
    if named.qualifier.as_deref().is_some_and(is_alias) {
        return Err(invalid("Deletion of aliases is not currently supported."));
    }
    let (deleting, ghost) =
        cloud.with_faults(|faults| (faults.function_deleting_ms, faults.ghost_log_group_ms));
    let settings = change(cloud, |tx| {
        let mut function = function::to_change(cloud, tx, &call.place, &named)?;
        let now = cloud.now();
        if let Some(version) = &named.qualifier {
            versions::remove(tx, &call.place, &named.name, version)?;
            return Ok(None);
        }
        function.check_active(now)?;
        let settings = function.settings.clone();
        if deleting == 0 {
            remove(tx, &call.place, &named.name)?;
        } else {
            function.gone_at = Some(now.saturating_add(deleting));
            tx.put(&call.place, &function)?;
        }
        Ok(Some(settings))
    })?;
    if let Some(settings) = settings {
        let ran = cloud.environments.forget(&call.place, &named.name);
        if let Some(stream) = ran.filter(|_| ghost > 0) {
            let group = settings.logging.group(&named.name);
            let role = role::name(&settings.role).to_owned();
            let late = Late {
                place: call.place.clone(),
                role,
                group,
                stream,
            };
            tokio::spawn(late.flush(Arc::downgrade(cloud), ghost));
        }
        tokio::spawn(finish(
            Arc::downgrade(cloud),
            call.place.clone(),
            named.name,
            deleting,
        ));
    }
    Ok(Answer::empty(204))
}

/// What is left of a function that is gone goes too.
async fn finish(cloud: Weak<Cloud>, place: Place, name: String, after: u64) {
    if after > 0 {
        tokio::time::sleep(Duration::from_millis(after)).await;
    }
    let Some(cloud) = cloud.upgrade() else { return };
    let _ = change(&cloud, |tx| {
        let function = tx.get::<Function>(&place, &function::key(&name, LATEST))?;
        if function.is_some_and(|function| function.is_gone(cloud.now())) {
            remove(tx, &place, &name)?;
        }
        Ok(())
    });
    code_sweep(cloud).await;
}

/// Removes code that no function has any more.
pub(super) async fn code_sweep(cloud: Arc<Cloud>) {
    let _ = tokio::task::spawn_blocking(move || cloud.environments.code.sweep(&cloud)).await;
}

/// Everything that is kept of a function.
fn remove(tx: &Tx, place: &Place, name: &str) -> Result<(), Refusal> {
    let prefix = function::key(name, "");
    for function in tx.list::<Function>(place, &prefix)? {
        tx.remove::<Function>(place, &function::key(name, &function.version))?;
    }
    for alias in tx.list::<Alias>(place, &prefix)? {
        tx.remove::<Alias>(place, &function::key(name, &alias.name))?;
    }
    for policy in tx.list::<Policy>(place, &prefix)? {
        tx.remove::<Policy>(place, &function::key(name, &policy.qualifier))?;
    }
    for config in tx.list::<EventConfig>(place, &prefix)? {
        tx.remove::<EventConfig>(place, &config.key())?;
    }
    url::remove_all(tx, place, name)
}

/// An environment that had not yet delivered its last line when its function went.
struct Late {
    place: Place,
    role: String,
    group: String,
    stream: String,
}

impl Late {
    async fn flush(self, cloud: Weak<Cloud>, after: u64) {
        tokio::time::sleep(Duration::from_millis(after)).await;
        let Some(cloud) = cloud.upgrade() else { return };
        let line = (cloud.now(), format!("END RequestId: {}\n", ids::uuid()));
        // Without the right to make the group, nothing comes back: as on AWS.
        let _ = crate::logs::deliver(
            &cloud,
            &self.place,
            &self.role,
            &self.group,
            &self.stream,
            &[line],
        );
    }
}
