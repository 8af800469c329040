//! Gathering a record while the run goes on.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use anyhow::{Result, ensure};
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use serde_json::{Map, Value};
use tokio::task::JoinHandle;

use super::commit::commit;
use super::timeline::milliseconds;
use super::{Fields, Package, Record, Runs, Timeline};
use crate::diagnostics::Diagnostic;
use crate::exit::Exit;
use crate::paint::Paint;
use crate::ui::console::Console;
use crate::ui::render;
use provision_engine::execute::Report;
use provision_engine::fault::Code;
use provision_engine::plan::{Action, Plan};
use provision_package::{Fingerprint, Prepared};

/// The record in the making.
#[derive(Debug)]
pub(crate) struct Recorder {
    folder: PathBuf,
    /// The file for the page about the run, if one is wanted.
    page: Option<PathBuf>,
    started: SystemTime,
    timeline: Timeline,
    commit: JoinHandle<Option<String>>,
    record: Mutex<Record>,
}

impl Recorder {
    /// Begins, unless the page that is asked for could not be written.
    pub(crate) fn begin(runs: &Runs, stack: String, page: Option<&Path>) -> Result<Self> {
        if let Some(page) = page {
            let folder = page.parent().filter(|folder| *folder != Path::new(""));
            ensure!(
                folder.is_none_or(Path::is_dir) && !page.is_dir(),
                Code::File
                    .fault(format!("`--report {}` cannot be written", page.display()))
                    .remedy("a file in a folder that exists")
            );
        }
        Ok(Self {
            folder: runs.folder.clone(),
            page: page.map(Path::to_owned),
            started: SystemTime::now(),
            timeline: Timeline::begin(),
            commit: tokio::spawn(commit()),
            record: Mutex::new(Record {
                schema: 1,
                command: runs.command.clone(),
                started: String::new(),
                elapsed_ms: 0.0,
                version: env!("CARGO_PKG_VERSION").to_owned(),
                commit: None,
                stack,
                exit_code: 0,
                plan: None,
                fields: std::collections::BTreeMap::new(),
                timeline: Vec::new(),
                packages: Vec::new(),
                outputs: Map::new(),
                errors: Vec::new(),
            }),
        })
    }

    pub(crate) fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// Records the plan before it is executed.
    pub(crate) fn planned(&self, plan: &Plan) {
        let mut record = self.record();
        record.plan = Some(render::plan_json(plan, None));
        for step in &plan.steps {
            let before = step.observed().map(|found| found.state.clone());
            let is_deleted = matches!(step.action, Action::Delete { .. });
            let after = (!is_deleted).then(|| step.resource.fields());
            record.fields.insert(
                step.id.clone(),
                Fields {
                    before: before.unwrap_or_default(),
                    after: after.unwrap_or_default(),
                },
            );
        }
    }

    /// Adds the packages that were built.
    pub(crate) fn packaged(&self, prepared: &[Prepared]) {
        let packages = prepared.iter().map(|prepared| Package {
            assets: prepared.assets.clone(),
            binary: prepared.binary.clone(),
            zip: Fingerprint::of(&prepared.package.zip),
            code_sha256: prepared.package.sha256.0.clone(),
        });
        self.record().packages = packages.collect();
    }

    /// Records the outcome of the plan and the errors that were printed.
    pub(crate) fn carried_out(
        &self,
        plan: &Plan,
        report: &Report,
        outputs: Map<String, Value>,
        errors: &[anyhow::Error],
    ) {
        let mut record = self.record();
        record.plan = Some(render::plan_json(plan, Some(report)));
        for fields in record.fields.values_mut() {
            fields.after = report.outputs.resolve(&fields.after);
        }
        record.outputs = outputs;
        let errors = report.failures.iter().chain(errors);
        record.errors.extend(errors.map(diagnostic));
    }

    /// Writes the record of a run that ended with `outcome`. Returns it with the file for its page, if one is wanted.
    pub(crate) async fn end(
        self,
        outcome: &Result<Exit>,
        console: &Console,
    ) -> Option<(PathBuf, Record)> {
        let elapsed = self.timeline.began().elapsed();
        let mut record = self
            .record
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        record.elapsed_ms = milliseconds(elapsed);
        record.started = DateTime::from(self.started)
            .fmt(Format::DateTime)
            .unwrap_or_default();
        record.commit = self.commit.await.ok().flatten();
        record.timeline = self.timeline.entries();
        record.exit_code = Exit::of(outcome).code();
        if let Err(error) = outcome {
            record.errors.push(diagnostic(error));
        }
        if let Err(error) = record.write(&self.folder) {
            console.say(&format!("This run is not on record: {error:#}"));
        }
        self.page.map(|page| (page, record))
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn diagnostic(error: &anyhow::Error) -> String {
    Diagnostic::of(error).text(Paint(false))
}
