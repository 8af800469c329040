//! `UpdateFunctionCode` and `UpdateFunctionConfiguration`.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::function::{self, Function, View};
use super::functions::{FunctionCode, architecture, check_size, code_sweep};
use super::name::Named;
use super::refusals::{invalid, stale};
use super::settings::{Changes, refuse_any};
use super::{change, layer, role, storage, versions};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::clock::Moment;
use crate::cloud::Cloud;
use crate::ids;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UpdateCode {
    architectures: Option<Vec<String>>,
    publish: Option<bool>,
    dry_run: Option<bool>,
    revision_id: Option<String>,
    publish_to: Option<Value>,
    #[serde(flatten)]
    code: FunctionCode,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UpdateConfiguration {
    revision_id: Option<String>,
    #[serde(flatten)]
    changes: Changes,
}

pub(super) async fn code(cloud: &Arc<Cloud>, call: &Call) -> Result<Answer, Refusal> {
    check_size(call)?;
    let named = Named::of(call)?;
    let input: UpdateCode = call.input()?;
    let architecture = architecture(input.architectures.as_ref())?;
    refuse_any(&[("PublishTo", &input.publish_to)])?;
    // What is not there is said before the code is looked at.
    cloud
        .store
        .transact(|tx| function::to_change(cloud, tx, &call.place, &named))?;
    if input.code.image_uri.is_some() {
        return Err(invalid(
            "Please don't provide ImageUri when updating a function with packageType Zip.",
        ));
    }
    let code = input.code.keep(cloud, call).await?;
    let is_dry = input.dry_run == Some(true);
    let updating = cloud.with_faults(|faults| faults.function_updating_ms);
    let body = change(cloud, |tx| {
        let now = cloud.now();
        let mut function = function::to_change(cloud, tx, &call.place, &named)?;
        check_revision(&function, input.revision_id.as_deref(), now)?;
        function.check_changeable(&call.place, now)?;
        layer::check_size(code.unzipped_size, &function.settings.layers)?;
        // The zip that it replaces goes, unless a version has it too.
        storage::check(
            tx,
            &call.place,
            code.size.saturating_sub(function.code_size),
        )?;
        function.code_sha256.clone_from(&code.sha256);
        function.code_size = code.size;
        function.unzipped_size = code.unzipped_size;
        if let Some(architecture) = architecture {
            function.architecture = architecture;
        }
        if is_dry {
            return Ok(function.describe(&call.place, None, View::At(now)));
        }
        renew(&mut function, now, updating);
        tx.put(&call.place, &function)?;
        if input.publish == Some(true) {
            let version = versions::publish_with_change(tx, &call.place, function, now)?;
            return Ok(version.describe(&call.place, None, View::Created));
        }
        Ok(function.describe(&call.place, None, View::Updated))
    })?;
    drop(code);
    tokio::spawn(code_sweep(Arc::clone(cloud)));
    Ok(Answer::ok(body))
}

pub(super) fn configuration(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let named = Named::of(call)?;
    let input: UpdateConfiguration = call.input()?;
    input.changes.check()?;
    let updating = cloud.with_faults(|faults| faults.function_updating_ms);
    let body = change(cloud, |tx| {
        let now = cloud.now();
        let mut function = function::to_change(cloud, tx, &call.place, &named)?;
        check_revision(&function, input.revision_id.as_deref(), now)?;
        function.check_changeable(&call.place, now)?;
        if let Some(role) = &input.changes.role {
            role::check(cloud, tx, &call.place, role)?;
        }
        let arns = input.changes.layers.as_ref();
        let layers = arns
            .map(|arns| layer::resolve(tx, call, arns))
            .transpose()?;
        input.changes.apply(layers, &mut function.settings);
        layer::check_size(function.unzipped_size, &function.settings.layers)?;
        renew(&mut function, now, updating);
        tx.put(&call.place, &function)?;
        Ok(function.describe(&call.place, None, View::Updated))
    })?;
    Ok(Answer::ok(body))
}

/// Its environments end, and new ones see what has changed.
fn renew(function: &mut Function, now: Moment, updating: u64) {
    function.touch_twice();
    function.generation = ids::hex(16);
    function.modified = now;
    function.updated_at = now.saturating_add(updating);
}

pub(super) fn check_revision(
    function: &Function,
    asked: Option<&str>,
    now: Moment,
) -> Result<(), Refusal> {
    match asked.filter(|asked| !asked.is_empty()) {
        Some(revision) if revision != function.revision(now) => Err(stale("GetFunction/GetAlias")),
        _ => Ok(()),
    }
}
