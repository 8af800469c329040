//! A plan in a file: its steps and its place, with the packages, so that `up FILE` does exactly that.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use provision_engine::fault::Code;
use provision_engine::package::Package;
use provision_engine::plan::{Plan, Step};
use provision_engine::resource::Kinds;
use provision_engine::selection::Selection;
use provision_engine::target::Target;
use provision_package::Prepared;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::options::{Config, DeployOptions};

const SCHEMA: u32 = 2;

/// A saved plan. Holds names and numbers of the account, and no secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SavedPlan {
    schema: u32,
    /// The program's version; another one may observe differently.
    version: String,
    stack: String,
    /// `--env`.
    pub(crate) env: Option<String>,
    /// `--local`.
    pub(crate) local: bool,
    account: String,
    /// The region.
    pub(crate) region: String,
    endpoint: Option<String>,
    /// Options of the deployment.
    pub(crate) options: DeployOptions,
    /// The part of the plan that was selected.
    pub(crate) selection: Selection,
    /// The steps.
    steps: Value,
    packages: Vec<SavedPackage>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct SavedPackage {
    assets: Vec<String>,
    /// Base64 of the zip.
    zip: String,
}

impl SavedPlan {
    /// Takes `plan` with its packages.
    pub(crate) fn new(
        plan: &Plan,
        prepared: &[Prepared],
        options: &DeployOptions,
        selection: &Selection,
        config: &Config,
    ) -> Result<Self> {
        let target = &plan.target;
        let packages = prepared.iter().map(|prepared| SavedPackage {
            assets: prepared.assets.clone(),
            zip: STANDARD.encode(&prepared.package.zip),
        });
        Ok(Self {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            stack: plan.stack.clone(),
            env: config.env.clone(),
            local: config.local,
            account: target.account.clone(),
            region: target.region.clone(),
            // The local AWS may be given another port.
            endpoint: target.endpoint.clone().filter(|_| !config.local),
            options: options.clone(),
            selection: selection.clone(),
            steps: serde_json::to_value(&plan.steps)?,
            packages: packages.collect(),
        })
    }

    /// Sets the environment and the region that the plan is for.
    ///
    /// # Errors
    ///
    /// `Code::PlanElsewhere` if others were given.
    pub(crate) fn apply_to(&self, config: &mut Config) -> Result<()> {
        let region = &mut config.connection.region;
        ensure!(
            config.env.is_none() || config.env == self.env,
            Code::PlanElsewhere.fault(format!(
                "the plan is not for `--env {}`",
                config.env.as_deref().unwrap_or_default()
            ))
        );
        ensure!(
            region.is_none() || region.as_ref() == Some(&self.region),
            Code::PlanElsewhere.fault(format!("the plan is for region {}", self.region))
        );
        config.env.clone_from(&self.env);
        *region = Some(self.region.clone());
        config.local |= self.local;
        Ok(())
    }

    /// Writes the plan.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let doing = || format!("writing the plan to `{}`", path.display());
        let text = serde_json::to_vec(self).with_context(doing)?;
        std::fs::write(path, text).with_context(doing)
    }

    /// Reads a plan.
    ///
    /// # Errors
    ///
    /// `Code::NoPlanFile` if it is none, or of another version.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let doing = || format!("reading the plan `{}`", path.display());
        let text = std::fs::read(path).with_context(doing)?;
        let not_one = || Code::NoPlanFile.fault("it was not written by `provision plan --out`");
        let saved: Value = serde_json::from_slice(&text)
            .with_context(not_one)
            .with_context(doing)?;
        let here = env!("CARGO_PKG_VERSION");
        let version = saved["version"].as_str().unwrap_or(here);
        ensure!(
            version == here
                && saved["schema"]
                    .as_u64()
                    .is_none_or(|schema| schema == u64::from(SCHEMA)),
            Code::NoPlanFile.fault(format!(
                "the plan `{}` was made by version {version} of this program, which is {here}",
                path.display(),
            ))
        );
        serde_json::from_value(saved)
            .with_context(not_one)
            .with_context(doing)
    }

    /// The packages.
    ///
    /// # Errors
    ///
    /// `Code::NoPlanFile` if the file is damaged.
    pub(crate) fn packages(&self) -> Result<Vec<Prepared>> {
        let packages = self.packages.iter().map(|saved| {
            let zip = STANDARD.decode(&saved.zip);
            let zip =
                zip.with_context(|| Code::NoPlanFile.fault("a package in the plan is damaged"))?;
            Ok(Prepared {
                assets: saved.assets.clone(),
                package: Arc::new(Package::new(zip)),
                binary: None,
            })
        });
        packages.collect()
    }

    /// Returns an error unless `plan`, made just now, is the saved one in the saved place.
    ///
    /// # Errors
    ///
    /// `Code::PlanElsewhere` or `Code::PlanMoved`.
    pub(crate) fn check(&self, plan: &Plan, kinds: &Kinds) -> Result<()> {
        let Target {
            account,
            region,
            endpoint,
            ..
        } = &plan.target;
        let is_here = *account == self.account
            && *region == self.region
            && (self.local || *endpoint == self.endpoint);
        ensure!(
            is_here && plan.stack == self.stack,
            Code::PlanElsewhere.fault(format!(
                "the plan is for `{}` in account {}, {}, and this is `{}` in account {account}, {region}",
                self.stack, self.account, self.region, plan.stack
            ))
        );
        let saved = Step::read_all(&self.steps, kinds)?;
        let moved = moved(&saved, &plan.steps);
        if moved.is_empty() {
            return Ok(());
        }
        let labels: Vec<String> = plan
            .steps
            .iter()
            .filter(|step| moved.contains(&step.id))
            .map(|step| step.resource.label())
            .collect();
        let changed = if labels.is_empty() {
            "a resource of the plan is gone".to_owned()
        } else {
            labels.join(", ")
        };
        bail!(Code::PlanMoved.fault(format!(
            "the account has moved since the plan was made: {changed}; nothing was changed"
        )))
    }
}

/// The ids of the steps that differ.
fn moved(before: &[Step], now: &[Step]) -> BTreeSet<String> {
    let only = |ours: &[Step], theirs: &[Step]| -> Vec<String> {
        let is_there = |step: &Step| theirs.iter().any(|other| is_same(step, other));
        let missing = ours.iter().filter(|step| !is_there(step));
        missing.map(|step| step.id.clone()).collect()
    };
    let mut moved = only(before, now);
    moved.extend(only(now, before));
    moved.into_iter().collect()
}

/// Returns true if two steps do the same to the same resource. Whether AWS has finished with it passes by itself, and a kept resource
/// only has to be there as it was.
fn is_same(one: &Step, other: &Step) -> bool {
    let found = |step: &Step| {
        let observed = step.observed()?;
        Some((
            observed.state.clone(),
            observed.output.clone(),
            observed.ownership.clone(),
        ))
    };
    one.id == other.id
        && one.after == other.after
        && one.action.word() == other.action.word()
        && one.is_drift() == other.is_drift()
        && one.along_with() == other.along_with()
        && found(one) == found(other)
        && (one.is_kept() || (one.resource == other.resource && one.changes() == other.changes()))
}
