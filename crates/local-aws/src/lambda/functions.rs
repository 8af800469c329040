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
use super::function::{self, Function, View};
use super::name::{self, LATEST, Named};
use super::policy::Policy;
use super::refusals::{conflict, invalid, not_here};
use super::settings::{Changes, Settings};
use super::{change, role, tags, url, versions};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::cloud::Cloud;
use crate::place::Place;
use crate::store::Tx;
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
    #[serde(flatten)]
    changes: Changes,
}

/// Where code comes from.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct FunctionCode {
    zip_file: Option<String>,
    s3_bucket: Option<String>,
    image_uri: Option<String>,
}

impl FunctionCode {
    /// Checks the code and keeps it.
    pub(super) async fn keep(self, cloud: &Arc<Cloud>, call: &Call) -> Result<Kept, Refusal> {
        if self.image_uri.is_some() {
            return Err(not_here("container images: send a zip"));
        }
        let Some(zip) = self.zip_file else {
            return Err(match self.s3_bucket {
                Some(_) => not_here("code in S3: send it as `ZipFile`"),
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
    if let [one] = &architectures[..] {
        checks.one_of(one, "architectures", &["x86_64", "arm64"]);
    } else {
        let value = format!("[{}]", architectures.join(", "));
        checks.fail(value, "architectures", "have length equal to 1");
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
    let named = Named::at(
        &call.place,
        input.function_name.as_deref().unwrap_or_default(),
    )?;
    input.changes.check()?;
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
    let mut settings = Settings::default();
    input.changes.apply(&mut settings);
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
        remove(tx, &call.place, &named.name)?;
        let now = cloud.now();
        let function = Function {
            name: named.name.clone(),
            version: LATEST.to_owned(),
            settings,
            code_sha256: code.sha256.clone(),
            code_size: code.size,
            architecture,
            made: now,
            modified: now,
            revision: ids::uuid(),
            generation: ids::hex(16),
            active_at: now.saturating_add(pending),
            updated_at: now,
            gone_at: None,
            tags,
            reserved_concurrency: None,
            next_version: 1,
        };
        tx.put(&call.place, &function)?;
        if input.publish == Some(true) {
            let version = versions::publish(tx, &call.place, function, None, now)?;
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
            "Location": format!(
                "https://awslambda-{region}-tasks.s3.{region}.amazonaws.com/snapshots/{}/{}-{}",
                call.place.account, function.name, function.generation, region = call.place.region
            ),
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
    let now = cloud.now();
    let functions: Vec<Function> = cloud.store.transact(|tx| tx.list(&call.place, ""))?;
    let described = functions
        .into_iter()
        .filter(|function| every_version || function.version == LATEST)
        .filter(|function| !function.is_gone(now) && cloud.is_visible(function.made))
        .map(|function| {
            let key = function::key(&function.name, &function.version);
            let qualifier = every_version.then_some(function.version.as_str());
            (key, function.describe(&call.place, qualifier, View::Listed))
        });
    page(call, "Functions", described.collect())
}

/// One page of things that are in the order of their keys; the marker is the last key before it.
pub(super) fn page(
    call: &Call,
    member: &str,
    things: Vec<(String, Value)>,
) -> Result<Answer, Refusal> {
    let mut checks = Checks::default();
    let asked = call.parameter("MaxItems").map(|text| {
        let number = text.parse().unwrap_or(0);
        checks.range(number, "maxItems", 1, 10_000);
        usize::try_from(number).unwrap_or(1)
    });
    checks.finish()?;
    // AWS: "returns a maximum of 50 items in each response, even if you set the number higher".
    let most = asked.unwrap_or(50).clamp(1, 50);
    let after = match call.parameter("Marker").filter(|marker| !marker.is_empty()) {
        None => String::new(),
        Some(marker) => STANDARD
            .decode(marker)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .ok_or_else(|| invalid("Invalid Marker"))?,
    };
    let mut left = things.into_iter().filter(|(key, _)| *key > after);
    let page: Vec<(String, Value)> = left.by_ref().take(most).collect();
    let last = page.last().map(|(key, _)| STANDARD.encode(key));
    let mut out = json!({});
    if left.next().is_some()
        && let Some(last) = last
    {
        out["NextMarker"] = json!(last);
    }
    out[member] = page.into_iter().map(|(_, thing)| thing).collect();
    Ok(Answer::ok(out))
}

pub(super) fn delete(cloud: &Arc<Cloud>, call: &Call) -> Result<Answer, Refusal> {
    let named = Named::of(call)?;
    if named.qualifier.as_deref() == Some(LATEST) {
        return Err(invalid(
            "$LATEST version cannot be deleted without deleting the function.",
        ));
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
