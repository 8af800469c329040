//! A plan in a file: what was planned and for which place, with the very package, so that `up FILE` does exactly that.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::artifact::Artifact;
use crate::config::{Config, Making};
use crate::fault::Code;
use crate::plan::{Action, Plan};
use crate::selection::Selection;
use crate::target::Target;

const SCHEMA: u32 = 1;

/// Holds names and numbers of the account, and no secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SavedPlan {
    schema: u32,
    /// The tool's, which may observe otherwise in another version.
    version: String,
    pub env: Option<String>,
    pub local: bool,
    account: String,
    pub region: String,
    endpoint: Option<String>,
    pub making: Making,
    pub selection: Selection,
    /// The steps as data.
    steps: Value,
    /// Base64 of the zip.
    package: String,
}

impl SavedPlan {
    pub fn new(
        plan: &Plan,
        artifact: &Artifact,
        making: &Making,
        selection: &Selection,
        config: &Config,
    ) -> Result<Self> {
        let target = &plan.target;
        Ok(Self {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            env: config.env.clone(),
            local: config.local,
            account: target.account.clone(),
            region: target.region.clone(),
            // The local AWS may be given another port.
            endpoint: target.endpoint.clone().filter(|_| !config.local),
            making: making.clone(),
            selection: selection.clone(),
            steps: comparable(plan)?,
            package: STANDARD.encode(&artifact.zip),
        })
    }

    pub fn write(&self, path: &Path) -> Result<()> {
        let doing = || format!("writing the plan to `{}`", path.display());
        let text = serde_json::to_vec(self).with_context(doing)?;
        std::fs::write(path, text).with_context(doing)
    }

    pub fn read(path: &Path) -> Result<Self> {
        let doing = || format!("reading the plan `{}`", path.display());
        let text = std::fs::read(path).with_context(doing)?;
        let saved: Self = serde_json::from_slice(&text)
            .with_context(|| Code::NoPlanFile.fault("it is not one of `provision plan --out`"))
            .with_context(doing)?;
        let here = env!("CARGO_PKG_VERSION");
        ensure!(
            saved.schema == SCHEMA && saved.version == here,
            Code::NoPlanFile.fault(format!(
                "the plan `{}` was made by version {} of this program, which is {here}",
                path.display(),
                saved.version
            ))
        );
        Ok(saved)
    }

    pub fn artifact(&self) -> Result<Artifact> {
        let zip = STANDARD
            .decode(&self.package)
            .with_context(|| Code::NoPlanFile.fault("the plan's package is damaged"))?;
        Ok(Artifact::from_zip(zip))
    }

    /// Refuses unless `plan`, made just now, is the saved one in the saved place.
    pub fn check(&self, plan: &Plan) -> Result<()> {
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
            is_here,
            Code::PlanElsewhere.fault(format!(
                "the plan is for account {} in {}, and this is account {account} in {region}",
                self.account, self.region
            ))
        );
        let moved = moved(&self.steps, &comparable(plan)?);
        if moved.is_empty() {
            return Ok(());
        }
        let names: Vec<String> = plan
            .steps
            .iter()
            .filter(|step| moved.contains(&step.id))
            .map(|step| format!("{} `{}`", step.resource.noun(), step.resource.name()))
            .collect();
        let what = if names.is_empty() {
            "what was there is gone".to_owned()
        } else {
            names.join(", ")
        };
        bail!(Code::PlanMoved.fault(format!(
            "the account has moved since the plan was made: {what}; nothing was changed"
        )))
    }
}

/// The steps without what passes by itself.
fn comparable(plan: &Plan) -> Result<Value> {
    let mut steps = serde_json::to_value(&plan.steps)?;
    for step in steps.as_array_mut().into_iter().flatten() {
        if let Some(observed) = step["observed"].as_object_mut() {
            observed.remove("settled");
        }
        // What is kept only has to be there.
        if step["action"] == serde_json::to_value(Action::Keep)? {
            step["resource"].take();
        }
    }
    Ok(steps)
}

/// The ids of the steps that differ.
fn moved(before: &Value, now: &Value) -> BTreeSet<String> {
    let steps = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let (before, now) = (steps(before), steps(now));
    let only = |ours: &[Value], theirs: &[Value]| -> Vec<String> {
        ours.iter()
            .filter(|step| !theirs.contains(step))
            .map(|step| step["id"].as_str().unwrap_or_default().to_owned())
            .collect()
    };
    let mut moved = only(&before, &now);
    moved.extend(only(&now, &before));
    moved.into_iter().collect()
}
